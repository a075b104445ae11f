//! What would change in a schema: the answer of `POST /schema/diff`, which is also the body of `POST /schema/apply`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::change::{ChangeKind, Edit, SchemaChange, SchemaItem};
use super::difference::{DiffKeys, Difference};
use super::risk;
use super::shape::{self, ShapeError};
use super::snapshot::Snapshot;
use crate::json::{Json, Key, Object};

/// A schema diff: a hash of what it was computed against, and entries per list.
///
/// A diff that came of a server goes back to it as it came, less what was filtered out.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaDiff {
    /// The hash of the current schema.
    pub(crate) hash: String,
    pub(crate) lists: Vec<List>,
}

/// `collections`, `fields`, `relations` or `systemFields`, with its entries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List {
    pub(crate) what: SchemaItem,
    pub(crate) entries: Vec<Entry>,
}

/// One entry: the names, and the differences of the item (never none).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) names: Object,
    pub(crate) differences: Vec<Difference>,
}

impl SchemaDiff {
    /// Reads `{hash, diff}`, bare or in the API's `data` wrapper.
    ///
    /// `Ok(None)` if there is no difference: `null`, which stands for an empty 204 answer.
    ///
    /// # Errors
    /// When the shape is not that of a diff, or it has a list that this version of Lockstep cannot judge.
    pub fn from_value(value: impl Into<Json>) -> Result<Option<Self>, ShapeError> {
        let value = shape::unwrap_data(value.into());
        if value.is_null() {
            return Ok(None);
        }
        let mut body = shape::object(value, "schema diff", "an object with hash and diff")?;
        let diff = body.remove("diff").unwrap_or_default();
        let lists = shape::object(diff, "diff", "an object with collections, fields and relations")?;
        let hash = shape::name(&body, "hash", "")?.to_owned();
        let lists = lists.into_iter().map(List::read).collect::<Result<_, _>>()?;
        Ok(Some(Self { hash, lists }))
    }

    /// The body for `POST /schema/apply`: `{hash, diff}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let keys = EntryKeys::default();
        let mut lists = Object::default();
        for list in &self.lists {
            lists.insert(list.name(), list.to_json(&keys));
        }
        let mut body = Object::default();
        body.insert("hash", Json::from(self.hash.as_str()));
        body.insert("diff", Json::Object(lists));
        Json::Object(body)
    }

    /// [`SchemaDiff::to_json`] as a [`Value`].
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.to_json().to_value()
    }

    /// The hash of the schema that the diff was computed against.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Makes the diff one of a schema with another hash: a server applies it whatever the schema was that it was made of.
    pub fn set_hash(&mut self, hash: String) {
        self.hash = hash;
    }

    /// Where another diff of the same schemas says something else, in a sentence; none if it says the same.
    #[must_use]
    pub fn first_disagreement(&self, theirs: Option<&Self>) -> Option<String> {
        let Some(theirs) = theirs else { return Some("the instance sees no difference".to_owned()) };
        if self.hash != theirs.hash {
            return Some(format!("the schema has the hash {} here and {} there", self.hash, theirs.hash));
        }
        for what in SchemaItem::ALL {
            let entries = |diff: &Self| -> BTreeMap<String, Entry> {
                let of_kind = diff.lists.iter().filter(|list| list.what == what);
                let entries = of_kind.flat_map(|list| &list.entries);
                entries.map(|entry| (format!("{} {:?}", entry.name(), entry.kind()), entry.clone())).collect()
            };
            let (ours, theirs) = (entries(self), entries(theirs));
            let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for name in names {
                let (here, there) = (ours.get(name), theirs.get(name));
                if here != there {
                    let keys = EntryKeys::default();
                    let tell = |entry: Option<&Entry>| {
                        entry.map_or_else(
                            || "nothing".to_owned(),
                            |entry| entry.to_json(&keys).to_value().to_string(),
                        )
                    };
                    return Some(format!("here {}, there {}", tell(here), tell(there)));
                }
            }
        }
        None
    }

    /// The field that comes last when the diff is applied (those of new collections come with these, before others), else the
    /// last that goes: its collection, its name, and whether it comes.
    #[must_use]
    pub fn last_field(&self) -> Option<(&str, &str, bool)> {
        let of =
            |what| self.lists.iter().filter(move |list| list.what == what).flat_map(|list| &list.entries);
        let is_new = |name: &str| {
            of(SchemaItem::Collection)
                .any(|entry| entry.collection() == name && entry.kind() == ChangeKind::Create)
        };
        let coming = || of(SchemaItem::Field).filter(|entry| entry.kind() == ChangeKind::Create);
        let going = of(SchemaItem::Field).rfind(|entry| entry.kind() == ChangeKind::Delete);
        let last = coming().rfind(|entry| !is_new(entry.collection())).or_else(|| coming().next_back());
        let entry = last.or(going)?;
        Some((entry.collection(), entry.field()?, last.is_some()))
    }

    /// Whether there is nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.iter().all(|list| list.entries.is_empty())
    }

    /// The changes, for people and for safety: by collection, then collection, field, relation, then name.
    ///
    /// `current` is the target's snapshot. With it a risk is judged by what the column is (a primary key, a length
    /// that the diff does not name); without it by the diff alone.
    #[must_use]
    pub fn changes(&self, current: Option<&Snapshot>) -> Vec<SchemaChange> {
        let read = |list: &List| -> Vec<SchemaChange> {
            list.entries.iter().map(|entry| entry.change(list.what, current)).collect()
        };
        let mut changes: Vec<SchemaChange> = self.lists.iter().flat_map(read).collect();
        changes.sort_by(|left, right| left.rank().cmp(&right.rank()));
        risk::name_renames(&mut changes);
        changes
    }
}

