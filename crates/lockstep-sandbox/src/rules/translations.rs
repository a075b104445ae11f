//! Translations: a key is there once in each language.

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::query::values::text;
use crate::write::Item;

/// Refuses a pair that is there.
pub(super) fn create(session: &Session<'_>, item: &Item) -> Answer<()> {
    match (item.get("key"), item.get("language")) {
        (Some(key), Some(language)) => refuse_pair(session, &text(key), &text(language)),
        _ => Ok(()),
    }
}

/// Refuses a pair that is there, be it the translation's own.
pub(super) fn update(session: &Session<'_>, keys: &[Value], item: &Item) -> Answer<()> {
    let (key, language) = (item.get("key"), item.get("language"));
    if key.is_none() && language.is_none() {
        return Ok(());
    }
    let [id] = keys else { return Err(duplicate()) };
    let sql = "select key, language from directus_translations where id = ?1";
    let own =
        session.db.query_row(sql, [text(id)], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let Some((own_key, own_language)) = own.optional()? else { return Ok(()) };
    refuse_pair(session, &key.map_or(own_key, text), &language.map_or(own_language, text))
}

fn refuse_pair(session: &Session<'_>, key: &str, language: &str) -> Answer<()> {
    let sql = "select 1 from directus_translations where key = ?1 and language = ?2";
    match session.db.prepare_cached(sql)?.exists(params![key, language])? {
        true => Err(duplicate()),
        false => Ok(()),
    }
}

fn duplicate() -> ApiError {
    ApiError::payload("Duplicate key and language combination")
}
