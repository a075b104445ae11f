//! What Directus knows of collections, fields and relations beyond their tables: the rows of its own three collections.

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value};

use crate::error::{Answer, ApiError};
use crate::schema::table::quote;
use crate::system::{SYSTEM, SystemColumn};

pub(super) const COLLECTIONS: &str = "directus_collections";
pub(super) const FIELDS: &str = "directus_fields";
pub(super) const RELATIONS: &str = "directus_relations";

/// One row, as the API tells it.
pub(super) type Meta = Map<String, Value>;

/// The columns of one of Directus' own tables.
pub(super) fn columns(table: &str) -> impl Iterator<Item = &'static SystemColumn> {
    let found = SYSTEM.collections.iter().find(|it| it.name == table);
    found.into_iter().flat_map(|it| &it.columns).filter(|column| column.sql != "alias")
}

/// Rows of one of the three, as they are; `rest` is what follows the table in the statement.
pub(super) fn rows(db: &Connection, table: &str, rest: &str, values: &[&str]) -> Answer<Vec<Meta>> {
    let columns: Vec<&SystemColumn> = columns(table).collect();
    let names: Vec<String> = columns.iter().map(|column| quote(column.name)).collect();
    let mut statement =
        db.prepare_cached(&format!("select {} from {} {rest}", names.join(", "), quote(table)))?;
    let read = |row: &Row<'_>| {
        let value = |(place, column): (usize, &&SystemColumn)| {
            Ok((column.name.to_owned(), told(column, row.get_ref(place)?)))
        };
        columns.iter().enumerate().map(value).collect::<Result<Meta, rusqlite::Error>>()
    };
    let rows = statement.query_map(params_from_iter(values), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What is known of a collection.
pub(super) fn collection(db: &Connection, name: &str) -> Answer<Option<Meta>> {
    Ok(rows(db, COLLECTIONS, "where collection = ?1", &[name])?.pop())
}

/// What is known of a field.
pub(super) fn field(db: &Connection, collection: &str, field: &str) -> Answer<Option<Meta>> {
    let rows = rows(db, FIELDS, "where collection = ?1 and field = ?2 order by id", &[collection, field])?;
    Ok(rows.into_iter().next())
}

/// What is known of the relation that a field starts.
pub(super) fn relation(db: &Connection, collection: &str, field: &str) -> Answer<Option<Meta>> {
    let rest = "where many_collection = ?1 and many_field = ?2 order by id";
    Ok(rows(db, RELATIONS, rest, &[collection, field])?.into_iter().next())
}

/// Adds a row of those properties that are columns, and gives its key.
pub(super) fn insert(db: &Connection, table: &str, row: &Meta) -> Answer<Value> {
    let known: Vec<(&SystemColumn, Sql)> = taken(table, row)?;
    let names: Vec<String> = known.iter().map(|(column, _)| quote(column.name)).collect();
    let marks: Vec<String> = (1..=known.len()).map(|place| format!("?{place}")).collect();
    let sql = format!("insert into {} ({}) values ({})", quote(table), names.join(", "), marks.join(", "));
    let values = known.into_iter().map(|(_, value)| value);
    db.prepare_cached(&sql)?.execute(params_from_iter(values)).map_err(|error| refused(table, row, error))?;
    Ok(match row.get("collection") {
        Some(name) if table == COLLECTIONS => name.clone(),
        _ => db.last_insert_rowid().into(),
    })
}

/// Changes the row with this key by those properties that are columns. The key itself stays.
pub(super) fn update(db: &Connection, table: &str, key: &Value, changes: &Meta) -> Answer<()> {
    let mut known = taken(table, changes)?;
    known.retain(|(column, _)| !column.key);
    if known.is_empty() {
        return Ok(());
    }
    let set = |(place, (column, _)): (usize, &(&SystemColumn, Sql))| {
        format!("{} = ?{}", quote(column.name), place + 1)
    };
    let sets: Vec<String> = known.iter().enumerate().map(set).collect();
    let key_column = columns(table).find(|column| column.key).map_or("id", |column| column.name);
    let sql = format!(
        "update {} set {} where {} = ?{}",
        quote(table),
        sets.join(", "),
        quote(key_column),
        known.len() + 1
    );
    let values = known.into_iter().map(|(_, value)| value).chain([plain(key)]);
    db.prepare_cached(&sql)?
        .execute(params_from_iter(values))
        .map_err(|error| refused(table, changes, error))?;
    Ok(())
}

/// The properties that are columns, with the values that their columns hold.
fn taken(table: &str, row: &Meta) -> Answer<Vec<(&'static SystemColumn, Sql)>> {
    let mut taken = Vec::new();
    for column in columns(table) {
        // Keys that count up are given by the table.
        let Some(value) = row.get(column.name).filter(|_| !(column.key && column.sql == "integer")) else {
            continue;
        };
        if value.is_null() && column.not_null {
            let message = format!("Validation failed for field \"{}\". Value can't be null.", column.name);
            return Err(ApiError::validation(column.name, "nnull", message));
        }
        taken.push((column, held(column, value)));
    }
    Ok(taken)
}

fn refused(table: &str, row: &Meta, error: rusqlite::Error) -> ApiError {
    let missing =
        || columns(table).find(|it| it.not_null && it.default.is_none() && !row.contains_key(it.name));
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => match missing() {
            Some(column) => ApiError::not_null(table, column.name),
            None => ApiError::not_unique(table, "", serde_json::Value::Null),
        },
        _ => error.into(),
    }
}

