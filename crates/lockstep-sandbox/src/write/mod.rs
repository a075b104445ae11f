//! Writing items: what is nested in them, what Directus fills in, what is recorded of it.

mod allowed;
mod constraint;
mod nested;
mod payload;
pub(crate) mod place;
pub(crate) mod track;

use rusqlite::params_from_iter;
use rusqlite::types::Value as Stored;
use serde_json::{Map, Value};

use crate::db::{Action, Event, Session};
use crate::error::{Answer, ApiError};
use crate::query::rows::is_one_of;
use crate::query::sql::Sql;
use crate::query::values::stored;
use crate::query::{self, Query};
use crate::rules;
use crate::schema::Collection;

pub(crate) use allowed::may;
pub(crate) use payload::default_of;

/// An item as a request states it.
pub(crate) type Item = Map<String, Value>;

/// Creates items, and gives their keys in order.
///
/// # Errors
/// As the API tells them; the caller's transaction undoes what was written before.
pub(crate) fn create(session: &mut Session<'_>, collection: &str, items: Vec<Item>) -> Answer<Vec<Value>> {
    items.into_iter().map(|item| create_one(session, collection, item)).collect()
}

/// Creates an item, and gives its key.
///
/// # Errors
/// As [`create`].
pub(crate) fn create_one(session: &mut Session<'_>, name: &str, mut item: Item) -> Answer<Value> {
    let schema = session.schema.clone();
    let collection = schema.collection(name)?;
    rules::before_permission(collection, &item)?;
    allowed::create(session, collection, &mut item)?;
    item.retain(|name, _| collection.fields.contains_key(name));
    rules::before_create(session, collection, &mut item)?;
    payload::check_key(collection, &item)?;
    let first = session.revisions.len();
    let stated = item.clone();
    nested::write_ones(session, collection, &mut item)?;
    let lists = nested::take_lists(session, collection, &mut item);
    payload::fill_created(session, collection, &mut item)?;
    let key = insert(session, collection, &item)?;
    item.insert(collection.key.clone(), key.clone());
    for (relation, list) in lists {
        nested::write_list(session, &relation, &key, list)?;
    }
    track::created(session, collection, &key, &stated, first)?;
    rules::after_write(session, collection, Action::Create, std::slice::from_ref(&key), &item)?;
    session.events.push(Event { collection: name.into(), action: Action::Create, keys: vec![key.clone()] });
    Ok(key)
}

/// Changes the items with these keys alike.
///
/// # Errors
/// As [`create`].
pub(crate) fn update(
    session: &mut Session<'_>,
    name: &str,
    keys: &[Value],
    changes: &Item,
) -> Answer<Vec<Value>> {
    let schema = session.schema.clone();
    let collection = schema.collection(name)?;
    let mut item = changes.clone();
    payload::check_keys(collection, keys)?;
    allowed::update(session, collection, keys, &mut item)?;
    item.retain(|name, _| collection.fields.contains_key(name));
    // Keys stay as they are.
    item.shift_remove(&collection.key);
    rules::before_update(session, collection, keys, &mut item)?;
    let first = session.revisions.len();
    let stated = item.clone();
    nested::write_ones(session, collection, &mut item)?;
    let lists = nested::take_lists(session, collection, &mut item);
    payload::fill_updated(session, collection, &mut item, &stated)?;
    change(session, collection, keys, &item)?;
    for (relation, list) in lists {
        for key in keys {
            nested::write_list(session, &relation, key, list.clone())?;
        }
    }
    track::updated(session, collection, keys, &stated, first)?;
    rules::after_write(session, collection, Action::Update, keys, &item)?;
    session.events.push(Event { collection: name.into(), action: Action::Update, keys: keys.to_vec() });
    Ok(keys.to_vec())
}

/// Changes items each in its own way; every change names its key.
///
/// # Errors
/// As [`create`].
pub(crate) fn update_each(session: &mut Session<'_>, name: &str, items: Vec<Item>) -> Answer<Vec<Value>> {
    let key = session.schema.collection(name)?.key.clone();
    let mut keys = Vec::with_capacity(items.len());
    for mut item in items {
        let Some(own) = item.shift_remove(&key) else {
            return Err(ApiError::payload("Item in update misses primary key"));
        };
        keys.extend(update(session, name, &[own], &item)?);
    }
    Ok(keys)
}

/// Creates or changes the one item of a singleton.
///
/// # Errors
/// As [`create`].
pub(crate) fn upsert_singleton(session: &mut Session<'_>, name: &str, changes: Item) -> Answer<Value> {
    let one = Query { limit: Some(1), ..Query::default() };
    match query::keys(session, name, &one)?.into_iter().next() {
        Some(key) => update(session, name, std::slice::from_ref(&key), &changes).map(|_| key),
        None => create_one(session, name, changes),
    }
}

