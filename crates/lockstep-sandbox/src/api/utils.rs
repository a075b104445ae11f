//! `/utils`.

use serde_json::Value;

use super::call::Call;
use super::reply::Reply;
use crate::auth;
use crate::error::{Answer, ApiError};

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
        // There is no cache to clear.
        ("POST", ["cache", "clear"]) => call.who.must_be_admin().map(|()| Reply::done()),
        _ => call.no_route(),
    }
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
