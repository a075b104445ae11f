//! What databases say differently: the same column has another type, default and constraint name in each.
//!
//! Observed on SQLite, PostgreSQL and MariaDB with 10.13.1, 11.17.4 and 12.4.0. Instead of translating one database's words
//! into another's, a column is told by its [`Kind`]: where that is the same on both sides, the words of the instance stand.

use std::collections::BTreeSet;

use super::adapt::LeftOutReason;
use super::change::SchemaItem;
use super::shape::{is_absent, text};
use super::snapshot::name_of;
use crate::json::{Json, Object};

/// Which database the desired schema comes of, and which one it is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Databases<'a> {
    pub(crate) desired: &'a str,
    pub(crate) current: &'a str,
}

impl Databases<'_> {
    pub(crate) fn differ(self) -> bool {
        self.desired != self.current
    }

    fn either_is(self, vendor: &str) -> bool {
        self.desired == vendor || self.current == vendor
    }
}

/// What a column holds, whatever its database calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Uuid,
    Boolean,
    Json,
    BigInteger,
    Integer,
    Decimal,
    Float,
    String,
    Text,
    Binary,
    Time,
    Date,
    DateTime,
    Timestamp,
    Geometry,
}

/// `char(36)` is how databases without a type for them hold UUIDs.
const UUID_LENGTH: i64 = 36;

/// The kind of a column; none if it is not known.
fn kind(item: &Object) -> Option<Kind> {
    let directus = text(item, "type").unwrap_or_default();
    let schema = item.get("schema")?.as_object()?;
    let column = text(schema, "data_type").unwrap_or_default().to_ascii_lowercase();
    let length = schema.get("max_length").and_then(Json::as_i64);
    match directus {
        "boolean" => return Some(Kind::Boolean),
        "json" => return Some(Kind::Json),
        "dateTime" => return Some(Kind::DateTime),
        "timestamp" => return Some(Kind::Timestamp),
        geometry if geometry.starts_with("geometry") => return Some(Kind::Geometry),
        _ => {}
    }
    Some(match column.trim_end_matches(" unsigned") {
        "uuid" => Kind::Uuid,
        "char" | "character" if length == Some(UUID_LENGTH) => Kind::Uuid,
        "bigint" | "bigserial" | "int8" => Kind::BigInteger,
        "int" | "integer" | "tinyint" | "smallint" | "mediumint" | "serial" | "int4" | "int2" => {
            Kind::Integer
        }
        "decimal" | "numeric" => Kind::Decimal,
        "float" | "real" | "double" | "double precision" | "float8" | "float4" => Kind::Float,
        "varchar" | "character varying" | "char" | "character" | "varchar2" | "nvarchar" => Kind::String,
        "text" | "longtext" | "mediumtext" | "tinytext" | "clob" => Kind::Text,
        "blob" | "bytea" | "binary" | "varbinary" => Kind::Binary,
        "date" => Kind::Date,
        "datetime" => Kind::DateTime,
        time if time.starts_with("timestamp") => Kind::Timestamp,
        time if time.starts_with("time") => Kind::Time,
        _ => return None,
    })
}

/// Takes over from the instance what only its database says otherwise; gives what was taken over, by reason.
pub(crate) fn settle(
    what: SchemaItem,
    item: &mut Object,
    current: &Object,
    databases: Databases<'_>,
) -> Vec<(LeftOutReason, Vec<String>)> {
    match what {
        SchemaItem::Field => {
            let mut taken = Vec::new();
            if databases.differ() {
                taken = settle_foreign_column(item, current, databases);
            }
            taken.extend(settle_casts(item, current));
            vec![
                (LeftOutReason::Database, taken),
                (LeftOutReason::EquivalentType, settle_column(item, current)),
            ]
        }
        SchemaItem::Relation => {
            settle_constraint(item, current, databases.differ());
            Vec::new()
        }
        SchemaItem::Collection | SchemaItem::SystemField => Vec::new(),
    }
}

/// `char` and `varchar` of one length are one to SQLite, MySQL and MariaDB (a UUID column that is no key).
fn settle_column(item: &mut Object, current: &Object) -> Vec<String> {
    let is_text = |item: &Object| {
        let name = column(item, "data_type").and_then(Json::as_str).unwrap_or_default().to_ascii_lowercase();
        ["char", "varchar", "character", "character varying"].contains(&name.as_str())
    };
    if !is_text(item) || !is_text(current) {
        return Vec::new();
    }
    take(item, current, "data_type").into_iter().collect()
}

/// The name of a constraint is the database's affair, and so is the word for doing nothing.
fn settle_constraint(item: &mut Object, current: &Object, foreign: bool) {
    take(item, current, "constraint_name");
    let does_nothing = |item: &Object, key: &str| {
        matches!(column(item, key).and_then(Json::as_str), Some("NO ACTION" | "RESTRICT"))
    };
    for key in ["on_update", "on_delete"] {
        if foreign && does_nothing(item, key) && does_nothing(current, key) {
            take(item, current, key);
        }
    }
}

