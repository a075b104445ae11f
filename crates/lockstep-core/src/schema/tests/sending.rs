use proptest::prelude::*;
use serde_json::{Value, json};

use super::native::{meta, with_field};
use crate::schema::{Mode, Scope, Snapshot, adapt, diff};

/// What is sent of the differences between two fields, and what is not.
fn sent(current: &Snapshot, desired: &Snapshot) -> (Value, Vec<String>) {
    let found = diff(current, desired, Mode::Mirror).unwrap().unwrap();
    let (safe, untellable) = found.for_sending(current, desired);
    let nested = safe.to_value().pointer("/diff/fields/0/diff").cloned().unwrap_or_default();
    (nested, untellable)
}

fn sent_of(directus: &str, before: Value, after: Value) -> Value {
    let (nested, untellable) = sent(&with_field(directus, before), &with_field(directus, after));
    assert!(untellable.is_empty(), "{untellable:?}");
    nested
}

fn edit(path: Value, lhs: Value, rhs: Value) -> Value {
    json!({"kind": "E", "path": path, "lhs": lhs, "rhs": rhs})
}

#[test]
fn what_comes_or_goes_inside_metadata_is_sent_as_whole_values() {
    let before = json!({"meta": {"options": {"a": 1, "b": {"c": 2}}, "special": ["x", "y"], "note": "n", "width": "half"}});
    let after = json!({"meta": {"options": {"a": 2, "b": {}, "d": 3}, "special": ["x"], "note": "m", "width": "half"}});
    assert_eq!(
        sent_of("11.17.4", before, after),
        json!([
            edit(
                json!(["meta", "options"]),
                json!({"a": 1, "b": {"c": 2}}),
                json!({"a": 2, "b": {}, "d": 3})
            ),
            edit(json!(["meta", "special"]), json!(["x", "y"]), json!(["x"])),
            edit(json!(["meta", "note"]), json!("n"), json!("m")),
        ])
    );
}

#[test]
fn keys_of_metadata_that_come_or_go_are_edits_from_and_to_null() {
    let before = json!({"meta": {"note": "n"}});
    let after = json!({"meta": {"width": "half"}});
    assert_eq!(
        sent_of("10.13.1", before.clone(), after.clone()),
        json!([
            edit(json!(["meta", "note"]), json!("n"), json!(null)),
            edit(json!(["meta", "width"]), json!(null), json!("half")),
        ])
    );
    assert_eq!(
        sent_of("12.4.0", before.clone(), after.clone()),
        json!([edit(json!(["meta"]), before["meta"].clone(), after["meta"].clone())]),
        "it is whole already"
    );
}

#[test]
fn an_entry_begins_with_an_edit() {
    let before = json!({"type": "string", "schema": {"name": "title", "max_length": 9}});
    let after = json!({"type": "text", "schema": {"name": "title", "is_unique": true}});
    assert_eq!(
        sent_of("11.17.4", before, after),
        json!([
            edit(json!(["type"]), json!("string"), json!("text")),
            {"kind": "D", "path": ["schema", "max_length"], "lhs": 9},
            {"kind": "N", "path": ["schema", "is_unique"], "rhs": true},
        ])
    );
    let before = json!({"schema": {"name": "title", "max_length": 9}, "meta": {"special": ["a"]}});
    let after = json!({"schema": {"name": "title"}, "meta": {"special": ["a", "b"]}});
    assert_eq!(
        sent_of("11.17.4", before, after)[0],
        edit(json!(["meta", "special"]), json!(["a"]), json!(["a", "b"]))
    );
}

#[test]
fn what_cannot_be_told_safely_is_named_and_not_sent() {
    let cases = [
        (json!({"schema": {"name": "title"}}), json!({}), "a column that goes"),
        (json!({}), json!({"schema": {"name": "title"}}), "a column that comes"),
        (json!({"meta": {"note": "n"}}), json!({}), "metadata that goes"),
        (
            json!({"schema": {"name": "t"}}),
            json!({"schema": {"name": "t", "is_unique": true}}),
            "a property that comes",
        ),
    ];
    for (before, after, told) in cases {
        let (current, desired) = (with_field("11.17.4", before), with_field("11.17.4", after));
        let (nested, untellable) = sent(&current, &desired);
        assert_eq!((nested, untellable), (Value::Null, vec!["posts.title".to_owned()]), "{told}");
    }
}

#[test]
fn whole_items_are_sent_as_they_are() {
    let (current, desired) = (super::snapshot_of(&["a", "b"]), super::snapshot_of(&["b", "c"]));
    let found = diff(&current, &desired, Mode::Mirror).unwrap().unwrap();
    assert_eq!(found.for_sending(&current, &desired), (found, Vec::new()));
}

