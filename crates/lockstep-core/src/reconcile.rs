//! What has to change on an instance so that it holds what a dump says: one pure function, [`reconcile`].
//!
//! What it promises:
//! 1. a field that a dump record does not have is neither compared nor written;
//! 2. a row is deleted only if the store of the instance recorded it, or if pruning was asked for; a special record
//!    never; a row that is paired never; nothing of a collection that the dump does not have or that is out of scope;
//! 3. while permissions are hidden (licence of Directus 12), none is deleted, and none is created where a hidden
//!    one may be;
//! 4. a secret is written only where the instance has none;
//! 5. what takes no part is neither written nor deleted, and what a variable supplied is not shown;
//! 6. the same input gives the same changes in the same order.

mod attachments;
mod fields;
mod lacking;
mod leaving;
mod problem;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::collection::{Collection, Key, Registry};
use crate::identity::matching::{Matching, asked_id};
use crate::identity::specials::{Specials, is_special};
use crate::identity::translate::{Localized, Translator, serves_as_id};
use crate::identity::{DumpRecords, InstanceRows, Mappings, PreserveIds, chosen_id};
use crate::label::Labels;
use crate::nearest::nearest;
use crate::record::{Fields, Late, LocalId, Record, Row, SyncId};
use crate::transform::Transformed;

use fields::shown;
pub use problem::Problem;

/// Everything that a comparison looks at.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// What ought to be.
    pub dump: &'a DumpRecords,
    /// What is.
    pub rows: &'a InstanceRows,
    /// Which record is which row.
    pub matching: Matching,
    /// The instance's own records.
    pub specials: &'a Specials,
    /// What the store of the instance recorded.
    pub mappings: &'a Mappings,
    /// How to compare.
    pub mode: &'a Mode,
    /// What the configuration says of records.
    pub transformed: &'a Transformed,
}

/// How to compare.
#[derive(Clone, Debug)]
pub struct Mode {
    /// The collections to change; others are only read to resolve references.
    pub scope: BTreeSet<&'static str>,
    /// Which collections keep their ids.
    pub preserve: PreserveIds,
    /// Whether policies are attached to roles.
    pub attach_roles: bool,
    /// Whether rows that were never tracked are deleted as well.
    pub prune: bool,
    /// Whether the instance holds permissions that it does not show.
    pub permissions_hidden: bool,
    /// What ids are chosen from; names the instance.
    pub target: String,
    /// The collections; those that are referred to by a natural key come first.
    pub registry: Registry,
    /// What is said of single collections and records.
    pub rules: Rules,
}

/// What a comparison is told of single collections and records; nothing, for a dump.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What may be done with the records of a collection; everything, where nothing is said.
    pub actions: BTreeMap<&'static str, Actions>,
    /// Rows that are never deleted.
    pub protected: BTreeSet<(&'static str, LocalId)>,
    /// The file that a record stands in; its collection's, where nothing is said.
    pub places: BTreeMap<(&'static str, SyncId), String>,
    /// Files of records that are not what the instance has: of what each side says, in words.
    pub changed_files: BTreeMap<(&'static str, SyncId), (String, String)>,
}

/// What may be done with the records of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actions {
    /// Creating what the instance lacks.
    pub create: bool,
    /// Changing what it has otherwise.
    pub update: bool,
    /// Deleting what left.
    pub delete: bool,
}

impl Default for Actions {
    fn default() -> Self {
        Self { create: true, update: true, delete: true }
    }
}

impl Mode {
    fn in_scope(&self) -> impl Iterator<Item = &'static Collection> + '_ {
        self.registry.iter().filter(|collection| self.scope.contains(collection.name))
    }

    fn actions(&self, collection: &Collection) -> Actions {
        self.rules.actions.get(collection.name).copied().unwrap_or_default()
    }

    fn place(&self, collection: &Collection, sync_id: &SyncId) -> String {
        let place = self.rules.places.get(&(collection.name, sync_id.clone())).cloned();
        place.unwrap_or_else(|| format!("{}.json", collection.name))
    }
}

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The instance does not have it.
    Create,
    /// The instance has it with other values.
    Update,
    /// The dump no longer has it.
    Delete,
    /// It repeats another record of the instance and goes.
    Merge,
}

