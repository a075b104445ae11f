//! The files of a snapshot: one per collection, field and relation, or one for all.

use std::collections::BTreeMap;
use std::fmt;

use super::file_name;
use super::normal::position;
use super::shape;
use super::snapshot::{Snapshot, SnapshotError};
use crate::json::{Json, Object};

/// How a snapshot is laid out in its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// `info.json`, `collections/<c>.json`, `fields/<c>/<f>.json`, `relations/<c>/<f>.json`.
    #[default]
    Split,
    /// One `snapshot.json` (`--no-split`).
    Single,
}

/// A path inside the snapshot directory, `/` between its segments. It never leaves that directory: no segment is
/// empty, `.`, `..`, or holds a separator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(String);

/// What a file of the snapshot directory holds, told by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileRole {
    /// `info.json`: all but the three lists.
    Info,
    /// `snapshot.json`: the whole snapshot.
    Whole,
    /// `collections/*.json`.
    Collection,
    /// `fields/*/*.json`.
    Field,
    /// `relations/*/*.json`.
    Relation,
}

/// The files of a snapshot do not make one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Neither `info.json` nor `snapshot.json`.
    #[error("info.json is missing")]
    MissingInfo,
    /// Both layouts at once: which one is meant cannot be told, and a wrong guess could drop tables.
    #[error("both snapshot.json and {other} are there, so which snapshot is meant is not clear")]
    BothLayouts {
        /// A file of the split layout.
        other: RelPath,
    },
    /// A file's content is not what its place calls for.
    #[error("{path} is no part of a snapshot")]
    File {
        /// The file.
        path: RelPath,
        /// What is wrong in it.
        #[source]
        source: SnapshotError,
    },
    /// Two files describe the same thing.
    #[error("{second}: {name} is already described by {first}")]
    Duplicate {
        /// `collection` or `collection.field`.
        name: String,
        /// The first file, in path order.
        first: RelPath,
        /// The second.
        second: RelPath,
    },
}

impl RelPath {
    /// The path, if it stays inside its directory.
    #[must_use]
    pub fn new(path: &str) -> Option<Self> {
        let sound = |segment: &str| {
            !segment.is_empty() && segment != "." && segment != ".." && !segment.contains('\\')
        };
        path.split('/').all(sound).then(|| Self(path.to_owned()))
    }

    /// The path as text, `/` between segments.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its segments, the file name last.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// What such a file holds; none if it is not a file of a snapshot.
    #[must_use]
    pub fn role(&self) -> Option<FileRole> {
        let segments: Vec<&str> = self.segments().collect();
        let json = |name: &str| {
            name.strip_suffix(".json").is_some_and(|stem| !stem.is_empty() && !name.starts_with('.'))
        };
        match segments.as_slice() {
            ["info.json"] => Some(FileRole::Info),
            ["snapshot.json"] => Some(FileRole::Whole),
            ["collections", name] if json(name) => Some(FileRole::Collection),
            ["fields", _, name] if json(name) => Some(FileRole::Field),
            ["relations", _, name] if json(name) => Some(FileRole::Relation),
            _ => None,
        }
    }

