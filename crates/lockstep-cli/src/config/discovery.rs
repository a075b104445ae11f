//! Which configuration file counts.

use std::path::{Component, Path, PathBuf};

use super::error::ConfigError;

/// Looked for in the working directory, in this order; the first four are Lockstep's own, the others those of
/// directus-sync.
pub(crate) const NAMES: [&str; 8] = [
    "lockstep.config.js",
    "lockstep.config.cjs",
    "lockstep.config.mjs",
    "lockstep.config.json",
    "directus-sync.config.js",
    "directus-sync.config.cjs",
    "directus-sync.config.mjs",
    "directus-sync.config.json",
];

/// The configuration file of a run in `directory`: the one that is named, else the first that exists, else none.
///
/// # Errors
/// The named file does not exist. (directus-sync would then silently take another one.)
pub(crate) fn find(named: Option<&Path>, directory: &Path) -> Result<Option<PathBuf>, ConfigError> {
    if let Some(named) = named {
        let path = joined(directory, named);
        return if path.exists() { Ok(Some(path)) } else { Err(ConfigError::NoSuchFile { path }) };
    }
    Ok(NAMES.iter().map(|name| directory.join(name)).find(|path| path.is_file()))
}

/// `path` relative to `base`, without `.` and `..` where that can be told from the text.
pub(crate) fn joined(base: &Path, path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in base.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(result.components().next_back(), Some(Component::Normal(_))) => {
                result.pop();
            }
            Component::ParentDir if result.has_root() => {}
            other => result.push(other),
        }
    }
    result
}
