//! What a query of a user's own selects of a collection: filtered by the server, and proven complete.

use std::collections::BTreeMap;

use lockstep_core::collection::{Collection, Key};
use lockstep_core::record::{Fields, LocalId, Row};
use lockstep_directus::Request;
use lockstep_directus::items::Endpoint;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::EngineError;
use crate::instance::Instance;

/// Longer request lines than this are refused by some gateways.
const LONGEST_TARGET: usize = 2000;

#[derive(Deserialize)]
struct Page {
    data: Vec<Fields>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default)]
    filter_count: Option<u64>,
}

/// The rows among `rows` that a query selects, in the order of `rows`; with `fields`, these have no others.
///
/// # Errors
/// When the server refuses the query, or sends fewer rows than there are.
pub(crate) async fn select(
    instance: &Instance,
    collection: &'static Collection,
    query: &Fields,
    rows: &[Row],
) -> Result<Vec<Row>, EngineError> {
    let narrowed = query.get("fields").and_then(Value::as_array).filter(|fields| !fields.is_empty());
    if collection.key == Key::Singleton {
        let names: Option<Vec<&str>> = narrowed.map(|names| names.iter().filter_map(top_level).collect());
        let narrow = |row: &Row| match &names {
            Some(names) if !names.contains(&"*") => {
                let mut row = row.clone();
                row.fields.retain(|name, _| names.contains(&name.as_str()));
                row
            }
            _ => row.clone(),
        };
        return Ok(rows.iter().map(narrow).collect());
    }
    let mut asked = query.clone();
    let fields = narrowed.map_or_else(Vec::new, Clone::clone);
    asked.insert("fields".into(), fields.iter().cloned().chain([json!("id")]).collect());
    if let Some(field) = collection.only_null {
        let own = json!({field: {"_null": true}});
        let filter = match asked.get("filter") {
            Some(given) if !given.is_null() => json!({"_and": [given, own]}),
            _ => own,
        };
        asked.insert("filter".into(), filter);
    }
    let mut selected = BTreeMap::new();
    for fields in read(instance, collection, asked).await? {
        if let Some(id) = fields.get("id").and_then(LocalId::from_value) {
            selected.insert(id, fields);
        }
    }
    let row = |row: &Row| {
        let mut fields = selected.get(&row.id)?.clone();
        if narrowed.is_none() {
            return Some(row.clone());
        }
        fields.shift_remove("id");
        Some(Row { id: row.id.clone(), fields })
    };
    Ok(rows.iter().filter_map(row).collect())
}

/// The name of a field without what is nested in it.
fn top_level(name: &Value) -> Option<&str> {
    name.as_str().map(|name| name.split('.').next().unwrap_or(name))
}

async fn read(
    instance: &Instance,
    collection: &'static Collection,
    mut asked: Fields,
) -> Result<Vec<Fields>, EngineError> {
    let window = |name: &str| asked.get(name).and_then(Value::as_i64).filter(|number| *number > 0);
    let (limit, offset) = (window("limit"), window("offset").unwrap_or_default());
    let windowed = limit.is_some() || offset > 0 || window("page").is_some();
    asked.insert("meta".into(), json!("filter_count"));
    let page = instance.page().filter(|_| !windowed && collection.name != "permissions");
    let mut all = Vec::new();
    for number in 1.. {
        if let Some(page) = page {
            asked.insert("limit".into(), json!(page));
            asked.insert("page".into(), json!(number));
            asked.entry("sort").or_insert(json!(["id"]));
        }
        let answer: Page = instance.client.send(&request(collection, &asked)).await?.parse()?;
        let came = answer.data.len();
        all.extend(answer.data);
        // A window is what was asked for; the server counts its own permissions differently.
        let Some(expected) =
            answer.meta.filter_count.filter(|_| !windowed && collection.name != "permissions")
        else {
            break;
        };
        let found = all.len() as u64;
        if found == expected {
            break;
        }
        if came == 0 || page.is_none() {
            return Err(EngineError::Incomplete { collection: collection.name, expected, found });
        }
    }
    Ok(all)
}

fn request(collection: &Collection, asked: &Fields) -> Request {
    let endpoint = Endpoint::of(&collection.system_name());
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    let given = asked.iter().filter(|(_, value)| !value.is_null());
    let get = given.fold(Request::get(endpoint.path()), |get, (name, value)| get.query(name, text(value)));
    if get.target().len() <= LONGEST_TARGET {
        return get;
    }
    Request::search(endpoint.path()).json(json!({"query": asked}))
}

#[cfg(test)]
mod tests {
    use lockstep_directus::Method;

    use super::*;

    #[test]
    fn queries_become_requests() {
        let roles = Collection::named("roles").unwrap();
        let query = |value: Value| request(roles, value.as_object().unwrap());
        let short = query(
            json!({"limit": -1, "filter": {"name": {"_eq": "a"}}, "sort": ["-name", "id"], "search": "x", "deep": null}),
        );
        assert_eq!(
            short.target(),
            "/roles?limit=-1&filter=%7B%22name%22%3A%7B%22_eq%22%3A%22a%22%7D%7D&sort=-name%2Cid&search=x"
        );
        let long = query(json!({"filter": {"id": {"_in": vec!["x".repeat(40); 100]}}}));
        assert_eq!((long.method, long.path.as_str()), (Method::Search, "/roles"));
    }
}
