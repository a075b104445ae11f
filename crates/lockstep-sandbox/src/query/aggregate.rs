//! Counts, sums and their kin, of all items or by groups.

use rusqlite::params_from_iter;
use rusqlite::types::Value as Stored;
use serde_json::{Map, Value};

use super::cases::{seen, showing};
use super::rows::Choice;
use super::selection::{Function, missing};
use super::sql::Sql;
use super::values::shown;
use super::{Query, functions, restriction};
use crate::access;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::{Collection, Field};

/// One result: of which function, of which field, and how its value is shown.
struct Part<'a> {
    function: &'static str,
    field: String,
    sql: Sql,
    shown_as: Option<&'a Field>,
}

/// Rows of aggregates, `[{"count": 3}]` or `[{"status": "draft", "sum": {"price": 7}}]`.
///
/// # Errors
/// `INVALID_QUERY` for a function that is none.
pub(crate) fn read(
    session: &Session<'_>,
    collection: &Collection,
    query: &Query,
    choice: &Choice,
) -> Answer<Vec<Value>> {
    let allowed = access::rule(session, &collection.name, "read")?;
    let allowed = allowed.ok_or_else(|| ApiError::no_collection(&collection.name))?.fields;
    let of_functions = query.aggregate.values().flat_map(super::parse::list);
    let mut named: Vec<String> = of_functions
        .chain(query.group.clone())
        .map(|field| Function::parse(&field).map_or(field, |function| function.field))
        .collect();
    named.retain(|field| field != "*");
    if let Some(field) = named.iter().find(|field| !allowed.contains(field)) {
        return Err(missing(collection, field, "root"));
    }
    let parts = parts(session, collection, query)?;
    let groups = groups(session, collection, query)?;
    let mut sql = Sql::new("select ");
    let pieces =
        groups.iter().map(|(_, sql, _)| sql.clone()).chain(parts.iter().map(|part| part.sql.clone()));
    if groups.is_empty() && parts.is_empty() {
        return Ok(vec![Value::Object(Map::new())]);
    }
    for (index, piece) in pieces.enumerate() {
        sql = sql.word(if index > 0 { ", " } else { "" }).then(piece);
    }
    sql = sql.word(" from ").name(&collection.name).word(" t0");
    let mut conditions: Vec<Sql> = choice.condition.clone().into_iter().collect();
    conditions.extend(restriction(session, collection)?);
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    conditions.extend(showing(session, collection, &named)?);
    sql = sql.word(" where ").then(Sql::joined(conditions, " and ", "1"));
    for (index, (_, group, _)) in groups.iter().enumerate() {
        sql = sql.word(if index > 0 { ", " } else { " group by " }).then(group.clone());
    }
    sql = ordered(sql, query, &groups, &parts);
    let (skipped, most) = query.window();
    sql = sql
        .word(" limit ")
        .value(Stored::Integer(most.unwrap_or(-1)))
        .word(" offset ")
        .value(Stored::Integer(skipped));
    let mut statement = session.db.prepare_cached(&sql.text)?;
    let mut cursor = statement.query(params_from_iter(sql.values))?;
    let mut rows = Vec::new();
    while let Some(row) = cursor.next()? {
        let mut item = Map::new();
        for (index, (key, _, field)) in groups.iter().enumerate() {
            item.insert(key.clone(), shown(field.unwrap_or(&Field::number()), row.get_ref(index)?));
        }
        for (index, part) in parts.iter().enumerate() {
            let value = shown(part.shown_as.unwrap_or(&Field::number()), row.get_ref(groups.len() + index)?);
            if part.field == "*" {
                item.insert(part.function.into(), value);
            } else if let Some(inner) =
                item.entry(part.function).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
            {
                inner.insert(part.field.clone(), value);
            }
        }
        rows.push(Value::Object(item));
    }
    Ok(rows)
}

/// By what the query says: groups, or results as `count.id`.
fn ordered(mut sql: Sql, query: &Query, groups: &[Group<'_>], parts: &[Part<'_>]) -> Sql {
    let mut word = " order by ";
    for sort in &query.sort {
        let (path, direction) = match sort.strip_prefix('-') {
            Some(path) => (path, " desc"),
            None => (sort.as_str(), " asc"),
        };
        let of_group = groups.iter().find(|(key, ..)| key == path).map(|(_, sql, _)| sql.clone());
        let named = |part: &&Part<'_>| {
            path.split_once('.')
                .map_or(path == part.function, |(name, field)| name == part.function && field == part.field)
        };
        let Some(piece) = of_group.or_else(|| parts.iter().find(named).map(|part| part.sql.clone())) else {
            continue;
        };
        sql = sql.word(word).then(piece).word(direction);
        word = ", ";
    }
    sql
}

fn parts<'a>(session: &Session<'_>, collection: &'a Collection, query: &Query) -> Answer<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    for (name, fields) in &query.aggregate {
        for field in super::parse::list(fields) {
            parts.extend(part(session, collection, name, &field)?);
        }
    }
    Ok(parts)
}

/// A function that nobody knows gives nothing.
fn part<'a>(
    session: &Session<'_>,
    collection: &'a Collection,
    name: &str,
    field: &str,
) -> Answer<Option<Part<'a>>> {
    let (function, before, after) = match name {
        "count" => ("count", "count(", ")"),
        "countDistinct" => ("countDistinct", "count(distinct ", ")"),
        "sum" => ("sum", "sum(", ")"),
        "sumDistinct" => ("sumDistinct", "sum(distinct ", ")"),
        "avg" => ("avg", "avg(", ")"),
        "avgDistinct" => ("avgDistinct", "avg(distinct ", ")"),
        "min" => ("min", "min(", ")"),
        "max" => ("max", "max(", ")"),
        _ => return Ok(None),
    };
    if field == "*" {
        return Ok(Some(Part { function, field: "*".into(), sql: Sql::new("count(*)"), shown_as: None }));
    }
    let known = collection
        .fields
        .get(field)
        .filter(|it| !it.is_alias())
        .ok_or_else(|| missing(collection, field, "root"))?;
    let keeps = matches!(name, "min" | "max").then_some(known);
    let sql = Sql::new(before).then(seen(session, collection, field)?).word(after);
    Ok(Some(Part { function, field: field.into(), sql, shown_as: keeps }))
}

type Group<'a> = (String, Sql, Option<&'a Field>);

fn groups<'a>(session: &Session<'_>, collection: &'a Collection, query: &Query) -> Answer<Vec<Group<'a>>> {
    let mut groups = Vec::new();
    for name in &query.group {
        if let Some(function) = Function::parse(name) {
            let field = collection
                .fields
                .get(&function.field)
                .ok_or_else(|| missing(collection, &function.field, "root"))?;
            groups.push((
                function.key(),
                functions::apply(&function, field, seen(session, collection, &field.name)?)?,
                None,
            ));
            continue;
        }
        let field = collection.fields.get(name).filter(|it| !it.is_alias());
        let field = field.ok_or_else(|| missing(collection, name, "root"))?;
        groups.push((name.clone(), seen(session, collection, name)?, Some(field)));
    }
    Ok(groups)
}
