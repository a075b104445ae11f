//! The parts that collections are written down with.

use serde_json::{Value, json};

/// A table with metadata; `meta` is added to what all have.
pub(super) fn table(name: &str, group: &str, meta: Value, fields: Vec<Value>) -> Value {
    let meta = merged(json!({ "group": group }), meta);
    json!({ "collection": name, "meta": meta, "schema": {}, "fields": fields })
}

pub(super) fn merged(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}

/// A column; `meta` and `schema` say what is special about it.
pub(super) fn field(name: &str, kind: &str, interface: &str, meta: Value, schema: Value) -> Value {
    let meta = merged(json!({ "interface": interface }), meta);
    json!({ "field": name, "type": kind, "meta": meta, "schema": schema })
}

pub(super) fn text(name: &str) -> Value {
    field(name, "string", "input", json!({}), json!({}))
}

/// A field without a column: the other side of a relation.
pub(super) fn alias(name: &str, special: &str) -> Value {
    let interface = match special {
        "o2m" => "list-o2m",
        "m2m" => "list-m2m",
        "m2a" => "list-m2a",
        other => other,
    };
    json!({ "field": name, "type": "alias", "meta": { "interface": interface, "special": [special] }, "schema": null })
}

pub(super) fn reference(name: &str, kind: &str) -> Value {
    field(name, kind, "select-dropdown-m2o", json!({ "special": ["m2o"] }), json!({}))
}

pub(super) fn image(name: &str) -> Value {
    field(name, "uuid", "file-image", json!({ "special": ["file"], "width": "half" }), json!({}))
}

/// A column of a junction, which nobody sees.
pub(super) fn hidden(name: &str, kind: &str) -> Value {
    json!({ "field": name, "type": kind, "meta": { "hidden": true }, "schema": {} })
}

pub(super) fn uuid_key() -> Value {
    let meta = json!({ "hidden": true, "readonly": true, "special": ["uuid"] });
    field(
        "id",
        "uuid",
        "input",
        meta,
        json!({ "is_primary_key": true, "length": 36, "has_auto_increment": false }),
    )
}

pub(super) fn name_key(name: &str) -> Value {
    field(
        name,
        "string",
        "input",
        json!({ "required": true }),
        json!({ "is_primary_key": true, "length": 64 }),
    )
}

pub(super) fn stamp(name: &str, kind: &str, special: &str) -> Value {
    let meta = json!({ "special": [special], "readonly": true, "hidden": true, "width": "half" });
    field(name, kind, if kind == "uuid" { "select-dropdown-m2o" } else { "datetime" }, meta, json!({}))
}

pub(super) fn unique(name: &str) -> Value {
    field(
        name,
        "string",
        "input",
        json!({ "required": true }),
        json!({ "is_unique": true, "is_nullable": false }),
    )
}
