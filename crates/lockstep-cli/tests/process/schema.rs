//! Schemas to play with: those of an instance, those of a dump, and what the server's own comparison of them is.

use lockstep_core::schema::Snapshot;
use serde_json::{Value, json};

/// That of an instance in which nobody made anything.
pub(crate) fn empty() -> Value {
    snapshot(&[], &[])
}

/// Articles as an instance has them that is a step behind.
pub(crate) fn current() -> Value {
    snapshot(&[articles()], &[title(255), body()])
}

/// Articles as the dump has them: a field goes, one comes, one gets narrower.
pub(crate) fn desired() -> Value {
    snapshot(&[articles()], &[title(100), due()])
}

/// Articles of which a field gets wider, which is safe.
pub(crate) fn wider() -> Value {
    snapshot(&[articles()], &[title(300), body()])
}

/// What `POST /schema/diff` of an instance that has [`current`] answers to [`desired`], told by hand: a push goes on only
/// where Lockstep found the same. Just the hash is computed; that it is the server's is tested in the core.
pub(crate) fn difference() -> Value {
    comparison(&[
        title_edit(100),
        json!({"collection": "articles", "field": "body", "diff": [{"kind": "D", "lhs": body()}]}),
        json!({"collection": "articles", "field": "due", "diff": [{"kind": "N", "rhs": due()}]}),
    ])
}

/// The same for [`wider`].
pub(crate) fn widening() -> Value {
    comparison(&[title_edit(300)])
}

fn comparison(fields: &[Value]) -> Value {
    let hash = Snapshot::from_value(current()).unwrap().hash();
    json!({"hash": hash, "diff": {"collections": [], "fields": fields, "systemFields": [], "relations": []}})
}

fn title_edit(length: u32) -> Value {
    json!({"collection": "articles", "field": "title",
        "diff": [{"kind": "E", "path": ["schema", "max_length"], "lhs": 255, "rhs": length}]})
}

/// The text of an answer with this data.
pub(crate) fn answer(data: &Value) -> String {
    json!({"data": data}).to_string()
}

fn snapshot(collections: &[Value], fields: &[Value]) -> Value {
    json!({"version": 1, "directus": "11.17.4", "vendor": "sqlite", "collections": collections, "fields": fields,
        "systemFields": [], "relations": []})
}

fn articles() -> Value {
    let meta = json!({"collection": "articles", "note": null});
    json!({"collection": "articles", "meta": meta, "schema": {"name": "articles"}})
}

fn title(length: u32) -> Value {
    field("title", "string", "varchar", &json!(length))
}

fn body() -> Value {
    field("body", "text", "text", &Value::Null)
}

/// Of another type than the one that goes, so that it is not taken for the same under a new name.
fn due() -> Value {
    field("due", "dateTime", "datetime", &Value::Null)
}

fn field(name: &str, kind: &str, data_type: &str, max_length: &Value) -> Value {
    let meta = json!({"collection": "articles", "field": name, "interface": "input", "searchable": true});
    let schema = json!({"name": name, "table": "articles", "data_type": data_type, "default_value": null,
        "max_length": max_length, "is_nullable": true, "is_unique": false, "is_indexed": false,
        "is_primary_key": false});
    json!({"collection": "articles", "field": name, "type": kind, "meta": meta, "schema": schema})
}
