//! Seeds: records of content in files, `{collection, meta, data}`, as directus-sync has them.
//!
//! [`parse`] reads what a file says, [`Seeds::merge`] puts the seeds of all files together. Nothing here knows where files
//! are.

mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use error::SeedError;

use crate::record::{Fields, Record, SyncId};

/// What a seed says of its collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// Where the collection stands among others; those without a place come last. The references decide first.
    pub insert_order: Option<f64>,
    /// Whether records are created.
    pub create: bool,
    /// Whether records are changed.
    pub update: bool,
    /// Whether records that left the seed are deleted.
    pub delete: bool,
    /// Whether the `_sync_id` of a record is its key.
    pub preserve_ids: bool,
    /// Fields that are written with a new record only.
    pub ignore_on_update: Vec<String>,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            insert_order: None,
            create: true,
            update: true,
            delete: true,
            preserve_ids: false,
            ignore_on_update: Vec::new(),
        }
    }
}

/// A record of a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedRecord {
    /// Its identity and its fields, `_file_path` among them.
    pub record: Record,
    /// Where it stands: `seed/posts.json: data[3]`.
    pub place: String,
}

/// The seed of one collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Seed {
    /// The collection, by the name that the server has for it.
    pub collection: String,
    /// What is said of it.
    pub meta: Meta,
    /// Its records.
    pub records: Vec<SeedRecord>,
    /// Where it was first mentioned.
    pub place: String,
}

/// The seeds of all files, one for each collection, in the order in which they are to be written if nothing else
/// decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seeds {
    /// One for each collection.
    pub seeds: Vec<Seed>,
}

/// Reads the seeds of a file; `file` is what people call it.
///
/// # Errors
/// What is wrong, with its place.
pub fn parse(file: &str, value: Value) -> Result<Vec<Seed>, SeedError> {
    match value {
        Value::Array(items) => {
            let seed = |(place, item)| one(&format!("{file}[{place}]"), item);
            items.into_iter().enumerate().map(seed).collect()
        }
        other => Ok(vec![one(file, other)?]),
    }
}

fn one(place: &str, value: Value) -> Result<Seed, SeedError> {
    let Value::Object(mut seed) = value else {
        return Err(SeedError::wrong(place, "a seed: {collection, meta, data}", &value));
    };
    let collection = match seed.get("collection") {
        Some(Value::String(name)) if !name.is_empty() => name.clone(),
        other => return Err(SeedError::wrong(&format!("{place}: collection"), "a name", &or_null(other))),
    };
    let meta = match seed.get("meta") {
        None => Meta::default(),
        Some(Value::Object(meta)) => self::meta(place, meta)?,
        Some(other) => return Err(SeedError::wrong(&format!("{place}: meta"), "an object", other)),
    };
    let records = match seed.shift_remove("data") {
        Some(Value::Array(records)) => {
            let record = |(number, value)| record(&format!("{place}: data[{number}]"), value);
            records.into_iter().enumerate().map(record).collect::<Result<Vec<_>, _>>()?
        }
        other => {
            let found = other.unwrap_or_default();
            return Err(SeedError::wrong(&format!("{place}: data"), "an array of records", &found));
        }
    };
    Ok(Seed { collection, meta, records, place: place.to_owned() })
}

