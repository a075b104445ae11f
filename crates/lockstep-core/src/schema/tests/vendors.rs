use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{VENDORS, vendor_snapshot};
use crate::schema::{Adapted, LeftOutReason, Mode, Scope, Snapshot, adapt, diff};

fn adapted(desired: &Snapshot, current: &Snapshot) -> Adapted {
    adapt(desired.clone(), current, &Scope::default()).unwrap()
}

/// What is left between two schemas after one was made to fit the other, one line for each value; the order of fields in
/// forms, which is the user's, is left out.
fn differences(desired: &Snapshot, current: &Snapshot) -> Vec<String> {
    let Some(found) = diff(current, &adapted(desired, current).snapshot, Mode::Mirror).unwrap() else {
        return Vec::new();
    };
    let text = |value: &Option<crate::json::Json>| serde_json::to_string(value).unwrap();
    let mut told = Vec::new();
    for change in found.changes(Some(current)) {
        for edit in change.edits.iter().filter(|edit| edit.path != "meta.sort") {
            let name = change.name();
            told.push(match edit.path.as_str() {
                "" => format!("{} {name}", change.code),
                path => format!("{name} {path} {} -> {}", text(&edit.before), text(&edit.after)),
            });
        }
    }
    told
}

/// The same field in another way.
fn with(snapshot: &Snapshot, collection: &str, field: &str, edit: impl FnOnce(&mut Value)) -> Snapshot {
    let mut value = snapshot.to_value();
    let fields = value["fields"].as_array_mut().unwrap();
    edit(fields.iter_mut().find(|it| it["collection"] == collection && it["field"] == field).unwrap());
    Snapshot::from_value(value).unwrap()
}

/// MySQL refused the relation to a key of eight bytes, and PostgreSQL the two indexes on JSON.
#[test]
fn between_databases_only_what_truly_differs_is_left() {
    let nothing: &[&str] = &[];
    let to_postgres = &["field-created variants.json_ix", "field-created variants.json_uq"][..];
    let from_postgres = &["field-dropped variants.json_ix", "field-dropped variants.json_uq"][..];
    let to_mysql = &[
        "rels.to_big schema.foreign_key_column null -> \"id\"",
        "rels.to_big schema.foreign_key_table null -> \"pk_big\"",
        "relation-created rels.to_big",
    ][..];
    let from_mysql = &[
        "rels.to_big schema.foreign_key_column \"id\" -> null",
        "rels.to_big schema.foreign_key_table \"pk_big\" -> null",
        "relation-dropped rels.to_big",
    ][..];
    let expected = |from: &str, to: &str| match (from.split('-').next(), to.split('-').next()) {
        (Some("postgres"), Some("sqlite")) => vec![from_postgres],
        (Some("mysql"), Some("sqlite")) => vec![from_mysql],
        (Some("sqlite"), Some("postgres")) => vec![to_postgres],
        (Some("sqlite"), Some("mysql")) => vec![to_mysql],
        (Some("postgres"), Some("mysql")) => vec![to_mysql, from_postgres],
        (Some("mysql"), Some("postgres")) => vec![from_mysql, to_postgres],
        _ => vec![nothing],
    };
    for from in VENDORS {
        for to in VENDORS {
            let found = differences(&vendor_snapshot(from), &vendor_snapshot(to));
            assert_eq!(found, expected(from, to).concat(), "{from} -> {to}");
        }
    }
}

/// What one database says otherwise is told, though it is left as it is.
#[test]
fn what_is_left_to_the_database_is_told() {
    let (sqlite, postgres) = (vendor_snapshot("sqlite-11.17.4"), vendor_snapshot("postgres-11.17.4"));
    let left_out = adapted(&sqlite, &postgres).left_out;
    let reasons: BTreeSet<LeftOutReason> = left_out.iter().map(|it| it.reason).collect();
    assert_eq!(reasons, BTreeSet::from([LeftOutReason::Database]));
    let decimal = left_out.iter().find(|it| it.field.as_deref() == Some("decimal_p")).unwrap();
    assert_eq!(
        decimal.paths,
        ["schema.data_type", "type", "schema.numeric_precision", "schema.numeric_scale"],
        "SQLite has no decimals"
    );
    for name in VENDORS {
        let snapshot = vendor_snapshot(name);
        let same = adapted(&snapshot, &snapshot);
        assert_eq!((same.left_out, same.snapshot), (Vec::new(), snapshot), "{name}");
    }
}

