//! Functions of fields: `year(date)`, `count(tags)`; and those that SQLite lacks.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::selection::Function;
use super::sql::Sql;
use crate::error::{Answer, ApiError};
use crate::schema::Field;
use crate::schema::types::Kind;

/// Adds the functions that SQLite lacks to a connection.
pub(crate) fn register(connection: &Connection) -> Answer<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("lockstep_matches", 2, flags, |context| {
        let (text, pattern): (Option<String>, String) = (context.get(0)?, context.get(1)?);
        let pattern = regex_lite::Regex::new(&pattern).ok();
        Ok(text.is_some_and(|text| pattern.is_none_or(|pattern| pattern.is_match(&text))))
    })?;
    Ok(())
}

/// Whether a function can be asked of a field.
///
/// # Errors
/// `INVALID_QUERY` where it cannot.
pub(crate) fn check(function: &Function, field: &Field) -> Answer<()> {
    apply(function, field, Sql::default()).map(drop)
}

/// A function of a column.
///
/// # Errors
/// As [`check`].
pub(crate) fn apply(function: &Function, field: &Field, column: Sql) -> Answer<Sql> {
    let format = match function.name.as_str() {
        "year" => "%Y",
        "month" => "%m",
        "week" => "%W",
        "day" => "%d",
        "weekday" => "%w",
        "hour" => "%H",
        "minute" => "%M",
        "second" => "%S",
        "count" if field.kind == Kind::Json => {
            let again = column.clone();
            let valid = Sql::new("case when json_valid(").then(again).word(") then json_array_length(");
            return Ok(valid.then(column).word(") end"));
        }
        name => return Err(ApiError::query(format!("Invalid function specified \"{name}\""))),
    };
    if !field.kind.is_moment() {
        return Err(ApiError::query(format!(
            "\"{}\" is no function of the field \"{}\"",
            function.name, field.name
        )));
    }
    Ok(Sql::new(&format!("cast(strftime('{format}', ")).then(column).word(") as integer)"))
}
