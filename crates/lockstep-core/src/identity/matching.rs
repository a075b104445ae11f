//! Which record of a dump is which row of an instance.
//!
//! In this order, each step leaving alone what an earlier one paired:
//! 1. the mapping that the store of the instance holds;
//! 2. the id, where the SyncID is the id of a row;
//! 3. special SyncIDs, by meaning;
//! 4. the SyncID derived again from the rows (or the id that an earlier push chose);
//! 5. the natural key: unique on both sides, or twins, which pair by equal content and then in order.
//!
//! A natural key that fits several records or rows otherwise is an [`Ambiguity`]: on a push an error for people to
//! settle, on a pull no match.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::specials::{Specials, is_special};
use super::translate::Translator;
use super::{
    DumpRecords, IdMap, InstanceRows, Mappings, PreserveIds, chosen_id, derived_from_id, derived_from_key,
};
use crate::collection::{Collection, Key, Registry};
use crate::content::Kind;
use crate::record::{Fields, LocalId, Record, Row, SyncId, same_value};

/// Everything that matching looks at.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The records of the dump.
    pub dump: &'a DumpRecords,
    /// The rows of the instance.
    pub rows: &'a InstanceRows,
    /// What the store of the instance holds.
    pub mappings: &'a Mappings,
    /// The instance's own records.
    pub specials: &'a Specials,
    /// What ids are chosen from; names the instance.
    pub target: &'a str,
    /// The collections.
    pub registry: &'a Registry,
}

/// Records and rows that have the same natural key, so that nobody can tell which is which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguity {
    /// Their collection.
    pub collection: &'static str,
    /// Their natural key, for people.
    pub key: String,
    /// The records of the dump.
    pub records: Vec<SyncId>,
    /// The rows of the instance.
    pub rows: Vec<LocalId>,
}

/// What matching found.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// Record and row, one to one.
    pub ids: IdMap,
    /// Pairs that were found by natural key only.
    pub adopted: BTreeSet<(&'static str, SyncId)>,
    /// What could not be settled.
    pub ambiguities: Vec<Ambiguity>,
    /// Rows with the natural key of a paired twin and no partner of their own, with the SyncID of that twin.
    pub surplus: Vec<(&'static str, LocalId, SyncId)>,
    /// Mappings whose row is gone.
    pub dangling: BTreeMap<&'static str, Vec<SyncId>>,
}

/// Pairs the records of a dump with the rows of an instance, for a push.
#[must_use]
pub fn match_records(sides: Sides<'_>) -> Matching {
    let mut matcher = Matcher::new(sides);
    for collection in sides.registry.iter().filter(|c| sides.rows.contains_key(c.name)) {
        if !sides.dump.contains_key(collection.name) {
            // Only read to resolve references: the mappings are all that can be known of it.
            matcher.pair_mapped(collection);
        }
        matcher.pair_known(collection);
        matcher.pair_by_key(collection);
    }
    matcher.found
}

/// Gives every row of an instance its SyncID, for a pull: the one that `dump` (which is about to be overwritten)
/// has for it, or the id where ids are preserved, or one that is derived.
#[must_use]
pub fn identify_rows(sides: Sides<'_>, preserve: &PreserveIds) -> Matching {
    let mut matcher = Matcher::new(sides);
    for collection in sides.registry.iter().filter(|c| sides.rows.contains_key(c.name)) {
        matcher.pair_mapped(collection);
        matcher.pair_known(collection);
        matcher.pair_by_key(collection);
        matcher.name_the_rest(collection, preserve);
    }
    matcher.found
}

/// The natural key of a record or row whose references are SyncIDs; none where the collection has no natural key.
#[must_use]
pub fn natural_key(collection: &Collection, fields: &Fields) -> Option<String> {
    key_of(collection, |name| fields.get(name).map(Cow::Borrowed))
}

/// The natural key that these parts make.
fn key_of<'v>(
    collection: &Collection,
    part: impl Fn(&'static str) -> Option<Cow<'v, Value>>,
) -> Option<String> {
    if collection.natural_key.is_empty() {
        return None;
    }
    let parts = collection.natural_key.iter().map(|name| {
        let part = part(name).filter(|part| !part.is_null());
        let part = part.unwrap_or_else(|| Cow::Owned(collection.missing_part(name)));
        match part.as_str() {
            Some(text) if collection.kind(name) == Some(Kind::Caseless) => {
                Cow::Owned(Value::from(text.to_lowercase()))
            }
            _ => part,
        }
    });
    serde_json::to_string(&parts.collect::<Vec<_>>()).ok()
}

/// The id that a record of content asks for: the value of its key field, or its SyncID where that is to be its id.
#[must_use]
pub fn asked_id(collection: &Collection, record: &Record) -> Option<LocalId> {
    if !collection.is_content() {
        return None;
    }
    let given = record.fields.get(collection.key_field).and_then(LocalId::from_value);
    given.or_else(|| collection.always_preserved.then(|| record.sync_id.as_str().into()))
}

/// Free records and rows that share a natural key.
type Group<'a> = (Vec<&'a Record>, Vec<&'a Row>);

/// How many records and how many rows have each natural key, paired ones included.
type KeyCounts = HashMap<String, (usize, usize)>;

struct Matcher<'a> {
    sides: Sides<'a>,
    found: Matching,
}

