//! The dump: a directory of JSON files, under version control, that holds the configuration of an instance.
//!
//! ```text
//! directus-config/
//!   collections/<name>.json          records of the eleven system collections, see [`lockstep_core::collection`]
//!   snapshot/…                       the schema, see [`lockstep_core::schema::Layout`]
//!   specs/{item.graphql,system.graphql,openapi.json}
//! ```
//!
//! The layout is that of directus-sync, whose dumps are read as they are. Promises of this module:
//!
//! * A file that is missing is never taken for an empty list: emptiness deletes.
//! * A write replaces only files whose bytes change and removes only files that are Lockstep's own; when it fails, the
//!   old dump is whole.
//! * What is written is what JavaScript's `JSON.stringify(value, null, 2)` gives, with a final newline.
//!
//! Functions here block on the file system, for as long as a few thousand small files take.

mod error;
mod existing;
mod json;
mod paths;
mod records;
mod replace;
mod snapshot;
#[cfg(test)]
mod tests;
mod write;

pub use error::{DumpError, DumpWarning};
pub use json::{Misread, Sorted, canonical, misread};
pub(crate) use json::{parse_file, parse_text};
pub use paths::DumpPaths;
pub use records::{DumpCollections, read_collections};
pub use replace::write_file;
pub use snapshot::read_snapshot;
pub(crate) use snapshot::{of_files, read_directory};
pub use write::{DumpContents, WriteReport, write};

/// The files of API specifications in a dump.
pub const SPECS: [&str; 3] = ["item.graphql", "system.graphql", "openapi.json"];
