//! Files, for `fs`: what cannot be read is told by the code that Node has for it.

use std::fs::{self, FileType};
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What an entry is, how large, and when it was changed (milliseconds since 1970).
pub(super) struct Entry {
    pub(super) kind: &'static str,
    pub(super) size: u64,
    pub(super) modified: f64,
}

pub(super) fn read(path: &str) -> Result<Vec<u8>, &'static str> {
    if Path::new(path).is_dir() {
        return Err("EISDIR");
    }
    fs::read(path).map_err(|error| code(&error))
}

pub(super) fn stat(path: &str, follow: bool) -> Result<Entry, &'static str> {
    let found = if follow { fs::metadata(path) } else { fs::symlink_metadata(path) };
    let found = found.map_err(|error| code(&error))?;
    let modified = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Ok(Entry {
        kind: kind(found.file_type()),
        size: found.len(),
        modified: modified.map_or(0.0, |since| since.as_secs_f64() * 1000.0),
    })
}

/// Names and kinds, sorted by name.
pub(super) fn list(path: &str) -> Result<Vec<(String, &'static str)>, &'static str> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| code(&error))? {
        let entry = entry.map_err(|error| code(&error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        entries.push((name, entry.file_type().map_or("file", kind)));
    }
    entries.sort();
    Ok(entries)
}

pub(super) fn real_path(path: &str) -> String {
    match fs::canonicalize(path) {
        Ok(path) => path.display().to_string(),
        Err(error) => code(&error).to_owned(),
    }
}

fn kind(found: FileType) -> &'static str {
    match found {
        found if found.is_dir() => "directory",
        found if found.is_symlink() => "link",
        _ => "file",
    }
}

fn code(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "ENOENT",
        ErrorKind::PermissionDenied => "EACCES",
        ErrorKind::NotADirectory => "ENOTDIR",
        ErrorKind::IsADirectory => "EISDIR",
        _ => "EIO",
    }
}
