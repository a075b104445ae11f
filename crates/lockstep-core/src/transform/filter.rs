//! Filters of Directus, evaluated here: on records in SyncIDs, so that they mean the same on both sides.

use serde_json::{Map, Value};

use super::World;
use super::path::inside;
use crate::collection::Collection;
use crate::nearest::nearest;
use crate::record::{Fields, same_value};

/// A filter: fields with operators (`{"status": {"_eq": "active"}}`), with values they must have (`{"name": "X"}`), with
/// fields of what they refer to (`{"flow": {"name": "X"}}`), joined by `_and` and `_or`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Condition);

/// Why something is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct FilterError {
    /// Where, with dots; empty for the filter itself.
    pub at: String,
    /// What is wrong with it.
    pub problem: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Field(String, Box<Condition>),
    Operator(&'static str, Value),
}

/// Those that need neither a database nor a geometry. The ones with `n` say the opposite, those with `i` do not mind case.
const OPERATORS: [&str; 24] = [
    "_eq",
    "_neq",
    "_lt",
    "_lte",
    "_gt",
    "_gte",
    "_in",
    "_nin",
    "_null",
    "_nnull",
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
    "_between",
    "_nbetween",
];
const EMPTY: [&str; 2] = ["_empty", "_nempty"];

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// An operator that is none, or whose value is of the wrong type.
    pub fn parse(value: &Value) -> Result<Self, FilterError> {
        match value {
            Value::Object(fields) => all(fields, "").map(Self),
            _ => Err(wrong("", "has to be an object")),
        }
    }

    /// The fields of the record itself that it asks for.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let mut fields = Vec::new();
        self.0.collect_fields(&mut fields);
        fields
    }

    /// True for a record that it means.
    #[must_use]
    pub fn matches(&self, world: &World<'_>, collection: &Collection, id: &str, fields: &Fields) -> bool {
        self.0.holds(world, &Focus::Record(collection, id, fields))
    }
}

fn wrong(at: &str, problem: &str) -> FilterError {
    FilterError { at: at.to_owned(), problem: problem.to_owned() }
}

fn all(fields: &Map<String, Value>, at: &str) -> Result<Condition, FilterError> {
    let conditions = fields.iter().map(|(name, value)| condition(name, value, at));
    conditions.collect::<Result<Vec<_>, _>>().map(Condition::All)
}

fn condition(name: &str, value: &Value, at: &str) -> Result<Condition, FilterError> {
    let here = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match name {
        "_and" => list(value, &here).map(Condition::All),
        "_or" => list(value, &here).map(Condition::Any),
        "_syncId" => of_field(name, value, &here),
        _ if name.starts_with('_') => operator(name, value, &here),
        _ => match name.split_once('.') {
            Some((first, rest)) => {
                let inner = condition(rest, value, &here)?;
                Ok(Condition::Field(first.to_owned(), Box::new(inner)))
            }
            None => of_field(name, value, &here),
        },
    }
}

fn of_field(name: &str, value: &Value, at: &str) -> Result<Condition, FilterError> {
    let inner = match value {
        Value::Object(fields) => all(fields, at)?,
        Value::Null => Condition::Operator("_null", Value::Bool(true)),
        Value::Array(_) => Condition::Operator("_in", value.clone()),
        value => Condition::Operator("_eq", value.clone()),
    };
    Ok(Condition::Field(name.to_owned(), Box::new(inner)))
}

fn list(value: &Value, at: &str) -> Result<Vec<Condition>, FilterError> {
    let Value::Array(items) = value else { return Err(wrong(at, "has to be a list of filters")) };
    let item = |item: &Value| match item {
        Value::Object(fields) => all(fields, at),
        _ => Err(wrong(at, "has to be a list of filters")),
    };
    items.iter().map(item).collect()
}

fn operator(name: &str, value: &Value, at: &str) -> Result<Condition, FilterError> {
    let known = OPERATORS.iter().chain(&EMPTY);
    let Some(known) = known.into_iter().find(|known| **known == name) else {
        let names: Vec<&str> = OPERATORS.iter().chain(&EMPTY).copied().chain(["_and", "_or"]).collect();
        let hint = nearest(name, &names).map(|nearest| format!("; did you mean {nearest}?"));
        let problem = format!("is not an operator that Lockstep evaluates{}", hint.unwrap_or_default());
        return Err(wrong(at, &problem));
    };
    let fits = match *known {
        "_in" | "_nin" => value.is_array(),
        "_between" | "_nbetween" => value.as_array().is_some_and(|bounds| bounds.len() == 2),
        "_null" | "_nnull" | "_empty" | "_nempty" => value.is_boolean(),
        _ => !value.is_array() && !value.is_object(),
    };
    let expected = match *known {
        "_in" | "_nin" => "needs a list",
        "_between" | "_nbetween" => "needs a list of two",
        "_null" | "_nnull" | "_empty" | "_nempty" => "needs true or false",
        _ => "needs a plain value",
    };
    if fits { Ok(Condition::Operator(known, value.clone())) } else { Err(wrong(at, expected)) }
}

/// What a condition is about.
enum Focus<'a> {
    Record(&'a Collection, &'a str, &'a Fields),
    /// A value that may be the id of a record.
    Value(&'a Value, Option<&'static str>),
}

