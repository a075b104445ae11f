//! Rows, and what is nested in them: one request of the database for each level, not for each item.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};
use rusqlite::params_from_iter;
use rusqlite::types::Value as Stored;
use serde_json::{Map, Value};

use super::cases::Cases;
use super::filter::Filters;
use super::selection::{Function, KeysOnly, Selection, Source};
use super::sql::Sql;
use super::values::{shown, text};
use super::{Query, functions, restriction};
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::{Collection, Relation};

/// So many items a list shows where the query does not say.
pub(crate) const DEFAULT_LIMIT: i64 = 100;

/// Which rows, in which order.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) condition: Option<Sql>,
    /// Ready for `order by`.
    pub(crate) order: Option<Sql>,
    pub(crate) limit: Option<i64>,
    pub(crate) offset: Option<i64>,
}

/// Items, and beside each the values of other columns that were asked for.
struct Found {
    items: Vec<Value>,
    columns: IndexMap<String, Vec<Value>>,
}

/// Items of a collection as a selection shows them. The choice speaks of the table as `t0`.
pub(crate) fn read(
    session: &Session<'_>,
    collection: &Collection,
    selection: &Selection,
    choice: &Choice,
) -> Answer<Vec<Value>> {
    Ok(find(session, collection, selection, choice, &[])?.items)
}

