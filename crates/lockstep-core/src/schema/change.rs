//! One change of a schema, told for people and for safety.

use serde::Serialize;

use crate::json::Json;

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It comes into being.
    Create,
    /// It is there before and after.
    Update,
    /// It goes.
    Delete,
}

/// What a change is about. Ordered as changes of one collection are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaItem {
    /// A collection: its table, or a folder without one.
    Collection,
    /// A field: its column, or an alias without one.
    Field,
    /// A relation: its foreign key, and what the other side shows.
    Relation,
    /// A field of a system collection, of which only the index can be changed (11.13 and later).
    SystemField,
}

impl SchemaItem {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Collection, Self::Field, Self::Relation, Self::SystemField];
}

/// What a change may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing that is stored is touched.
    Safe,
    /// Stored values may be cut, or make the change fail: a type narrowed, NOT NULL or uniqueness added.
    Lossy,
    /// Stored values go: a field, collection or relation dropped, a primary key changed.
    Destructive,
}

/// One value that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edit {
    /// Where, dotted: `schema.max_length`, `meta.special.1`. Empty when the whole item comes or goes.
    pub path: String,
    /// What is there now; none if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// What is there afterwards; none if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
}

/// One collection, field or relation that changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SchemaChange {
    /// What the change does.
    pub kind: ChangeKind,
    /// What it is about.
    pub what: SchemaItem,
    /// The collection.
    pub collection: String,
    /// The field; none for a collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The collection that a relation points to; none for a m2a relation and for anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<String>,
    /// What kind of change it is, in a word that stays the same: `field-dropped`. [`super::CODES`] has all of them.
    pub code: &'static str,
    /// What it may cost.
    pub risk: Risk,
    /// Why it is not safe, as one clause; none if it is safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How to reach the same without the cost; none if it is safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_out: Option<&'static str>,
    /// How many rows, or values of a column, would go, where the target was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loses: Option<u64>,
    /// The values that differ, by path. For a whole item: one edit with an empty path.
    pub edits: Vec<Edit>,
}

impl SchemaChange {
    /// `collection` or `collection.field`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.field {
            Some(field) => format!("{}.{field}", self.collection),
            None => self.collection.clone(),
        }
    }

    /// The value that a path has afterwards, and before, when the change names it.
    pub(crate) fn edit(&self, path: &str) -> Option<&Edit> {
        self.edits.iter().find(|edit| edit.path == path)
    }

    /// The order in which changes are listed.
    pub(crate) fn rank(&self) -> (&str, SchemaItem, Option<&str>, ChangeKind) {
        (&self.collection, self.what, self.field.as_deref(), self.kind)
    }
}
