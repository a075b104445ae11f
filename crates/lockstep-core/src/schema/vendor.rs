//! What databases say differently: the same column has another type, default and constraint name in each.
//!
//! Observed on SQLite, PostgreSQL and MariaDB with 10.13.1, 11.17.4 and 12.4.0. Instead of translating one database's words
//! into another's, a column is told by its [`Kind`]: where that is the same on both sides, the words of the instance stand.

mod kind;
mod limits;
mod portable;

use super::adapt::LeftOutReason;
use super::change::SchemaItem;
use super::shape::is_absent;
use crate::json::{Json, Object};

pub(crate) use kind::is_uncreatable;
pub use limits::beyond;
use portable::say_default;
pub(crate) use portable::{make_portable, narrow, narrowed};

use kind::{
    Default, Kind, can_default, column, data_type, default_of, flag, is_foreign_name, kind, length, put,
};

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

/// Takes over from the instance what only its database says otherwise; gives what was taken over, by reason.
pub(crate) fn settle(
    what: SchemaItem,
    item: &mut Object,
    current: &Object,
    databases: Databases<'_>,
) -> Vec<(LeftOutReason, Vec<String>)> {
    match what {
        SchemaItem::Field => {
            let mut taken = settle_uncreatable(item, current);
            if databases.differ() {
                taken.extend(settle_foreign_column(item, current, databases));
            }
            taken.extend(settle_default(item, current, databases));
            let equivalent = settle_column(item, current, databases.current);
            // Last, because only fields that are of one type by now have the same casts.
            taken.extend(settle_casts(item, current));
            vec![(LeftOutReason::Database, taken), (LeftOutReason::EquivalentType, equivalent)]
        }
        SchemaItem::Relation => {
            settle_constraint(item, current, databases.differ());
            Vec::new()
        }
        SchemaItem::Collection | SchemaItem::SystemField => Vec::new(),
    }
}

/// What no request makes is as it is.
fn settle_uncreatable(item: &mut Object, current: &Object) -> Vec<String> {
    if !is_uncreatable(item) || item.get("schema") == current.get("schema") {
        return Vec::new();
    }
    for key in ["type", "schema"] {
        if let Some(now) = current.get(key) {
            item.insert(key, now.clone());
        }
    }
    vec!["schema".to_owned()]
}

/// A default that no request can give is as it is, and the time of writing has many names.
fn settle_default(item: &mut Object, current: &Object, databases: Databases<'_>) -> Option<String> {
    let kind = kind(item)?;
    let (wanted, is) = (column(item, "default_value")?, column(current, "default_value")?);
    let now = |value: &Json| default_of(value, kind) == Default::Now;
    if now(wanted) && now(is) || !can_default(databases.current, wanted, kind) {
        return take(item, current, "default_value");
    }
    if wanted == is { None } else { say_default(item, databases) }
}

/// What a column is called that no request can change: `char` and `varchar` of one length are one to SQLite, MySQL and MariaDB
/// (a UUID column that is no key), and what was made without Directus is one of many that Directus takes for the same.
fn settle_column(item: &mut Object, current: &Object, vendor: &str) -> Vec<String> {
    let is_text = |item: &Object| {
        ["char", "varchar", "character", "character varying"].contains(&data_type(item).as_str())
    };
    let mut taken = Vec::new();
    if is_text(item) && is_text(current) {
        taken.extend(take(item, current, "data_type"));
    }
    let unlimited = |item: &Object| length(item).is_some_and(|length| length < 0);
    if unlimited(item) && kind(item) == kind(current) {
        taken.extend(take_type(item, current));
        taken.extend(take(item, current, "max_length"));
    }
    let integers = [Kind::Integer, Kind::BigInteger];
    let is_reference = |item: &Object| {
        !is_absent(column(item, "foreign_key_table"))
            && kind(item).is_some_and(|kind| integers.contains(&kind))
    };
    // MySQL has references that are as wide as their key, and no others.
    let as_wide = vendor == "mysql" && is_reference(item) && is_reference(current);
    if as_wide || kind(item) == kind(current) && is_foreign_name(vendor, item) {
        let lengths = kind(item) == Some(Kind::String) && length(item).is_some() && length(current).is_some();
        let digits = kind(item) == Some(Kind::Decimal);
        taken.extend(take_type(item, current));
        let kept = |key: &&str| if *key == "max_length" { lengths } else { digits };
        for key in ["max_length", "numeric_precision", "numeric_scale"].iter().filter(|key| !kept(key)) {
            taken.extend(take(item, current, key));
        }
    }
    // Where a number has no digits by itself, Directus gives it some.
    let fraction =
        [Kind::Float, Kind::Decimal].map(Some).contains(&kind(item)) && kind(item) == kind(current);
    if fraction && is_absent(column(item, "numeric_scale")) {
        taken.extend(take(item, current, "numeric_precision"));
        taken.extend(take(item, current, "numeric_scale"));
    }
    taken
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
    // MySQL puts an index on every foreign key, whatever its column is, and it outlives the key.
    let refers = |item: &Object| !is_absent(column(item, "foreign_key_table"));
    if (refers(item) || refers(current)) && databases.either_is("mysql") {
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
    let mut taken = Vec::new();
    if !same {
        // How many digits a number without a choice of them has is the database's affair, whichever type it becomes.
        if !fractions.contains(&wanted) {
            taken.extend(take(item, current, "numeric_precision"));
            taken.extend(take(item, current, "numeric_scale"));
        }
        return taken;
    }
    taken.extend(take_type(item, current));
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
    // MySQL keeps no default of a text, so it does not tell one.
    let no_default = wanted == Kind::Text && databases.desired == "mysql" && !says(item, "default_value");
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

/// What a column refers to comes with its relation. Where that is in neither of the schemas, because Directus does not track it,
/// no request makes it or takes it away.
pub(crate) fn settle_untracked_key(item: &mut Object, current: Option<&Object>) -> Vec<String> {
    let mut taken = Vec::new();
    for key in ["foreign_key_table", "foreign_key_column"] {
        match current {
            Some(current) => taken.extend(take(item, current, key)),
            None if !is_absent(column(item, key)) => {
                put(item, key, Json::Null);
                taken.push(format!("schema.{key}"));
            }
            None => {}
        }
    }
    taken
}

/// Takes over which type a column has, for Directus and for the database; the paths that this changed.
fn take_type(item: &mut Object, current: &Object) -> Vec<String> {
    let mut taken: Vec<String> = take(item, current, "data_type").into_iter().collect();
    if item.get("type") != current.get("type")
        && let Some(kind) = current.get("type")
    {
        item.insert("type", kind.clone());
        taken.push("type".to_owned());
    }
    taken
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
