//! The files of a dump, to look at and to change as a person with an editor would.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A dump. What cannot be read or written panics with the path: there is nothing that a test could do about it.
#[derive(Debug, Clone)]
pub struct Dump {
    root: PathBuf,
}

impl Dump {
    /// The dump at this place, there or not.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All files by their path inside the dump, with their bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.root.clone()];
        while let Some(folder) = open.pop() {
            for entry in done("read", &folder, fs::read_dir(&folder)) {
                let path = done("read", &folder, entry).path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&self.root).unwrap_or(&path).display().to_string();
                    found.insert(name, done("read", &path, fs::read(&path)));
                }
            }
        }
        found
    }

    /// The records of a collection such as `roles`.
    pub fn records(&self, collection: &str) -> Vec<Value> {
        match self.json(&file(collection)) {
            Value::Array(records) => records,
            other => panic!("{collection}.json is no array: {other}"),
        }
    }

    /// The only record of a collection whose field has this value.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[track_caller]
    pub fn record(&self, collection: &str, field: &str, value: &str) -> Value {
        let mut found: Vec<_> =
            self.records(collection).into_iter().filter(|record| record[field] == value).collect();
        assert!(found.len() == 1, "{} records of {collection} have {field} {value}: {found:#?}", found.len());
        found.remove(0)
    }

    /// Replaces the records of a collection.
    pub fn write(&self, collection: &str, records: &[Value]) {
        self.write_json(&file(collection), &Value::from(records.to_vec()));
    }

    /// Changes the records of a collection.
    pub fn edit(&self, collection: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let mut records = self.records(collection);
        change(&mut records);
        self.write(collection, &records);
    }

    /// A JSON file by its path inside the dump.
    pub fn json(&self, name: &str) -> Value {
        let path = self.root.join(name);
        let bytes = done("read", &path, fs::read(&path));
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Writes a JSON file by its path inside the dump.
    pub fn write_json(&self, name: &str, value: &Value) {
        let path = self.root.join(name);
        done("write", &path, fs::write(&path, format!("{value:#}\n")));
    }

    /// Removes a file or a folder by its path inside the dump.
    pub fn remove(&self, name: &str) {
        let path = self.root.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        done("remove", &path, removed);
    }

    /// Makes this a copy of another dump.
    pub fn copy_from(&self, other: &Self) {
        for (name, bytes) in other.files() {
            let path = self.root.join(name);
            let folder = path.parent().unwrap_or(&self.root);
            done("create", folder, fs::create_dir_all(folder));
            done("write", &path, fs::write(&path, bytes));
        }
    }
}

fn file(collection: &str) -> String {
    format!("collections/{collection}.json")
}

#[track_caller]
fn done<T>(action: &str, path: &Path, result: std::io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("cannot {action} {}: {error}", path.display()))
}
