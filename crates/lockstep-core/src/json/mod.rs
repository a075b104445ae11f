//! JSON as JavaScript has it, small enough to hold whole schemas.
//!
//! Directus compares and hashes schemas as JavaScript values, so what is to agree with it has to follow the same rules:
//! every number is a double, keys that look like array indices come first and in order of number, and the last of two
//! equal keys counts. [`Json`] is also compact where [`serde_json::Value`] is not: keys are shared, and so are the lists
//! of them that objects have. A schema of 20,000 fields takes some 40 MB instead of 150.

mod object;
mod parse;
mod reader;

use std::cmp::Ordering;

use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

pub use object::{Key, Object};
pub use parse::Keys;

/// A JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; never infinite and never NaN.
    Number(f64),
    /// A string.
    String(Box<str>),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
}

/// Integers up to here have a double of their own: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Json {
    /// The value at a key, if this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// The value at a dotted path of keys: `schema.is_primary_key`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |value, key| value.get(key))
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number, if this is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The number, if this is a whole one that a double holds exactly.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        let number = self.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
        (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
    }

    /// The elements, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object, if this is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, if this is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object itself, if this is one.
    #[must_use]
    pub fn into_object(self) -> Option<Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// True for `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same as a [`Value`].
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(number) => match self.as_i64() {
                Some(whole) => Value::Number(whole.into()),
                None => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            },
            Self::String(text) => Value::String(text.as_ref().to_owned()),
            Self::Array(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(object) => {
                let pair = |(key, value): (&Key, &Self)| (key.as_str().to_owned(), value.to_value());
                Value::Object(object.iter().map(pair).collect::<Map<_, _>>())
            }
        }
    }
}

/// A number as JavaScript writes it: `0.1`, `1e+21`, and `0` for -0.
#[must_use]
pub fn number(number: f64) -> String {
    let number = if number == 0.0 { 0.0 } else { number };
    ryu_js::Buffer::new().format(number).to_owned()
}

