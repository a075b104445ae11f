//! A column as the API describes it, and as the table has it.

use serde_json::{Map, Number, Value, json};

use crate::error::{Answer, ApiError};
use crate::schema::table::{Column, Table};
use crate::schema::types::{Kind, column_of, split_length};

/// Types of fields that have no column.
pub(super) const ALIASES: [&str; 7] = ["alias", "o2m", "m2m", "m2a", "o2a", "files", "translations"];

/// True for a type that a column is made of.
pub(super) fn has_column(kind: &str) -> bool {
    !ALIASES.contains(&kind) && kind != "unknown"
}

/// The column of a field: its type in the API, and the properties asked for. What an existing column has and the
/// properties do not name, it keeps.
///
/// # Errors
/// For a type that there is not.
pub(super) fn column(
    name: &str,
    kind: &str,
    schema: &Map<String, Value>,
    existing: Option<&Column>,
) -> Answer<Column> {
    let flag = |key: &str, kept: bool| schema.get(key).and_then(Value::as_bool).unwrap_or(kept);
    let key = existing.is_some_and(|it| it.key);
    let auto = flag("has_auto_increment", existing.is_some_and(|it| it.auto));
    let key = auto || flag("is_primary_key", key);
    let max_length = match schema.get("max_length") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(length) => length.as_i64(),
        None => existing.and_then(|it| split_length(&it.sql).1),
    };
    let sql = if auto { Some("integer".to_owned()) } else { column_of(kind, max_length) };
    let sql = sql.ok_or_else(|| ApiError::payload(format!("Illegal type passed: \"{kind}\"")))?;
    let default = match schema.get("default_value") {
        Some(value) => default_text(value),
        // What stays is said again as it is told, with its quotes doubled.
        None => existing.and_then(|it| it.default.as_deref()).map(|text| text.replace('\'', "''")),
    };
    Ok(Column {
        name: name.into(),
        sql,
        not_null: key || !flag("is_nullable", !existing.is_some_and(|it| it.not_null)),
        key,
        auto,
        default: default.filter(|_| !key),
        unique: !key && flag("is_unique", existing.is_some_and(|it| it.unique)),
        indexed: !key && flag("is_indexed", existing.is_some_and(|it| it.indexed)),
        references: existing.and_then(|it| it.references.clone()),
    })
}

/// A default of the API as the column has it.
fn default_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(i64::from(*flag).to_string()),
        Value::String(text) if text.eq_ignore_ascii_case("now()") => Some("CURRENT_TIMESTAMP".into()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(whole.to_string()),
            None => number.as_f64().map(lockstep_core::json::number),
        },
        value => Some(value.to_string()),
    }
}

/// `schema` of a field of this type in the API. Quotes inside a default stay doubled there, as SQL has them.
pub(super) fn described(table: &Table, column: &Column, kind: &str) -> Value {
    let (data_type, max_length) = split_length(&column.sql);
    let foreign = column.references.as_ref();
    json!({
        "name": column.name,
        "table": table.name,
        "data_type": data_type,
        "default_value": column.default.as_deref().map_or(Value::Null, |text| default_value(kind, text)),
        "max_length": max_length,
        "numeric_precision": null,
        "numeric_scale": null,
        "is_nullable": !column.not_null && !column.key,
        "is_unique": column.unique || column.key && !is_row_id(column),
        "is_indexed": column.indexed,
        "is_primary_key": column.key,
        "is_generated": false,
        "generation_expression": null,
        "has_auto_increment": column.auto,
        "foreign_key_table": foreign.map(|it| &it.table),
        "foreign_key_column": foreign.map(|it| &it.column),
    })
}

/// A key that SQLite needs no index for.
fn is_row_id(column: &Column) -> bool {
    column.sql == "integer"
}

