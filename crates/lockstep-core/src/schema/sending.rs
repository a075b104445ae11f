//! A diff in the form in which no version of Directus misunderstands it.
//!
//! `POST /schema/apply` decides by the first difference of an entry what is done with the whole item: an update that begins
//! with a key that is new or gone creates or **drops** the item (up to 12.3, and beyond it for columns). So what changes
//! inside metadata is sent as whole values, and an entry begins with an edit.

use super::change::{ChangeKind, SchemaItem};
use super::diff::{Entry, SchemaDiff};
use super::difference::{Difference, Step};
use super::snapshot::Snapshot;
use crate::json::{Json, Key, Object};

impl SchemaDiff {
    /// The diff as it is sent to an instance whose schema is `current` and is to be `desired`: it means the same, and says it
    /// safely. Entries that no version can be told safely are given by name: none of them is in the diff.
    #[must_use]
    pub fn for_sending(&self, current: &Snapshot, desired: &Snapshot) -> (Self, Vec<String>) {
        let (mut safe, mut untellable) = (self.clone(), Vec::new());
        for list in &mut safe.lists {
            let what = list.what;
            if what == SchemaItem::Field {
                list.entries.iter_mut().for_each(without_key);
                list.entries.retain(|entry| !entry.differences.is_empty());
            }
            list.entries.retain_mut(|entry| {
                if entry.kind() == ChangeKind::Update && what != SchemaItem::SystemField {
                    let (name, field) = (entry.collection(), entry.field().unwrap_or_default());
                    let sides = (current.item(what, name, field), desired.item(what, name, field));
                    whole_metadata(entry, sides);
                    repeat_default(entry, sides.1);
                    say_uuid(entry, sides.1);
                    begin_with_edit(entry);
                }
                entry.differences.iter_mut().for_each(unescape_default);
                let tellable =
                    entry.kind() != ChangeKind::Update || entry.differences.first().is_some_and(is_edit);
                if !tellable {
                    untellable.push(entry.name());
                }
                tellable
            });
        }
        (safe, untellable)
    }
}

/// Metadata in which keys or elements come or go is sent as one edit per key of `meta`, with its whole values.
fn whole_metadata(entry: &mut Entry, (current, desired): (Option<&Object>, Option<&Object>)) {
    let nested = |difference: &Difference| difference.is_in_meta() && difference.path().len() > 1;
    if entry.differences.iter().filter(|difference| nested(difference)).all(is_edit_of_key) {
        return;
    }
    let meta = |item: Option<&Object>, key: &str| item?.get("meta")?.get(key).cloned();
    let mut whole: Vec<Difference> = Vec::new();
    for difference in entry.differences.iter().filter(|difference| nested(difference)) {
        let path: Vec<Step> = difference.path()[..2].to_vec();
        let Step::Key(key) = &path[1] else { continue };
        if whole.iter().any(|known| known.path() == path) {
            continue;
        }
        let side = |item| meta(item, key.as_str()).or(Some(Json::Null));
        let (lhs, rhs) = (side(current), side(desired));
        whole.push(Difference::Edited { path, lhs, rhs });
    }
    entry.differences.retain(|difference| !nested(difference));
    whole.append(&mut entry.differences);
    entry.differences = whole;
}

fn is_edit_of_key(difference: &Difference) -> bool {
    matches!(difference, Difference::Edited { path, .. } if path.len() == 2)
}

fn is_edit(difference: &Difference) -> bool {
    matches!(difference, Difference::Edited { .. } | Difference::Array { .. })
}

/// Differences of one entry touch different paths, so their order means nothing otherwise.
fn begin_with_edit(entry: &mut Entry) {
    if let Some(edit) = entry.differences.iter().position(is_edit) {
        entry.differences[..=edit].rotate_right(1);
    }
}

/// What a column refers to comes and goes with its relation. Said of the column, the server would alter that for nothing, and
/// MySQL refuses while something refers.
fn without_key(entry: &mut Entry) {
    let keys = ["schema.foreign_key_table", "schema.foreign_key_column"];
    entry.differences.retain(|difference| !keys.contains(&difference.dotted_path().as_str()));
}

/// A column of UUIDs that is altered becomes text where it shows as text, which MySQL refuses of a reference.
fn say_uuid(entry: &mut Entry, desired: Option<&Object>) {
    let part = |key: &str| desired.and_then(|item| item.get("schema")?.get(key));
    let is_uuid = part("data_type").and_then(Json::as_str) == Some("char")
        && part("max_length").and_then(Json::as_i64) == Some(36);
    let shows = desired.and_then(|item| item.get("type")).filter(|kind| kind.as_str() == Some("string"));
    if let Some(shows) = shows.filter(|_| is_uuid && alters(entry))
        && !entry.differences.iter().any(|difference| difference.dotted_path() == "type")
    {
        let path = vec![Step::Key(Key::from("type"))];
        let (lhs, rhs) = (Some(shows.clone()), Some(Json::from("uuid")));
        entry.differences.push(Difference::Edited { path, lhs, rhs });
    }
}

/// Whether an entry leads to another column.
fn alters(entry: &Entry) -> bool {
    let first = |difference: &Difference| match difference.path().first() {
        Some(Step::Key(key)) => ["schema", "type"].contains(&key.as_str()),
        _ => false,
    };
    entry.differences.iter().any(first)
}

/// A column that is altered gets its default anew, with its quotes doubled once more, and the time of writing in MariaDB's words
/// taken for a text; so it is said once more as well.
fn repeat_default(entry: &mut Entry, desired: Option<&Object>) {
    let says = entry.differences.iter().any(|difference| difference.dotted_path() == "schema.default_value");
    let default = desired.and_then(|item| item.get("schema")?.get("default_value"));
    if let Some(default @ Json::String(text)) = default
        && (text.contains("''") || is_now(text))
        && alters(entry)
        && !says
    {
        let path = ["schema", "default_value"].map(|key| Step::Key(Key::from(key))).to_vec();
        entry.differences.push(Difference::Edited {
            path,
            lhs: Some(default.clone()),
            rhs: Some(if is_now(text) { Json::from("CURRENT_TIMESTAMP") } else { default.clone() }),
        });
    }
}

/// Whether a default is the time of writing as MariaDB tells it.
fn is_now(default: &str) -> bool {
    default.starts_with("current_timestamp(")
}

/// Snapshots show a default with its quotes doubled, as SQL has them, and the server doubles them again.
fn unescape_default(difference: &mut Difference) {
    let is_default = |path: &[Step]| {
        let keys: Vec<&str> = path
            .iter()
            .filter_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None })
            .collect();
        keys == ["schema", "default_value"]
    };
    let default = match difference {
        Difference::New { path, rhs } if path.is_empty() => rhs
            .as_object_mut()
            .and_then(|item| item.get_mut("schema"))
            .and_then(Json::as_object_mut)
            .and_then(|schema| schema.get_mut("default_value")),
        Difference::New { path, rhs } if is_default(path) => Some(rhs),
        Difference::Edited { path, rhs, .. } if is_default(path) => rhs.as_mut(),
        _ => None,
    };
    if let Some(Json::String(text)) = default
        && text.contains("''")
    {
        *text = text.replace("''", "'").into();
    }
}
