//! Bodies that speak of several items: an array, `{keys, data}` or `{query, data}`.

use serde_json::{Map, Value};

use crate::error::{Answer, ApiError};

/// What a body may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Read,
    Update,
    Delete,
}

/// Which items a body speaks of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Which {
    /// An array of items or keys.
    Listed(Vec<Value>),
    Keys(Vec<Value>),
    Query(Map<String, Value>),
    /// Nothing is said, which only reading allows.
    Any,
}

/// Takes a body apart.
pub(crate) fn which(body: &Value, scope: Scope) -> Answer<Which> {
    let map = match body {
        Value::Array(list) if scope != Scope::Read => return Ok(Which::Listed(list.clone())),
        Value::Object(map) => map,
        _ => return Err(ApiError::payload("\"value\" must be of type object")),
    };
    check(map, scope)?;
    Ok(match (map.get("keys"), map.get("query")) {
        (Some(Value::Array(keys)), _) => Which::Keys(keys.clone()),
        (_, Some(Value::Object(query))) => Which::Query(query.clone()),
        _ => Which::Any,
    })
}

fn check(map: &Map<String, Value>, scope: Scope) -> Answer<()> {
    let wrong = |reason: String| Err(ApiError::payload(reason));
    match map.get("keys") {
        None => {}
        Some(Value::Array(keys)) => {
            if let Some(at) = keys.iter().position(|key| !key.is_string() && !key.is_number()) {
                return wrong(format!("\"keys[{at}]\" must be one of [string, number]"));
            }
        }
        Some(_) => return wrong("\"keys\" must be an array".into()),
    }
    if map.get("query").is_some_and(|query| !query.is_object()) {
        return wrong("\"query\" must be of type object".into());
    }
    if scope == Scope::Update {
        match map.get("data") {
            None => return wrong("\"data\" is required".into()),
            Some(data) if !data.is_object() => return wrong("\"data\" must be of type object".into()),
            Some(_) => {}
        }
    }
    let known = |name: &str| matches!(name, "keys" | "query") || scope == Scope::Update && name == "data";
    if let Some(name) = map.keys().find(|name| !known(name)) {
        return wrong(format!("\"{name}\" is not allowed"));
    }
    if scope == Scope::Read {
        return Ok(());
    }
    match (map.contains_key("query"), map.contains_key("keys")) {
        (false, false) => wrong("\"value\" must contain at least one of [query, keys]".into()),
        (true, true) => wrong("\"value\" contains a conflict between exclusive peers [query, keys]".into()),
        _ => Ok(()),
    }
}

/// Items of an array, as far as they are any.
pub(crate) fn items(list: Vec<Value>) -> Answer<Vec<Map<String, Value>>> {
    list.into_iter()
        .map(|item| match item {
            Value::Object(map) => Ok(map),
            Value::Null => Err(ApiError::internal("Cannot read properties of null (reading 'id')")),
            // What has no fields is an item without any.
            _ => Ok(Map::new()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_of_batches() {
        let list = || vec![json!(1), json!("a")];
        assert_eq!(which(&json!([1, "a"]), Scope::Delete), Ok(Which::Listed(list())));
        assert_eq!(which(&json!({"keys": [1, "a"]}), Scope::Delete), Ok(Which::Keys(list())));
        assert_eq!(which(&json!({"keys": [1, "a"], "data": {}}), Scope::Update), Ok(Which::Keys(list())));
        assert_eq!(which(&json!({"query": {}, "data": {}}), Scope::Update), Ok(Which::Query(Map::new())));
        assert_eq!(which(&json!({}), Scope::Read), Ok(Which::Any));
    }

    #[test]
    fn bodies_that_say_nothing_of_use() {
        for (body, scope) in [
            (json!({}), Scope::Delete),
            (json!({}), Scope::Update),
            (json!({"keys": [1]}), Scope::Update),
            (json!({"data": {}}), Scope::Update),
            (json!({"keys": 1}), Scope::Delete),
            (json!({"keys": [null]}), Scope::Delete),
            (json!({"keys": [1], "query": {}}), Scope::Delete),
            (json!({"query": "x"}), Scope::Read),
            (json!({"keys": [1], "data": {}}), Scope::Delete),
            (json!({"keys": [1], "data": 1}), Scope::Update),
            (json!({"other": 1}), Scope::Read),
            (json!([]), Scope::Read),
        ] {
            let error = which(&body, scope).expect_err("refused");
            assert_eq!((error.status, error.code), (400, "INVALID_PAYLOAD"), "{body}");
        }
    }
}
