//! The snapshot: all that people made, as `GET /schema/snapshot` tells it.

use std::collections::HashMap;

use lockstep_core::json::{Json, Keys, Object, compare_keys};
use lockstep_core::schema::Snapshot;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::column::{ALIASES, described};
use super::meta::{self, COLLECTIONS, FIELDS, Meta, RELATIONS};
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::table::Table;
use crate::schema::types::type_of;
use crate::system::SYSTEM;

/// The properties of a column, in the order of a snapshot.
const COLUMN: [&str; 16] = [
    "name",
    "table",
    "data_type",
    "default_value",
    "max_length",
    "numeric_precision",
    "numeric_scale",
    "is_nullable",
    "is_unique",
    "is_indexed",
    "is_primary_key",
    "is_generated",
    "generation_expression",
    "has_auto_increment",
    "foreign_key_table",
    "foreign_key_column",
];

/// The schema as it is: what people made, without tables that Directus knows nothing of. Computed once for each state of the
/// model.
pub(crate) fn snapshot(session: &mut Session<'_>) -> Answer<Snapshot> {
    if let Some(known) = session.schema.snapshot.get() {
        return Ok(known.clone());
    }
    let computed = compute(session)?;
    Ok(session.schema.snapshot.get_or_init(|| computed).clone())
}

fn compute(session: &Session<'_>) -> Answer<Snapshot> {
    let mut reading = Reading { db: session.db, tables: HashMap::new(), keys: Keys::default() };
    let collections = reading.collections()?;
    let fields = reading.fields()?;
    let relations = reading.relations()?;
    let system_fields = reading.system_fields()?;
    let header = reading.object(json!({
        "version": 1, "directus": crate::VERSION, "vendor": "sqlite", "systemFields": system_fields
    }));
    Snapshot::new(header, collections, fields, relations)
        .map_err(|error| ApiError::internal(error.to_string()))
}

struct Reading<'a> {
    db: &'a Connection,
    tables: HashMap<String, Option<Table>>,
    keys: Keys,
}

impl Reading<'_> {
    fn table(&mut self, name: &str) -> Answer<Option<&Table>> {
        if !self.tables.contains_key(name) {
            self.tables.insert(name.into(), Table::read(self.db, name)?);
        }
        Ok(self.tables.get(name).and_then(Option::as_ref))
    }

    fn object(&self, value: Value) -> Object {
        self.keys.of_value(value).into_object().unwrap_or_default()
    }

    fn collections(&mut self) -> Answer<Vec<Object>> {
        let mut rows = meta::rows(self.db, COLLECTIONS, "", &[])?;
        rows.sort_by_cached_key(|row| code_units(row, "collection"));
        let mut collections = Vec::with_capacity(rows.len());
        for row in rows {
            let name = text(&row, "collection").to_owned();
            let mut entry = Map::new();
            entry.insert("collection".into(), name.as_str().into());
            entry.insert("meta".into(), sorted(Value::Object(row)));
            if self.table(&name)?.is_some() {
                entry.insert("schema".into(), json!({"name": name}));
            }
            collections.push(self.object(Value::Object(entry)));
        }
        Ok(collections)
    }

    fn fields(&mut self) -> Answer<Vec<Object>> {
        let mut fields = Vec::new();
        for row in in_order(meta::rows(self.db, FIELDS, "order by id", &[])?, "collection") {
            let (collection, field) = (text(&row, "collection").to_owned(), text(&row, "field").to_owned());
            if is_system(&collection, &field) {
                continue;
            }
            let special = specials(&row);
            let Some(table) = self.table(&collection)? else { continue };
            let mut entry = Map::new();
            entry.insert("collection".into(), collection.into());
            entry.insert("field".into(), field.as_str().into());
            let mut schema = None;
            match table.column(&field) {
                Some(column) => {
                    let kind = type_of(&column.sql, &special);
                    schema = Some(in_sequence(described(table, column, &kind)));
                    entry.insert("type".into(), kind.into());
                }
                None if is_alias(&special) => {
                    entry.insert("type".into(), "alias".into());
                }
                None => continue,
            }
            entry.insert("meta".into(), without_id(row));
            if let Some(schema) = schema {
                entry.insert("schema".into(), schema);
            }
            fields.push(self.object(Value::Object(entry)));
        }
        Ok(fields)
    }

    fn relations(&mut self) -> Answer<Vec<Object>> {
        let mut relations = Vec::new();
        for row in in_order(meta::rows(self.db, RELATIONS, "order by id", &[])?, "many_collection") {
            let (collection, field) =
                (text(&row, "many_collection").to_owned(), text(&row, "many_field").to_owned());
            let Some(table) = self.table(&collection)? else { continue };
            let schema = table.column(&field).and_then(|column| column.references.as_ref()).map(|key| {
                json!({
                    "table": collection,
                    "column": field,
                    "foreign_key_table": key.table,
                    "foreign_key_column": key.column,
                    "constraint_name": null,
                    "on_update": key.on_update,
                    "on_delete": key.on_delete,
                })
            });
            let related = row.get("one_collection").cloned().unwrap_or_default();
            let mut entry = Map::new();
            entry.insert("collection".into(), collection.into());
            entry.insert("field".into(), field.into());
            entry.insert("related_collection".into(), related);
            entry.insert("meta".into(), without_id(row));
            if let Some(schema) = schema {
                entry.insert("schema".into(), schema);
            }
            relations.push(self.object(Value::Object(entry)));
        }
        Ok(relations)
    }

    /// The indexed fields of Directus' own.
    fn system_fields(&mut self) -> Answer<Vec<Value>> {
        let mut listed = Vec::new();
        for collection in &SYSTEM.collections {
            let Some(table) = self.table(collection.name)? else { continue };
            let mut names: Vec<&str> = collection.columns.iter().map(|column| column.name).collect();
            names.sort_unstable();
            for name in names {
                if table.column(name).is_some_and(|column| column.indexed) {
                    listed.push(json!({
                        "collection": collection.name, "field": name, "schema": {"is_indexed": true}
                    }));
                }
            }
        }
        Ok(listed)
    }
}