fn settle_foreign_column(item: &mut Object, current: &Object, databases: Databases<'_>) -> Vec<String> {
    let mut taken = Vec::new();
    // MySQL puts an index on every foreign key, whatever its column is.
    if !is_absent(column(item, "foreign_key_table")) && databases.either_is("mysql") {
        taken.extend(take(item, current, "is_indexed"));
    }
    taken.extend(settle_foreign_kind(item, current, databases));
    taken
}

fn settle_foreign_kind(item: &mut Object, current: &Object, databases: Databases<'_>) -> Vec<String> {
    let (Some(wanted), Some(is)) = (kind(item), kind(current)) else { return Vec::new() };
    let key =
        |item: &Object| flag(item, "has_auto_increment") || !is_absent(column(item, "foreign_key_table"));
    let integers = [Kind::Integer, Kind::BigInteger];
    let fractions = [Kind::Decimal, Kind::Float];
    // Keys are as wide as the database makes them, and SQLite has no decimals.
    let same = wanted == is && (wanted != Kind::Geometry || item.get("type") == current.get("type"))
        || key(item) && key(current) && integers.contains(&wanted) && integers.contains(&is)
        || databases.either_is("sqlite") && fractions.contains(&wanted) && fractions.contains(&is);
    if !same {
        return Vec::new();
    }
    let mut taken = Vec::new();
    taken.extend(take(item, current, "data_type"));
    if item.get("type") != current.get("type")
        && let Some(kind) = current.get("type")
    {
        item.insert("type", kind.clone());
        taken.push("type".to_owned());
    }
    let says = |item: &Object, key: &str| !is_absent(column(item, key));
    let both_say = |item: &Object, key: &str| says(item, key) && says(current, key);
    let lengths = matches!(wanted, Kind::String) && both_say(item, "max_length");
    let digits = wanted == Kind::Decimal && is == Kind::Decimal;
    let kept = |key: &str| match key {
        "max_length" => lengths,
        "numeric_precision" | "numeric_scale" => digits,
        _ => false,
    };
    for key in ["max_length", "numeric_precision", "numeric_scale"] {
        if !kept(key) {
            taken.extend(take(item, current, key));
        }
    }
    if flag(item, "is_primary_key") && flag(current, "is_primary_key") {
        taken.extend(take(item, current, "is_unique"));
        taken.extend(take(item, current, "has_auto_increment"));
    }
    // PostgreSQL cannot index JSON.
    if wanted == Kind::Json {
        taken.extend(take(item, current, "is_indexed"));
        taken.extend(take(item, current, "is_unique"));
    }
    let default = |item: &Object| column(item, "default_value").map(|value| default_of(value, wanted));
    let settled = flag(item, "has_auto_increment") || default(item) == default(current);
    // MySQL keeps no default of a text, so it neither has one nor tells one.
    let no_default = matches!(wanted, Kind::Text | Kind::Json)
        && (databases.current == "mysql" && !says(current, "default_value")
            || databases.desired == "mysql" && !says(item, "default_value"));
    if settled || no_default {
        taken.extend(take(item, current, "default_value"));
    }
    taken
}

/// Which values the server converts on the way is its own affair: it adds `cast-json` to JSON (from 11), and
/// `cast-timestamp` to points in time where the database has none.
fn settle_casts(item: &mut Object, current: &Object) -> Option<String> {
    let special = |item: &Object| item.get("meta").and_then(|meta| meta.get("special")).cloned();
    let others = |item: &Object| -> Vec<Json> {
        let is_cast = |word: &Json| matches!(word.as_str(), Some("cast-timestamp" | "cast-json"));
        let words =
            special(item).and_then(|special| special.as_array().map(<[Json]>::to_vec)).unwrap_or_default();
        words.into_iter().filter(|word| !is_cast(word)).collect()
    };
    let now = special(current)?;
    if item.get("type") != current.get("type") {
        return None;
    }
    if others(item) != others(current) || special(item).as_ref() == Some(&now) {
        return None;
    }
    let meta = item.get_mut("meta")?.as_object_mut()?;
    meta.insert("special", now);
    Some("meta.special".to_owned())
}

/// The places of wide references to counting keys that are not as wide: MySQL refuses such a reference. SQLite, which tells all
/// of its counting keys as integers, does not mind.
pub(crate) fn narrower_references(fields: &[Object], databases: Databases<'_>) -> BTreeSet<usize> {
    if !databases.differ() || databases.current != "mysql" {
        return BTreeSet::new();
    }
    let counting: BTreeSet<(&str, &str)> = fields
        .iter()
        .filter(|field| flag(field, "has_auto_increment") && kind(field) == Some(Kind::Integer))
        .map(name_of)
        .collect();
    let refers = |field: &Object| {
        let part = |key: &str| column(field, key).and_then(Json::as_str);
        let key = part("foreign_key_table").zip(part("foreign_key_column"));
        kind(field) == Some(Kind::BigInteger) && key.is_some_and(|key| counting.contains(&key))
    };
    (0..).zip(fields).filter(|(_, field)| refers(field)).map(|(place, _)| place).collect()
}

