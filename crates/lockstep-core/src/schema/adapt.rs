//! A desired schema made to fit an instance: what the two differ in by version, database or purpose only is left as it is.
//!
//! Everything that must not change is made equal to what the instance has, *before* the two are compared. So the diff that
//! follows has nothing to be filtered out, the server computes the same one, and a second diff finds nothing that the
//! first had left out.

use std::collections::BTreeSet;

use serde::Serialize;

use super::OWN_TABLES;
use super::change::{ChangeKind, SchemaItem};
use super::dialect::Dialect;
use super::native::listed;
use super::scope::Scope;
use super::shape::{is_absent, text};
use super::snapshot::{Snapshot, SnapshotError, name_of};
use super::vendor::{self, Databases};
use crate::json::{Json, Object};
use crate::version::{NotAVersion, Version};

/// Why a difference is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// The table belongs to a sync tool, not to the schema.
    OwnTable,
    /// Directus does not track the table or the column, so a snapshot of a newer version could not have known it.
    Untracked,
    /// It is out of the scope that was asked for. Such are not listed.
    OutOfScope,
    /// A relation refers to a collection that is out of the scope, and stays as it is.
    LeavesScope,
    /// A primary key cannot be made a foreign key: the relation is metadata only.
    PrimaryKey,
    /// The database has one type under two names, and never settles on the one that is asked for.
    EquivalentType,
    /// The desired schema does not say what the property is to be: it comes of an earlier version.
    Unsaid,
    /// The Directus of the target does not know the property: the desired schema comes of a later version.
    Unknown,
    /// Another database says the same in its own way: a type, a default, the name of a constraint.
    Database,
    /// No request makes such a column: its type is the database's own, or it is computed from others.
    Uncreatable,
    /// Indexes of system collections belong to a version of Directus.
    SystemIndex,
}

/// A difference that is left as it is.
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

/// A desired schema that fits an instance.
#[derive(Debug, Clone)]
pub struct Adapted {
    /// The schema, in the version and of the database of the instance.
    pub snapshot: Snapshot,
    /// What the two differed in, and what stays as it is, sorted.
    pub left_out: Vec<LeftOut>,
    /// Relations that change and refer to a collection out of the scope: they are not left out, only worth knowing.
    pub leaving: Vec<LeftOut>,
}

/// A desired schema cannot be made to fit.
#[derive(Debug, thiserror::Error)]
pub enum AdaptError {
    /// A snapshot does not tell its version.
    #[error(transparent)]
    Version(#[from] NotAVersion),
    /// What comes out is no snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// Where a snapshot lists the indexed fields of system collections.
const SYSTEM_FIELDS: &str = "systemFields";

/// Metadata that not every version has: the list, the key, and the first version with it.
const ADDED_META: [(SchemaItem, &str, Version); 3] = [
    (SchemaItem::Field, "searchable", Version { major: 11, minor: 13, patch: 0 }),
    (SchemaItem::Collection, "status", Version { major: 12, minor: 0, patch: 0 }),
    (SchemaItem::Collection, "autosave_revision_interval", Version { major: 12, minor: 0, patch: 0 }),
];

/// Makes a desired schema fit an instance whose schema is `current`, within a scope.
///
/// # Errors
/// When one of the two does not tell its version.
pub fn adapt(desired: Snapshot, current: &Snapshot, scope: &Scope) -> Result<Adapted, AdaptError> {
    let target: Version = current.directus_version().parse()?;
    let origin: Version = desired.directus_version().parse()?;
    let tracked =
        desired.collections().iter().filter(|item| !is_absent(item.get("meta"))).map(|item| name_of(item).0);
    let mentioned = (desired.format_version() == Some(2)).then(|| {
        let lists = [desired.collections(), desired.fields(), desired.relations()];
        lists.into_iter().flatten().map(|item| name_of(item).0.to_owned()).collect()
    });
    let owned_name = |item: &Object| {
        let (collection, field) = name_of(item);
        (collection.to_owned(), field.to_owned())
    };
    let is_key = |item: &&Object| {
        item.get("schema").and_then(|schema| schema.get("is_primary_key")).and_then(Json::as_bool)
            == Some(true)
    };
    let primary_keys: BTreeSet<_> = desired.fields().iter().filter(is_key).map(owned_name).collect();
    let has_key = |relation: &&Object| !is_absent(relation.get("schema"));
    let wanted = desired.relations().iter().filter(has_key).map(owned_name);
    let there = current.relations().iter().filter(has_key).map(owned_name);
    let references = wanted.filter(|name| !primary_keys.contains(name)).chain(there).collect();
    let origin_vendor = desired.vendor().unwrap_or_default().to_owned();
    let mut adapter = Adapter {
        current,
        scope,
        target,
        origin,
        dialect: Dialect::of(target),
        mentioned,
        databases: Databases { desired: &origin_vendor, current: current.vendor().unwrap_or_default() },
        tracked: tracked.map(str::to_owned).collect(),
        references,
        primary_keys,
        kept: BTreeSet::new(),
        left_out: Vec::new(),
        leaving: Vec::new(),
    };
    let (header, collections, fields, relations) = desired.into_parts();
    let header = adapter.header(header);
    let collections = adapter.list(SchemaItem::Collection, collections);
    let fields = adapter.list(SchemaItem::Field, fields);
    let relations = adapter.list(SchemaItem::Relation, relations);
    let (mut left_out, mut leaving) = (adapter.left_out, adapter.leaving);
    left_out.sort();
    leaving.sort();
    Ok(Adapted { snapshot: Snapshot::new(header, collections, fields, relations)?, left_out, leaving })
}

struct Adapter<'a> {
    current: &'a Snapshot,
    scope: &'a Scope,
    target: Version,
    origin: Version,
    dialect: Dialect,
    /// The collections that a partial snapshot speaks of; none if it is a whole one.
    mentioned: Option<BTreeSet<String>>,
    databases: Databases<'a>,
    /// The collections that the desired schema has metadata of.
    tracked: BTreeSet<String>,
    /// The fields whose relation has, or gets, a foreign key.
    references: BTreeSet<(String, String)>,
    /// The fields that are primary keys in the desired schema.
    primary_keys: BTreeSet<(String, String)>,
    /// The collections, by a name without field, and the fields that the adapted schema has so far.
    kept: BTreeSet<(String, String)>,
    left_out: Vec<LeftOut>,
    leaving: Vec<LeftOut>,
}

impl Adapter<'_> {
    /// The header is the instance's: it refuses keys that it does not know, and other versions and databases.
    fn header(&mut self, mut desired: Object) -> Object {
        let system_fields = desired.remove(SYSTEM_FIELDS);
        let mut header = self.current.header().clone();
        header.remove(SYSTEM_FIELDS);
        if self.dialect.system_fields {
            let fields = match system_fields {
                Some(Json::Array(items)) => {
                    self.system_fields(items.into_iter().filter_map(Json::into_object).collect())
                }
                // Who says nothing about indexes of system collections does not want them gone.
                _ => listed(self.current).into_iter().cloned().collect(),
            };
            header.insert(SYSTEM_FIELDS, Json::Array(fields.into_iter().map(Json::Object).collect()));
        }
        header
    }

