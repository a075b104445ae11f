//! Rows, and what is nested in them: one request of the database for each level, not for each item.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};
use rusqlite::params_from_iter;
use rusqlite::types::Value as Stored;
use serde_json::{Map, Value};

use super::filter::Filters;
use super::selection::{Function, KeysOnly, Selection, Source};
use super::sql::Sql;
use super::values::{shown, stored, text};
use super::{Query, functions, restriction};
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::table::quote;
use crate::schema::types::Kind;
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
    items: Vec<Map<String, Value>>,
    columns: IndexMap<String, Vec<Value>>,
}

/// Items of a collection as a selection shows them. The choice speaks of the table as `t0`.
pub(crate) fn read(
    session: &Session<'_>,
    collection: &Collection,
    selection: &Selection,
    choice: &Choice,
) -> Answer<Vec<Value>> {
    let found = find(session, collection, selection, choice, &[])?;
    Ok(found.items.into_iter().map(Value::Object).collect())
}

fn find(
    session: &Session<'_>,
    collection: &Collection,
    selection: &Selection,
    choice: &Choice,
    beside: &[&str],
) -> Answer<Found> {
    let mut columns: IndexSet<String> = beside.iter().map(|name| (*name).to_owned()).collect();
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
    let sql = statement(collection, pieces, choice);
    let mut rows = Vec::new();
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
        rows.push(values);
    }
    let mut found = Found { items: vec![Map::new(); rows.len()], columns: IndexMap::new() };
    let mut functions_seen = columns.len();
    for (key, source) in &selection.entries {
        let place = |name: &str| columns.get_index_of(name).unwrap_or_default();
        match source {
            Source::Column(name) => {
                let place = place(name);
                put(&mut found.items, key, rows.iter().map(|row| row[place].clone()));
            }
            Source::Function(_) | Source::Count(_) => {
                put(&mut found.items, key, rows.iter().map(|row| row[functions_seen].clone()));
                functions_seen += 1;
            }
            Source::One(relation, selection, query) => {
                let place = place(&relation.field);
                let keys: Vec<Value> = rows.iter().map(|row| row[place].clone()).collect();
                let related = relation.related.as_deref().unwrap_or_default();
                let mut items = by_key(session, related, selection, Some(query), &keys)?;
                put(&mut found.items, key, keys.iter().map(|key| take(&mut items, key)));
            }
            Source::Many(relation, selection, query, keys_only) => {
                let place = place(&collection.key);
                let keys: Vec<Value> = rows.iter().map(|row| row[place].clone()).collect();
                let mut lists = lists(session, relation, selection, query, *keys_only, &keys)?;
                put(
                    &mut found.items,
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
                    let mut items = by_key(session, name, selection, None, &keys)?;
                    for (row, value) in rows.iter().zip(&mut values).filter(|(row, _)| here(row)) {
                        *value = take(&mut items, &row[place]);
                    }
                }
                put(&mut found.items, key, values.into_iter());
            }
        }
    }
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

/// The item of a key; the same item may be behind many, so all but the last take a copy.
fn take(items: &mut HashMap<String, Value>, key: &Value) -> Value {
    items.get(&text(key)).cloned().unwrap_or(Value::Null)
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
    Ok(keys.iter().map(text).zip(found.items.into_iter().map(Value::Object)).collect())
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
        if *seen <= skipped || most.is_some_and(|most| *seen > skipped + most) {
            continue;
        }
        list.push(match keys_only {
            true => item.shift_remove(&child.key).unwrap_or(Value::Null),
            false => Value::Object(item),
        });
    }
    Ok(lists.into_iter().map(|(key, (_, list))| (key, list)).collect())
}

impl Query {
    /// How many items are skipped, and how many follow at most.
    pub(crate) fn window(&self) -> (i64, Option<i64>) {
        let limit = match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit if limit < 0 => None,
            limit => Some(limit),
        };
        let skipped = match (self.page, limit) {
            (Some(page), Some(limit)) => (page - 1).saturating_mul(limit),
            _ => self.offset.unwrap_or(0),
        };
        (skipped, limit)
    }

    /// The condition of `filter` and `search`, for the table as `t0`.
    pub(crate) fn condition(&self, session: &Session<'_>, collection: &Collection) -> Answer<Option<Sql>> {
        let mut conditions = Vec::new();
        if let Some(filter) = &self.filter {
            conditions.push(Filters::new(session).condition(collection, "t0", filter)?);
        }
        if let Some(search) = self.search.as_deref().filter(|search| !search.is_empty()) {
            conditions.push(search_condition(session, collection, search)?);
        }
        Ok((!conditions.is_empty()).then(|| Sql::joined(conditions, " and ", "1")))
    }

    /// The order, for the table as `t0`: by key where nothing is said.
    pub(crate) fn order(&self, session: &Session<'_>, collection: &Collection) -> Answer<Option<Sql>> {
        self.ordered(session, collection, false)
    }

    /// The same for a list inside an item, where null comes last.
    fn order_of_list(&self, session: &Session<'_>, collection: &Collection) -> Answer<Option<Sql>> {
        self.ordered(session, collection, true)
    }

    fn ordered(
        &self,
        session: &Session<'_>,
        collection: &Collection,
        null_last: bool,
    ) -> Answer<Option<Sql>> {
        let mut order = Sql::default();
        let default = [collection.sort_field.clone().unwrap_or_else(|| collection.key.clone())];
        let sort: &[String] = if self.sort.is_empty() { &default } else { &self.sort };
        let gone: Vec<&str> = sort.iter().filter_map(|field| gone(collection, field)).collect();
        if !gone.is_empty() {
            return Err(super::selection::missing_all(collection, &gone, "root"));
        }
        for (index, field) in sort.iter().enumerate() {
            let (path, word) = match field.strip_prefix('-') {
                Some(path) => (path, " desc"),
                None => (field.strip_prefix('+').unwrap_or(field), " asc"),
            };
            let piece = sort_by(session, collection, "t0", path, 1)?;
            order = order.word(if index > 0 { ", " } else { "" });
            if null_last {
                order = order.then(piece.clone()).word(" is null, ");
            }
            order = order.then(piece).word(word);
        }
        Ok(Some(order))
    }
}

