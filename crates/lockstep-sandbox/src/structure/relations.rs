//! Relations: told, made, changed and deleted.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::change::{Change, is_own};
use super::meta::{self, Meta, RELATIONS};
use super::{nowhere, object, text, validate};
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::Relation;
use crate::schema::table::{ForeignKey, Table};
use crate::system::SYSTEM;

#[cfg(test)]
mod tests;

/// All relations, Directus' own among them.
pub(crate) fn read_all(session: &mut Session<'_>) -> Answer<Vec<Value>> {
    let mut found = Vec::new();
    let rows = meta::rows(session.db, RELATIONS, "order by many_collection, id", &[])?;
    let described = rows.iter().filter_map(|row| text(row, "many_collection"));
    // Foreign keys that nobody described are relations all the same.
    let referring = session.schema.relations.iter().map(|relation| relation.collection.as_str());
    let names: BTreeSet<&str> = described.chain(referring).collect();
    for name in names {
        let Some(table) = Table::read(session.db, name)? else { continue };
        let of_table = |row: &&Meta| text(row, "many_collection") == Some(name);
        let mut keys: Vec<(&str, &ForeignKey)> =
            table.columns.iter().filter_map(|it| Some((it.name.as_str(), it.references.as_ref()?))).collect();
        keys.retain(|(field, _)| !is_system_relation(name, field));
        // What was made last comes first; what has no foreign key comes after all that have one.
        keys.sort_by_key(|(_, key)| Reverse(key.place));
        for (field, key) in &keys {
            let row = rows.iter().filter(of_table).find(|row| text(row, "many_field") == Some(field));
            let related = row.and_then(|row| row.get("one_collection")).cloned();
            let related = related.unwrap_or_else(|| key.table.as_str().into());
            found.push(shown(
                &table,
                field,
                Some(&related),
                row.map_or(Value::Null, |row| row.clone().into()),
            ));
        }
        for row in rows.iter().filter(of_table) {
            let field = text(row, "many_field").unwrap_or_default();
            if keys.iter().all(|(keyed, _)| *keyed != field) {
                found.push(shown(&table, field, row.get("one_collection"), row.clone().into()));
            }
        }
    }
    for relation in &SYSTEM.relations {
        if let Some(table) = Table::read(session.db, relation.collection)? {
            found.push(shown(&table, relation.field, Some(&relation.related.into()), system_meta(relation)));
        }
    }
    Ok(found)
}

/// The relations that fields of a collection start.
///
/// # Errors
/// `FORBIDDEN` when there is no such collection.
pub(crate) fn read_for(session: &mut Session<'_>, collection: &str) -> Answer<Vec<Value>> {
    if !session.schema.collections.contains_key(collection) {
        return Err(nowhere(collection));
    }
    Ok(read_all(session)?.into_iter().filter(|it| it["collection"] == collection).collect())
}

/// The relation that a field starts.
///
/// # Errors
/// `FORBIDDEN` when there is none.
pub(crate) fn read_one(session: &mut Session<'_>, collection: &str, field: &str) -> Answer<Value> {
    let found = read_for(session, collection)?.into_iter().find(|it| it["field"] == field);
    found.ok_or_else(|| ApiError::forbidden(None))
}

/// Makes a relation.
pub(crate) fn create(session: &mut Session<'_>, payload: &Map<String, Value>) -> Answer<()> {
    validate::relation(payload)?;
    let mut change = Change::recorded(session);
    change.create_relation(payload)?;
    change.finish()
}

/// Changes a relation.
pub(crate) fn update(
    session: &mut Session<'_>,
    collection: &str,
    field: &str,
    payload: &Map<String, Value>,
) -> Answer<()> {
    let mut change = Change::recorded(session);
    change.update_relation(collection, field, payload)?;
    change.finish()
}

/// Deletes a relation; its field stays.
pub(crate) fn delete(session: &mut Session<'_>, collection: &str, field: &str) -> Answer<()> {
    let mut change = Change::recorded(session);
    change.delete_relation(collection, field)?;
    change.finish()
}

