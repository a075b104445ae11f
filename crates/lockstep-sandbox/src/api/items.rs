//! Items of any collection: lists and single ones, read and written.

use serde_json::{Map, Value, json};

use super::batch::{Scope, Which, items, which};
use super::call::Call;
use super::export;
use super::reply::Reply;
use crate::error::{Answer, ApiError};
use crate::query::{self, Query};
use crate::write;

/// A collection as an endpoint shows it.
pub(crate) struct Endpoint<'a> {
    pub(crate) collection: &'a str,
    pub(crate) singleton: bool,
    /// Reads only.
    pub(crate) fixed: bool,
}

/// Answers at `/items/:collection`.
pub(crate) fn content(call: &Call<'_>, collection: &str, rest: &[String]) -> Answer<Reply> {
    let singleton = call.read(|session| {
        let found = session.schema.collection(collection)?;
        if found.system { Err(ApiError::forbidden(None)) } else { Ok(found.singleton) }
    })?;
    let endpoint = Endpoint { collection, singleton, fixed: false };
    endpoint.answer(call, rest)
}

impl Endpoint<'_> {
    /// Answers.
    pub(crate) fn answer(&self, call: &Call<'_>, rest: &[String]) -> Answer<Reply> {
        match (call.request.method.as_str(), rest) {
            ("GET", []) => self.list(call, &call.query()?, &Which::Any),
            ("SEARCH", []) => self.search(call),
            ("GET", [key]) => self.one(call, key),
            _ if self.fixed => call.no_route(),
            ("PATCH", [_]) if self.singleton => self.hidden(call),
            ("POST", []) if self.singleton => self.hidden(call),
            ("PATCH", []) if self.singleton => self.upsert(call),
            ("POST", []) => self.create(call),
            ("PATCH", []) => self.update(call),
            ("PATCH", [key]) => self.update_one(call, key),
            ("DELETE", []) => self.delete(call),
            ("DELETE", [key]) => {
                let key = Value::from(key.as_str());
                call.write(|session| write::delete(session, self.collection, &[key]))?;
                Ok(Reply::nothing())
            }
            _ => call.no_route(),
        }
    }

    /// A singleton knows neither keys nor creation; the real one names the path from the mount of its routes.
    fn hidden(&self, call: &Call<'_>) -> Answer<Reply> {
        Err(ApiError::no_route(&call.below(1)))
    }

    fn search(&self, call: &Call<'_>) -> Answer<Reply> {
        let which = which(&call.request.body, Scope::Read)?;
        let query = match call.request.body.get("query") {
            Some(Value::Object(query)) => Query::parse(query)?,
            _ => call.query()?,
        };
        self.list(call, &query, &which)
    }

    fn list(&self, call: &Call<'_>, query: &Query, which: &Which) -> Answer<Reply> {
        let (data, meta) = call.read(|session| {
            let data = match which {
                _ if self.singleton => query::read_singleton(session, self.collection, query)?,
                Which::Keys(keys) if keys.is_empty() => Value::Array(Vec::new()),
                Which::Keys(keys) => {
                    query::read(session, self.collection, &self.among(session.schema.as_ref(), query, keys)?)?
                        .into()
                }
                _ => query::read(session, self.collection, query)?.into(),
            };
            Ok((data, query::meta(session, self.collection, query)?))
        })?;
        if let Some(export) = call.request.params.get("export") {
            return export::download(&data, export, self.collection);
        }
        Ok(Reply::listed(data, meta))
    }

    fn one(&self, call: &Call<'_>, key: &str) -> Answer<Reply> {
        let query = call.query()?;
        let item = call.read(|session| query::read_one(session, self.collection, &key.into(), &query))?;
        Ok(Reply::data(item))
    }

    /// A query, of the items with these keys only.
    pub(crate) fn among(
        &self,
        schema: &crate::schema::Schema,
        query: &Query,
        keys: &[Value],
    ) -> Answer<Query> {
        let key = &schema.collection(self.collection)?.key;
        let mut wanted = vec![json!({key: {"_in": keys}})];
        wanted.extend(query.filter.clone());
        let limit = query.limit.or(i64::try_from(keys.len()).ok().filter(|count| *count > 0));
        Ok(Query { filter: Some(json!({"_and": wanted})), limit, ..query.clone() })
    }

    /// What was written, read again; who may not read it is told nothing.
    pub(crate) fn again(&self, call: &Call<'_>, keys: &[Value], query: &Query) -> Answer<Reply> {
        if keys.is_empty() {
            return Ok(Reply::data(Value::Array(Vec::new())));
        }
        let found = call.read(|session| query::read_keys(session, self.collection, keys, query));
        told(found.map(Value::from))
    }

    pub(crate) fn one_again(&self, call: &Call<'_>, key: &Value, query: &Query) -> Answer<Reply> {
        told(call.read(|session| query::read_one(session, self.collection, key, query)))
    }

    pub(crate) fn create(&self, call: &Call<'_>) -> Answer<Reply> {
        let query = call.query()?;
        let (list, several) = match &call.request.body {
            Value::Array(list) => (items(list.clone())?, true),
            _ => (vec![call.object()?], false),
        };
        let keys = call.write(|session| write::create(session, self.collection, list))?;
        match keys.first() {
            Some(key) if !several => self.one_again(call, key, &query),
            _ => self.again(call, &keys, &query),
        }
    }

    fn update(&self, call: &Call<'_>) -> Answer<Reply> {
        let which = which(&call.request.body, Scope::Update)?;
        let query = call.query()?;
        let data = || call.request.body.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
        let keys = match which {
            Which::Listed(list) => {
                let list = items(list)?;
                call.write(|session| write::update_each(session, self.collection, list))?
            }
            Which::Keys(keys) => {
                call.write(|session| write::update(session, self.collection, &keys, &data()))?
            }
            Which::Query(wanted) => call.write(|session| {
                let keys = self.found(session, &wanted)?;
                write::update(session, self.collection, &keys, &data())
            })?,
            Which::Any => {
                return Err(ApiError::payload("\"value\" must contain at least one of [query, keys]"));
            }
        };
        self.again(call, &keys, &query)
    }

    fn update_one(&self, call: &Call<'_>, key: &str) -> Answer<Reply> {
        let (query, changes) = (call.query()?, indexed(&call.request.body));
        let key = Value::from(key);
        let keys = call
            .write(|session| write::update(session, self.collection, std::slice::from_ref(&key), &changes))?;
        self.one_again(call, keys.first().unwrap_or(&key), &query)
    }

    fn upsert(&self, call: &Call<'_>) -> Answer<Reply> {
        let query = call.query()?;
        let changes = indexed(&call.request.body);
        call.write(|session| write::upsert_singleton(session, self.collection, changes))?;
        told(call.read(|session| query::read_singleton(session, self.collection, &query)))
    }

    fn delete(&self, call: &Call<'_>) -> Answer<Reply> {
        let which = which(&call.request.body, Scope::Delete)?;
        call.write(|session| {
            let keys = match which {
                Which::Listed(keys) | Which::Keys(keys) => keys,
                Which::Query(wanted) => self.found(session, &wanted)?,
                Which::Any => Vec::new(),
            };
            write::delete(session, self.collection, &keys)
        })?;
        Ok(Reply::nothing())
    }

    /// The keys of what a query finds; the first hundred, unless it says more.
    fn found(&self, session: &mut crate::db::Session<'_>, wanted: &Map<String, Value>) -> Answer<Vec<Value>> {
        let key = session.schema.collection(self.collection)?.key.clone();
        let query = Query { fields: vec![key.clone()], ..Query::parse(wanted)? };
        let found = query::read(session, self.collection, &query)?;
        Ok(found.into_iter().filter_map(|item| item.get(&key).cloned()).collect())
    }
}

/// A body as an object. An array has fields that nobody knows: its indexes.
fn indexed(body: &Value) -> Map<String, Value> {
    match body {
        Value::Object(map) => map.clone(),
        Value::Array(list) => list.iter().enumerate().map(|(at, it)| (at.to_string(), it.clone())).collect(),
        _ => Map::new(),
    }
}

/// Who may not read what they wrote is not told.
fn told(found: Answer<Value>) -> Answer<Reply> {
    match found {
        Ok(data) => Ok(Reply::data(data)),
        Err(error) if error.code == "FORBIDDEN" => Ok(Reply::nothing()),
        Err(error) => Err(error),
    }
}