/// One field that changes. Values are as a dump has them (references are SyncIDs).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edit {
    /// The field.
    pub path: String,
    /// What the instance has; null for a new record.
    pub before: Value,
    /// What it will have; null for one that goes.
    pub after: Value,
    /// What people call the record that `before` refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_name: Option<String>,
    /// What people call the record that `after` refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_name: Option<String>,
}

impl Edit {
    /// A change of a value that refers to nothing.
    #[must_use]
    pub fn plain(path: &str, before: Value, after: Value) -> Self {
        Self { path: path.to_owned(), before, after, before_name: None, after_name: None }
    }
}

/// One record that changes, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What happens to it.
    pub action: Action,
    /// Its identity; none for a row that was never tracked.
    pub sync_id: Option<SyncId>,
    /// Its id on the instance; none before the server has made one.
    pub id: Option<LocalId>,
    /// What people call it.
    pub label: String,
    /// Field by field, for an update.
    pub changes: Vec<Edit>,
    /// The record of the dump, for a creation.
    pub created: Option<Arc<Fields>>,
    /// What people call the records that it refers to, by field, for a creation.
    pub names: Vec<(&'static str, String)>,
    /// Records that were never tracked and that the server would delete along with it.
    pub takes_along: usize,
    /// Users whose role or policy it is: the server suspends them, or takes their access away.
    pub cuts_off: usize,
}

/// One record that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What changes, for people; shared with the reports.
    pub difference: Arc<Difference>,
    /// What is sent, in ids of the instance.
    pub write: Fields,
    /// What is sent besides, once the records that it refers to have ids.
    pub late: Vec<Late>,
    /// The file that is sent with it.
    pub upload: Option<String>,
}

impl Serialize for Difference {
    /// `{action, sync_id, id, label, changes: [{path, before, after}]}`; a creation changes every field from null.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = [("takes_along", self.takes_along), ("cuts_off", self.cuts_off)];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let mut item = serializer.serialize_struct("Difference", 5 + counts.clone().count())?;
        item.serialize_field("action", &self.action)?;
        item.serialize_field("sync_id", &self.sync_id)?;
        item.serialize_field("id", &self.id)?;
        item.serialize_field("label", &self.label)?;
        match &self.created {
            Some(fields) => {
                let created =
                    |(name, value): (&String, &Value)| Edit::plain(name, Value::Null, value.clone());
                item.serialize_field("changes", &fields.iter().map(created).collect::<Vec<_>>())?;
            }
            None => item.serialize_field("changes", &self.changes)?,
        }
        for (name, count) in counts {
            item.serialize_field(name, &count)?;
        }
        item.end()
    }
}

/// A row that stays although the dump does not have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kept {
    /// Its id on the instance, or its SyncID where it is a record that was not created.
    pub id: String,
    /// What people call it.
    pub label: String,
}

/// The changes of one collection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectionChanges {
    /// Creations, updates, deletions, each in the order of the files.
    pub items: Vec<Change>,
    /// Records that are the same on both sides.
    pub unchanged: usize,
    /// Records that were recognized by their natural key; saying so is no difference.
    pub adopted: Vec<Kept>,
    /// Mappings whose row is gone.
    pub dangling: Vec<SyncId>,
    /// Rows that nobody tracked, and that stay.
    pub untracked: Vec<Kept>,
    /// Permissions that are not created because a hidden one may be there already.
    pub withheld: Vec<Kept>,
    /// Fields of the dump that this version of Directus does not have.
    pub unknown_fields: BTreeSet<String>,
    /// All rows that the instance has.
    pub rows: usize,
}

impl CollectionChanges {
    /// How many records have this happen to them.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.items.iter().filter(|change| change.difference.action == action).count()
    }
}

