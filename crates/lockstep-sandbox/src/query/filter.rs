//! Filters, as conditions of SQL.

use rusqlite::types::Value as Stored;
use serde_json::{Map, Value};

use super::operators::{operator_of, truthy};
use super::parse::{MOST_RELATIONS, too_deep};
use super::selection::{Function, missing};
use super::sql::Sql;
use super::variables;
use crate::access;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::{Collection, Field, Relation, Schema};

/// Conditions of one request.
///
/// Items that a filter speaks of stand beside the item as if joined to it: all that one filter says of a list is said of
/// one and the same item of it, unless `_some` and `_none` say otherwise.
pub(crate) struct Filters<'a> {
    schema: &'a Schema,
    session: &'a Session<'a>,
    /// How many aliases of tables there are.
    aliases: u32,
    /// True for conditions that nobody asked for.
    trusted: bool,
    /// The fields that lead to where the filter is.
    place: Vec<String>,
    /// What is joined so far, in the filter itself and in those that it is inside.
    scopes: Vec<Vec<Join>>,
}

/// A table that stands beside another.
struct Join {
    /// The alias that it is beside, and by which field.
    from: (String, String),
    alias: String,
    sql: Sql,
}

/// Filters nested deeper than this are refused, before they exhaust the stack.
const DEPTH: usize = 60;

impl<'a> Filters<'a> {
    /// Conditions for a request.
    pub(crate) fn new(session: &'a Session<'a>) -> Self {
        let (place, scopes) = (Vec::new(), Vec::new());
        Self { schema: &session.schema, session, aliases: 0, trusted: false, place, scopes }
    }

    /// The same for a condition that is the instance's own.
    pub(crate) fn trusted(session: &'a Session<'a>) -> Self {
        Self { trusted: true, ..Self::new(session) }
    }

    /// A new alias for a table.
    fn alias(&mut self) -> String {
        self.aliases += 1;
        // Conditions of permissions stand inside those of requests, and speak of their tables.
        format!("{}{}", if self.trusted { "g" } else { "f" }, self.aliases)
    }

    /// The condition that a filter of a collection states for the table behind `alias`.
    ///
    /// # Errors
    /// `INVALID_QUERY` for an operator that is none, `FORBIDDEN` for a field that is not there.
    pub(crate) fn condition(&mut self, collection: &Collection, alias: &str, filter: &Value) -> Answer<Sql> {
        self.scopes.push(Vec::new());
        let condition = self.all(collection, alias, filter);
        let joins = self.scopes.pop().unwrap_or_default();
        let condition = condition?;
        if joins.is_empty() {
            return Ok(condition);
        }
        let beside = joins
            .into_iter()
            .fold(Sql::new("exists (select 1 from (select 1)"), |sql, join| sql.then(join.sql));
        Ok(beside.word(" where ").then(condition).word(")"))
    }

    /// The alias of a table that stands beside another.
    fn beside(&mut self, alias: &str, field: &str, table: &str, on: impl FnOnce(&str) -> Sql) -> String {
        let from = (alias.to_owned(), field.to_owned());
        if let Some(join) = self.scopes.last().and_then(|joins| joins.iter().find(|join| join.from == from)) {
            return join.alias.clone();
        }
        let other = self.alias();
        let sql = Sql::new(" left join ").name(table).word(&format!(" {other} on ")).then(on(&other));
        if let Some(joins) = self.scopes.last_mut() {
            joins.push(Join { from, alias: other.clone(), sql });
        }
        other
    }

    fn all(&mut self, collection: &Collection, alias: &str, filter: &Value) -> Answer<Sql> {
        if self.place.len() > DEPTH {
            return Err(ApiError::query("Filter is nested too deeply"));
        }
        let listed;
        let filter = match filter {
            Value::Object(filter) => filter,
            // A list has its indexes as fields, which nobody has.
            Value::Array(items) => {
                listed = items.iter().enumerate().map(|(at, item)| (at.to_string(), item.clone())).collect();
                &listed
            }
            _ => return Err(bad_key("_eq", collection)),
        };
        let mut conditions = Vec::new();
        for (key, value) in filter {
            conditions.push(match key.as_str() {
                "_and" => self.list(collection, alias, value, " and ")?,
                "_or" => self.list(collection, alias, value, " or ")?,
                key if key.starts_with('_') && !collection.fields.contains_key(key) => {
                    return Err(bad_key(key, collection));
                }
                _ => self.field(collection, alias, key, value)?,
            });
        }
        Ok(Sql::joined(conditions, " and ", "1"))
    }

