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
            list.entries.retain_mut(|entry| {
                if entry.kind() == ChangeKind::Update && what != SchemaItem::SystemField {
                    let (name, field) = (entry.collection(), entry.field().unwrap_or_default());
                    let sides = (current.item(what, name, field), desired.item(what, name, field));
                    whole_metadata(entry, sides);
                    repeat_default(entry, sides.1);
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

/// A column that is altered gets its default anew, with its quotes doubled once more; so it is said once more as well.
fn repeat_default(entry: &mut Entry, desired: Option<&Object>) {
    let first = |difference: &Difference| match difference.path().first() {
        Some(Step::Key(key)) => key.as_str().to_owned(),
        _ => String::new(),
    };
    let alters =
        entry.differences.iter().any(|difference| ["schema", "type"].contains(&first(difference).as_str()));
    let says = entry.differences.iter().any(|difference| difference.dotted_path() == "schema.default_value");
    let default = desired.and_then(|item| item.get("schema")?.get("default_value"));
    if let Some(default @ Json::String(text)) = default
        && text.contains("''")
        && alters
        && !says
    {
        let path = ["schema", "default_value"].map(|key| Step::Key(Key::from(key))).to_vec();
        entry.differences.push(Difference::Edited {
            path,
            lhs: Some(default.clone()),
            rhs: Some(default.clone()),
        });
    }
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