/// All changes, and the pairs of ids once they are made.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// By collection, in the order of the registry.
    pub collections: Vec<(&'static Collection, CollectionChanges)>,
    /// Record and row, chosen ids of creations included.
    pub matching: Matching,
}

impl Changes {
    /// True if nothing has to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.collections.iter().all(|(_, changes)| changes.items.is_empty())
    }

    /// All changes with their collection.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Collection, &Change)> {
        self.collections
            .iter()
            .flat_map(|(collection, changes)| changes.items.iter().map(move |change| (*collection, change)))
    }
}

impl Comparison<'_> {
    fn leaves_record(&self, collection: &'static str, id: &SyncId) -> bool {
        let untouched = &self.transformed.untouched.records;
        !untouched.is_empty() && untouched.contains(&(collection, id.clone()))
    }

    fn leaves_row(&self, collection: &'static str, id: &LocalId) -> bool {
        let untouched = &self.transformed.untouched.rows;
        !untouched.is_empty() && untouched.contains(&(collection, id.clone()))
    }
}

/// Compares a dump with an instance.
///
/// # Errors
/// All problems at once; nothing may be written then.
pub fn reconcile(mut comparison: Comparison<'_>) -> Result<Changes, Vec<Problem>> {
    let mut matching = std::mem::take(&mut comparison.matching);
    let comparison = &comparison;
    let mut problems: Vec<_> = std::mem::take(&mut matching.ambiguities)
        .into_iter()
        .filter(|ambiguity| comparison.mode.scope.contains(ambiguity.collection))
        .map(Problem::Ambiguous)
        .collect();
    problems.extend(choose_ids(comparison, &mut matching));
    let labels = Labels::new(comparison.dump, comparison.rows)
        .concealing(&comparison.transformed.concealed, &matching.ids);
    let doomed = doomed(comparison, &matching);
    let translator = matching.translator(comparison.rows, comparison.mode.attach_roles).without(&doomed);
    let reconciler = Reconciler {
        translator: translator.among(&comparison.mode.registry).expecting(pending(comparison, &matching)),
        matching: &matching,
        comparison,
        labels: &labels,
        doomed: &doomed,
    };
    let mut collections = Vec::new();
    for collection in comparison.mode.in_scope() {
        if let Some(records) = comparison.dump.get(collection.name) {
            problems.extend(crate::plan::lint(collection, records, &labels));
            collections.push((collection, reconciler.collection(collection, records, &mut problems)));
        }
    }
    drop(reconciler);
    if problems.is_empty() { Ok(Changes { collections, matching }) } else { Err(problems) }
}

/// Ids of records that will be created, so that others can refer to them before the first write; and the records that
/// can have none.
fn choose_ids(comparison: &Comparison<'_>, matching: &mut Matching) -> Vec<Problem> {
    let mut problems = Vec::new();
    for collection in comparison.mode.in_scope().filter(|c| comparison.mode.actions(c).create) {
        for record in comparison.dump.get(collection.name).into_iter().flatten() {
            let taken = matching.ids.local(collection.name, record.sync_id.as_str()).is_some()
                || comparison.leaves_record(collection.name, &record.sync_id);
            if taken || is_special(record.sync_id.as_str()) {
                continue;
            }
            if let Some(id) = asked_id(collection, record) {
                matching.ids.pair(collection.name, &record.sync_id, &id);
                continue;
            }
            if collection.key == Key::Text {
                let place = comparison.mode.place(collection, &record.sync_id);
                let (sync_id, field) = (record.sync_id.clone(), collection.key_field);
                problems.push(Problem::NoKey { place, sync_id, field });
            }
            if collection.key != Key::Uuid {
                continue;
            }
            let kept =
                comparison.mode.preserve.covers(collection).then(|| serves_as_id(&record.sync_id)).flatten();
            let id = kept.unwrap_or_else(|| chosen_id(collection, &comparison.mode.target, &record.sync_id));
            // An id that another record is paired with already cannot serve.
            if !matching.ids.pair(collection.name, &record.sync_id, &id) {
                let id = chosen_id(collection, &comparison.mode.target, &record.sync_id);
                matching.ids.pair(collection.name, &record.sync_id, &id);
            }
        }
    }
    problems
}

