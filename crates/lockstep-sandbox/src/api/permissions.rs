//! `/permissions`: as any collection, but lists are whole and end with the instance's own rows.

use serde_json::{Value, json};

use super::batch::{Scope, Which, which};
use super::call::Call;
use super::items::Endpoint;
use super::reply::Reply;
use crate::access::own;
use crate::error::Answer;
use crate::query::{self, Query};

const COLLECTION: &str = "directus_permissions";

/// Answers below it.
pub(crate) fn answer(call: &Call<'_>, rest: &[String]) -> Answer<Reply> {
    let endpoint = Endpoint { collection: COLLECTION, singleton: false, fixed: false };
    match (call.request.method.as_str(), rest) {
        ("GET", []) => list(call, &call.query()?, None),
        ("SEARCH", []) => {
            let keys = match which(&call.request.body, Scope::Read)? {
                Which::Keys(keys) => Some(keys),
                _ => None,
            };
            let query = match call.request.body.get("query") {
                Some(Value::Object(query)) => Query::parse(query)?,
                _ => call.query()?,
            };
            list(call, &query, keys.as_deref())
        }
        ("GET", [key]) => {
            let query = call.query()?;
            match call.read(|session| query::read_one(session, COLLECTION, &key.as_str().into(), &query)) {
                // Where there is none, the first of the own ones is shown: they have no ids to differ by.
                Err(error) if error.code == "FORBIDDEN" && call.who.admin && key.parse::<f64>().is_ok() => {
                    own::ROWS.first().cloned().map(Reply::data).ok_or(error)
                }
                other => other.map(Reply::data),
            }
        }
        ("PATCH", [key]) if call.who.admin && key.parse::<f64>().is_ok() => {
            let reply = endpoint.answer(call, rest)?;
            // What was to be changed is shown as it is read.
            let first = own::ROWS.first().filter(|_| reply.status == 204);
            Ok(first.cloned().map_or(reply, Reply::data))
        }
        ("POST", []) if call.request.body.is_array() => appended(endpoint.answer(call, rest)?),
        ("PATCH", []) => appended(endpoint.answer(call, rest)?),
        _ => endpoint.answer(call, rest),
    }
}

fn list(call: &Call<'_>, query: &Query, keys: Option<&[Value]>) -> Answer<Reply> {
    // Neither limit nor page count.
    let mut query = Query { limit: Some(-1), page: None, offset: None, ..query.clone() };
    if let Some(keys) = keys {
        let mut wanted = vec![json!({"id": {"_in": keys}})];
        wanted.extend(query.filter.take());
        query.filter = Some(json!({"_and": wanted}));
    }
    let (mut data, meta) = call.read(|session| {
        let data = match keys {
            Some([]) => Vec::new(),
            _ => query::read(session, COLLECTION, &query)?,
        };
        Ok((data, query::meta(session, COLLECTION, &query)?))
    })?;
    if call.who.admin || call.who.app {
        data.extend(own::shown(query.filter.as_ref()));
    }
    Ok(Reply::listed(data.into(), meta))
}

/// Lists of what was written end with them as well.
fn appended(reply: Reply) -> Answer<Reply> {
    let Ok(mut value) = serde_json::from_slice::<Value>(&reply.bytes) else { return Ok(reply) };
    let Some(data) = value.get_mut("data").and_then(Value::as_array_mut) else { return Ok(reply) };
    data.extend(own::ROWS.iter().cloned());
    Ok(Reply::json(&value))
}
