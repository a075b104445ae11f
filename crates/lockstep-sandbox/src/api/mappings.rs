//! `/directus-extension-sync`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::reply::Reply;
use crate::error::{Answer, ApiError};
use crate::mappings::{self, By, Mapping};
use crate::server::Mappings;
use crate::write;

/// Answers below it.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    call.who.must_be_admin()?;
    match (call.request.method.as_str(), rest) {
        ("GET" | "PATCH", ["info" | "tables" | "mappings"]) if !has_batches(call) => call.no_route(),
        ("GET", ["info"]) => Ok(Reply::json(&json!({"name": NAME, "version": crate::VERSION, "batch": 1}))),
        ("GET", ["tables"]) => {
            let all = call.read(|session| mappings::tables(session.db))?;
            Ok(Reply::json(&json!(all)))
        }
        ("PATCH", ["mappings"]) => change(call),
        ("GET", ["table", table]) => {
            let all = call.read(|session| mappings::all(session.db, table))?;
            Ok(Reply::json(&all.into()))
        }
        ("POST", ["table", table]) => add(call, table),
        ("GET", ["table", table, by, id]) => {
            let Some(by) = By::named(by) else { return call.no_route() };
            Ok(match call.read(|session| mappings::find(session.db, table, by, id))? {
                Some(found) => Reply::json(&found),
                None => said(StatusCode::NOT_FOUND, "No id map found"),
            })
        }
        ("DELETE", ["table", table, by, id]) => {
            let Some(by) = By::named(by) else { return call.no_route() };
            call.write(|session| mappings::remove(session.db, table, by, id))?;
            Ok(Reply::nothing())
        }
        ("DELETE", ["helpers", "permissions", "duplicates"]) => duplicates(call),
        _ => call.no_route(),
    }
}

/// What takes the place of an extension's name here.
const NAME: &str = "lockstep-sandbox";

fn has_batches(call: &Call<'_>) -> bool {
    call.instance.options.mappings == Mappings::Lockstep
}

/// Forgets mappings that are as given, and notes others, which take the place of what has one of their ids.
fn change(call: &Call<'_>) -> Answer<Reply> {
    let (gone, wanted) = (list(call, "delete", false)?, list(call, "create", true)?);
    let (deleted, created) = call.write(|session| mappings::change(session.db, &gone, &wanted))?;
    Ok(Reply::json(&json!({"deleted": deleted, "created": created})))
}

fn list(call: &Call<'_>, name: &str, whole: bool) -> Answer<Vec<Mapping>> {
    let wrong = || ApiError::payload(format!("\"{name}\" must be a list of mappings"));
    let items = match call.request.body.get(name) {
        None => return Ok(Vec::new()),
        Some(items) => items.as_array().ok_or_else(wrong)?,
    };
    let text = |item: &Value, name: &str| match item.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let mapping = |item: &Value| {
        let local = text(item, "local_id");
        if local.is_none() && (whole || item.get("local_id").is_some()) {
            return None;
        }
        Some(Mapping { table: text(item, "table")?, sync: text(item, "sync_id")?, local })
    };
    items.iter().map(|item| mapping(item).ok_or_else(wrong)).collect()
}

fn add(call: &Call<'_>, table: &str) -> Answer<Reply> {
    let local = match call.request.body.get("local_id") {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Err(ApiError::payload("\"local_id\" is required")),
    };
    let sync = match call.request.body.get("sync_id") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if !text.is_empty() => Some(text.as_str()),
        Some(_) => return Err(ApiError::payload("\"sync_id\" must be a string")),
    };
    Ok(match call.write(|session| mappings::add(session.db, table, &local, sync))? {
        Some(sync) => Reply::json(&json!({"sync_id": sync})),
        None => said(StatusCode::CONFLICT, "Id map already exists"),
    })
}

fn duplicates(call: &Call<'_>) -> Answer<Reply> {
    let keep_first = match call.request.body.get("keep") {
        None => false,
        Some(keep) => match keep.as_str() {
            Some("first") => true,
            Some("last") => false,
            _ => return Err(ApiError::payload("\"keep\" must be one of [first, last]")),
        },
    };
    let deleted = call.write(|session| {
        let found = mappings::duplicates(session.db, keep_first)?;
        let ids: Vec<Value> = found.iter().flat_map(|it| it.ids.iter().map(|id| json!(id))).collect();
        if !ids.is_empty() {
            write::delete(session, "directus_permissions", &ids)?;
        }
        Ok(found)
    })?;
    let deleted: Vec<Value> = deleted
        .into_iter()
        .map(|it| json!({"policy": it.policy, "collection": it.collection, "action": it.action, "ids": it.ids}))
        .collect();
    Ok(Reply::json(&json!({"deletedPermissions": deleted})))
}

fn said(status: StatusCode, message: &str) -> Reply {
    Reply { status: status.as_u16(), ..Reply::json(&json!({"message": message})) }
}
