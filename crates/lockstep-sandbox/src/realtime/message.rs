//! Messages, as they go over the wire.

use serde_json::{Map, Value, json};

use crate::error::ApiError;

/// A message of this type.
pub(crate) fn told(kind: &str, content: Value, uid: Option<&Value>) -> Value {
    let mut message = Map::new();
    message.insert("type".into(), kind.into());
    if let Value::Object(content) = content {
        message.extend(content);
    }
    if let Some(uid) = uid {
        message.insert("uid".into(), uid.clone());
    }
    message.into()
}

/// A refusal.
pub(crate) fn refused(kind: &str, code: &str, message: &str, uid: Option<&Value>) -> Value {
    told(kind, json!({"status": "error", "error": {"code": code, "message": message}}), uid)
}

/// What the API refuses, as a message.
pub(crate) fn failed(kind: &str, error: &ApiError) -> Option<Value> {
    // A fault of its own, the real one keeps to itself.
    (error.code != "INTERNAL_SERVER_ERROR").then(|| refused(kind, error.code, &error.message, None))
}

/// The type of a message; none for what is no object.
pub(crate) fn kind(message: &Value) -> Option<&str> {
    message.as_object()?.get("type")?.as_str()
}

/// The `uid` that a message is to be answered with.
pub(crate) fn uid(message: &Value) -> Option<&Value> {
    message.get("uid").filter(|uid| uid.is_string() || uid.is_number())
}

/// What JavaScript calls a value.
pub(crate) fn called(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

/// A text or number as text, as keys and uids are compared.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
