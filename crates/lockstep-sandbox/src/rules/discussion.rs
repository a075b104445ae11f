//! Comments and versions.

use serde_json::Value;

use crate::error::{Answer, ApiError};
use crate::write::Item;

/// A comment says what, and on what.
pub(super) fn comment(item: &Item) -> Answer<()> {
    match ["comment", "collection", "item"]
        .into_iter()
        .find(|field| item.get(*field).is_none_or(Value::is_null))
    {
        Some(field) => Err(ApiError::payload(format!("\"{field}\" is required"))),
        None => Ok(()),
    }
}

/// The sandbox keeps no versions of content.
pub(super) fn version(item: &Item) -> Answer<()> {
    let collection = item.get("collection").and_then(Value::as_str).unwrap_or_default();
    Err(ApiError::unprocessable(format!("Content Versioning is not enabled for collection \"{collection}\"")))
}
