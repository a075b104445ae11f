//! New columns, said so that the database of the instance can make them.

use std::collections::BTreeSet;

use super::Databases;
use super::kind::{
    Default, Kind, can_default, column, data_type, default_of, flag, is_foreign_name, kind, made, put,
};
use crate::json::{Json, Object};
use crate::schema::change::SchemaItem;
use crate::schema::shape::text;
use crate::schema::snapshot::{Snapshot, name_of};

/// The places of counting keys and of references to them that have to be made narrower than they are: Directus makes counting
/// keys of MySQL unsigned, and references to them only if both are ordinary integers. SQLite, which tells all of its counting
/// keys as integers, and PostgreSQL do not mind.
pub(crate) fn narrowed(fields: &[Object], current: &Snapshot, databases: Databases<'_>) -> BTreeSet<usize> {
    if databases.current != "mysql" {
        return BTreeSet::new();
    }
    let now = |field: &Object| {
        let (collection, name) = name_of(field);
        current.item(SchemaItem::Field, collection, name)
    };
    // What is there stays as wide as it is.
    let wide = |field: &Object| {
        kind(field) == Some(Kind::BigInteger)
            && now(field).is_none_or(|field| kind(field) == Some(Kind::Integer))
    };
    let referred: BTreeSet<(&str, &str)> = fields.iter().filter_map(key_of).collect();
    let counting: BTreeSet<(&str, &str)> = fields
        .iter()
        .filter(|field| flag(field, "has_auto_increment") && referred.contains(&name_of(field)))
        .filter(|field| now(field).is_none_or(|field| kind(field) == Some(Kind::Integer)))
        .map(name_of)
        .collect();
    let refers = |field: &Object| {
        // Counting keys of system collections are ordinary integers.
        key_of(field).is_some_and(|key| counting.contains(&key) || key.0.starts_with("directus_"))
    };
    let narrowed = |field: &Object| wide(field) && (counting.contains(&name_of(field)) || refers(field));
    (0..).zip(fields).filter(|(_, field)| narrowed(field)).map(|(place, _)| place).collect()
}

/// Which field of which collection a column refers to.
pub(super) fn key_of(field: &Object) -> Option<(&str, &str)> {
    let part = |key: &str| column(field, key).and_then(Json::as_str);
    part("foreign_key_table").zip(part("foreign_key_column"))
}

/// Makes a wide column one of ordinary integers; gives what that changes.
pub(crate) fn narrow(item: &mut Object) -> Vec<String> {
    item.insert("type", Json::from("integer"));
    put(item, "data_type", Json::from("integer"));
    ["type", "schema.data_type"].map(str::to_owned).to_vec()
}

/// Says a default in words that the target's database understands; its path, if it had to be left out.
pub(super) fn say_default(item: &mut Object, databases: Databases<'_>) -> Option<String> {
    let default = column(item, "default_value")?;
    if flag(item, "has_auto_increment") {
        // PostgreSQL's `nextval(...)` is how it counts, and would be taken for a text.
        put(item, "default_value", Json::Null);
        return None;
    }
    let kind = kind(item)?;
    match default_of(default, kind) {
        _ if !can_default(databases.current, default, kind) => {
            put(item, "default_value", Json::Null);
            return Some("schema.default_value".to_owned());
        }
        Default::Now => put(item, "default_value", Json::from("CURRENT_TIMESTAMP")),
        Default::Moment(moment) if databases.differ() => {
            put(item, "default_value", Json::from(moment.as_str()));
        }
        _ => {}
    }
    None
}

/// Makes a new column one that the target's database can create; gives what had to be left out.
///
/// Even a database's own snapshot does not create the same column again: it shows UUIDs that are no keys as text, PostgreSQL's
/// binary columns as unknown, its text without a limit as of a length
/// that no text has, and MySQL's unsigned numbers of eight bytes as integers.
pub(crate) fn make_portable(item: &mut Object, databases: Databases<'_>) -> Vec<String> {
    let (foreign, vendor) = (databases.differ(), databases.current);
    let kind = kind(item);
    match kind {
        Some(Kind::Uuid) if text(item, "type") == Some("string") => {
            item.insert("type", Json::from("uuid"));
        }
        Some(Kind::Binary) => {
            item.insert("type", Json::from("binary"));
        }
        Some(Kind::BigInteger) => {
            item.insert("type", Json::from("bigInteger"));
        }
        Some(Kind::Float | Kind::Boolean) if foreign => {
            put(item, "numeric_precision", Json::Null);
            put(item, "numeric_scale", Json::Null);
        }
        Some(Kind::Text) if text(item, "type") == Some("string") => {
            item.insert("type", Json::from("text"));
            put(item, "max_length", Json::Null);
        }
        Some(Kind::Text | Kind::Json) if foreign => put(item, "max_length", Json::Null),
        _ => {}
    }
    let mut left_out = Vec::new();
    if is_foreign_name(databases.desired, item) {
        left_out.push("schema.data_type".to_owned());
    }
    let names = made(vendor, text(item, "type").unwrap_or_default());
    if let Some(usual) = names.first().filter(|_| !names.contains(&data_type(item).as_str())) {
        put(item, "data_type", Json::from(*usual));
    }
    left_out.extend(say_default(item, databases));
    // PostgreSQL cannot index JSON.
    if kind == Some(Kind::Json) && vendor == "postgres" {
        for key in ["is_unique", "is_indexed"] {
            if flag(item, key) {
                put(item, key, Json::Bool(false));
                left_out.push(format!("schema.{key}"));
            }
        }
    }
    left_out
}
