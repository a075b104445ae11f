//! A diff carried out on a snapshot: what the schema will be.

use std::collections::BTreeMap;

use super::change::{ChangeKind, SchemaItem};
use super::diff::{Entry, List, SchemaDiff};
use super::difference::applied;
use super::snapshot::{Snapshot, SnapshotError, name_of};
use crate::json::{Json, Object};

/// A diff does not fit the snapshot that it is carried out on.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// It creates what is there.
    #[error("{0} is to be created, but is there already")]
    Exists(String),
    /// It changes or deletes what is not there.
    #[error("{0} is to be changed, but is not there")]
    Missing(String),
    /// It changes a value that is not there.
    #[error("{name}: {detail}")]
    Value {
        /// `collection` or `collection.field`.
        name: String,
        /// What does not fit.
        detail: String,
    },
    /// What comes out is no snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// A list of a snapshot while it changes: what is gone leaves a hole, what is new comes last.
struct Items {
    items: Vec<Option<Object>>,
    places: BTreeMap<(String, String), usize>,
}

impl SchemaDiff {
    /// The schema that a server whose schema is `current` has after this diff was applied, in the model: what a database
    /// makes of it otherwise is not foreseen.
    ///
    /// # Errors
    /// When the diff was made of another schema.
    pub fn applied_to(&self, current: &Snapshot) -> Result<Snapshot, Misfit> {
        let (mut header, collections, fields, relations) = current.clone().into_parts();
        let system = header.remove("systemFields");
        let had_system = system.is_some();
        let objects = |list: Option<Json>| match list {
            Some(Json::Array(items)) => items.into_iter().filter_map(Json::into_object).collect(),
            _ => Vec::new(),
        };
        let mut collections = Items::new(collections);
        let mut fields = Items::new(fields);
        let mut relations = Items::new(relations);
        let mut system_fields = Items::new(objects(system));
        for List { what, entries } in &self.lists {
            for entry in entries {
                match what {
                    SchemaItem::Collection => {
                        collections.apply(entry)?;
                        if entry.kind() == ChangeKind::Delete {
                            let of = |item: &Object| name_of(item).0 == entry.collection();
                            let to = |item: &Object| {
                                item.get("related_collection").and_then(Json::as_str)
                                    == Some(entry.collection())
                            };
                            fields.remove_where(of);
                            relations.remove_where(|item| of(item) || to(item));
                        }
                    }
                    SchemaItem::Field => fields.apply(entry)?,
                    SchemaItem::Relation if entry.kind() == ChangeKind::Delete && !relations.has(entry) => {}
                    SchemaItem::Relation => relations.apply(entry)?,
                    SchemaItem::SystemField => system_fields.apply_index(entry)?,
                }
            }
        }
        if had_system {
            let indexed = |item: &Object| {
                item.get("schema").and_then(|schema| schema.get("is_indexed")).and_then(Json::as_bool)
                    == Some(true)
            };
            let listed = system_fields.into_objects().into_iter().filter(indexed).map(Json::Object).collect();
            header.insert("systemFields", Json::Array(listed));
        }
        Ok(Snapshot::new(
            header,
            collections.into_objects(),
            fields.into_objects(),
            relations.into_objects(),
        )?)
    }
}

impl Items {
    fn new(items: Vec<Object>) -> Self {
        let key = |item: &Object| {
            let (collection, field) = name_of(item);
            (collection.to_owned(), field.to_owned())
        };
        let places = items.iter().enumerate().map(|(place, item)| (key(item), place)).collect();
        Self { items: items.into_iter().map(Some).collect(), places }
    }

    fn place(&self, entry: &Entry) -> Option<usize> {
        let key = (entry.collection().to_owned(), entry.field().unwrap_or_default().to_owned());
        self.places.get(&key).copied().filter(|&place| self.items[place].is_some())
    }

    fn has(&self, entry: &Entry) -> bool {
        self.place(entry).is_some()
    }

    fn apply(&mut self, entry: &Entry) -> Result<(), Misfit> {
        let name = entry.name();
        let place = match (self.place(entry), entry.kind()) {
            (Some(_), ChangeKind::Create) => return Err(Misfit::Exists(name)),
            (None, ChangeKind::Update | ChangeKind::Delete) => return Err(Misfit::Missing(name)),
            (Some(place), _) => place,
            (None, ChangeKind::Create) => self.add(entry),
        };
        self.change(place, entry, name)
    }

    /// Only fields with an index are listed.
    fn apply_index(&mut self, entry: &Entry) -> Result<(), Misfit> {
        let place = match self.place(entry) {
            Some(place) => place,
            None => {
                let place = self.add(entry);
                let mut item = entry.names.clone();
                let mut schema = Object::default();
                schema.insert("is_indexed", Json::Bool(false));
                item.insert("schema", Json::Object(schema));
                self.items[place] = Some(item);
                place
            }
        };
        self.change(place, entry, entry.name())
    }

    fn add(&mut self, entry: &Entry) -> usize {
        let key = (entry.collection().to_owned(), entry.field().unwrap_or_default().to_owned());
        self.items.push(None);
        self.places.insert(key, self.items.len() - 1);
        self.items.len() - 1
    }

    fn change(&mut self, place: usize, entry: &Entry, name: String) -> Result<(), Misfit> {
        let before = self.items[place].take().map(Json::Object);
        let after = applied(before, &entry.differences).map_err(|detail| Misfit::Value { name, detail })?;
        self.items[place] = after.and_then(Json::into_object);
        Ok(())
    }

    fn remove_where(&mut self, goes: impl Fn(&Object) -> bool) {
        for item in &mut self.items {
            if item.as_ref().is_some_and(&goes) {
                *item = None;
            }
        }
    }

    fn into_objects(self) -> Vec<Object> {
        self.items.into_iter().flatten().collect()
    }
}