    /// Each version and each database has its own indexes on system collections; between two of a kind they are compared.
    fn system_fields(&mut self, desired: Vec<Object>) -> Vec<Object> {
        let current: Vec<Object> = listed(self.current).into_iter().cloned().collect();
        let names = |items: &[Object]| -> BTreeSet<(String, String)> {
            let name = |item: &Object| {
                let (collection, field) = name_of(item);
                (collection.to_owned(), field.to_owned())
            };
            items.iter().map(name).collect()
        };
        let (have, want) = (names(&current), names(&desired));
        if !self.databases.differ() && self.origin == self.target {
            let mentioned: BTreeSet<&str> = want.iter().map(|(collection, _)| collection.as_str()).collect();
            let takes_part = |item: &Object| {
                let collection = name_of(item).0;
                self.scope.has(collection) && (self.mentioned.is_none() || mentioned.contains(collection))
            };
            let theirs = current.into_iter().filter(|item| !takes_part(item));
            let mut fields: Vec<Object> =
                theirs.chain(desired.iter().filter(|item| takes_part(item)).cloned()).collect();
            fields.sort_by(|left, right| name_of(left).cmp(&name_of(right)));
            return fields;
        }
        for (collection, field) in want.symmetric_difference(&have) {
            self.left_out.push(LeftOut {
                collection: collection.clone(),
                what: SchemaItem::SystemField,
                field: Some(field.clone()),
                kind: ChangeKind::Update,
                reason: LeftOutReason::SystemIndex,
                paths: vec!["schema.is_indexed".to_owned()],
            });
        }
        current
    }

