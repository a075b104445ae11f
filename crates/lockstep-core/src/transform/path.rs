//! Places in a record: `options.headers.0.value`.

use std::fmt;

use serde_json::{Map, Value};

use crate::nearest::nearest;
use crate::record::Fields;

/// A place in a record: a field, and the way inside of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<String>);

/// Why a value cannot be put somewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at} {problem}")]
pub struct PathError {
    /// The place.
    pub at: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Path {
    /// Reads a path; `headers[0]` is `headers.0`. None if a part is empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts = text.replace('[', ".").replace(']', "");
        let parts: Vec<String> = parts.split('.').map(str::to_owned).collect();
        parts.iter().all(|part| !part.is_empty()).then_some(Self(parts))
    }

    /// A field.
    #[must_use]
    pub fn of_field(field: &str) -> Self {
        Self(vec![field.to_owned()])
    }

    /// The path that leads on from here.
    #[must_use]
    pub fn then(&self, part: &str) -> Self {
        Self(self.0.iter().cloned().chain([part.to_owned()]).collect())
    }

    /// The field that it begins with.
    #[must_use]
    pub fn field(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// True for a field itself.
    #[must_use]
    pub fn is_field(&self) -> bool {
        self.0.len() == 1
    }

    /// Its last part.
    #[must_use]
    pub fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// True if the other is here, or inside of this.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The value there.
    #[must_use]
    pub fn get<'a>(&self, fields: &'a Fields) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(fields.get(first)?, |value, part| inside(value, part))
    }

    /// The value there, to be changed.
    pub fn get_mut<'a>(&self, fields: &'a mut Fields) -> Option<&'a mut Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(fields.get_mut(first)?, |value, part| match value {
            Value::Object(fields) => fields.get_mut(part),
            Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The value there in a field's value.
    #[must_use]
    pub fn in_field<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> {
        self.0.iter().skip(1).try_fold(value, |value, part| match value {
            Value::Object(fields) => fields.get_mut(part),
            Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Puts a value there. Objects that are missing on the way are made.
    ///
    /// # Errors
    /// Something on the way is neither object nor list, a list is too short, or a name looks like a typing error of one
    /// that is there.
    pub fn set(&self, fields: &mut Fields, value: Value) -> Result<(), PathError> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(()) };
        let entry = fields.entry(first.clone()).or_insert(Value::Null);
        let Some(place) = self.way(entry, rest)? else { return Ok(()) };
        *place = value;
        Ok(())
    }

    fn way<'a>(&self, entry: &'a mut Value, rest: &[String]) -> Result<Option<&'a mut Value>, PathError> {
        let mut place = entry;
        for (depth, part) in rest.iter().enumerate() {
            let wrong = |problem: String| PathError { at: self.0[..=depth].join("."), problem };
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            place = match place {
                Value::Object(inner) => {
                    if !inner.contains_key(part) {
                        let names: Vec<&str> = inner.keys().map(String::as_str).collect();
                        if let Some(nearest) = nearest(part, &names) {
                            return Err(wrong(format!("has no {part}; did you mean {nearest}?")));
                        }
                    }
                    inner.entry(part.clone()).or_insert(Value::Null)
                }
                Value::Array(items) => {
                    let length = items.len();
                    let index = part.parse::<usize>().ok().filter(|index| *index < length);
                    let missing = || wrong(format!("is a list of {length}, and has no {part}"));
                    items.get_mut(index.ok_or_else(missing)?).ok_or_else(missing)?
                }
                _ => return Err(wrong(format!("is neither object nor list, so it has no {part}"))),
            };
        }
        Ok(Some(place))
    }

    /// Takes the value there out.
    pub fn remove(&self, fields: &mut Fields) {
        let Some((last, way)) = self.0.split_last() else { return };
        if way.is_empty() {
            fields.shift_remove(last);
        } else if let Some(Value::Object(inner)) = Self(way.to_vec()).get_mut(fields) {
            inner.shift_remove(last);
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

pub(super) fn inside<'a>(value: &'a Value, part: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    }
}
