//! Items inside items: what a field refers to is written before, what refers to the item after it.

use rusqlite::params_from_iter;
use serde_json::{Map, Value};

use super::Item;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::query::sql::Sql;
use crate::query::values::{stored, text};
use crate::query::{self, Query};
use crate::schema::types::Kind;
use crate::schema::{Collection, Relation};

/// Writes the items that fields refer to, and puts their keys in their places.
pub(crate) fn write_ones(session: &mut Session<'_>, collection: &Collection, item: &mut Item) -> Answer<()> {
    let schema = session.schema.clone();
    for relation in schema.relations.iter().filter(|relation| relation.collection == collection.name) {
        let Some(Value::Object(inner)) = item.get(&relation.field) else { continue };
        let inner = inner.clone();
        let related = match (&relation.related, &relation.one_collection_field) {
            (Some(related), _) => related.clone(),
            (None, Some(field)) => any_of(relation, field, item)?,
            (None, None) => continue,
        };
        let key = super::upsert(session, &related, inner).map_err(|error| error.below(&relation.field))?;
        item.insert(relation.field.clone(), key);
    }
    Ok(())
}

/// The collection that an item says its reference is of.
fn any_of(relation: &Relation, field: &str, item: &Item) -> Answer<String> {
    let place = format!("{}.{}", relation.collection, relation.field);
    let Some(name) = item.get(field).and_then(Value::as_str) else {
        return Err(ApiError::payload(format!(
            "Can't update nested record \"{place}\" without field \"{}.{field}\" being set",
            relation.collection
        )));
    };
    match relation.allowed.iter().any(|it| it == name) {
        true => Ok(name.into()),
        false => Err(ApiError::payload(format!("\"{place}\" can't be linked to collection \"{name}\""))),
    }
}

/// Takes the lists out of an item: they are written when its key is known.
pub(crate) fn take_lists(
    session: &Session<'_>,
    collection: &Collection,
    item: &mut Item,
) -> Vec<(Relation, Value)> {
    let mut lists = Vec::new();
    for relation in &session.schema.relations {
        let (Some(field), true) =
            (&relation.one_field, relation.related.as_deref() == Some(&collection.name))
        else {
            continue;
        };
        if let Some(list) = item.get(field).filter(|list| !list.is_null()) {
            lists.push((relation.clone(), list.clone()));
            item.shift_remove(field);
        }
    }
    lists
}

/// Writes the list of an item: all of it, or the changes to it.
pub(crate) fn write_list(
    session: &mut Session<'_>,
    relation: &Relation,
    key: &Value,
    list: Value,
) -> Answer<()> {
    let field = relation.one_field.as_deref().unwrap_or_default();
    let written = match list {
        Value::Array(items) => replace(session, relation, key, items),
        Value::Object(changes) => amend(session, relation, key, changes),
        _ => Err(ApiError::payload("Invalid one-to-many update structure: \"value\" must be of type object")),
    };
    written.map_err(|error| error.below(field))
}

/// The list is these items and no others.
fn replace(session: &mut Session<'_>, relation: &Relation, parent: &Value, items: Vec<Value>) -> Answer<()> {
    let mut kept = Vec::new();
    let schema = session.schema.clone();
    let collection = schema.collection(&relation.collection)?;
    for item in items {
        // A key alone means an item that is there.
        if !item.is_object() && !super::exists(session, collection, &item)? {
            return Err(ApiError::forbidden(None));
        }
        let mut item = child(session, relation, item)?;
        item.insert(relation.field.clone(), parent.clone());
        kept.push(super::upsert(session, &relation.collection, item)?);
    }
    let theirs = children(session, relation, parent)?;
    let gone: Vec<Value> =
        theirs.into_iter().filter(|key| !kept.iter().any(|it| text(it) == text(key))).collect();
    deselect(session, relation, &gone)
}

/// Changes to the list: `{create: […], update: […], delete: […]}`.
fn amend(
    session: &mut Session<'_>,
    relation: &Relation,
    parent: &Value,
    mut changes: Map<String, Value>,
) -> Answer<()> {
    let schema = session.schema.clone();
    let key = &schema.collection(&relation.collection)?.key;
    let mut part = |name: &str| match changes.shift_remove(name) {
        Some(Value::Array(items)) => Ok(items),
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(_) => Err(ApiError::payload(format!("\"{name}\" has to be an array"))),
    };
    let (create, update, delete) = (part("create")?, part("update")?, part("delete")?);
    let last = if create.is_empty() { 0 } else { last_place(session, relation, parent)? };
    for (index, item) in (1..).zip(create) {
        let Value::Object(mut item) = item else {
            return Err(ApiError::payload("\"create\" has to hold objects"));
        };
        item.insert(relation.field.clone(), parent.clone());
        if let Some(field) = &relation.sort_field {
            item.entry(field.clone()).or_insert_with(|| (last + index).into());
        }
        super::create_one(session, &relation.collection, item)?;
    }
    for item in update {
        let mut item = child(session, relation, item)?;
        let Some(own) = item.shift_remove(key) else {
            return Err(ApiError::payload("Item in update misses primary key"));
        };
        item.entry(relation.field.clone()).or_insert_with(|| parent.clone());
        super::update(session, &relation.collection, &[own], &item)?;
    }
    deselect(session, relation, &delete)
}

/// An item of a list, stated by its key or as an object.
fn child(session: &Session<'_>, relation: &Relation, item: Value) -> Answer<Item> {
    match item {
        Value::Object(item) => Ok(item),
        Value::String(_) | Value::Number(_) => {
            let key = session.schema.collection(&relation.collection)?.key.clone();
            Ok(Map::from_iter([(key, item)]))
        }
        _ => Err(ApiError::payload("A nested item has to be an object or a key")),
    }
}

/// The highest place in a list that is in an order.
fn last_place(session: &Session<'_>, relation: &Relation, parent: &Value) -> Answer<i64> {
    let Some(field) = &relation.sort_field else { return Ok(0) };
    let child = session.schema.collection(&relation.collection)?;
    let kind = child.fields.get(&relation.field).map_or(Kind::Unknown, |field| field.kind);
    let sql = Sql::new("select max(").name(field).word(") from ").name(&child.name).word(" where ");
    let sql = sql.name(&relation.field).word(" = ").value(stored(kind, parent));
    let last = session
        .db
        .prepare_cached(&sql.text)?
        .query_row(params_from_iter(sql.values), |row| row.get::<_, Option<i64>>(0));
    Ok(last?.unwrap_or(0))
}

fn children(session: &Session<'_>, relation: &Relation, parent: &Value) -> Answer<Vec<Value>> {
    let filter = serde_json::json!({relation.field.clone(): {"_eq": parent}});
    let query = Query { filter: Some(filter), limit: Some(-1), ..Query::default() };
    session.elevated(|session| query::keys(session, &relation.collection, &query))
}

/// What left the list is let go, or deleted where the relation says so.
fn deselect(session: &mut Session<'_>, relation: &Relation, keys: &[Value]) -> Answer<()> {
    if keys.is_empty() {
        return Ok(());
    }
    if relation.deselect_deletes {
        return super::delete(session, &relation.collection, keys);
    }
    let nothing = Map::from_iter([(relation.field.clone(), Value::Null)]);
    super::update(session, &relation.collection, keys, &nothing).map(drop)
}