/// Altering a column of UUIDs makes it `varchar` on MySQL, and its foreign key has an index all the same.
#[test]
fn the_index_of_a_reference_is_the_databases_own() {
    let (sqlite, mysql) = (vendor_snapshot("sqlite-11.17.4"), vendor_snapshot("mysql-11.17.4"));
    let altered = with(&mysql, "rels", "to_uuid", |field| {
        field["schema"]["data_type"] = json!("varchar");
        assert_eq!(field["schema"]["is_indexed"], true);
    });
    assert_eq!(differences(&sqlite, &altered), differences(&sqlite, &mysql));
}

/// Directus makes counting keys of MySQL unsigned, and references to them only if both are ordinary integers.
#[test]
fn a_new_reference_is_as_wide_as_the_key_on_mysql() {
    let mysql = vendor_snapshot("mysql-11.17.4");
    let empty = mysql.clone().filtered(|_| false, |_| false);
    // Its counting key is told as an integer by SQLite, and as what it is by PostgreSQL.
    for (from, types) in [("sqlite", ["integer", "integer"]), ("postgres", ["integer", "integer"])] {
        let desired = vendor_snapshot(&format!("{from}-11.17.4"));
        let adapted = adapted(&desired, &empty);
        let kind = |of: &Snapshot, collection: &str, field: &str| {
            of.field(collection, field).unwrap().get("type").unwrap().to_value()
        };
        let sent =
            [("pk_big", "id"), ("rels", "to_big")].map(|(of, field)| kind(&adapted.snapshot, of, field));
        assert_eq!(sent, types, "{from}");
        let told = adapted.left_out.iter().find(|it| it.field.as_deref() == Some("to_big")).unwrap();
        assert_eq!(
            (told.reason, &told.paths[..2]),
            (LeftOutReason::Database, &["type".into(), "schema.data_type".into()][..])
        );
        // Where all databases have it, it stays as wide as it is; so does a key that nothing refers to.
        let same = desired.clone().filtered(|_| false, |_| false);
        assert_eq!(kind(&self::adapted(&desired, &same).snapshot, "rels", "to_big"), "bigInteger");
        let alone = desired.clone().filtered(|name| name != "rels", |_| true);
        let key = kind(&self::adapted(&alone, &empty).snapshot, "pk_big", "id");
        assert_eq!(key, kind(&desired, "pk_big", "id"), "{from}");
    }
}

/// What counts in eight bytes on MySQL shows as an integer, and is to count so elsewhere.
#[test]
fn a_wide_counting_key_of_mysql_stays_wide() {
    for to in VENDORS {
        let empty = vendor_snapshot(to).filtered(|_| false, |_| false);
        let snapshot = adapted(&vendor_snapshot("mysql-11.17.4"), &empty).snapshot;
        assert_eq!(snapshot.field("pk_big", "id").unwrap().get("type"), Some(&"bigInteger".into()), "{to}");
    }
}