fn shown(table: &Table, field: &str, related: Option<&Value>, meta: Value) -> Value {
    let key = table.column(field).and_then(|column| column.references.as_ref());
    let schema = key.map(|key| {
        json!({
            "table": table.name,
            "column": field,
            "foreign_key_table": key.table,
            "foreign_key_column": key.column,
            "on_update": key.on_update,
            "on_delete": key.on_delete,
            "constraint_name": null,
        })
    });
    json!({
        "collection": table.name, "field": field, "related_collection": related, "schema": schema, "meta": meta
    })
}

fn system_meta(relation: &crate::system::SystemRelation) -> Value {
    json!({
        "many_collection": relation.collection,
        "many_field": relation.field,
        "one_collection": relation.related,
        "one_field": relation.one_field,
        "one_allowed_collections": null,
        "one_collection_field": null,
        "one_deselect_action": if relation.deselect_deletes { "delete" } else { "nullify" },
        "junction_field": relation.junction_field,
        "sort_field": relation.sort_field,
        "system": true,
    })
}

fn is_system_relation(collection: &str, field: &str) -> bool {
    SYSTEM.relations.iter().any(|it| it.collection == collection && it.field == field)
}

impl Change<'_, '_> {
    /// The relations of people's own that start or end at a collection, as they are described now.
    pub(super) fn relations_with(&self, collection: &str) -> Answer<Vec<Relation>> {
        let rest = "where many_collection = ?1 or one_collection = ?1 order by many_collection, id";
        let rows = meta::rows(self.session.db, RELATIONS, rest, &[collection])?;
        let own = |row: &Meta, key: &str| text(row, key).map(str::to_owned);
        let described = rows.iter().map(|row| Relation {
            collection: own(row, "many_collection").unwrap_or_default(),
            field: own(row, "many_field").unwrap_or_default(),
            related: own(row, "one_collection"),
            one_field: own(row, "one_field"),
            ..Relation::default()
        });
        Ok(described.collect())
    }

    /// Makes a relation, with a foreign key if it leads to one collection.
    pub(super) fn create_relation(&mut self, payload: &Map<String, Value>) -> Answer<()> {
        let name = |key: &str| {
            let found = text(payload, key).filter(|it| !it.is_empty());
            found.map(str::to_owned).ok_or_else(|| ApiError::payload(format!("\"{key}\" is required")))
        };
        let (collection, field) = (name("collection")?, name("field")?);
        let related = text(payload, "related_collection").map(str::to_owned);
        if !self.has_table(&collection)? {
            return Err(no_collection(&collection));
        }
        let is_key = match self.draft.table(&collection)?.and_then(|table| table.column(&field)) {
            Some(column) => column.key,
            None => return Err(no_field(&collection, &field)),
        };
        if is_key {
            return Err(ApiError::payload(format!(
                "Field \"{field}\" in collection \"{collection}\" is a primary key"
            )));
        }
        if let Some(related) = &related
            && !self.has_table(related)?
        {
            return Err(no_collection(related));
        }
        if self.has_relation(&collection, &field)? {
            return Err(ApiError::payload(format!(
                "Field \"{field}\" in collection \"{collection}\" already has an associated relationship"
            )));
        }
        if let Some(related) = &related {
            self.refer(&collection, &field, related, object(payload, "schema"))?;
        }
        let mut row = object(payload, "meta").cloned().unwrap_or_default();
        row.insert("many_collection".into(), collection.into());
        row.insert("many_field".into(), field.into());
        row.insert("one_collection".into(), related.into());
        self.insert(RELATIONS, &row).map(drop)
    }

    /// Changes a relation: its foreign key is made anew.
    pub(super) fn update_relation(
        &mut self,
        collection: &str,
        field: &str,
        payload: &Map<String, Value>,
    ) -> Answer<()> {
        self.expect_relation(collection, field)?;
        let known = meta::relation(self.session.db, collection, field)?;
        let column = self.draft.table(collection)?.and_then(|table| table.column(field));
        let key = column.and_then(|column| column.references.clone());
        let told = known.as_ref().and_then(|row| text(row, "one_collection").map(str::to_owned));
        if let Some(related) = told.or(key.map(|key| key.table)) {
            self.refer(collection, field, &related, object(payload, "schema"))?;
        }
        let Some(changes) = object(payload, "meta") else { return Ok(()) };
        match known.and_then(|known| known.get("id").cloned()) {
            Some(id) => self.update(RELATIONS, &id, changes),
            None => {
                let mut row = changes.clone();
                row.insert("many_collection".into(), collection.into());
                row.insert("many_field".into(), field.into());
                row.insert(
                    "one_collection".into(),
                    payload.get("related_collection").cloned().unwrap_or_default(),
                );
                self.insert(RELATIONS, &row).map(drop)
            }
        }
    }

