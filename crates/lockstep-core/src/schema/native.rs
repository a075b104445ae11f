//! The diff of two snapshots, computed as the server computes it.
//!
//! `POST /schema/diff` was observed on 10.13.1, 11.17.4 and 12.4.0; the conformance tests compare this with it.

use std::collections::BTreeSet;

use super::change::SchemaItem;
use super::dialect::Dialect;
use super::diff::{Entry, List, SchemaDiff};
use super::difference::{Difference, Step, differences};
use super::snapshot::{Snapshot, name_of};
use crate::json::{Json, Key, Keys, Object};
use crate::version::NotAVersion;

/// Whether what the desired schema does not have goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// It goes.
    #[default]
    Mirror,
    /// It stays: nothing is ever deleted as a whole. The server has this mode from 12.2; here it works for all.
    Merge,
}

/// The properties of a column that are compared; an index only where the version knows of it.
pub(crate) const COLUMN: [&str; 16] = [
    "name",
    "table",
    "data_type",
    "default_value",
    "max_length",
    "numeric_precision",
    "numeric_scale",
    "is_nullable",
    "is_unique",
    INDEXED,
    "is_primary_key",
    "is_generated",
    "generation_expression",
    "has_auto_increment",
    "foreign_key_table",
    "foreign_key_column",
];

const INDEXED: &str = "is_indexed";

/// The properties of a foreign key that are compared.
pub(crate) const FOREIGN_KEY: [&str; 7] = [
    "table",
    "column",
    "foreign_key_table",
    "foreign_key_column",
    "constraint_name",
    "on_update",
    "on_delete",
];

/// What `POST /schema/diff` of an instance with the schema `current` answers to `desired`; none if they are the same.
///
/// The version of `current` decides about the rules. As with the server's `force`, the version and the database of
/// `desired` are not looked at.
///
/// # Errors
/// When `current` does not tell a version of Directus.
pub fn diff(current: &Snapshot, desired: &Snapshot, mode: Mode) -> Result<Option<SchemaDiff>, NotAVersion> {
    let dialect = Dialect::of(current.directus_version().parse()?);
    let scope = Mentioned::of(desired);
    std::thread::scope(|threads| {
        // A large schema takes longer to hash than to compare.
        let hash = (current.fields().len() > LARGE).then(|| threads.spawn(|| current.hash()));
        let lists = Comparison { current, desired, dialect, mode, scope, keys: Names::default() }.lists();
        if lists.iter().all(|list| list.entries.is_empty()) {
            return Ok(None);
        }
        let hash = hash.map(|hash| hash.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        Ok(Some(SchemaDiff { hash: hash.unwrap_or_else(|| current.hash()), lists }))
    })
}

/// A schema of more fields is hashed beside the comparison.
const LARGE: usize = 2000;

struct Comparison<'a> {
    current: &'a Snapshot,
    desired: &'a Snapshot,
    dialect: Dialect,
    mode: Mode,
    scope: Option<Mentioned<'a>>,
    keys: Names,
}

/// The collections that a partial snapshot (version 2) speaks of; about others it says nothing.
struct Mentioned<'a> {
    collections: BTreeSet<&'a str>,
    system: BTreeSet<&'a str>,
}

impl<'a> Mentioned<'a> {
    fn of(desired: &'a Snapshot) -> Option<Self> {
        let lists = [desired.collections(), desired.fields(), desired.relations()];
        (desired.format_version() == Some(2)).then(|| Self {
            collections: lists.into_iter().flatten().map(|item| name_of(item).0).collect(),
            system: listed(desired).into_iter().map(|item| name_of(item).0).collect(),
        })
    }

    fn has(&self, what: SchemaItem, collection: &str) -> bool {
        match what {
            SchemaItem::SystemField => self.system.contains(collection),
            _ => self.collections.contains(collection),
        }
    }
}

/// The keys of entries and of what is made of them, shared.
struct Names {
    keys: Keys,
    collection: Key,
    field: Key,
    related: Key,
    meta: Key,
}

impl Default for Names {
    fn default() -> Self {
        let [collection, field, related, meta] =
            ["collection", "field", "related_collection", "meta"].map(Key::from);
        Self { keys: Keys::default(), collection, field, related, meta }
    }
}

