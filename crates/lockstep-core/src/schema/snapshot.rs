//! The snapshot: collections, fields and relations of an instance, every key kept.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::change::SchemaItem;
use super::scope::Scope;
use super::shape::{self, ShapeError};
use crate::json::{Json, Object};
use crate::version::Version;

/// Keys of a snapshot that stand in `info.json` but come between the lists in the server's own order.
const AFTER_FIELDS: &str = "systemFields";

/// A schema snapshot, as `GET /schema/snapshot` gives it.
///
/// Entries are kept as the server sent them: unknown keys and key order survive reading and writing. Every entry has
/// a name (`collection`, and `field` where it belongs to one), and no name occurs twice in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    header: Object,
    collections: Entries,
    fields: Entries,
    relations: Entries,
}

/// One list of a snapshot, in the order given, and found by name.
#[derive(Debug, Clone, PartialEq)]
struct Entries {
    items: Vec<Object>,
    /// Indices of the items, sorted by name.
    by_name: Vec<u32>,
}

/// A document is no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Something has the wrong shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A list names the same thing twice, so what it asks for is undefined.
    #[error("{list}[{second}]: {name} is already described by {list}[{first}]")]
    Duplicate {
        /// `collections`, `fields` or `relations`.
        list: &'static str,
        /// `collection` or `collection.field`.
        name: String,
        /// Index of the first description.
        first: usize,
        /// Index of the second description.
        second: usize,
    },
}

impl Snapshot {
    /// Reads a snapshot, bare or inside the API's `data` wrapper.
    ///
    /// # Errors
    /// When `directus` is no version, a list is missing, an entry is no object or has no name, or a name occurs twice.
    pub fn from_value(value: impl Into<Json>) -> Result<Self, SnapshotError> {
        let expected = "a schema snapshot (an object with collections, fields and relations)";
        let mut header = shape::object(shape::unwrap_data(value.into()), "snapshot", expected)?;
        let collections = entries(shape::take_array(&mut header, "collections")?, "collections")?;
        let fields = entries(shape::take_array(&mut header, "fields")?, "fields")?;
        let relations = entries(shape::take_array(&mut header, "relations")?, "relations")?;
        Self::new(header, collections, fields, relations)
    }

    /// A snapshot of its parts; `header` is all but the three lists.
    ///
    /// # Errors
    /// As [`Snapshot::from_value`].
    pub fn new(
        header: Object,
        collections: Vec<Object>,
        fields: Vec<Object>,
        relations: Vec<Object>,
    ) -> Result<Self, SnapshotError> {
        check_header(&header)?;
        Ok(Self {
            header,
            collections: Entries::new("collections", collections)?,
            fields: Entries::new("fields", fields)?,
            relations: Entries::new("relations", relations)?,
        })
    }

    /// A snapshot of the parts of another one, in another order.
    pub(crate) fn of_sound_parts(
        header: Object,
        collections: Vec<Object>,
        fields: Vec<Object>,
        relations: Vec<Object>,
    ) -> Self {
        let [collections, fields, relations] = [collections, fields, relations].map(Entries::sound);
        Self { header, collections, fields, relations }
    }

    /// The part of the schema that is in a scope, marked as such: whoever compares with it says nothing about the rest.
    #[must_use]
    pub fn part(self, scope: &Scope) -> Self {
        if scope.is_everything() {
            return self;
        }
        let mut part = self.filtered(|collection| scope.has(collection), |_| true);
        part.header.insert("version", Json::Number(2.0));
        part
    }

