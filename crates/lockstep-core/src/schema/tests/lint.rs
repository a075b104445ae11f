use serde_json::{Value, json};

use super::{fixture_snapshot, read, snapshot_of, vendor_snapshot};
use crate::schema::{Severity, Snapshot, lint};

/// Two sound collections `a` and `b`, and what is done to them.
fn findings(edit: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut value = snapshot_of(&["a", "b"]).to_value();
    edit(&mut value);
    let found = lint(&Snapshot::from_value(value).unwrap());
    let tell = |it: &crate::schema::Finding| {
        let severity = if it.severity == Severity::Error { "error" } else { "warning" };
        assert!(!it.hint.is_empty());
        format!("{severity} {} {}: {}", it.code, it.name, it.message)
    };
    found.iter().map(tell).collect()
}

fn alias(field: &str, group: Value) -> Value {
    json!({"collection": "a", "field": field, "type": "alias", "meta": {"group": group}})
}

fn add(value: &mut Value, list: &str, items: &[Value]) {
    value[list].as_array_mut().unwrap().extend(items.iter().cloned());
}

fn relation(collection: &str, field: &str, related: Value, meta: Value, schema: Value) -> Value {
    json!({"collection": collection, "field": field, "related_collection": related, "meta": meta, "schema": schema})
}

#[test]
fn each_fault_is_told_and_nothing_else() {
    type Edit = fn(&mut Value);
    assert!(findings(|_| {}).is_empty());
    let cases: Vec<(Edit, &[&str])> = vec![
        (
            |it| it["collections"][0]["meta"]["group"] = json!("c"),
            &["error group-missing a: its group c does not exist"],
        ),
        (
            |it| {
                it["collections"][0]["meta"]["group"] = json!("b");
                it["collections"][1]["meta"]["group"] = json!("a");
            },
            &[
                "error group-circle a: it is its own group: a in b in a",
                "error group-circle b: it is its own group: b in a in b",
            ],
        ),
        (
            |it| it["fields"][0]["schema"]["is_primary_key"] = json!(false),
            &["error primary-key-missing a: it has no primary key"],
        ),
        (
            |it| {
                let mut second = it["fields"][0].clone();
                second["field"] = json!("code");
                add(it, "fields", &[second]);
            },
            &["error primary-key-twice a: it has 2 primary keys"],
        ),
        (
            |it| it["collections"][0]["schema"] = Value::Null,
            &["error folder-with-columns a: it is a folder, and has fields with columns"],
        ),
        (
            |it| add(it, "fields", &[json!({"collection": "c", "field": "x", "type": "alias"})]),
            &["error collection-missing c.x: its collection c is not described"],
        ),
        (
            |it| add(it, "fields", &[alias("x", json!("nothing"))]),
            &["error field-group-missing a.x: its group nothing does not exist"],
        ),
        (
            |it| add(it, "fields", &[alias("x", json!("y")), alias("y", json!("x")), alias("z", json!("y"))]),
            &[
                "error field-group-circle a.x: it is its own group: x in y in x",
                "error field-group-circle a.y: it is its own group: y in x in y",
            ],
        ),
        (
            |it| {
                let field =
                    json!({"collection": "a", "field": "x", "type": "alias", "schema": {"name": "x"}});
                add(it, "fields", &[field]);
            },
            &["error alias-with-column a.x: it is an alias, and has a column"],
        ),
        (
            |it| add(it, "relations", &[relation("c", "x", json!("a"), Value::Null, Value::Null)]),
            &["error collection-missing c.x: its collection c is not described"],
        ),
        (
            |it| add(it, "relations", &[relation("a", "x", json!("b"), Value::Null, Value::Null)]),
            &["error relation-without-field a.x: its field is not described"],
        ),
        (
            |it| {
                let column =
                    json!({"collection": "a", "field": "x", "type": "integer", "schema": {"name": "x"}});
                add(it, "fields", &[column]);
                add(it, "relations", &[relation("a", "x", json!("c"), Value::Null, json!({"table": "a"}))]);
            },
            &["error relation-to-nothing a.x: it points to c, which does not exist"],
        ),
        (
            |it| {
                add(it, "fields", &[alias("x", Value::Null)]);
                let meta = json!({"one_allowed_collections": ["b", "d", "c", "directus_users"]});
                add(it, "relations", &[relation("a", "x", Value::Null, meta, Value::Null)]);
            },
            &["warning relation-to-nothing a.x: it allows c, d, which does not exist"],
        ),
        (
            |it| {
                add(it, "fields", &[alias("x", Value::Null)]);
                add(
                    it,
                    "relations",
                    &[relation("a", "x", json!("b"), json!({"one_field": "as"}), Value::Null)],
                );
            },
            &[
                "warning relation-without-one-field a.x: b.as, where it is shown on the other side, is not described",
            ],
        ),
        (
            |it| add(it, "relations", &[relation("a", "id", json!("b"), Value::Null, json!({"table": "a"}))]),
            &[
                "warning primary-key-refers a.id: its field is the primary key, which Directus refuses as a foreign key",
            ],
        ),
    ];
    for (edit, expected) in cases {
        assert_eq!(findings(edit), expected);
    }
    let to_system = relation("a", "id", json!("directus_users"), Value::Null, Value::Null);
    assert!(findings(|it| add(it, "relations", &[to_system])).is_empty(), "system collections are there");
}

#[test]
fn errors_come_first_and_then_names() {
    let found = findings(|it| {
        add(it, "relations", &[relation("a", "id", json!("b"), Value::Null, json!({"table": "a"}))]);
        it["collections"][1]["meta"]["group"] = json!("c");
    });
    let codes: Vec<&str> = found.iter().map(|it| it.split(' ').nth(1).unwrap()).collect();
    assert_eq!(codes, ["group-missing", "primary-key-refers"]);
}

/// Old versions list tables of other programs, and those may have no key.
#[test]
fn nothing_is_asked_of_an_untracked_table() {
    let found = findings(|it| {
        it["collections"][0]["meta"] = Value::Null;
        it["fields"][0]["schema"]["is_primary_key"] = json!(false);
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn schemas_of_real_servers_have_no_faults() {
    for name in ["v11-current", "v11-desired", "v12-current", "v12-desired"] {
        assert_eq!(lint(&fixture_snapshot(name)), [], "{name}");
    }
    for name in ["sa-10.13.1", "sb-10.13.1"] {
        let snapshot = Snapshot::from_value(read(&format!("schema-hash/{name}"))).unwrap();
        assert_eq!(lint(&snapshot), [], "{name}");
    }
    for name in super::VENDORS {
        assert_eq!(lint(&vendor_snapshot(name)), [], "{name}");
    }
}
