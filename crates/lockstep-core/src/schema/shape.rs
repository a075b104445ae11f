//! Reading loosely typed JSON with errors that say where and what.

use crate::json::{Json, Object};

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
    pub(crate) fn new(place: impl Into<String>, expected: &'static str, found: Option<&Json>) -> Self {
        Self { place: place.into(), expected, found: describe(found) }
    }
}

/// The value as an object, or an error that names `place`.
pub(crate) fn object(value: Json, place: &str, expected: &'static str) -> Result<Object, ShapeError> {
    match value {
        Json::Object(object) => Ok(object),
        other => Err(ShapeError::new(place, expected, Some(&other))),
    }
}

/// Takes the array at `key` out of `object`.
pub(crate) fn take_array(object: &mut Object, key: &str) -> Result<Vec<Json>, ShapeError> {
    match object.remove(key) {
        Some(Json::Array(items)) => Ok(items),
        other => Err(ShapeError::new(key, "an array", other.as_ref())),
    }
}

/// The non-empty string at `key`, or an error that names `place` (empty: the document) and the key.
pub(crate) fn name<'a>(object: &'a Object, key: &str, place: &str) -> Result<&'a str, ShapeError> {
    match object.get(key) {
        Some(Json::String(text)) if !text.is_empty() => Ok(text),
        other => Err(ShapeError::new(join(place, key), "a name", other)),
    }
}

/// `place.key`, or the key alone where there is no place.
pub(crate) fn join(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

/// The string at `key`, if there is one.
pub(crate) fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Json::as_str)
}

/// True for nothing and for `null`.
pub(crate) fn is_absent(value: Option<&Json>) -> bool {
    value.is_none_or(Json::is_null)
}

/// Removes the `data` wrapper that the API puts around its answers.
pub(crate) fn unwrap_data(value: Json) -> Json {
    match value {
        Json::Object(mut object) if object.len() == 1 => match object.remove("data") {
            Some(data) => data,
            None => Json::Object(object),
        },
        other => other,
    }
}

fn describe(value: Option<&Json>) -> String {
    match value {
        None => "nothing".into(),
        Some(Json::Null) => "null".into(),
        Some(Json::Bool(flag)) => flag.to_string(),
        Some(Json::Number(number)) => format!("the number {number}"),
        Some(Json::String(text)) if text.is_empty() => "an empty string".into(),
        Some(Json::String(_)) => "a string".into(),
        Some(Json::Array(_)) => "an array".into(),
        Some(Json::Object(_)) => "an object".into(),
    }
}
