//! The JSON Schema of a configuration file, for editors.

use lockstep_core::collection;
use serde_json::{Map, Value, json};

use super::{KEYS, Key, Kind, Role, of_profile};

/// The schema, as `lockstep config schema` prints it.
pub(crate) fn json_schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Lockstep configuration",
        "description": "lockstep.config.json: what `lockstep` reads besides its command line and the environment.",
        "type": "object",
        "properties": properties(KEYS.iter()),
    })
}

fn properties<'a>(keys: impl Iterator<Item = &'a Key>) -> Map<String, Value> {
    keys.map(|key| (key.name.to_owned(), property(key))).collect()
}

fn property(key: &Key) -> Value {
    let mut schema = of_kind(&key.kind);
    let default = key.default.and_then(|text| serde_json::from_str(text).ok());
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".into(), key.about.into());
        schema.extend(default.map(|default| ("default".to_owned(), default)));
    }
    schema
}

fn of_kind(kind: &Kind) -> Value {
    let texts = || json!({"type": "array", "items": {"type": "string"}});
    match kind {
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Text | Kind::Secret | Kind::Path => json!({"type": "string"}),
        Kind::Paths => json!({"anyOf": [{"type": "string"}, texts()]}),
        Kind::Count => json!({"type": "integer", "minimum": 0}),
        Kind::Texts => texts(),
        Kind::Collection => collection(),
        Kind::Collections => json!({"type": "array", "items": collection()}),
        Kind::PreservedIds => json!({"anyOf": [
            {"enum": ["all", "*", "none"]},
            {"type": "array", "items": collection()},
        ]}),
        Kind::OneOf(words, _) => json!({"enum": words}),
        Kind::Object(keys) => object(keys.iter()),
        Kind::ByCollection(kind) => json!({
            "type": "object",
            "propertyNames": collection(),
            "additionalProperties": of_kind(kind),
        }),
        Kind::Profiles => json!({"type": "object", "additionalProperties": object(of_profile())}),
        Kind::Items(kind) => json!({"type": "array", "items": of_kind(kind)}),
        Kind::Filter | Kind::ByPath | Kind::Hooks | Kind::SdkOptions | Kind::Live => {
            json!({"type": "object"})
        }
    }
}

fn object<'a>(keys: impl Iterator<Item = &'a Key> + Clone) -> Value {
    let required: Vec<_> =
        keys.clone().filter(|key| key.role == Role::Required).map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties(keys),
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// With or without the prefix.
fn collection() -> Value {
    let names = collection::names();
    let prefixed = names.iter().map(|name| format!("directus_{name}"));
    json!({"enum": names.iter().map(|name| (*name).to_owned()).chain(prefixed).collect::<Vec<_>>()})
}