    /// The bare snapshot, keys in the order the server uses.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = self.header.clone();
        let after_fields = object.remove(AFTER_FIELDS);
        object.insert("collections", self.collections.to_json());
        object.insert("fields", self.fields.to_json());
        if let Some(system_fields) = after_fields {
            object.insert(AFTER_FIELDS, system_fields);
        }
        object.insert("relations", self.relations.to_json());
        Json::Object(object)
    }

    /// [`Snapshot::to_json`] as a [`Value`].
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.to_json().to_value()
    }

    /// All but the three lists: `version`, `directus`, `vendor`, `systemFields`, and what later versions add.
    #[must_use]
    pub fn header(&self) -> &Object {
        &self.header
    }

    /// The version of the snapshot format: 1, or 2 for a partial snapshot of 12.2 and later.
    #[must_use]
    pub fn format_version(&self) -> Option<i64> {
        self.header.get("version").and_then(Json::as_i64)
    }

    /// The Directus version that the snapshot was taken from: `11.17.4`.
    #[must_use]
    pub fn directus_version(&self) -> &str {
        shape::text(&self.header, "directus").unwrap_or_default()
    }

    /// The database: `postgres`, `mysql`, `sqlite`, `mssql`, `oracle`, `cockroachdb`, `redshift`.
    #[must_use]
    pub fn vendor(&self) -> Option<&str> {
        shape::text(&self.header, "vendor")
    }

    /// Indexed fields of system collections (11.13 and later); none if the snapshot says nothing about them.
    #[must_use]
    pub fn system_fields(&self) -> Option<&[Json]> {
        self.header.get(AFTER_FIELDS).and_then(Json::as_array)
    }

    /// The collections, in the order given.
    #[must_use]
    pub fn collections(&self) -> &[Object] {
        &self.collections.items
    }

    /// The fields, in the order given.
    #[must_use]
    pub fn fields(&self) -> &[Object] {
        &self.fields.items
    }

    /// The relations, in the order given.
    #[must_use]
    pub fn relations(&self) -> &[Object] {
        &self.relations.items
    }

    /// The names of the collections, in the order given.
    pub fn collection_names(&self) -> impl Iterator<Item = &str> {
        self.collections().iter().filter_map(|entry| shape::text(entry, "collection"))
    }

    /// The system collections that have fields of the user's making, once per field.
    pub fn system_collections(&self) -> impl Iterator<Item = &str> {
        let names = self.fields().iter().map(|entry| name_of(entry).0);
        names.filter(|name| name.starts_with("directus_"))
    }

    /// The collection of that name.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<&Object> {
        self.collections.find(name, "")
    }

    /// The fields of a collection, which may be a system collection that has fields of the user's making; by name.
    pub fn fields_of(&self, collection: &str) -> impl Iterator<Item = &Object> {
        self.fields.of(collection)
    }

    /// One field.
    #[must_use]
    pub fn field(&self, collection: &str, field: &str) -> Option<&Object> {
        self.fields.find(collection, field)
    }

    /// The relation whose foreign key is in that field.
    #[must_use]
    pub fn relation(&self, collection: &str, field: &str) -> Option<&Object> {
        self.relations.find(collection, field)
    }

    /// The items of a list; those of system fields are the header's, so there are none.
    pub(crate) fn items(&self, what: SchemaItem) -> &[Object] {
        match what {
            SchemaItem::Collection => self.collections(),
            SchemaItem::Field => self.fields(),
            SchemaItem::Relation => self.relations(),
            SchemaItem::SystemField => &[],
        }
    }

    /// One item; `field` is empty for a collection.
    pub(crate) fn item(&self, what: SchemaItem, collection: &str, field: &str) -> Option<&Object> {
        match what {
            SchemaItem::Collection => self.collection(collection),
            SchemaItem::Field => self.field(collection, field),
            SchemaItem::Relation => self.relation(collection, field),
            SchemaItem::SystemField => None,
        }
    }

    /// Whether a collection is there that Directus does not track (`meta` null): such tables are in the snapshots of
    /// Directus 10 and of 11 before 11.10, and in no later one.
    #[must_use]
    pub fn is_untracked(&self, collection: &str) -> bool {
        self.collection(collection).is_some_and(|entry| shape::is_absent(entry.get("meta")))
    }

    /// The snapshot without these collections, their fields, and the relations from or to them.
    #[must_use]
    pub fn without_collections(self, names: &[&str]) -> Self {
        self.filtered(|collection| !names.contains(&collection), |related| !names.contains(&related))
    }

    /// What is about collections that `keeps` says yes to, less the relations to collections that `keeps_to` says no to.
    #[must_use]
    pub fn filtered(mut self, keeps: impl Fn(&str) -> bool, keeps_to: impl Fn(&str) -> bool) -> Self {
        let kept = |entry: &Object| shape::text(entry, "collection").is_none_or(&keeps);
        let kept_to = |entry: &Object| shape::text(entry, "related_collection").is_none_or(&keeps_to);
        self.collections.retain(kept);
        self.fields.retain(kept);
        self.relations.retain(|entry| kept(entry) && kept_to(entry));
        if let Some(Json::Array(system_fields)) = self.header.get_mut(AFTER_FIELDS) {
            system_fields.retain(|entry| entry.as_object().is_none_or(kept));
        }
        self
    }

    /// The parts, for whoever makes another snapshot of them: header, collections, fields, relations.
    #[must_use]
    pub fn into_parts(self) -> (Object, Vec<Object>, Vec<Object>, Vec<Object>) {
        (self.header, self.collections.items, self.fields.items, self.relations.items)
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let header = self.header.iter().filter(|(key, _)| key.as_str() != AFTER_FIELDS);
        header.into_iter().try_for_each(|(key, value)| map.serialize_entry(key.as_str(), value))?;
        map.serialize_entry("collections", self.collections())?;
        map.serialize_entry("fields", self.fields())?;
        if let Some(system_fields) = self.header.get(AFTER_FIELDS) {
            map.serialize_entry(AFTER_FIELDS, system_fields)?;
        }
        map.serialize_entry("relations", self.relations())?;
        map.end()
    }
}

