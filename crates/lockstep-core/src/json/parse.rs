//! Text to JSON.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Json, Key, Object};

/// The keys that were met so far. What is read with the same ones shares them.
#[derive(Debug, Default)]
pub struct Keys {
    known: RefCell<Known>,
    /// The pairs of the objects that are being read, an inner one's above its outer one's: so each object is allocated once,
    /// in its size.
    open: RefCell<Vec<(Key, Json)>>,
}

impl Keys {
    /// Reads a document. A lone surrogate, which JavaScript allows and Unicode does not, becomes U+FFFD, as it does
    /// wherever JavaScript writes text.
    ///
    /// # Errors
    /// When the text is not JSON, or nested more than 128 levels deep.
    pub fn parse(&self, text: &str) -> Result<Json, serde_json::Error> {
        self.parse_strictly(text).or_else(|error| match without_lone_surrogates(text) {
            Some(text) => self.parse_strictly(&text),
            None => Err(error),
        })
    }

    fn parse_strictly(&self, text: &str) -> Result<Json, serde_json::Error> {
        self.open.borrow_mut().clear();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = self.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }

    /// A value that was read otherwise.
    #[must_use]
    pub fn of_value(&self, value: Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(flag),
            Value::Number(number) => number.as_f64().map_or(Json::Null, Json::Number),
            Value::String(text) => Json::String(text.into()),
            Value::Array(items) => Json::Array(items.into_iter().map(|item| self.of_value(item)).collect()),
            Value::Object(map) => Json::Object(
                map.into_iter().map(|(key, value)| (self.key(&key), self.of_value(value))).collect(),
            ),
        }
    }

    /// The shared key of this name.
    #[must_use]
    pub fn key(&self, text: &str) -> Key {
        self.known.borrow_mut().key(text)
    }
}

/// Keys by name, and which one came after which: objects of one kind have theirs in one order, so that the next is mostly
/// known before it is read.
#[derive(Debug, Default)]
struct Known {
    places: HashMap<Key, usize, foldhash::fast::RandomState>,
    keys: Vec<(Key, usize)>,
    last: usize,
}

impl Known {
    fn key(&mut self, text: &str) -> Key {
        let guess = self.keys.get(self.last).map_or(0, |(_, next)| *next);
        let place = match self.keys.get(guess) {
            Some((key, _)) if key.as_str() == text => guess,
            _ => self.place(text),
        };
        if let Some((_, next)) = self.keys.get_mut(self.last) {
            *next = place;
        }
        self.last = place;
        self.keys[place].0.clone()
    }

    fn place(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let (key, place) = (Key::from(text), self.keys.len());
        self.places.insert(key.clone(), place);
        self.keys.push((key, place));
        place
    }
}

impl<'de> DeserializeSeed<'de> for &Keys {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Keys {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number is a double")]
    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number is a double")]
    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(if number.is_finite() { Json::Number(number) } else { Json::Null })
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(self)? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let begin = self.open.borrow().len();
        while let Some(key) = map.next_key_seed(KeySeed(self))? {
            let value = map.next_value_seed(self)?;
            self.open.borrow_mut().push((key, value));
        }
        let pairs = self.open.borrow_mut().split_off(begin);
        Ok(Json::Object(Object::of_shared_keys(pairs)))
    }
}

struct KeySeed<'a>(&'a Keys);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Key, E> {
        Ok(self.0.key(text))
    }
}

/// The text with every escaped lone surrogate replaced; none if there is none.
fn without_lone_surrogates(text: &str) -> Option<String> {
    let (mut result, mut changed) = (String::with_capacity(text.len()), false);
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        result.push_str(before);
        let length = match surrogate(escape) {
            Some(0xD800..=0xDBFF)
                if surrogate(escape.get(6..).unwrap_or_default()).is_some_and(|low| low >= 0xDC00) =>
            {
                12
            }
            Some(_) => 6,
            None => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        if length == 6 {
            result.push_str("\\ufffd");
            changed = true;
        } else {
            result.push_str(&escape[..length]);
        }
        rest = &escape[length..];
    }
    result.push_str(rest);
    changed.then_some(result)
}

/// The surrogate that an escape at the beginning of the text stands for.
fn surrogate(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok().filter(|unit| (0xD800..=0xDFFF).contains(unit))
}
