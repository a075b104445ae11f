//! The snapshot: collections, fields and relations of an instance, every key kept.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::shape::{self, ShapeError};

/// Keys of a snapshot that stand in `info.json` but come between the lists in the server's own order.
const AFTER_FIELDS: &str = "systemFields";

/// A schema snapshot, as `GET /schema/snapshot` gives it.
///
/// Entries are kept as the server sent them: unknown keys and key order survive reading and writing. Every entry has
/// a name (`collection`, and `field` where it belongs to one), and no name occurs twice in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    header: Map<String, Value>,
    collections: Vec<Map<String, Value>>,
    fields: Vec<Map<String, Value>>,
    relations: Vec<Map<String, Value>>,
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
    pub fn from_value(value: Value) -> Result<Self, SnapshotError> {
        let expected = "a schema snapshot (an object with collections, fields and relations)";
        let mut header = shape::object(shape::unwrap_data(value), "snapshot", expected)?;
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
        header: Map<String, Value>,
        collections: Vec<Map<String, Value>>,
        fields: Vec<Map<String, Value>>,
        relations: Vec<Map<String, Value>>,
    ) -> Result<Self, SnapshotError> {
        shape::name(&header, "directus", "snapshot")?;
        check_names("collections", &collections, &["collection"])?;
        check_names("fields", &fields, &["collection", "field"])?;
        check_names("relations", &relations, &["collection", "field"])?;
        Ok(Self { header, collections, fields, relations })
    }

    /// The bare snapshot, keys in the order the server uses.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut map: Map<String, Value> = self.header.clone();
        let after_fields = map.shift_remove(AFTER_FIELDS);
        map.insert("collections".into(), objects(&self.collections));
        map.insert("fields".into(), objects(&self.fields));
        if let Some(system_fields) = after_fields {
            map.insert(AFTER_FIELDS.into(), system_fields);
        }
        map.insert("relations".into(), objects(&self.relations));
        Value::Object(map)
    }

    /// All but the three lists: `version`, `directus`, `vendor`, `systemFields`, and what later versions add.
    #[must_use]
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// The version of the snapshot format: 1, or 2 for a partial snapshot of 12.2 and later.
    #[must_use]
    pub fn format_version(&self) -> Option<u64> {
        self.header.get("version").and_then(Value::as_u64)
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

    /// Indexed fields of system collections (11.13 and later), else empty.
    #[must_use]
    pub fn system_fields(&self) -> &[Value] {
        self.header.get(AFTER_FIELDS).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The collections, in the order given.
    #[must_use]
    pub fn collections(&self) -> &[Map<String, Value>] {
        &self.collections
    }

    /// The fields, in the order given.
    #[must_use]
    pub fn fields(&self) -> &[Map<String, Value>] {
        &self.fields
    }

    /// The relations, in the order given.
    #[must_use]
    pub fn relations(&self) -> &[Map<String, Value>] {
        &self.relations
    }

    /// The names of the collections, in the order given.
    pub fn collection_names(&self) -> impl Iterator<Item = &str> {
        self.collections.iter().filter_map(|entry| shape::text(entry, "collection"))
    }

    /// The collection of that name.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<&Map<String, Value>> {
        self.collections.iter().find(|entry| shape::text(entry, "collection") == Some(name))
    }

    /// The fields of a collection, which may be a system collection that has fields of the user's making.
    pub fn fields_of(&self, collection: &str) -> impl Iterator<Item = &Map<String, Value>> {
        self.fields.iter().filter(move |entry| shape::text(entry, "collection") == Some(collection))
    }

    /// One field.
    #[must_use]
    pub fn field(&self, collection: &str, field: &str) -> Option<&Map<String, Value>> {
        find(&self.fields, collection, field)
    }

    /// The relation whose foreign key is in that field.
    #[must_use]
    pub fn relation(&self, collection: &str, field: &str) -> Option<&Map<String, Value>> {
        find(&self.relations, collection, field)
    }

    /// Whether a collection is there that Directus does not track (`meta` null): such tables are in the snapshots of
    /// Directus 10 and of 11 before 11.10, and in no later one.
    #[must_use]
    pub fn is_untracked(&self, collection: &str) -> bool {
        self.collection(collection).is_some_and(|entry| entry.get("meta").is_none_or(Value::is_null))
    }

    /// The snapshot without these collections, their fields, and the relations from or to them.
    #[must_use]
    pub fn without_collections(mut self, names: &[&str]) -> Self {
        let named =
            |entry: &Map<String, Value>, key| shape::text(entry, key).is_some_and(|it| names.contains(&it));
        self.collections.retain(|entry| !named(entry, "collection"));
        self.fields.retain(|entry| !named(entry, "collection"));
        self.relations.retain(|entry| !named(entry, "collection") && !named(entry, "related_collection"));
        if let Some(Value::Array(system_fields)) = self.header.get_mut(AFTER_FIELDS) {
            system_fields.retain(|entry| !entry.as_object().is_some_and(|entry| named(entry, "collection")));
        }
        self
    }
}

fn entries(list: Vec<Value>, name: &str) -> Result<Vec<Map<String, Value>>, ShapeError> {
    let object = |(index, entry)| shape::object(entry, &format!("{name}[{index}]"), "an object");
    list.into_iter().enumerate().map(object).collect()
}

fn objects(entries: &[Map<String, Value>]) -> Value {
    entries.iter().cloned().map(Value::Object).collect()
}

fn find<'a>(
    entries: &'a [Map<String, Value>],
    collection: &str,
    field: &str,
) -> Option<&'a Map<String, Value>> {
    entries.iter().find(|entry| {
        shape::text(entry, "collection") == Some(collection) && shape::text(entry, "field") == Some(field)
    })
}

/// Every entry has its name, and no two the same.
fn check_names(
    list: &'static str,
    entries: &[Map<String, Value>],
    keys: &[&str],
) -> Result<(), SnapshotError> {
    let mut seen = BTreeMap::new();
    for (second, entry) in entries.iter().enumerate() {
        let place = format!("{list}[{second}]");
        let parts: Vec<&str> =
            keys.iter().map(|key| shape::name(entry, key, &place)).collect::<Result<_, _>>()?;
        if let Some(first) = seen.insert(parts.clone(), second) {
            return Err(SnapshotError::Duplicate { list, name: parts.join("."), first, second });
        }
    }
    Ok(())
}
