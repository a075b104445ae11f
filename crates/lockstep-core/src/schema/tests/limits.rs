//! What MySQL, PostgreSQL and SQLite refuse, as real servers of 11.17.4 did.

use serde_json::{Value, json};

use super::{snapshot_of, vendor_snapshot};
use crate::schema::{Scope, Snapshot, adapt, beyond};

fn found(desired: &Snapshot, current: &Snapshot) -> Vec<String> {
    let adapted = adapt(desired.clone(), current, &Scope::default()).unwrap().snapshot;
    beyond(&adapted, current)
        .into_iter()
        .map(|finding| format!("{} {}", finding.code, finding.name))
        .collect()
}

/// Collections `a` and `b` of a database with counting keys; `a` has these columns more, and these relations.
fn schema(vendor: &str, columns: &[Value], relations: &[Value]) -> Snapshot {
    let mut value = snapshot_of(&["a", "b"]).to_value();
    value["vendor"] = json!(vendor);
    for key in value["fields"].as_array_mut().unwrap() {
        key["schema"]["has_auto_increment"] = json!(true);
        if vendor == "mysql" {
            key["schema"]["data_type"] = json!("int unsigned");
        }
    }
    value["fields"].as_array_mut().unwrap().extend_from_slice(columns);
    value["relations"].as_array_mut().unwrap().extend_from_slice(relations);
    Snapshot::from_value(value).unwrap()
}

fn column(name: &str, kind: &str, more: Value) -> Value {
    let data_type = if kind == "string" { "character varying" } else { kind };
    let mut schema = json!({"name": name, "table": "a", "data_type": data_type, "is_nullable": true, "default_value": null});
    schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"collection": "a", "field": name, "type": kind, "meta": {"note": null}, "schema": schema})
}

fn strings(count: usize, length: u32) -> Vec<Value> {
    (0..count).map(|n| column(&format!("s{n}"), "string", json!({"max_length": length}))).collect()
}

#[test]
fn columns_that_a_database_cannot_have_are_named_before_anything_is_sent() {
    let long = &"n".repeat(64);
    let longer = &"n".repeat(65);
    let default = |value: Value| json!({"default_value": value});
    let string = |length: u32| vec![column("c", "string", json!({"max_length": length}))];
    let one = |kind: &str, more: Value| vec![column("c", kind, more)];
    let decimal =
        |precision: u32| one("decimal", json!({"numeric_precision": precision, "numeric_scale": 4}));
    let capitals = || vec![column("Label", "string", json!({})), column("label", "integer", json!({}))];
    type Case<'a> = (&'a str, Vec<Value>, &'a [&'a str]);
    let cases: Vec<Case<'_>> = vec![
        ("mysql", string(16_383), &["row-too-long a"]),
        ("mysql", string(16_384), &["row-too-long a", "string-too-long a.c"]),
        ("mysql", string(16_000), &[]),
        ("postgres", string(16_384), &[]),
        ("postgres", string(10_485_761), &["string-too-long a.c"]),
        ("sqlite", string(10_485_761), &[]),
        ("mysql", strings(64, 255), &[]),
        ("mysql", strings(66, 255), &["row-too-long a"]),
        ("postgres", strings(66, 255), &[]),
        ("mysql", strings(33, 60), &[]),
        ("mysql", strings(34, 60), &["row-too-long a"]),
        ("mysql", strings(150, 64), &[]),
        ("mysql", decimal(65), &[]),
        ("mysql", decimal(66), &["too-many-digits a.c"]),
        ("postgres", decimal(66), &[]),
        ("mysql", vec![column(long, "integer", json!({}))], &[]),
        ("mysql", vec![column(longer, "integer", json!({}))], &["name-too-long a."]),
        ("postgres", vec![column(long, "integer", json!({}))], &["name-too-long a."]),
        ("sqlite", vec![column(longer, "integer", json!({}))], &[]),
        ("mysql", capitals(), &["name-twice a.label"]),
        ("sqlite", capitals(), &["name-twice a.label"]),
        ("postgres", capitals(), &[]),
        ("mysql", one("integer", default(json!(3_000_000_000_u32))), &["default-out-of-range a.c"]),
        ("postgres", one("integer", default(json!(3_000_000_000_u32))), &["default-out-of-range a.c"]),
        ("sqlite", one("integer", default(json!(3_000_000_000_u32))), &[]),
        ("mysql", one("bigInteger", default(json!(3_000_000_000_u32))), &[]),
        ("mysql", one("timestamp", default(json!("1900-01-01 00:00:00"))), &["default-out-of-range a.c"]),
        ("mysql", one("dateTime", default(json!("1900-01-01 00:00:00"))), &[]),
        ("postgres", one("dateTime", default(json!("0000-00-00 00:00:00"))), &["default-out-of-range a.c"]),
    ];
    for (vendor, columns, expected) in cases {
        let (desired, current) = (schema("sqlite", &columns, &[]), schema(vendor, &[], &[]));
        let found: Vec<String> = found(&desired, &current)
            .iter()
            .map(|line| line.replace(&**longer, "").replace(&**long, ""))
            .collect();
        assert_eq!(found, expected, "{vendor} {}", columns[0]);
        let there = schema(vendor, &columns, &[]);
        assert_eq!(beyond(&there, &there), Vec::new(), "what is there is not looked at");
    }
}

