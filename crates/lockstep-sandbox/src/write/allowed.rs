//! What somebody may write, and what a value has to satisfy.

use rusqlite::params_from_iter;
use serde_json::Value;

use super::Item;
use crate::access::{self, Rule};
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::query::filter::Filters;
use crate::query::rows::is_one_of;
use crate::query::sql::Sql;
use crate::query::values::{stored, text};
use crate::schema::Collection;

/// Looks at a new item; presets fill what it does not say.
pub(crate) fn create(session: &Session<'_>, collection: &Collection, item: &mut Item) -> Answer<()> {
    let rule = allowed(session, collection, "create", item)?;
    preset(session, &rule, item)?;
    let mut errors = lacking(collection, item, true);
    errors.extend(invalid(session, collection, &rule, item)?);
    ApiError::joined(errors).map_or(Ok(()), Err)
}

/// Looks at changes of items.
pub(crate) fn update(
    session: &Session<'_>,
    collection: &Collection,
    keys: &[Value],
    item: &mut Item,
) -> Answer<()> {
    let rule = allowed(session, collection, "update", item)?;
    if !reachable(session, collection, &rule, keys)? {
        let fields: Vec<String> = item.keys().map(|field| format!("\"{field}\"")).collect();
        return Err(ApiError::forbidden(Some(&format!(
            "You don't have permissions to perform \"update\" for the field(s) {} in collection \"{}\" or it does not exist.",
            fields.join(", "),
            collection.name
        ))));
    }
    preset(session, &rule, item)?;
    let mut errors = lacking(collection, item, false);
    errors.extend(invalid(session, collection, &rule, item)?);
    ApiError::joined(errors).map_or(Ok(()), Err)
}

/// Looks at items that are to be deleted.
pub(crate) fn delete(session: &Session<'_>, collection: &Collection, keys: &[Value]) -> Answer<()> {
    let rule = allowed(session, collection, "delete", &Item::new())?;
    match reachable(session, collection, &rule, keys)? {
        true => Ok(()),
        false => Err(ApiError::forbidden(Some(&format!(
            "You don't have permission to perform \"delete\" for collection \"{}\" or it does not exist.",
            collection.name
        )))),
    }
}

/// True if an action may be done with all of these items.
pub(crate) fn may(session: &Session<'_>, collection: &str, action: &str, keys: &[Value]) -> Answer<bool> {
    let Some(rule) = access::rule(session, collection, action)? else { return Ok(false) };
    match session.schema.collections.get(collection) {
        Some(collection) if !keys.is_empty() => reachable(session, collection, &rule, keys),
        found => Ok(found.is_some()),
    }
}

fn allowed(session: &Session<'_>, collection: &Collection, action: &str, item: &Item) -> Answer<Rule> {
    let Some(rule) = access::rule(session, &collection.name, action)? else {
        return Err(ApiError::no_collection(&collection.name));
    };
    let unknown = |field: &&String| {
        !rule.fields.contains(field) || !session.who.admin && !collection.fields.contains_key(*field)
    };
    match item.keys().find(unknown) {
        None => Ok(rule),
        Some(field) => Err(super::payload::no_field(collection, field)),
    }
}

fn preset(session: &Session<'_>, rule: &Rule, item: &mut Item) -> Answer<()> {
    for (field, value) in rule.presets.iter().filter_map(Value::as_object).flatten() {
        if !item.contains_key(field) {
            item.insert(field.clone(), crate::query::variables::resolve(session, value)?);
        }
    }
    Ok(())
}

/// True if all of the items are within what a rule reaches.
fn reachable(session: &Session<'_>, collection: &Collection, rule: &Rule, keys: &[Value]) -> Answer<bool> {
    let Some(filter) = &rule.filter else { return Ok(true) };
    let condition = Filters::trusted(session).condition(collection, "t0", filter)?;
    let sql = Sql::new("select count(*) from ").name(&collection.name).word(" t0 where ");
    let sql = sql.then(is_one_of(Sql::column("t0", &collection.key), keys)).word(" and ").then(condition);
    let reached: usize =
        session.db.prepare_cached(&sql.text)?.query_row(params_from_iter(sql.values), |row| row.get(0))?;
    Ok(reached == keys.len())
}

/// What must not be null and is, or is not there at all.
fn lacking(collection: &Collection, item: &Item, new: bool) -> Vec<ApiError> {
    let mut errors = Vec::new();
    for field in collection.fields.values().filter(|field| !field.nullable && !field.is_alias()) {
        let made = field.counts_up || field.default.is_some() || field.special.iter().any(|it| makes(it));
        match item.get(&field.name) {
            None if new && !made => errors.push(failed(&field.name, "required", "Value is required")),
            Some(Value::Null) if !field.has("uuid") => {
                errors.push(failed(&field.name, "nnull", "Value can't be null"));
            }
            _ => {}
        }
    }
    errors
}

