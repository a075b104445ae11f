//! Reading loosely typed JSON with errors that say where and what.

use serde_json::{Map, Value};

/// A value has another shape than its place calls for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: expected {expected}, found {found}")]
pub struct ShapeError {
    /// Where, as a path into the document: `fields[3].field`.
    pub place: String,
    /// What belongs there, in a few words.
    pub expected: &'static str,
    /// What was there, in a few words.
    pub found: String,
}

impl ShapeError {
    pub(crate) fn new(place: impl Into<String>, expected: &'static str, found: Option<&Value>) -> Self {
        Self { place: place.into(), expected, found: describe(found) }
    }
}

/// The value as an object, or an error that names `place`.
pub(crate) fn object(
    value: Value,
    place: &str,
    expected: &'static str,
) -> Result<Map<String, Value>, ShapeError> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(ShapeError::new(place, expected, Some(&other))),
    }
}

/// Takes the array at `key` out of `map`.
pub(crate) fn take_array(map: &mut Map<String, Value>, key: &str) -> Result<Vec<Value>, ShapeError> {
    match map.shift_remove(key) {
        Some(Value::Array(items)) => Ok(items),
        other => Err(ShapeError::new(key, "an array", other.as_ref())),
    }
}

/// The non-empty string at `key`, or an error that names `place` (empty: the document) and the key.
pub(crate) fn name<'a>(map: &'a Map<String, Value>, key: &str, place: &str) -> Result<&'a str, ShapeError> {
    match map.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        other => {
            let place = if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
            Err(ShapeError::new(place, "a name", other))
        }
    }
}

/// The string at `key`, if there is one.
pub(crate) fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

/// Removes the `data` wrapper that the API puts around its answers.
pub(crate) fn unwrap_data(value: Value) -> Value {
    match value {
        Value::Object(mut map) if map.len() == 1 && map.contains_key("data") => {
            map.remove("data").unwrap_or_default()
        }
        other => other,
    }
}

fn describe(value: Option<&Value>) -> String {
    match value {
        None => "nothing".into(),
        Some(Value::Null) => "null".into(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => format!("the number {number}"),
        Some(Value::String(text)) if text.is_empty() => "an empty string".into(),
        Some(Value::String(_)) => "a string".into(),
        Some(Value::Array(_)) => "an array".into(),
        Some(Value::Object(_)) => "an object".into(),
    }
}
