//! `POST /schema/diff`: what would have to change for a schema to be the desired one.

use lockstep_core::json::{Json, Object};
use lockstep_core::schema::{Mode, Snapshot};
use serde_json::Value;

use super::{snapshot, validate};
use crate::db::Session;
use crate::error::{Answer, ApiError};

/// What has to change, `{hash, diff}`; none if nothing has to. With `force`, version and database of the desired schema
/// are not looked at.
///
/// # Errors
/// When it is no snapshot, or one of another version or database.
pub(crate) fn diff(session: &mut Session<'_>, desired: &Value, force: bool) -> Answer<Option<Value>> {
    validate::snapshot(desired, force)?;
    let desired = sound(desired)?;
    let current = snapshot::snapshot(session)?;
    let found = lockstep_core::schema::diff(&current, &desired, Mode::Mirror)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(found.map(|found| found.to_value()))
}

/// The snapshot, with names that occur twice once: the first counts.
fn sound(desired: &Value) -> Answer<Snapshot> {
    let Json::Object(mut header) = Json::from(desired.clone()) else {
        return Err(ApiError::payload("\"value\" must be of type object"));
    };
    let mut list = |name: &str| -> Answer<Vec<Object>> {
        let Some(Json::Array(items)) = header.remove(name) else {
            return Err(ApiError::internal("Cannot read properties of undefined (reading 'find')"));
        };
        let mut kept: Vec<Object> = Vec::with_capacity(items.len());
        let mut names = std::collections::HashSet::new();
        for item in items.into_iter().filter_map(Json::into_object) {
            let own = |key: &str| item.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
            if names.insert((own("collection"), own("field"))) {
                kept.push(item);
            }
        }
        Ok(kept)
    };
    let (collections, fields, relations) = (list("collections")?, list("fields")?, list("relations")?);
    Snapshot::new(header, collections, fields, relations)
        .map_err(|error| ApiError::payload(error.to_string()))
}