/// The field that a sort speaks of and that is not there.
fn gone<'a>(collection: &Collection, sort: &'a str) -> Option<&'a str> {
    let path = sort.strip_prefix(['-', '+']).unwrap_or(sort);
    let first = path.split('.').next().unwrap_or(path);
    (!path.contains('(') && !collection.fields.contains_key(first)).then_some(first)
}

/// What a path of fields sorts by: the field itself, or that of the item behind it.
fn sort_by(
    session: &Session<'_>,
    collection: &Collection,
    alias: &str,
    path: &str,
    depth: u32,
) -> Answer<Sql> {
    let missing = |field: &str| super::selection::missing(collection, field, "root");
    if let Some(function) = Function::parse(path) {
        let field = collection.fields.get(&function.field).ok_or_else(|| missing(&function.field))?;
        if let (true, Some(relation)) =
            (function.name == "count", session.schema.towards(&collection.name, &field.name))
        {
            return Ok(Filters::new(session).count(collection, alias, relation));
        }
        return functions::apply(&function, field, Sql::column(alias, &field.name));
    }
    let (field, rest) = path.split_once('.').map_or((path, None), |(field, rest)| (field, Some(rest)));
    let known = collection.fields.get(field).ok_or_else(|| missing(field))?;
    let may = crate::access::rule(session, &collection.name, "read")?;
    if !may.is_some_and(|rule| rule.fields.contains(field)) {
        return Err(missing(field));
    }
    let Some(rest) = rest else {
        return match known.is_alias() {
            false => Ok(Sql::column(alias, field)),
            true => Err(missing(field)),
        };
    };
    if depth > 10 {
        return Err(ApiError::query("Sort is nested too deeply"));
    }
    let other = format!("s{depth}");
    let (related, matches) =
        match (session.schema.from(&collection.name, field), session.schema.towards(&collection.name, field))
        {
            (Some(relation), _) if relation.related.is_some() => {
                let related = session.schema.collection(relation.related.as_deref().unwrap_or_default())?;
                (related, Sql::column(&other, &related.key).word(" = ").then(Sql::column(alias, field)))
            }
            (_, Some(relation)) => {
                let related = session.schema.collection(&relation.collection)?;
                (
                    related,
                    Sql::column(&other, &relation.field)
                        .word(" = ")
                        .then(Sql::column(alias, &collection.key)),
                )
            }
            _ => return Err(missing(field)),
        };
    let inner = sort_by(session, related, &other, rest, depth + 1)?;
    Ok(Sql::new("(select ")
        .then(inner)
        .word(&format!(" from {} {other} where ", quote(&related.name)))
        .then(matches)
        .word(" limit 1)"))
}

/// A search looks into the texts that may be read, and into numbers and UUIDs for what is one.
fn search_condition(session: &Session<'_>, collection: &Collection, search: &str) -> Answer<Sql> {
    let mut conditions = Vec::new();
    let allowed = crate::access::rule(session, &collection.name, "read")?;
    let seen = |field: &&crate::schema::Field| {
        let may = allowed.as_ref().is_some_and(|rule| rule.fields.contains(&field.name));
        may && field.searchable && !field.has("conceal")
    };
    for field in collection.fields.values().filter(seen) {
        let column = Sql::column("t0", &field.name);
        if field.kind.is_text() {
            let pattern = format!("%{}%", search.to_lowercase());
            conditions.push(Sql::new("lower(").then(column).word(") like ").value(Stored::Text(pattern)));
        } else if field.kind.is_number() && search.parse::<f64>().is_ok()
            || field.kind == Kind::Uuid && uuid::Uuid::parse_str(search).is_ok()
        {
            conditions.push(column.word(" = ").value(stored(field.kind, &search.into())));
        }
    }
    Ok(Sql::joined(conditions, " or ", "0"))
}