    fn list(&mut self, collection: &Collection, alias: &str, value: &Value, word: &str) -> Answer<Sql> {
        let items: Vec<Value> = match value {
            Value::Array(items) => items.clone(),
            Value::Object(items) => items.values().cloned().collect(),
            _ => return Err(ApiError::query("\"_and\" and \"_or\" have to be arrays")),
        };
        self.place.push(String::new());
        let conditions =
            items.iter().map(|item| self.all(collection, alias, item)).collect::<Answer<Vec<_>>>();
        self.place.pop();
        Ok(Sql::joined(conditions?, word, "1"))
    }

    fn field(&mut self, collection: &Collection, alias: &str, key: &str, value: &Value) -> Answer<Sql> {
        if let Some(function) = Function::parse(key) {
            return self.function(collection, alias, key, &function, value);
        }
        if self.place.iter().filter(|part| !part.is_empty()).count() >= MOST_RELATIONS && !self.trusted {
            return Err(too_deep());
        }
        let (name, only) = key.split_once(':').map_or((key, None), |(name, only)| (name, Some(only)));
        let Some(field) = collection.fields.get(name) else {
            return Err(self.missing(collection, name));
        };
        self.allow(collection, name)?;
        let schema = self.schema;
        if let Some(relation) = schema.towards(&collection.name, name) {
            return self.within(name, |filters| filters.many(collection, alias, relation, value));
        }
        let nested = value.as_object().filter(|value| goes_on(value));
        match (nested, schema.from(&collection.name, name)) {
            (Some(_), Some(relation)) => {
                self.within(name, |filters| filters.one(alias, relation, only, value))
            }
            (Some(value), None) => {
                let first = value.keys().find(|key| !key.starts_with('_')).map_or("", String::as_str);
                Err(self.missing(collection, first))
            }
            _ => self.operators(field, &Sql::column(alias, name), value),
        }
    }

    fn within(&mut self, field: &str, work: impl FnOnce(&mut Self) -> Answer<Sql>) -> Answer<Sql> {
        self.place.push(field.into());
        let done = work(self);
        self.place.pop();
        done
    }

    fn missing(&self, collection: &Collection, field: &str) -> ApiError {
        let place: Vec<&str> =
            self.place.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        missing(collection, field, &place.join("."))
    }

    /// Who may not read a field may not find out about it by a filter either. The conditions of permissions are the
    /// instance's own.
    fn allow(&self, collection: &Collection, field: &str) -> Answer<()> {
        if self.trusted || self.session.who.admin {
            return Ok(());
        }
        match access::rule(self.session, &collection.name, "read")? {
            Some(rule) if rule.fields.contains(field) => Ok(()),
            _ => Err(self.missing(collection, field)),
        }
    }

    fn function(
        &mut self,
        collection: &Collection,
        alias: &str,
        key: &str,
        function: &Function,
        value: &Value,
    ) -> Answer<Sql> {
        let Some(field) = collection.fields.get(&function.field) else {
            return Err(self.missing(collection, &function.field));
        };
        self.allow(collection, &function.field)?;
        let column = match self.schema.towards(&collection.name, &function.field) {
            Some(relation) if function.name == "count" => {
                super::refuse_unseen(self.session, &relation.collection)?;
                self.count(collection, alias, relation)
            }
            _ => super::functions::apply(function, field, Sql::column(alias, &function.field))
                .map_err(|_| bad_key(key, collection))?,
        };
        self.operators(&Field::number(), &column, value)
    }

    /// How many items refer to the item behind `alias`.
    pub(crate) fn count(&mut self, collection: &Collection, alias: &str, relation: &Relation) -> Sql {
        let child = self.alias();
        Sql::new("(select count(*) from ")
            .name(&relation.collection)
            .word(&format!(" {child} where "))
            .then(Sql::column(&child, &relation.field))
            .word(" = ")
            .then(Sql::column(alias, &collection.key))
            .word(")")
    }

    /// A filter of the item that a field refers to.
    fn one(&mut self, alias: &str, relation: &Relation, only: Option<&str>, value: &Value) -> Answer<Sql> {
        let Some(name) = relation.related.as_deref().or(only) else {
            return Err(ApiError::query(format!(
                "\"{}\" has to name a collection, \"field:collection\"",
                relation.field
            )));
        };
        let schema = self.schema;
        let related = schema.collection(name)?;
        let key = format!("{}:{name}", relation.field);
        let other = self.beside(alias, &key, name, |other| {
            let matches =
                Sql::column(other, &related.key).word(" = ").then(Sql::column(alias, &relation.field));
            match (&relation.related, &relation.one_collection_field) {
                (None, Some(field)) => matches
                    .word(" and ")
                    .then(Sql::column(alias, field))
                    .word(" = ")
                    .value(Stored::Text(name.into())),
                _ => matches,
            }
        });
        let condition = self.all(related, &other, value)?;
        self.visible(related, &other, condition)
    }

