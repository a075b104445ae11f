//! The schema of an instance, made of what `/collections`, `/fields` and `/relations` answer.
//!
//! A server makes its snapshot of the same three lists, and takes columns and foreign keys for both from what it keeps in
//! memory. But for a snapshot it first asks the database anew which tables there are, which SQLite answers table by table: with
//! 60 collections that takes Directus 11.17.4 ten times as long as the lists; PostgreSQL answers at once, in twice the time of
//! the lists. What is made here is byte for byte what the server says; the conformance suite compares the two in the
//! versions that [`tell_all`] knows, on both databases.
//!
//! Source: the behaviour of Directus 11.17.4 and 12.4.0.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::native::{COLUMN, FOREIGN_KEY};
use super::shape::{self, ShapeError};
use super::snapshot::{Snapshot, SnapshotError};
use crate::json::{Json, Object};
use crate::version::Version;

/// Whether snapshots of this version were compared with their lists.
#[must_use]
pub fn tell_all(version: Version) -> bool {
    matches!((version.major, version.minor), (11, 17) | (12, 4))
}

/// The answers to the three requests: each an array, or one as `data`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lists {
    /// Of `/collections`.
    pub collections: Json,
    /// Of `/fields`.
    pub fields: Json,
    /// Of `/relations`.
    pub relations: Json,
}

/// A database whose snapshots can be made of lists, as `/collections` alone tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// SQLite: it shows the statement that made a table.
    Sqlite,
    /// PostgreSQL or CockroachDB: they show the schema that a table is in, and a comment.
    Postgres,
}

/// What the answer to `/collections` tells of the database; none where the other lists are of no use.
#[must_use]
pub fn hint(collections: &Json) -> Option<Hint> {
    let mut tables = rows(collections)?.iter().filter_map(|collection| collection.get("schema")?.as_object());
    tables.find_map(|table| {
        let tells = |key| table.get(key).is_some();
        if tells("sql") {
            return Some(Hint::Sqlite);
        }
        (table.len() == 3 && tells("schema") && tells("comment")).then_some(Hint::Postgres)
    })
}

fn rows(list: &Json) -> Option<&[Json]> {
    list.get("data").unwrap_or(list).as_array()
}

impl Lists {
    /// The database, where the lists tell it for certain. What PostgreSQL calls `json` is `jsonb` on CockroachDB, and Directus
    /// itself has such columns.
    #[must_use]
    pub fn vendor(&self) -> Option<&'static str> {
        let is_json = |field: &Json| field.at("schema.data_type").and_then(Json::as_str) == Some("json");
        match hint(&self.collections)? {
            Hint::Sqlite => Some("sqlite"),
            Hint::Postgres => rows(&self.fields)?.iter().any(is_json).then_some("postgres"),
        }
    }

    /// The snapshot; none if they do not tell the database, or are of different times: a table without a field.
    ///
    /// # Errors
    /// When they are no lists, or name an item twice.
    pub fn snapshot(self, version: Version) -> Result<Option<Snapshot>, SnapshotError> {
        let vendor = self.vendor();
        let collections = items(self.collections, "collections")?;
        let fields = items(self.fields, "fields")?;
        let mut relations = kept(&items(self.relations, "relations")?);
        let (mut own_collections, mut own_fields) = (kept(&collections), kept(&fields));
        own_collections.sort_by(|one, other| by_text(one, other, "collection"));
        for list in [&mut own_fields, &mut relations] {
            list.sort_by(|one, other| by_text(one, other, "collection").then_with(|| by_id(one, other)));
        }
        let with_fields: BTreeSet<_> =
            own_fields.iter().map(|field| shape::text(field, "collection")).collect();
        let is_table = |collection: &&Object| !shape::is_absent(collection.get("schema"));
        let mut tables = own_collections.iter().filter(is_table);
        let of_one_time = tables.all(|table| with_fields.contains(&shape::text(table, "collection")));
        let Some(vendor) = vendor.filter(|_| of_one_time) else { return Ok(None) };
        let mut header = Object::default();
        header.insert("version", Json::Number(1.0));
        header.insert("directus", Json::String(version.to_string().into()));
        header.insert("vendor", Json::String(vendor.into()));
        header.insert("systemFields", Json::Array(system_fields(&fields)));
        let picked = |items: Vec<Object>, own: &[&str], of_schema: &[&str]| {
            items.into_iter().map(|item| pick(&item, own, of_schema)).collect::<Vec<_>>()
        };
        Snapshot::new(
            header,
            picked(own_collections, &["collection", "meta"], &["name"]),
            without_ids(picked(own_fields, &["collection", "field", "type", "meta"], &COLUMN)),
            without_ids(picked(
                relations,
                &["collection", "field", "related_collection", "meta"],
                &FOREIGN_KEY,
            )),
        )
        .map(Some)
    }
}

