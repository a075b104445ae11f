//! What values of content mean: a server gives many of them back in other words than it was given.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use crate::record::same_value;

/// What the values of a field mean, where two that look different may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number, which databases also give as text.
    Number,
    /// True or false, also as 1 and 0.
    Boolean,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and a time of day, of no time zone.
    DateTime,
    /// A moment.
    Timestamp,
    /// Texts, as an array or joined by commas.
    List,
    /// Text whose case does not count.
    Caseless,
    /// Text that may be a number elsewhere: the item of a many-to-any relation.
    Text,
}

impl Kind {
    /// The kind of a field of this type; none where values mean what they say.
    #[must_use]
    pub fn of_type(name: &str) -> Option<Self> {
        Some(match name {
            "integer" | "bigInteger" | "float" | "decimal" => Self::Number,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "time" => Self::Time,
            "dateTime" => Self::DateTime,
            "timestamp" => Self::Timestamp,
            "csv" => Self::List,
            _ => return None,
        })
    }
}

/// True if two values of a field of this kind mean the same.
#[must_use]
pub fn same_value_of(kind: Option<Kind>, one: &Value, other: &Value) -> bool {
    if same_value(one, other) {
        return true;
    }
    let Some(kind) = kind.filter(|_| !one.is_null() && !other.is_null()) else { return false };
    match kind {
        Kind::Number => equal(number(one), number(other)),
        Kind::Boolean => equal(boolean(one), boolean(other)),
        Kind::Date => equal(date(one), date(other)),
        Kind::Time => equal(time(one), time(other)),
        Kind::DateTime => equal(date_time(one), date_time(other)),
        Kind::Timestamp => equal(timestamp(one), timestamp(other)),
        Kind::List => list(one) == list(other),
        Kind::Caseless => equal(lower(one), lower(other)),
        Kind::Text => equal(text(one), text(other)),
    }
}

fn equal<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.is_some() && one == other
}

/// A number without what does not change its value: signs of plus, leading and trailing zeros.
fn number(value: &Value) -> Option<String> {
    let text = text(value)?;
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.contains(['e', 'E']) {
        return digits.parse::<f64>().ok().and_then(|number| number_of(&format!("{sign}{number}")));
    }
    number_of(&format!("{sign}{digits}"))
}

fn number_of(text: &str) -> Option<String> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || digits == "." || !plain(whole) || !plain(part) {
        return None;
    }
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    let sign = if whole.is_empty() && part.is_empty() { "" } else { sign };
    Some(format!("{sign}{whole}.{part}"))
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn date(value: &Value) -> Option<Date> {
    let text = value.as_str()?;
    text.get(..10).unwrap_or(text).parse().ok()
}

fn time(value: &Value) -> Option<Time> {
    value.as_str()?.parse().ok()
}

fn date_time(value: &Value) -> Option<DateTime> {
    let text = value.as_str()?.trim();
    text.strip_suffix(['Z', 'z']).unwrap_or(text).parse().ok()
}

/// A moment without a zone is taken for one in UTC.
fn timestamp(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?.trim();
    let zoned = || date_time(value)?.to_zoned(TimeZone::UTC).ok().map(|moment| moment.timestamp());
    text.parse().ok().or_else(zoned)
}

fn list(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::String(text) if text.is_empty() => Some(Vec::new()),
        Value::String(text) => Some(text.split(',').map(str::to_owned).collect()),
        _ => None,
    }
}

fn lower(value: &Value) -> Option<String> {
    value.as_str().map(str::to_lowercase)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_the_same_by_what_they_mean() {
        for (kind, one, other, same) in [
            (Kind::Number, json!(10.5), json!("10.50000"), true),
            (Kind::Number, json!(-3), json!("-3"), true),
            (Kind::Number, json!("9007199254740993"), json!("9007199254740992"), false),
            (Kind::Number, json!(0), json!("-0.00"), true),
            (Kind::Number, json!(1e3), json!("1000"), true),
            (Kind::Number, json!("x"), json!("x "), false),
            (Kind::Number, json!(null), json!(0), false),
            (Kind::Boolean, json!(1), json!(true), true),
            (Kind::Boolean, json!(0), json!(true), false),
            (Kind::Date, json!("2024-05-01"), json!("2024-05-01T00:00:00"), true),
            (Kind::Time, json!("12:30"), json!("12:30:00"), true),
            (Kind::DateTime, json!("2024-05-01 12:30:00"), json!("2024-05-01T12:30:00"), true),
            (Kind::DateTime, json!("2024-05-01T12:30"), json!("2024-05-01T12:30:01"), false),
            (Kind::Timestamp, json!("2024-05-01T14:30:00+02:00"), json!("2024-05-01T12:30:00.000Z"), true),
            (Kind::Timestamp, json!("2024-05-01 12:30:00"), json!("2024-05-01T12:30:00.000Z"), true),
            (Kind::Timestamp, json!("soon"), json!("2024-05-01T12:30:00.000Z"), false),
            (Kind::List, json!("a,b"), json!(["a", "b"]), true),
            (Kind::List, json!(""), json!([]), true),
            (Kind::List, json!("a,b"), json!(["b", "a"]), false),
            (Kind::Caseless, json!("Ann@Example.com"), json!("ann@example.com"), true),
            (Kind::Text, json!(5), json!("5"), true),
        ] {
            assert_eq!(same_value_of(Some(kind), &one, &other), same, "{kind:?} {one} {other}");
        }
        assert!(!same_value_of(None, &json!("1"), &json!(1)));
    }
}
