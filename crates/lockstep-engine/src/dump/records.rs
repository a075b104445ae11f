//! Records of a dump, read and checked.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use lockstep_core::collection;
use lockstep_core::nearest::nearest;
use rayon::prelude::*;
use serde_json::{Map, Value};

use super::error::{DumpError, DumpWarning};
use super::json;
use super::paths::DumpPaths;

/// The key that every record of a dump has.
const SYNC_ID: &str = "_syncId";

/// The records of a dump.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DumpCollections {
    /// Per collection that was asked for: its records in file order, or none if it has no file. No file means that
    /// the dump says nothing about the collection; an empty list means that it has no records.
    pub records: BTreeMap<String, Option<Vec<Map<String, Value>>>>,
    /// What is probably not meant so, sorted.
    pub warnings: Vec<DumpWarning>,
}

/// Reads the collections `names` of a dump. Each record has a `_syncId` that no other of its collection has.
///
/// # Errors
/// When the dump or its directory of collections is missing, a file cannot be read or is no array of such records.
pub fn read_collections(paths: &DumpPaths, names: &[&str]) -> Result<DumpCollections, DumpError> {
    check_present(paths)?;
    let read = |name: &&str| Ok(((*name).to_owned(), read_collection(&paths.collection_file(name))?));
    // Of several errors the first is told, as if they were read in order.
    let records: Vec<Result<_, DumpError>> = names.par_iter().map(read).collect();
    let records = records.into_iter().collect::<Result<_, _>>()?;
    Ok(DumpCollections { records, warnings: unknown_files(&paths.collections)? })
}

fn check_present(paths: &DumpPaths) -> Result<(), DumpError> {
    if paths.collections.is_dir() {
        Ok(())
    } else if paths.root.is_dir() {
        Err(DumpError::CollectionsMissing { path: paths.collections.clone() })
    } else {
        Err(DumpError::Missing { path: paths.root.clone() })
    }
}

fn read_collection(path: &Path) -> Result<Option<Vec<Map<String, Value>>>, DumpError> {
    match fs::read(path) {
        Ok(bytes) => checked(path, json::parse(path, &bytes)?).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => Ok(None),
        Err(source) => Err(DumpError::Read { path: path.to_owned(), source }),
    }
}

fn checked(path: &Path, value: Value) -> Result<Vec<Map<String, Value>>, DumpError> {
    let Value::Array(items) = value else {
        return Err(DumpError::NoRecords { path: path.to_owned(), found: kind(&value).into() });
    };
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut records = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let Value::Object(record) = item else {
            return Err(DumpError::NoRecord { path: path.to_owned(), index });
        };
        let sync_id = sync_id(&record).ok_or_else(|| DumpError::NoSyncId { path: path.to_owned(), index })?;
        if let Some(first) = seen.insert(sync_id.to_owned(), index) {
            let sync_id = sync_id.to_owned();
            return Err(DumpError::DuplicateSyncId { path: path.to_owned(), sync_id, first, second: index });
        }
        records.push(record);
    }
    Ok(records)
}

fn sync_id(record: &Map<String, Value>) -> Option<&str> {
    record.get(SYNC_ID).and_then(Value::as_str).filter(|id| !id.is_empty())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn unknown_files(directory: &Path) -> Result<Vec<DumpWarning>, DumpError> {
    let failed = |source| DumpError::Read { path: directory.to_owned(), source };
    let mut warnings = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        warnings.extend(unknown_file(path));
    }
    warnings.sort();
    Ok(warnings)
}

fn unknown_file(path: PathBuf) -> Option<DumpWarning> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".json").filter(|stem| !stem.starts_with('.'))?;
    if collection::names().contains(&stem) {
        return None;
    }
    let name = stem.strip_prefix("directus_").unwrap_or(stem);
    let nearest = nearest(name, &collection::names());
    Some(DumpWarning::UnknownCollectionFile { path, nearest })
}
