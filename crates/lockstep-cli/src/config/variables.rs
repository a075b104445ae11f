//! `${VARIABLE}` in the strings of a configuration file.

use lockstep_core::placeholder;
use serde_json::{Map, Value};

use super::environment::Environment;

/// A variable that is not set, and where it stands.
pub(crate) struct Missing {
    /// With dots and indexes.
    pub(crate) place: String,
    /// The variable.
    pub(crate) variable: String,
}

/// Fills in the variables of a value, at any depth. Only the environment counts, whatever it holds: a variable that is
/// set to nothing is set.
///
/// # Errors
/// The first one that is not set.
pub(crate) fn fill(value: &mut Value, place: &str, environment: &Environment) -> Result<(), Missing> {
    match value {
        Value::String(text) if text.contains("${") => {
            let missing = |variable| Missing { place: place.to_owned(), variable };
            *text = placeholder::filled(text, |name| environment.variable(name)).map_err(missing)?;
            Ok(())
        }
        Value::Array(items) => {
            let mut items = items.iter_mut().enumerate();
            items.try_for_each(|(index, item)| fill(item, &format!("{place}[{index}]"), environment))
        }
        Value::Object(fields) => fields
            .iter_mut()
            .try_for_each(|(name, value)| fill(value, &format!("{place}.{name}"), environment)),
        _ => Ok(()),
    }
}

/// True if a value refers to variables, at any depth.
pub(crate) fn refers(value: &Value) -> bool {
    match value {
        Value::String(text) => placeholder::variables(text).next().is_some(),
        Value::Array(items) => items.iter().any(refers),
        Value::Object(fields) => refers_any(fields),
        _ => false,
    }
}

fn refers_any(fields: &Map<String, Value>) -> bool {
    fields.values().any(refers)
}