fn find(
    session: &Session<'_>,
    collection: &Collection,
    selection: &Selection,
    choice: &Choice,
    beside: &[&str],
) -> Answer<Found> {
    let mut columns: IndexSet<String> = beside.iter().map(|name| (*name).to_owned()).collect();
    // An item of which nothing is shown is its key.
    if selection.entries.is_empty() {
        columns.insert(collection.key.clone());
    }
    let mut counted: Vec<(Option<&Function>, Option<&Relation>)> = Vec::new();
    for source in selection.entries.values() {
        match source {
            Source::Column(name) => drop(columns.insert(name.clone())),
            Source::One(relation, ..) => drop(columns.insert(relation.field.clone())),
            Source::Any(relation, _) => {
                columns.insert(relation.field.clone());
                columns.extend(relation.one_collection_field.clone());
            }
            Source::Many(..) => drop(columns.insert(collection.key.clone())),
            Source::Function(function) => counted.push((Some(function), None)),
            Source::Count(relation) => counted.push((None, Some(relation))),
        }
    }
    let mut filters = Filters::new(session);
    let mut pieces: Vec<Sql> = columns.iter().map(|name| Sql::column("t0", name)).collect();
    for (function, relation) in &counted {
        pieces.push(match (function, relation) {
            (Some(function), _) => functions::apply(
                function,
                &collection.fields[&function.field],
                Sql::column("t0", &function.field),
            )?,
            (None, Some(relation)) => filters.count(collection, "t0", relation),
            (None, None) => Sql::new("null"),
        });
    }
    let cases = Cases::of(session, collection)?;
    pieces.extend(cases.conditions.iter().cloned());
    let sql = statement(collection, pieces, choice);
    let (mut rows, mut fits) = (Vec::new(), Vec::new());
    let mut statement = session.db.prepare_cached(&sql.text)?;
    let mut cursor = statement.query(params_from_iter(sql.values))?;
    while let Some(row) = cursor.next()? {
        let mut values = Vec::with_capacity(columns.len() + counted.len());
        for (index, name) in columns.iter().enumerate() {
            values.push(shown(&collection.fields[name.as_str()], row.get_ref(index)?));
        }
        for index in columns.len()..columns.len() + counted.len() {
            values.push(row.get::<_, Option<i64>>(index)?.map_or(Value::Null, Value::from));
        }
        let conditions = columns.len() + counted.len()..;
        let flags = conditions.take(cases.conditions.len()).map(|index| row.get::<_, Option<bool>>(index));
        fits.push(flags.map(|it| Ok(it?.unwrap_or(false))).collect::<Answer<Vec<bool>>>()?);
        rows.push(values);
    }
    let mut items: Vec<Map<String, Value>> =
        rows.iter().map(|_| Map::with_capacity(selection.entries.len())).collect();
    let mut functions_seen = columns.len();
    for (key, source) in &selection.entries {
        let place = |name: &str| columns.get_index_of(name).unwrap_or_default();
        match source {
            Source::Column(name)
                if selection.needs_once(name)
                    && *name != collection.key
                    && !beside.contains(&name.as_str()) =>
            {
                let place = place(name);
                put(&mut items, key, rows.iter_mut().map(|row| std::mem::take(&mut row[place])));
            }
            Source::Column(name) => {
                let place = place(name);
                put(&mut items, key, rows.iter().map(|row| row[place].clone()));
            }
            Source::Function(_) | Source::Count(_) => {
                put(&mut items, key, rows.iter().map(|row| row[functions_seen].clone()));
                functions_seen += 1;
            }
            Source::One(relation, selection, query) => {
                let place = place(&relation.field);
                let keys: Vec<Value> = rows.iter().map(|row| row[place].clone()).collect();
                let related = relation.related.as_deref().unwrap_or_default();
                let behind = by_key(session, related, selection, Some(query), &keys)?;
                let values =
                    keys.iter().map(|key| copy(session, &behind, key)).collect::<Answer<Vec<_>>>()?;
                put(&mut items, key, values.into_iter());
            }
            Source::Many(relation, selection, query, keys_only) => {
                let place = place(&collection.key);
                let keys: Vec<Value> = rows.iter().map(|row| row[place].clone()).collect();
                let mut lists = lists(session, relation, selection, query, *keys_only, &keys)?;
                put(
                    &mut items,
                    key,
                    keys.iter().map(|key| Value::Array(lists.remove(&text(key)).unwrap_or_default())),
                );
            }
            Source::Any(relation, selections) => {
                let names = place(relation.one_collection_field.as_deref().unwrap_or_default());
                let place = place(&relation.field);
                let mut values: Vec<Value> = rows.iter().map(|row| row[place].clone()).collect();
                for (name, selection) in selections {
                    let here = |row: &Vec<Value>| row[names].as_str() == Some(name);
                    let keys: Vec<Value> =
                        rows.iter().filter(|row| here(row)).map(|row| row[place].clone()).collect();
                    let behind = by_key(session, name, selection, None, &keys)?;
                    for (row, value) in rows.iter().zip(&mut values).filter(|(row, _)| here(row)) {
                        *value = copy(session, &behind, &row[place])?;
                    }
                }
                put(&mut items, key, values.into_iter());
            }
        }
    }
    cases.hide(selection, &mut items, &fits);
    let key = columns.get_index_of(&collection.key).unwrap_or_default();
    let items = match selection.entries.is_empty() {
        true => rows.iter().map(|row| row[key].clone()).collect(),
        false => items.into_iter().map(Value::Object).collect(),
    };
    let mut found = Found { items, columns: IndexMap::new() };
    for name in beside {
        let place = columns.get_index_of(*name).unwrap_or_default();
        found.columns.insert((*name).into(), rows.iter().map(|row| row[place].clone()).collect());
    }
    Ok(found)
}

fn statement(collection: &Collection, pieces: Vec<Sql>, choice: &Choice) -> Sql {
    let mut sql = Sql::new("select ");
    if pieces.is_empty() {
        sql = sql.word("1");
    }
    for (index, piece) in pieces.into_iter().enumerate() {
        sql = sql.word(if index > 0 { ", " } else { "" }).then(piece);
    }
    sql = sql.word(" from ").name(&collection.name).word(" t0");
    if let Some(condition) = &choice.condition {
        sql = sql.word(" where ").then(condition.clone());
    }
    if let Some(order) = &choice.order {
        sql = sql.word(" order by ").then(order.clone());
    }
    if choice.limit.is_some() || choice.offset.is_some() {
        sql = sql.word(" limit ").value(Stored::Integer(choice.limit.unwrap_or(-1)));
        sql = sql.word(" offset ").value(Stored::Integer(choice.offset.unwrap_or(0)));
    }
    sql
}

