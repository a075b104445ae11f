//! The operators of filters: which a type has, and what they are in SQL.

use rusqlite::types::Value as Stored;
use serde_json::Value;

use super::sql::Sql;
use super::values::{stored, text};
use crate::error::{Answer, ApiError};
use crate::schema::types::Kind;

const EQUAL: [&str; 4] = ["_eq", "_neq", "_null", "_nnull"];
const AMONG: [&str; 2] = ["_in", "_nin"];
const ORDER: [&str; 6] = ["_lt", "_lte", "_gt", "_gte", "_between", "_nbetween"];
const EMPTY: [&str; 2] = ["_empty", "_nempty"];
const PARTS: [&str; 14] = [
    "_contains",
    "_ncontains",
    "_icontains",
    "_nicontains",
    "_starts_with",
    "_nstarts_with",
    "_istarts_with",
    "_nistarts_with",
    "_ends_with",
    "_nends_with",
    "_iends_with",
    "_niends_with",
    "_ieq",
    "_nieq",
];

/// Whether an operator can be asked of a type, with this value.
///
/// # Errors
/// `INVALID_QUERY` where it cannot.
pub(crate) fn check(
    kind: Kind,
    type_name: &str,
    concealed: bool,
    operator: &str,
    value: &Value,
) -> Answer<()> {
    if concealed && !EMPTY.contains(&operator) && !matches!(operator, "_null" | "_nnull") {
        return Err(ApiError::query(format!(
            "Field with \"conceal\" special does not allow the \"{operator}\" filter operator"
        )));
    }
    let lists: &[&[&str]] = match kind {
        Kind::Boolean => &[&EQUAL],
        Kind::Uuid | Kind::Hash => &[&EQUAL, &AMONG, &EMPTY],
        Kind::Json => &[&EQUAL, &AMONG, &EMPTY, &PARTS],
        kind if kind.is_number() || kind.is_moment() => &[&EQUAL, &AMONG, &ORDER, &EMPTY],
        _ => &[&EQUAL, &AMONG, &EMPTY, &PARTS],
    };
    if !lists.iter().any(|list| list.contains(&operator)) {
        return Err(ApiError::query(format!(
            "\"{type_name}\" field type does not contain the \"{operator}\" filter operator"
        )));
    }
    match operator {
        "_in" | "_nin" if several(value).is_empty() => {
            Err(ApiError::query(format!("\"{operator}\" has to be an array of values")))
        }
        "_in" | "_nin" | "_between" | "_nbetween" | "_null" | "_nnull" | "_empty" | "_nempty" => Ok(()),
        _ if value.is_array() || value.is_object() => Err(ApiError::query(format!(
            "The filter value for \"{operator}\" has to be a string, number, or boolean"
        ))),
        _ if PARTS.contains(&operator) && *value == "" => Err(ApiError::query(format!(
            "You can't filter for an empty string in \"{operator}\". Use \"_empty\" or \"_nempty\" instead"
        ))),
        _ => match value {
            // So large a number is no longer written in digits.
            Value::Number(number)
                if kind.is_number() && number.as_f64().is_some_and(|it| it.abs() >= 1e21) =>
            {
                Err(ApiError::query(format!("The filter value for \"{operator}\" is not a valid number")))
            }
            Value::String(text) if kind.is_number() && text.trim().parse::<f64>().is_err() => {
                Err(ApiError::query("Invalid numeric value"))
            }
            _ => Ok(()),
        },
    }
}

pub(crate) fn truthy(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => !matches!(text.as_str(), "false" | "0"),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    }
}