impl<'a> Comparison<'a> {
    fn lists(&self) -> Vec<List> {
        let collections = self.collections();
        let deleted: Vec<&str> = collections
            .entries
            .iter()
            .filter(|entry| begins_with_deletion(entry))
            .map(Entry::collection)
            .collect();
        let not_deleted = |list: List| List {
            entries: list
                .entries
                .into_iter()
                .filter(|entry| !deleted.contains(&entry.collection()))
                .collect(),
            ..list
        };
        let (fields, relations) = (not_deleted(self.fields()), not_deleted(self.relations()));
        let system_fields = self.dialect.system_fields.then(|| self.system_fields());
        let mut lists = vec![collections, fields];
        lists.extend(system_fields);
        lists.push(relations);
        lists
    }

    fn collections(&self) -> List {
        let pick = |item: &Object| self.pick(item, &["collection", "meta"], &["name"]);
        self.list(SchemaItem::Collection, |_, _| true, |_, item| pick(item))
    }

    fn fields(&self) -> List {
        let same = |current: &Object, desired: &Object| !self.is_another(current, desired);
        self.list(SchemaItem::Field, same, |current, item| {
            // Auto-increment is made differently by each database, so nothing about such a column is compared.
            let is = |property| current.is_some_and(|current| flag(current, property));
            let column: &[&str] =
                if is("is_primary_key") && is("has_auto_increment") { &[] } else { &COLUMN };
            self.pick(item, &["collection", "field", "type", "meta"], column)
        })
    }

    fn relations(&self) -> List {
        self.list(
            SchemaItem::Relation,
            |_, _| true,
            |_, item| self.pick(item, &["collection", "field", "related_collection", "meta"], &FOREIGN_KEY),
        )
    }

