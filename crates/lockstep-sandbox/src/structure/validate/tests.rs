use serde_json::json;

use super::*;

fn empty() -> Value {
    json!({
        "version": 1, "directus": "11.17.4", "vendor": "sqlite", "collections": [], "fields": [],
        "systemFields": [], "relations": []
    })
}

fn reason(found: Answer<()>) -> String {
    found.unwrap_err().details["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_snapshot_is_refused_in_the_words_of_the_real_one() {
    assert_eq!(snapshot(&empty(), false), Ok(()));
    for (key, value, expected) in [
        ("version", json!(2), "\"version\" must be [1]"),
        ("directus", json!(5), "\"directus\" must be a string"),
        (
            "vendor",
            Value::Null,
            "\"vendor\" must be one of [mysql, postgres, cockroachdb, sqlite, oracle, mssql, redshift]",
        ),
        ("collections", json!({}), "\"collections\" must be an array"),
        ("collections", json!([5]), "\"collections[0]\" must be of type object"),
        ("collections", json!([{"schema": null}]), "\"collections[0].schema\" must be of type object"),
        ("collections", json!([{"bar": 1}]), "\"collections[0].bar\" is not allowed"),
        (
            "fields",
            json!([{"schema": {"is_nullable": 5}}]),
            "\"fields[0].schema.is_nullable\" must be a boolean",
        ),
        (
            "fields",
            json!([{"schema": {"max_length": true}}]),
            "\"fields[0].schema.max_length\" must be one of [number, string, null]",
        ),
        ("relations", json!([{"foo": 1}]), "\"relations[0].foo\" is not allowed"),
        ("systemFields", json!([{"schema": {"foo": 1}}]), "\"systemFields[0].schema.foo\" is not allowed"),
        ("foo", json!(1), "\"foo\" is not allowed"),
    ] {
        let mut root = empty();
        root[key] = value;
        assert_eq!(reason(snapshot(&root, true)), expected);
    }
    assert_eq!(reason(snapshot(&json!({}), true)), "No data was included in the body");
}

#[test]
fn another_version_or_database_needs_force() {
    for (key, value) in [("directus", "11.0.0"), ("vendor", "postgres")] {
        let mut root = empty();
        root[key] = value.into();
        assert_eq!(snapshot(&root, true), Ok(()));
        assert!(reason(snapshot(&root, false)).contains("does not match the current instance's"));
    }
}

#[test]
fn a_diff_is_refused_in_the_words_of_the_real_one() {
    let whole = || json!({"hash": "x", "diff": {"collections": [], "fields": [], "systemFields": [], "relations": []}});
    assert!(diff(&whole()).is_ok());
    for (list, entry, expected) in [
        ("fields", json!(5), "\"diff.fields[0]\" must be of type object"),
        ("collections", json!({"collection": "q"}), "\"diff.collections[0].diff\" is required"),
        (
            "collections",
            json!({"collection": "q", "field": "w", "diff": []}),
            "\"diff.collections[0].field\" is not allowed",
        ),
        ("relations", json!({"collection": "q"}), "\"diff.relations[0].field\" is required"),
        (
            "fields",
            json!({"collection": "q", "field": "w", "diff": [{"kind": "Z"}]}),
            "\"diff.fields[0].diff[0].kind\" must be one of [N, D, E, A]",
        ),
        (
            "fields",
            json!({"collection": "q", "field": "w", "diff": [{"kind": "E", "rhs": 1}]}),
            "\"diff.fields[0].diff[0].lhs\" is required",
        ),
        (
            "fields",
            json!({"collection": "q", "field": "w", "diff": [{"kind": "N", "rhs": 1, "path": [true]}]}),
            "\"diff.fields[0].diff[0].path[0]\" must be one of [string, number]",
        ),
    ] {
        let mut root = whole();
        root["diff"][list] = json!([entry]);
        assert_eq!(reason(diff(&root).map(drop)), expected);
    }
    for list in LISTS {
        let mut root = whole();
        root["diff"].as_object_mut().unwrap().shift_remove(list);
        assert_eq!(reason(diff(&root).map(drop)), format!("\"diff.{list}\" is required"));
    }
}
