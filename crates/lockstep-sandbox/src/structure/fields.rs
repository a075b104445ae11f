//! Fields: told, made, changed and deleted.

use serde_json::{Map, Value, json};

use super::change::Change;
use super::column::{ALIASES, column, described, has_column};
use super::meta::{self, FIELDS, Meta};
use super::snapshot::{is_alias, is_system, specials};
use super::{nowhere, object, text, validate};
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::table::Table;
use crate::schema::types::type_of;
use crate::system::{SYSTEM, SystemColumn};

#[cfg(test)]
mod tests;

/// All fields, or those of a collection.
///
/// # Errors
/// `FORBIDDEN` when there is no such collection.
pub(crate) fn read_all(session: &mut Session<'_>, collection: Option<&str>) -> Answer<Vec<Value>> {
    let names: Vec<String> = match collection {
        Some(name) => vec![name.into()],
        None => super::collections::read_all(session)?
            .into_iter()
            .filter(|it| !it["schema"].is_null())
            .filter_map(|it| it["collection"].as_str().map(str::to_owned))
            .collect(),
    };
    let mut found = Vec::new();
    for name in names {
        match Table::read(session.db, &name)? {
            Some(table) => found.extend(of_table(session, &table)?),
            None if collection.is_some() => return Err(nowhere(&name)),
            None => {}
        }
    }
    Ok(found)
}

/// One field.
///
/// # Errors
/// `FORBIDDEN` when there is none.
pub(crate) fn read_one(session: &mut Session<'_>, collection: &str, field: &str) -> Answer<Value> {
    let table = Table::read(session.db, collection)?.ok_or_else(|| nowhere(collection))?;
    if let Some(found) = of_table(session, &table)?.into_iter().find(|it| it["field"] == field) {
        return Ok(found);
    }
    // Alone, a field without a column is told whatever its specials are.
    let row = meta::field(session.db, collection, field)?.ok_or_else(|| ApiError::forbidden(None))?;
    Ok(json!({"collection": collection, "field": field, "type": "alias", "schema": null, "meta": row}))
}

/// Makes a field.
pub(crate) fn create(
    session: &mut Session<'_>,
    collection: &str,
    payload: &Map<String, Value>,
) -> Answer<()> {
    validate::field(payload)?;
    let mut change = Change::recorded(session);
    change.create_field(collection, payload)?;
    change.finish()
}

/// Changes a field.
pub(crate) fn update(
    session: &mut Session<'_>,
    collection: &str,
    field: &str,
    payload: &Map<String, Value>,
) -> Answer<()> {
    let mut change = Change::recorded(session);
    change.update_field(collection, field, payload)?;
    change.finish()
}

/// Changes fields of a collection, each of which names itself.
pub(crate) fn update_many(
    session: &mut Session<'_>,
    collection: &str,
    payloads: &[Map<String, Value>],
) -> Answer<Vec<String>> {
    let mut change = Change::recorded(session);
    let mut names = Vec::new();
    for payload in payloads {
        let field = text(payload, "field").ok_or_else(|| ApiError::payload("\"field\" is required"))?;
        change.update_field(collection, field, payload)?;
        names.push(field.to_owned());
    }
    change.finish()?;
    Ok(names)
}

/// Deletes a field, with what refers to it.
pub(crate) fn delete(session: &mut Session<'_>, collection: &str, field: &str) -> Answer<()> {
    let mut change = Change::recorded(session);
    if !change.has_table(collection)? {
        return Err(nowhere(collection));
    }
    if is_system(collection, field) {
        return Err(ApiError::forbidden(None));
    }
    change.delete_field(collection, field)?;
    change.finish()
}

/// The fields of a table: columns in their order, then those without a column.
fn of_table(session: &Session<'_>, table: &Table) -> Answer<Vec<Value>> {
    let own = SYSTEM.collections.iter().find(|it| it.name == table.name);
    let mut known: Vec<Meta> =
        meta::rows(session.db, FIELDS, "where collection = ?1 order by id", &[&table.name])?;
    let mut found = Vec::new();
    for column in &table.columns {
        let place = known.iter().position(|row| text(row, "field") == Some(&column.name));
        let system = own.and_then(|it| {
            it.columns.iter().position(|it| it.name == column.name).map(|at| (at, &it.columns[at]))
        });
        let meta = match (system, place) {
            (Some((place, system)), _) => system_meta(&table.name, system, place),
            (None, Some(place)) => Value::Object(known.remove(place)),
            (None, None) => Value::Null,
        };
        let special = meta.as_object().map(specials).unwrap_or_default();
        let kind = type_of(&column.sql, &special);
        let schema = described(table, column, &kind);
        found.push(json!({
            "collection": table.name, "field": column.name, "type": kind, "schema": schema, "meta": meta
        }));
    }
    let alias = |field: &str, meta: Value| {
        let name = table.name.as_str();
        json!({"collection": name, "field": field, "type": "alias", "schema": null, "meta": meta})
    };
    let system =
        own.into_iter().flat_map(|it| it.columns.iter().enumerate()).filter(|(_, it)| it.sql == "alias");
    found.extend(system.map(|(place, it)| alias(it.name, system_meta(&table.name, it, place))));
    for row in known {
        let field = text(&row, "field").unwrap_or_default().to_owned();
        if is_alias(&specials(&row)) && !is_system(&table.name, &field) {
            found.push(alias(&field, Value::Object(row)));
        }
    }
    Ok(found)
}