/// True for a special that gives a field its value.
fn makes(special: &str) -> bool {
    special == "uuid" || special.ends_with("-created") || special.ends_with("-updated")
}

/// What does not satisfy the rules of the permission or of a field.
fn invalid(
    session: &Session<'_>,
    collection: &Collection,
    rule: &Rule,
    item: &Item,
) -> Answer<Vec<ApiError>> {
    let mut errors = Vec::new();
    if let Some(filter) = &rule.validation {
        errors.extend(unsatisfied(session, collection, filter, item)?);
    }
    for field in collection.fields.values().filter(|field| item.contains_key(&field.name)) {
        if let Some(filter) = &field.validation {
            errors.extend(unsatisfied(session, collection, filter, item)?);
        }
    }
    Ok(errors)
}

/// The rules of a filter that an item does not satisfy; what the item does not say satisfies all.
fn unsatisfied(
    session: &Session<'_>,
    collection: &Collection,
    filter: &Value,
    item: &Item,
) -> Answer<Vec<ApiError>> {
    let mut errors = Vec::new();
    for (key, value) in filter.as_object().into_iter().flatten() {
        match key.as_str() {
            "_and" => {
                for part in value.as_array().into_iter().flatten() {
                    errors.extend(unsatisfied(session, collection, part, item)?);
                }
            }
            "_or" => {
                let parts = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let results = parts.iter().map(|part| unsatisfied(session, collection, part, item));
                let results = results.collect::<Answer<Vec<_>>>()?;
                if !results.iter().any(Vec::is_empty) {
                    errors.extend(results.into_iter().next().unwrap_or_default());
                }
            }
            field => errors.extend(of_field(session, collection, field, value, item)?),
        }
    }
    Ok(errors)
}

fn of_field(
    session: &Session<'_>,
    collection: &Collection,
    name: &str,
    operators: &Value,
    item: &Item,
) -> Answer<Option<ApiError>> {
    let (Some(field), Some(value), Some(operators)) =
        (collection.fields.get(name), item.get(name), operators.as_object())
    else {
        return Ok(None);
    };
    for (operator, wanted) in operators {
        let wanted = crate::query::variables::resolve(session, wanted)?;
        let condition =
            crate::query::operators::operator_of(field.kind, &Sql::new("v.own"), operator, &wanted)?;
        let sql = Sql::new("select ")
            .then(condition)
            .word(" from (select ")
            .value(stored(field.kind, value))
            .word(" as own) v");
        let fits: Option<bool> = session
            .db
            .prepare_cached(&sql.text)?
            .query_row(params_from_iter(sql.values), |row| row.get(0))?;
        if fits != Some(true) {
            return Ok(Some(explained(name, operator, &wanted, value)));
        }
    }
    Ok(None)
}

fn failed(field: &str, kind: &str, reason: &str) -> ApiError {
    ApiError::validation(field, kind, format!("Validation failed for field \"{field}\". {reason}."))
}

fn explained(field: &str, operator: &str, wanted: &Value, value: &Value) -> ApiError {
    let kind = operator.trim_start_matches('_');
    let shown = text(wanted);
    let reason = match kind {
        "eq" => format!("Value has to be \"{shown}\""),
        "neq" => format!("Value can't be \"{shown}\""),
        "gt" => format!("Value has to be greater than \"{shown}\""),
        "gte" => format!("Value has to be greater than or equal to \"{shown}\""),
        "lt" => format!("Value has to be less than \"{shown}\""),
        "lte" => format!("Value has to be less than or equal to \"{shown}\""),
        "in" => format!("Value has to be one of {wanted}"),
        "nnull" => "Value can't be null".into(),
        "null" => "Value has to be null".into(),
        "nempty" => "Value can't be empty".into(),
        "empty" => "Value has to be empty".into(),
        "regex" => "Value doesn't have the correct format".into(),
        _ => format!("Value does not satisfy \"{operator}\""),
    };
    let error = failed(field, kind, &reason);
    match kind {
        "neq" => error.saying("invalid", wanted.clone()),
        "eq" | "gt" | "gte" | "lt" | "lte" | "in" => error.saying("valid", wanted.clone()),
        "regex" => error.saying("invalid", value.clone()),
        _ => error,
    }
}
