//! Queries as requests state them.

use serde_json::{Map, Value};

use super::Query;
use crate::error::{Answer, ApiError};

/// A path of more fields than this is refused.
pub(super) const MOST_RELATIONS: usize = 10;

/// The error for such a path.
pub(super) fn too_deep() -> ApiError {
    ApiError::query("Max relational depth exceeded")
}

impl Query {
    /// A query from its parameters, `{"filter": …, "limit": …}`; values may be text, as in an address.
    ///
    /// # Errors
    /// `INVALID_QUERY`, with what is wrong.
    pub(crate) fn parse(parameters: &Map<String, Value>) -> Answer<Self> {
        let given = |name: &str| parameters.get(name).filter(|value| !value.is_null() && **value != "");
        let query = Self {
            fields: given("fields").map(list).unwrap_or_default(),
            filter: given("filter").map(|value| parsed(value, "filter")).transpose()?,
            sort: given("sort").map(list).unwrap_or_default(),
            limit: match parameters.get("limit") {
                Some(Value::String(text)) if text.is_empty() => Some(0),
                _ => given("limit").map(|value| number(value, "limit", -1)).transpose()?,
            },
            offset: given("offset").map(|value| number(value, "offset", 0)).transpose()?,
            page: given("page").map(|value| number(value, "page", 0)).transpose()?.filter(|page| *page > 0),
            search: given("search").map(super::values::text),
            meta: given("meta").map(meta).transpose()?.unwrap_or_default(),
            aggregate: given("aggregate")
                .map(|value| map(value, "aggregate"))
                .transpose()?
                .unwrap_or_default(),
            group: given("groupBy").map(list).unwrap_or_default(),
            deep: given("deep").map(|value| map(value, "deep")).transpose()?.unwrap_or_default(),
            alias: given("alias").map(|value| map(value, "alias")).transpose()?.unwrap_or_default(),
            without_backlinks: given("backlink").is_some_and(|it| super::values::text(it) == "false"),
        };
        let deepest = query.fields.iter().chain(&query.sort).map(|path| path.split('.').count()).max();
        if deepest.is_some_and(|deepest| deepest > MOST_RELATIONS) {
            return Err(too_deep());
        }
        if query
            .alias
            .iter()
            .any(|(key, value)| key.contains('.') || value.as_str().is_some_and(|it| it.contains('.')))
        {
            return Err(ApiError::query("\"alias\" key/value can't contain a period character `.`"));
        }
        Ok(query)
    }

    /// The part of a `deep` that concerns the items of a field: `{"_limit": …, "_filter": …}`, and what is below.
    ///
    /// # Errors
    /// As [`Query::parse`].
    pub(crate) fn below(deep: &Map<String, Value>, field: &str) -> Answer<Self> {
        let Some(part) = deep.get(field).and_then(Value::as_object) else { return Ok(Self::default()) };
        let own: Map<String, Value> = part
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix('_')?.to_owned(), value.clone())))
            .collect();
        let mut query = Self::parse(&own)?;
        query.deep = part
            .iter()
            .filter(|(key, _)| !key.starts_with('_'))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        Ok(query)
    }
}

/// `a,b` or `["a", "b"]`.
pub(crate) fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(list).collect(),
        Value::Object(items) => items.values().flat_map(list).collect(),
        Value::String(text) => {
            parts(text).into_iter().filter(|part| !part.is_empty()).map(Into::into).collect()
        }
        other => vec![super::values::text(other)],
    }
}

/// The parts between commas that stand outside brackets.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (index, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn parsed(value: &Value, name: &str) -> Answer<Value> {
    match value {
        Value::String(text) => {
            serde_json::from_str(text).map_err(|_| ApiError::query(format!("Invalid JSON for {name} object")))
        }
        other => Ok(other.clone()),
    }
}

fn object(value: &Value, name: &str) -> Answer<Value> {
    match parsed(value, name)? {
        value @ Value::Object(_) => Ok(value),
        _ => Err(ApiError::query(format!("\"{name}\" has to be an object"))),
    }
}

fn map(value: &Value, name: &str) -> Answer<Map<String, Value>> {
    match object(value, name)? {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

fn number(value: &Value, name: &str, least: i64) -> Answer<i64> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number {
        Some(number) if number >= least => Ok(number),
        Some(_) => Err(ApiError::query(format!("\"{name}\" must be greater than or equal to {least}"))),
        None if super::values::text(value)
            .trim()
            .parse::<f64>()
            .is_ok_and(|number| number.fract() == 0.0) =>
        {
            Err(ApiError::query(format!("\"{name}\" must be a safe number")))
        }
        None => Err(ApiError::query(format!("\"{name}\" must be a number"))),
    }
}

fn meta(value: &Value) -> Answer<Vec<String>> {
    let wanted = list(value);
    let unknown = wanted.iter().position(|it| !matches!(it.as_str(), "*" | "total_count" | "filter_count"));
    match unknown {
        Some(at) => {
            Err(ApiError::query(format!("\"meta[{at}]\" must be one of [total_count, filter_count]")))
        }
        None => Ok(wanted),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_split_outside_brackets() {
        assert_eq!(list(&json!("a, b.c,count(x)")), ["a", "b.c", "count(x)"]);
        assert_eq!(list(&json!(["a,b", "c"])), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for (parameters, refused) in [
            (json!({"limit": "-1"}), false),
            (json!({"limit": "-2"}), true),
            (json!({"limit": "x"}), true),
            (json!({"page": 0}), false),
            (json!({"limit": ""}), false),
            (json!({"fields": "a.b.c.d.e.f.g.h.i.j"}), false),
            (json!({"fields": "a.b.c.d.e.f.g.h.i.j.k"}), true),
            (json!({"sort": ["-a.b.c.d.e.f.g.h.i.j.k"]}), true),
            (json!({"meta": "total_count,x"}), true),
            (json!({"filter": "{"}), true),
            (json!({"filter": "{\"a\":1}"}), false),
        ] {
            let parameters = parameters.as_object().expect("an object");
            assert_eq!(Query::parse(parameters).is_err(), refused, "{parameters:?}");
        }
    }
}
