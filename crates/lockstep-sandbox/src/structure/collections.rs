//! Collections: told, made, changed and deleted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::change::{Change, is_hidden, is_own};
use super::column::{column, has_column};
use super::meta::{self, COLLECTIONS, Meta};
use super::{fields, object, text};
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::table::{Table, quote};
use crate::system::SYSTEM;

#[cfg(test)]
mod tests;

/// All collections, Directus' own among them.
pub(crate) fn read_all(session: &mut Session<'_>) -> Answer<Vec<Value>> {
    let mut rows: Vec<Meta> = meta::rows(session.db, COLLECTIONS, "", &[])?;
    let tracked: BTreeSet<String> =
        rows.iter().filter_map(|row| text(row, "collection").map(Into::into)).collect();
    let tables = tables(session)?;
    let shown = |name: &str, meta: Value| {
        let schema = tables.get(name).map(|sql| json!({"name": name, "sql": sql}));
        json!({"collection": name, "meta": meta, "schema": schema})
    };
    rows.sort_by_cached_key(|row| text(row, "collection").unwrap_or_default().to_owned());
    let loose = tables.keys().filter(|name| !tracked.contains(*name) && !is_own(name));
    let own = SYSTEM.collections.iter().map(|it| shown(it.name, system_meta(it.name)));
    let tracked =
        rows.iter().map(|row| shown(text(row, "collection").unwrap_or_default(), row.clone().into()));
    Ok(tracked.chain(loose.map(|name| shown(name, Value::Null))).chain(own).collect())
}

/// One collection.
///
/// # Errors
/// `FORBIDDEN` when there is none.
pub(crate) fn read_one(session: &mut Session<'_>, name: &str) -> Answer<Value> {
    let found = read_all(session)?.into_iter().find(|it| it["collection"] == name);
    found.ok_or_else(|| ApiError::forbidden(None))
}

/// Makes a collection, and gives its name.
pub(crate) fn create(session: &mut Session<'_>, payload: &Map<String, Value>) -> Answer<String> {
    let mut change = Change::recorded(session);
    let name = change.create_collection(payload)?;
    change.finish()?;
    Ok(name)
}

/// Makes collections, and gives their names.
pub(crate) fn create_many(session: &mut Session<'_>, payloads: &[Map<String, Value>]) -> Answer<Vec<String>> {
    let mut change = Change::recorded(session);
    let names = payloads.iter().map(|payload| change.create_collection(payload)).collect::<Answer<_>>()?;
    change.finish()?;
    Ok(names)
}

/// Changes what is known of a collection, and gives its name.
pub(crate) fn update(session: &mut Session<'_>, name: &str, payload: &Map<String, Value>) -> Answer<String> {
    let mut change = Change::recorded(session);
    change.update_collection(name, payload)?;
    change.finish()?;
    Ok(name.into())
}

/// Changes what is known of collections, each of which names itself.
pub(crate) fn update_batch(
    session: &mut Session<'_>,
    payloads: &[Map<String, Value>],
) -> Answer<Vec<String>> {
    let mut change = Change::recorded(session);
    let mut names = Vec::new();
    for payload in payloads {
        let name = text(payload, "collection")
            .ok_or_else(|| ApiError::payload("Collection in update misses collection key"))?;
        change.update_collection(name, payload)?;
        names.push(name.to_owned());
    }
    change.finish()?;
    Ok(names)
}

/// Deletes a collection with all that belongs to it.
pub(crate) fn delete(session: &mut Session<'_>, name: &str) -> Answer<()> {
    let mut change = Change::recorded(session);
    if is_own(name) || !change.has_collection(name)? {
        return Err(ApiError::forbidden(None));
    }
    refuse_referred_to(change.session, name)?;
    let relations = change.relations_with(name)?;
    change.delete_collection(name)?;
    for relation in relations {
        if let Some(field) = &relation.one_field
            && let Some(related) = &relation.related
            && related != name
        {
            change.delete_field(related, field)?;
        }
        if relation.related.as_deref() == Some(name) && relation.collection != name {
            change.delete_field(&relation.collection, &relation.field)?;
        }
    }
    change.finish()
}

