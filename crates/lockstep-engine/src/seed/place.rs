//! Where pulled records are written: one file for all that was asked for, or for each collection the one in the seed path
//! that is its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockstep_core::collection::{Collection, Key};
use lockstep_core::record::{Fields, Record};
use lockstep_core::seed::Seed;
use serde_json::{Map, Value, json};

use super::files;
use super::supplied::placeholders;
use crate::dump;
use crate::error::EngineError;

/// The files that a pull may write.
#[derive(Debug)]
pub(super) struct Place {
    /// The one file for all that was asked for.
    only: Option<PathBuf>,
    /// Where files of collections are made that have none.
    root: PathBuf,
    /// The files that have a collection, and how many collections each of them has.
    holders: BTreeMap<String, Vec<(PathBuf, usize)>>,
    /// What the files say of the collections besides their records.
    metas: BTreeMap<String, Value>,
    /// Their records with placeholders, by collection and `_sync_id`.
    records: BTreeMap<(String, String), Fields>,
}

impl Place {
    /// Looks at the files that are there.
    ///
    /// # Errors
    /// When one of them cannot be read, or is no seed.
    pub(super) fn open(paths: &[PathBuf], only: Option<&PathBuf>) -> Result<Self, EngineError> {
        if paths.iter().any(|path| path.exists()) {
            files::read(paths)?;
        }
        let root = paths.first().cloned().unwrap_or_else(|| PathBuf::from("."));
        let mut place = Self {
            only: only.cloned(),
            root,
            holders: BTreeMap::new(),
            metas: BTreeMap::new(),
            records: BTreeMap::new(),
        };
        if let Some(file) = only {
            let documents = if file.exists() { documents(file)? } else { Vec::new() };
            place.note(documents);
            return Ok(place);
        }
        for root in paths {
            for file in files::json_files(root)? {
                let documents = documents(&file)?;
                for (name, _) in &documents {
                    let holders = place.holders.entry(name.clone()).or_default();
                    holders.push((file.clone(), documents.len()));
                }
                place.note(documents);
            }
        }
        Ok(place)
    }

    fn note(&mut self, documents: Vec<(String, Value)>) {
        for (name, mut seed) in documents {
            if let Some(meta) = seed.get("meta") {
                self.metas.insert(name.clone(), meta.clone());
            }
            let Some(Value::Array(records)) = seed.get_mut("data").map(Value::take) else { continue };
            for record in records {
                let Value::Object(fields) = record else { continue };
                let sync_id = fields.get("_sync_id").and_then(Value::as_str);
                if let Some(sync_id) = sync_id.filter(|_| !placeholders(&fields).is_empty()) {
                    self.records.insert((name.clone(), sync_id.to_owned()), fields);
                }
            }
        }
    }

    /// What the files say of a record, if it has placeholders there.
    pub(super) fn before(&self, collection: &Collection, record: &Record) -> Option<&Fields> {
        self.records.get(&(collection.full_name.to_owned(), record.sync_id.to_string()))
    }

    /// The files that are written, with the collections of each.
    ///
    /// # Errors
    /// When a collection stands in a file together with others, or in several.
    pub(super) fn files(
        &self,
        collections: &[&'static Collection],
    ) -> Result<BTreeMap<PathBuf, Vec<&'static Collection>>, EngineError> {
        let mut files: BTreeMap<PathBuf, Vec<&'static Collection>> = BTreeMap::new();
        for collection in collections {
            files.entry(self.file(collection.full_name)?).or_default().push(collection);
        }
        Ok(files)
    }

    fn file(&self, name: &str) -> Result<PathBuf, EngineError> {
        if let Some(file) = &self.only {
            return Ok(file.clone());
        }
        let root = &self.root;
        match self.holders.get(name).map(Vec::as_slice) {
            None if root.extension().is_some_and(|ending| ending == "json") => Ok(root.clone()),
            None => Ok(root.join(format!("{name}.json"))),
            Some([(file, 1)]) => Ok(file.clone()),
            Some(holders) => {
                let files = holders.iter().map(|(file, _)| file.clone()).collect();
                Err(EngineError::SeedElsewhere { collection: name.to_owned(), files })
            }
        }
    }

    /// The seed of a collection. A new one of records whose ids mean the same everywhere keeps them.
    pub(super) fn seed(&self, collection: &Collection, records: Vec<Record>) -> Value {
        let name = collection.full_name;
        let meta = self.metas.get(name).cloned();
        let meta = meta.or_else(|| keeps_ids(collection, &records).then(|| json!({"preserve_ids": true})));
        let mut seed = Map::new();
        seed.insert("collection".to_owned(), Value::from(name));
        seed.extend(meta.map(|meta| ("meta".to_owned(), meta)));
        let data = records.into_iter().map(|record| Value::Object(Seed::to_fields(record)));
        seed.insert("data".to_owned(), data.collect());
        Value::Object(seed)
    }
}

/// True for records whose SyncIDs are to be their keys.
pub(super) fn keeps_ids(collection: &Collection, records: &[Record]) -> bool {
    let own = |record: &Record| lockstep_core::record::is_uuid(record.sync_id.as_str());
    collection.key == Key::Uuid && !records.is_empty() && records.iter().all(own)
}

/// The bytes of a file with these seeds.
pub(super) fn document(mut seeds: Vec<Value>, sort_json: bool) -> Vec<u8> {
    let document = match (seeds.len(), seeds.pop()) {
        (1, Some(only)) => only,
        (_, last) => Value::Array(seeds.into_iter().chain(last).collect()),
    };
    if sort_json { dump::canonical(&dump::Sorted(&document)) } else { dump::canonical(&document) }
}

/// The collections of a file, with the seed of each.
fn documents(file: &Path) -> Result<Vec<(String, Value)>, EngineError> {
    let seeds = match dump::parse_file(file)? {
        Value::Array(seeds) => seeds,
        other => vec![other],
    };
    let named = |seed: Value| Some((seed.get("collection")?.as_str()?.to_owned(), seed));
    Ok(seeds.into_iter().filter_map(named).collect())
}
