//! What collections of Directus have of their own: one file for what belongs together.

mod administrators;
mod discussion;
mod flows;
mod people;
mod translations;

use serde_json::Value;

use crate::db::{Action, Session};
use crate::error::{Answer, ApiError};
use crate::schema::Collection;
use crate::write::Item;

/// Looks at a new item before anybody asks whether it may be made.
///
/// # Errors
/// Where something is missing that nothing goes without.
pub(crate) fn before_permission(collection: &Collection, item: &Item) -> Answer<()> {
    match collection.name.as_str() {
        "directus_comments" => discussion::comment(item),
        _ => Ok(()),
    }
}

/// Looks at an item before it is created.
///
/// # Errors
/// Where a rule of the collection does not allow it.
pub(crate) fn before_create(
    session: &mut Session<'_>,
    collection: &Collection,
    item: &mut Item,
) -> Answer<()> {
    match collection.name.as_str() {
        "directus_translations" => translations::create(session, item),
        "directus_users" => people::create(session, item),
        "directus_policies" => people::policy(item),
        "directus_versions" => discussion::version(item),
        _ => Ok(()),
    }
}

/// Looks at changes before they are made.
///
/// # Errors
/// Where a rule of the collection does not allow them.
pub(crate) fn before_update(
    session: &mut Session<'_>,
    collection: &Collection,
    keys: &[Value],
    item: &mut Item,
) -> Answer<()> {
    match collection.name.as_str() {
        "directus_translations" => translations::update(session, keys, item),
        "directus_users" => people::update(session, keys, item),
        "directus_roles" => people::update_roles(session, keys, item),
        "directus_policies" => people::policy(item),
        _ => Ok(()),
    }
}

/// Looks at items before they are deleted, and takes along what goes with them.
///
/// # Errors
/// Where a rule of the collection does not allow it.
pub(crate) fn before_delete(
    session: &mut Session<'_>,
    collection: &Collection,
    keys: &[Value],
) -> Answer<()> {
    match collection.name.as_str() {
        "directus_flows" => flows::delete(session, keys),
        "directus_users" => people::delete_users(session, keys),
        "directus_roles" => people::delete_roles(session, keys),
        _ => Ok(()),
    }
}

/// Does what follows from a write.
///
/// # Errors
/// Where nobody would be left who may do everything.
pub(crate) fn after_write(
    session: &mut Session<'_>,
    collection: &Collection,
    action: Action,
    _keys: &[Value],
    item: &Item,
) -> Answer<()> {
    match administrators::may_be_fewer(&collection.name, action, item) {
        true => administrators::remain(session),
        false => Ok(()),
    }
}

/// Runs a statement for a list of keys, which is its only value.
fn for_keys(session: &Session<'_>, sql: &str, keys: &[Value]) -> Answer<()> {
    session
        .db
        .prepare_cached(sql)?
        .execute([Value::Array(keys.to_vec()).to_string()])
        .map(drop)
        .map_err(ApiError::from)
}
