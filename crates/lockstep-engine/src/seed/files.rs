//! Seeds on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockstep_core::seed::{self, Seed, Seeds};
use serde_json::Value;

use crate::dump;
use crate::error::EngineError;

/// The field of a record that names its file.
const FILE_PATH: &str = "_file_path";

/// Reads the seeds of all paths: files, and the `*.json` files below folders, by name.
pub(super) fn read(paths: &[PathBuf]) -> Result<Seeds, EngineError> {
    if !paths.iter().any(|path| path.exists()) {
        return Err(EngineError::NoSeeds(paths.to_vec()));
    }
    let mut all = Vec::new();
    for root in paths {
        for file in json_files(root)? {
            let value = dump::parse_file(&file)?;
            let mut seeds = seed::parse(&shown(root, &file), value)?;
            seeds.iter_mut().for_each(|seed| place_files(seed, folder(root)));
            all.extend(seeds);
        }
    }
    Ok(Seeds::merge(all)?)
}

/// The JSON files at or below a path, sorted, so that the order is the same on every machine.
pub(super) fn json_files(root: &Path) -> Result<Vec<PathBuf>, EngineError> {
    if !root.is_dir() {
        return Ok(root.exists().then(|| root.to_owned()).into_iter().collect());
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| dump::DumpError::Read { path, source }
    };
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(failed(&folder))? {
            let path = entry.map_err(failed(&folder))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What people call a file: its path from the folder of the seeds.
pub(super) fn shown(root: &Path, file: &Path) -> String {
    let inside = folder(root).parent().and_then(|parent| file.strip_prefix(parent).ok());
    inside.unwrap_or(file).display().to_string()
}

/// The folder that files are relative to.
pub(super) fn folder(root: &Path) -> &Path {
    if root.is_dir() { root } else { root.parent().unwrap_or(root) }
}

fn place_files(seed: &mut Seed, folder: &Path) {
    for record in &mut seed.records {
        let path = record.record.fields.get(FILE_PATH).and_then(Value::as_str).map(|path| folder.join(path));
        if let Some(path) = path {
            let fields = Arc::make_mut(&mut record.record.fields);
            fields.insert(FILE_PATH.to_owned(), Value::from(path.display().to_string()));
        }
    }
}
