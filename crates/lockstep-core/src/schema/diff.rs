//! The server's answer to `POST /schema/diff`, which is also the body of `POST /schema/apply`.

use serde_json::{Map, Value};

use super::change::{ChangeKind, Edit, SchemaChange, SchemaItem};
use super::risk;
use super::shape::{self, ShapeError};
use super::snapshot::Snapshot;

/// A schema diff: a hash of what it was computed against, and entries per list.
///
/// Every key is kept, so that the diff goes back to the server as it came, less what was filtered out.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaDiff {
    /// The server's hash of its current schema.
    hash: String,
    pub(crate) lists: Vec<List>,
}

/// `collections`, `fields`, `relations` or `systemFields`, with its entries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List {
    pub(crate) what: SchemaItem,
    pub(crate) entries: Vec<Entry>,
}

/// One entry: a name, and the nested differences under `diff` (never empty).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry(pub(crate) Map<String, Value>);

impl SchemaDiff {
    /// Reads `{hash, diff}`, bare or in the API's `data` wrapper.
    ///
    /// `Ok(None)` if there is no difference: `null`, which stands for an empty 204 answer.
    ///
    /// # Errors
    /// When the shape is not that of a diff, or it has a list that this version of Lockstep cannot judge.
    pub fn from_value(value: Value) -> Result<Option<Self>, ShapeError> {
        let value = shape::unwrap_data(value);
        if value.is_null() {
            return Ok(None);
        }
        let mut body = shape::object(value, "schema diff", "an object with hash and diff")?;
        let diff = body.shift_remove("diff").unwrap_or_default();
        let lists = shape::object(diff, "diff", "an object with collections, fields and relations")?;
        let hash = shape::name(&body, "hash", "")?.to_owned();
        Ok(Some(Self { hash, lists: lists.into_iter().map(List::read).collect::<Result<_, _>>()? }))
    }

    /// The body for `POST /schema/apply`: `{hash, diff}`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let lists: Map<String, Value> = self.lists.iter().map(List::to_value).collect();
        let mut body = Map::new();
        body.insert("hash".into(), Value::String(self.hash.clone()));
        body.insert("diff".into(), Value::Object(lists));
        Value::Object(body)
    }

    /// The server's hash of the schema that the diff was computed against.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
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
        changes
    }
}

impl List {
    fn read((name, value): (String, Value)) -> Result<Self, ShapeError> {
        let place = format!("diff.{name}");
        let what = match name.as_str() {
            "collections" => SchemaItem::Collection,
            "fields" => SchemaItem::Field,
            "relations" => SchemaItem::Relation,
            "systemFields" => SchemaItem::SystemField,
            _ => return Err(ShapeError::new(place, "a list known to this version", Some(&value))),
        };
        let Value::Array(items) = value else {
            return Err(ShapeError::new(place, "an array", Some(&value)));
        };
        let read = |(index, item)| Entry::read(item, what, &format!("{place}[{index}]"));
        Ok(Self { what, entries: items.into_iter().enumerate().map(read).collect::<Result<_, _>>()? })
    }

    fn to_value(&self) -> (String, Value) {
        let name = match self.what {
            SchemaItem::Collection => "collections",
            SchemaItem::Field => "fields",
            SchemaItem::Relation => "relations",
            SchemaItem::SystemField => "systemFields",
        };
        (name.into(), self.entries.iter().map(|entry| Value::Object(entry.0.clone())).collect())
    }
}

impl Entry {
    fn read(value: Value, what: SchemaItem, place: &str) -> Result<Self, ShapeError> {
        let entry = shape::object(value, place, "an object")?;
        shape::name(&entry, "collection", place)?;
        if what != SchemaItem::Collection {
            shape::name(&entry, "field", place)?;
        }
        match entry.get("diff").and_then(Value::as_array) {
            Some(nested) if !nested.is_empty() => {
                nested.iter().enumerate().try_for_each(|(index, item)| check_nested(item, place, index))?;
            }
            _ => {
                return Err(ShapeError::new(
                    format!("{place}.diff"),
                    "a list of differences",
                    entry.get("diff"),
                ));
            }
        }
        Ok(Self(entry))
    }

    pub(crate) fn collection(&self) -> &str {
        shape::text(&self.0, "collection").unwrap_or_default()
    }

    pub(crate) fn field(&self) -> Option<&str> {
        shape::text(&self.0, "field")
    }

    pub(crate) fn related(&self) -> Option<&str> {
        shape::text(&self.0, "related_collection")
    }

    pub(crate) fn nested(&self) -> &[Value] {
        self.0.get("diff").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Only a difference without a path is about the whole item.
    pub(crate) fn kind(&self) -> ChangeKind {
        let whole = self.nested().iter().find(|nested| path_of(nested).is_empty());
        match whole.map(kind_of) {
            Some("N") => ChangeKind::Create,
            Some("D") => ChangeKind::Delete,
            _ => ChangeKind::Update,
        }
    }

    fn change(&self, what: SchemaItem, current: Option<&Snapshot>) -> SchemaChange {
        let mut edits: Vec<Edit> = self.nested().iter().flat_map(edits).collect();
        edits.sort_by(|left, right| left.path.cmp(&right.path));
        let mut change = SchemaChange {
            kind: self.kind(),
            what,
            collection: self.collection().to_owned(),
            field: self.field().map(str::to_owned),
            related: self.related().map(str::to_owned),
            risk: super::Risk::Safe,
            reason: None,
            edits,
        };
        (change.risk, change.reason) = risk::judge(&change, current);
        change
    }
}

fn check_nested(item: &Value, place: &str, index: usize) -> Result<(), ShapeError> {
    let place = format!("{place}.diff[{index}]");
    match kind_of(item) {
        "N" | "D" | "E" | "A" => Ok(()),
        _ => Err(ShapeError::new(format!("{place}.kind"), "one of N, D, E, A", item.get("kind"))),
    }
}

/// `N` new, `D` deleted, `E` edited, `A` an array's surplus.
pub(crate) fn kind_of(nested: &Value) -> &str {
    nested.get("kind").and_then(Value::as_str).unwrap_or_default()
}

fn path_of(nested: &Value) -> &[Value] {
    nested.get("path").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The path of a difference inside its item, dotted.
pub(crate) fn dotted_path(nested: &Value) -> String {
    let part = |part: &Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
    path_of(nested).iter().map(part).collect::<Vec<_>>().join(".")
}

/// A nested difference as edits: objects edited as a whole are told key by key.
pub(crate) fn edits(nested: &Value) -> Vec<Edit> {
    let mut edits = Vec::new();
    let path = dotted_path(nested);
    let side = |from: &Value, key: &str| from.get(key).cloned();
    if kind_of(nested) == "A" {
        let item = nested.get("item").cloned().unwrap_or_default();
        let index = nested.get("index").map_or_else(String::new, Value::to_string);
        expand(join(&path, &index), side(&item, "lhs"), side(&item, "rhs"), &mut edits);
    } else {
        expand(path, side(nested, "lhs"), side(nested, "rhs"), &mut edits);
    }
    edits
}

fn expand(path: String, before: Option<Value>, after: Option<Value>, edits: &mut Vec<Edit>) {
    match (before, after) {
        (Some(Value::Object(mut before)), Some(Value::Object(mut after))) => {
            let mut keys: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                expand(join(&path, &key), before.shift_remove(&key), after.shift_remove(&key), edits);
            }
        }
        (before, after) if before == after => {}
        (before, after) => edits.push(Edit { path, before, after }),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