    /// A condition of items that may be seen: of others, nobody finds out by a filter.
    fn visible(&self, collection: &Collection, alias: &str, condition: Sql) -> Answer<Sql> {
        if self.trusted || self.session.who.admin {
            return Ok(condition);
        }
        let rule = access::rule(self.session, &collection.name, "read")?;
        let rule = rule.ok_or_else(|| ApiError::no_collection(&collection.name))?;
        let Some(filter) = rule.filter else { return Ok(condition) };
        let seen = Self::trusted(self.session).condition(collection, alias, &filter)?;
        Ok(Sql::new("(").then(condition).word(" and ").then(seen).word(")"))
    }

    /// A filter of the items that refer here: of one of them, of some, or of none.
    fn many(
        &mut self,
        collection: &Collection,
        alias: &str,
        relation: &Relation,
        value: &Value,
    ) -> Answer<Sql> {
        let schema = self.schema;
        let child = schema.collection(&relation.collection)?;
        let Some(map) = value.as_object() else { return Err(bad_key("_eq", collection)) };
        if let Some(null) = map.get("_null").or_else(|| map.get("_nnull")) {
            let none = truthy(null) == map.contains_key("_null");
            let other = self.alias();
            let seen = self.visible(child, &other, Sql::new("1"))?;
            let any = members(alias, &other, collection, child, relation).word(" and ").then(seen).word(")");
            return Ok(Sql::new(if none { "not " } else { "" }).then(any));
        }
        for (key, word) in [("_some", ""), ("_none", "not ")] {
            let Some(inner) = map.get(key) else { continue };
            let other = self.alias();
            let condition = self.condition(child, &other, inner)?;
            let condition = self.visible(child, &other, condition)?;
            let any =
                members(alias, &other, collection, child, relation).word(" and ").then(condition).word(")");
            return Ok(Sql::new(word).then(any));
        }
        let other = self.beside(
            alias,
            &format!("<{}.{}", relation.collection, relation.field),
            &child.name,
            |other| Sql::column(other, &relation.field).word(" = ").then(Sql::column(alias, &collection.key)),
        );
        // Operators on a list itself mean the keys of its items.
        let condition = match goes_on(map) {
            true => self.all(child, &other, value)?,
            false => {
                let key = &child.fields[&child.key];
                self.operators(key, &Sql::column(&other, &child.key), value)?
            }
        };
        self.visible(child, &other, condition)
    }

    /// The operators of one field, all of which hold.
    fn operators(&mut self, field: &Field, column: &Sql, value: &Value) -> Answer<Sql> {
        let equal = Map::from_iter([("_eq".to_owned(), value.clone())]);
        let operators = match value {
            Value::Object(operators) => operators,
            _ => &equal,
        };
        let mut conditions = Vec::new();
        for (operator, value) in operators {
            let value = variables::resolve(self.session, value)?;
            if matches!(operator.as_str(), "_and" | "_or") {
                let word = if operator == "_and" { " and " } else { " or " };
                let items = value.as_array().cloned().unwrap_or_default();
                let pieces = items.iter().map(|item| self.operators(field, column, item));
                conditions.push(Sql::joined(pieces.collect::<Answer<Vec<_>>>()?, word, "1"));
                continue;
            }
            let concealed = (field.has("conceal") || field.has("encrypt")) && !self.trusted;
            super::operators::check(field.kind, &field.type_name, concealed, operator, &value)?;
            conditions.push(operator_of(field.kind, column, operator, &value)?);
        }
        Ok(Sql::joined(conditions, " and ", "1"))
    }
}

fn members(
    alias: &str,
    other: &str,
    collection: &Collection,
    child: &Collection,
    relation: &Relation,
) -> Sql {
    Sql::new("exists (select 1 from ")
        .name(&child.name)
        .word(&format!(" {other} where "))
        .then(Sql::column(other, &relation.field))
        .word(" = ")
        .then(Sql::column(alias, &collection.key))
}

fn bad_key(key: &str, collection: &Collection) -> ApiError {
    ApiError::query(format!("Invalid filter key \"{key}\" on \"{}\"", collection.name))
}

/// True if a filter of a field speaks of the items behind it instead of the field itself.
fn goes_on(filter: &Map<String, Value>) -> bool {
    filter.keys().any(|key| !key.starts_with('_') || matches!(key.as_str(), "_some" | "_none"))
        || filter.iter().any(|(key, value)| {
            matches!(key.as_str(), "_and" | "_or")
                && value
                    .as_array()
                    .is_some_and(|items| items.iter().any(|item| item.as_object().is_some_and(goes_on)))
        })
}
