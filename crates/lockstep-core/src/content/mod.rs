//! Collections of content, described in the words of the registry ([`crate::collection`]).
//!
//! What the registry says of a system collection is said of a collection of content by the schema of an instance: its
//! key, what its fields refer to (many-to-one, many-to-any, itself), which fields the server fills in by itself, what its
//! values mean. [`Model`] reads a snapshot and makes a [`crate::collection::Collection`] of it, so that matching, comparing
//! and planning know no second kind of collection.

mod fit;
mod intern;
mod kind;
mod model;
mod outline;
#[cfg(test)]
mod tests;

pub use fit::{Misfit, Part, misfits};
pub use kind::{Kind, same_value_of};
pub use model::{FILES, Lists, Model, ModelError, USERS, Wish};

/// The mapping table of a collection, as directus-sync names it: `roles` for `directus_roles`, `items::posts` for
/// `posts`.
#[must_use]
pub fn table_name(collection: &str) -> String {
    match collection.strip_prefix("directus_") {
        Some(system) => system.to_owned(),
        None => format!("items::{collection}"),
    }
}

/// The collection of a mapping table: the inverse of [`table_name`].
#[must_use]
pub fn collection_name(table: &str) -> String {
    match table.strip_prefix("items::") {
        Some(collection) => collection.to_owned(),
        None => format!("directus_{table}"),
    }
}