/// Refuses to drop a table whose rows others refer to, where their foreign keys neither go along nor become null.
fn refuse_referred_to(session: &Session<'_>, name: &str) -> Answer<()> {
    let sql = "select m.name, f.\"from\", coalesce(f.\"to\", '') from sqlite_master m, pragma_foreign_key_list(m.name) f \
               where m.type = 'table' and f.\"table\" = ?1 and m.name <> ?1 and f.on_delete not in ('CASCADE', 'SET NULL')";
    let mut statement = session.db.prepare_cached(sql)?;
    let keys = statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (table, column, key) in keys.collect::<Result<Vec<(String, String, String)>, _>>()? {
        let key = match key.as_str() {
            "" => session.schema.collections.get(name).map_or("id", |it| it.key.as_str()),
            key => key,
        };
        let sql = format!(
            "select exists (select 1 from {} a join {} b on b.{} = a.{})",
            quote(&table),
            quote(name),
            quote(key),
            quote(&column)
        );
        if session.db.query_row(&sql, [], |row| row.get(0))? {
            return Err(ApiError::internal(format!(
                "drop table `{name}` - SQLITE_CONSTRAINT: FOREIGN KEY constraint failed"
            )));
        }
    }
    Ok(())
}

/// All tables that are collections: names and definitions.
fn tables(session: &Session<'_>) -> Answer<BTreeMap<String, String>> {
    let sql =
        "select name, sql from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'";
    let mut statement = session.db.prepare_cached(sql)?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut found = found.collect::<Result<BTreeMap<String, String>, _>>()?;
    found.retain(|name, _| !is_hidden(name));
    Ok(found)
}

/// What is known of a collection of Directus' own.
fn system_meta(name: &str) -> Value {
    let Some(collection) = SYSTEM.collections.iter().find(|it| it.name == name) else { return Value::Null };
    json!({
        "collection": name,
        "icon": null,
        "note": format!("$t:directus_collection.{name}"),
        "display_template": null,
        "hidden": false,
        "singleton": collection.singleton,
        "translations": null,
        "accountability": if collection.tracked { Value::from("all") } else { Value::Null },
        "sort_field": collection.sort_field,
        "system": true,
    })
}

