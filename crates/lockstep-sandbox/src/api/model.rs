//! `/collections`, `/fields` and `/relations`.

use serde_json::{Map, Value, json};

use super::batch::{Scope, Which, items, which};
use super::call::Call;
use super::described::described;
use super::reply::Reply;
use crate::access;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::structure::{collections, fields, relations};

/// Refuses those who may not read the model itself.
fn may_read(call: &Call<'_>, what: &str) -> Answer<()> {
    let allowed = call.read(|session| access::rule(session, what, "read"))?.is_some();
    if allowed { Ok(()) } else { Err(may_not("read", what)) }
}

fn may_not(action: &str, collection: &str) -> ApiError {
    let what = format!(
        "You don't have permission to perform \"{action}\" for collection \"{collection}\" or it does not exist."
    );
    ApiError::forbidden(Some(&what))
}

/// Answers below `/collections`.
pub(crate) fn collections(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    let body = &call.request.body;
    if rest.is_empty() && matches!(call.request.method.as_str(), "GET" | "SEARCH") {
        may_read(call, "directus_collections")
            .map_err(|_| ApiError::no_collection("directus_collections"))?;
    }
    match (call.request.method.as_str(), rest) {
        ("GET", []) => Ok(Reply::data(call.read(all_collections)?.into())),
        ("SEARCH", []) => {
            let which = which(body, Scope::Read)?;
            let mut found = call.read(all_collections)?;
            if let Which::Keys(keys) = which {
                found.retain(|it| keys.contains(&it["collection"]));
            }
            Ok(Reply::data(found.into()))
        }
        ("GET", [name]) => {
            let found = call.read(|session| {
                if access::rule(session, name, "read")?.is_none() {
                    return Err(may_not("read", name));
                }
                if access::rule(session, "directus_collections", "read")?.is_none() {
                    return Err(ApiError::no_collection("directus_collections"));
                }
                collections::read_one(session, name)
            })?;
            Ok(Reply::data(found))
        }
        ("POST" | "PATCH" | "DELETE", _) => changed_collections(call, rest),
        _ => call.no_route(),
    }
}

fn changed_collections(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    call.who.must_be_admin()?;
    let body = &call.request.body;
    // In the order of all of them, and as far as they are there.
    let several = |names: Vec<String>| {
        let mut found = call.read(collections::read_all)?;
        found.retain(|it| it["collection"].as_str().is_some_and(|name| names.iter().any(|it| it == name)));
        Ok(Reply::data(found.into()))
    };
    let one = |name: &str| call.read(|session| collections::read_one(session, name)).map(Reply::data);
    match (call.request.method.as_str(), rest) {
        ("POST", []) => match body {
            Value::Array(list) => {
                let list = items(list.clone())?;
                several(call.alter(|session| collections::create_many(session, &list))?)
            }
            _ => {
                let payload = call.object()?;
                one(&call.alter(|session| collections::create(session, &payload))?)
            }
        },
        ("PATCH", []) => {
            let Value::Array(list) = body else {
                return Err(ApiError::payload("Input should be an array of collection changes"));
            };
            let list = items(list.clone())?;
            several(call.alter(|session| collections::update_batch(session, &list))?)
        }
        ("PATCH", [name]) => {
            let payload = call.object()?;
            one(&call.alter(|session| collections::update(session, name, &payload))?)
        }
        ("DELETE", [name]) => {
            call.alter(|session| collections::delete(session, name))?;
            Ok(Reply::nothing())
        }
        _ => call.no_route(),
    }
}

fn all_collections(session: &mut Session<'_>) -> Answer<Vec<Value>> {
    let all = collections::read_all(session)?;
    visible(session, all, |it| it["collection"].as_str().map(|name| (name, None)))
}

/// Answers below `/fields`.
pub(crate) fn fields(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    if let [collection, ..] = rest {
        known(call, collection)?;
    }
    if call.request.method == "GET" {
        may_read(call, "directus_fields")?;
    }
    match (call.request.method.as_str(), rest) {
        ("GET", [] | [_]) => {
            let found = call.read(|session| {
                let all = fields::read_all(session, rest.first().copied())?;
                visible(session, all, |it| Some((it["collection"].as_str()?, it["field"].as_str())))
            })?;
            if found.is_empty() && !call.who.admin && !rest.is_empty() {
                return Err(ApiError::forbidden(None));
            }
            Ok(Reply::data(found.into()))
        }
        ("GET", [collection, field]) => {
            let found = call.read(|session| {
                must_see(session, collection, field)?;
                fields::read_one(session, collection, field)
            })?;
            Ok(Reply::data(found))
        }
        ("POST" | "PATCH" | "DELETE", _) => changed_fields(call, rest),
        _ => call.no_route(),
    }
}

/// Refuses somebody who may not read a field.
fn must_see(session: &Session<'_>, collection: &str, field: &str) -> Answer<()> {
    match access::rule(session, collection, "read")? {
        Some(rule) if rule.fields.contains(field) => Ok(()),
        _ => Err(ApiError::forbidden(None)),
    }
}