    /// The entries of a list: what is there now in its order, then what is new in the order given. `same` tells whether two
    /// items of one name are one; `pick` takes the compared properties of an item, knowing its current state.
    fn list(
        &self,
        what: SchemaItem,
        same: impl Fn(&Object, &Object) -> bool,
        pick: impl Fn(Option<&Object>, &Object) -> Object,
    ) -> List {
        let counterpart = |of: &'a Snapshot, place: usize, item: &Object| {
            let name = name_of(item);
            // Mostly it has the same place.
            let beside = of.items(what).get(place).filter(|beside| name_of(beside) == name);
            beside.or_else(|| of.item(what, name.0, name.1))
        };
        let mut entries = Vec::new();
        for (place, item) in self.current.items(what).iter().enumerate() {
            let desired = counterpart(self.desired, place, item).filter(|desired| same(item, desired));
            // Most items are the same, and nothing has to be made of them to see that.
            if desired != Some(item) {
                let after = desired.map(|desired| pick(Some(item), desired));
                entries.extend(self.entry(what, item, Some(pick(Some(item), item)), after));
            }
        }
        for (place, item) in self.desired.items(what).iter().enumerate() {
            if !counterpart(self.current, place, item).is_some_and(|current| same(current, item)) {
                entries.extend(self.entry(what, item, None, Some(pick(None, item))));
            }
        }
        List { what, entries }
    }

    /// Only indexed fields are listed, so one that is listed on one side alone has its index there alone.
    fn system_fields(&self) -> List {
        let pick = |item: &Object| self.pick(item, &["collection", "field"], &[INDEXED]);
        let (current, desired) = (listed(self.current), listed(self.desired));
        let find = |list: &[&Object], item: &Object| {
            list.iter().find(|other| name_of(other) == name_of(item)).map(|other| pick(other))
        };
        let mut entries = Vec::new();
        for item in &current {
            let after = find(&desired, item).unwrap_or_else(|| inverted(item));
            entries.extend(self.entry(SchemaItem::SystemField, item, Some(pick(item)), Some(after)));
        }
        for item in desired.iter().filter(|item| flag(item, INDEXED)) {
            if find(&current, item).is_none() {
                entries.extend(self.entry(
                    SchemaItem::SystemField,
                    item,
                    Some(inverted(item)),
                    Some(pick(item)),
                ));
            }
        }
        List { what: SchemaItem::SystemField, entries }
    }

    /// The entry of an item, if its sides differ.
    fn entry(
        &self,
        what: SchemaItem,
        item: &Object,
        before: Option<Object>,
        after: Option<Object>,
    ) -> Option<Entry> {
        if self.scope.as_ref().is_some_and(|scope| !scope.has(what, name_of(item).0)) {
            return None;
        }
        let differences = match (before, after) {
            (Some(before), Some(after)) => self.between(what, before, after),
            (Some(before), None) if self.mode == Mode::Mirror => {
                vec![Difference::Deleted { path: Vec::new(), lhs: Json::Object(before) }]
            }
            (None, Some(after)) => vec![Difference::New { path: Vec::new(), rhs: Json::Object(after) }],
            _ => Vec::new(),
        };
        if differences.is_empty() {
            return None;
        }
        let names: &[&Key] = match what {
            SchemaItem::Collection => &[&self.keys.collection],
            SchemaItem::Field | SchemaItem::SystemField => &[&self.keys.collection, &self.keys.field],
            SchemaItem::Relation => &[&self.keys.collection, &self.keys.field, &self.keys.related],
        };
        let pair = |key: &&Key| Some(((*key).clone(), item.get(key.as_str())?.clone()));
        Some(Entry { names: names.iter().filter_map(pair).collect(), differences })
    }

    fn between(&self, what: SchemaItem, before: Object, after: Object) -> Vec<Difference> {
        let sides = (Json::Object(before), Json::Object(after));
        let mut found = differences(&sides.0, &sides.1);
        let comes_or_goes = |difference: &Difference| match difference {
            Difference::New { .. } => true,
            Difference::Deleted { .. } => difference.is_in_meta(),
            _ => false,
        };
        if self.dialect.replaces_meta && what != SchemaItem::SystemField && found.iter().any(comes_or_goes) {
            found.retain(|difference| !difference.is_in_meta());
            let meta = |side: &Json| side.get("meta").cloned();
            let path = vec![Step::Key(self.keys.meta.clone())];
            found.insert(0, Difference::Edited { path, lhs: meta(&sides.0), rhs: meta(&sides.1) });
        }
        found
    }

    fn is_another(&self, current: &Object, desired: &Object) -> bool {
        let kind = |item: &Object| item.get("type").and_then(Json::as_str) == Some("alias");
        self.dialect.alias_is_another_field && kind(current) != kind(desired)
    }

    /// An object of these properties, and of these of its `schema`, in this order, as far as the item has them.
    fn pick(&self, item: &Object, properties: &[&str], of_schema: &[&str]) -> Object {
        let take = |object: &Object, key: &&str| Some((self.keys.keys.key(key), object.get(key)?.clone()));
        let mut picked: Vec<_> = properties.iter().filter_map(|key| take(item, key)).collect();
        if let Some(schema) = item.get("schema").and_then(Json::as_object) {
            let known = of_schema.iter().filter(|key| **key != INDEXED || self.dialect.indexes);
            let schema: Vec<_> = known.filter_map(|key| take(schema, key)).collect();
            if !schema.is_empty() {
                picked.push((self.keys.keys.key("schema"), Json::Object(Object::new(schema))));
            }
        }
        Object::new(picked)
    }
}

/// The system fields that a snapshot lists.
pub(crate) fn listed(snapshot: &Snapshot) -> Vec<&Object> {
    snapshot.system_fields().unwrap_or_default().iter().filter_map(Json::as_object).collect()
}

fn flag(item: &Object, property: &str) -> bool {
    item.get("schema").and_then(|schema| schema.get(property)).and_then(Json::as_bool) == Some(true)
}

/// The item with its index the other way.
fn inverted(item: &Object) -> Object {
    let mut inverted = item.clone();
    if let Some(Json::Object(schema)) = inverted.get_mut("schema")
        && let Some(indexed) = schema.get_mut(INDEXED)
    {
        *indexed = Json::Bool(indexed.as_bool() != Some(true));
    }
    inverted
}

/// What Directus takes for the deletion of a collection.
fn begins_with_deletion(entry: &Entry) -> bool {
    matches!(entry.differences.first(), Some(Difference::Deleted { .. }))
}
