//! Columns of tables that were made without Directus, as real servers of 11.17.4 showed them.

use serde_json::{Value, json};

use super::snapshot_of;
use crate::schema::{Adapted, LeftOutReason, Mode, Scope, Snapshot, adapt, diff};

/// A collection on a database, with one more column than its key if there is one.
fn on(vendor: &str, column: Option<&Value>) -> Snapshot {
    let mut value = snapshot_of(&["t"]).to_value();
    value["vendor"] = json!(vendor);
    value["fields"].as_array_mut().unwrap().extend(column.cloned());
    Snapshot::from_value(value).unwrap()
}

/// A column as a snapshot shows it: Directus' type, the database's, and what else `schema` says.
fn column(kind: &str, data_type: &str, more: Value) -> Value {
    let mut schema = json!({"name": "c", "table": "t", "data_type": data_type, "default_value": null, "max_length": null,
        "numeric_precision": null, "numeric_scale": null, "is_nullable": true, "is_generated": false,
        "foreign_key_table": null, "foreign_key_column": null});
    schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"collection": "t", "field": "c", "type": kind, "meta": {"note": null}, "schema": schema})
}

fn adapted(desired: &Snapshot, current: &Snapshot) -> Adapted {
    adapt(desired.clone(), current, &Scope::default()).unwrap()
}

