//! Rows that a run created which was cut short before it could record them: those that are newer than what it announced,
//! and hold what the records say.

use std::collections::{BTreeSet, VecDeque};

use lockstep_core::collection::{Collection, Key, Reference};
use lockstep_core::identity::matching::asked_id;
use lockstep_core::identity::{Mappings, chosen_id};
use lockstep_core::record::{LocalId, Record, Row};
use serde_json::Value;

use super::prepared::Prepared;
use crate::creating::announced;
use crate::error::EngineError;
use crate::instance::Instance;

/// The records of a collection whose rows may be there, and these rows, lowest key first.
struct Open<'a> {
    collection: &'static Collection,
    records: Vec<&'a Record>,
    rows: VecDeque<Row>,
}

/// Adds to the mappings what an earlier run has created.
pub(super) async fn add_created(
    instance: &Instance,
    prepared: &Prepared,
    mappings: &mut Mappings,
) -> Result<(), EngineError> {
    let mut open = Vec::new();
    for collection in prepared.registry.iter().filter(|c| c.is_content() && c.key == Key::Integer) {
        open.extend(opened(instance, prepared, mappings, collection).await?);
    }
    while !open.is_empty() {
        let next = fewest_references(&open);
        let of_collection = open.swap_remove(next);
        let target = instance.client.url();
        adopt(&Known { prepared, target }, of_collection, mappings);
    }
    Ok(())
}

async fn opened<'a>(
    instance: &Instance,
    prepared: &'a Prepared,
    mappings: &Mappings,
    collection: &'static Collection,
) -> Result<Option<Open<'a>>, EngineError> {
    let Some(announced) = announced(mappings, collection) else { return Ok(None) };
    let unmapped = |record: &&Record| {
        mappings.local(collection.name, record.sync_id.as_str()).is_none()
            && asked_id(collection, record).is_none()
    };
    let all: Vec<&Record> =
        prepared.records.get(collection.name).into_iter().flatten().filter(unmapped).collect();
    let records = match announced.records {
        None => all,
        Some(ids) => {
            let places: std::collections::HashMap<_, _> =
                ids.iter().enumerate().map(|(place, id)| (id, place)).collect();
            let mut placed: Vec<_> =
                all.into_iter().filter_map(|record| Some((*places.get(&record.sync_id)?, record))).collect();
            placed.sort_by_key(|(place, _)| *place);
            placed.into_iter().map(|(_, record)| record).collect()
        }
    };
    if records.is_empty() {
        return Ok(None);
    }
    let mapped: BTreeSet<&LocalId> = mappings.of(collection.name).map(|(_, id)| id).collect();
    let rows = instance.newer(collection, announced.newest).await?;
    let rows = rows.into_iter().filter(|row| !mapped.contains(&row.id)).collect();
    Ok(Some(Open { collection, records, rows }))
}

/// The collection that refers to the fewest of those whose rows are not known yet.
fn fewest_references(open: &[Open<'_>]) -> usize {
    let refers = |one: &Open<'_>| {
        let others = open.iter().filter(|other| other.collection.name != one.collection.name);
        others.filter(|other| one.collection.referred().any(|name| name == other.collection.name)).count()
    };
    (0..open.len()).min_by_key(|place| refers(&open[*place])).unwrap_or_default()
}

/// In the order in which they were created, each record gets the first row that can be it.
fn adopt(known: &Known<'_>, mut open: Open<'_>, mappings: &mut Mappings) {
    for record in open.records {
        let fits = |row: &Row| known.can_be(open.collection, record, row, mappings);
        if let Some(row) = open.rows.iter().position(fits).and_then(|place| open.rows.remove(place)) {
            mappings.record(open.collection.name, record.sync_id.clone(), row.id);
        }
    }
}

struct Known<'a> {
    prepared: &'a Prepared,
    target: &'a str,
}

impl Known<'_> {
    /// True if a row holds what was sent for a record.
    fn can_be(
        &self,
        collection: &'static Collection,
        record: &Record,
        row: &Row,
        mappings: &Mappings,
    ) -> bool {
        let sent = record.fields.iter().filter(|(name, _)| !collection.once.contains(&name.as_str()));
        sent.into_iter().all(|(name, value)| {
            let Some(there) = row.fields.get(name) else { return true };
            match collection.references.iter().find(|reference| reference.path == name.as_str()) {
                Some(reference) => self.refers(reference, record, value, there, mappings),
                None => collection.same(name, value, there),
            }
        })
    }

    /// True if a reference may be what was sent: links in circles are made later, and not all ids are known.
    fn refers(
        &self,
        reference: &Reference,
        record: &Record,
        value: &Value,
        there: &Value,
        mappings: &Mappings,
    ) -> bool {
        let (Some(sync_id), Some(target)) = (LocalId::from_value(value), reference.target_in(&record.fields))
        else {
            return value.is_null() && there.is_null();
        };
        let Some(there) = LocalId::from_value(there) else { return there.is_null() };
        let expected = mappings.local(target, sync_id.as_str()).cloned();
        expected.or_else(|| self.chosen(target, &sync_id)).is_none_or(|expected| expected == there)
    }

    /// The id of a record that has none of the server's making.
    fn chosen(&self, target: &str, sync_id: &LocalId) -> Option<LocalId> {
        let collection = self.prepared.registry.iter().find(|collection| collection.name == target)?;
        let records = self.prepared.records.get(collection.name)?;
        let record = records.iter().find(|record| record.sync_id.as_str() == sync_id.as_str())?;
        let chosen = || chosen_id(collection, self.target, &record.sync_id);
        let is_chosen = collection.key == Key::Uuid && collection.natural_key.is_empty();
        asked_id(collection, record).or_else(|| is_chosen.then(chosen))
    }
}
