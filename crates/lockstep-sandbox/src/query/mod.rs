//! Reading items.

mod aggregate;
mod cases;
pub(crate) mod filter;
pub(crate) mod functions;
pub(crate) mod operators;
mod order;
mod parse;
pub(crate) mod rows;
pub(crate) mod selection;
pub(crate) mod sql;
pub(crate) mod values;
pub(crate) mod variables;

use rusqlite::params_from_iter;
use serde_json::{Map, Value, json};

use self::filter::Filters;
use self::rows::{Choice, is_one_of};
use self::selection::select;
use self::sql::Sql;
use crate::access;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::Collection;

/// What is asked of a collection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub(crate) fields: Vec<String>,
    pub(crate) filter: Option<Value>,
    pub(crate) sort: Vec<String>,
    /// -1 for all.
    pub(crate) limit: Option<i64>,
    pub(crate) offset: Option<i64>,
    /// From 1.
    pub(crate) page: Option<i64>,
    pub(crate) search: Option<String>,
    pub(crate) meta: Vec<String>,
    /// `{"count": ["*"]}`.
    pub(crate) aggregate: Map<String, Value>,
    pub(crate) group: Vec<String>,
    /// Queries of nested items: `{"comments": {"_limit": 3}}`.
    pub(crate) deep: Map<String, Value>,
    /// Other names of fields: `{"shown": "field"}`.
    pub(crate) alias: Map<String, Value>,
    /// True if stars in `fields` do not lead back the way they came.
    pub(crate) without_backlinks: bool,
}

/// Items of a collection (or rows of aggregates).
///
/// # Errors
/// As for collections and fields that are not there, and for queries that make no sense.
pub(crate) fn read(session: &mut Session<'_>, collection: &str, query: &Query) -> Answer<Vec<Value>> {
    let schema = session.schema.clone();
    let collection = schema.collection(collection)?;
    // Who may see nothing of it is not told of its fields either.
    let restriction = restriction(session, collection)?;
    let condition = query.condition(session, collection)?;
    if !query.aggregate.is_empty() || !query.group.is_empty() {
        return aggregate::read(session, collection, query, &Choice { condition, ..Choice::default() });
    }
    let selection = select(session, &collection.name, query, "root")?;
    let (skipped, most) = query.window();
    let choice = Choice {
        condition: both(condition, restriction),
        order: query.order(session, collection)?,
        limit: most,
        offset: (skipped > 0).then_some(skipped),
    };
    rows::read(session, collection, &selection, &choice)
}

/// Items by their keys, in the order of the collection.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_keys(
    session: &mut Session<'_>,
    collection: &str,
    keys: &[Value],
    query: &Query,
) -> Answer<Vec<Value>> {
    let schema = session.schema.clone();
    let collection = schema.collection(collection)?;
    let condition = Some(is_one_of(Sql::column("t0", &collection.key), keys));
    let condition = both(condition, query.condition(session, collection)?);
    let selection = select(session, &collection.name, query, "root")?;
    let choice = Choice {
        condition: both(condition, restriction(session, collection)?),
        order: query.order(session, collection)?,
        ..Choice::default()
    };
    rows::read(session, collection, &selection, &choice)
}

/// One item by its key.
///
/// # Errors
/// `FORBIDDEN` when there is none, and as [`read`].
pub(crate) fn read_one(
    session: &mut Session<'_>,
    collection: &str,
    key: &Value,
    query: &Query,
) -> Answer<Value> {
    let item = read_keys(session, collection, std::slice::from_ref(key), query)?.into_iter().next();
    item.ok_or_else(|| ApiError::forbidden(None))
}

/// The one item of a singleton; its defaults while there is none.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_singleton(session: &mut Session<'_>, collection: &str, query: &Query) -> Answer<Value> {
    let one = Query { limit: Some(1), ..query.clone() };
    if let Some(item) = read(session, collection, &one)?.into_iter().next() {
        return Ok(item);
    }
    let schema = session.schema.clone();
    let selection = select(session, collection, query, "root")?;
    let collection = schema.collection(collection)?;
    // Only what has a default is told, and that there is no key.
    let default = |name: &String| {
        let field = collection.fields.get(name)?;
        (field.default.is_some() || *name == collection.key).then(|| crate::write::default_of(field))
    };
    Ok(Value::Object(
        selection.entries.keys().filter_map(|name| Some((name.clone(), default(name)?))).collect(),
    ))
}

/// `meta` of an answer, where the query asks for it.
///
/// # Errors
/// As [`read`].
pub(crate) fn meta(session: &mut Session<'_>, collection: &str, query: &Query) -> Answer<Option<Value>> {
    if query.meta.is_empty() {
        return Ok(None);
    }
    let schema = session.schema.clone();
    let collection = schema.collection(collection)?;
    let wants = |name: &str| query.meta.iter().any(|it| it == name || it == "*");
    let mut meta = Map::new();
    if wants("total_count") {
        let total = count(session, collection, restriction(session, collection)?)?;
        meta.insert("total_count".into(), total.into());
    }
    if wants("filter_count") {
        let condition = both(query.condition(session, collection)?, restriction(session, collection)?);
        meta.insert("filter_count".into(), count(session, collection, condition)?.into());
    }
    Ok(Some(json!(meta)))
}

fn count(session: &Session<'_>, collection: &Collection, condition: Option<Sql>) -> Answer<i64> {
    let mut sql = Sql::new("select count(*) from ").name(&collection.name).word(" t0");
    if let Some(condition) = condition {
        sql = sql.word(" where ").then(condition);
    }
    Ok(session.db.prepare_cached(&sql.text)?.query_row(params_from_iter(sql.values), |row| row.get(0))?)
}

/// The keys of the items that a query finds.
///
/// # Errors
/// As [`read`].
pub(crate) fn keys(session: &mut Session<'_>, collection: &str, query: &Query) -> Answer<Vec<Value>> {
    let key = session.schema.collection(collection)?.key.clone();
    let query = Query { fields: vec![key.clone()], ..query.clone() };
    let items = read(session, collection, &query)?;
    Ok(items.into_iter().filter_map(|item| item.get(&key).cloned()).collect())
}

/// Refuses somebody who may not see all items of a collection: a number of them would tell of the others.
///
/// # Errors
/// `FORBIDDEN`.
pub(crate) fn refuse_unseen(session: &Session<'_>, collection: &str) -> Answer<()> {
    match access::rule(session, collection, "read")? {
        Some(rule) if rule.filter.is_none() => Ok(()),
        _ => Err(ApiError::no_collection(collection)),
    }
}

/// What the asker may see of a collection, as a condition; none for all of it.
///
/// # Errors
/// Where nothing of it may be seen.
pub(crate) fn restriction(session: &Session<'_>, collection: &Collection) -> Answer<Option<Sql>> {
    let rule = access::rule(session, &collection.name, "read")?
        .ok_or_else(|| ApiError::no_collection(&collection.name))?;
    rule.filter.map(|filter| Filters::trusted(session).condition(collection, "t0", &filter)).transpose()
}

fn both(one: Option<Sql>, other: Option<Sql>) -> Option<Sql> {
    let pieces: Vec<Sql> = one.into_iter().chain(other).collect();
    (!pieces.is_empty()).then(|| Sql::joined(pieces, " and ", "1"))
}