#[test]
fn keys_that_mysql_cannot_have_are_named() {
    let keyed = |kind: &str, length: u32| {
        let mut value = schema("postgres", &[], &[]).to_value();
        let key = &mut value["fields"][0];
        key["type"] = json!(kind);
        key["schema"] = json!({"name": "id", "table": "a", "data_type": kind, "max_length": length, "is_primary_key": true});
        Snapshot::from_value(value).unwrap()
    };
    let empty = schema("mysql", &[], &[]).filtered(|_| false, |_| false);
    for (kind, length, expected) in
        [("string", 768, ""), ("string", 769, "key-too-long a.id"), ("text", 0, "key-too-long a.id")]
    {
        assert_eq!(found(&keyed(kind, length), &empty).concat(), expected, "{kind} {length}");
    }
}

#[test]
fn references_that_mysql_refuses_or_changes_are_named() {
    let refers = |kind: &str, more: Value, on_delete: &str| {
        let mut columns =
            vec![column("r", kind, json!({"foreign_key_table": "b", "foreign_key_column": "id"}))];
        columns[0]["schema"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let relation = json!({"collection": "a", "field": "r", "related_collection": "b", "meta": {"one_field": null},
            "schema": {"table": "a", "column": "r", "foreign_key_table": "b", "foreign_key_column": "id", "on_delete": on_delete}});
        (columns, [relation])
    };
    let required = || json!({"is_nullable": false});
    let cases = [
        ("integer", json!({}), "SET NULL", ""),
        // Both become ordinary integers.
        ("bigInteger", json!({}), "SET NULL", ""),
        ("text", json!({}), "SET NULL", "reference-type a.r"),
        ("integer", required(), "SET NULL", "required-set-null a.r"),
        ("integer", required(), "CASCADE", ""),
        ("integer", json!({}), "SET DEFAULT", "set-default a.r"),
    ];
    let empty = schema("mysql", &[], &[]).filtered(|_| false, |_| false);
    for (kind, more, on_delete, expected) in cases {
        let (columns, relations) = refers(kind, more, on_delete);
        let desired = schema("postgres", &columns, &relations);
        assert_eq!(found(&desired, &empty).concat(), expected, "{kind} {on_delete}");
        let postgres = schema("postgres", &[], &[]);
        assert_eq!(found(&desired, &postgres), Vec::<String>::new(), "{kind} {on_delete}");
        // The relation is new, the column is not.
        let (mut columns, relations) = refers("bigInteger", json!({}), "NO ACTION");
        let desired = schema("postgres", &columns, &relations);
        columns[0]["schema"]["data_type"] = json!("bigint");
        columns[0]["schema"]["foreign_key_table"] = json!(null);
        assert_eq!(found(&desired, &schema("mysql", &columns, &[])), ["reference-type a.r"]);
    }
}

/// MySQL changes no column with a foreign key, and Directus says it anew whatever changes.
#[test]
fn a_change_of_a_reference_that_mysql_refuses_is_named() {
    let refers = |kind: &str, more: Value| {
        let mut column = column(
            "r",
            kind,
            json!({"foreign_key_table": "b", "foreign_key_column": "id", "max_length": 255}),
        );
        column["schema"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let relation = json!({"collection": "a", "field": "r", "related_collection": "b", "meta": {"one_field": null},
            "schema": {"table": "a", "column": "r", "foreign_key_table": "b", "foreign_key_column": "id", "on_delete": "CASCADE"}});
        schema("mysql", &[column], &[relation])
    };
    let cases = [
        ("integer", json!({"is_nullable": false}), "reference-altered a.r"),
        ("integer", json!({"default_value": 1}), "reference-altered a.r"),
        ("integer", json!({}), ""),
        ("string", json!({"max_length": 100}), "reference-altered a.r"),
        ("string", json!({"is_unique": true}), ""),
        ("uuid", json!({"is_nullable": false}), ""),
    ];
    for (kind, more, expected) in cases {
        let current = refers(kind, json!({}));
        assert_eq!(found(&refers(kind, more.clone()), &current).concat(), expected, "{kind} {more}");
    }
}

/// A counting key of eight bytes that MySQL has cannot be referred to.
#[test]
fn a_reference_to_a_wide_counting_key_that_is_there_is_named() {
    let (postgres, mysql) = (vendor_snapshot("postgres-11.17.4"), vendor_snapshot("mysql-11.17.4"));
    assert_eq!(found(&postgres, &mysql), ["reference-type rels.to_big"]);
    let empty = mysql.filtered(|_| false, |_| false);
    assert_eq!(found(&postgres, &empty), Vec::<String>::new());
}
