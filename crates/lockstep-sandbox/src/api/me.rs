//! What somebody may know of themselves: `/users/me`, `/roles/me`, `/policies/me/globals`, `/permissions/me`.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::reply::Reply;
use crate::access::{self, Fields};
use crate::error::{Answer, ApiError};
use crate::query::{self, Query};
use crate::write;

/// Answers at `/users/me`.
pub(crate) fn user(call: &Call<'_>) -> Answer<Reply> {
    let id = Value::from(call.who.user.as_deref().ok_or_else(ApiError::credentials)?);
    let query = call.query()?;
    match call.request.method.as_str() {
        "GET" => match call.read(|session| query::read_one(session, "directus_users", &id, &query)) {
            Ok(user) => Ok(Reply::data(user)),
            Err(error) if error.code == "FORBIDDEN" => Ok(Reply::data(json!({"id": id}))),
            Err(error) => Err(error),
        },
        "PATCH" => {
            let changes = call.object()?;
            call.write(|session| {
                write::update(session, "directus_users", std::slice::from_ref(&id), &changes)
            })?;
            let user = call.read(|session| query::read_one(session, "directus_users", &id, &query))?;
            Ok(Reply::data(user))
        }
        _ => call.no_route(),
    }
}

/// Notes the page of the application that somebody was on.
pub(crate) fn page(call: &Call<'_>) -> Answer<Reply> {
    let id = call.who.user.as_deref().ok_or_else(ApiError::credentials)?;
    let Some(page) = call.request.text("last_page").filter(|page| !page.is_empty()) else {
        return Err(ApiError::payload("\"last_page\" key is required"));
    };
    call.write(|session| {
        session.db.execute("update directus_users set last_page = ?1 where id = ?2", [page, id])?;
        Ok(())
    })?;
    Ok(Reply::nothing())
}

/// Answers at `/roles/me`.
pub(crate) fn roles(call: &Call<'_>) -> Answer<Reply> {
    if call.who.user.is_none() {
        return Err(ApiError::forbidden(None));
    }
    let ids = &call.who.roles;
    if ids.is_empty() {
        return Ok(Reply::data(json!([])));
    }
    let mut query = call.query()?;
    let mut wanted = vec![json!({"id": {"_in": ids}})];
    wanted.extend(query.filter.take());
    query = Query { filter: Some(json!({"_and": wanted})), limit: Some(-1), ..query };
    match call.read(|session| query::read(session, "directus_roles", &query)) {
        Ok(roles) => Ok(Reply::data(roles.into())),
        Err(error) if error.code == "FORBIDDEN" => {
            // The highest comes first.
            Ok(Reply::data(ids.iter().rev().map(|id| json!({"id": id})).collect()))
        }
        Err(error) => Err(error),
    }
}

/// Answers at `/policies/me/globals`.
pub(crate) fn globals(call: &Call<'_>) -> Answer<Reply> {
    if call.who.user.is_none() {
        return Ok(Reply::data(json!({"app_access": false})));
    }
    let policies = call.read(|session| access::policies(session.db, call.who))?;
    Ok(Reply::data(json!({
        "app_access": call.who.app,
        "admin_access": call.who.admin,
        "enforce_tfa": policies.iter().any(|policy| policy.enforce_tfa),
    })))
}

/// Answers at `/permissions/me`: every collection with its actions.
pub(crate) fn permissions(call: &Call<'_>) -> Answer<Reply> {
    if call.who.user.is_none() {
        return Err(ApiError::forbidden(None));
    }
    let collections = call.read(|session| {
        let mut collections = Map::new();
        for name in session.schema.collections.keys() {
            let mut actions = Map::new();
            let mut any = false;
            for action in ["create", "read", "update", "delete", "share"] {
                let rule = access::rule(session, name, action)?;
                any = any || rule.is_some();
                actions.insert(action.into(), shown(rule));
            }
            if any {
                collections.insert(name.clone(), actions.into());
            }
        }
        Ok(collections)
    })?;
    Ok(Reply::data(collections.into()))
}

/// Answers at `/permissions/me/:collection/:key`: what one may do with this item.
pub(crate) fn permissions_of_item(call: &Call<'_>, collection: &str, key: Option<&str>) -> Answer<Reply> {
    if call.who.user.is_none() {
        return Err(ApiError::forbidden(None));
    }
    let keys: Vec<Value> = key.into_iter().map(Value::from).collect();
    let actions = call.read(|session| {
        let mut actions = Map::new();
        for action in ["update", "delete", "share"] {
            let may = call.who.admin || write::may(session, collection, action, &keys)?;
            actions.insert(action.into(), json!({"access": may}));
        }
        Ok(actions)
    })?;
    Ok(Reply::data(actions.into()))
}

fn shown(rule: Option<access::Rule>) -> Value {
    let Some(rule) = rule else { return json!({"access": "none"}) };
    let fields: Vec<String> = match &rule.fields {
        Fields::All => vec!["*".into()],
        Fields::Set(fields) => fields.iter().cloned().collect(),
    };
    let access = if rule.filter.is_none() { "full" } else { "partial" };
    let mut shown = json!({"access": access});
    if !fields.is_empty() {
        shown["fields"] = fields.into();
    }
    if let Some(presets) = rule.presets {
        shown["presets"] = presets;
    }
    shown
}