    /// Deletes a relation, but not its foreign key: SQLite gives them no names by which the real one could drop them.
    pub(super) fn delete_relation(&mut self, collection: &str, field: &str) -> Answer<()> {
        if is_own(collection) && is_system_relation(collection, field) {
            return Ok(());
        }
        self.expect_relation(collection, field)?;
        self.forget_relation(collection, field)
    }

    fn forget_relation(&self, collection: &str, field: &str) -> Answer<()> {
        let sql = "delete from directus_relations where many_collection = ?1 and many_field = ?2";
        self.session.db.prepare_cached(sql)?.execute([collection, field])?;
        Ok(())
    }

    /// Deletes a relation, if there is one.
    pub(super) fn drop_relation(&mut self, collection: &str, field: &str) -> Answer<()> {
        if let Some(column) = self.draft.table_mut(collection)?.and_then(|table| table.column_mut(field)) {
            column.references = None;
        }
        self.forget_relation(collection, field)
    }

    /// Takes a collection out of what fields may refer to (m2a).
    pub(super) fn disallow(&mut self, collection: &str) -> Answer<()> {
        let rest = "where one_allowed_collections is not null";
        for row in meta::rows(self.session.db, RELATIONS, rest, &[])? {
            let Some(Value::Array(allowed)) = row.get("one_allowed_collections") else { continue };
            if allowed.iter().any(|it| it == collection) {
                let left: Vec<Value> = allowed.iter().filter(|it| *it != collection).cloned().collect();
                let changes = Map::from_iter([("one_allowed_collections".to_owned(), Value::Array(left))]);
                meta::update(self.session.db, RELATIONS, &row["id"], &changes)?;
            }
        }
        Ok(())
    }

    fn has_relation(&mut self, collection: &str, field: &str) -> Answer<bool> {
        let column = self.draft.table(collection)?.and_then(|table| table.column(field));
        Ok(column.is_some_and(|column| column.references.is_some())
            || is_system_relation(collection, field)
            || meta::relation(self.session.db, collection, field)?.is_some())
    }

    fn expect_relation(&mut self, collection: &str, field: &str) -> Answer<()> {
        if is_own(collection) && is_system_relation(collection, field) {
            return Err(ApiError::forbidden(None));
        }
        if !self.has_table(collection)? {
            return Err(nowhere(collection));
        }
        if !self.has_field(collection, field)? {
            return Err(no_field(collection, field));
        }
        if !self.has_relation(collection, field)? {
            return Err(ApiError::payload(format!(
                "Field \"{field}\" in collection \"{collection}\" doesn't have a relationship."
            )));
        }
        Ok(())
    }

    /// Makes a column refer to the key of a collection.
    fn refer(
        &mut self,
        collection: &str,
        field: &str,
        related: &str,
        schema: Option<&Map<String, Value>>,
    ) -> Answer<()> {
        let key = self.draft.table(related)?.and_then(Table::key).unwrap_or("id").to_owned();
        let action = |name: &str| {
            let asked = schema.and_then(|schema| text(schema, name));
            asked.unwrap_or("NO ACTION").to_ascii_uppercase()
        };
        let key = ForeignKey {
            table: related.into(),
            column: key,
            on_update: action("on_update"),
            on_delete: action("on_delete"),
            place: 0,
        };
        let Some(table) = self.draft.table_mut(collection)? else { return Ok(()) };
        let last = table.columns.iter().filter_map(|it| it.references.as_ref()).map(|it| it.place).max();
        if let Some(column) = table.column_mut(field) {
            column.references = Some(ForeignKey { place: last.map_or(0, |last| last + 1), ..key });
        }
        Ok(())
    }
}

fn no_field(collection: &str, field: &str) -> ApiError {
    ApiError::payload(format!("Field \"{field}\" doesn't exist in collection \"{collection}\""))
}

fn no_collection(name: &str) -> ApiError {
    ApiError::payload(format!("Collection \"{name}\" doesn't exist"))
}