    /// The same for two paths that are one file where case does not count.
    #[must_use]
    pub fn folded(&self) -> String {
        file_name::folded(&self.0)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The files of a snapshot. Paths are distinct even where case does not count.
#[must_use]
pub fn to_files(snapshot: &Snapshot, layout: Layout) -> Vec<(RelPath, Json)> {
    match layout {
        Layout::Single => vec![(RelPath("snapshot.json".into()), snapshot.to_json())],
        Layout::Split => split(snapshot),
    }
}

/// The snapshot of these files; files that are not of a snapshot are skipped. Content counts, not the file's name.
///
/// Collections are ordered by name, fields by collection, `meta.sort` and name, relations by collection and field.
/// The server's own order is by internal id, which no file keeps; it compares by name, so nothing depends on it.
///
/// # Errors
/// When the files make no snapshot, or two of them describe the same thing.
pub fn from_files<J: Into<Json>>(
    files: impl IntoIterator<Item = (RelPath, J)>,
) -> Result<Snapshot, LayoutError> {
    let mut by_role: BTreeMap<FileRole, BTreeMap<RelPath, Json>> = BTreeMap::new();
    for (path, value) in files {
        if let Some(role) = path.role() {
            by_role.entry(role).or_default().insert(path, value.into());
        }
    }
    match by_role.remove(&FileRole::Whole).and_then(|mut whole| whole.pop_first()) {
        Some((path, value)) => whole(path, value, &by_role),
        None => merge(by_role),
    }
}

fn whole(
    path: RelPath,
    value: Json,
    others: &BTreeMap<FileRole, BTreeMap<RelPath, Json>>,
) -> Result<Snapshot, LayoutError> {
    if let Some(other) = others.values().flat_map(BTreeMap::keys).next() {
        return Err(LayoutError::BothLayouts { other: other.clone() });
    }
    Snapshot::from_value(value).map_err(|source| LayoutError::File { path, source })
}

fn split(snapshot: &Snapshot) -> Vec<(RelPath, Json)> {
    let mut files = vec![(RelPath("info.json".into()), Json::Object(snapshot.header().clone()))];
    let collections = file_name::assign(snapshot.collection_names());
    for entry in snapshot.collections() {
        let name = &collections[shape::text(entry, "collection").unwrap_or_default()];
        files.push((RelPath(format!("collections/{name}.json")), Json::Object(entry.clone())));
    }
    split_nested("fields", snapshot.fields(), &mut files);
    split_nested("relations", snapshot.relations(), &mut files);
    files
}

/// `<list>/<collection>/<field>.json`, one directory per collection.
fn split_nested(list: &str, entries: &[Object], files: &mut Vec<(RelPath, Json)>) {
    let part = |entry, key| shape::text(entry, key).unwrap_or_default();
    let mut by_collection: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for entry in entries {
        by_collection.entry(part(entry, "collection")).or_default().push(entry);
    }
    let directories = file_name::assign(by_collection.keys().copied());
    for (collection, entries) in by_collection {
        let names = file_name::assign(entries.iter().map(|entry| part(entry, "field")));
        for entry in entries {
            let path = format!("{list}/{}/{}.json", directories[collection], names[part(entry, "field")]);
            files.push((RelPath(path), Json::Object(entry.clone())));
        }
    }
}

fn merge(mut by_role: BTreeMap<FileRole, BTreeMap<RelPath, Json>>) -> Result<Snapshot, LayoutError> {
    let (info, header) = by_role
        .remove(&FileRole::Info)
        .and_then(|mut info| info.pop_first())
        .ok_or(LayoutError::MissingInfo)?;
    let header = object(&info, header)?;
    let mut list = |role, keys| entries(by_role.remove(&role).unwrap_or_default(), keys);
    let mut collections = list(FileRole::Collection, &["collection"])?;
    let mut fields = list(FileRole::Field, &["collection", "field"])?;
    let mut relations = list(FileRole::Relation, &["collection", "field"])?;
    collections.sort_by(|left, right| position(left).cmp(&position(right)));
    fields.sort_by(|left, right| position(left).cmp(&position(right)));
    relations.sort_by(|left, right| position(left).cmp(&position(right)));
    Snapshot::new(header, collections, fields, relations)
        .map_err(|source| LayoutError::File { path: info, source })
}

fn entries(files: BTreeMap<RelPath, Json>, keys: &[&str]) -> Result<Vec<Object>, LayoutError> {
    let mut seen: BTreeMap<String, RelPath> = BTreeMap::new();
    let mut entries = Vec::with_capacity(files.len());
    for (second, value) in files {
        let entry = object(&second, value)?;
        let name = full_name(&second, &entry, keys)?;
        if let Some(first) = seen.insert(name.clone(), second.clone()) {
            return Err(LayoutError::Duplicate { name, first, second });
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn full_name(path: &RelPath, entry: &Object, keys: &[&str]) -> Result<String, LayoutError> {
    let parts: Result<Vec<&str>, _> = keys.iter().map(|key| shape::name(entry, key, "")).collect();
    Ok(parts.map_err(|source| LayoutError::File { path: path.clone(), source: source.into() })?.join("."))
}

fn object(path: &RelPath, value: Json) -> Result<Object, LayoutError> {
    shape::object(value, "content", "an object")
        .map_err(|source| LayoutError::File { path: path.clone(), source: source.into() })
}