    /// The desired items that take part, made to fit, then those of the instance that stay whatever is desired.
    fn list(&mut self, what: SchemaItem, desired: Vec<Object>) -> Vec<Object> {
        let mut kept: Vec<Object> = Vec::with_capacity(desired.len());
        let mut seen = BTreeSet::new();
        let narrowed = match what {
            SchemaItem::Field => vendor::narrowed(&desired, self.current, self.databases),
            _ => BTreeSet::new(),
        };
        for (place, mut item) in desired.into_iter().enumerate() {
            let (collection, field) = name_of(&item);
            let counterpart = self.current.item(what, collection, field);
            seen.insert((collection.to_owned(), field.to_owned()));
            match (self.stays(what, Some(&item), counterpart), counterpart) {
                (None, counterpart) => {
                    item = self.without_key_of_key(what, item, counterpart);
                    self.without_untracked_key(what, &mut item, counterpart);
                    if narrowed.contains(&place) {
                        let paths = vendor::narrow(&mut item);
                        self.tell_paths(what, &item, LeftOutReason::Database, paths);
                    }
                    let item = match counterpart {
                        Some(counterpart) => self.fit(what, item, counterpart),
                        None => self.fit_new(what, item),
                    };
                    if counterpart != Some(&item) {
                        self.tell_leaving(what, &item);
                    }
                    kept.push(item);
                }
                (Some(reason), None) => self.tell(what, &item, ChangeKind::Create, reason, Vec::new()),
                (Some(reason), Some(counterpart)) => {
                    if item != *counterpart {
                        self.tell(what, &item, ChangeKind::Update, reason, Vec::new());
                    }
                    kept.push(counterpart.clone());
                }
            }
        }
        for item in self.current.items(what) {
            let (collection, field) = name_of(item);
            if seen.contains(&(collection.to_owned(), field.to_owned())) {
                continue;
            }
            if let Some(reason) = self.stays(what, None, Some(item)).filter(|_| self.has_place(what, item)) {
                self.tell(what, item, ChangeKind::Delete, reason, Vec::new());
                kept.push(item.clone());
            }
        }
        if what != SchemaItem::Relation {
            let names = kept.iter().map(name_of);
            self.kept.extend(names.map(|(collection, field)| (collection.to_owned(), field.to_owned())));
        }
        kept
    }

    /// What a column refers to comes with its relation: without one that Directus knows of, no request makes it or takes it away.
    fn without_untracked_key(&mut self, what: SchemaItem, item: &mut Object, current: Option<&Object>) {
        let (collection, field) = name_of(item);
        if what == SchemaItem::Field && !self.references.contains(&(collection.to_owned(), field.to_owned()))
        {
            let paths = vendor::settle_untracked_key(item, current);
            self.tell_paths(what, item, LeftOutReason::Untracked, paths);
        }
    }

    /// A new relation to a collection that does not take part is worth knowing: that collection stays as it is.
    fn tell_leaving(&mut self, what: SchemaItem, item: &Object) {
        let leaves = text(item, "related_collection")
            .is_some_and(|related| !related.starts_with("directus_") && !self.scope.has(related));
        if what == SchemaItem::Relation && leaves {
            let (collection, field) = name_of(item);
            self.leaving.push(LeftOut {
                collection: collection.to_owned(),
                what,
                field: Some(field.to_owned()),
                kind: ChangeKind::Update,
                reason: LeftOutReason::LeavesScope,
                paths: Vec::new(),
            });
        }
    }

    /// The server makes no foreign key of a primary key: such a relation is metadata only, unless its database has it.
    fn without_key_of_key(&mut self, what: SchemaItem, mut item: Object, current: Option<&Object>) -> Object {
        let (collection, field) = name_of(&item);
        let is_key = self.primary_keys.contains(&(collection.to_owned(), field.to_owned()));
        let there = current.is_some_and(|current| !is_absent(current.get("schema")));
        if what == SchemaItem::Relation && is_key && !there && item.remove("schema").is_some() {
            self.tell(what, &item, ChangeKind::Update, LeftOutReason::PrimaryKey, vec!["schema".to_owned()]);
        }
        item
    }

    /// Whether the collection of a field stays, and the field of a relation: nothing outlives what it belongs to.
    fn has_place(&self, what: SchemaItem, item: &Object) -> bool {
        let (collection, field) = name_of(item);
        let has = |field: &str| self.kept.contains(&(collection.to_owned(), field.to_owned()));
        match what {
            _ if collection.starts_with("directus_") => true,
            SchemaItem::Field => has(""),
            SchemaItem::Relation => has(field),
            SchemaItem::Collection | SchemaItem::SystemField => true,
        }
    }