impl Change<'_, '_> {
    /// Makes a collection, with a table if it has a `schema`.
    pub(super) fn create_collection(&mut self, payload: &Map<String, Value>) -> Answer<String> {
        let name = match payload.get("collection") {
            Some(Value::String(name)) if !name.is_empty() => name.clone(),
            None | Some(Value::Null) => return Err(ApiError::payload("\"collection\" is required")),
            _ => return Err(ApiError::payload("\"collection\" must be a non-empty string")),
        };
        if name.contains('/') {
            return Err(ApiError::payload("Collection name can't contain \"/\""));
        }
        if name.starts_with("directus_") {
            return Err(ApiError::payload("Collections can't start with \"directus_\""));
        }
        let mut list: Vec<Map<String, Value>> = match payload.get("fields") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().filter_map(|it| it.as_object().cloned()).collect(),
            Some(_) => return Err(ApiError::payload("\"fields\" must be an array")),
        };
        if self.has_collection(&name)? {
            return Err(ApiError::payload(format!("Collection \"{name}\" already exists")));
        }
        let has_table = payload.get("schema").is_some_and(Value::is_object);
        if has_table {
            if !list.iter().any(is_key) {
                list.insert(0, default_key());
            }
            self.create_table(&name, &mut list)?;
        }
        let described = list.iter().filter_map(|field| Some((text(field, "field")?, object(field, "meta")?)));
        for (place, (field, meta)) in described.enumerate() {
            let row = fields::row(&name, field, Some(place + 1), meta);
            self.insert(meta::FIELDS, &row)?;
        }
        if let Some(meta) = object(payload, "meta") {
            let mut row = meta.clone();
            row.insert("collection".into(), name.as_str().into());
            self.expect_group(&row)?;
            self.insert(COLLECTIONS, &row)?;
        }
        Ok(name)
    }

    /// The group of a collection is a collection.
    fn expect_group(&self, row: &Meta) -> Answer<()> {
        match text(row, "group") {
            Some(group) if meta::collection(self.session.db, group)?.is_none() => {
                Err(ApiError::foreign_key(None, None, None))
            }
            _ => Ok(()),
        }
    }

    fn create_table(&mut self, name: &str, list: &mut [Map<String, Value>]) -> Answer<()> {
        let mut table = Table { name: name.into(), columns: Vec::new() };
        for field in list {
            let own = text(field, "field").filter(|it| !it.is_empty());
            let missing = || ApiError::internal("You did not specify a column name");
            let own = own.ok_or_else(missing)?.to_owned();
            let Some(kind) = text(field, "type").map(str::to_owned) else { continue };
            let has_meta = object(field, "meta").is_some();
            if fields::add_flags(field, &kind) && !has_meta {
                let message = "Validation failed for field \"collection\". Value is required.";
                return Err(ApiError::validation("collection", "required", message));
            }
            if has_column(&kind) {
                if table.columns.iter().any(|it| it.name.eq_ignore_ascii_case(&own)) {
                    return Err(ApiError::internal(format!("duplicate column name: {own}")));
                }
                let schema = object(field, "schema").cloned().unwrap_or_default();
                table.columns.push(column(&own, &kind, &schema, None)?);
            }
        }
        self.draft.create(table)
    }

    /// Changes what is known of a collection; without `meta`, nothing.
    pub(super) fn update_collection(&mut self, name: &str, payload: &Map<String, Value>) -> Answer<()> {
        if is_own(name) {
            return Err(ApiError::forbidden(None));
        }
        let Some(changes) = object(payload, "meta") else { return Ok(()) };
        let mut row = changes.clone();
        self.expect_group(&row)?;
        if meta::collection(self.session.db, name)?.is_some() {
            return self.update(COLLECTIONS, &name.into(), &row);
        }
        row.insert("collection".into(), name.into());
        self.insert(COLLECTIONS, &row).map(drop)
    }

    /// Deletes a collection, but not what others have to refer to it.
    pub(super) fn delete_collection(&mut self, name: &str) -> Answer<()> {
        let db = self.session.db;
        self.record("delete", COLLECTIONS, &name.into(), &Map::new())?;
        for field in meta::rows(db, meta::FIELDS, "where collection = ?1 order by id", &[name])? {
            self.record("delete", meta::FIELDS, &field["id"], &Map::new())?;
        }
        for sql in [
            "delete from directus_fields where collection = ?1",
            "delete from directus_presets where collection = ?1",
            "update directus_revisions set parent = null where parent in \
             (select id from directus_revisions where collection = ?1)",
            "delete from directus_revisions where collection = ?1",
            "delete from directus_revisions where activity in (select id from directus_activity where collection = ?1)",
            "delete from directus_activity where collection = ?1",
            "delete from directus_permissions where collection = ?1",
            "delete from directus_comments where collection = ?1",
            "delete from directus_versions where collection = ?1",
            "delete from directus_shares where collection = ?1",
            "delete from directus_relations where many_collection = ?1",
            "update directus_relations set one_collection = null, one_field = null where one_collection = ?1",
            "update directus_collections set \"group\" = null where \"group\" = ?1",
            "delete from directus_collections where collection = ?1",
        ] {
            db.prepare_cached(sql)?.execute([name])?;
        }
        self.disallow(name)?;
        self.draft.remove(name)
    }
}

/// True for a field that is the key.
fn is_key(field: &Map<String, Value>) -> bool {
    let flag =
        |key: &str| object(field, "schema").and_then(|it| it.get(key)).and_then(Value::as_bool) == Some(true);
    flag("is_primary_key") || flag("has_auto_increment")
}

/// The key of a collection that asks for none.
fn default_key() -> Map<String, Value> {
    let field = json!({
        "field": "id",
        "type": "integer",
        "meta": {"hidden": true, "interface": "numeric", "readonly": true},
        "schema": {"is_primary_key": true, "has_auto_increment": true},
    });
    field.as_object().cloned().unwrap_or_default()
}
