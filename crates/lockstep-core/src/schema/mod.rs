//! The schema of an instance, as data: snapshots, their files, and what would change.
//!
//! A [`Snapshot`] is what `GET /schema/snapshot` answers and what `POST /schema/diff` takes. It keeps every key and
//! their order, so that a field that a new Directus version adds passes through untouched. [`to_files`] and
//! [`from_files`] map it to the files of a dump and back; [`lint`] tells what is wrong with it by itself.
//!
//! The way to an instance: [`adapt`] makes a desired snapshot fit it, [`diff`] computes what the server would,
//! [`SchemaDiff::changes`] reads that for people and for safety, [`SchemaDiff::for_sending`] says it in a form that no
//! version misunderstands. [`SchemaDiff::applied_to`] is the same in the model.
//!
//! Everything here is pure: no file, no clock, no network.

mod adapt;
mod apply;
mod change;
mod dialect;
mod diff;
mod difference;
mod file_name;
mod hash;
mod layout;
mod lint;
pub mod lists;
mod native;
mod normal;
mod risk;
mod scope;
mod sending;
mod shape;
mod snapshot;
mod steps;
#[cfg(test)]
mod tests;
mod types;
mod vendor;

pub use adapt::{AdaptError, Adapted, LeftOut, LeftOutReason, adapt};
pub use apply::Misfit;
pub use change::{ChangeKind, Edit, Risk, SchemaChange, SchemaItem};
pub use dialect::Dialect;
pub use diff::SchemaDiff;
pub use layout::{FileRole, Layout, LayoutError, RelPath, from_files, to_files};
pub use lint::{Finding, Severity, lint};
pub use native::{Mode, diff};
pub use risk::CODES;
pub use scope::Scope;
pub use shape::ShapeError;
pub use snapshot::{Snapshot, SnapshotError};
pub use steps::NewTable;
pub use vendor::beyond;

/// The tables that sync tools keep in an instance for themselves: the mapping table of the directus-sync extension
/// and Lockstep's own state. They are never part of a dump, and no change to them is ever sent.
pub const OWN_TABLES: [&str; 2] = ["directus_sync_id_map", "lockstep_state"];
