//! The shapes of what the schema endpoints take, refused in the words of the real one.

use serde_json::{Map, Value};

use crate::error::{Answer, ApiError};
use crate::schema::types::NAMES;

#[cfg(test)]
mod tests;

/// The lists of a diff, in the order in which they are looked at.
pub(super) const LISTS: [&str; 4] = ["collections", "fields", "systemFields", "relations"];

const VENDORS: [&str; 7] = ["mysql", "postgres", "cockroachdb", "sqlite", "oracle", "mssql", "redshift"];

/// What a foreign key may do.
const ACTIONS: [&str; 5] = ["NO ACTION", "SET NULL", "SET DEFAULT", "CASCADE", "RESTRICT"];

/// Refuses what is no snapshot, and without `force` one of another version or database.
pub(super) fn snapshot(snapshot: &Value, force: bool) -> Answer<()> {
    let root = root(snapshot)?;
    match root.get("version") {
        None => return Err(required("version")),
        Some(version) if version == 1 || version == "1" => {}
        Some(_) => return Err(ApiError::payload("\"version\" must be [1]")),
    }
    required_text(root, "directus", "directus")?;
    if let Some(vendor) = root.get("vendor")
        && !vendor.as_str().is_some_and(|vendor| VENDORS.contains(&vendor))
    {
        return Err(one_of("vendor", &VENDORS));
    }
    each(root, "collections", &["collection", "meta", "schema"], |item, place| {
        text(item, "collection", place)?;
        if let Some(schema) = item.get("schema") {
            let schema = object(schema, &format!("{place}.schema"))?;
            text(schema, "name", &format!("{place}.schema"))?;
            only(schema, &["name"], &format!("{place}.schema"))?;
        }
        Ok(())
    })?;
    each(root, "fields", &["collection", "field", "meta", "schema", "type"], |item, place| {
        text(item, "collection", place)?;
        text(item, "field", place)?;
        if let Some(schema) = item.get("schema").filter(|it| !it.is_null()) {
            column(object(schema, &format!("{place}.schema"))?, &format!("{place}.schema"))?;
        }
        kind(item, &format!("{place}.type"))
    })?;
    each(root, "systemFields", &["collection", "field", "schema"], |item, place| {
        text(item, "collection", place)?;
        text(item, "field", place)?;
        if let Some(schema) = item.get("schema") {
            let schema = object(schema, &format!("{place}.schema"))?;
            flag(schema, "is_indexed", &format!("{place}.schema"))?;
            only(schema, &["is_indexed"], &format!("{place}.schema"))?;
        }
        Ok(())
    })?;
    each(
        root,
        "relations",
        &["collection", "field", "meta", "related_collection", "schema"],
        |item, place| {
            text(item, "collection", place)?;
            text(item, "field", place)
        },
    )?;
    only(root, &["version", "directus", "vendor", "collections", "fields", "systemFields", "relations"], "")?;
    if force { Ok(()) } else { same_instance(root) }
}

fn same_instance(root: &Map<String, Value>) -> Answer<()> {
    let bypass = "You can bypass this check by passing the \"force\" query parameter";
    let text = |key: &str| root.get(key).and_then(Value::as_str).unwrap_or_default();
    let version = text("directus");
    if version != crate::VERSION {
        return Err(ApiError::payload(format!(
            "Provided snapshot's directus version {version} does not match the current instance's version {}. {bypass}",
            crate::VERSION
        )));
    }
    match text("vendor") {
        "" => Err(ApiError::payload(format!(
            "Provided snapshot does not contain the \"vendor\" property. {bypass}"
        ))),
        "sqlite" => Ok(()),
        vendor => Err(ApiError::payload(format!(
            "Provided snapshot's vendor {vendor} does not match the current instance's vendor sqlite. {bypass}"
        ))),
    }
}

/// Refuses what is no diff, and gives its lists.
pub(super) fn diff(payload: &Value) -> Answer<&Map<String, Value>> {
    let root = root(payload)?;
    required_text(root, "hash", "hash")?;
    let diff = object(root.get("diff").ok_or_else(|| required("diff"))?, "diff")?;
    for list in LISTS {
        if !diff.contains_key(list) {
            return Err(required(&format!("diff.{list}")));
        }
    }
    for list in LISTS {
        let keys: &[&str] = match list {
            "collections" => &["collection", "diff"],
            "relations" => &["collection", "field", "related_collection", "diff"],
            _ => &["collection", "field", "diff"],
        };
        let path = format!("diff.{list}");
        for (index, item) in array(&diff[list], &path)?.iter().enumerate() {
            let place = format!("{path}[{index}]");
            let item = object(item, &place)?;
            required_text(item, "collection", &format!("{place}.collection"))?;
            if list != "collections" {
                required_text(item, "field", &format!("{place}.field"))?;
            }
            if item.get("related_collection").is_some_and(|it| !it.is_null() && !it.is_string()) {
                return Err(must(&format!("{place}.related_collection"), "be a string"));
            }
            let path = format!("{place}.diff");
            let differences = array(item.get("diff").ok_or_else(|| required(&path))?, &path)?;
            for (index, item) in differences.iter().enumerate() {
                difference(item, &format!("{path}[{index}]"))?;
            }
            only(item, keys, &place)?;
        }
    }
    only(diff, &LISTS, "diff")?;
    only(root, &["hash", "diff"], "")?;
    Ok(diff)
}

