//! Which records and fields take part.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::{Filter, Transforms, World};
use crate::collection::{COLLECTIONS, Collection};
use crate::identity::matching::Matching;
use crate::identity::translate::Translator;
use crate::identity::{DumpRecords, InstanceRows};
use crate::record::{Fields, LocalId, Record, Row, SyncId};

/// What takes part of one collection.
#[derive(Clone, Debug, Default)]
pub struct CollectionRules {
    /// The records, and where the rule stands.
    pub filter: Option<(Filter, String)>,
    /// Fields that do not, and where the rules stand.
    pub ignored: Vec<(String, String)>,
}

/// What is left alone because it takes no part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untouched {
    /// Records of the dump.
    pub records: BTreeSet<(&'static str, SyncId)>,
    /// Rows of the instance.
    pub rows: BTreeSet<(&'static str, LocalId)>,
}

impl Transforms {
    /// True if there are filters.
    #[must_use]
    pub fn has_filters(&self) -> bool {
        self.records.values().any(|rules| rules.filter.is_some())
    }

    /// True for a record that takes part: its filter means it, and what it belongs to (the flow of an operation, the
    /// policy of a permission) takes part as well.
    #[must_use]
    pub fn takes_part(&self, world: &World<'_>, collection: &Collection, id: &str, fields: &Fields) -> bool {
        let rules = self.records.get(collection.name);
        let meant = rules.and_then(|rules| rules.filter.as_ref());
        if meant.is_some_and(|(filter, _)| !filter.matches(world, collection, id, fields)) {
            return false;
        }
        let parents = COLLECTIONS.iter().flat_map(|parent| {
            let of = parent.cascades.iter().filter(|(child, _)| *child == collection.name);
            of.map(move |(_, field)| (parent, *field))
        });
        parents.into_iter().all(|(parent, field)| {
            let parent_id = fields.get(field).and_then(serde_json::Value::as_str);
            let found = parent_id.and_then(|id| Some((id, world.get(parent.name, id)?)));
            found.is_none_or(|(id, fields)| self.takes_part(world, parent, id, fields))
        })
    }

    /// Takes the fields out that do not take part.
    pub fn remove_ignored(&self, collection: &Collection, fields: &mut Fields) {
        for (field, _) in self.records.get(collection.name).iter().flat_map(|rules| &rules.ignored) {
            fields.shift_remove(field);
        }
    }

    /// The same for all records of a dump.
    pub fn remove_ignored_of(&self, dump: &mut DumpRecords) {
        for (name, rules) in self.records.iter().filter(|(_, rules)| !rules.ignored.is_empty()) {
            let records = dump.get_mut(name).into_iter().flatten();
            let has = |record: &&mut Record| {
                rules.ignored.iter().any(|(field, _)| record.fields.contains_key(field))
            };
            for record in records.filter(has) {
                if let Some(collection) = Collection::named(name) {
                    self.remove_ignored(collection, Arc::make_mut(&mut record.fields));
                }
            }
        }
    }

    /// What a push leaves alone: of a pair the record decides, of a row without a record the row.
    #[must_use]
    pub fn untouched(
        &self,
        dump: &DumpRecords,
        rows: &InstanceRows,
        found: &DumpRecords,
        matching: &Matching,
    ) -> Untouched {
        let mut untouched = Untouched::default();
        if !self.has_filters() {
            return untouched;
        }
        let (of_dump, of_rows) = (World::new(dump), World::new(found));
        for collection in &COLLECTIONS {
            let name = collection.name;
            for record in dump.get(name).into_iter().flatten() {
                if !self.takes_part(&of_dump, collection, record.sync_id.as_str(), &record.fields) {
                    let row = matching.ids.local(name, record.sync_id.as_str());
                    untouched.rows.extend(row.map(|row| (name, row.clone())));
                    untouched.records.insert((name, record.sync_id.clone()));
                }
            }
            let found = found.get(name).into_iter().flatten();
            for (row, record) in rows.get(name).into_iter().flatten().zip(found) {
                let paired = matching.ids.sync(name, row.id.as_str()).is_some();
                if !paired && !self.takes_part(&of_rows, collection, record.sync_id.as_str(), &record.fields)
                {
                    untouched.rows.insert((name, row.id.clone()));
                }
            }
        }
        untouched
    }

    /// Leaves the records out that take no part, and gives those of the old dump that stay for that reason.
    pub fn narrow(
        &self,
        collection: &'static Collection,
        records: &mut Vec<Record>,
        found: &World<'_>,
        old: &DumpRecords,
    ) -> Vec<Record> {
        if !self.has_filters() {
            return Vec::new();
        }
        records.retain(|record| {
            let id = record.sync_id.as_str();
            // As the instance has it: a row knows more than its record.
            let fields = found.get(collection.name, id).unwrap_or(&record.fields);
            self.takes_part(found, collection, id, fields)
        });
        let written: HashSet<&SyncId> = records.iter().map(|record| &record.sync_id).collect();
        let old_world = World::new(old);
        let stays = |record: &&Record| {
            let id = record.sync_id.as_str();
            // One of the instance that takes part and is not here was left out by a hook.
            let takes_part = match found.get(collection.name, id) {
                Some(fields) => self.takes_part(found, collection, id, fields),
                None => self.takes_part(&old_world, collection, id, &record.fields),
            };
            !written.contains(&record.sync_id) && !takes_part
        };
        old.get(collection.name).into_iter().flatten().filter(stays).cloned().collect()
    }
}

/// The rows of an instance in the form of a dump, in their order. One that no SyncID stands for keeps its id.
#[must_use]
pub fn portable(translator: &Translator<'_>, rows: &InstanceRows) -> DumpRecords {
    let of = |(name, rows): (&&'static str, &Vec<Row>)| {
        let collection = Collection::named(name)?;
        let record = |row: &Row| Record {
            sync_id: SyncId::from(translator.sync(name, row.id.as_str()).unwrap_or(row.id.as_str())),
            fields: Arc::new(translator.to_portable(collection, row).0),
        };
        Some((collection.name, rows.iter().map(record).collect()))
    };
    rows.iter().filter_map(of).collect()
}
