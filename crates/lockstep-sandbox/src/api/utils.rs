//! `/utils`.

use serde_json::Value;

use super::call::Call;
use super::reply::Reply;
use crate::auth;
use crate::error::{Answer, ApiError};
use crate::query::{self, Query};
use crate::write;

/// Answers below `/utils`.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    match (call.request.method.as_str(), rest) {
        ("GET", ["random", "string"]) => random(call),
        ("POST", ["hash", "generate"]) => Ok(Reply::data(auth::hash(needed(call, "string")?)?.into())),
        ("POST", ["hash", "verify"]) => {
            let (text, hash) = (needed(call, "string")?, needed(call, "hash")?);
            if !hash.starts_with("$argon2") {
                return Err(ApiError::payload("Invalid \"hash\" or \"string\""));
            }
            Ok(Reply::data(auth::verify(text, hash).into()))
        }
        ("POST", ["sort", collection]) => sort(call, collection),
        ("POST", ["revert", revision]) => revert(call, revision),
        // There is no cache to clear.
        ("POST", ["cache", "clear"]) => call.who.must_be_admin().map(|()| Reply::done()),
        _ => call.no_route(),
    }
}

/// Moves an item to the place of another one, which makes room for it.
fn sort(call: &Call<'_>, collection: &str) -> Answer<Reply> {
    let key = |name: &str| {
        let key = call.request.body.get(name).filter(|key| !key.is_null()).cloned();
        key.ok_or_else(|| ApiError::payload(format!("\"{name}\" is required")))
    };
    let (item, to) = (key("item")?, key("to")?);
    call.write(|session| write::place::move_to(session, collection, &item, &to))?;
    Ok(Reply::done())
}

/// Makes an item what it was at a revision.
fn revert(call: &Call<'_>, revision: &str) -> Answer<Reply> {
    let fields = ["collection", "item", "data"].map(Into::into).to_vec();
    let query = Query { fields, ..Query::default() };
    call.write(|session| {
        let found = query::read_one(session, "directus_revisions", &revision.into(), &query)?;
        let (Some(collection), Some(data)) = (found["collection"].as_str(), found["data"].as_object()) else {
            return Err(ApiError::forbidden(None));
        };
        write::update(session, collection, std::slice::from_ref(&found["item"]), data)
    })?;
    Ok(Reply::nothing())
}

fn random(call: &Call<'_>) -> Answer<Reply> {
    let wrong = |what: &str| ApiError::query(format!("\"length\" must be {what}"));
    let length = match call.request.params.get("length") {
        None => 32,
        Some(Value::String(text)) => {
            let number: f64 = text.trim().parse().map_err(|_| wrong("a number"))?;
            match number {
                number if !number.is_finite() => return Err(wrong("a number")),
                number if number.fract() != 0.0 => return Err(wrong("an integer")),
                number if number < 1.0 => return Err(wrong("greater than or equal to 1")),
                number if number > 500.0 => return Err(wrong("less than or equal to 500")),
                number => number as usize,
            }
        }
        Some(_) => return Err(wrong("a number")),
    };
    Ok(Reply::data(auth::random_text(length)?.into()))
}

fn needed<'a>(call: &'a Call<'_>, name: &str) -> Answer<&'a str> {
    let text = call.request.text(name).filter(|text| !text.is_empty());
    text.ok_or_else(|| ApiError::payload(format!("\"{name}\" is required")))
}