/// Makes a wide column one of ordinary integers; gives what that changes.
pub(crate) fn narrow(item: &mut Object) -> Vec<String> {
    item.insert("type", Json::from("integer"));
    put(item, "data_type", Json::from("int"));
    ["type", "schema.data_type"].map(str::to_owned).to_vec()
}

/// Makes a new column one that the target's database can create; gives what had to be left out.
///
/// Even a database's own snapshot does not create the same column again: it shows UUIDs that are no keys as text, and
/// PostgreSQL's binary columns as unknown.
pub(crate) fn make_portable(item: &mut Object, databases: Databases<'_>) -> Vec<String> {
    let (foreign, vendor) = (databases.differ(), databases.current);
    let kind = kind(item);
    let mut left_out = Vec::new();
    match kind {
        Some(Kind::Uuid) if text(item, "type") == Some("string") => {
            item.insert("type", Json::from("uuid"));
        }
        Some(Kind::Binary) => {
            item.insert("type", Json::from("binary"));
        }
        Some(Kind::Float | Kind::Boolean) if foreign => {
            put(item, "numeric_precision", Json::Null);
            put(item, "numeric_scale", Json::Null);
        }
        Some(Kind::Text | Kind::Json) if foreign => put(item, "max_length", Json::Null),
        _ => {}
    }
    if flag(item, "has_auto_increment") {
        // PostgreSQL's `nextval(...)` is how it counts, and would be taken for a text.
        put(item, "default_value", Json::Null);
    } else if let (Some(kind), Some(default)) = (kind, column(item, "default_value")) {
        if default_of(default, kind) == Default::Now {
            put(item, "default_value", Json::from("CURRENT_TIMESTAMP"));
        } else if foreign
            && vendor == "mysql"
            && matches!(kind, Kind::Text | Kind::Json)
            && !default.is_null()
        {
            put(item, "default_value", Json::Null);
            left_out.push("schema.default_value".to_owned());
        } else if foreign && let Default::Moment(moment) = default_of(default, kind) {
            put(item, "default_value", Json::from(moment.as_str()));
        }
    }
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

/// A default, as far as all databases mean it.
#[derive(Debug, PartialEq)]
enum Default {
    None,
    /// The time of writing.
    Now,
    /// A point in time, to the second.
    Moment(String),
    Number(f64),
    Other(Json),
}

fn default_of(value: &Json, kind: Kind) -> Default {
    match value {
        Json::Null => Default::None,
        Json::Bool(flag) => Default::Number(f64::from(u8::from(*flag))),
        Json::Number(number) => Default::Number(*number),
        Json::String(text) => match kind {
            Kind::DateTime | Kind::Timestamp => {
                let lower = text.to_ascii_lowercase();
                if ["current_timestamp", "current_timestamp()", "now()"].contains(&lower.as_str()) {
                    return Default::Now;
                }
                let moment: String =
                    text.replace('T', " ").chars().take("2024-01-02 03:04:05".len()).collect();
                Default::Moment(moment)
            }
            Kind::Integer | Kind::BigInteger | Kind::Float | Kind::Decimal => {
                text.parse().map_or_else(|_| Default::Other(value.clone()), Default::Number)
            }
            Kind::Boolean => match text.as_ref() {
                "true" | "1" => Default::Number(1.0),
                "false" | "0" => Default::Number(0.0),
                _ => Default::Other(value.clone()),
            },
            _ => Default::Other(value.clone()),
        },
        other => Default::Other(other.clone()),
    }
}

fn column<'a>(item: &'a Object, key: &str) -> Option<&'a Json> {
    item.get("schema")?.get(key)
}

fn flag(item: &Object, key: &str) -> bool {
    column(item, key).and_then(Json::as_bool) == Some(true)
}

fn put(item: &mut Object, key: &str, value: Json) {
    if let Some(Json::Object(schema)) = item.get_mut("schema")
        && schema.get(key).is_some()
    {
        schema.insert(key, value);
    }
}

/// Takes a property of `schema` over; its path, if that changed anything.
fn take(item: &mut Object, current: &Object, key: &str) -> Option<String> {
    let now = column(current, key)?;
    let Some(Json::Object(schema)) = item.get_mut("schema") else { return None };
    if schema.get(key).is_none_or(|wanted| wanted == now) {
        return None;
    }
    schema.insert(key, now.clone());
    Some(format!("schema.{key}"))
}
