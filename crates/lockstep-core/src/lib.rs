//! The domain of Lockstep, pure: no IO, no clock, no async.
//!
//! All data takes one road. A *state* (schema snapshot and keyed records) is read from a source and from a target;
//! [`identity`] tells which record is which; [`reconcile`] compares them and gives the changes as one value;
//! [`plan`] orders these into batches that a server accepts; whoever has a connection carries them out.

pub mod checkup;
pub mod collection;
pub mod content;
pub mod file_order;
pub mod identity;
pub mod json;
pub mod label;
pub mod merge;
pub mod names;
pub mod nearest;
pub mod placeholder;
pub mod plan;
pub mod reconcile;
pub mod record;
pub mod report;
pub mod schema;
pub mod seed;
pub mod transform;
pub mod version;
