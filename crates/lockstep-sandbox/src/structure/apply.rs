//! `POST /schema/apply`: the way to another schema.

use std::collections::{BTreeSet, HashMap};

use lockstep_core::schema::Snapshot;
use serde_json::{Map, Value};

use super::change::Change;
use super::column::has_column;
use super::patch::{kind, patched};
use super::snapshot::{snapshot, value};
use super::{object, text, validate};
use crate::db::Session;
use crate::error::{Answer, ApiError};

#[cfg(test)]
mod tests;

/// Carries out a diff, `{hash, diff}`. With `force`, the schema that it was made of may have been another.
///
/// What is done with an entry is decided by its first difference, as the real one does it: an update that begins with a
/// deletion deletes the whole thing.
///
/// # Errors
/// When it is no diff, or one of another schema, or something in it cannot be done.
pub(crate) fn apply(session: &mut Session<'_>, payload: &Value, force: bool) -> Answer<()> {
    let diff = validate::diff(payload)?;
    if validate::LISTS.iter().all(|list| entries(diff, list).is_empty()) {
        return Ok(());
    }
    let current = snapshot(session)?;
    if !force && text_of(payload, "hash") != current.hash() {
        return Err(contradiction(diff, &current));
    }
    let mut new_fields: HashMap<&str, Vec<&Value>> = HashMap::new();
    for entry in entries(diff, "fields").iter().filter(|it| first(it) == "N") {
        new_fields.entry(text_of(entry, "collection")).or_default().push(entry);
    }
    let change = Change::unrecorded(session);
    let mut way = Way { change, current: &current, diff, new_fields, done: BTreeSet::new() };
    way.create_collections()?;
    way.delete_collections()?;
    way.update_collections()?;
    way.fields()?;
    way.system_fields()?;
    way.relations()?;
    way.change.finish()
}

struct Way<'w, 's, 'a> {
    change: Change<'s, 'a>,
    current: &'w Snapshot,
    diff: &'w Map<String, Value>,
    /// The fields to be made, by collection.
    new_fields: HashMap<&'w str, Vec<&'w Value>>,
    /// Collections that were made or deleted, whose fields need nothing more.
    done: BTreeSet<&'w str>,
}

impl<'w> Way<'w, '_, '_> {
    /// Makes the collections: a group before its members, and none whose group is not there.
    fn create_collections(&mut self) -> Answer<()> {
        let new: Vec<&Value> =
            entries(self.diff, "collections").iter().filter(|it| first(it) == "N").collect();
        let names: BTreeSet<&str> = new.iter().map(|it| text_of(it, "collection")).collect();
        let mut waiting: Vec<&Value> = new;
        loop {
            let mut later = Vec::new();
            let before = waiting.len();
            for entry in waiting {
                let rhs = &differences(entry)[0]["rhs"];
                let group = rhs["meta"]["group"].as_str().filter(|it| !it.is_empty());
                let ready = group.is_none_or(|group| {
                    self.done.contains(group)
                        || !names.contains(group) && self.current.collection(group).is_some()
                });
                if ready {
                    self.create_collection(text_of(entry, "collection"), rhs)?;
                } else {
                    later.push(entry);
                }
            }
            if later.is_empty() || later.len() == before {
                return Ok(());
            }
            waiting = later;
        }
    }

    fn create_collection(&mut self, name: &'w str, rhs: &Value) -> Answer<()> {
        let Some(rhs) = rhs.as_object() else {
            return Err(ApiError::payload("\"collection\" is required"));
        };
        let fields = self.new_fields.remove(name).unwrap_or_default();
        let fields = fields.into_iter().map(|it| as_uuid(&differences(it)[0]["rhs"]));
        let mut payload = rhs.clone();
        payload.insert("fields".into(), fields.collect());
        self.done.insert(name);
        self.change.create_collection(&payload).map(drop)
    }

    fn delete_collections(&mut self) -> Answer<()> {
        for entry in entries(self.diff, "collections").iter().filter(|it| first(it) == "D") {
            let name = text_of(entry, "collection");
            if self.current.collection(name).is_none() {
                return Err(ApiError::forbidden(None));
            }
            for relation in self.change.relations_with(name)? {
                self.change.drop_relation(&relation.collection, &relation.field)?;
            }
            self.done.insert(name);
            self.change.delete_collection(name)?;
        }
        Ok(())
    }

    fn update_collections(&mut self) -> Answer<()> {
        for entry in entries(self.diff, "collections").iter().filter(|it| is_update(it)) {
            let name = text_of(entry, "collection");
            let current = self.current.collection(name).map(value);
            if let Some(desired) = desired(current, entry)? {
                self.change.update_collection(name, &desired)?;
            }
        }
        Ok(())
    }

