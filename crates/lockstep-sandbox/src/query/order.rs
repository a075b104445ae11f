//! Which items a query means, and in which order.

use rusqlite::types::Value as Stored;

use super::cases::seen;
use super::filter::Filters;
use super::rows::DEFAULT_LIMIT;
use super::selection::Function;
use super::sql::Sql;
use super::values::stored;
use super::{Query, functions};
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::Collection;
use crate::schema::table::quote;
use crate::schema::types::Kind;

impl Query {
    /// How many items are skipped, and how many follow at most.
    pub(crate) fn window(&self) -> (i64, Option<i64>) {
        let limit = match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit if limit < 0 => None,
            limit => Some(limit),
        };
        let skipped = match (self.page, limit) {
            (Some(page), Some(limit)) => (page - 1).saturating_mul(limit),
            _ => self.offset.unwrap_or(0),
        };
        (skipped, limit)
    }

    /// The condition of `filter` and `search`, for the table as `t0`.
    pub(crate) fn condition(&self, session: &Session<'_>, collection: &Collection) -> Answer<Option<Sql>> {
        let mut conditions = Vec::new();
        if let Some(filter) = &self.filter {
            conditions.push(Filters::new(session).condition(collection, "t0", filter)?);
        }
        if let Some(search) = self.search.as_deref().filter(|search| !search.is_empty()) {
            conditions.push(search_condition(session, collection, search)?);
        }
        Ok((!conditions.is_empty()).then(|| Sql::joined(conditions, " and ", "1")))
    }

    /// The order, for the table as `t0`: by key where nothing is said.
    pub(crate) fn order(&self, session: &Session<'_>, collection: &Collection) -> Answer<Option<Sql>> {
        self.ordered(session, collection, false)
    }

    /// The same for a list inside an item, where null comes last.
    pub(super) fn order_of_list(
        &self,
        session: &Session<'_>,
        collection: &Collection,
    ) -> Answer<Option<Sql>> {
        self.ordered(session, collection, true)
    }

    fn ordered(
        &self,
        session: &Session<'_>,
        collection: &Collection,
        null_last: bool,
    ) -> Answer<Option<Sql>> {
        let mut order = Sql::default();
        // Who may not see the place of an item is not refused for an order that they did not ask for.
        let may = crate::access::rule(session, &collection.name, "read")?;
        let place =
            collection.sort_field.clone().filter(|field| may.is_none_or(|rule| rule.fields.contains(field)));
        let default = [place.unwrap_or_else(|| collection.key.clone())];
        let sort: &[String] = if self.sort.is_empty() { &default } else { &self.sort };
        let gone: Vec<&str> = sort.iter().filter_map(|field| gone(collection, field)).collect();
        if !gone.is_empty() {
            return Err(super::selection::missing_all(collection, &gone, "root"));
        }
        for (index, field) in sort.iter().enumerate() {
            let (path, word) = match field.strip_prefix('-') {
                Some(path) => (path, " desc"),
                None => (field.strip_prefix('+').unwrap_or(field), " asc"),
            };
            let piece = sort_by(session, collection, "t0", path, 1)?;
            order = order.word(if index > 0 { ", " } else { "" });
            if null_last {
                order = order.then(piece.clone()).word(" is null, ");
            }
            order = order.then(piece).word(word);
        }
        Ok(Some(order))
    }
}

/// The field that a sort speaks of and that is not there.
fn gone<'a>(collection: &Collection, sort: &'a str) -> Option<&'a str> {
    let path = sort.strip_prefix(['-', '+']).unwrap_or(sort);
    let first = path.split('.').next().unwrap_or(path);
    (!path.contains('(') && !collection.fields.contains_key(first)).then_some(first)
}

/// What a path of fields sorts by: the field itself, or that of the item behind it.
fn sort_by(
    session: &Session<'_>,
    collection: &Collection,
    alias: &str,
    path: &str,
    depth: u32,
) -> Answer<Sql> {
    let missing = |field: &str| super::selection::missing(collection, field, "root");
    if let Some(function) = Function::parse(path) {
        let field = collection.fields.get(&function.field).ok_or_else(|| missing(&function.field))?;
        let may = crate::access::rule(session, &collection.name, "read")?;
        if !may.is_some_and(|rule| rule.fields.contains(&field.name)) {
            return Err(missing(&function.field));
        }
        if let (true, Some(relation)) =
            (function.name == "count", session.schema.towards(&collection.name, &field.name))
        {
            super::refuse_unseen(session, &relation.collection)?;
            return Ok(Filters::new(session).count(collection, alias, relation));
        }
        return functions::apply(&function, field, Sql::column(alias, &field.name));
    }
    let (field, rest) = path.split_once('.').map_or((path, None), |(field, rest)| (field, Some(rest)));
    let known = collection.fields.get(field).ok_or_else(|| missing(field))?;
    let may = crate::access::rule(session, &collection.name, "read")?;
    if !may.is_some_and(|rule| rule.fields.contains(field)) {
        return Err(missing(field));
    }
    let Some(rest) = rest else {
        return match known.is_alias() {
            false => Ok(Sql::column(alias, field)),
            true => Err(missing(field)),
        };
    };
    if depth > 10 {
        return Err(ApiError::query("Sort is nested too deeply"));
    }
    let other = format!("s{depth}");
    let (related, matches) =
        match (session.schema.from(&collection.name, field), session.schema.towards(&collection.name, field))
        {
            (Some(relation), _) if relation.related.is_some() => {
                let related = session.schema.collection(relation.related.as_deref().unwrap_or_default())?;
                (related, Sql::column(&other, &related.key).word(" = ").then(Sql::column(alias, field)))
            }
            (_, Some(relation)) => {
                let related = session.schema.collection(&relation.collection)?;
                (
                    related,
                    Sql::column(&other, &relation.field)
                        .word(" = ")
                        .then(Sql::column(alias, &collection.key)),
                )
            }
            _ => return Err(missing(field)),
        };
    let inner = sort_by(session, related, &other, rest, depth + 1)?;
    Ok(Sql::new("(select ")
        .then(inner)
        .word(&format!(" from {} {other} where ", quote(&related.name)))
        .then(matches)
        .word(" limit 1)"))
}

/// A search looks into the texts that may be read, and into numbers and UUIDs for what is one.
fn search_condition(session: &Session<'_>, collection: &Collection, search: &str) -> Answer<Sql> {
    let mut conditions = Vec::new();
    let allowed = crate::access::rule(session, &collection.name, "read")?;
    let may_search = |field: &&crate::schema::Field| {
        let may = allowed.as_ref().is_some_and(|rule| rule.fields.contains(&field.name));
        may && field.searchable && !field.has("conceal") && !field.has("encrypt")
    };
    for field in collection.fields.values().filter(may_search) {
        let column = seen(session, collection, &field.name)?;
        if field.kind.is_text() {
            let pattern = format!("%{}%", search.to_lowercase());
            conditions.push(Sql::new("lower(").then(column).word(") like ").value(Stored::Text(pattern)));
        } else if field.kind.is_number() && search.parse::<f64>().is_ok()
            || field.kind == Kind::Uuid && uuid::Uuid::parse_str(search).is_ok()
        {
            conditions.push(column.word(" = ").value(stored(field.kind, &search.into())));
        }
    }
    Ok(Sql::joined(conditions, " or ", "0"))
}
