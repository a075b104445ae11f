//! The words of the source and of the target: references are keys, and a server that makes its keys itself has others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_core::merge::Side;
use lockstep_core::record::{Fields, LocalId};
use serde_json::{Value, json};

use super::Edge;
use super::rows::value;
use crate::error::LiveError;
use crate::journal::JournalError;
use crate::shape::{Refers, RefersTo, Shape};

/// Stands for a record that only the target has, in the words of the source.
const TARGETS: &str = "$target";

/// A reference that cannot be written yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blocked {
    pub(super) field: String,
    /// The record that it waits for: its collection, the side that has it, its key there.
    pub(super) collection: String,
    pub(super) side: Side,
    pub(super) key: String,
    pub(super) nullable: bool,
}

/// Source keys and the target keys of the same records.
pub(super) type Keys = HashMap<(String, String), String>;

impl Edge {
    /// Says records of the target in the words of the source.
    pub(super) fn canonical(
        &self,
        shape: &Shape,
        rows: &mut HashMap<String, Fields>,
    ) -> Result<(), LiveError> {
        let counted: Vec<&Refers> = shape.references.iter().collect();
        if counted.is_empty() {
            return Ok(());
        }
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in rows.values() {
            for (collection, key) in counted.iter().filter_map(|reference| self.target_of(reference, row)) {
                if self.shape(&collection).is_some_and(|shape| shape.counted) {
                    wanted.entry(collection).or_default().insert(key);
                }
            }
        }
        let mut known: HashMap<(String, String), String> = HashMap::new();
        for (collection, keys) in wanted {
            let found = self.journal.others(
                self.name(),
                &collection,
                Side::Target,
                keys.iter().map(String::as_str),
            )?;
            known.extend(found.into_iter().map(|(key, other)| ((collection.clone(), key), other)));
        }
        for row in rows.values_mut() {
            for reference in &counted {
                let Some((collection, key)) = self.target_of(reference, row) else { continue };
                let Some(to) = self.shape(&collection).filter(|shape| shape.counted) else { continue };
                let said = match known.get(&(collection, key.clone())) {
                    Some(source) if matches!(reference.to, RefersTo::Any { .. }) => {
                        Value::from(source.as_str())
                    }
                    Some(source) => value(to, source),
                    None => json!({TARGETS: key}),
                };
                row.insert(reference.field.clone(), said);
            }
        }
        Ok(())
    }

    /// Source and target keys of everything that these records refer to, as far as both sides have it.
    pub(super) fn keys<'a>(
        &self,
        shape: &Shape,
        records: impl Iterator<Item = (&'a Fields, &'a Fields)>,
    ) -> Result<Keys, JournalError> {
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (written, whole) in records {
            for reference in &shape.references {
                if written.contains_key(&reference.field)
                    && let Some((collection, key)) = self.target_of(reference, whole)
                {
                    wanted.entry(collection).or_default().insert(key);
                }
            }
        }
        let mut keys = Keys::new();
        for (collection, of) in wanted {
            let found =
                self.journal.others(self.name(), &collection, Side::Source, of.iter().map(String::as_str))?;
            keys.extend(found.into_iter().map(|(key, other)| ((collection.clone(), key), other)));
        }
        Ok(keys)
    }

    /// Says fields in the words of a side; those that refer to records that it does not have yet are taken out. `whole` is
    /// the record that they are of.
    pub(super) fn local(
        &self,
        shape: &Shape,
        side: Side,
        fields: &Fields,
        whole: &Fields,
        keys: &Keys,
    ) -> (Fields, Vec<Blocked>) {
        let (mut local, mut blocked) = (fields.clone(), Vec::new());
        for reference in &shape.references {
            let Some(said) = fields.get(&reference.field).filter(|said| !said.is_null()) else { continue };
            let Some(collection) = collection_of(reference, whole) else { continue };
            let Some(to) = self.shape(&collection) else { continue };
            let waits = |side: Side, key: &str| Blocked {
                field: reference.field.clone(),
                collection: collection.clone(),
                side,
                key: key.to_owned(),
                nullable: reference.nullable,
            };
            let there = match said.get(TARGETS).and_then(Value::as_str) {
                Some(key) => Err(waits(Side::Target, key)),
                None => {
                    let key = LocalId::from_value(said).map(|id| id.as_str().to_owned()).unwrap_or_default();
                    match keys.get(&(collection.clone(), key.clone())) {
                        Some(target) => Ok(if side == Side::Target { target.clone() } else { key }),
                        None => Err(waits(Side::Source, &key)),
                    }
                }
            };
            match there {
                Ok(key) if matches!(reference.to, RefersTo::Any { .. }) => {
                    local.insert(reference.field.clone(), Value::from(key));
                }
                Ok(key) => {
                    local.insert(reference.field.clone(), value(to, &key));
                }
                Err(waiting) => {
                    local.shift_remove(&reference.field);
                    blocked.push(waiting);
                }
            }
        }
        (local, blocked)
    }

    /// What a reference refers to, if the edge carries that.
    fn target_of(&self, reference: &Refers, row: &Fields) -> Option<(String, String)> {
        let collection = collection_of(reference, row)?;
        let key = LocalId::from_value(row.get(&reference.field)?)?;
        Some((collection, key.as_str().to_owned()))
    }
}

fn collection_of(reference: &Refers, row: &Fields) -> Option<String> {
    match &reference.to {
        RefersTo::One(collection) => Some(collection.clone()),
        RefersTo::Any { by, among } => {
            let named = row.get(by)?.as_str()?;
            among.iter().find(|name| *name == named).cloned()
        }
    }
}
