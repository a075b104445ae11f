//! What the database refuses, as the API tells it.

use serde_json::Value;

use super::Item;
use crate::error::ApiError;

/// The API's error for a violated constraint; any other failure is the instance's own.
pub(crate) fn explained(collection: &str, item: &Item, error: rusqlite::Error) -> ApiError {
    let rusqlite::Error::SqliteFailure(_, Some(message)) = &error else { return error.into() };
    let (rule, place) = message.split_once(": ").unwrap_or((message, ""));
    // Several columns are listed with commas; none of them can be told alone.
    let field = match place.contains(", ") {
        true => None,
        false => place.split_once('.').map(|(_, field)| field),
    };
    match rule {
        "UNIQUE constraint failed" => {
            let field = field.unwrap_or_default();
            ApiError::not_unique(collection, field, item.get(field).cloned().unwrap_or(Value::Null))
        }
        "NOT NULL constraint failed" => ApiError::not_null(collection, field.unwrap_or_default()),
        "FOREIGN KEY constraint failed" => ApiError::foreign_key(None, None, None),
        _ => error.into(),
    }
}