impl Entries {
    fn new(list: &'static str, items: Vec<Object>) -> Result<Self, SnapshotError> {
        for (index, item) in items.iter().enumerate() {
            // Where all is well, nobody asks for the place.
            let named = !name_of(item).0.is_empty() && (list == "collections" || !name_of(item).1.is_empty());
            if named && check_entry(item, list, "").is_ok() {
                continue;
            }
            let place = format!("{list}[{index}]");
            shape::name(item, "collection", &place)?;
            if list != "collections" {
                shape::name(item, "field", &place)?;
            }
            check_entry(item, list, &place)?;
        }
        let entries = Self::sound(items);
        let same = |pair: &&[u32]| entries.name(pair[0]) == entries.name(pair[1]);
        if let Some(pair) = entries.by_name.windows(2).find(same) {
            let (collection, field) = entries.name(pair[0]);
            let (first, second) = (pair[0] as usize, pair[1] as usize);
            let name = if field.is_empty() { collection.to_owned() } else { format!("{collection}.{field}") };
            return Err(SnapshotError::Duplicate { list, name, first, second });
        }
        Ok(entries)
    }

    /// Of items that have names, no two the same.
    fn sound(items: Vec<Object>) -> Self {
        let mut entries = Self { items, by_name: Vec::new() };
        entries.sort();
        entries
    }

    fn sort(&mut self) {
        let mut named: Vec<((&str, &str), u32)> = self.items.iter().map(name_of).zip(0..).collect();
        named.sort();
        self.by_name = named.into_iter().map(|(_, place)| place).collect();
    }

    fn retain(&mut self, keeps: impl FnMut(&Object) -> bool) {
        self.items.retain(keeps);
        self.sort();
    }

    fn name(&self, index: u32) -> (&str, &str) {
        name_of(&self.items[index as usize])
    }

    fn find(&self, collection: &str, field: &str) -> Option<&Object> {
        let place =
            self.by_name.binary_search_by(|&index| self.name(index).cmp(&(collection, field))).ok()?;
        self.items.get(self.by_name[place] as usize)
    }

    fn of(&self, collection: &str) -> impl Iterator<Item = &Object> {
        let begin = self.by_name.partition_point(|&index| self.name(index).0 < collection);
        let end = self.by_name.partition_point(|&index| self.name(index).0 <= collection);
        self.by_name[begin..end].iter().map(|&index| &self.items[index as usize])
    }

    fn to_json(&self) -> Json {
        Json::Array(self.items.iter().cloned().map(Json::Object).collect())
    }
}

/// Collection and field of an entry, both empty where there is none.
pub(crate) fn name_of(entry: &Object) -> (&str, &str) {
    (shape::text(entry, "collection").unwrap_or_default(), shape::text(entry, "field").unwrap_or_default())
}

fn entries(list: Vec<Json>, name: &str) -> Result<Vec<Object>, ShapeError> {
    let object = |(index, entry)| shape::object(entry, &format!("{name}[{index}]"), "an object");
    list.into_iter().enumerate().map(object).collect()
}

/// The versions of Directus and of the format are such, and what belongs to system collections is a list.
fn check_header(header: &Object) -> Result<(), ShapeError> {
    let directus = shape::name(header, "directus", "")?;
    if directus.parse::<Version>().is_err() {
        let (place, found) = ("directus".to_owned(), format!("{directus:?}"));
        return Err(ShapeError { place, expected: "a version such as 11.17.4", found });
    }
    match header.get("version") {
        None => {}
        Some(version) if matches!(version.as_i64(), Some(1 | 2)) => {}
        found => return Err(ShapeError::new("version", "version 1 or 2 of the snapshot format", found)),
    }
    match header.get(AFTER_FIELDS) {
        None => Ok(()),
        Some(Json::Array(entries)) => entries.iter().enumerate().try_for_each(|(index, entry)| {
            let place = format!("{AFTER_FIELDS}[{index}]");
            let object =
                entry.as_object().ok_or_else(|| ShapeError::new(&place, "an object", Some(entry)))?;
            shape::name(object, "collection", &place)?;
            shape::name(object, "field", &place)?;
            Ok(())
        }),
        found => Err(ShapeError::new(AFTER_FIELDS, "an array", found)),
    }
}

/// What every version of Directus expects of an entry, of what Lockstep and Directus look into.
fn check_entry(entry: &Object, list: &str, place: &str) -> Result<(), ShapeError> {
    let object_or_null = |key| match entry.get(key) {
        None | Some(Json::Null | Json::Object(_)) => Ok(()),
        found => Err(ShapeError::new(shape::join(place, key), "an object", found)),
    };
    let text_or_null = |key| match entry.get(key) {
        None | Some(Json::Null | Json::String(_)) => Ok(()),
        found => Err(ShapeError::new(shape::join(place, key), "a name", found)),
    };
    object_or_null("meta")?;
    object_or_null("schema")?;
    match list {
        "fields" => text_or_null("type"),
        "relations" => text_or_null("related_collection"),
        _ => Ok(()),
    }
}
