//! Records field by field: what a creation sends, what an update changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::{Edit, Reconciler};
use crate::collection::{Collection, Key, Reference};
use crate::identity::translate::Localized;
use crate::record::{CONCEALED, Fields, Late, Record, Row, same_value};
use crate::transform::{Path, Transformed};

impl Reconciler<'_> {
    /// The body of a creation.
    pub(super) fn creation(&self, collection: &Collection, record: &Record, local: Fields) -> Fields {
        let mut write = Fields::new();
        if let Some(id) = self.matching.ids.local(collection.name, record.sync_id.as_str()) {
            write.insert(collection.key_field.to_owned(), id.to_value(collection.key));
        }
        for (name, value) in local {
            let nothing_to_say = collection.is_secret(&name) && value.is_null();
            if !nothing_to_say && !is_concealed(&value) {
                write.insert(name, value);
            }
        }
        if let Some((field, attachments)) = self.attach_all(collection, record) {
            write.insert(field.to_owned(), attachments);
        }
        write
    }

    /// What people call the records that a new one refers to.
    pub(super) fn names(&self, collection: &Collection, fields: &Fields) -> Vec<(&'static str, String)> {
        let name = |reference: &Reference| {
            let id = fields.get(reference.path)?.as_str()?;
            Some((reference.path, self.labels.name(reference.target_in(fields)?, id)?.to_owned()))
        };
        collection.references.iter().filter_map(name).collect()
    }

    /// Adds the names of what the values refer to.
    fn named(&self, collection: &Collection, mut edit: Edit) -> Edit {
        if let Some(reference) = collection.references.iter().find(|reference| reference.path == edit.path) {
            let name = |value: &Value| Some(self.labels.name(reference.target, value.as_str()?)?.to_owned());
            (edit.before_name, edit.after_name) = (name(&edit.before), name(&edit.after));
        }
        edit
    }

    /// What differs between a record and its row: the body of the update, and the same for people.
    pub(super) fn difference(
        &self,
        collection: &'static Collection,
        record: &Record,
        local: Localized,
        row: &Row,
        unknown: &mut BTreeSet<String>,
    ) -> (Fields, Vec<Late>, Vec<Edit>) {
        let (mut write, mut edits) = (Fields::new(), Vec::new());
        for late in &local.late {
            edits.push(self.edit(collection, record, &late.field, row));
        }
        let is_late = |name: &str| local.late.iter().any(|late| late.field == name);
        for (name, value) in local.fields {
            if collection.once.contains(&name.as_str()) || is_late(&name) {
                continue;
            }
            let Some(current) = row.fields.get(&name) else {
                unknown.insert(name);
                continue;
            };
            if is_kept_secret(collection, &name, &value, current) || collection.same(&name, &value, current) {
                continue;
            }
            edits.push(self.edit(collection, record, &name, row));
            write.insert(name, value);
        }
        if let Some((field, body, edit)) = self.attachment_changes(collection, record, row) {
            write.insert(field.to_owned(), body);
            edits.push(edit);
        }
        for name in collection.restated {
            if let Some(current) = row.fields.get(*name).filter(|_| !write.is_empty()) {
                write.entry(*name).or_insert_with(|| current.clone());
            }
        }
        if !(write.is_empty() && local.late.is_empty()) && collection.key != Key::Singleton {
            write.insert(collection.key_field.to_owned(), row.id.to_value(collection.key));
        }
        (write, local.late, edits)
    }

    fn edit(&self, collection: &Collection, record: &Record, name: &str, row: &Row) -> Edit {
        let mut before = self.translator.portable_value(collection, &row.fields, name);
        let mut after = record.fields.get(name).cloned().unwrap_or(Value::Null);
        for (path, shown) in concealed(collection, record, self.comparison.transformed) {
            if path.field() == name {
                conceal_both(path, shown, &mut before, &mut after);
            }
        }
        let secret = collection.is_secret(name);
        let show = |value: Value| if secret && !value.is_null() { Value::from(CONCEALED) } else { value };
        self.named(collection, Edit::plain(name, show(before), show(after)))
    }
}

/// Places of a record whose values come from variables.
fn concealed<'a>(
    collection: &Collection,
    record: &Record,
    transformed: &'a Transformed,
) -> &'a [(Path, Value)] {
    if transformed.concealed.is_empty() {
        return &[];
    }
    let places = transformed.concealed.get(&(collection.name, record.sync_id.clone()));
    places.map_or(&[], Vec::as_slice)
}

/// Shows the placeholder where the value is that of a variable; what else the instance holds there may be a secret, too.
fn conceal_both(path: &Path, shown: &Value, before: &mut Value, after: &mut Value) {
    let Some(wanted) = path.in_field(after) else { return };
    if *wanted == *shown {
        return;
    }
    if let Some(held) = path.in_field(before).filter(|held| !held.is_null()) {
        *held = if same_value(held, wanted) { shown.clone() } else { Value::from(CONCEALED) };
    }
    *wanted = shown.clone();
}

/// A new record for people: as it stands in the dump, secrets concealed.
pub(super) fn shown(collection: &Collection, record: &Record, transformed: &Transformed) -> Arc<Fields> {
    let places = concealed(collection, record, transformed);
    let is_secret = |(name, value): &(&String, &Value)| collection.is_secret(name) && !value.is_null();
    if places.is_empty() && !record.fields.iter().any(|field| is_secret(&field)) {
        return Arc::clone(&record.fields);
    }
    let shown = record.fields.iter().map(|(name, value)| match is_secret(&(name, value)) {
        true => (name.clone(), Value::from(CONCEALED)),
        false => (name.clone(), value.clone()),
    });
    let mut shown: Fields = shown.collect();
    for (path, text) in places {
        if let Some(place) = path.get_mut(&mut shown).filter(|_| !collection.is_secret(path.field())) {
            *place = text.clone();
        }
    }
    Arc::new(shown)
}

/// True for a field that is neither compared nor written: a secret that the dump does not supply or that the
/// instance already has, and whatever is only asterisks.
fn is_kept_secret(collection: &Collection, name: &str, wanted: &Value, current: &Value) -> bool {
    let secret = collection.is_secret(name);
    is_concealed(wanted) || is_concealed(current) || secret && (wanted.is_null() || !current.is_null())
}

fn is_concealed(value: &Value) -> bool {
    value.as_str() == Some(CONCEALED)
}