/// A value as its column holds it.
fn held(column: &SystemColumn, value: &Value) -> Sql {
    let has = |special: &str| column.special.contains(&special);
    match value {
        Value::Null => Sql::Null,
        Value::Array(items) if has("cast-csv") => {
            let texts: Vec<String> = items.iter().map(text).collect();
            Sql::Text(texts.join(","))
        }
        Value::String(flag) if has("cast-boolean") => Sql::Integer(i64::from(flag == "true" || flag == "1")),
        Value::Bool(_) if has("cast-json") => Sql::Text(value.to_string()),
        value => plain(value),
    }
}

fn plain(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Bool(flag) => Sql::Integer(i64::from(*flag)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Sql::Integer(whole),
            None => Sql::Real(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Sql::Text(text.clone()),
        value => Sql::Text(value.to_string()),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value of a column as the API tells it.
fn told(column: &SystemColumn, value: ValueRef<'_>) -> Value {
    let has = |special: &str| column.special.contains(&special);
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) if has("cast-boolean") => (number != 0).into(),
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            if has("cast-json") {
                return serde_json::from_str(&text).unwrap_or_else(|_| text.into());
            }
            if has("cast-csv") {
                return text.split(',').filter(|it| !it.is_empty()).map(Value::from).collect();
            }
            text.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::structure::tests::altered;

    fn object(value: Value) -> Meta {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_row_comes_back_as_it_was_put_in() {
        altered(|session| {
            let row = object(json!({
                "collection": "a", "field": "b", "special": ["x", "y"], "options": {"b": [1, {"c": null}], "a": "t"},
                "hidden": true, "required": null, "nonsense": 1, "id": 77, "sort": 3, "note": "it's"
            }));
            let key = insert(session.db, FIELDS, &row)?;
            assert_eq!(key, 1);
            let read = field(session.db, "a", "b")?.unwrap();
            for (name, value) in row.iter().filter(|(name, _)| !["nonsense", "id"].contains(&name.as_str())) {
                assert_eq!(&read[name], value, "{name}");
            }
            assert_eq!((&read["width"], &read["searchable"]), (&json!("full"), &json!(true)));
            update(session.db, FIELDS, &key, &object(json!({"id": 5, "special": null, "hidden": false})))?;
            let read = field(session.db, "a", "b")?.unwrap();
            assert_eq!(
                (&read["id"], &read["special"], &read["hidden"]),
                (&json!(1), &Value::Null, &json!(false))
            );
            Ok(())
        });
    }

    #[test]
    fn what_may_not_be_null_is_not_set_to_null() {
        altered(|session| {
            let row = object(json!({"collection": "a", "field": "b", "hidden": null}));
            assert_eq!(insert(session.db, FIELDS, &row).unwrap_err().code, "FAILED_VALIDATION");
            let row = object(json!({"collection": "a"}));
            assert_eq!(insert(session.db, COLLECTIONS, &row)?, "a");
            assert_eq!(insert(session.db, COLLECTIONS, &row).unwrap_err().code, "RECORD_NOT_UNIQUE");
            Ok(())
        });
    }
}
