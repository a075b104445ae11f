//! `package.json`: what a package says about its modules.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// A package, by its `package.json`.
pub(crate) struct Package {
    /// Its folder.
    pub(crate) folder: PathBuf,
    keys: Map<String, Value>,
}

impl Package {
    /// The package in a folder; none if there is no readable `package.json`.
    pub(crate) fn in_folder(folder: &Path) -> Option<Self> {
        let bytes = std::fs::read(folder.join("package.json")).ok()?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(keys)) => Some(Self { folder: folder.to_owned(), keys }),
            _ => None,
        }
    }

    /// The package that a file is part of.
    pub(crate) fn around(file: &Path) -> Option<Self> {
        file.ancestors().skip(1).find_map(Self::in_folder)
    }

    /// Its name.
    pub(crate) fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The file of the package itself, where there are no `exports`.
    pub(crate) fn main(&self) -> Option<&str> {
        self.text("main")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.keys.get(key).and_then(Value::as_str)
    }

    /// What `exports` says about a subpath (`.`, `./sub`): a path below the folder. None where there are no `exports`.
    pub(crate) fn export(&self, subpath: &str, conditions: &[&str]) -> Option<Result<String, ()>> {
        let exports = self.keys.get("exports").filter(|exports| !exports.is_null())?;
        let by_subpath = exports.as_object().is_some_and(|keys| keys.keys().any(|key| key.starts_with('.')));
        if !by_subpath {
            let target = (subpath == ".").then(|| target(exports, conditions, None)).flatten();
            return Some(target.ok_or(()));
        }
        Some(self.matching("exports", subpath, conditions).ok_or(()))
    }

    /// What `imports` says about a name that begins with `#`.
    pub(crate) fn import(&self, name: &str, conditions: &[&str]) -> Option<String> {
        self.matching("imports", name, conditions)
    }

    fn matching(&self, key: &str, name: &str, conditions: &[&str]) -> Option<String> {
        let entries = self.keys.get(key)?.as_object()?;
        if let Some(entry) = entries.get(name).filter(|_| !name.contains('*')) {
            return target(entry, conditions, None);
        }
        // Of several patterns the longest beginning wins.
        let matches = entries.iter().filter_map(|(pattern, entry)| {
            let (start, end) = pattern.split_once('*')?;
            let middle = name.strip_prefix(start)?.strip_suffix(end)?;
            Some((start.len(), middle, entry))
        });
        let (_, middle, entry) = matches.max_by_key(|(length, ..)| *length)?;
        target(entry, conditions, Some(middle))
    }
}

fn target(entry: &Value, conditions: &[&str], star: Option<&str>) -> Option<String> {
    match entry {
        Value::String(path) => Some(star.map_or_else(|| path.clone(), |star| path.replace('*', star))),
        Value::Array(several) => several.iter().find_map(|one| target(one, conditions, star)),
        Value::Object(by_condition) => by_condition
            .iter()
            .filter(|(condition, _)| conditions.contains(&condition.as_str()))
            .find_map(|(_, entry)| target(entry, conditions, star)),
        _ => None,
    }
}

/// The `type` of the package that a file is part of.
pub(crate) fn type_of(file: &Path) -> Option<String> {
    Package::around(file)?.text("type").map(str::to_owned)
}
