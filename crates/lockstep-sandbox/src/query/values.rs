//! Values between the API and the database.
//!
//! Dates are kept as text that sorts as they do, and JSON as text.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use rusqlite::types::{Value as Stored, ValueRef};
use serde_json::{Number, Value};

use crate::clock;
use crate::schema::Field;
use crate::schema::types::Kind;

/// What stands for a secret.
pub(crate) const CONCEALED: &str = "**********";

/// A value of the database as the API tells it.
pub(crate) fn shown(field: &Field, stored: ValueRef<'_>) -> Value {
    let value = match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => counted(number),
        ValueRef::Real(number) => whole(number),
        ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::String(String::from_utf8_lossy(bytes).into_owned()),
    };
    if field.has("conceal") || field.has("encrypt") {
        let empty = value.is_null() || value == "";
        return if empty { Value::Null } else { CONCEALED.into() };
    }
    match (field.kind, value) {
        (_, Value::Null) => Value::Null,
        // SQLite knows no booleans: what is not marked as one stays a number.
        (Kind::Boolean, Value::Number(number)) if field.has("cast-boolean") => {
            (number.as_i64() != Some(0)).into()
        }
        (Kind::Boolean, Value::String(text)) if field.has("cast-boolean") => match text.as_str() {
            "1" => true.into(),
            "0" => false.into(),
            _ => Value::String(text),
        },
        (Kind::Json | Kind::Geometry, Value::String(text)) => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        (Kind::Csv, Value::String(text)) if text.is_empty() => Value::Array(Vec::new()),
        (Kind::Csv, Value::String(text)) => text.split(',').map(Value::from).collect(),
        (kind, Value::String(text)) if kind.is_moment() => {
            moment(kind, &text).map_or(Value::String(text), Value::String)
        }
        (Kind::String | Kind::Text | Kind::Uuid | Kind::Hash, Value::Number(number)) => {
            number.to_string().into()
        }
        (_, value) => value,
    }
}

/// A whole number as JavaScript tells it: beyond 53 bits only as exactly as a double is.
fn counted(number: i64) -> Value {
    const EXACT: u64 = 1 << 53;
    if number.unsigned_abs() <= EXACT {
        return number.into();
    }
    #[expect(clippy::cast_precision_loss, reason = "that is what happens to it")]
    let text = lockstep_core::json::number(number as f64);
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// A number as JavaScript writes it: a whole one without a fraction.
fn whole(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
        return (number as i64).into();
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// A value of the API as a column of this kind keeps it.
pub(crate) fn stored(kind: Kind, value: &Value) -> Stored {
    match (kind, value) {
        (_, Value::Null) => Stored::Null,
        (Kind::Csv, Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(text).collect();
            Stored::Text(items.join(","))
        }
        (Kind::Json, Value::String(text)) => Stored::Text(text.clone()),
        (_, Value::Array(_) | Value::Object(_)) => Stored::Text(value.to_string()),
        (_, Value::Bool(flag)) => Stored::Integer((*flag).into()),
        (Kind::Date | Kind::DateTime | Kind::Timestamp, Value::Number(number)) => {
            let instant = number.as_i64().and_then(|it| Timestamp::from_millisecond(it).ok());
            instant.and_then(|it| moment(kind, &clock::text(it))).map_or(Stored::Null, Stored::Text)
        }
        (_, Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Stored::Integer(number),
            (None, Some(number)) => Stored::Real(number),
            (None, None) => Stored::Text(number.to_string()),
        },
        (kind, Value::String(text)) if kind.is_moment() => {
            Stored::Text(moment(kind, text).unwrap_or_else(|| text.clone()))
        }
        (kind, Value::String(text)) if kind.is_number() => number(text),
        (_, Value::String(text)) => Stored::Text(text.clone()),
    }
}

fn number(text: &str) -> Stored {
    if let Ok(number) = text.trim().parse::<i64>() {
        return Stored::Integer(number);
    }
    text.trim().parse::<f64>().map_or_else(|_| Stored::Text(text.into()), Stored::Real)
}

/// A scalar as text.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A date or time in the form that a column of this kind keeps; none if it is neither.
pub(crate) fn moment(kind: Kind, text: &str) -> Option<String> {
    let text = text.trim();
    match kind {
        Kind::Time => Some(text.to_owned()),
        Kind::Timestamp => instant(text).map(clock::text),
        Kind::Date => civil(text).map(|at| at.date().to_string()),
        _ => civil(text).map(|at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
    }
}

/// A moment with its place on the globe; one without counts as UTC.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil = plain(text)?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

fn civil(text: &str) -> Option<DateTime> {
    plain(text).or_else(|| Some(text.parse::<Timestamp>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime()))
}

fn plain(text: &str) -> Option<DateTime> {
    let ends_in_zone =
        text.ends_with(['Z', 'z']) || text.get(10..).is_some_and(|rest| rest.contains(['+', '-']));
    if ends_in_zone {
        return None;
    }
    text.parse::<DateTime>()
        .ok()
        .or_else(|| text.parse::<Date>().ok().map(|date| date.to_datetime(Time::midnight())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_take_the_form_of_their_kind() {
        for (kind, text, expected) in [
            (Kind::Timestamp, "2024-01-02T03:04:05+01:00", Some("2024-01-02T02:04:05.000Z")),
            (Kind::Timestamp, "2024-01-02 03:04:05", Some("2024-01-02T03:04:05.000Z")),
            (Kind::Timestamp, "2024-01-02", Some("2024-01-02T00:00:00.000Z")),
            (Kind::DateTime, "2024-01-02T03:04:05.678", Some("2024-01-02T03:04:05")),
            (Kind::DateTime, "2024-01-02", Some("2024-01-02T00:00:00")),
            (Kind::Date, "2024-01-02T03:04:05", Some("2024-01-02")),
            (Kind::Time, "03:04", Some("03:04")),
            (Kind::Date, "yesterday", None),
        ] {
            assert_eq!(moment(kind, text).as_deref(), expected, "{kind:?} {text}");
        }
    }
}
