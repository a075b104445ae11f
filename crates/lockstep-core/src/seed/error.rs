//! What is wrong with a seed by itself.

use serde_json::Value;

use crate::record::SyncId;

/// A seed that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// Something else was expected.
    #[error("{place} must be {expected}, but is {found}")]
    Wrong {
        /// File, seed, record and field.
        place: String,
        /// What ought to be there.
        expected: &'static str,
        /// What is there, in a word.
        found: &'static str,
    },
    /// Two records claim to be the same.
    #[error("{place}: _sync_id {sync_id} is already that of {first}")]
    Twice {
        /// The second of them.
        place: String,
        /// The first.
        first: String,
        /// What both have.
        sync_id: SyncId,
    },
}

impl SeedError {
    pub(super) fn wrong(place: &str, expected: &'static str, found: &Value) -> Self {
        let found = match found {
            Value::Null => "missing or null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(text) if text.is_empty() => "empty",
            Value::String(_) => "a text",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        Self::Wrong { place: place.to_owned(), expected, found }
    }
}