fn default_value(kind: &str, text: &str) -> Value {
    let shown = || text.replace('\'', "''");
    match Kind::named(kind) {
        Kind::Integer | Kind::BigInteger | Kind::Float | Kind::Decimal => number(text),
        Kind::Boolean => match text {
            "0" | "false" | "" => false.into(),
            "1" | "true" => true.into(),
            _ => Value::Null,
        },
        Kind::Json => serde_json::from_str(&shown()).unwrap_or_else(|_| shown().into()),
        _ => shown().into(),
    }
}

/// A number as JavaScript has it: a double.
fn number(text: &str) -> Value {
    let Ok(number) = text.trim().parse::<f64>() else { return Value::Null };
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within 63 bits")]
    if number.fract() == 0.0 && number.abs() < 9e18 {
        return (number as i64).into();
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(kind: &str, schema: Value) -> Column {
        column("c", kind, schema.as_object().unwrap(), None).unwrap()
    }

    fn shown(kind: &str, default: Value) -> Value {
        let column = made(kind, json!({"default_value": default}));
        described(&Table::default(), &column, kind)["default_value"].clone()
    }

    #[test]
    fn a_column_is_described_as_it_was_asked_for() {
        let column = made("string", json!({"max_length": 40, "is_nullable": false, "is_unique": true}));
        let schema = described(&Table { name: "t".into(), columns: vec![] }, &column, "string");
        assert_eq!(schema["data_type"], "varchar");
        assert_eq!(schema["max_length"], 40);
        assert_eq!((&schema["is_nullable"], &schema["is_unique"]), (&json!(false), &json!(true)));
        assert_eq!(schema.as_object().unwrap().len(), 16);
        assert_eq!(made("geometry.MultiPoint", json!({})).sql, "multipoint");
    }

    #[test]
    fn only_keys_that_are_no_row_ids_are_unique() {
        let key =
            |kind: &str, schema| described(&Table::default(), &made(kind, schema), kind)["is_unique"].clone();
        assert_eq!(key("uuid", json!({"is_primary_key": true})), true);
        assert_eq!(key("integer", json!({"is_primary_key": true, "is_unique": true})), false);
        assert_eq!(key("bigInteger", json!({"has_auto_increment": true})), false);
    }

    #[test]
    fn defaults_are_told_by_type() {
        assert_eq!(shown("integer", json!("-7")), -7);
        assert_eq!(shown("bigInteger", json!("9007199254740993")), 9_007_199_254_740_992_i64);
        assert_eq!(shown("float", json!(-0.25)), -0.25);
        assert_eq!(shown("integer", json!("x")), Value::Null);
        assert_eq!(shown("boolean", json!(false)), false);
        assert_eq!(shown("boolean", json!("true")), true);
        assert_eq!(shown("json", json!({"a": 1})), json!({"a": 1}));
        assert_eq!(shown("json", json!("[1]")), json!([1]));
        assert_eq!(shown("string", json!("42")), "42");
        assert_eq!(shown("string", json!("")), "");
        assert_eq!(shown("string", json!("NULL")), "NULL");
        assert_eq!(shown("string", json!("it's")), "it''s");
        assert_eq!(shown("dateTime", json!("NOW()")), "CURRENT_TIMESTAMP");
        assert_eq!(shown("string", Value::Null), Value::Null);
    }

    #[test]
    fn a_column_keeps_what_is_not_named() {
        let old = made(
            "string",
            json!({"max_length": 40, "is_nullable": false, "default_value": "x", "is_indexed": true}),
        );
        let changes = json!({"max_length": 50});
        let new = column("c", "string", changes.as_object().unwrap(), Some(&old)).unwrap();
        assert_eq!(new, Column { sql: "varchar(50)".into(), ..old });
    }

    #[test]
    fn a_type_that_there_is_not_is_refused() {
        let error = column("c", "nonsense", &Map::new(), None).unwrap_err();
        assert_eq!((error.status, error.code), (400, "INVALID_PAYLOAD"));
    }
}