#[test]
fn a_default_with_quotes_is_sent_as_it_was_meant() {
    let column = |length: u32, default: &str| json!({"schema": {"name": "title", "max_length": length, "default_value": default}});
    let default = |lhs: &str, rhs: &str| edit(json!(["schema", "default_value"]), json!(lhs), json!(rhs));
    let length = || edit(json!(["schema", "max_length"]), json!(255), json!(100));
    assert_eq!(sent_of("11.17.4", column(9, "old"), column(9, "it''s")), json!([default("old", "it's")]));
    assert_eq!(
        sent_of("11.17.4", column(255, "it''s"), column(100, "it''s")),
        json!([length(), default("it''s", "it's")]),
        "once more, as the column is altered"
    );
    assert_eq!(sent_of("11.17.4", column(255, "its"), column(100, "its")), json!([length()]));

    let with_note = |note: &str| {
        let mut field = column(9, "it''s");
        field["meta"] = json!({"note": note});
        field
    };
    assert_eq!(
        sent_of("11.17.4", with_note("a"), with_note("b")),
        json!([edit(json!(["meta", "note"]), json!("a"), json!("b"))]),
        "the column is not altered"
    );

    let (empty, full) = (super::snapshot_of(&[]), with_field("11.17.4", column(9, "it''s")));
    let (created, _) = sent(&empty, &full);
    assert_eq!(created[0]["rhs"]["schema"]["default_value"], json!("it's"));
}

/// The server says an altered column anew, from what a snapshot shows of it; on MySQL that is not what it is.
#[test]
fn an_altered_column_of_mysql_is_said_as_what_it_is() {
    let column = |kind: &str, nullable: bool, more: Value| {
        let mut schema = json!({"name": "title", "is_nullable": nullable});
        schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"type": kind, "schema": schema})
    };
    let nullable = || edit(json!(["schema", "is_nullable"]), json!(true), json!(false));
    let default =
        |rhs: &str| edit(json!(["schema", "default_value"]), json!("current_timestamp()"), json!(rhs));
    let uuid = || edit(json!(["type"]), json!("string"), json!("uuid"));
    let sent = |kind: &str, more: Value| {
        sent_of("11.17.4", column(kind, true, more.clone()), column(kind, false, more))
    };
    let now = json!({"data_type": "timestamp", "default_value": "current_timestamp()"});
    assert_eq!(sent("timestamp", now), json!([nullable(), default("CURRENT_TIMESTAMP")]));
    let char = |length: u32| json!({"data_type": "char", "max_length": length});
    assert_eq!(sent("string", char(36)), json!([nullable(), uuid()]));
    assert_eq!(sent("uuid", char(36)), json!([nullable()]));
    assert_eq!(sent("string", char(10)), json!([nullable()]));
}

#[test]
fn what_a_column_refers_to_is_sent_with_its_relation_alone() {
    let column = |table: Value, unique: bool| json!({"schema": {"name": "title", "is_unique": unique, "foreign_key_table": table, "foreign_key_column": null}});
    let unique = edit(json!(["schema", "is_unique"]), json!(false), json!(true));
    assert_eq!(sent_of("11.17.4", column(json!("a"), false), column(json!(null), true)), json!([unique]));
    let nothing = sent_of("11.17.4", column(json!("a"), false), column(json!(null), false));
    assert_eq!(nothing, Value::Null);
}

fn column() -> impl Strategy<Value = Value> {
    let default = prop::sample::select(vec![json!(null), json!("a"), json!("it''s"), json!(7)]);
    let length = prop::sample::select(vec![json!(null), json!(9), json!(255)]);
    let kind = prop::sample::select(vec!["varchar", "text"]);
    (kind, length, default, any::<bool>()).prop_map(|(kind, length, default, unique)| {
        json!({"name": "title", "data_type": kind, "max_length": length, "default_value": default, "is_unique": unique})
    })
}

/// A field, with the two parts that can change.
fn field() -> impl Strategy<Value = Value> {
    (meta(), column(), prop::sample::select(vec!["string", "text"]))
        .prop_map(|(meta, column, kind)| json!({"type": kind, "meta": meta, "schema": column}))
}

/// Defaults with quotes are what is sent in another form on purpose.
fn without_quotes(snapshot: &Snapshot) -> Value {
    let mut value = snapshot.to_value();
    for field in value["fields"].as_array_mut().unwrap() {
        if let Some(text) = field["schema"]["default_value"].as_str() {
            field["schema"]["default_value"] = json!(text.replace("''", "'"));
        }
    }
    value
}

proptest! {
    #[test]
    fn what_is_sent_means_the_same(before in field(), after in field(), directus in prop::sample::select(vec!["10.13.1", "11.17.4", "12.4.0"])) {
        let current = with_field(directus, before);
        let desired = adapt(with_field(directus, after), &current, &Scope::default()).unwrap().snapshot;
        if let Some(found) = diff(&current, &desired, Mode::Mirror).unwrap() {
            let (safe, untellable) = found.for_sending(&current, &desired);
            prop_assert!(untellable.is_empty(), "{untellable:?}");
            let (meant, reached) = (found.applied_to(&current).unwrap(), safe.applied_to(&current).unwrap());
            prop_assert_eq!(without_quotes(&reached), without_quotes(&meant));
        }
    }

    /// Also where the two were not made to fit.
    #[test]
    fn no_update_begins_with_what_is_new_or_gone(before in field(), after in field(), directus in prop::sample::select(vec!["10.13.1", "11.17.4", "12.4.0"])) {
        let (current, desired) = (with_field(directus, before), with_field(directus, after));
        if let Some(found) = diff(&current, &desired, Mode::Mirror).unwrap() {
            let (safe, _) = found.for_sending(&current, &desired);
            for entry in safe.to_value()["diff"]["fields"].as_array().unwrap() {
                let first = entry["diff"][0]["kind"].as_str().unwrap();
                prop_assert!(["E", "A"].contains(&first), "{entry}");
            }
        }
    }
}
