//! The description of a field in a request, checked for its form.

use serde_json::{Map, Value};

use crate::error::{Answer, ApiError};
use crate::schema::types::NAMES;

/// Checks the description of a field as far as it can be without looking at anything else.
pub(crate) fn described(payload: &Map<String, Value>, new: bool) -> Answer<()> {
    let wrong = |reason: String| Err(ApiError::payload(reason));
    if new {
        match payload.get("field") {
            None => return wrong("\"field\" is required".into()),
            Some(Value::String(name)) if name.is_empty() => {
                return wrong("\"field\" is not allowed to be empty".into());
            }
            Some(Value::String(_)) => {}
            Some(_) => return wrong("\"field\" must be a string".into()),
        }
    }
    if let Some(kind) = payload.get("type").filter(|kind| !kind.is_null())
        && !kind.as_str().is_some_and(|kind| NAMES.contains(&kind))
    {
        return wrong(format!("\"type\" must be one of [{}, null]", NAMES.join(", ")));
    }
    match payload.get("schema") {
        None | Some(Value::Null) => {}
        Some(Value::Object(schema)) => {
            let nullable = schema.get("is_nullable").unwrap_or(&Value::Bool(true));
            if !nullable.is_boolean() && !matches!(nullable.as_str(), Some("true" | "false")) {
                return wrong("\"schema.is_nullable\" must be a boolean".into());
            }
        }
        Some(_) => return wrong("\"schema\" must be of type object".into()),
    }
    let known = ["collection", "field", "type", "schema", "meta"];
    match payload.keys().find(|name| new && !known.contains(&name.as_str())) {
        Some(name) => wrong(format!("\"{name}\" is not allowed")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(payload: Value, new: bool) -> bool {
        payload.as_object().is_some_and(|payload| described(payload, new).is_ok())
    }

    #[test]
    fn fields_have_a_name_and_a_known_type() {
        assert!(check(
            json!({"field": "a", "type": "string", "schema": {"is_nullable": false}, "meta": {}}),
            true
        ));
        assert!(check(json!({"field": "a", "type": null, "schema": null}), true));
        assert!(check(json!({}), false));
        for wrong in [
            json!({}),
            json!({"field": ""}),
            json!({"field": 5}),
            json!({"field": "a", "type": "nonsense"}),
            json!({"field": "a", "type": 5}),
            json!({"field": "a", "schema": 5}),
            json!({"field": "a", "schema": {"is_nullable": "perhaps"}}),
            json!({"field": "a", "other": 1}),
        ] {
            assert!(!check(wrong.clone(), true), "{wrong}");
        }
    }
}