/// What is known of a field of Directus' own.
fn system_meta(collection: &str, column: &SystemColumn, place: usize) -> Value {
    json!({
        "collection": collection,
        "field": column.name,
        "special": if column.special.is_empty() { Value::Null } else { json!(column.special) },
        "interface": null,
        "options": null,
        "display": null,
        "display_options": null,
        "readonly": false,
        "hidden": false,
        "sort": place + 1,
        "width": "full",
        "translations": null,
        "note": null,
        "conditions": null,
        "required": false,
        "group": null,
        "validation": null,
        "validation_message": null,
        "searchable": true,
        "system": true,
    })
}

/// The row of a field's metadata; what it says of its place goes before `sort`.
pub(super) fn row(collection: &str, field: &str, sort: Option<usize>, meta: &Meta) -> Meta {
    let mut row: Meta = sort.map(|sort| ("sort".to_owned(), sort.into())).into_iter().collect();
    row.extend(meta.clone());
    row.insert("collection".into(), collection.into());
    row.insert("field".into(), field.into());
    row
}

/// Adds the specials that a type needs to be told again; true if it needs any.
pub(super) fn add_flags(payload: &mut Map<String, Value>, kind: &str) -> bool {
    let flag = match kind {
        "json" => "cast-json",
        "timestamp" => "cast-timestamp",
        _ => return false,
    };
    let meta = payload.entry("meta").or_insert(Value::Null);
    if !meta.is_object() {
        *meta = json!({});
    }
    if let Some(special) = meta.as_object_mut().map(|meta| meta.entry("special").or_insert(Value::Null)) {
        match special {
            Value::Array(items) if items.iter().any(|it| it == flag) => {}
            Value::Array(items) => items.push(flag.into()),
            special => *special = json!([flag]),
        }
    }
    true
}

impl Change<'_, '_> {
    /// Makes a field, with a column if its type has one.
    pub(super) fn create_field(&mut self, collection: &str, payload: &Map<String, Value>) -> Answer<()> {
        let field = match payload.get("field") {
            Some(Value::String(field)) if !field.is_empty() => field.clone(),
            None => return Err(ApiError::payload("\"field\" is required")),
            _ => return Err(ApiError::payload("\"field\" must be a string")),
        };
        if !self.has_table(collection)? {
            return Err(nowhere(collection));
        }
        if field.contains('.') {
            return Err(ApiError::internal(format!(
                "no such table: {}",
                field.split('.').next().unwrap_or(&field)
            )));
        }
        if self.has_field(collection, &field)? {
            return Err(ApiError::payload(format!(
                "Field \"{field}\" already exists in collection \"{collection}\""
            )));
        }
        let mut payload = payload.clone();
        payload.insert("field".into(), field.as_str().into());
        if let Some(kind) = text(&payload, "type").map(str::to_owned) {
            add_flags(&mut payload, &kind);
            if has_column(&kind) {
                let schema = object(&payload, "schema").cloned().unwrap_or_default();
                let column = column(&field, &kind, &schema, None)?;
                if let Some(table) = self.draft.table_mut(collection)? {
                    let taken = |it: &crate::schema::table::Column| it.name.eq_ignore_ascii_case(&field);
                    if table.columns.iter().any(taken) {
                        return Err(ApiError::internal(format!("duplicate column name: {field}")));
                    }
                    if column.key && table.key().is_some() {
                        return Err(ApiError::internal(format!(
                            "table {collection} has more than one primary key"
                        )));
                    }
                    table.columns.push(column);
                }
            }
        }
        let Some(meta) = object(&payload, "meta") else { return Ok(()) };
        let sort = self.next_sort(collection, text(meta, "group"))?;
        let row = row(collection, &field, Some(sort), meta);
        self.insert(FIELDS, &row).map(drop)
    }

    fn next_sort(&self, collection: &str, group: Option<&str>) -> Answer<usize> {
        let sql = "select coalesce(max(sort), 0) + 1 from directus_fields \
                   where collection = ?1 and (?2 is null or \"group\" = ?2)";
        let mut statement = self.session.db.prepare_cached(sql)?;
        Ok(statement.query_row((collection, group), |row| row.get(0))?)
    }