fn meta(place: &str, meta: &Map<String, Value>) -> Result<Meta, SeedError> {
    let at = |key: &str| format!("{place}: meta.{key}");
    let flag = |key: &str, otherwise: bool| match meta.get(key) {
        None => Ok(otherwise),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(SeedError::wrong(&at(key), "true or false", other)),
    };
    let insert_order = match meta.get("insert_order") {
        None => None,
        Some(Value::Number(number)) => number.as_f64(),
        Some(other) => return Err(SeedError::wrong(&at("insert_order"), "a number", other)),
    };
    let ignored = match meta.get("ignore_on_update") {
        None => Vec::new(),
        Some(Value::Array(names)) => {
            let name = |name: &Value| {
                let wrong = || SeedError::wrong(&at("ignore_on_update"), "names of fields", name);
                name.as_str().map(str::to_owned).ok_or_else(wrong)
            };
            names.iter().map(name).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(SeedError::wrong(&at("ignore_on_update"), "an array of names", other)),
    };
    Ok(Meta {
        insert_order,
        create: flag("create", true)?,
        update: flag("update", true)?,
        delete: flag("delete", true)?,
        preserve_ids: flag("preserve_ids", false)?,
        ignore_on_update: ignored,
    })
}

fn record(place: &str, value: Value) -> Result<SeedRecord, SeedError> {
    let Value::Object(mut fields) = value else {
        return Err(SeedError::wrong(place, "a record", &value));
    };
    let sync_id = match fields.shift_remove("_sync_id") {
        Some(Value::String(sync_id)) if !sync_id.is_empty() => sync_id,
        other => {
            let found = other.unwrap_or_default();
            return Err(SeedError::wrong(&format!("{place}: _sync_id"), "a text", &found));
        }
    };
    let record = Record { sync_id: sync_id.into(), fields: fields.into() };
    Ok(SeedRecord { record, place: place.to_owned() })
}

fn or_null(value: Option<&Value>) -> Value {
    value.cloned().unwrap_or_default()
}

impl Seeds {
    /// Puts seeds together, those of the same collection as one: records one after the other, `create`, `update` and
    /// `delete` only if all say so, `preserve_ids` if one does, the lowest `insert_order`.
    ///
    /// # Errors
    /// When two records of a collection have the same `_sync_id`.
    pub fn merge(mut all: Vec<Seed>) -> Result<Self, SeedError> {
        // A stable sort: without an order, in the order of the files, and after those that have one.
        let order = |seed: &Seed| seed.meta.insert_order.unwrap_or(f64::INFINITY);
        all.sort_by(|one, other| order(one).total_cmp(&order(other)));
        let mut seeds: Vec<Seed> = Vec::new();
        for seed in all {
            match seeds.iter_mut().find(|other| other.collection == seed.collection) {
                Some(other) => other.absorb(seed),
                None => seeds.push(seed),
            }
        }
        for seed in &seeds {
            seed.check_ids()?;
        }
        Ok(Self { seeds })
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seeds.is_empty()
    }

    /// The rank of each seed: collections with a lower `insert_order` have a lower one.
    #[must_use]
    pub fn ranks(&self) -> Vec<u32> {
        let mut rank = 0;
        let mut ranks = Vec::with_capacity(self.seeds.len());
        for (place, seed) in self.seeds.iter().enumerate() {
            let before = place.checked_sub(1).map(|before| &self.seeds[before]);
            if before.is_some_and(|before| before.meta.insert_order != seed.meta.insert_order) {
                rank += 1;
            }
            ranks.push(rank);
        }
        ranks
    }
}

impl Seed {
    fn absorb(&mut self, other: Self) {
        self.records.extend(other.records);
        self.meta.create &= other.meta.create;
        self.meta.update &= other.meta.update;
        self.meta.delete &= other.meta.delete;
        self.meta.preserve_ids |= other.meta.preserve_ids;
        self.meta.ignore_on_update.extend(other.meta.ignore_on_update);
    }

    fn check_ids(&self) -> Result<(), SeedError> {
        let mut seen: BTreeMap<&SyncId, &str> = BTreeMap::new();
        for record in &self.records {
            if let Some(first) = seen.insert(&record.record.sync_id, &record.place) {
                return Err(SeedError::Twice {
                    place: record.place.clone(),
                    first: first.to_owned(),
                    sync_id: record.record.sync_id.clone(),
                });
            }
        }
        Ok(())
    }

    /// The fields of a record as they stand in a file, `_sync_id` first.
    #[must_use]
    pub fn to_fields(record: Record) -> Fields {
        let mut fields = Fields::new();
        fields.insert("_sync_id".to_owned(), Value::from(record.sync_id.as_str()));
        fields.extend(Arc::unwrap_or_clone(record.fields));
        fields
    }
}
