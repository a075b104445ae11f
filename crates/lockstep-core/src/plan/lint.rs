//! What is wrong with records by themselves, found before anything is sent.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::graph;
use crate::collection::Collection;
use crate::label::Labels;
use crate::reconcile::Problem;
use crate::record::Record;

/// Circles of records that refer to each other, and values that two records want and only one may have.
///
/// A circle of operations crashes the server as soon as their flow is loaded (seen on 10.13.1 to 12.4.0), a circle
/// of folders or roles makes it loop.
#[must_use]
pub fn lint(collection: &'static Collection, records: &[Record], labels: &Labels<'_>) -> Vec<Problem> {
    if collection.is_content() {
        // Content may refer in circles: what can be linked later is.
        return Vec::new();
    }
    let mut problems = contended(collection, records, labels);
    if collection.refers_to_itself() {
        let targets = targets(collection, records);
        let (_, stuck) = graph::targets_first(&targets);
        if !stuck.is_empty() {
            let names = graph::cycle(&targets, &stuck);
            problems.push(Problem::Cycle {
                collection: collection.name,
                field: collection.self_references().collect::<Vec<_>>().join(" or "),
                labels: names.into_iter().map(|place| label(collection, &records[place], labels)).collect(),
            });
        }
    }
    problems
}

/// For each record, the places of the records of the same list that it refers to.
pub(super) fn targets(collection: &Collection, records: &[Record]) -> Vec<Vec<usize>> {
    let places: HashMap<&str, usize> =
        records.iter().enumerate().map(|(place, record)| (record.sync_id.as_str(), place)).collect();
    let of_record = |record: &Record| {
        let ids = collection.self_references().filter_map(|field| record.fields.get(field)?.as_str());
        ids.filter_map(|id| places.get(id).copied()).collect()
    };
    records.iter().map(of_record).collect()
}

fn contended(collection: &'static Collection, records: &[Record], labels: &Labels<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for field in collection.unique {
        let mut holders: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        for record in records {
            if let Some(Value::String(id)) = record.fields.get(*field) {
                holders.entry(id).or_default().push(record);
            }
        }
        for records in holders.into_values().filter(|records| records.len() > 1) {
            let labels = records.into_iter().map(|record| label(collection, record, labels)).collect();
            problems.push(Problem::Contended { collection: collection.name, field, labels });
        }
    }
    problems
}

fn label(collection: &Collection, record: &Record, labels: &Labels<'_>) -> String {
    labels.of(collection, &record.fields, record.sync_id.as_str())
}
