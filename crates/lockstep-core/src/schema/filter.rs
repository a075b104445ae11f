//! What must never be sent to `POST /schema/apply`, and why.

use serde::Serialize;
use serde_json::Value;

use super::change::{ChangeKind, Edit, SchemaItem};
use super::diff::{Entry, List, SchemaDiff, dotted_path, edits, kind_of};
use super::snapshot::Snapshot;

/// Why a difference is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// The table belongs to a sync tool, not to the schema.
    OwnTable,
    /// Directus does not track the table, so a dump of a newer version could not have known it.
    Untracked,
    /// The database has one type under two names, and never settles on the one that is asked for.
    EquivalentType,
    /// The dump does not say what the property is to be: a later version of Directus has it, an earlier made the dump.
    Unsaid,
    /// Directus 10 would take the update for the deletion of the whole item and drop it.
    WouldDrop,
    /// Directus 10 would take the update for the creation of an item that is there already.
    WouldCreate,
}

/// A difference that was removed from a diff.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOut {
    /// The collection.
    pub collection: String,
    /// What the difference is about.
    pub what: SchemaItem,
    /// The field; none for a collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What it would have done.
    pub kind: ChangeKind,
    /// Why it is not sent.
    pub reason: LeftOutReason,
    /// The values that it would have changed, as dotted paths; empty for a whole item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

impl SchemaDiff {
    /// Removes what must never be sent: anything about `own_tables`, and deletions of what Directus does not track in
    /// the target (`current` is the target's snapshot; without it, only what the diff itself shows as untracked).
    ///
    /// Returns what was left out, sorted.
    pub fn filter(&mut self, own_tables: &[&str], current: Option<&Snapshot>) -> Vec<LeftOut> {
        self.leave_out(|what, entry| {
            if is_about(entry, own_tables) {
                Some(LeftOutReason::OwnTable)
            } else if entry.kind() == ChangeKind::Delete && is_untracked(what, entry, current) {
                Some(LeftOutReason::Untracked)
            } else {
                None
            }
        })
    }

    /// Removes changes of a column's type that change nothing, and that the server would find again after applying them:
    /// `char` and `varchar` of the same length (a UUID column that is no key: SQLite, MySQL, MariaDB).
    ///
    /// Returns what was left out, sorted.
    pub fn drop_equivalent_types(&mut self) -> Vec<LeftOut> {
        self.leave_out_nested(LeftOutReason::EquivalentType, is_equivalent_edit)
    }

    /// Removes deletions of single properties (`meta.searchable`), which change nothing, and which the server would find
    /// again after applying them: a snapshot of an earlier version does not have what a later one has.
    ///
    /// Returns what was left out, sorted.
    pub fn drop_unsaid(&mut self) -> Vec<LeftOut> {
        self.leave_out_nested(LeftOutReason::Unsaid, is_unsaid)
    }

    /// Removes nested differences all edits of which are like this, and updates of which nothing is left.
    fn leave_out_nested(&mut self, reason: LeftOutReason, like_this: impl Fn(&Edit) -> bool) -> Vec<LeftOut> {
        let goes = |nested: &Value| {
            let edits = edits(nested);
            !edits.is_empty() && edits.iter().all(&like_this)
        };
        let mut left_out = Vec::new();
        for List { what, entries } in &mut self.lists {
            entries.retain_mut(|entry| {
                if entry.kind() != ChangeKind::Update || !entry.nested().iter().any(goes) {
                    return true;
                }
                let mut told = describe(*what, entry, reason);
                let gone = entry.nested().iter().filter(|nested| goes(nested)).flat_map(edits);
                told.paths = gone.map(|edit| edit.path).collect();
                left_out.push(told);
                if let Some(Value::Array(nested)) = entry.0.get_mut("diff") {
                    nested.retain(|nested| !goes(nested));
                }
                !entry.nested().is_empty()
            });
        }
        left_out.sort();
        left_out
    }

    /// Makes updates safe for Directus 10, where the first nested difference alone decides what is done with an entry:
    /// one that begins with a nested `N` or `D` would create or **drop** the whole item.
    ///
    /// An `E` or `A` is moved to the front where there is one (differences of one entry touch different paths, so
    /// their order means nothing otherwise). Entries without any are removed and returned, sorted.
    pub fn guard_first_kind(&mut self) -> Vec<LeftOut> {
        for entry in self.lists.iter_mut().flat_map(|list| &mut list.entries) {
            if entry.kind() == ChangeKind::Update {
                begin_with_edit(entry);
            }
        }
        self.leave_out(|_, entry| match (entry.kind(), entry.nested().first().map(kind_of)) {
            (ChangeKind::Update, Some("D")) => Some(LeftOutReason::WouldDrop),
            (ChangeKind::Update, Some("N")) => Some(LeftOutReason::WouldCreate),
            _ => None,
        })
    }

    fn leave_out(&mut self, reason: impl Fn(SchemaItem, &Entry) -> Option<LeftOutReason>) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        for List { what, entries } in &mut self.lists {
            entries.retain(|entry| {
                let reason = reason(*what, entry);
                left_out.extend(reason.map(|reason| describe(*what, entry, reason)));
                reason.is_none()
            });
        }
        left_out.sort();
        left_out
    }
}

fn describe(what: SchemaItem, entry: &Entry, reason: LeftOutReason) -> LeftOut {
    LeftOut {
        collection: entry.collection().to_owned(),
        what,
        field: entry.field().map(str::to_owned),
        kind: entry.kind(),
        reason,
        paths: entry.nested().iter().map(dotted_path).filter(|path| !path.is_empty()).collect(),
    }
}

fn is_about(entry: &Entry, tables: &[&str]) -> bool {
    tables.contains(&entry.collection()) || entry.related().is_some_and(|related| tables.contains(&related))
}

/// The entry of a deleted collection carries its metadata; anything else needs the snapshot.
fn is_untracked(what: SchemaItem, entry: &Entry, current: Option<&Snapshot>) -> bool {
    let shown = what == SchemaItem::Collection
        && entry.nested().iter().filter_map(|nested| nested.get("lhs")).any(|item| item["meta"].is_null());
    shown || current.is_some_and(|current| current.is_untracked(entry.collection()))
}

/// True for a property of an item's metadata or column that is only on one side, the instance's.
fn is_unsaid(edit: &Edit) -> bool {
    let property = edit.path.strip_prefix("meta.").or_else(|| edit.path.strip_prefix("schema."));
    edit.after.is_none() && property.is_some_and(|property| !property.contains('.'))
}

/// True if all that changes is the type's name.
fn is_equivalent_edit(edit: &Edit) -> bool {
    let is_text = |value: &Option<Value>| {
        let name = value.as_ref().and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        ["char", "varchar", "character", "character varying"].contains(&name.as_str())
    };
    edit.path == "schema.data_type" && is_text(&edit.before) && is_text(&edit.after)
}

fn begin_with_edit(entry: &mut Entry) {
    if let Some(Value::Array(nested)) = entry.0.get_mut("diff")
        && let Some(edit) = nested.iter().position(|item| matches!(kind_of(item), "E" | "A"))
    {
        nested[..=edit].rotate_right(1);
    }
}