impl List {
    fn read((name, value): (Key, Json)) -> Result<Self, ShapeError> {
        let place = format!("diff.{}", name.as_str());
        let what = match name.as_str() {
            "collections" => SchemaItem::Collection,
            "fields" => SchemaItem::Field,
            "relations" => SchemaItem::Relation,
            "systemFields" => SchemaItem::SystemField,
            _ => return Err(ShapeError::new(place, "a list known to this version", Some(&value))),
        };
        let Json::Array(items) = value else {
            return Err(ShapeError::new(place, "an array", Some(&value)));
        };
        let read = |(index, item)| Entry::read(item, what, &format!("{place}[{index}]"));
        Ok(Self { what, entries: items.into_iter().enumerate().map(read).collect::<Result<_, _>>()? })
    }

    fn name(&self) -> &'static str {
        match self.what {
            SchemaItem::Collection => "collections",
            SchemaItem::Field => "fields",
            SchemaItem::Relation => "relations",
            SchemaItem::SystemField => "systemFields",
        }
    }

    fn to_json(&self, keys: &EntryKeys) -> Json {
        Json::Array(self.entries.iter().map(|entry| entry.to_json(keys)).collect())
    }
}

/// The keys of entries, shared.
struct EntryKeys {
    diff: Key,
    inner: DiffKeys,
}

impl Default for EntryKeys {
    fn default() -> Self {
        Self { diff: Key::from("diff"), inner: DiffKeys::default() }
    }
}

impl Entry {
    fn read(value: Json, what: SchemaItem, place: &str) -> Result<Self, ShapeError> {
        let mut names = shape::object(value, place, "an object")?;
        shape::name(&names, "collection", place)?;
        if what != SchemaItem::Collection {
            shape::name(&names, "field", place)?;
        }
        let place = format!("{place}.diff");
        match names.remove("diff") {
            Some(Json::Array(items)) if !items.is_empty() => {
                let read = |(index, item)| Difference::read(item, &format!("{place}[{index}]"));
                let differences = items.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
                Ok(Self { names, differences })
            }
            other => Err(ShapeError::new(place, "a list of differences", other.as_ref())),
        }
    }

    fn to_json(&self, keys: &EntryKeys) -> Json {
        let differences = self.differences.iter().map(|difference| difference.to_json(&keys.inner)).collect();
        let names = self.names.iter().map(|(key, value)| (key.clone(), value.clone()));
        Json::Object(names.chain([(keys.diff.clone(), Json::Array(differences))]).collect())
    }

    pub(crate) fn collection(&self) -> &str {
        shape::text(&self.names, "collection").unwrap_or_default()
    }

    pub(crate) fn field(&self) -> Option<&str> {
        shape::text(&self.names, "field")
    }

    /// `collection` or `collection.field`.
    pub(crate) fn name(&self) -> String {
        match self.field() {
            Some(field) => format!("{}.{field}", self.collection()),
            None => self.collection().to_owned(),
        }
    }

    pub(crate) fn related(&self) -> Option<&str> {
        shape::text(&self.names, "related_collection")
    }

    /// Only a difference without a path is about the whole item.
    pub(crate) fn kind(&self) -> ChangeKind {
        match self.differences.iter().find(|difference| difference.path().is_empty()) {
            Some(Difference::New { .. }) => ChangeKind::Create,
            Some(Difference::Deleted { .. }) => ChangeKind::Delete,
            _ => ChangeKind::Update,
        }
    }

    /// The whole item, where it comes or goes.
    pub(crate) fn item(&self) -> Option<&Json> {
        let whole = self.differences.iter().find(|difference| difference.path().is_empty())?;
        whole.rhs().or(whole.lhs())
    }

    fn change(&self, what: SchemaItem, current: Option<&Snapshot>) -> SchemaChange {
        let mut edits: Vec<Edit> = self.differences.iter().flat_map(edits).collect();
        edits.sort_by(|left, right| left.path.cmp(&right.path));
        let mut change = SchemaChange {
            kind: self.kind(),
            what,
            collection: self.collection().to_owned(),
            field: self.field().map(str::to_owned),
            related: self.related().map(str::to_owned),
            code: "",
            risk: super::Risk::Safe,
            reason: None,
            way_out: None,
            loses: None,
            edits,
        };
        let verdict = risk::judge(&change, current);
        (change.code, change.risk) = (verdict.code, verdict.risk);
        (change.reason, change.way_out) = (verdict.reason, verdict.way_out);
        change
    }
}

/// A difference as edits: objects edited as a whole are told key by key.
pub(crate) fn edits(difference: &Difference) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut path = difference.dotted_path();
    if let Difference::Array { index, .. } = difference {
        path = shape::join(&path, &index.to_string());
    }
    expand(path, difference.lhs(), difference.rhs(), &mut edits);
    edits
}

fn expand(path: String, before: Option<&Json>, after: Option<&Json>, edits: &mut Vec<Edit>) {
    match (before, after) {
        (Some(Json::Object(before)), Some(Json::Object(after))) => {
            let sides = before.iter().map(|(key, _)| key).chain(after.iter().map(|(key, _)| key));
            let keys: BTreeSet<&str> = sides.map(Key::as_str).collect();
            for key in keys {
                expand(shape::join(&path, key), before.get(key), after.get(key), edits);
            }
        }
        (before, after) if before == after => {}
        (before, after) => edits.push(Edit { path, before: before.cloned(), after: after.cloned() }),
    }
}