    fn fields(&mut self) -> Answer<()> {
        for entry in entries(self.diff, "fields") {
            let (collection, field) = (text_of(entry, "collection"), text_of(entry, "field"));
            // Of a collection that was made, the new fields were made with it.
            if self.done.contains(collection) {
                continue;
            }
            match first(entry) {
                "N" if !in_meta(entry) => {
                    let rhs = &differences(entry)[0]["rhs"];
                    if !self.change.has_table(collection)? {
                        return Err(ApiError::internal(
                            "Cannot read properties of undefined (reading 'fields')",
                        ));
                    }
                    self.change.create_field(collection, rhs.as_object().unwrap_or(&Map::new()))?;
                }
                "D" if !in_meta(entry) => self.change.delete_field(collection, field)?,
                _ => {
                    let current = self.current.field(collection, field).map(value);
                    if let Some(desired) = desired(current, entry)? {
                        self.change.update_field(collection, field, &desired)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn system_fields(&mut self) -> Answer<()> {
        for entry in entries(self.diff, "systemFields").iter().filter(|it| first(it) == "E") {
            let indexed = differences(entry)[0]["rhs"] == Value::Bool(true);
            self.change.index_system_field(text_of(entry, "collection"), text_of(entry, "field"), indexed)?;
        }
        Ok(())
    }

    fn relations(&mut self) -> Answer<()> {
        for entry in entries(self.diff, "relations") {
            let (collection, field) = (text_of(entry, "collection"), text_of(entry, "field"));
            match first(entry) {
                "N" => {
                    let rhs = &differences(entry)[0]["rhs"];
                    self.change.create_relation(rhs.as_object().unwrap_or(&Map::new()))?;
                }
                // It may have gone with its field, or with the collection that it led to.
                "D" => self.change.drop_relation(collection, field)?,
                _ => {
                    let current = self.current.relation(collection, field).map(value);
                    if let Some(desired) = desired(current, entry)? {
                        self.change.update_relation(collection, field, &desired)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The item as it will be; none if it is not there now.
fn desired(current: Option<Value>, entry: &Value) -> Answer<Option<Map<String, Value>>> {
    let Some(current) = current else { return Ok(None) };
    match patched(current, differences(entry)) {
        Some(Value::Object(desired)) => Ok(Some(desired)),
        _ => Err(ApiError::payload(format!("The diff of \"{}\" does not fit", text_of(entry, "collection")))),
    }
}

/// Keys and references of 36 characters are made as identifiers, whatever else they are called.
fn as_uuid(field: &Value) -> Value {
    let mut field = field.clone();
    let uuid = field.as_object().and_then(|it| object(it, "schema")).is_some_and(|schema| {
        let reference =
            ["foreign_key_table", "foreign_key_column"].iter().all(|key| text(schema, key).is_some());
        let kind = text(schema, "data_type").unwrap_or_default();
        schema.get("max_length").and_then(Value::as_i64) == Some(36)
            && ["char", "varchar"].contains(&kind)
            && (schema.get("is_primary_key") == Some(&Value::Bool(true)) || reference)
    });
    if uuid && field["type"].as_str().is_some_and(has_column) {
        field["type"] = "uuid".into();
    }
    field
}

/// Why a diff of another schema is refused: what it asks for in vain, or that the schema is another.
fn contradiction(diff: &Map<String, Value>, current: &Snapshot) -> ApiError {
    let lists: [(&str, &str); 3] =
        [("collections", "collection"), ("fields", "field"), ("relations", "relation")];
    for (list, what) in lists {
        for entry in entries(diff, list) {
            let (collection, field) = (text_of(entry, "collection"), text_of(entry, "field"));
            let there = match what {
                "collection" => current.collection(collection).is_some(),
                "field" => current.field(collection, field).is_some(),
                _ => current.relation(collection, field).is_some(),
            };
            let related = text_of(entry, "related_collection");
            let field = if related.is_empty() { field.to_owned() } else { format!("{field}-> {related}") };
            match first(entry) {
                "N" if there => return untimely("create", what, collection, &field, "already exists"),
                "D" if !there => return untimely("delete", what, collection, &field, "does not exist"),
                _ => {}
            }
        }
    }
    for entry in entries(diff, "systemFields") {
        if let Some(error) = unsupported(entry) {
            return error;
        }
    }
    ApiError::payload(
        "Provided hash does not match the current instance's schema hash, indicating the schema has changed after \
         this diff was generated. Please generate a new diff and try again or use the \"force\" query parameter to bypass \
         this check",
    )
}

/// Of Directus' own fields, only the index may change.
fn unsupported(entry: &Value) -> Option<ApiError> {
    let name = format!("{}.{}", text_of(entry, "collection"), text_of(entry, "field"));
    let again = "Please generate a new diff and try again";
    let verb = match first(entry) {
        "N" => "create",
        "D" => "delete",
        _ => {
            let path = differences(entry).first()?.get("path").and_then(Value::as_array)?;
            let steps: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
            let property = steps.join(".");
            return (property != "schema.is_indexed").then(|| {
                ApiError::payload(format!(
                    "Provided diff is trying to alter property \"{property}\" on \"{name}\" but currently only \
                     \"schema.is_indexed\" is supported. {again}"
                ))
            });
        }
    };
    Some(ApiError::payload(format!(
        "Provided diff is trying to {verb} field \"{name}\" but this action is not supported. {again}"
    )))
}

fn untimely(verb: &str, what: &str, collection: &str, field: &str, why: &str) -> ApiError {
    let name = if field.is_empty() { collection.to_owned() } else { format!("{collection}.{field}") };
    ApiError::payload(format!(
        "Provided diff is trying to {verb} {what} \"{name}\" but it {why}. Please generate a new diff and try again"
    ))
}

fn entries<'v>(diff: &'v Map<String, Value>, list: &str) -> &'v [Value] {
    diff.get(list).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn differences(entry: &Value) -> &[Value] {
    entry.get("diff").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn first(entry: &Value) -> &str {
    differences(entry).first().map_or("", kind)
}

fn is_update(entry: &Value) -> bool {
    ["E", "A"].contains(&first(entry))
}

/// True if the first difference is about a property of `meta`, which is an update whatever its kind.
fn in_meta(entry: &Value) -> bool {
    let path = differences(entry).first().and_then(|it| it.get("path")).and_then(Value::as_array);
    path.is_some_and(|path| path.len() > 1 && path[0] == "meta")
}

fn text_of<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
