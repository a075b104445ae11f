//! Seeds, checked against the schema of an instance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_core::collection::{Collection, Registry};
use lockstep_core::content::{FILES, Model, Wish};
use lockstep_core::identity::DumpRecords;
use lockstep_core::nearest::nearest;
use lockstep_core::reconcile::{Actions, Problem, Rules};
use lockstep_core::record::{Record, SyncId};
use lockstep_core::seed::{Meta, Seed, SeedRecord, Seeds};
use lockstep_core::transform::Concealed;
use serde_json::Value;

use super::references::referred;
use crate::error::EngineError;

/// What seeds ask for, in the words of the registry.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The seeded collections, and those that they refer to.
    pub(super) registry: Registry,
    /// The records of the seeded ones.
    pub(super) records: DumpRecords,
    /// What is said of them.
    pub(super) rules: Rules,
    /// What people ought to know.
    pub(super) notices: Vec<String>,
    /// What reports show in place of the values of variables.
    pub(super) concealed: Concealed,
}

impl Prepared {
    /// Describes the collections, and checks every record.
    ///
    /// # Errors
    /// All records that cannot be written as they stand; else the first collection that cannot be seeded.
    pub(super) fn new(seeds: Seeds, model: &Model, major: u32) -> Result<Self, EngineError> {
        let mut collections = Vec::new();
        let ranks = seeds.ranks();
        for (seed, rank) in seeds.seeds.iter().zip(ranks) {
            let meta = &seed.meta;
            let wish = Wish { preserve_ids: meta.preserve_ids, once: meta.ignore_on_update.clone(), rank };
            let described = model.describe(&seed.collection, &wish);
            let described = described
                .map_err(|source| EngineError::SeedCollection { place: seed.place.clone(), source })?;
            collections.push(described);
        }
        let referred = referred(&collections, model, major);
        let mut prepared = Self {
            registry: Registry::new(referred.into_iter().chain(collections.iter().copied()).collect()),
            records: DumpRecords::new(),
            rules: Rules::default(),
            notices: Vec::new(),
            concealed: Concealed::new(),
        };
        let mut problems = Vec::new();
        for (seed, collection) in seeds.seeds.into_iter().zip(collections) {
            prepared.rules.actions.insert(collection.name, actions(&seed.meta));
            let records = Checker { collection, model, notes: BTreeMap::new(), problems: &mut problems }
                .check(seed, &mut prepared);
            prepared.records.insert(collection.name, records);
        }
        if problems.is_empty() { Ok(prepared) } else { Err(EngineError::Problems(problems)) }
    }

    /// The seeded collections.
    pub(super) fn scope(&self) -> BTreeSet<&'static str> {
        self.records.keys().copied().collect()
    }

    /// What the records refer to in a collection.
    pub(super) fn referred(&self, target: &str) -> BTreeSet<SyncId> {
        let mut found = BTreeSet::new();
        for collection in self.registry.iter() {
            let references = || collection.references.iter();
            for record in self.records.get(collection.name).into_iter().flatten() {
                let there =
                    references().filter(|reference| reference.target_in(&record.fields) == Some(target));
                let ids = there.filter_map(|reference| record.fields.get(reference.path)?.as_str());
                found.extend(ids.map(SyncId::from));
            }
        }
        found
    }

    /// Whether records of a collection are deleted.
    pub(super) fn deletes(&self, collection: &Collection) -> bool {
        self.rules.actions.get(collection.name).is_some_and(|actions| actions.delete)
    }

    /// The file of a record, and where the record stands.
    pub(super) fn file<'a>(
        &'a self,
        collection: &Collection,
        record: &'a Record,
    ) -> Option<(&'a str, &'a str)> {
        let path = record.fields.get(collection.upload?)?.as_str()?;
        let place = self.rules.places.get(&(collection.name, record.sync_id.clone()))?;
        Some((path, place))
    }
}

fn actions(meta: &Meta) -> Actions {
    Actions { create: meta.create, update: meta.update, delete: meta.delete }
}

