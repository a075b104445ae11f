//! Where pulled records are written: one file for all that was asked for, or for each collection the one in the seed path
//! that is its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockstep_core::collection::{Collection, Key};
use lockstep_core::record::Record;
use lockstep_core::seed::Seed;
use serde_json::{Map, Value, json};

use super::files;
use super::pull::SeedSelection;
use crate::dump;
use crate::error::EngineError;

/// The files that a pull may write.
#[derive(Debug)]
pub(super) struct Place {
    /// By collection.
    files: BTreeMap<String, PathBuf>,
    /// What the files say of the collections besides their records.
    metas: BTreeMap<String, Value>,
}

/// A seed to be written.
#[derive(Debug)]
pub(super) struct Target {
    file: PathBuf,
    collection: String,
    meta: Option<Value>,
    records: Vec<Record>,
}

impl Place {
    /// Finds the file of each collection.
    ///
    /// # Errors
    /// When the seed path has the collection in a file together with others, or in several.
    pub(super) fn open(paths: &[PathBuf], selection: &SeedSelection) -> Result<Self, EngineError> {
        super::pull::existing(paths)?;
        let mut place = Self { files: BTreeMap::new(), metas: BTreeMap::new() };
        if let Some(file) = &selection.file {
            let documents = if file.exists() { documents(file)? } else { Vec::new() };
            place.note_metas(&documents);
            place.files = selection.collections.iter().map(|name| (name.clone(), file.clone())).collect();
            return Ok(place);
        }
        let mut holders: BTreeMap<String, Vec<(PathBuf, usize)>> = BTreeMap::new();
        for root in paths {
            for file in files::json_files(root)? {
                let documents = documents(&file)?;
                place.note_metas(&documents);
                for (name, _) in &documents {
                    holders.entry(name.clone()).or_default().push((file.clone(), documents.len()));
                }
            }
        }
        let root = paths.first().map_or(Path::new("."), PathBuf::as_path);
        for name in &selection.collections {
            let file = match holders.get(name).map(Vec::as_slice) {
                None if root.extension().is_some_and(|ending| ending == "json") => root.to_owned(),
                None => root.join(format!("{name}.json")),
                Some([(file, 1)]) => file.clone(),
                Some(holders) => {
                    let files = holders.iter().map(|(file, _)| file.clone()).collect();
                    return Err(EngineError::SeedElsewhere { collection: name.clone(), files });
                }
            };
            place.files.insert(name.clone(), file);
        }
        Ok(place)
    }

    fn note_metas(&mut self, documents: &[(String, Option<Value>)]) {
        let metas = documents.iter().filter_map(|(name, meta)| Some((name.clone(), meta.clone()?)));
        self.metas.extend(metas);
    }

    /// Where the records of a collection go. A new seed of records whose ids mean the same everywhere keeps them.
    pub(super) fn of(&self, collection: &Collection, records: &[Record]) -> Target {
        let name = collection.full_name;
        let own = |record: &Record| lockstep_core::record::is_uuid(record.sync_id.as_str());
        let keeps = collection.key == Key::Uuid && !records.is_empty() && records.iter().all(own);
        let meta = self.metas.get(name).cloned();
        Target {
            file: self.files.get(name).cloned().unwrap_or_else(|| PathBuf::from(format!("{name}.json"))),
            collection: name.to_owned(),
            meta: meta.or_else(|| keeps.then(|| json!({"preserve_ids": true}))),
            records: Vec::new(),
        }
    }

    /// The bytes of each file.
    pub(super) fn documents(&self, targets: Vec<Target>, sort_json: bool) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut by_file: BTreeMap<PathBuf, Vec<Value>> = BTreeMap::new();
        for target in targets {
            let mut seed = Map::new();
            seed.insert("collection".to_owned(), Value::from(target.collection));
            seed.extend(target.meta.map(|meta| ("meta".to_owned(), meta)));
            let data = target.records.iter().map(|record| Value::Object(Seed::to_fields(record)));
            seed.insert("data".to_owned(), data.collect());
            by_file.entry(target.file).or_default().push(Value::Object(seed));
        }
        let document = |mut seeds: Vec<Value>| {
            let mut document = match (seeds.len(), seeds.pop()) {
                (1, Some(only)) => only,
                (_, last) => Value::Array(seeds.into_iter().chain(last).collect()),
            };
            if sort_json {
                dump::sort_keys(&mut document);
            }
            dump::canonical(&document)
        };
        by_file.into_iter().map(|(file, seeds)| (file, document(seeds))).collect()
    }
}

impl Target {
    /// The folder that files are relative to.
    pub(super) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("."))
    }

    /// The same with its records.
    pub(super) fn with(self, records: Vec<Record>) -> Self {
        Self { records, ..self }
    }
}

/// The collections of a file, with what is said of each.
fn documents(file: &Path) -> Result<Vec<(String, Option<Value>)>, EngineError> {
    let seeds = match dump::parse_file(file)? {
        Value::Array(seeds) => seeds,
        other => vec![other],
    };
    let named = |seed: Value| Some((seed.get("collection")?.as_str()?.to_owned(), seed.get("meta").cloned()));
    Ok(seeds.into_iter().filter_map(named).collect())
}
