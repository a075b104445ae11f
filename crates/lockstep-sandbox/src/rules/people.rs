//! Users and their roles.

use std::net::IpAddr;

use rusqlite::params;
use serde_json::Value;

use super::for_keys;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::query::values::text;
use crate::write::Item;

/// An address belongs to one user, whatever its case.
pub(super) fn create(session: &Session<'_>, item: &Item) -> Answer<()> {
    let Some(email) = item.get("email").filter(|email| !email.is_null()) else { return Ok(()) };
    is_address(email)?;
    refuse_address(session, email, &[])
}

/// The same of changes.
pub(super) fn update(session: &Session<'_>, keys: &[Value], item: &Item) -> Answer<()> {
    if item.contains_key("tfa_secret") {
        return Err(ApiError::payload("You can't change the \"tfa_secret\" value manually"));
    }
    let Some(email) = item.get("email").filter(|email| !email.is_null()) else { return Ok(()) };
    is_address(email)?;
    if keys.len() > 1 {
        return Err(ApiError::not_unique("directus_users", "email", email.clone()));
    }
    refuse_address(session, email, keys)
}

fn is_address(email: &Value) -> Answer<()> {
    let text = text(email);
    let fits = text.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
    });
    match fits && !text.contains(char::is_whitespace) {
        true => Ok(()),
        false => Err(ApiError::validation(
            "email",
            "email",
            "Validation failed for field \"email\". Value has to be a valid email address.",
        )),
    }
}

fn refuse_address(session: &Session<'_>, email: &Value, own: &[Value]) -> Answer<()> {
    let sql = "select 1 from directus_users where lower(email) = lower(?1) \
               and id not in (select value from json_each(?2))";
    let own = Value::Array(own.to_vec()).to_string();
    match session.db.prepare_cached(sql)?.exists(params![text(email), own])? {
        true => {
            let shown = format!("[{}]", text(email).to_lowercase());
            Err(ApiError::not_unique("directus_users", "email", shown.into()))
        }
        false => Ok(()),
    }
}

/// What users wrote stays, without their name.
pub(super) fn delete_users(session: &Session<'_>, keys: &[Value]) -> Answer<()> {
    for (table, field) in [
        ("directus_notifications", "sender"),
        ("directus_comments", "user_updated"),
        ("directus_versions", "user_updated"),
    ] {
        let sql =
            format!("update {table} set {field} = null where {field} in (select value from json_each(?1))");
        for_keys(session, &sql, keys)?;
    }
    Ok(())
}

/// The users of a role can come in no more when it goes; what they had of it, the database takes away.
pub(super) fn delete_roles(session: &Session<'_>, keys: &[Value]) -> Answer<()> {
    let sql = "update directus_users set status = 'suspended', role = null where role in (select value from json_each(?1))";
    for_keys(session, sql, keys)?;
    let sql = "update directus_roles set parent = null where parent in (select value from json_each(?1))";
    for_keys(session, sql, keys)
}

/// A role is not below itself, also in between.
pub(super) fn update_roles(session: &Session<'_>, keys: &[Value], item: &Item) -> Answer<()> {
    let Some(parent) = item.get("parent").filter(|parent| !parent.is_null()) else { return Ok(()) };
    if keys.iter().any(|key| text(key) == text(parent)) {
        return Err(ApiError::payload("A role cannot be a parent of itself"));
    }
    let sql = "with recursive above (id) as (select ?1 union select r.parent from above a \
               join directus_roles r on r.id = a.id) \
               select 1 from above where id in (select value from json_each(?2))";
    let own = Value::Array(keys.to_vec()).to_string();
    match session.db.prepare_cached(sql)?.exists(params![text(parent), own])? {
        true => Err(ApiError::payload("A role cannot have a parent that is already a descendant of itself")),
        false => Ok(()),
    }
}

/// A policy may be limited to addresses and ranges of them.
pub(super) fn policy(item: &Item) -> Answer<()> {
    let listed = match item.get("ip_access") {
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(Value::String(items)) => items.split(',').map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let is_place = |place: &String| {
        let place = place.trim();
        let address = |text: &str| text.trim().parse::<IpAddr>().is_ok();
        match (place.split_once('/'), place.split_once('-')) {
            (Some((start, bits)), _) => address(start) && bits.parse::<u8>().is_ok_and(|bits| bits <= 128),
            (None, Some((first, last))) => address(first) && address(last),
            (None, None) => address(place),
        }
    };
    match listed.iter().all(is_place) {
        true => Ok(()),
        false => Err(ApiError::payload(
            "IP Access contains an incorrect value. Valid values are: IP addresses, IP ranges and CIDR blocks",
        )),
    }
}