fn difference(item: &Value, place: &str) -> Answer<()> {
    let item = object(item, place)?;
    let needs: &[&str] = match item.get("kind") {
        None => return Err(required(&format!("{place}.kind"))),
        Some(kind) => match kind.as_str() {
            Some("N") => &["rhs"],
            Some("D") => &["lhs"],
            Some("E") => &["lhs", "rhs"],
            Some("A") => &["index", "item"],
            _ => return Err(one_of(&format!("{place}.kind"), &["N", "D", "E", "A"])),
        },
    };
    if let Some(path) = item.get("path") {
        let path = array(path, &format!("{place}.path"))?;
        if let Some(step) = path.iter().position(|step| !step.is_string() && !step.is_number()) {
            return Err(one_of(&format!("{place}.path[{step}]"), &["string", "number"]));
        }
    }
    if let Some(key) = needs.iter().find(|key| !item.contains_key(**key)) {
        return Err(required(&format!("{place}.{key}")));
    }
    if let Some(inner) = item.get("item") {
        object(inner, &format!("{place}.item"))?;
    }
    only(item, &["kind", "path", "lhs", "rhs", "index", "item"], place)
}

fn column(schema: &Map<String, Value>, place: &str) -> Answer<()> {
    match schema.get("max_length") {
        None | Some(Value::Null | Value::Number(_) | Value::String(_)) => {}
        Some(_) => return Err(one_of(&format!("{place}.max_length"), &["number", "string", "null"])),
    }
    flag(schema, "is_nullable", place)
}

/// The field that a request describes, before anything is made of it.
pub(super) fn field(payload: &Map<String, Value>) -> Answer<()> {
    if payload.contains_key("collection") {
        required_text(payload, "collection", "collection")?;
    }
    required_text(payload, "field", "field")?;
    kind(payload, "type")?;
    only(payload, &["collection", "field", "type", "schema", "meta"], "")
}

/// The relation that a request describes.
pub(super) fn relation(payload: &Map<String, Value>) -> Answer<()> {
    required_text(payload, "collection", "collection")?;
    required_text(payload, "field", "field")?;
    if let Some(related) = payload.get("related_collection").filter(|it| !it.is_null() && !it.is_string()) {
        return Err(must("related_collection", if related.is_null() { "be null" } else { "be a string" }));
    }
    let schema = payload.get("schema").and_then(Value::as_object);
    for key in ["on_delete", "on_update"] {
        let action = schema.and_then(|schema| schema.get(key)).filter(|it| !it.is_null());
        if action.is_some_and(|it| !it.as_str().is_some_and(|it| ACTIONS.contains(&it))) {
            return Err(one_of(&format!("schema.{key}"), &ACTIONS));
        }
    }
    Ok(())
}

fn kind(item: &Map<String, Value>, place: &str) -> Answer<()> {
    match item.get("type") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(kind)) if NAMES.contains(&kind.as_str()) => Ok(()),
        Some(_) => {
            let names: Vec<&str> = NAMES.into_iter().chain(["null"]).collect();
            Err(one_of(place, &names))
        }
    }
}

fn root(payload: &Value) -> Answer<&Map<String, Value>> {
    match payload.as_object().filter(|it| !it.is_empty()) {
        Some(root) => Ok(root),
        None => Err(ApiError::payload("No data was included in the body")),
    }
}

fn object<'v>(value: &'v Value, place: &str) -> Answer<&'v Map<String, Value>> {
    value.as_object().ok_or_else(|| must(place, "be of type object"))
}

fn array<'v>(value: &'v Value, place: &str) -> Answer<&'v Vec<Value>> {
    value.as_array().ok_or_else(|| must(place, "be an array"))
}

/// Every item of a list, if there is one, has the shape and no other key.
fn each(
    root: &Map<String, Value>,
    list: &str,
    keys: &[&str],
    check: impl Fn(&Map<String, Value>, &str) -> Answer<()>,
) -> Answer<()> {
    let Some(items) = root.get(list) else { return Ok(()) };
    for (index, item) in array(items, list)?.iter().enumerate() {
        let place = format!("{list}[{index}]");
        let item = object(item, &place)?;
        check(item, &place)?;
        only(item, keys, &place)?;
    }
    Ok(())
}

fn only(item: &Map<String, Value>, keys: &[&str], place: &str) -> Answer<()> {
    match item.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) if place.is_empty() => Err(ApiError::payload(format!("\"{key}\" is not allowed"))),
        Some(key) => Err(ApiError::payload(format!("\"{place}.{key}\" is not allowed"))),
        None => Ok(()),
    }
}

fn text(item: &Map<String, Value>, key: &str, place: &str) -> Answer<()> {
    let place = format!("{place}.{key}");
    match item.get(key) {
        None => Ok(()),
        Some(Value::String(text)) if text.is_empty() => {
            Err(ApiError::payload(format!("\"{place}\" is not allowed to be empty")))
        }
        Some(Value::String(_)) => Ok(()),
        Some(_) => Err(must(&place, "be a string")),
    }
}

fn required_text(item: &Map<String, Value>, key: &str, place: &str) -> Answer<()> {
    match item.get(key) {
        None => Err(required(place)),
        Some(Value::String(text)) if text.is_empty() => {
            Err(ApiError::payload(format!("\"{place}\" is not allowed to be empty")))
        }
        Some(Value::String(_)) => Ok(()),
        Some(_) => Err(must(place, "be a string")),
    }
}

fn flag(item: &Map<String, Value>, key: &str, place: &str) -> Answer<()> {
    match item.get(key) {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(Value::String(text)) if text == "true" || text == "false" => Ok(()),
        Some(_) => Err(must(&format!("{place}.{key}"), "be a boolean")),
    }
}

fn required(place: &str) -> ApiError {
    ApiError::payload(format!("\"{place}\" is required"))
}

fn must(place: &str, what: &str) -> ApiError {
    ApiError::payload(format!("\"{place}\" must {what}"))
}

fn one_of(place: &str, names: &[&str]) -> ApiError {
    ApiError::payload(format!("\"{place}\" must be one of [{}]", names.join(", ")))
}