impl Condition {
    fn collect_fields<'a>(&'a self, fields: &mut Vec<&'a str>) {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                conditions.iter().for_each(|condition| condition.collect_fields(fields));
            }
            Self::Field(name, _) => fields.push(name),
            Self::Operator(..) => {}
        }
    }

    fn holds(&self, world: &World<'_>, focus: &Focus<'_>) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(world, focus)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(world, focus)),
            Self::Field(name, inner) => inner.holds_in(world, focus, name),
            Self::Operator(operator, wanted) => match focus {
                Focus::Record(..) => false,
                Focus::Value(value, _) => compares(operator, value, wanted),
            },
        }
    }

    /// Of a field of what the focus is on.
    fn holds_in(&self, world: &World<'_>, focus: &Focus<'_>, name: &str) -> bool {
        match focus {
            Focus::Record(_, id, _) if matches!(name, "id" | "_syncId") => {
                self.holds(world, &Focus::Value(&Value::from(*id), None))
            }
            Focus::Record(collection, _, fields) => {
                let target = collection.references.iter().find(|reference| reference.path == name);
                let value = fields.get(name).unwrap_or(&Value::Null);
                self.holds(world, &Focus::Value(value, target.map(|reference| reference.target)))
            }
            Focus::Value(Value::String(id), Some(target)) => {
                let found = Collection::named(target).zip(world.get(target, id));
                found.is_some_and(|(collection, fields)| {
                    self.holds_in(world, &Focus::Record(collection, id, fields), name)
                })
            }
            // Of a list, one is enough.
            Focus::Value(Value::Array(items), _) if name.parse::<usize>().is_err() => {
                items.iter().any(|item| self.holds_in(world, &Focus::Value(item, None), name))
            }
            Focus::Value(value, _) => {
                // The roles that a policy is attached to.
                let target = (name == "role").then_some("roles");
                let value = inside(value, name).unwrap_or(&Value::Null);
                self.holds(world, &Focus::Value(value, target))
            }
        }
    }
}

fn compares(operator: &str, value: &Value, wanted: &Value) -> bool {
    let positive = |name: &str| compares(name, value, wanted);
    match operator {
        "_eq" => same(value, wanted),
        "_in" => wanted.as_array().is_some_and(|wanted| wanted.iter().any(|wanted| same(value, wanted))),
        "_null" => value.is_null() == (wanted == true),
        "_empty" => is_empty(value) == (wanted == true),
        "_lt" => order(value, wanted).is_some_and(std::cmp::Ordering::is_lt),
        "_lte" => order(value, wanted).is_some_and(std::cmp::Ordering::is_le),
        "_gt" => order(value, wanted).is_some_and(std::cmp::Ordering::is_gt),
        "_gte" => order(value, wanted).is_some_and(std::cmp::Ordering::is_ge),
        "_between" => match wanted.as_array().map(Vec::as_slice) {
            Some([low, high]) => compares("_gte", value, low) && compares("_lte", value, high),
            _ => false,
        },
        "_contains" => texts(value, wanted, false, |text, part| text.contains(part)),
        "_icontains" => texts(value, wanted, true, |text, part| text.contains(part)),
        "_starts_with" => texts(value, wanted, false, |text, part| text.starts_with(part)),
        "_istarts_with" => texts(value, wanted, true, |text, part| text.starts_with(part)),
        "_ends_with" => texts(value, wanted, false, |text, part| text.ends_with(part)),
        "_iends_with" => texts(value, wanted, true, |text, part| text.ends_with(part)),
        "_neq" => !positive("_eq"),
        "_nin" => !positive("_in"),
        "_nnull" => !positive("_null"),
        "_nempty" => !positive("_empty"),
        "_nbetween" => !positive("_between"),
        "_ncontains" => !positive("_contains"),
        "_nicontains" => !positive("_icontains"),
        "_nstarts_with" => !positive("_starts_with"),
        "_nistarts_with" => !positive("_istarts_with"),
        "_nends_with" => !positive("_ends_with"),
        "_niends_with" => !positive("_iends_with"),
        _ => false,
    }
}

/// Also `1` and `"1"`, `true` and `"true"`, as a database compares.
fn same(value: &Value, wanted: &Value) -> bool {
    same_value(value, wanted) || plain(value).zip(plain(wanted)).is_some_and(|(a, b)| a == b)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn order(value: &Value, wanted: &Value) -> Option<std::cmp::Ordering> {
    let (value, wanted) = plain(value).zip(plain(wanted))?;
    match (value.parse::<f64>(), wanted.parse::<f64>()) {
        (Ok(value), Ok(wanted)) => value.partial_cmp(&wanted),
        _ => Some(value.cmp(&wanted)),
    }
}

fn texts(value: &Value, wanted: &Value, fold: bool, holds: impl Fn(&str, &str) -> bool) -> bool {
    let holds = |value: &Value| {
        plain(value).zip(plain(wanted)).is_some_and(|(text, part)| match fold {
            true => holds(&text.to_lowercase(), &part.to_lowercase()),
            false => holds(&text, &part),
        })
    };
    match value {
        Value::Array(items) => items.iter().any(holds),
        value => holds(value),
    }
}