#[test]
fn a_change_is_seen_through_the_words_of_another_database() {
    let (sqlite, postgres) = (vendor_snapshot("sqlite-11.17.4"), vendor_snapshot("postgres-11.17.4"));
    let mysql = vendor_snapshot("mysql-11.17.4");
    let usual = |desired: &Snapshot, current: &Snapshot| {
        let known: BTreeSet<String> = differences(desired, current).into_iter().collect();
        move |changed: &Snapshot, current: &Snapshot| -> Vec<String> {
            differences(changed, current).into_iter().filter(|line| !known.contains(line)).collect()
        }
    };
    let column =
        |property: &'static str, value: Value| move |field: &mut Value| field["schema"][property] = value;
    type Edit = Box<dyn FnOnce(&mut Value)>;
    type Case<'a> = (&'a Snapshot, &'a Snapshot, &'a str, &'a str, Edit, &'a [&'a str]);
    let cases: Vec<Case<'_>> = vec![
        (
            &sqlite,
            &postgres,
            "types",
            "string",
            Box::new(column("max_length", json!(99))),
            &["types.string schema.max_length 255 -> 99"],
        ),
        (
            &sqlite,
            &postgres,
            "variants",
            "text_def",
            Box::new(column("default_value", json!("other"))),
            &["variants.text_def schema.default_value \"long text\" -> \"other\""],
        ),
        (
            &sqlite,
            &postgres,
            "types",
            "text",
            Box::new(column("default_value", json!("new"))),
            &["types.text schema.default_value null -> \"new\""],
        ),
        (
            &postgres,
            &sqlite,
            "variants",
            "text_def",
            Box::new(column("default_value", json!(null))),
            &["variants.text_def schema.default_value \"long text\" -> null"],
        ),
        (
            &sqlite,
            &postgres,
            "variants",
            "datetime_def",
            Box::new(column("default_value", json!("2025-01-02T03:04:05"))),
            &[
                "variants.datetime_def schema.default_value \"2024-01-02 03:04:05\" -> \"2025-01-02 03:04:05\"",
            ],
        ),
        (
            &sqlite,
            &postgres,
            "rels",
            "to_int",
            Box::new(column("is_indexed", json!(true))),
            &["rels.to_int schema.is_indexed false -> true"],
        ),
        (
            &mysql,
            &postgres,
            "types",
            "decimal_p",
            Box::new(column("numeric_scale", json!(1))),
            &["types.decimal_p schema.numeric_scale 4 -> 1"],
        ),
        (
            &sqlite,
            &postgres,
            "types",
            "integer",
            Box::new(column("is_nullable", json!(false))),
            &["types.integer schema.is_nullable true -> false"],
        ),
        (&sqlite, &mysql, "rels", "to_int", Box::new(column("is_indexed", json!(false))), &[]),
        (&mysql, &sqlite, "variants", "text_def", Box::new(column("default_value", json!(null))), &[]),
    ];
    for (desired, current, collection, field, edit, expected) in cases {
        let left = usual(desired, current);
        assert_eq!(left(&with(desired, collection, field, edit), current), expected, "{collection}.{field}");
    }
}

/// A decimal and a floating point number are one where SQLite is on one of the sides only.
#[test]
fn a_decimal_is_no_float_where_both_databases_have_decimals() {
    let (mysql, postgres) = (vendor_snapshot("mysql-11.17.4"), vendor_snapshot("postgres-11.17.4"));
    let float = with(&mysql, "types", "decimal_p", |field| {
        field["type"] = json!("float");
        field["schema"]["data_type"] = json!("float");
    });
    let lines = differences(&float, &postgres);
    assert!(
        lines.contains(&"types.decimal_p schema.data_type \"numeric\" -> \"float\"".to_owned()),
        "{lines:?}"
    );
}

/// The columns of a database made anew in another one: nothing is sent that it could not make, and what it makes is the
/// same to the next comparison.
#[test]
fn new_columns_are_said_in_words_that_every_database_knows() {
    let created = |from: &str, to: &str, collection: &str, field: &str| -> Value {
        let (desired, target) = (vendor_snapshot(from), vendor_snapshot(to));
        let empty = target.filtered(|_| false, |_| false);
        let snapshot = adapted(&desired, &empty).snapshot.to_value();
        let fields = snapshot["fields"].as_array().unwrap();
        let item = fields.iter().find(|it| it["collection"] == collection && it["field"] == field).unwrap();
        json!([item["type"], item["schema"]["default_value"], item["schema"]["is_unique"]])
    };
    let (sqlite, postgres, mysql) = ("sqlite-11.17.4", "postgres-11.17.4", "mysql-11.17.4");
    let cases = [
        (
            sqlite,
            sqlite,
            "a_very_long_collection_name_for_testing",
            "unspecial_uuid",
            json!(["uuid", null, false]),
        ),
        (postgres, postgres, "types", "binary", json!(["binary", null, false])),
        (postgres, sqlite, "types", "id", json!(["integer", null, true])),
        (mysql, mysql, "variants", "ts_now", json!(["timestamp", "CURRENT_TIMESTAMP", false])),
        (mysql, sqlite, "variants", "dt_now", json!(["dateTime", "CURRENT_TIMESTAMP", false])),
        (postgres, mysql, "variants", "timestamp_def", json!(["timestamp", "2024-01-02 03:04:05", false])),
        (sqlite, mysql, "variants", "text_def", json!(["text", null, false])),
        (sqlite, mysql, "variants", "json_def", json!(["json", {"a": 1}, false])),
        (sqlite, postgres, "variants", "text_def", json!(["text", "long text", false])),
        (sqlite, postgres, "variants", "json_uq", json!(["json", null, false])),
        (sqlite, mysql, "variants", "json_uq", json!(["json", null, true])),
    ];
    for (from, to, collection, field, expected) in cases {
        assert_eq!(created(from, to, collection, field), expected, "{from} -> {to} {field}");
    }
}