/// Creates an item, or changes the one that has its key.
///
/// # Errors
/// As [`create`].
pub(crate) fn upsert(session: &mut Session<'_>, name: &str, mut item: Item) -> Answer<Value> {
    let schema = session.schema.clone();
    let collection = schema.collection(name)?;
    let Some(key) = item.get(&collection.key).filter(|key| !key.is_null()).cloned() else {
        return create_one(session, name, item);
    };
    if !exists(session, collection, &key)? {
        return create_one(session, name, item);
    }
    item.shift_remove(&collection.key);
    if !item.is_empty() {
        update(session, name, std::slice::from_ref(&key), &item)?;
    }
    Ok(key)
}

/// Deletes items.
///
/// # Errors
/// As [`create`].
pub(crate) fn delete(session: &mut Session<'_>, name: &str, keys: &[Value]) -> Answer<()> {
    let schema = session.schema.clone();
    let collection = schema.collection(name)?;
    payload::check_keys(collection, keys)?;
    allowed::delete(session, collection, keys)?;
    rules::before_delete(session, collection, keys)?;
    let sql = Sql::new("delete from ").name(name).word(" as t0 where ");
    let sql = sql.then(is_one_of(Sql::column("t0", &collection.key), keys));
    execute(session, collection, &Item::new(), sql)
        .map_err(|error| still_referred_to(collection, keys, error))?;
    track::deleted(session, collection, keys)?;
    rules::after_write(session, collection, Action::Delete, keys, &Item::new())?;
    session.events.push(Event { collection: name.into(), action: Action::Delete, keys: keys.to_vec() });
    Ok(())
}

/// What others still refer to is the database's own business to refuse, and so a fault of the instance.
fn still_referred_to(collection: &Collection, keys: &[Value], error: ApiError) -> ApiError {
    if error.code != "INVALID_FOREIGN_KEY" {
        return error;
    }
    let keys: Vec<String> = keys.iter().map(|key| format!("'{}'", query::values::text(key))).collect();
    ApiError::internal(format!(
        "delete from `{}` where `{}` in ({}) - SQLITE_CONSTRAINT: FOREIGN KEY constraint failed",
        collection.name,
        collection.key,
        keys.join(", ")
    ))
}

/// True if there is an item of this key.
pub(crate) fn exists(session: &Session<'_>, collection: &Collection, key: &Value) -> Answer<bool> {
    let kind = collection.fields[&collection.key].kind;
    let sql = Sql::new("select 1 from ").name(&collection.name).word(" t0 where ");
    let sql = sql.then(Sql::column("t0", &collection.key)).word(" = ").value(stored(kind, key));
    Ok(session.db.prepare_cached(&sql.text)?.exists(params_from_iter(sql.values))?)
}

fn insert(session: &Session<'_>, collection: &Collection, item: &Item) -> Answer<Value> {
    let mut names = Sql::new("insert into ").name(&collection.name).word(" (");
    let mut values = Sql::new(") values (");
    let mut first = true;
    for (name, value) in item {
        let Some(field) = collection.fields.get(name).filter(|field| !field.is_alias()) else { continue };
        if *name == collection.key && value.is_null() {
            continue;
        }
        let comma = if first { "" } else { ", " };
        names = names.word(comma).name(name);
        values = values.word(comma).value(stored(field.kind, value));
        first = false;
    }
    let sql = match first {
        true => Sql::new("insert into ").name(&collection.name).word(" default values"),
        false => names.then(values).word(")"),
    };
    execute(session, collection, item, sql)?;
    match item.get(&collection.key).filter(|key| !key.is_null()) {
        Some(key) => Ok(key.clone()),
        None => Ok(session.db.last_insert_rowid().into()),
    }
}

fn change(session: &Session<'_>, collection: &Collection, keys: &[Value], item: &Item) -> Answer<()> {
    let mut sql = Sql::new("update ").name(&collection.name).word(" as t0 set ");
    let mut first = true;
    for (name, value) in item {
        let Some(field) = collection.fields.get(name).filter(|field| !field.is_alias()) else { continue };
        sql = sql.word(if first { "" } else { ", " }).name(name).word(" = ").value(stored(field.kind, value));
        first = false;
    }
    if first {
        return Ok(());
    }
    let sql = sql.word(" where ").then(is_one_of(Sql::column("t0", &collection.key), keys));
    execute(session, collection, item, sql)
}

fn execute(session: &Session<'_>, collection: &Collection, item: &Item, sql: Sql) -> Answer<()> {
    let Sql { text, values } = sql;
    let mut statement = session.db.prepare_cached(&text)?;
    let done = statement.execute(params_from_iter::<&[Stored]>(&values));
    done.map(drop).map_err(|error| constraint::explained(&collection.name, item, error))
}