fn items(list: Json, name: &str) -> Result<Vec<Object>, ShapeError> {
    let expected = "an array of objects";
    let Json::Array(items) = shape::unwrap_data(list) else {
        return Err(ShapeError::new(name, expected, None));
    };
    items.into_iter().map(|item| shape::object(item, name, expected)).collect()
}

/// What Directus manages and people made, with the keys of all objects in the order of snapshots.
fn kept(items: &[Object]) -> Vec<Object> {
    let is_own = |item: &&Object| {
        let meta = item.get("meta").and_then(Json::as_object);
        meta.is_some_and(|meta| meta.get("system").and_then(Json::as_bool) != Some(true))
    };
    items.iter().filter(is_own).map(sorted).collect()
}

fn sorted(object: &Object) -> Object {
    let mut pairs: Vec<_> = object.iter().map(|(key, value)| (key.clone(), sorted_value(value))).collect();
    pairs.sort_by(|(one, _), (other, _)| by_pair(one.as_str(), other.as_str()));
    Object::new(pairs)
}

fn sorted_value(value: &Json) -> Json {
    match value {
        Json::Object(object) => Json::Object(sorted(object)),
        Json::Array(items) => Json::Array(items.iter().map(sorted_value).collect()),
        other => other.clone(),
    }
}

/// The server compares pairs of key and value as one text with a comma between them.
fn by_pair(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.encode_utf16(), other.encode_utf16());
    one.chain([u16::from(b',')]).cmp(other.chain([u16::from(b',')]))
}

fn by_text(one: &Object, other: &Object, key: &str) -> Ordering {
    let units = |object| shape::text(object, key).unwrap_or_default().encode_utf16();
    units(one).cmp(units(other))
}

fn by_id(one: &Object, other: &Object) -> Ordering {
    let id = |object: &Object| object.get("meta").and_then(|meta| meta.get("id")).and_then(Json::as_i64);
    id(one).cmp(&id(other))
}

fn system_fields(fields: &[Object]) -> Vec<Json> {
    let flag = |field: &Object, part: &str, key: &str| {
        field.get(part).and_then(|part| part.get(key)).and_then(Json::as_bool) == Some(true)
    };
    let mut indexed: Vec<_> = fields
        .iter()
        .filter(|field| flag(field, "meta", "system") && flag(field, "schema", "is_indexed"))
        .collect();
    indexed
        .sort_by(|one, other| by_text(one, other, "collection").then_with(|| by_text(one, other, "field")));
    indexed
        .into_iter()
        .map(|field| Json::Object(pick(field, &["collection", "field"], &["is_indexed"])))
        .collect()
}

/// These keys of an item, and these of its `schema`, where it has them.
fn pick(item: &Object, own: &[&str], of_schema: &[&str]) -> Object {
    let of = |object: &Object, keys: &[&str]| {
        let mut picked = Object::default();
        for key in keys {
            if let Some(value) = object.get(key) {
                picked.insert(key, value.clone());
            }
        }
        picked
    };
    let mut picked = of(item, own);
    if let Some(schema) = item.get("schema").and_then(Json::as_object) {
        let schema = of(schema, of_schema);
        if !schema.is_empty() {
            picked.insert("schema", Json::Object(schema));
        }
    }
    picked
}

