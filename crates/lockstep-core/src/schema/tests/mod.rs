//! Tables, round trips and properties; fixtures are answers of Directus 10.13.1, 11.17.4 and 12.

mod adapt;
mod changes;
mod files;
mod limits;
mod lint;
mod native;
mod outside;
mod sending;
mod snapshots;
mod vendors;

use serde_json::{Value, json};

use super::{SchemaDiff, Snapshot};

fn read(path: &str) -> Value {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    serde_json::from_str(&std::fs::read_to_string(format!("{directory}/{path}.json")).unwrap()).unwrap()
}

fn fixture(name: &str) -> Value {
    read(&format!("schema-diff/{name}"))
}

fn fixture_snapshot(name: &str) -> Snapshot {
    Snapshot::from_value(fixture(name)).unwrap()
}

/// What [`vendor_snapshot`] knows.
const VENDORS: [&str; 4] = ["sqlite-10.13.1", "sqlite-11.17.4", "postgres-11.17.4", "mysql-11.17.4"];

/// One schema, made by the same calls on a real server of that database and version.
fn vendor_snapshot(name: &str) -> Snapshot {
    Snapshot::from_value(read(&format!("schema-vendors/{name}"))).unwrap()
}

/// A snapshot of these collections, each with a primary key `id`.
fn snapshot_of(collections: &[&str]) -> Snapshot {
    let collection =
        |name| json!({"collection": name, "meta": {"collection": name}, "schema": {"name": name}});
    let field = |name| {
        json!({"collection": name, "field": "id", "type": "integer", "meta": null,
               "schema": {"name": "id", "is_primary_key": true, "data_type": "integer"}})
    };
    Snapshot::from_value(json!({
        "version": 1, "directus": "11.17.4", "vendor": "sqlite",
        "collections": collections.iter().map(collection).collect::<Vec<_>>(),
        "fields": collections.iter().map(field).collect::<Vec<_>>(),
        "relations": [],
    }))
    .unwrap()
}

/// A diff with these lists.
fn diff_of(lists: Value) -> SchemaDiff {
    SchemaDiff::from_value(json!({"hash": "abc", "diff": lists})).unwrap().unwrap()
}
