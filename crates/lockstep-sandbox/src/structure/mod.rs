//! Changing the structure: collections, fields, relations, and whole schemas at once.
//!
//! All of it goes through a [`change::Change`]: what is known of things is written at once, tables are changed in a
//! [`draft::Draft`] and made when everything is known of them.

mod apply;
mod change;
pub(crate) mod collections;
mod column;
mod diff;
mod draft;
pub(crate) mod fields;
mod meta;
mod patch;
pub(crate) mod relations;
pub(crate) mod snapshot;
#[cfg(test)]
pub(crate) mod tests;
mod validate;

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::schema::table::Table;

pub(crate) use apply::apply;
pub(crate) use diff::diff;

/// The property as an object; none if it is something else or nothing.
fn object<'a>(payload: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    payload.get(key).and_then(Value::as_object)
}

/// The property as text.
fn text<'a>(payload: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    payload.get(key).and_then(Value::as_str)
}

/// What a table refused, in the API's words.
fn refused(table: &Table, error: ApiError) -> ApiError {
    let column = |prefix: &str| {
        let rest = error.message.split_once(prefix)?.1;
        rest.rsplit_once('.').map(|(_, column)| column.trim().to_owned())
    };
    if let Some(field) = column("NOT NULL constraint failed: ") {
        if table.column(&field).is_none() {
            return ApiError::internal("Cannot add a NOT NULL column with default value NULL");
        }
        return contains_null(&table.name, &field);
    }
    if let Some(field) = column("UNIQUE constraint failed: ") {
        return ApiError::not_unique(&table.name, &field, Value::Null);
    }
    error
}

/// A collection that a route names, and that is not there.
fn nowhere(collection: &str) -> ApiError {
    ApiError::forbidden(Some(&format!(
        "You don't have permission to access collection \"{collection}\" or it does not exist. Queried in root."
    )))
}

fn contains_null(collection: &str, field: &str) -> ApiError {
    let message = format!("Field \"{field}\" in collection \"{collection}\" contains null values.");
    ApiError::new(400, "CONTAINS_NULL_VALUES", message)
        .saying("collection", collection)
        .saying("field", field)
}
