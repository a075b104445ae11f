//! Records, their ids, and what it means that two values are the same.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::collection::{Collection, Key};

/// The fields of a record, in the order in which they were read.
pub type Fields = Map<String, Value>;

/// What the server shows in place of a value that it keeps to itself.
pub const CONCEALED: &str = "**********";

macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The identity of a record across instances: `_syncId` in a dump.
    SyncId
}
text_id! {
    /// The primary key of a record on one instance, as text (an integer key in decimal).
    LocalId
}

impl SyncId {
    /// True if the SyncID may serve as the id of a record.
    #[must_use]
    pub fn is_uuid(&self) -> bool {
        is_uuid(&self.0)
    }
}

impl LocalId {
    /// The id in a row that the server sent: text or a number.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self(text.clone())),
            Value::Number(number) => Some(Self(number.to_string())),
            _ => None,
        }
    }

    /// The id as the server wants it: a number where the key is an integer.
    #[must_use]
    pub fn to_value(&self, key: Key) -> Value {
        match (key, self.0.parse::<i64>()) {
            (Key::Integer | Key::Singleton, Ok(number)) => Value::from(number),
            _ => Value::from(self.0.as_str()),
        }
    }

    /// An order in which integer keys follow their value and all others their text.
    #[must_use]
    pub fn order(&self) -> (Option<i64>, &str) {
        (self.0.parse().ok(), &self.0)
    }
}

/// A record of a dump: references are SyncIDs.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its identity.
    pub sync_id: SyncId,
    /// Everything else; neither `id` nor `_syncId` is among it. Shared with the reports about it.
    pub fields: Arc<Fields>,
}

impl Record {
    /// Takes a record of a dump file apart.
    ///
    /// # Errors
    /// Gives the fields back when `_syncId` is missing or no text.
    pub fn from_dump(mut fields: Fields) -> Result<Self, Fields> {
        match fields.shift_remove("_syncId") {
            Some(Value::String(sync_id)) => {
                fields.shift_remove("id");
                Ok(Self { sync_id: SyncId(sync_id), fields: Arc::new(fields) })
            }
            _ => Err(fields),
        }
    }

    /// The record as it stands in a dump file, `_syncId` last.
    #[must_use]
    pub fn into_dump(self) -> Fields {
        let mut fields = Arc::unwrap_or_clone(self.fields);
        fields.insert("_syncId".to_owned(), Value::String(self.sync_id.0));
        fields
    }
}

/// A record as an instance holds it: references are ids of that instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its primary key there.
    pub id: LocalId,
    /// Everything else, as the server sent it.
    pub fields: Fields,
}

impl Row {
    /// Takes a row that the server sent apart; none where it has no id (the server's own permissions).
    #[must_use]
    pub fn from_server(collection: &Collection, mut fields: Fields) -> Option<Self> {
        let id = fields.shift_remove(collection.key_field).and_then(|value| LocalId::from_value(&value));
        let id = match (id, collection.key) {
            (None, Key::Singleton) => LocalId::from("1"),
            (id, _) => id?,
        };
        Some(Self { id, fields })
    }
}

/// A reference to a record that has no id before the server makes one: it is filled in when there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The field that gets the id.
    pub field: String,
    /// The collection that is referred to.
    pub collection: &'static str,
    /// The record of it.
    pub sync_id: SyncId,
}

/// True if two JSON values mean the same: numbers by value, objects whatever the order of their keys.
#[must_use]
pub fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && !(a.is_i64() && b.is_i64())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_value(a, b)))
        }
        _ => one == other,
    }
}

/// The value at a dotted path: `options.flow`.
#[must_use]
pub fn value_at<'a>(fields: &'a Fields, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let first = fields.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// True for the text form of a UUID.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_the_same_by_meaning() {
        for (one, other, same) in [
            (json!(1), json!(1.0), true),
            (json!(0.5), json!(0.5), true),
            (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64), false),
            (json!({"a": 1, "b": [2]}), json!({"b": [2.0], "a": 1}), true),
            (json!([1, 2]), json!([2, 1]), false),
            (json!({"a": null}), json!({}), false),
            (json!("1"), json!(1), false),
            (json!(null), json!(false), false),
        ] {
            assert_eq!(same_value(&one, &other), same, "{one} {other}");
        }
    }

    #[test]
    fn rows_of_the_server_have_no_id_and_are_left_out() {
        let permissions = Collection::named("permissions").unwrap();
        let fields = |value: Value| value.as_object().unwrap().clone();
        assert_eq!(Row::from_server(permissions, fields(json!({"system": true}))), None);
        assert_eq!(Row::from_server(permissions, fields(json!({"id": 7}))).unwrap().id.as_str(), "7");
        let settings = Collection::named("settings").unwrap();
        assert!(Row::from_server(settings, fields(json!({"id": null}))).is_some());
    }

    #[test]
    fn paths_reach_into_json() {
        let fields = json!({"options": {"flow": "x"}}).as_object().unwrap().clone();
        assert_eq!(value_at(&fields, "options.flow"), Some(&json!("x")));
        assert_eq!(value_at(&fields, "options.none"), None);
    }
}
