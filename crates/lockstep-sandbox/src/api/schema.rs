//! `/schema`: snapshot, diff and apply.

use serde_json::{Value, json};

use super::call::Call;
use super::export;
use super::reply::Reply;
use super::request::Part;
use crate::error::{Answer, ApiError};
use crate::structure;

/// Answers below `/schema`.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    match (call.request.method.as_str(), rest) {
        ("GET", ["snapshot"]) => {
            call.who.must_be_admin()?;
            let snapshot = call.read(structure::snapshot::snapshot)?.to_value();
            match call.request.params.get("export") {
                Some(format) => export::download(&snapshot, format, "Export"),
                None => Ok(Reply::data(snapshot)),
            }
        }
        ("POST", ["diff"]) => {
            let desired = upload(call)?;
            call.who.must_be_admin()?;
            // Present with any value.
            let force = call.request.has("force");
            let found = call.read(|session| structure::diff(session, &desired, force))?;
            Ok(found.map_or_else(Reply::nothing, Reply::data))
        }
        ("POST", ["apply"]) => {
            let changes = upload(call)?;
            call.who.must_be_admin()?;
            let force = matches!(call.request.param("force"), Some("true" | "1"));
            call.alter(|session| structure::apply(session, &changes, force))?;
            Ok(Reply::nothing())
        }
        _ => call.no_route(),
    }
}

/// What is uploaded: a body of JSON, or one file of JSON or YAML in a form.
fn upload(call: &Call<'_>) -> Answer<Value> {
    if call.request.is_form() {
        return file(&call.request.form);
    }
    if call.request.kind.as_deref() != Some("application/json") {
        let mut error =
            ApiError::media_type(call.request.kind.as_deref().unwrap_or("undefined"), "Content-Type header");
        if call.request.kind.is_none() {
            error.details.remove("mediaType");
        }
        return Err(error);
    }
    let empty = match &call.request.body {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    };
    if empty {
        Err(ApiError::payload("No data was included in the body"))
    } else {
        Ok(call.request.body.clone())
    }
}

fn file(parts: &[Part]) -> Answer<Value> {
    let mut files = parts.iter().filter(|part| part.is_file());
    let none = || ApiError::payload("No file was included in the body");
    let file = files.next().ok_or_else(none)?;
    if files.next().is_some() {
        return Err(ApiError::payload("More than one file was included in the body"));
    }
    let value: Value = if file.kind.as_deref().is_some_and(|kind| kind.starts_with("application/json")) {
        serde_json::from_slice(&file.bytes).map_err(|_| ApiError::payload("The provided JSON is invalid"))?
    } else {
        yaml_serde::from_slice(&file.bytes).map_err(|_| ApiError::payload("The provided YAML is invalid"))?
    };
    let nothing = json!("");
    if value.is_null() || value == nothing || value == json!(false) || value == json!(0) {
        return Err(none());
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn part(kind: Option<&str>, text: &str) -> Part {
        let file = kind.map(|_| "schema".to_owned());
        Part { name: "file".into(), file, kind: kind.map(Into::into), bytes: Bytes::from(text.to_owned()) }
    }

    #[test]
    fn one_file_of_json_or_yaml() {
        let json = Some("application/json");
        let yaml = Some("text/yaml");
        assert_eq!(file(&[part(json, r#"{"a": 1}"#)]), Ok(json!({"a": 1})));
        assert_eq!(file(&[part(None, "ignored"), part(yaml, "a:\n  - 1\n")]), Ok(json!({"a": [1]})));
        for wrong in [
            vec![],
            vec![part(None, "x")],
            vec![part(json, "a: 1")],
            vec![part(yaml, "a: [")],
            vec![part(yaml, "")],
            vec![part(json, "{}"), part(json, "{}")],
        ] {
            assert_eq!(file(&wrong).map_err(|error| error.code), Err("INVALID_PAYLOAD"));
        }
    }
}