    /// Why an item stays as the instance has it, whatever is desired; none if it does not.
    fn stays(
        &self,
        what: SchemaItem,
        desired: Option<&Object>,
        current: Option<&Object>,
    ) -> Option<LeftOutReason> {
        let item = desired.or(current)?;
        let collection = name_of(item).0;
        let related = text(item, "related_collection");
        if OWN_TABLES.contains(&collection) || related.is_some_and(|related| OWN_TABLES.contains(&related)) {
            return Some(LeftOutReason::OwnTable);
        }
        let unmentioned = self.mentioned.as_ref().is_some_and(|mentioned| !mentioned.contains(collection));
        if unmentioned || !self.scope.has(collection) {
            return Some(LeftOutReason::OutOfScope);
        }
        let untracked = |item: &Object| is_absent(item.get("meta"));
        let table_untracked = self.current.is_untracked(collection) && !self.tracked.contains(collection);
        let is_untracked = match (desired, current) {
            (None, Some(current)) => {
                table_untracked
                    || what != SchemaItem::Collection
                        && untracked(current)
                        && (self.dialect.hides_untracked || Dialect::of(self.origin).hides_untracked)
            }
            (Some(_), Some(_)) => table_untracked,
            // Of a new collection every column is needed.
            (Some(desired), None) => {
                let of_new = what != SchemaItem::Collection
                    && !collection.starts_with("directus_")
                    && self.current.collection(collection).is_none();
                let hidden = if of_new { !self.tracked.contains(collection) } else { untracked(desired) };
                self.dialect.hides_untracked && hidden
            }
            (None, None) => false,
        };
        let uncreatable =
            || what == SchemaItem::Field && current.is_none() && desired.is_some_and(vendor::is_uncreatable);
        match is_untracked {
            true => Some(LeftOutReason::Untracked),
            false => uncreatable().then_some(LeftOutReason::Uncreatable),
        }
    }

    /// An item that the instance has as well, without the differences that are none.
    fn fit(&mut self, what: SchemaItem, mut item: Object, current: &Object) -> Object {
        let mut unsaid = Vec::new();
        let mut unknown = Vec::new();
        if is_absent(current.get("meta")) {
            unknown = self.drop_unknown_meta(what, &mut item);
        }
        for part in ["meta", "schema"] {
            let Some(Json::Object(now)) = current.get(part) else { continue };
            match item.get_mut(part) {
                Some(Json::Object(desired)) => {
                    for (key, value) in
                        now.iter().filter(|(key, _)| desired.get(key.as_str()).is_none()).collect::<Vec<_>>()
                    {
                        unsaid.push(format!("{part}.{}", key.as_str()));
                        desired.insert(key.as_str(), value.clone());
                    }
                    let foreign: Vec<String> = desired
                        .iter()
                        .map(|(key, _)| key.as_str())
                        .filter(|key| now.get(key).is_none())
                        .map(str::to_owned)
                        .collect();
                    for key in foreign {
                        desired.remove(&key);
                        unknown.push(format!("{part}.{key}"));
                    }
                }
                // The server cannot take metadata away, and what is not tracked has none.
                found if part == "meta" && is_absent(found.as_deref()) => {
                    item.insert("meta", Json::Object(now.clone()));
                    unsaid.push("meta".to_owned());
                }
                _ => {}
            }
        }
        self.tell_paths(what, &item, LeftOutReason::Unsaid, unsaid);
        self.tell_paths(what, &item, LeftOutReason::Unknown, unknown);
        let same_by = vendor::settle(what, &mut item, current, self.databases);
        for (reason, paths) in same_by {
            self.tell_paths(what, &item, reason, paths);
        }
        item
    }

    /// An item that is new to the instance, without what its version does not know.
    fn fit_new(&mut self, what: SchemaItem, mut item: Object) -> Object {
        let mut unknown = self.drop_unknown_meta(what, &mut item);
        if !self.dialect.indexes
            && let Some(Json::Object(schema)) = item.get_mut("schema")
            && schema.remove("is_indexed").is_some_and(|indexed| indexed.as_bool() == Some(true))
        {
            unknown.push("schema.is_indexed".to_owned());
        }
        self.tell_paths(what, &item, LeftOutReason::Unknown, unknown);
        if what == SchemaItem::Field {
            let left_out = vendor::make_portable(&mut item, self.databases);
            self.tell_paths(what, &item, LeftOutReason::Database, left_out);
        }
        item
    }

    fn drop_unknown_meta(&self, what: SchemaItem, item: &mut Object) -> Vec<String> {
        let Some(Json::Object(meta)) = item.get_mut("meta") else { return Vec::new() };
        let later = ADDED_META.iter().filter(|(list, _, since)| *list == what && self.target < *since);
        later.filter_map(|(_, key, _)| meta.remove(key).map(|_| format!("meta.{key}"))).collect()
    }

    fn tell_paths(&mut self, what: SchemaItem, item: &Object, reason: LeftOutReason, paths: Vec<String>) {
        if !paths.is_empty() {
            self.tell(what, item, ChangeKind::Update, reason, paths);
        }
    }

    fn tell(
        &mut self,
        what: SchemaItem,
        item: &Object,
        kind: ChangeKind,
        reason: LeftOutReason,
        paths: Vec<String>,
    ) {
        // What nobody asked about is not told.
        if reason == LeftOutReason::OutOfScope {
            return;
        }
        let (collection, field) = name_of(item);
        let field = (what != SchemaItem::Collection).then(|| field.to_owned());
        self.left_out.push(LeftOut { collection: collection.to_owned(), what, field, kind, reason, paths });
    }
}
