//! The snapshot of a dump, read.

use std::fs;
use std::path::{Path, PathBuf};

use lockstep_core::json::Keys;
use lockstep_core::schema::{RelPath, Snapshot, from_files};

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
    read_directory(&paths.snapshot)
}

/// Reads the snapshot in a directory, in either layout; none if there is none in it.
///
/// # Errors
/// As [`read_snapshot`].
pub(crate) fn read_directory(directory: &Path) -> Result<Option<Snapshot>, DumpError> {
    let read = |(name, path): (RelPath, PathBuf)| match fs::read(&path) {
        Ok(bytes) => Ok((name, path, bytes)),
        Err(source) => Err(DumpError::Read { path, source }),
    };
    of_files(directory, existing::snapshot_files(directory)?.into_iter().map(read))
}

/// The snapshot that these files make (place in the snapshot, name for people, content); none if there are none.
///
/// # Errors
/// As [`read_snapshot`].
pub(crate) fn of_files(
    directory: &Path,
    files: impl IntoIterator<Item = Result<(RelPath, PathBuf, Vec<u8>), DumpError>>,
) -> Result<Option<Snapshot>, DumpError> {
    let keys = Keys::default();
    let mut parsed = Vec::new();
    for file in files {
        let (name, path, bytes) = file?;
        parsed.push((name, json::parse_compact(&keys, &path, &bytes)?));
    }
    if parsed.is_empty() {
        return Ok(None);
    }
    let failed = |source| DumpError::Snapshot { path: directory.to_owned(), source };
    from_files(parsed).map(Some).map_err(failed)
}
