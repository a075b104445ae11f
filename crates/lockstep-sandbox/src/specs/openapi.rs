//! An OpenAPI document of the collections that somebody may read.

use serde_json::{Map, Value, json};

use crate::VERSION;
use crate::access;
use crate::db::Session;
use crate::error::Answer;
use crate::schema::types::Kind;
use crate::schema::{Collection, Field, Schema};

/// The document.
pub(crate) fn document(session: &Session<'_>, host: &str) -> Answer<Value> {
    let (mut paths, mut schemas, mut tags) = (Map::new(), Map::new(), Vec::new());
    for collection in session.schema.collections.values() {
        if access::rule(session, &collection.name, "read")?.is_none() {
            continue;
        }
        let name = schema_name(collection);
        tags.push(json!({"name": name, "x-collection": collection.name}));
        schemas.insert(name.clone(), schema_of(&session.schema, collection));
        if let Some(base) = base(collection) {
            paths.insert(base.clone(), list_path(collection, &name));
            if !collection.singleton {
                paths.insert(format!("{base}/{{id}}"), item_path(collection, &name));
            }
        }
    }
    paths.insert(
        "/server/ping".into(),
        json!({"get": {
            "summary": "Ping", "operationId": "ping", "tags": ["Server"],
            "responses": {"200": {"description": "Successful request"}},
        }}),
    );
    tags.push(json!({"name": "Server"}));
    Ok(json!({
        "openapi": "3.0.1",
        "info": {
            "title": "Dynamic API Specification",
            "description": "The API of the collections of this instance.",
            "version": VERSION,
        },
        "servers": [{"url": format!("http://{host}"), "description": "This instance"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "Auth": {"type": "apiKey", "in": "header", "name": "Authorization"},
                "KeyAuth": {"type": "apiKey", "in": "query", "name": "access_token"},
            },
        },
        "security": [{"KeyAuth": []}, {"Auth": []}],
    }))
}

/// `ItemsPosts`, `Roles`.
fn schema_name(collection: &Collection) -> String {
    match collection.name.strip_prefix("directus_") {
        Some(name) if collection.system => pascal(name),
        _ => format!("Items{}", pascal(&collection.name)),
    }
}

fn pascal(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric());
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    words.map(word).collect()
}

/// Where the items are; none for what has no address of its own.
fn base(collection: &Collection) -> Option<String> {
    if !collection.system {
        return Some(format!("/items/{}", collection.name));
    }
    let name = collection.name.strip_prefix("directus_")?;
    (name != "sessions").then(|| format!("/{name}"))
}

fn list_path(collection: &Collection, name: &str) -> Value {
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    let list = if collection.singleton {
        reference.clone()
    } else {
        json!({"type": "array", "items": reference.clone()})
    };
    let mut path = json!({"get": operation("read", name, list, None, false)});
    let method = if collection.singleton { "patch" } else { "post" };
    let verb = if collection.singleton { "update" } else { "create" };
    path[method] = operation(verb, name, reference.clone(), Some(&reference), false);
    path
}

fn item_path(_collection: &Collection, name: &str) -> Value {
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    json!({
        "get": operation("readSingle", name, reference.clone(), None, true),
        "patch": operation("updateSingle", name, reference.clone(), Some(&reference), true),
        "delete": operation("deleteSingle", name, Value::Null, None, true),
    })
}

fn operation(verb: &str, name: &str, data: Value, body: Option<&Value>, keyed: bool) -> Value {
    let response = if data.is_null() {
        json!({"204": {"description": "Done"}})
    } else {
        let schema = json!({"type": "object", "properties": {"data": data}});
        json!({"200": {"description": "Successful request", "content": {"application/json": {"schema": schema}}}})
    };
    let mut operation =
        json!({"operationId": format!("{verb}{name}"), "tags": [name], "responses": response});
    if keyed {
        operation["parameters"] = json!([{
            "name": "id", "in": "path", "required": true,
            "schema": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        }]);
    }
    if let Some(body) = body {
        operation["requestBody"] = json!({"content": {"application/json": {"schema": body}}});
    }
    operation
}

fn schema_of(schema: &Schema, collection: &Collection) -> Value {
    let fields =
        collection.fields.values().map(|field| (field.name.clone(), property(schema, collection, field)));
    json!({
        "type": "object",
        "properties": fields.collect::<Map<_, _>>(),
        "x-collection": collection.name,
    })
}

fn property(schema: &Schema, collection: &Collection, field: &Field) -> Value {
    let mut property = match field.kind {
        Kind::Integer => json!({"type": "integer"}),
        Kind::BigInteger => json!({"type": "integer", "format": "int64"}),
        Kind::Float | Kind::Decimal => json!({"type": "number"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Csv => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Uuid => json!({"type": "string", "format": "uuid"}),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Time => json!({"type": "string", "format": "time"}),
        Kind::DateTime => json!({"type": "string", "format": "date-time"}),
        Kind::Timestamp => json!({"type": "string", "format": "timestamp"}),
        Kind::Json | Kind::Unknown => json!({}),
        Kind::Geometry => json!({"type": "object"}),
        Kind::Alias => json!({"type": "array", "items": {"type": "string"}}),
        Kind::String | Kind::Text | Kind::Hash | Kind::Binary => json!({"type": "string"}),
    };
    if field.nullable {
        property["nullable"] = true.into();
    }
    if let Some(length) = field.max_length {
        property["maxLength"] = length.into();
    }
    let refers = |name: &str| schema.collections.get(name).map(schema_name);
    if let Some(name) =
        schema.from(&collection.name, &field.name).and_then(|it| refers(it.related.as_deref()?))
    {
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        return json!({"oneOf": [property, reference], "nullable": field.nullable});
    }
    if let Some(name) = schema.towards(&collection.name, &field.name).and_then(|it| refers(&it.collection)) {
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        property["items"] = json!({"oneOf": [{"type": "string"}, reference]});
    }
    property
}