/// Numbers that the database counts mean nothing elsewhere.
fn without_ids(mut items: Vec<Object>) -> Vec<Object> {
    for item in &mut items {
        if let Some(meta) = item.get_mut("meta").and_then(Json::as_object_mut) {
            meta.remove("id");
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const VERSION: Version = Version { major: 12, minor: 4, patch: 0 };

    fn lists(collections: Value, fields: Value, relations: Value) -> Lists {
        Lists { collections: collections.into(), fields: fields.into(), relations: relations.into() }
    }

    fn field(collection: &str, name: &str, id: u32) -> Value {
        json!({"collection": collection, "field": name, "type": "string",
            "schema": {"name": name, "table": collection, "comment": null, "is_indexed": true},
            "meta": {"id": id, "note": null, "collection": collection, "options": {"b": 1, "a": [{"d": 1, "c": 2}]}}})
    }

    #[test]
    fn what_people_made_is_there_in_the_order_and_with_the_keys_of_a_snapshot() {
        let table = |name: &str| json!({"collection": name, "meta": {"note": null, "icon": "x"}, "schema": {"name": name, "sql": "…"}});
        let system = json!({"collection": "directus_users", "meta": {"system": true}, "schema": {"name": "directus_users"}});
        let untracked = json!({"collection": "outside", "meta": null, "schema": {"name": "outside"}});
        let folder = json!({"collection": "folder", "meta": {"icon": "x"}, "schema": null});
        let of_system = json!({"collection": "directus_users", "field": "email", "type": "string",
            "schema": {"name": "email", "is_indexed": true}, "meta": {"system": true}});
        let relation = json!({"collection": "b", "field": "y", "related_collection": "a",
            "schema": {"table": "b", "column": "y", "foreign_key_schema": null, "on_delete": "SET NULL"},
            "meta": {"id": 3, "many_collection": "b"}});
        let made = lists(
            json!({"data": [table("b"), untracked, system, table("a"), folder]}),
            json!([field("b", "y", 9), of_system, field("b", "x", 12), field("a", "id", 10)]),
            json!({"data": [relation]}),
        );
        let snapshot = made.snapshot(VERSION).unwrap().unwrap().to_value();
        let column = |collection: &str, name: &str| {
            json!({"collection": collection, "field": name, "type": "string",
                "meta": {"collection": collection, "note": null, "options": {"a": [{"c": 2, "d": 1}], "b": 1}},
                "schema": {"name": name, "table": collection, "is_indexed": true}})
        };
        let table = |name: &str| json!({"collection": name, "meta": {"icon": "x", "note": null}, "schema": {"name": name}});
        let expected = json!({"version": 1, "directus": "12.4.0", "vendor": "sqlite",
            "collections": [table("a"), table("b"), {"collection": "folder", "meta": {"icon": "x"}}],
            "fields": [column("a", "id"), column("b", "y"), column("b", "x")],
            "systemFields": [{"collection": "directus_users", "field": "email", "schema": {"is_indexed": true}}],
            "relations": [{"collection": "b", "field": "y", "related_collection": "a", "meta": {"many_collection": "b"},
                "schema": {"table": "b", "column": "y", "on_delete": "SET NULL"}}]});
        assert_eq!(snapshot.to_string(), expected.to_string());
    }

    #[test]
    fn a_table_without_fields_is_of_another_time() {
        let table = json!([{"collection": "a", "meta": {}, "schema": {"name": "a", "sql": "…"}}]);
        assert_eq!(lists(table, json!([]), json!([])).snapshot(VERSION).unwrap(), None);
    }

    #[test]
    fn what_is_no_list_is_told() {
        let error = lists(json!([]), json!({"data": null}), json!([])).snapshot(VERSION).unwrap_err();
        assert!(error.to_string().contains("fields: expected an array of objects"), "{error}");
    }

    #[test]
    fn keys_are_compared_with_what_follows_them() {
        let mut keys = ["ab", "a", "a b", "B", "a-b"];
        keys.sort_by(|one, other| by_pair(one, other));
        assert_eq!(keys, ["B", "a b", "a", "a-b", "ab"]);
    }

    #[test]
    fn databases_are_told_by_what_only_they_show_and_others_are_not_guessed() {
        let of = |schema: Value, data_type: &str| {
            let table = json!([{"collection": "a", "meta": {}, "schema": schema}]);
            let column = json!([{"collection": "a", "field": "b", "schema": {"data_type": data_type}}]);
            let lists = lists(table, column, json!([]));
            (hint(&lists.collections), lists.vendor())
        };
        let table = || json!({"schema": "public", "name": "a", "comment": null});
        assert_eq!(of(json!({"name": "a", "sql": "…"}), "text"), (Some(Hint::Sqlite), Some("sqlite")));
        assert_eq!(of(table(), "json"), (Some(Hint::Postgres), Some("postgres")));
        assert_eq!(of(table(), "jsonb"), (Some(Hint::Postgres), None), "CockroachDB");
        let mysql =
            json!({"name": "a", "schema": "d", "comment": "", "collation": "utf8", "engine": "InnoDB"});
        let others = [mysql, json!({"name": "a", "schema": "dbo", "catalog": "d"}), json!({"name": "A"})];
        for other in others {
            assert_eq!(of(other, "json"), (None, None));
        }
        assert!(!tell_all(Version { major: 11, minor: 9, patch: 0 }) && tell_all(VERSION));
    }
}