/// Records of content that will be created and whose id the server makes.
fn pending<'a>(comparison: &Comparison<'a>, matching: &Matching) -> HashSet<(&'static str, &'a str)> {
    let mut pending = HashSet::new();
    let counting = comparison.mode.in_scope().filter(|c| c.is_content() && c.key == Key::Integer);
    for collection in counting.filter(|c| comparison.mode.actions(c).create) {
        let records = comparison.dump.get(collection.name).into_iter().flatten();
        let ids = records.map(|record| record.sync_id.as_str());
        let new = ids.filter(|id| matching.ids.local(collection.name, id).is_none());
        pending.extend(new.map(|id| (collection.name, id)));
    }
    pending
}

/// The rows that go: recorded and no longer in the dump, or, when pruning, in no dump.
fn doomed(comparison: &Comparison<'_>, matching: &Matching) -> BTreeSet<(&'static str, LocalId)> {
    let mut doomed = BTreeSet::new();
    for collection in comparison.mode.in_scope().filter(|c| comparison.mode.actions(c).delete) {
        let name = collection.name;
        let hidden = name == "permissions" && comparison.mode.permissions_hidden;
        if !comparison.dump.contains_key(name) || collection.key == Key::Singleton || hidden {
            continue;
        }
        let rows = comparison.rows.get(name).into_iter().flatten();
        let without_record = |row: &&Row| matching.ids.sync(name, row.id.as_str()).is_none();
        let mut rows = rows.filter(without_record).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let recorded: HashSet<&LocalId> = comparison.mappings.of(name).map(|(_, local)| local).collect();
        for row in rows {
            let goes = comparison.mode.prune || recorded.contains(&row.id);
            let kept = comparison.specials.protects(name, &row.id)
                || comparison.leaves_row(name, &row.id)
                || comparison.mode.rules.protected.contains(&(name, row.id.clone()));
            if goes && !kept {
                doomed.insert((name, row.id.clone()));
            }
        }
    }
    doomed
}

/// The file that a record is uploaded with.
fn upload(collection: &Collection, record: &Record) -> Option<String> {
    Some(record.fields.get(collection.upload?)?.as_str()?.to_owned())
}

struct Reconciler<'a> {
    comparison: &'a Comparison<'a>,
    matching: &'a Matching,
    translator: Translator<'a>,
    labels: &'a Labels<'a>,
    doomed: &'a BTreeSet<(&'static str, LocalId)>,
}