fn changed_fields(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    match (call.request.method.as_str(), rest) {
        ("POST", [_]) => described(&call.object()?, true)?,
        ("PATCH", [_, _]) => described(&call.object()?, false)?,
        _ => {}
    }
    call.who.must_be_admin()?;
    let one =
        |collection: &str, field: &str| call.read(|session| fields::read_one(session, collection, field));
    match (call.request.method.as_str(), rest) {
        ("POST", [collection]) => {
            let payload = call.object()?;
            let Some(field) = payload.get("field").and_then(Value::as_str) else {
                return Err(ApiError::payload("\"field\" is required"));
            };
            call.alter(|session| fields::create(session, collection, &payload))?;
            match one(collection, field) {
                Ok(found) => Ok(Reply::data(found)),
                // Without a type and a description nothing was made.
                Err(error) if error.code == "FORBIDDEN" => Ok(Reply::nothing()),
                Err(error) => Err(error),
            }
        }
        ("PATCH", [collection]) => {
            let Value::Array(list) = &call.request.body else {
                return Err(ApiError::payload("Submitted body has to be an array"));
            };
            let list = items(list.clone())?;
            let names = call.alter(|session| fields::update_many(session, collection, &list))?;
            let found = names.iter().map(|field| one(collection, field)).collect::<Answer<Vec<_>>>()?;
            Ok(if found.is_empty() { Reply::nothing() } else { Reply::data(found.into()) })
        }
        ("PATCH", [collection, field]) => {
            let payload = call.object()?;
            call.alter(|session| fields::update(session, collection, field, &payload))?;
            one(collection, field).map(Reply::data)
        }
        ("DELETE", [collection, field]) => {
            call.alter(|session| fields::delete(session, collection, field))?;
            Ok(Reply::nothing())
        }
        _ => call.no_route(),
    }
}

/// Answers below `/relations`.
pub(crate) fn relations(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    if let [collection, ..] = rest {
        known(call, collection)?;
    }
    if call.request.method == "GET" {
        may_read(call, "directus_relations")?;
    }
    match (call.request.method.as_str(), rest) {
        ("GET", [] | [_]) => {
            let found = call.read(|session| {
                let all = match rest.first() {
                    Some(collection) => relations::read_for(session, collection)?,
                    None => relations::read_all(session)?,
                };
                visible(session, all, |it| Some((it["collection"].as_str()?, it["field"].as_str())))
            })?;
            Ok(Reply::data(found.into()))
        }
        ("GET", [collection, field]) => {
            let found = call.read(|session| {
                must_see(session, collection, field)?;
                relations::read_one(session, collection, field)
            })?;
            Ok(Reply::data(found))
        }
        ("POST" | "PATCH" | "DELETE", _) => changed_relations(call, rest),
        _ => call.no_route(),
    }
}

fn changed_relations(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    if call.request.method == "POST" {
        for name in ["collection", "field"] {
            if call.request.text(name).is_none() {
                return Err(ApiError::payload(format!("\"{name}\" is required")));
            }
        }
    }
    call.who.must_be_admin()?;
    let one = |collection: &str, field: &str| {
        call.read(|session| relations::read_one(session, collection, field)).map(Reply::data)
    };
    match (call.request.method.as_str(), rest) {
        ("POST", []) => {
            let payload = call.object()?;
            let text = |name: &str| {
                let text = payload.get(name).and_then(Value::as_str);
                text.ok_or_else(|| ApiError::payload(format!("\"{name}\" is required")))
            };
            let (collection, field) = (text("collection")?, text("field")?);
            call.alter(|session| relations::create(session, &payload))?;
            one(collection, field)
        }
        ("PATCH", [collection, field]) => {
            let payload = call.object()?;
            call.alter(|session| relations::update(session, collection, field, &payload))?;
            one(collection, field)
        }
        ("DELETE", [collection, field]) => {
            call.alter(|session| relations::delete(session, collection, field))?;
            Ok(Reply::nothing())
        }
        _ => call.no_route(),
    }
}

fn known(call: &Call<'_>, collection: &str) -> Answer<()> {
    call.read(|session| session.schema.collection(collection).map(|_| ()))
}

/// What of it somebody may know of: what they may read the items of.
fn visible<'v>(
    session: &Session<'_>,
    all: Vec<Value>,
    place: impl for<'a> Fn(&'a Value) -> Option<(&'a str, Option<&'a str>)> + 'v,
) -> Answer<Vec<Value>> {
    if session.who.admin {
        return Ok(all);
    }
    let mut rules: Map<String, Value> = Map::new();
    let mut seen = Vec::new();
    for it in all {
        let Some((collection, field)) = place(&it) else { continue };
        if !rules.contains_key(collection) {
            let rule = access::rule(session, collection, "read")?;
            rules.insert(
                collection.into(),
                match rule.map(|rule| rule.fields) {
                    None => Value::Null,
                    Some(access::Fields::All) => json!("*"),
                    Some(access::Fields::Set(fields)) => fields.iter().map(String::as_str).collect(),
                },
            );
        }
        let shown = match (&rules[collection], field) {
            (Value::Null, _) => false,
            (Value::Array(fields), Some(field)) => fields.iter().any(|it| it == field),
            _ => true,
        };
        if shown {
            seen.push(it);
        }
    }
    Ok(seen)
}