/// What is sent of a column that is new, which of it is told, and that nothing is left when it is there as the server then
/// shows it.
#[test]
fn what_directus_would_not_make_becomes_the_nearest_that_it_makes() {
    let default = |value: &str| json!({"default_value": value});
    let (kind, no_default) = (&["schema.data_type"][..], &["schema.default_value"][..]);
    let nothing = &[][..];
    let moment = "2024-01-02 01:04:05";
    type Case<'a> = (&'a str, Value, &'a str, Value, &'a [&'a str], Value);
    let cases: Vec<Case<'_>> = vec![
        // Text without a limit.
        (
            "postgres",
            column("string", "character varying", json!({"max_length": -5})),
            "mysql",
            json!(["text", null]),
            nothing,
            column("text", "text", json!({"max_length": 65535})),
        ),
        (
            "postgres",
            column("string", "character varying", json!({"max_length": -5})),
            "postgres",
            json!(["text", null]),
            nothing,
            column("text", "text", json!({})),
        ),
        // Types by other names.
        (
            "postgres",
            column("integer", "smallint", json!({"numeric_precision": 16, "numeric_scale": 0})),
            "postgres",
            json!(["integer", null]),
            kind,
            column("integer", "integer", json!({"numeric_precision": 32, "numeric_scale": 0})),
        ),
        (
            "postgres",
            column("integer", "numeric", json!({})),
            "mysql",
            json!(["integer", null]),
            kind,
            column("integer", "int", json!({"numeric_precision": 10, "numeric_scale": 0})),
        ),
        (
            "postgres",
            column("float", "double precision", json!({"numeric_precision": 53})),
            "postgres",
            json!(["float", null]),
            kind,
            column("float", "real", json!({"numeric_precision": 24})),
        ),
        (
            "postgres",
            column("string", "interval", json!({})),
            "postgres",
            json!(["string", null]),
            kind,
            column("string", "character varying", json!({"max_length": 255})),
        ),
        (
            "postgres",
            column("boolean", "bit", json!({"max_length": 3})),
            "postgres",
            json!(["boolean", null]),
            kind,
            column("boolean", "boolean", json!({})),
        ),
        (
            "postgres",
            column("json", "jsonb", json!({"default_value": {}})),
            "mysql",
            json!(["json", {}]),
            kind,
            column("json", "longtext", json!({"default_value": {}, "max_length": 4_294_967_295_u32})),
        ),
        (
            "mysql",
            column("integer", "bigint unsigned", json!({"numeric_precision": 20, "numeric_scale": 0})),
            "mysql",
            json!(["bigInteger", null]),
            kind,
            column("bigInteger", "bigint", json!({"numeric_precision": 19, "numeric_scale": 0})),
        ),
        (
            "mysql",
            column("integer", "int unsigned", json!({"numeric_precision": 10, "numeric_scale": 0})),
            "postgres",
            json!(["integer", null]),
            kind,
            column("integer", "integer", json!({"numeric_precision": 32, "numeric_scale": 0})),
        ),
        (
            "mysql",
            column("binary", "varbinary", json!({"max_length": 20})),
            "mysql",
            json!(["binary", null]),
            kind,
            column("binary", "blob", json!({"max_length": 65535})),
        ),
        (
            "mysql",
            column("text", "mediumtext", json!({"max_length": 16_777_215})),
            "mysql",
            json!(["text", null]),
            kind,
            column("text", "text", json!({"max_length": 65535})),
        ),
        (
            "mysql",
            column("float", "float", json!({"numeric_precision": 12})),
            "mysql",
            json!(["float", null]),
            nothing,
            column("float", "float", json!({"numeric_precision": 12, "numeric_scale": 5})),
        ),
        // Defaults that are no values.
        (
            "postgres",
            column("uuid", "uuid", default("gen_random_uuid()")),
            "mysql",
            json!(["uuid", null]),
            no_default,
            column("string", "char", json!({"max_length": 36})),
        ),
        (
            "postgres",
            column("uuid", "uuid", default("gen_random_uuid()")),
            "postgres",
            json!(["uuid", "gen_random_uuid()"]),
            nothing,
            column("uuid", "uuid", default("gen_random_uuid()")),
        ),
        (
            "mysql",
            column("string", "char", json!({"max_length": 36, "default_value": "uuid()"})),
            "postgres",
            json!(["uuid", null]),
            no_default,
            column("uuid", "uuid", json!({})),
        ),
        (
            "postgres",
            column("integer", "integer", default("nextval('t_c_seq'::regclass)")),
            "postgres",
            json!(["integer", null]),
            no_default,
            column("integer", "integer", json!({})),
        ),
        (
            "postgres",
            column("date", "date", default("CURRENT_DATE")),
            "postgres",
            json!(["date", null]),
            no_default,
            column("date", "date", json!({})),
        ),
        (
            "postgres",
            column("string", "character varying", json!({"max_length": 30, "default_value": "('x'"})),
            "sqlite",
            json!(["string", null]),
            no_default,
            column("string", "varchar", json!({"max_length": 30})),
        ),
        (
            "postgres",
            column("string", "character varying", json!({"max_length": 30, "default_value": "it''s"})),
            "mysql",
            json!(["string", "it''s"]),
            nothing,
            column("string", "varchar", json!({"max_length": 30, "default_value": "it''s"})),
        ),
        (
            "postgres",
            column("timestamp", "timestamp with time zone", default("now()")),
            "postgres",
            json!(["timestamp", "CURRENT_TIMESTAMP"]),
            nothing,
            column("timestamp", "timestamp with time zone", default("CURRENT_TIMESTAMP")),
        ),
        (
            "mysql",
            column("dateTime", "datetime", default("current_timestamp(6)")),
            "mysql",
            json!(["dateTime", "CURRENT_TIMESTAMP"]),
            nothing,
            column("dateTime", "datetime", default("current_timestamp()")),
        ),
        (
            "postgres",
            column("timestamp", "timestamp with time zone", default("2024-01-02 01:04:05+00")),
            "mysql",
            json!(["timestamp", moment]),
            nothing,
            column("timestamp", "timestamp", default(moment)),
        ),
        // MySQL keeps defaults of JSON, though not those of texts; the server cannot say one with a quote.
        (
            "sqlite",
            column("text", "text", default("abc")),
            "mysql",
            json!(["text", null]),
            no_default,
            column("text", "text", json!({"max_length": 65535})),
        ),
        (
            "sqlite",
            column("json", "json", json!({"default_value": {"a": "it's"}})),
            "mysql",
            json!(["json", null]),
            no_default,
            column("json", "longtext", json!({"max_length": 4_294_967_295_u32})),
        ),
    ];
    for (from, desired, to, sent, told, shown) in cases {
        let case = format!("{} from {from} to {to}", desired["schema"]["data_type"]);
        let desired = on(from, Some(&desired));
        let new = adapted(&desired, &on(to, None));
        let field = new.snapshot.field("t", "c").unwrap();
        let default = field.get("schema").unwrap().get("default_value").unwrap();
        assert_eq!(json!([field.get("type").unwrap().to_value(), default.to_value()]), sent, "{case}");
        let paths: Vec<_> = new.left_out.iter().flat_map(|it| &it.paths).collect();
        assert_eq!(paths, told, "{case}");
        assert!(new.left_out.iter().all(|it| it.reason == LeftOutReason::Database), "{case}");
        let there = on(to, Some(&shown));
        let left = diff(&there, &adapted(&desired, &there).snapshot, Mode::Mirror).unwrap();
        assert_eq!(left.map(|left| left.to_value()), None, "{case}");
    }
}

