//! Random changes of a real snapshot that a server still accepts as one.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Changes a snapshot in a few places; the same seed makes the same changes.
pub(crate) fn mutate(snapshot: &Value, rng: &mut Rng) -> Value {
    let mut mutated = snapshot.clone();
    for _ in 0..rng.usize(1..6) {
        change(&mut mutated, rng);
    }
    mutated
}

/// Changes that a server can also carry out: collections and fields come and go, metadata changes.
pub(crate) fn mutate_applicably(snapshot: &Value, rng: &mut Rng) -> Value {
    let mut mutated = snapshot.clone();
    for _ in 0..rng.usize(1..4) {
        match rng.u8(0..4) {
            0 => add_collection(&mut mutated, rng),
            1 => drop_plain_field(&mut mutated, rng),
            2 => {
                if let Some(meta) = pick(list(&mut mutated, "fields"), rng)
                    .and_then(|item| item.get_mut("meta")?.as_object_mut())
                {
                    meta.insert("note".to_owned(), json!(word(rng)));
                }
            }
            _ => {
                if let Some(meta) = pick(list(&mut mutated, "collections"), rng)
                    .and_then(|item| item.get_mut("meta")?.as_object_mut())
                {
                    meta.insert(
                        "translations".to_owned(),
                        json!([{"language": "de-DE", "translation": word(rng)}]),
                    );
                }
            }
        }
    }
    mutated
}

fn change(snapshot: &mut Value, rng: &mut Rng) {
    match rng.u8(0..17) {
        0 => drop_collection(snapshot, rng),
        1 => drop(snapshot, "fields", rng),
        2 => drop(snapshot, "relations", rng),
        3 => add_collection(snapshot, rng),
        4..=6 => change_meta(snapshot, "fields", rng),
        7 => change_meta(snapshot, "collections", rng),
        8 => change_meta(snapshot, "relations", rng),
        9 => change_column(snapshot, rng),
        10 => become_alias(snapshot, rng),
        11 => change_array(snapshot, rng),
        12 => change_relation(snapshot, rng),
        13 => {
            let name = ["collections", "fields", "relations"][rng.usize(0..3)];
            rng.shuffle(list(snapshot, name));
        }
        14 => change_system_fields(snapshot, rng),
        15 => without_a_part(snapshot, rng),
        _ => odd_property(snapshot, rng),
    }
}

fn list<'a>(snapshot: &'a mut Value, name: &str) -> &'a mut Vec<Value> {
    snapshot[name].as_array_mut().unwrap()
}

fn pick<'a>(list: &'a mut [Value], rng: &mut Rng) -> Option<&'a mut Value> {
    let count = list.len();
    if count == 0 { None } else { list.get_mut(rng.usize(0..count)) }
}

fn drop(snapshot: &mut Value, name: &str, rng: &mut Rng) {
    let list = list(snapshot, name);
    if !list.is_empty() {
        let place = rng.usize(0..list.len());
        list.remove(place);
    }
}

fn drop_collection(snapshot: &mut Value, rng: &mut Rng) {
    let Some(name) = pick(list(snapshot, "collections"), rng).map(|item| item["collection"].clone()) else {
        return;
    };
    list(snapshot, "collections").retain(|item| item["collection"] != name);
    // Some snapshots still describe fields of what they do not have.
    if rng.bool() {
        for name_of_list in ["fields", "relations"] {
            list(snapshot, name_of_list).retain(|item| item["collection"] != name);
        }
    }
}

/// A field that no relation and no key depends on.
fn drop_plain_field(snapshot: &mut Value, rng: &mut Rng) {
    let related: Vec<(Value, Value)> = list(snapshot, "relations")
        .iter()
        .map(|item| (item["collection"].clone(), item["field"].clone()))
        .collect();
    let fields = list(snapshot, "fields");
    let plain: Vec<usize> = fields
        .iter()
        .enumerate()
        .filter(|(_, item)| {
            item["schema"]["is_primary_key"] == json!(false)
                && !related.contains(&(item["collection"].clone(), item["field"].clone()))
        })
        .map(|(place, _)| place)
        .collect();
    if !plain.is_empty() {
        fields.remove(plain[rng.usize(0..plain.len())]);
    }
}

