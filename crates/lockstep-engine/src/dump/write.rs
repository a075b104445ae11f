//! The dump as a target.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lockstep_core::collection;
use lockstep_core::schema::{Layout, Snapshot, to_files};
use rayon::prelude::*;
use serde_json::{Map, Value};

use super::error::DumpError;
use super::paths::DumpPaths;
use super::replace::{self, Replacement};
use super::{SPECS, Sorted, existing, json};

/// What to write. A part that is `None`, and a collection that is not named, stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DumpContents {
    /// Records per collection, written in the order given.
    pub collections: Vec<(String, Vec<Map<String, Value>>)>,
    /// The snapshot and how to lay it out.
    pub snapshot: Option<(Snapshot, Layout)>,
    /// API specifications by file name; those of the three that are not given are removed.
    pub specs: Option<Vec<(String, Vec<u8>)>>,
}

/// What a write did, each list sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteReport {
    /// Files that are new or have new bytes.
    pub written: Vec<PathBuf>,
    /// Files that had these bytes already.
    pub unchanged: Vec<PathBuf>,
    /// Files of the old dump that are no longer part of it.
    pub removed: Vec<PathBuf>,
}

/// Writes a dump: all new files first beside their places, then moved there, then what is stale is removed.
///
/// With `sort_json` the keys of all objects are sorted, else they stay in the order given. Only files that are
/// Lockstep's own are ever removed: of the snapshot's two layouts, and the three specifications.
///
/// # Errors
/// When a name has no file in a dump, or the file system refuses. The old dump is then whole, except for
/// [`DumpError::HalfWritten`].
pub fn write(paths: &DumpPaths, contents: &DumpContents, sort_json: bool) -> Result<WriteReport, DumpError> {
    check_apart(paths)?;
    let (files, owned) = rayon::join(|| render(paths, contents, sort_json), || owned(paths, contents));
    let (files, owned) = (files?, owned?);
    if contents.snapshot.is_some() {
        let directories: BTreeSet<&Path> = files.keys().filter_map(|file| file.parent()).collect();
        directories.iter().try_for_each(|directory| replace::check_unlinked(&paths.snapshot, directory))?;
    }
    let stale = stale(&owned, &files);
    let mut report = WriteReport::default();
    let mut replacements = Vec::new();
    let compared: Vec<_> = files
        .into_par_iter()
        .map(|(path, bytes)| Ok((Replacement::needed(&path, bytes)?, path)))
        .collect::<Result<_, DumpError>>()?;
    for (replacement, path) in compared {
        match replacement {
            Some(replacement) => replacements.push(replacement),
            None => report.unchanged.push(path),
        }
    }
    report.written = replacements.iter().map(|replacement| replacement.path.clone()).collect();
    replace::replace(replacements, &stale, &paths.snapshot)?;
    report.removed = stale;
    Ok(report)
}

/// Records in the directory of the snapshot's collections would be taken for these, and removed.
fn check_apart(paths: &DumpPaths) -> Result<(), DumpError> {
    let parts = ["collections", "fields", "relations"].map(|part| paths.snapshot.join(part));
    match parts.contains(&paths.collections) {
        true => Err(DumpError::Overlap { path: paths.collections.clone() }),
        false => Ok(()),
    }
}

/// Every file that the dump is to have, with its bytes.
fn render(
    paths: &DumpPaths,
    contents: &DumpContents,
    sort: bool,
) -> Result<BTreeMap<PathBuf, Vec<u8>>, DumpError> {
    for (name, _) in &contents.collections {
        known(name, &collection::names())?;
    }
    for (name, _) in contents.specs.iter().flatten() {
        known(name, &SPECS)?;
    }
    let records = contents.collections.par_iter();
    let records = records.map(|(name, records)| (paths.collection_file(name), list(records, sort)));
    let parts = contents.snapshot.as_ref().map(|(snapshot, layout)| to_files(snapshot, *layout));
    let parts = parts.unwrap_or_default().into_par_iter();
    let parts =
        parts.map(|(path, value)| (join(&paths.snapshot, path.segments()), bytes(&value.to_value(), sort)));
    let mut files: BTreeMap<_, _> = records.chain(parts).collect();
    for (name, bytes) in contents.specs.iter().flatten() {
        files.insert(paths.specs.join(name), bytes.clone());
    }
    Ok(files)
}

fn known(name: &str, names: &[&str]) -> Result<(), DumpError> {
    names.contains(&name).then_some(()).ok_or_else(|| DumpError::UnknownName { name: name.to_owned() })
}

fn list(records: &[Map<String, Value>], sort: bool) -> Vec<u8> {
    match sort {
        true => json::canonical(&records.iter().map(Sorted).collect::<Vec<_>>()),
        false => json::canonical(&records),
    }
}

fn bytes(value: &Value, sort: bool) -> Vec<u8> {
    if sort { json::canonical(&Sorted(value)) } else { json::canonical(value) }
}

fn join<'a>(directory: &Path, segments: impl Iterator<Item = &'a str>) -> PathBuf {
    segments.fold(directory.to_owned(), |path, segment| path.join(segment))
}

/// Files of the old dump that are Lockstep's own, as far as they are written anew.
fn owned(paths: &DumpPaths, contents: &DumpContents) -> Result<BTreeSet<PathBuf>, DumpError> {
    let mut owned = BTreeSet::new();
    if contents.snapshot.is_some() {
        owned.extend(existing::snapshot_files(&paths.snapshot)?.into_iter().map(|(_, path)| path));
    }
    if contents.specs.is_some() {
        owned.extend(
            SPECS.iter().map(|name| paths.specs.join(name)).filter(|path| path.symlink_metadata().is_ok()),
        );
    }
    Ok(owned)
}

/// Those of them that the new dump does not have.
fn stale(owned: &BTreeSet<PathBuf>, files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<PathBuf> {
    let new: BTreeMap<String, &PathBuf> = files.keys().map(|path| (folded(path), path)).collect();
    let is_new = |path: &PathBuf| {
        let same = |new: &&PathBuf| path == *new || is_other_case(path, new, owned);
        new.get(&folded(path)).is_some_and(same)
    };
    owned.iter().filter(|path| !is_new(path)).cloned().collect()
}

/// Whether `new` is the file `listed`, on a file system where case does not count: it is there, and not by that name.
fn is_other_case(listed: &Path, new: &Path, owned: &BTreeSet<PathBuf>) -> bool {
    listed != new && !owned.contains(new) && new.symlink_metadata().is_ok()
}

fn folded(path: &Path) -> String {
    path.to_string_lossy().to_uppercase().to_lowercase()
}