/// The condition of one operator.
///
/// # Errors
/// `INVALID_QUERY` for what is no operator.
pub(crate) fn operator_of(kind: Kind, column: &Sql, operator: &str, value: &Value) -> Answer<Sql> {
    let column = column.clone();
    let flag;
    let value = match (kind, value.as_str()) {
        (Kind::Boolean, Some(text)) if matches!(text, "true" | "false") => {
            flag = Value::Bool(text == "true");
            &flag
        }
        _ => value,
    };
    let compared = |column: Sql, word: &str| column.word(word).value(stored(kind, value));
    let like = |column: Sql, not: bool, pattern: String, exact: bool| {
        // Upper and lower case differ only where the database says so, which SQLite does not for plain letters.
        let column = if exact { column } else { Sql::new("lower(").then(column).word(")") };
        let pattern = if exact { pattern } else { pattern.to_lowercase() };
        column.word(if not { " not like " } else { " like " }).value(Stored::Text(pattern))
    };
    let part = text(value);
    Ok(match operator {
        "_eq" if value.is_null() => column.word(" is null"),
        "_neq" if value.is_null() => column.word(" is not null"),
        "_eq" => compared(column, " = "),
        "_neq" => compared(column, " != "),
        "_lt" => compared(column, " < "),
        "_lte" => compared(column, " <= "),
        "_gt" => compared(column, " > "),
        "_gte" => compared(column, " >= "),
        "_ieq" => Sql::new("lower(").then(column).word(") = ").value(Stored::Text(part.to_lowercase())),
        "_nieq" => Sql::new("lower(").then(column).word(") != ").value(Stored::Text(part.to_lowercase())),
        "_in" => among(kind, column, false, value),
        "_nin" => among(kind, column, true, value),
        "_null" | "_nnull" => {
            let null = truthy(value) == (operator == "_null");
            column.word(if null { " is null" } else { " is not null" })
        }
        "_empty" | "_nempty" => {
            let empty = truthy(value) == (operator == "_empty");
            let again = column.clone();
            match empty {
                true => Sql::new("(").then(column).word(" is null or ").then(again).word(" = '')"),
                false => Sql::new("(").then(column).word(" is not null and ").then(again).word(" != '')"),
            }
        }
        "_contains" => like(column, false, format!("%{part}%"), true),
        "_ncontains" => like(column, true, format!("%{part}%"), true),
        "_icontains" => like(column, false, format!("%{part}%"), false),
        "_nicontains" => like(column, true, format!("%{part}%"), false),
        "_starts_with" => like(column, false, format!("{part}%"), true),
        "_nstarts_with" => like(column, true, format!("{part}%"), true),
        "_istarts_with" => like(column, false, format!("{part}%"), false),
        "_nistarts_with" => like(column, true, format!("{part}%"), false),
        "_ends_with" => like(column, false, format!("%{part}"), true),
        "_nends_with" => like(column, true, format!("%{part}"), true),
        "_iends_with" => like(column, false, format!("%{part}"), false),
        "_niends_with" => like(column, true, format!("%{part}"), false),
        "_between" | "_nbetween" => {
            let ends = several(value);
            // Fewer or more than two ends say nothing.
            let [low, high] = ends.as_slice() else { return Ok(Sql::new("1")) };
            let word = if operator == "_between" { " between " } else { " not between " };
            column.word(word).value(stored(kind, low)).word(" and ").value(stored(kind, high))
        }
        // For validation only; see `check`.
        "_regex" => Sql::new("lockstep_matches(").then(column).word(", ").value(Stored::Text(part)).word(")"),
        _ => return Err(ApiError::query(format!("Invalid filter operator \"{operator}\""))),
    })
}

/// `[1, 2]`, `1,2`, or what an address makes of it.
pub(crate) fn several(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Object(items) => items.values().cloned().collect(),
        Value::String(text) => match serde_json::from_str::<Vec<Value>>(text) {
            Ok(items) => items,
            Err(_) => text.split(',').map(|part| part.trim().into()).collect(),
        },
        other => vec![other.clone()],
    }
}

/// From so many values on a list goes to the database as one.
const MANY: usize = 50;

fn among(kind: Kind, column: Sql, not: bool, value: &Value) -> Sql {
    let mut items = several(value);
    if kind.is_number() {
        // As JavaScript counts.
        items.iter_mut().filter(|item| item.is_null()).for_each(|item| *item = 0.into());
    }
    if items.len() > MANY {
        let items: Vec<Value> = items.iter().map(|item| plain(stored(kind, item))).collect();
        let list = Stored::Text(Value::Array(items).to_string());
        let word = if not { " not in " } else { " in " };
        return column.word(word).word("(select value from json_each(").value(list).word("))");
    }
    let mut sql = column.word(if not { " not in (" } else { " in (" });
    for (index, item) in items.iter().enumerate() {
        sql = sql.word(if index > 0 { ", " } else { "" }).value(stored(kind, item));
    }
    sql.word(")")
}

fn plain(stored: Stored) -> Value {
    match stored {
        Stored::Integer(number) => number.into(),
        Stored::Real(number) => number.into(),
        Stored::Text(text) => text.into(),
        Stored::Null | Stored::Blob(_) => Value::Null,
    }
}