impl<'a> Matcher<'a> {
    fn new(sides: Sides<'a>) -> Self {
        let mut found = Matching::default();
        // A reference to the administrator's role resolves even where the role itself is not in the dump.
        for (collection, sync_id, id) in sides.specials.iter() {
            if sides.mappings.local(collection, sync_id) == Some(id) {
                found.ids.pair(collection, &sync_id.into(), id);
            }
        }
        Self { sides, found }
    }

    fn records(&self, collection: &Collection) -> &'a [Record] {
        self.sides.dump.get(collection.name).map_or(&[], Vec::as_slice)
    }

    fn rows(&self, collection: &Collection) -> &'a [Row] {
        self.sides.rows.get(collection.name).map_or(&[], Vec::as_slice)
    }

    fn free_records(&self, collection: &Collection) -> Vec<&'a Record> {
        let paired =
            |record: &&Record| self.found.ids.local(collection.name, record.sync_id.as_str()).is_none();
        self.records(collection).iter().filter(paired).collect()
    }

    fn free_rows(&self, collection: &Collection) -> Vec<&'a Row> {
        let paired = |row: &&Row| self.found.ids.sync(collection.name, row.id.as_str()).is_none();
        self.rows(collection).iter().filter(paired).collect()
    }

    /// Steps 1 to 4.
    fn pair_known(&mut self, collection: &'static Collection) {
        let name = collection.name;
        let present: HashSet<&str> = self.rows(collection).iter().map(|row| row.id.as_str()).collect();
        for (sync_id, local_id) in self.sides.mappings.of(name) {
            if !present.contains(local_id.as_str()) {
                self.found.dangling.entry(name).or_default().push(sync_id.clone());
            }
        }
        for record in self.records(collection) {
            let mapped = self.sides.mappings.local(name, record.sync_id.as_str());
            if let Some(local_id) = mapped.filter(|id| present.contains(id.as_str())) {
                let settled_otherwise = is_special(record.sync_id.as_str());
                if !settled_otherwise {
                    self.found.ids.pair(name, &record.sync_id, local_id);
                }
            }
        }
        for record in self.free_records(collection) {
            let own = (collection.key == Key::Uuid).then(|| LocalId::from(record.sync_id.as_str()));
            let id = asked_id(collection, record).or(own);
            if let Some(id) = id.filter(|id| present.contains(id.as_str())) {
                self.found.ids.pair(name, &record.sync_id, &id);
            }
        }
        for (table, sync_id, id) in self.sides.specials.iter().filter(|(table, ..)| *table == name) {
            self.found.ids.pair(table, &sync_id.into(), id);
        }
        if collection.key == Key::Uuid {
            self.pair_derived(collection, &present);
        }
    }

    fn pair_derived(&mut self, collection: &'static Collection, present: &HashSet<&str>) {
        let free = self.free_records(collection);
        if free.is_empty() {
            return;
        }
        let derived: HashMap<SyncId, &LocalId> = self
            .free_rows(collection)
            .iter()
            .map(|row| (derived_from_id(collection, &row.id), &row.id))
            .collect();
        for record in free {
            let chosen = chosen_id(collection, self.sides.target, &record.sync_id);
            let id = match derived.get(&record.sync_id) {
                Some(id) => Some((*id).clone()),
                None => present.contains(chosen.as_str()).then_some(chosen),
            };
            if let Some(id) = id {
                self.found.ids.pair(collection.name, &record.sync_id, &id);
            }
        }
    }

    /// A mapping names a row whether or not the dump has it.
    fn pair_mapped(&mut self, collection: &'static Collection) {
        let present: HashSet<&str> = self.rows(collection).iter().map(|row| row.id.as_str()).collect();
        for (sync_id, local_id) in self.sides.mappings.of(collection.name) {
            if present.contains(local_id.as_str()) && !is_special(sync_id.as_str()) {
                self.found.ids.pair(collection.name, sync_id, local_id);
            }
        }
    }

    /// Step 5, repeated as long as it finds something, because a folder's key contains its parent.
    fn pair_by_key(&mut self, collection: &'static Collection) {
        if collection.natural_key.is_empty() {
            return;
        }
        loop {
            let groups = self.groups(collection);
            let counts = self.key_counts(collection, &groups);
            let before = self.found.adopted.len();
            let mut open = Vec::new();
            for (key, (records, rows)) in groups {
                if collection.twins {
                    self.pair_twins(collection, &records, &rows);
                } else if let ([record], [row], Some((1, 1))) =
                    (records.as_slice(), rows.as_slice(), counts.get(&key))
                {
                    self.adopt(collection, record, row);
                } else {
                    // A record that was mapped once, to a row that is gone, is a record of its own.
                    let unsettled: Vec<_> =
                        records.into_iter().filter(|r| !self.was_mapped(collection, r)).collect();
                    if !unsettled.is_empty() {
                        open.push(ambiguity(collection, &key, &unsettled, &rows));
                    }
                }
            }
            if !collection.refers_to_itself() || self.found.adopted.len() == before {
                self.found.ambiguities.extend(open);
                break;
            }
        }
        self.note_surplus(collection);
    }

    fn adopt(&mut self, collection: &'static Collection, record: &Record, row: &Row) {
        if self.found.ids.pair(collection.name, &record.sync_id, &row.id) {
            self.found.adopted.insert((collection.name, record.sync_id.clone()));
        }
    }

    /// Free records and rows that share a natural key, ordered by that key.
    fn groups(&self, collection: &'static Collection) -> BTreeMap<String, Group<'a>> {
        let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
        for record in self.free_records(collection) {
            let in_sync_ids = natural_key(collection, &record.fields);
            // A special record is found by meaning or not at all.
            if let Some(key) = in_sync_ids.filter(|_| !is_special(record.sync_id.as_str())) {
                groups.entry(key).or_default().0.push(record);
            }
        }
        for row in self.free_rows(collection) {
            if let Some(key) = self.row_key(collection, row)
                && let Some(group) = groups.get_mut(&key)
            {
                group.1.push(row);
            }
        }
        groups.retain(|_, (_, rows)| !rows.is_empty());
        groups
    }

    fn was_mapped(&self, collection: &Collection, record: &Record) -> bool {
        self.sides.mappings.local(collection.name, record.sync_id.as_str()).is_some()
    }

    /// A natural key names a record only if it is unique among all records and all rows, whatever they are paired with.
    fn key_counts(&self, collection: &'static Collection, groups: &BTreeMap<String, Group<'_>>) -> KeyCounts {
        let mut counts: KeyCounts = groups.keys().map(|key| (key.clone(), (0, 0))).collect();
        if counts.is_empty() || collection.twins {
            return counts;
        }
        for record in self.records(collection) {
            let key = natural_key(collection, &record.fields);
            if let Some(count) = key.and_then(|key| counts.get_mut(&key)) {
                count.0 += 1;
            }
        }
        for row in self.rows(collection) {
            let key = self.row_key(collection, row);
            if let Some(count) = key.and_then(|key| counts.get_mut(&key)) {
                count.1 += 1;
            }
        }
        counts
    }

    /// The natural key of a row, with its references in SyncIDs.
    fn row_key(&self, collection: &Collection, row: &Row) -> Option<String> {
        key_of(collection, |name| Some(self.in_sync_ids(collection, row, name, row.fields.get(name)?)))
    }

    /// The value of a field as records have it. A reference to a row that has no SyncID becomes something that no record
    /// can hold.
    fn in_sync_ids<'v>(
        &self,
        collection: &Collection,
        row: &Row,
        name: &str,
        value: &'v Value,
    ) -> Cow<'v, Value> {
        let mut references = collection.references.iter().filter(|reference| reference.path == name);
        let target = references.find_map(|reference| reference.target_in(&row.fields));
        let (Some(target), Value::String(id)) = (target, value) else { return Cow::Borrowed(value) };
        let sync_id = self.found.ids.sync(target, id);
        Cow::Owned(Value::from(sync_id.map_or_else(|| format!("\u{0}{id}"), ToString::to_string)))
    }

    fn pair_twins(&mut self, collection: &'static Collection, records: &[&Record], rows: &[&Row]) {
        // One and one belong together whatever they hold.
        if let ([record], [row]) = (records, rows) {
            self.adopt(collection, record, row);
            return;
        }
        let (mut records, mut rows) = (records.to_vec(), rows.to_vec());
        records.sort_by(|a, b| a.sync_id.cmp(&b.sync_id));
        rows.sort_by(|a, b| a.id.order().cmp(&b.id.order()));
        let mut rest = Vec::new();
        for record in records {
            match rows.iter().position(|row| self.has_content(collection, record, row)) {
                Some(place) => self.adopt(collection, record, rows.remove(place)),
                None => rest.push(record),
            }
        }
        for (record, row) in rest.into_iter().zip(rows) {
            self.adopt(collection, record, row);
        }
    }

    fn has_content(&self, collection: &Collection, record: &Record, row: &Row) -> bool {
        let mut compared = record.fields.iter().filter(|(name, _)| !collection.ignores(name));
        compared.all(|(name, value)| {
            let other = row.fields.get(name);
            other.is_none_or(|other| same_value(value, &self.in_sync_ids(collection, row, name, other)))
        })
    }

    /// Rows without a partner whose natural key a paired record has.
    fn note_surplus(&mut self, collection: &'static Collection) {
        let free = self.free_rows(collection);
        if !collection.merges_twins || free.is_empty() {
            return;
        }
        let keys: HashMap<String, &SyncId> = self
            .records(collection)
            .iter()
            .filter(|record| self.found.ids.local(collection.name, record.sync_id.as_str()).is_some())
            .filter_map(|record| Some((natural_key(collection, &record.fields)?, &record.sync_id)))
            .collect();
        let surplus: Vec<_> = free
            .into_iter()
            .filter_map(|row| {
                let key = self.row_key(collection, row)?;
                Some((collection.name, row.id.clone(), (*keys.get(&key)?).clone()))
            })
            .collect();
        self.found.surplus.extend(surplus);
    }

    /// For a pull: what is still unnamed gets its id as SyncID where ids are preserved, else a derived one.
    fn name_the_rest(&mut self, collection: &'static Collection, preserve: &PreserveIds) {
        let mut rows = self.free_rows(collection);
        rows.sort_by(|a, b| a.id.order().cmp(&b.id.order()));
        for row in rows {
            let by_key = collection.twins.then(|| self.row_key(collection, row));
            let name = collection.name;
            let mut candidates: Box<dyn Iterator<Item = SyncId>> = match by_key.flatten() {
                Some(key) => Box::new((0..).map(move |ordinal| derived_from_key(collection, &key, ordinal))),
                None if preserve.covers(collection) => Box::new(
                    [SyncId::from(row.id.as_str()), derived_from_id(collection, &row.id)].into_iter(),
                ),
                None => Box::new(std::iter::once(derived_from_id(collection, &row.id))),
            };
            candidates.find(|sync_id| self.found.ids.pair(name, sync_id, &row.id));
        }
    }
}

fn ambiguity(collection: &'static Collection, key: &str, records: &[&Record], rows: &[&Row]) -> Ambiguity {
    let parts: Vec<Value> = serde_json::from_str(key).unwrap_or_default();
    let named: Vec<_> = collection
        .natural_key
        .iter()
        .zip(parts)
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    Ambiguity {
        collection: collection.name,
        key: named.join(", "),
        records: records.iter().map(|record| record.sync_id.clone()).collect(),
        rows: rows.iter().map(|row| row.id.clone()).collect(),
    }
}

impl Matching {
    /// A translator over these pairs.
    #[must_use]
    pub fn translator<'a>(&'a self, rows: &'a InstanceRows, attach_roles: bool) -> Translator<'a> {
        Translator::new(&self.ids, rows, attach_roles)
    }
}
