//! What collections of Directus have of their own.

use serde_json::Value;

use crate::db::{Action, Session};
use crate::error::Answer;
use crate::schema::Collection;
use crate::write::Item;

/// Looks at an item before it is created.
///
/// # Errors
/// Where a rule of the collection does not allow it.
pub(crate) fn before_create(_session: &mut Session<'_>, _collection: &Collection, _item: &mut Item) -> Answer<()> {
    Ok(())
}

/// Looks at changes before they are made.
///
/// # Errors
/// Where a rule of the collection does not allow them.
pub(crate) fn before_update(_session: &mut Session<'_>, _collection: &Collection, _keys: &[Value], _item: &mut Item) -> Answer<()> {
    Ok(())
}

/// Looks at items before they are deleted, and takes along what goes with them.
///
/// # Errors
/// Where a rule of the collection does not allow it.
pub(crate) fn before_delete(_session: &mut Session<'_>, _collection: &Collection, _keys: &[Value]) -> Answer<()> {
    Ok(())
}

/// Does what follows from a write.
///
/// # Errors
/// Where that fails.
pub(crate) fn after_write(
    _session: &mut Session<'_>,
    _collection: &Collection,
    _action: Action,
    _keys: &[Value],
    _item: &Item,
) -> Answer<()> {
    Ok(())
}