/// True for a field that Directus itself has.
pub(super) fn is_system(collection: &str, field: &str) -> bool {
    let collection = SYSTEM.collections.iter().find(|it| it.name == collection);
    collection.is_some_and(|it| it.columns.iter().any(|column| column.name == field))
}

/// The specials of a field.
pub(super) fn specials(meta: &Meta) -> Vec<String> {
    let items = meta.get("special").and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// True for the specials of a field without a column.
pub(super) fn is_alias(special: &[String]) -> bool {
    special.iter().any(|it| ALIASES.contains(&it.as_str()))
}

fn text<'a>(row: &'a Meta, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// JavaScript's order of names.
fn code_units(row: &Meta, key: &str) -> Vec<u16> {
    text(row, key).encode_utf16().collect()
}

/// Rows in the order of their ids, put in the order of a name.
fn in_order(mut rows: Vec<Meta>, key: &str) -> Vec<Meta> {
    rows.sort_by_cached_key(|row| code_units(row, key));
    rows
}

fn without_id(mut row: Meta) -> Value {
    row.shift_remove("id");
    sorted(Value::Object(row))
}

fn in_sequence(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    let take = |key: &str| Some((key.to_owned(), schema.remove(key)?));
    Value::Object(COLUMN.into_iter().filter_map(take).collect())
}

/// With the keys of all objects in order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by(|(left, _), (right, _)| compare_keys(left, right));
            Value::Object(pairs.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// A snapshot's part as a value.
pub(super) fn value(item: &Object) -> Value {
    Json::Object(item.clone()).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::tests::altered;

    #[test]
    fn an_empty_instance_has_the_system_fields_only() {
        altered(|session| {
            let snapshot = snapshot(session)?.to_value();
            let expected = json!({
                "version": 1, "directus": "11.17.4", "vendor": "sqlite", "collections": [], "fields": [],
                "systemFields": [
                    {"collection": "directus_activity", "field": "timestamp", "schema": {"is_indexed": true}},
                    {"collection": "directus_revisions", "field": "activity", "schema": {"is_indexed": true}},
                    {"collection": "directus_revisions", "field": "parent", "schema": {"is_indexed": true}}
                ],
                "relations": []
            });
            assert_eq!(snapshot.to_string(), expected.to_string());
            Ok(())
        });
    }

    #[test]
    fn tables_that_nobody_told_directus_of_are_out() {
        altered(|session| {
            session.db.execute_batch("create table loose (id integer primary key, a text)")?;
            assert!(snapshot(session)?.collections().is_empty());
            Ok(())
        });
    }
}