struct Checker<'a> {
    collection: &'static Collection,
    model: &'a Model,
    /// What is told of fields, once for each.
    notes: BTreeMap<String, String>,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn check(mut self, seed: Seed, prepared: &mut Prepared) -> Vec<Record> {
        let name = self.collection.name;
        let mut records = Vec::with_capacity(seed.records.len());
        for mut record in seed.records {
            self.record(&mut record);
            prepared.rules.places.insert((name, record.record.sync_id.clone()), record.place);
            records.push(record.record);
        }
        prepared.notices.extend(self.notes.into_values());
        records
    }

    fn record(&mut self, record: &mut SeedRecord) {
        let fields: Vec<String> = record.record.fields.keys().cloned().collect();
        let mut dropped = Vec::new();
        for field in fields {
            if !self.is_sound(record, &field) {
                dropped.push(field);
            }
        }
        if !dropped.is_empty() {
            let fields = Arc::make_mut(&mut record.record.fields);
            fields.retain(|field, _| !dropped.contains(field));
        }
        if self.collection.full_name == FILES && !record.record.fields.contains_key("_file_path") {
            let hint = "name the file, relative to the seed path";
            self.unfit(record, "_file_path", "is missing: a file is uploaded with its record", hint);
        }
    }

    /// False for a field that is left out.
    fn is_sound(&mut self, record: &SeedRecord, field: &str) -> bool {
        let collection = self.collection.full_name;
        let value = record.record.fields.get(field).unwrap_or(&Value::Null);
        if field == self.collection.key_field || Some(field) == self.collection.upload {
            return true;
        }
        if let Some(lists) = self.model.lists(collection, field) {
            return self.is_list(record, field, value, &lists.collection);
        }
        if self.collection.ignores(field) {
            let note =
                format!("{collection}.{field} is made by the server: what the seeds say of it is left out");
            self.notes.entry(field.to_owned()).or_insert(note);
            return false;
        }
        if !self.knows(field) {
            let columns: Vec<&str> = self.model.columns(collection).collect();
            let meant = nearest(field, &columns).map(|name| format!("; did you mean {name}?"));
            let note = format!("{collection} has no field {field}, left out{}", meant.unwrap_or_default());
            self.notes.entry(field.to_owned()).or_insert(note);
            return false;
        }
        self.is_reference(record, field, value);
        true
    }

    /// Of system collections the schema tells only what was added.
    fn knows(&self, field: &str) -> bool {
        let collection = self.collection.full_name;
        collection.starts_with("directus_") || self.model.columns(collection).any(|column| column == field)
    }

    fn is_list(&mut self, record: &SeedRecord, field: &str, value: &Value, other: &str) -> bool {
        let collection = self.collection.full_name;
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        if items.iter().any(|item| !item.is_object()) {
            let reason = format!("lists records of {other}, which hold the reference");
            let hint = format!("give the reference in a seed of {other}, and leave {field} out");
            self.unfit(record, field, &reason, &hint);
        }
        let note = format!(
            "{collection}.{field} is sent with new records only, and never compared: seed {other} to keep it in step"
        );
        self.notes.entry(field.to_owned()).or_insert(note);
        true
    }

    /// A reference is told by a text, and that of a many-to-any relation by the name of its collection as well.
    fn is_reference(&mut self, record: &SeedRecord, field: &str, value: &Value) {
        let reference = self.collection.references.iter().find(|reference| reference.path == field);
        let Some(reference) = reference.filter(|_| !value.is_null()) else { return };
        if value.is_array() || value.is_object() || value.is_boolean() {
            let hint = "give the _sync_id of the record that it refers to";
            self.unfit(record, field, "is a reference, and no record can be nested there", hint);
            return;
        }
        if let (Some(any), None) = (reference.any, reference.target_in(&record.record.fields)) {
            let names: Vec<&str> = any.among.iter().map(|(name, _)| *name).collect();
            let reason = format!("is a reference, and {} does not name a collection of it", any.field);
            let hint = format!("set {} to one of {}", any.field, names.join(", "));
            self.unfit(record, field, &reason, &hint);
        }
    }

    fn unfit(&mut self, record: &SeedRecord, field: &str, reason: &str, hint: &str) {
        self.problems.push(Problem::Unfit {
            place: record.place.clone(),
            sync_id: record.record.sync_id.clone(),
            field: field.to_owned(),
            reason: reason.to_owned(),
            hint: hint.to_owned(),
        });
    }
}