/// A new collection like one that is there, without its relations.
fn add_collection(snapshot: &mut Value, rng: &mut Rng) {
    let name = format!("new_{}", rng.u32(..));
    let Some(model) = pick(list(snapshot, "collections"), rng).cloned() else { return };
    let old = model["collection"].clone();
    let renamed = |item: &Value| {
        let mut item = item.clone();
        item["collection"] = json!(name);
        let is_field = item.get("field").is_some();
        if let Some(meta) = item["meta"].as_object_mut() {
            meta.insert("collection".to_owned(), json!(name));
            if meta.contains_key("group") && !is_field {
                meta.insert("group".to_owned(), Value::Null);
            }
        }
        let holder = if is_field { "table" } else { "name" };
        if let Some(schema) = item.get_mut("schema").and_then(Value::as_object_mut) {
            schema.insert(holder.to_owned(), json!(name));
            for key in ["foreign_key_table", "foreign_key_column"] {
                if schema.contains_key(key) {
                    schema.insert(key.to_owned(), Value::Null);
                }
            }
        }
        item
    };
    let fields: Vec<Value> =
        list(snapshot, "fields").iter().filter(|item| item["collection"] == old).map(renamed).collect();
    let aliases = |item: &Value| item["type"] == "alias";
    list(snapshot, "fields").extend(fields.into_iter().filter(|item| !aliases(item)));
    list(snapshot, "collections").push(renamed(&model));
}

fn change_meta(snapshot: &mut Value, name: &str, rng: &mut Rng) {
    let value = any_value(rng, 3);
    let Some(meta) = pick(list(snapshot, name), rng).and_then(|item| item.get_mut("meta")?.as_object_mut())
    else {
        return;
    };
    match rng.u8(0..4) {
        0 => {
            meta.insert(word(rng), value);
        }
        1 if !meta.is_empty() => {
            let key = meta.keys().nth(rng.usize(0..meta.len())).cloned().unwrap();
            meta.shift_remove(&key);
        }
        2 => {
            let mut options = meta.get("options").and_then(Value::as_object).cloned().unwrap_or_default();
            options.insert(word(rng), value);
            meta.insert("options".to_owned(), Value::Object(options));
        }
        _ if !meta.is_empty() => {
            let key = meta.keys().nth(rng.usize(0..meta.len())).cloned().unwrap();
            meta.insert(key, value);
        }
        _ => {}
    }
}

fn change_column(snapshot: &mut Value, rng: &mut Rng) {
    let Some(schema) =
        pick(list(snapshot, "fields"), rng).and_then(|item| item.get_mut("schema")?.as_object_mut())
    else {
        return;
    };
    let (key, value) = match rng.u8(0..7) {
        0 => ("max_length", json!(rng.u8(..))),
        1 => ("is_nullable", json!(rng.bool())),
        2 => ("default_value", any_value(rng, 2)),
        3 => ("is_unique", json!(rng.bool())),
        4 => ("is_indexed", json!(rng.bool())),
        5 => ("data_type", json!(["varchar", "text", "integer"][rng.usize(0..3)])),
        _ => ("comment", json!("never compared")),
    };
    if rng.u8(0..5) == 0 {
        schema.shift_remove(key);
    } else {
        schema.insert(key.to_owned(), value);
    }
}

fn become_alias(snapshot: &mut Value, rng: &mut Rng) {
    let Some(field) = pick(list(snapshot, "fields"), rng).and_then(Value::as_object_mut) else { return };
    if field["type"] == "alias" {
        field.insert("type".to_owned(), json!("string"));
        field.insert(
            "schema".to_owned(),
            json!({"name": field["field"], "data_type": "varchar", "is_nullable": true}),
        );
    } else {
        field.insert("type".to_owned(), json!("alias"));
        field.shift_remove("schema");
    }
}