/// The other way a name of Directus' own is reached: its column is made anew.
#[test]
fn what_directus_makes_is_wanted_where_another_is() {
    let integer = column("integer", "integer", json!({"numeric_precision": 32, "numeric_scale": 0}));
    let small = column("integer", "smallint", json!({"numeric_precision": 16, "numeric_scale": 0}));
    let current = on("postgres", Some(&small));
    let left =
        diff(&current, &adapted(&on("postgres", Some(&integer)), &current).snapshot, Mode::Mirror).unwrap();
    assert!(left.is_some());
}

#[test]
fn what_no_request_makes_is_left_out_and_stays_where_it_is() {
    let columns = [
        ("postgres", column("unknown", "text[]", json!({}))),
        ("mysql", column("unknown", "enum", json!({"default_value": "a", "max_length": 1}))),
        ("postgres", column("integer", "integer", json!({"is_generated": true}))),
    ];
    let ordinary = column("integer", "integer", json!({}));
    for (vendor, column) in columns {
        let desired = on(vendor, Some(&column));
        for to in ["sqlite", "postgres", "mysql"] {
            let new = adapted(&desired, &on(to, None));
            assert!(new.snapshot.field("t", "c").is_none());
            let told: Vec<_> = new.left_out.iter().map(|it| (it.field.as_deref(), it.reason)).collect();
            assert_eq!(told, [(Some("c"), LeftOutReason::Uncreatable)]);
            let there = on(to, Some(&ordinary));
            let kept = adapted(&desired, &there).snapshot;
            assert_eq!(kept.field("t", "c"), there.field("t", "c"));
        }
        let same = adapted(&desired, &desired);
        assert_eq!((same.snapshot.field("t", "c"), same.left_out), (desired.field("t", "c"), Vec::new()));
    }
    let binary = on("postgres", Some(&column("unknown", "bytea", json!({}))));
    assert!(adapted(&binary, &on("sqlite", None)).snapshot.field("t", "c").is_some());
}

/// A foreign key that Directus does not track is in no relation, and so nothing makes or removes it.
#[test]
fn a_reference_without_a_relation_is_as_the_instance_has_it() {
    let key = |table: Value, field: Value| {
        column("integer", "integer", json!({"foreign_key_table": table, "foreign_key_column": field}))
    };
    let refers = on("postgres", Some(&key(json!("t"), json!("id"))));
    let does_not = on("postgres", Some(&key(json!(null), json!(null))));
    for (desired, current) in [(&refers, &does_not), (&does_not, &refers)] {
        let found = adapted(desired, current);
        assert_eq!(found.snapshot.field("t", "c"), current.field("t", "c"));
        assert_eq!(found.left_out[0].reason, LeftOutReason::Untracked);
    }
    let new = adapted(&refers, &on("postgres", None)).snapshot;
    assert_eq!(new.field("t", "c"), does_not.field("t", "c"));
}
