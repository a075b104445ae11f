//! Tables, round trips and properties; fixtures are answers of Directus 11.17.4 and 12.

mod changes;
mod files;
mod native;
mod snapshots;

use serde_json::{Value, json};

use super::{SchemaDiff, Snapshot};

fn fixture(name: &str) -> Value {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema-diff");
    let text = std::fs::read_to_string(format!("{directory}/{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn fixture_snapshot(name: &str) -> Snapshot {
    Snapshot::from_value(fixture(name)).unwrap()
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
