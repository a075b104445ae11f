//! The schema of an instance, as data: snapshots, their files, and what would change.
//!
//! A [`Snapshot`] is what `GET /schema/snapshot` answers and what `POST /schema/diff` takes. It keeps every key and
//! their order, so that a field that a new Directus version adds passes through untouched. [`to_files`] and
//! [`from_files`] map it to the files of a dump and back. A [`SchemaDiff`] is the server's answer to
//! `POST /schema/diff`; [`SchemaDiff::changes`] reads it for people and for safety, [`SchemaDiff::filter`] and
//! [`SchemaDiff::guard_first_kind`] remove what must never be sent back.
//!
//! Everything here is pure: no file, no clock, no network.

mod change;
mod diff;
mod file_name;
mod filter;
mod layout;
mod risk;
mod shape;
mod snapshot;
#[cfg(test)]
mod tests;
mod types;

pub use change::{ChangeKind, Edit, Risk, SchemaChange, SchemaItem};
pub use diff::SchemaDiff;
pub use filter::{LeftOut, LeftOutReason};
pub use layout::{FileRole, Layout, LayoutError, RelPath, from_files, to_files};
pub use shape::ShapeError;
pub use snapshot::{Snapshot, SnapshotError};

/// The tables that sync tools keep in an instance for themselves: the mapping table of the directus-sync extension
/// and Lockstep's own state. They are never part of a dump, and no change to them is ever sent.
pub const OWN_TABLES: [&str; 2] = ["directus_sync_id_map", "lockstep_state"];