fn change_array(snapshot: &mut Value, rng: &mut Rng) {
    let items: Vec<Value> = (0..rng.usize(0..5)).map(|_| any_value(rng, 2)).collect();
    if let Some(meta) =
        pick(list(snapshot, "fields"), rng).and_then(|item| item.get_mut("meta")?.as_object_mut())
    {
        meta.insert("special".to_owned(), Value::Array(items));
    }
}

fn change_relation(snapshot: &mut Value, rng: &mut Rng) {
    let Some(relation) = pick(list(snapshot, "relations"), rng).and_then(Value::as_object_mut) else {
        return;
    };
    match rng.u8(0..4) {
        0 => {
            relation.shift_remove("schema");
        }
        1 => {
            relation.insert(
                "related_collection".to_owned(),
                if rng.bool() { Value::Null } else { json!("elsewhere") },
            );
        }
        2 => {
            let schema = if rng.bool() {
                Value::Null
            } else {
                json!({"table": word(rng), "on_delete": any_value(rng, 2)})
            };
            relation.insert("schema".to_owned(), schema);
        }
        _ => {
            if let Some(schema) = relation.get_mut("schema").and_then(Value::as_object_mut) {
                schema.insert("on_delete".to_owned(), json!("CASCADE"));
                schema.insert("constraint_name".to_owned(), json!(word(rng)));
            }
        }
    }
}

/// Only versions from 11.13 on have them.
fn change_system_fields(snapshot: &mut Value, rng: &mut Rng) {
    let Some(fields) = snapshot.get_mut("systemFields").and_then(Value::as_array_mut) else { return };
    if rng.bool() && !fields.is_empty() {
        let place = rng.usize(0..fields.len());
        fields.remove(place);
    } else {
        let indexed = rng.u8(0..4) > 0;
        fields.push(
            json!({"collection": "directus_users", "field": word(rng), "schema": {"is_indexed": indexed}}),
        );
    }
}

fn without_a_part(snapshot: &mut Value, rng: &mut Rng) {
    let name = ["collections", "fields", "relations"][rng.usize(0..3)];
    let Some(item) = pick(list(snapshot, name), rng).and_then(Value::as_object_mut) else { return };
    match (name, rng.u8(0..3)) {
        (_, 0) => {
            item.insert("meta".to_owned(), Value::Null);
        }
        (_, 1) => {
            item.shift_remove("meta");
        }
        ("fields", _) => {
            item.insert("schema".to_owned(), Value::Null);
        }
        _ => {
            item.shift_remove("schema");
        }
    }
}

fn odd_property(snapshot: &mut Value, rng: &mut Rng) {
    let Some(meta) =
        pick(list(snapshot, "fields"), rng).and_then(|item| item.get_mut("meta")?.as_object_mut())
    else {
        return;
    };
    let odd = [
        json!({"10": 1, "9": {"2": "b", "1": "a"}, "z": null}),
        json!({"": "empty", "é😀": [1.5, -0.0, 1e21, 1e-7]}),
        json!([[], [[]], {}, [{}]]),
        json!("line\nbreak \" ' \\ \u{2028}"),
        json!(9_007_199_254_740_993_u64),
    ];
    let key = ["options", "display_options", "sort", "conditions"][rng.usize(0..4)];
    meta.insert(key.to_owned(), odd[rng.usize(0..odd.len())].clone());
}

fn any_value(rng: &mut Rng, depth: u8) -> Value {
    match rng.u8(0..if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(rng.i16(..)),
        3 => json!(f64::from(rng.i16(..)) / 8.0),
        4 => json!(word(rng)),
        5 => (0..rng.usize(0..4)).map(|_| any_value(rng, depth - 1)).collect(),
        _ => Value::Object(
            (0..rng.usize(0..4)).map(|_| (word(rng), any_value(rng, depth - 1))).collect::<Map<_, _>>(),
        ),
    }
}

/// Few different words, so that the same key is met again.
fn word(rng: &mut Rng) -> String {
    ["a", "b", "c", "1", "20", "ä", "icon", "note", "width"][rng.usize(0..9)].to_owned()
}