    /// Changes a field: its column as far as `schema` asks for another, what is known of it as far as `meta` says.
    pub(super) fn update_field(
        &mut self,
        collection: &str,
        field: &str,
        payload: &Map<String, Value>,
    ) -> Answer<()> {
        if !self.has_table(collection)? {
            return Err(nowhere(collection));
        }
        // A name in the body goes before that of the route.
        let field = text(payload, "field").unwrap_or(field);
        if is_system(collection, field) {
            let only = |map: &Map<String, Value>, key: &str| map.len() == 1 && map.contains_key(key);
            let named = |(key, _): &(&String, &Value)| !["collection", "field"].contains(&key.as_str());
            let changes: Map<_, _> =
                payload.iter().filter(named).map(|(key, it)| (key.clone(), it.clone())).collect();
            let indexed =
                object(&changes, "schema").filter(|it| only(&changes, "schema") && only(it, "is_indexed"));
            let indexed = indexed.and_then(|schema| schema["is_indexed"].as_bool());
            let reason = "Only \"schema.is_indexed\" may be modified for system fields";
            let indexed = indexed.ok_or_else(|| ApiError::payload(reason))?;
            return self.index_system_field(collection, field, indexed);
        }
        let known = meta::field(self.session.db, collection, field)?;
        let asked = text(payload, "type");
        let table = self.draft.table_mut(collection)?;
        let place = table.as_ref().and_then(|table| table.columns.iter().position(|it| it.name == field));
        match (place, asked) {
            (Some(_), Some(kind)) if ALIASES.contains(&kind) => return Err(alias_stays()),
            (None, Some(kind))
                if !ALIASES.contains(&kind) && known.as_ref().is_some_and(|it| is_alias(&specials(it))) =>
            {
                return Err(alias_stays());
            }
            _ => {}
        }
        if let (Some(place), Some(table), Some(schema)) = (place, table, object(payload, "schema")) {
            let old = table.columns[place].clone();
            let special = known.as_ref().map(specials).unwrap_or_default();
            let current = type_of(&old.sql, &special);
            if old.key && schema.get("is_nullable").and_then(Value::as_bool) == Some(true) {
                return Err(ApiError::payload("Primary key cannot be null"));
            }
            // A column that is said to be what it is stays untouched; any other is made anew, whatever differs.
            if Value::Object(schema.clone()) != described(table, &old, &current) {
                let kind = asked.map_or(current, str::to_owned);
                if has_column(&kind) {
                    table.columns[place] = column(field, &kind, schema, Some(&old))?;
                }
            }
        }
        let Some(meta) = object(payload, "meta") else { return Ok(()) };
        let mut payload = Map::from_iter([("meta".to_owned(), Value::Object(meta.clone()))]);
        if let Some(kind) = asked {
            add_flags(&mut payload, kind);
        }
        let row = row(collection, field, None, object(&payload, "meta").unwrap_or(meta));
        match known.and_then(|known| known.get("id").cloned()) {
            Some(id) => self.update(FIELDS, &id, &row),
            None => self.insert(FIELDS, &row).map(drop),
        }
    }

    /// Sets or removes the index of a column.
    pub(super) fn index_system_field(&mut self, collection: &str, field: &str, indexed: bool) -> Answer<()> {
        let missing = || ApiError::internal("Cannot read properties of undefined (reading 'is_primary_key')");
        let table = self.draft.table_mut(collection)?;
        let column = table.and_then(|table| table.column_mut(field)).ok_or_else(missing)?;
        column.indexed = indexed;
        Ok(())
    }

    /// Deletes a field, if it is there: its relation, and the field that shows it on the other side.
    pub(super) fn delete_field(&mut self, collection: &str, field: &str) -> Answer<()> {
        for relation in self.relations_with(collection)? {
            let own = relation.collection == collection && relation.field == field;
            if own {
                self.drop_relation(collection, field)?;
                if let (Some(related), Some(other)) = (&relation.related, &relation.one_field)
                    && (related.as_str(), other.as_str()) != (collection, field)
                    && !is_system(related, other)
                {
                    self.delete_field(related, other)?;
                }
            }
        }
        let known = meta::field(self.session.db, collection, field)?;
        if let Some(id) = known.and_then(|row| row.get("id").cloned()) {
            self.record("delete", FIELDS, &id, &Map::new())?;
        }
        let db = self.session.db;
        for sql in [
            "update directus_relations set one_field = null where one_collection = ?1 and one_field = ?2",
            "update directus_relations set junction_field = null where many_collection = ?1 and junction_field = ?2",
            "update directus_relations set sort_field = null where many_collection = ?1 and sort_field = ?2",
            "update directus_collections set archive_field = null where collection = ?1 and archive_field = ?2",
            "update directus_collections set sort_field = null where collection = ?1 and sort_field = ?2",
            "update directus_fields set \"group\" = null where collection = ?1 and \"group\" = ?2",
            "delete from directus_fields where collection = ?1 and field = ?2",
        ] {
            db.prepare_cached(sql)?.execute([collection, field])?;
        }
        if let Some(table) = self.draft.table_mut(collection)? {
            if table.columns.iter().all(|column| column.name == field) {
                return Err(ApiError::internal(format!(
                    "cannot drop column \"{field}\": no other columns exist"
                )));
            }
            table.columns.retain(|column| column.name != field);
        }
        Ok(())
    }
}

fn alias_stays() -> ApiError {
    ApiError::payload("Alias type cannot be changed")
}
