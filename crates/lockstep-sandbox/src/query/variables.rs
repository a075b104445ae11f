//! `$NOW`, `$CURRENT_USER` and their kin.

use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::Value;

use crate::clock;
use crate::db::Session;
use crate::error::Answer;

/// A value with what its variables stand for.
pub(crate) fn resolve(session: &Session<'_>, value: &Value) -> Answer<Value> {
    match value {
        Value::String(text) if text.starts_with('$') => variable(session, text),
        Value::Array(items) => items.iter().map(|item| resolve(session, item)).collect(),
        other => Ok(other.clone()),
    }
}

fn variable(session: &Session<'_>, text: &str) -> Answer<Value> {
    let who = session.who;
    if let Some(field) = text.strip_prefix("$CURRENT_USER.") {
        return stored(session, "directus_users", field, who.user.as_deref());
    }
    if let Some(field) = text.strip_prefix("$CURRENT_ROLE.") {
        return stored(session, "directus_roles", field, who.role.as_deref());
    }
    Ok(match text {
        "$CURRENT_USER" => who.user.clone().into(),
        "$CURRENT_ROLE" => who.role.clone().into(),
        "$CURRENT_ROLES" => who.roles.clone().into(),
        "$NOW" => clock::now().into(),
        _ => match text.strip_prefix("$NOW(").and_then(|rest| rest.strip_suffix(')')) {
            Some(distance) => shifted(distance).map_or_else(|| text.into(), Value::from),
            None => text.into(),
        },
    })
}

fn stored(session: &Session<'_>, table: &str, field: &str, key: Option<&str>) -> Answer<Value> {
    let collection = session.schema.collection(table)?;
    let (Some(field), Some(key)) = (collection.fields.get(field), key) else { return Ok(Value::Null) };
    if field.is_alias() || field.has("conceal") {
        return Ok(Value::Null);
    }
    let sql = format!(
        "select {} from {} where id = ?1",
        crate::schema::table::quote(&field.name),
        crate::schema::table::quote(table)
    );
    match session.db.query_row(&sql, [key], |row| Ok(super::values::shown(field, row.get_ref(0)?))) {
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(Value::Null),
        other => Ok(other?),
    }
}

/// Now and `-1 day`, `+3 hours`.
fn shifted(distance: &str) -> Option<String> {
    let distance = distance.trim();
    let letters = distance.find(|letter: char| letter.is_ascii_alphabetic())?;
    let number: i64 = distance[..letters].trim().replace([' ', '+'], "").parse().ok()?;
    let unit = distance[letters..].trim().to_ascii_lowercase();
    let span = match unit.trim_end_matches('s') {
        "year" | "yr" | "y" => Span::new().try_years(number),
        "month" | "mo" => Span::new().try_months(number),
        "week" | "wk" | "w" => Span::new().try_weeks(number),
        "day" | "d" => Span::new().try_days(number),
        "hour" | "hr" | "h" => Span::new().try_hours(number),
        "minute" | "min" | "m" => Span::new().try_minutes(number),
        "second" | "sec" | "" => Span::new().try_seconds(number),
        _ => return None,
    };
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    Some(clock::text(now.checked_add(span.ok()?).ok()?.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_understood() {
        let now = clock::now();
        assert!(shifted("-1 day").expect("a moment") < now);
        assert!(shifted("+2 hours").expect("a moment") > now);
        assert!(shifted("1mo").expect("a moment") > now);
        assert_eq!(shifted("a while"), None);
    }
}