fn put(items: &mut [Map<String, Value>], key: &str, values: impl Iterator<Item = Value>) {
    for (item, value) in items.iter_mut().zip(values) {
        item.insert(key.into(), value);
    }
}

/// So many values of an answer may be copies: items that show each other in circles would grow beyond all memory.
const MOST_COPIES: u64 = 2_000_000;

/// A copy of the item of a key, since the same item may be behind many.
fn copy(session: &Session<'_>, items: &HashMap<String, Value>, key: &Value) -> Answer<Value> {
    let Some(item) = items.get(&text(key)) else { return Ok(Value::Null) };
    let copies = session.copies.get() + values(item);
    session.copies.set(copies);
    match copies > MOST_COPIES {
        true => Err(ApiError::query("The answer is too large: the same items are asked for over and over")),
        false => Ok(item.clone()),
    }
}

/// How many values there are in a value.
fn values(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(values).sum::<u64>(),
        Value::Object(fields) => 1 + fields.values().map(values).sum::<u64>(),
        _ => 1,
    }
}

/// The condition that a column is one of these keys: one value for the database, however many they are.
pub(crate) fn is_one_of(column: Sql, keys: &[Value]) -> Sql {
    let keys: Vec<Value> = keys.iter().filter(|key| !key.is_null()).cloned().collect();
    let list = Value::Array(keys).to_string();
    column.word(" in (select value from json_each(").value(Stored::Text(list)).word("))")
}

fn by_key(
    session: &Session<'_>,
    name: &str,
    selection: &Selection,
    query: Option<&Query>,
    keys: &[Value],
) -> Answer<HashMap<String, Value>> {
    let collection = session.schema.collection(name)?;
    let mut condition = is_one_of(Sql::column("t0", &collection.key), keys);
    let filter = query.map(|query| query.condition(session, collection)).transpose()?.flatten();
    for more in [filter, restriction(session, collection)?].into_iter().flatten() {
        condition = condition.word(" and ").then(more);
    }
    let choice = Choice { condition: Some(condition), ..Choice::default() };
    let found = find(session, collection, selection, &choice, &[&collection.key])?;
    let keys = found.columns.into_values().next().unwrap_or_default();
    Ok(keys.iter().map(text).zip(found.items).collect())
}

/// The items that refer to each of these keys.
fn lists(
    session: &Session<'_>,
    relation: &Relation,
    selection: &Selection,
    query: &Query,
    keys_only: KeysOnly,
    keys: &[Value],
) -> Answer<HashMap<String, Vec<Value>>> {
    let child = session.schema.collection(&relation.collection)?;
    let mut condition = is_one_of(Sql::column("t0", &relation.field), keys);
    for more in [query.condition(session, child)?, restriction(session, child)?].into_iter().flatten() {
        condition = condition.word(" and ").then(more);
    }
    let order = match (&relation.sort_field, query.sort.is_empty()) {
        (Some(field), true) if child.fields.contains_key(field) => {
            let place = Sql::column("t0", field);
            Some(place.clone().word(" is null, ").then(place).word(", ").then(Sql::column("t0", &child.key)))
        }
        _ => query.order_of_list(session, child)?,
    };
    let choice = Choice { condition: Some(condition), order, ..Choice::default() };
    let found = find(session, child, selection, &choice, &[&relation.field])?;
    let parents = found.columns.into_values().next().unwrap_or_default();
    let (skipped, most) = query.window();
    let mut lists: HashMap<String, (i64, Vec<Value>)> = HashMap::new();
    for (parent, mut item) in parents.iter().zip(found.items) {
        let (seen, list) = lists.entry(text(parent)).or_default();
        *seen += 1;
        if *seen <= skipped || most.is_some_and(|most| *seen > skipped.saturating_add(most)) {
            continue;
        }
        list.push(match keys_only {
            true => item.get_mut(&child.key).map_or(Value::Null, Value::take),
            false => item,
        });
    }
    Ok(lists.into_iter().map(|(key, (_, list))| (key, list)).collect())
}
