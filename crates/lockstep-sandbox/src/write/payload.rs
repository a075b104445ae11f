//! What Directus fills into an item before it is kept.

use serde_json::Value;
use uuid::Uuid;

use super::Item;
use crate::auth;
use crate::clock;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::query::values::{moment, shown, stored};
use crate::schema::types::Kind;
use crate::schema::{Collection, Field};

/// The error for a field that may not be written or is not there.
pub(crate) fn no_field(collection: &Collection, name: &str) -> ApiError {
    ApiError::forbidden(Some(&format!(
        "You don't have permission to access field \"{name}\" in collection \"{}\" or it does not exist. Queried in root.",
        collection.name
    )))
}

/// A key of UUIDs takes nothing else.
pub(crate) fn check_key(collection: &Collection, item: &Item) -> Answer<()> {
    let is_uuid = collection.fields.get(&collection.key).is_some_and(|field| field.kind == Kind::Uuid);
    match item.get(&collection.key) {
        Some(Value::String(key)) if is_uuid && Uuid::parse_str(key).is_err() => {
            Err(ApiError::forbidden(None))
        }
        _ => Ok(()),
    }
}

/// Keys that no item of the collection can have are nobody's.
pub(crate) fn check_keys(collection: &Collection, keys: &[Value]) -> Answer<()> {
    let kind = collection.fields.get(&collection.key).map_or(Kind::Unknown, |field| field.kind);
    let fits = |key: &Value| match (kind, key) {
        (Kind::Integer | Kind::BigInteger, Value::Number(_)) => true,
        (Kind::Integer | Kind::BigInteger, Value::String(key)) => key.trim().parse::<f64>().is_ok(),
        (Kind::Uuid, Value::String(key)) => Uuid::parse_str(key).is_ok(),
        (Kind::Integer | Kind::BigInteger | Kind::Uuid, _) => false,
        (_, key) => key.is_string() || key.is_number(),
    };
    match keys.iter().all(fits) {
        true => Ok(()),
        false => Err(ApiError::forbidden(None)),
    }
}

/// Fills in what a new item gets.
pub(crate) fn fill_created(session: &Session<'_>, collection: &Collection, item: &mut Item) -> Answer<()> {
    for field in collection.fields.values().filter(|field| !field.is_alias()) {
        if let Some(value) = made(session, field, "created") {
            item.insert(field.name.clone(), value);
        }
        let absent = item.get(&field.name).is_none_or(Value::is_null);
        if field.has("uuid") && absent {
            item.insert(field.name.clone(), Uuid::new_v4().to_string().into());
        } else if !item.contains_key(&field.name) && field.default.as_deref() == Some("CURRENT_TIMESTAMP") {
            item.insert(field.name.clone(), now(field.kind));
        }
    }
    settle(collection, item)
}

/// Fills in what a changed item gets.
pub(crate) fn fill_updated(
    session: &Session<'_>,
    collection: &Collection,
    item: &mut Item,
    stated: &Item,
) -> Answer<()> {
    if stated.is_empty() {
        return Ok(());
    }
    for field in collection.fields.values().filter(|field| !field.is_alias()) {
        if let Some(value) = made(session, field, "updated") {
            item.insert(field.name.clone(), value);
        }
    }
    settle(collection, item)
}

/// The value of a field that is made whatever the request says.
fn made(session: &Session<'_>, field: &Field, when: &str) -> Option<Value> {
    let has = |what: &str| field.has(&format!("{what}-{when}"));
    if has("date") {
        return Some(now(field.kind));
    }
    if has("user") {
        return Some(session.who.user.clone().into());
    }
    has("role").then(|| session.who.role.clone().into())
}

fn now(kind: Kind) -> Value {
    let now = clock::now();
    moment(kind, &now).unwrap_or(now).into()
}

/// Checks dates, and hashes what is kept as a hash only.
fn settle(collection: &Collection, item: &mut Item) -> Answer<()> {
    for (name, value) in item.iter_mut() {
        let Some(field) = collection.fields.get(name) else { continue };
        if field.has("hash") && !value.is_null() && *value != "" {
            *value = auth::hash(&crate::query::values::text(value))?.into();
        }
        let Value::String(text) = &*value else { continue };
        let what = match field.kind {
            Kind::Date => "Date",
            Kind::DateTime => "DateTime",
            Kind::Timestamp if !text.is_empty() && moment(field.kind, text).is_none() => {
                return Err(ApiError::internal("Invalid time value"));
            }
            _ => continue,
        };
        if moment(field.kind, text).is_none() {
            return Err(ApiError::payload(format!("Invalid {what} format in field \"{name}\"")));
        }
    }
    Ok(())
}

/// What a field has where nothing was said.
pub(crate) fn default_of(field: &Field) -> Value {
    let Some(text) = field.default.as_deref() else { return Value::Null };
    if text == "CURRENT_TIMESTAMP" {
        return now(field.kind);
    }
    let kept = stored(field.kind, &Value::from(text));
    shown(field, (&kept).into())
}