impl Reconciler<'_> {
    fn collection(
        &self,
        collection: &'static Collection,
        records: &[Record],
        problems: &mut Vec<Problem>,
    ) -> CollectionChanges {
        let rows = self.comparison.rows.get(collection.name).map_or(&[][..], Vec::as_slice);
        let by_id: HashMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut changes = CollectionChanges {
            rows: rows.len(),
            dangling: self.dangling(collection),
            ..CollectionChanges::default()
        };
        let part = |record: &&Record| !self.comparison.leaves_record(collection.name, &record.sync_id);
        for record in records.iter().filter(part) {
            // Most records are the same on both sides, and nobody asks what they are called.
            let label = || self.labels.of(collection, &record.fields, record.sync_id.as_str());
            match self.translator.to_local(collection, &record.fields) {
                Ok(local) => {
                    let id = self.matching.ids.local(collection.name, record.sync_id.as_str());
                    let row = id.and_then(|id| by_id.get(id.as_str()).copied());
                    problems.extend(self.lacking(collection, record, row, &label));
                    self.record(collection, record, local, row, &label, &mut changes);
                }
                Err(missing) => problems.extend(missing.into_iter().map(|reference| Problem::Missing {
                    collection: collection.name,
                    sync_id: record.sync_id.clone(),
                    label: label(),
                    place: self.comparison.mode.place(collection, &record.sync_id),
                    nearest: self.like(collection, reference.target, &reference.value),
                    reference,
                })),
            }
        }
        self.rows_without_record(collection, rows, &mut changes);
        changes
    }

    fn record(
        &self,
        collection: &'static Collection,
        record: &Record,
        local: Localized,
        row: Option<&Row>,
        label: &impl Fn() -> String,
        changes: &mut CollectionChanges,
    ) {
        let Some(row) = row else {
            let held_back = !self.comparison.mode.actions(collection).create;
            if is_special(record.sync_id.as_str())
                || self.may_be_hidden(collection, &local.fields)
                || held_back
            {
                changes.withheld.push(Kept { id: record.sync_id.to_string(), label: label() });
                return;
            }
            let id = self.matching.ids.local(collection.name, record.sync_id.as_str()).cloned();
            let write = self.creation(collection, record, local.fields);
            let created = Some(shown(collection, record, self.comparison.transformed));
            let names = self.names(collection, &record.fields);
            let action = Action::Create;
            let difference = Difference {
                action,
                sync_id: Some(record.sync_id.clone()),
                id,
                label: label(),
                changes: Vec::new(),
                created,
                names,
                takes_along: 0,
                cuts_off: 0,
            };
            let upload = upload(collection, record);
            changes.items.push(Change { difference: Arc::new(difference), write, late: local.late, upload });
            return;
        };
        let adopted = &self.matching.adopted;
        if !adopted.is_empty() && adopted.contains(&(collection.name, record.sync_id.clone())) {
            changes.adopted.push(Kept { id: row.id.to_string(), label: label() });
        }
        let (mut write, late, mut edits) =
            self.difference(collection, record, local, row, &mut changes.unknown_fields);
        let changed_files = &self.comparison.mode.rules.changed_files;
        let has_files = collection.upload.is_some() && !changed_files.is_empty();
        let file = has_files.then(|| changed_files.get(&(collection.name, record.sync_id.clone()))).flatten();
        let upload = file.and_then(|_| upload(collection, record));
        if let (Some((before, after)), Some(field)) = (file, collection.upload) {
            edits.push(Edit::plain(field, before.as_str().into(), after.as_str().into()));
            write.insert(collection.key_field.to_owned(), row.id.to_value(collection.key));
        }
        if edits.is_empty() || !self.comparison.mode.actions(collection).update {
            changes.unchanged += 1;
            return;
        }
        let (action, id) = (Action::Update, Some(row.id.clone()));
        let difference = Difference {
            action,
            sync_id: Some(record.sync_id.clone()),
            id,
            label: label(),
            changes: edits,
            created: None,
            names: Vec::new(),
            takes_along: 0,
            cuts_off: 0,
        };
        changes.items.push(Change { difference: Arc::new(difference), write, late, upload });
    }

    /// A record that may be meant by a reference to nothing.
    fn like(&self, collection: &Collection, target: &str, value: &str) -> Option<String> {
        if !collection.is_content() {
            return None;
        }
        let records = self.comparison.dump.get(target).into_iter().flatten();
        let mapped = self.comparison.mappings.of(target).map(|(sync_id, _)| sync_id.as_str());
        let known: Vec<&str> = records.map(|record| record.sync_id.as_str()).chain(mapped).collect();
        nearest(value, &known).map(str::to_owned)
    }

    /// Mappings whose row is gone; one whose row may be hidden is not.
    fn dangling(&self, collection: &Collection) -> Vec<SyncId> {
        let hidden = collection.name == "permissions" && self.comparison.mode.permissions_hidden;
        let dangling = self.matching.dangling.get(collection.name).filter(|_| !hidden);
        dangling.cloned().unwrap_or_default()
    }

    /// True for a permission that may exist out of sight: of a policy that the instance already has.
    fn may_be_hidden(&self, collection: &Collection, local: &Fields) -> bool {
        if collection.name != "permissions" || !self.comparison.mode.permissions_hidden {
            return false;
        }
        let policy = local.get("policy").and_then(Value::as_str).unwrap_or_default();
        let policies = self.comparison.rows.get("policies").into_iter().flatten();
        policies.into_iter().any(|row| row.id.as_str() == policy)
    }
}
