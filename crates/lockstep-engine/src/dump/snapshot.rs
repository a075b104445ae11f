//! The snapshot of a dump, read.

use std::fs;

use lockstep_core::schema::{Snapshot, from_files};

use super::error::DumpError;
use super::paths::DumpPaths;
use super::{existing, json};

/// Reads the snapshot of a dump, in either layout; none if the dump has none.
///
/// Both layouts at once are an error: neither Lockstep nor directus-sync leaves them behind, so they come of a merge,
/// and the wrong one could drop tables.
///
/// # Errors
/// When the dump is missing, a file cannot be read or is not JSON, or the files make no snapshot.
pub fn read_snapshot(paths: &DumpPaths) -> Result<Option<Snapshot>, DumpError> {
    if !paths.root.is_dir() && !paths.snapshot.is_dir() {
        return Err(DumpError::Missing { path: paths.root.clone() });
    }
    let mut files = Vec::new();
    for (name, path) in existing::snapshot_files(&paths.snapshot)? {
        let bytes = fs::read(&path).map_err(|source| DumpError::Read { path: path.clone(), source })?;
        files.push((name, json::parse(&path, &bytes)?));
    }
    if files.is_empty() {
        return Ok(None);
    }
    let failed = |source| DumpError::Snapshot { path: paths.snapshot.clone(), source };
    from_files(files).map(Some).map_err(failed)
}
