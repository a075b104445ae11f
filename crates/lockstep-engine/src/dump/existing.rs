//! Which files of a dump are Lockstep's own.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use lockstep_core::schema::RelPath;

use super::error::DumpError;

/// How deep the files of a snapshot are at most: `fields/<collection>/<field>.json`.
const DEPTH: usize = 3;

/// The files in the snapshot directory that a snapshot could consist of, sorted; nothing if there is no such directory.
/// Symbolic links to directories inside it are not followed.
pub(crate) fn snapshot_files(directory: &Path) -> Result<Vec<(RelPath, PathBuf)>, DumpError> {
    let mut found = Vec::new();
    collect(directory, "", 1, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(
    directory: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<(RelPath, PathBuf)>,
) -> Result<(), DumpError> {
    let failed = |source| DumpError::Read { path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Err(error) if depth == 1 && error.kind() == ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if entry.file_type().map_err(failed)?.is_dir() {
            if depth < DEPTH {
                collect(&entry.path(), &format!("{path}/"), depth + 1, found)?;
            }
        } else if let Some(owned) = RelPath::new(&path).filter(|path| path.role().is_some()) {
            found.push((owned, entry.path()));
        }
    }
    Ok(())
}