/// The order in which JavaScript lists the keys of an object that was filled in sorted order: array indices first, by
/// number, then the others by UTF-16 code unit.
#[must_use]
pub fn compare_keys(left: &str, right: &str) -> Ordering {
    match (object::index(left), object::index(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => compare_code_units(left, right),
    }
}

/// JavaScript's order of strings: by UTF-16 code unit. It is that of UTF-8 except beyond the basic plane.
pub(crate) fn compare_code_units(left: &str, right: &str) -> Ordering {
    if left.is_ascii() || right.is_ascii() {
        left.cmp(right)
    } else {
        left.encode_utf16().cmp(right.encode_utf16())
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Keys::default().of_value(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Json {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => match self.as_i64() {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(*number),
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Json {
        Keys::default().parse(text).unwrap()
    }

    #[test]
    fn keys_that_are_array_indices_come_first_by_number() {
        let parsed = parse(r#"{"b": 1, "10": 2, "9": 3, "09": 4, "4294967295": 5, "-1": 6}"#);
        let keys: Vec<&str> = parsed.as_object().unwrap().iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["9", "10", "b", "09", "4294967295", "-1"]);
    }

    #[test]
    fn the_last_of_equal_keys_counts_in_the_place_of_the_first() {
        assert_eq!(parse(r#"{"a": 1, "b": 2, "a": 3}"#), parse(r#"{"a": 3, "b": 2}"#));
    }

    #[test]
    fn numbers_are_doubles() {
        assert_eq!(parse("1.0"), parse("1"));
        assert_eq!(parse("9007199254740993"), parse("9007199254740992"));
        assert_eq!(serde_json::to_string(&parse("[1.0, -0, 0.5, 1e2]")).unwrap(), "[1,0,0.5,100]");
    }

    #[test]
    fn a_lone_surrogate_is_the_character_that_stands_for_it() {
        assert_eq!(parse(r#""a\ud800b""#), Json::from("a\u{fffd}b"));
        assert_eq!(parse(r#""\udc00 \ud83d\ude00 \\ud800""#), Json::from("\u{fffd} 😀 \\ud800"));
    }

    #[test]
    fn what_is_json_is_for_no_reader_to_decide_alone() {
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let texts = [
            "",
            " ",
            "1 ",
            "\t[ ]\r\n",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{a:1}",
            "{\"a\" : 1}x",
            "01",
            "-",
            "-0",
            "-0.0",
            "1.",
            ".5",
            "1e5",
            "1E-5",
            "1e+",
            "1e999",
            "-12345678901234567890",
            "123456789012345",
            "0.1",
            "+1",
            "1-2",
            "--1",
            "nul",
            "nulls",
            "truefalse",
            "\"",
            "\"\\\"",
            "\"\\\"\"",
            "\"a\\n\\u00e4\\/\"",
            "\"\\x\"",
            "\"\u{1}\"",
            "\"\u{7f}é😀\"",
            "{\"\\u0061\":1,\"a\":2}",
            "{\"a\\\"b\":1,\"a\\\"b\":2}",
            "{\"2\":0,\"a\":1,\"1\":2}",
            "[{\"a\":1,\"b\":{}},{\"a\":1,\"b\":{}},{\"b\":1,\"a\":2},{\"a\":1,\"a\":2},{\"a\":1,\"a\":2}]",
        ];
        let deeper = [deep(126), deep(127), deep(128), deep(5000), deep(127).replace('1', "{}")];
        for text in texts.into_iter().chain(deeper.iter().map(String::as_str)) {
            let expected = serde_json::from_str::<Value>(text).ok().map(Json::from);
            assert_eq!(Keys::default().parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn an_error_has_its_place() {
        let error = Keys::default().parse("{\n  \"a\": trxe\n}").unwrap_err();
        assert_eq!((error.line(), error.column()), (2, 10));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-1_000_000i64..1_000_000).prop_map(Value::from),
            any::<f32>()
                .prop_filter("finite, with a fraction", |n| n.is_finite() && n.fract() != 0.0)
                .prop_map(|n| json!(f64::from(n))),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec(("[a-z\u{e9}]{0,6}", inner), 0..6)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_comes_back_from_text_and_from_values(value in value()) {
            let text = value.to_string();
            let parsed = parse(&text);
            prop_assert_eq!(&parsed.to_value(), &value);
            prop_assert_eq!(&Json::from(value), &parsed);
            prop_assert_eq!(serde_json::to_string(&parsed).unwrap(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[\\[\\]{}\",:0-9a-f\\\\u. e+-]{0,60}") {
            let parsed = Keys::default().parse(&text);
            let expected = serde_json::from_str::<Value>(&text).map(Json::from);
            // Of lone surrogates only one of the two makes something.
            prop_assert!(parsed.ok() == expected.ok() || text.contains("\\ud"));
        }

        #[test]
        fn objects_change_as_maps_do(
            pairs in prop::collection::vec(("[ab0-3]{1,2}", 0..9), 0..8),
            changes in prop::collection::vec(("[ab0-3]{1,2}", prop::option::of(0..9)), 0..8),
        ) {
            let mut object: Object =
                pairs.iter().map(|(key, value)| (Key::from(key.as_str()), Json::Number(f64::from(*value)))).collect();
            let mut map: std::collections::BTreeMap<_, _> = pairs.into_iter().collect();
            let before = object.clone();
            for (key, change) in changes {
                match change {
                    Some(value) => {
                        object.insert(&key, Json::Number(f64::from(value)));
                        map.insert(key, value);
                    }
                    None => prop_assert_eq!(object.remove(&key).is_some(), map.remove(&key).is_some()),
                }
            }
            let same: Object =
                map.iter().map(|(key, value)| (Key::from(key.as_str()), Json::Number(f64::from(*value)))).collect();
            prop_assert_eq!(&object, &same);
            prop_assert_eq!(object == before, before == same);
            let indices: Vec<bool> = object.iter().map(|(key, _)| object::index(key.as_str()).is_some()).collect();
            prop_assert!(indices.is_sorted_by(|left, right| left >= right), "indices come first");
        }
    }
}
