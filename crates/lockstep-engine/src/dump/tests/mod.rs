//! A dump of directus-sync as the measure, and a file system that refuses.

mod bytes;
mod reading;
mod writing;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tempfile::TempDir;

use super::DumpPaths;

/// A dump that directus-sync 3.4.1 wrote from Directus 11.17.4.
fn fixture() -> DumpPaths {
    DumpPaths::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/dump-11.17.4"))
}

/// An empty directory and the paths of a dump in it that is not there yet.
fn new_dump() -> (TempDir, DumpPaths) {
    let directory = TempDir::new().unwrap();
    let paths = DumpPaths::new(directory.path().join("directus-config"));
    (directory, paths)
}

fn put(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Every file below a directory, by its path in it.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(root).unwrap().to_owned();
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

/// The names in a tree, joined by spaces.
fn names(root: &Path) -> String {
    tree(root).keys().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn record(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value} is no record") };
    map
}
