//! The order that people give the items of a collection.

use rusqlite::params_from_iter;
use rusqlite::types::Value as Stored;
use serde_json::Value;

use crate::db::{Action, Event, Session};
use crate::error::{Answer, ApiError};
use crate::query::sql::Sql;
use crate::query::values::{shown, text};
use crate::schema::Collection;

/// Puts an item in the place of another one; those between the two move up or down.
///
/// # Errors
/// Where the collection has no order, one of the two is not there, or the items may not be changed.
pub(crate) fn move_to(session: &mut Session<'_>, name: &str, item: &Value, to: &Value) -> Answer<()> {
    let schema = session.schema.clone();
    let collection = schema.collection(name)?;
    let Some(field) = collection.sort_field.as_deref().filter(|field| collection.fields.contains_key(*field))
    else {
        return Err(ApiError::payload(format!("Collection \"{name}\" doesn't have a sort field")));
    };
    let rule = crate::access::rule(session, name, "update")?;
    // All that stands between the two is changed, so some of the items are not enough.
    if !rule.is_some_and(|rule| rule.fields.contains(field) && rule.filter.is_none()) {
        return Err(ApiError::forbidden(None));
    }
    if !super::may(session, name, "update", std::slice::from_ref(item))? {
        return Err(ApiError::forbidden(None));
    }
    let mut keys = in_order(session, collection, field)?;
    let place = |key: &Value| {
        let found = keys.iter().position(|it| text(it) == text(key));
        found.ok_or_else(|| ApiError::forbidden(None))
    };
    let (from, to) = (place(item)?, place(to)?);
    let moved = keys.remove(from);
    keys.insert(to, moved);
    for (place, key) in (1..).zip(&keys) {
        let sql = Sql::new("update ")
            .name(name)
            .word(" set ")
            .name(field)
            .word(" = ")
            .value(Stored::Integer(place));
        let kind = collection.fields[&collection.key].kind;
        let sql = sql.word(" where ").name(&collection.key).word(" = ");
        let sql =
            sql.value(crate::query::values::stored(kind, key)).word(" and ").name(field).word(" is not ");
        let sql = sql.value(Stored::Integer(place));
        session.db.prepare_cached(&sql.text)?.execute(params_from_iter(sql.values))?;
    }
    session.events.push(Event { collection: name.into(), action: Action::Update, keys: vec![item.clone()] });
    Ok(())
}

/// The keys of all items as they stand; those without a place stand at the end.
fn in_order(session: &Session<'_>, collection: &Collection, field: &str) -> Answer<Vec<Value>> {
    let sql =
        Sql::new("select ").name(&collection.key).word(" from ").name(&collection.name).word(" order by ");
    let sql = sql.name(field).word(" is null, ").name(field).word(", ").name(&collection.key);
    let mut statement = session.db.prepare_cached(&sql.text)?;
    let key = &collection.fields[&collection.key];
    let keys = statement.query_map([], |row| Ok(shown(key, row.get_ref(0)?)))?;
    Ok(keys.collect::<Result<_, _>>()?)
}
