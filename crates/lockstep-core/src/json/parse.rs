//! Text to JSON.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::object::is_shape;
use super::reader::Reader;
use super::{Json, Key, Object};

/// The keys that were met so far. What is read with the same ones shares them.
#[derive(Debug, Default)]
pub struct Keys {
    known: RefCell<Known>,
}

impl Keys {
    /// Reads a document. A lone surrogate, which JavaScript allows and Unicode does not, becomes U+FFFD, as it does
    /// wherever JavaScript writes text.
    ///
    /// # Errors
    /// When the text is not JSON, or nested more than 128 levels deep.
    pub fn parse(&self, text: &str) -> Result<Json, serde_json::Error> {
        let quickly = Reader::new(text, &mut self.known.borrow_mut()).document();
        quickly.map_or_else(|| self.parse_slowly(text), Ok)
    }

    /// What the quick reader does not know is told or mended by another one.
    fn parse_slowly(&self, text: &str) -> Result<Json, serde_json::Error> {
        let value: Value =
            serde_json::from_str(text).or_else(|error| match without_lone_surrogates(text) {
                Some(text) => serde_json::from_str(&text),
                None => Err(error),
            })?;
        Ok(self.of_value(value))
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
        let mut known = self.known.borrow_mut();
        let place = known.key(text);
        known.keys[place].key.clone()
    }
}

/// Keys by name, and lists of keys that an object had. Of each is known which one came after it the last time: objects of
/// one kind have their keys in one order, so that the next is mostly known before it is read.
#[derive(Debug, Default)]
pub(super) struct Known {
    places: HashMap<Key, usize, foldhash::fast::RandomState>,
    keys: Vec<KnownKey>,
    last_key: usize,
    shapes: HashMap<Box<[usize]>, usize, foldhash::fast::RandomState>,
    lists: Vec<KnownShape>,
    last_shape: usize,
}

#[derive(Debug)]
struct KnownKey {
    key: Key,
    next: usize,
    /// Whether it stands in a document as it is, without an escape.
    plain: bool,
}

#[derive(Debug)]
struct KnownShape {
    places: Box<[usize]>,
    /// None where the keys are not in JavaScript's order, or one of them is there twice.
    keys: Option<Arc<Vec<Key>>>,
    next: usize,
}

impl Known {
    /// The key that is likely to come next, if it stands at the beginning of the text, before a quote.
    pub(super) fn guessed(&mut self, text: &[u8]) -> Option<(usize, usize)> {
        let guess = self.keys.get(self.last_key)?.next;
        let known = self.keys.get(guess)?;
        let key = known.key.as_str().as_bytes();
        let stands = known.plain && text.starts_with(key) && text.get(key.len()) == Some(&b'"');
        stands.then(|| {
            self.last_key = guess;
            (guess, key.len())
        })
    }

    /// The place of a key.
    pub(super) fn key(&mut self, text: &str) -> usize {
        let place = match self.places.get(text) {
            Some(place) => *place,
            None => {
                let (key, place) = (Key::from(text), self.keys.len());
                self.places.insert(key.clone(), place);
                let plain = !text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
                self.keys.push(KnownKey { key, next: place, plain });
                place
            }
        };
        if let Some(last) = self.keys.get_mut(self.last_key) {
            last.next = place;
        }
        self.last_key = place;
        place
    }

    /// The object of keys at these places.
    pub(super) fn object(&mut self, places: &[usize], values: Vec<Json>) -> Object {
        let guess = self.lists.get(self.last_shape).map_or(0, |last| last.next);
        let shape = match self.lists.get(guess) {
            Some(known) if *known.places == *places => guess,
            _ => self.shape(places),
        };
        if let Some(last) = self.lists.get_mut(self.last_shape) {
            last.next = shape;
        }
        self.last_shape = shape;
        match &self.lists[shape].keys {
            Some(keys) => Object::of_shape(Arc::clone(keys), values),
            None => {
                let keys = places.iter().map(|&place| self.keys[place].key.clone());
                Object::new(keys.zip(values).collect())
            }
        }
    }

    fn shape(&mut self, places: &[usize]) -> usize {
        if let Some(shape) = self.shapes.get(places) {
            return *shape;
        }
        let keys: Vec<Key> = places.iter().map(|&place| self.keys[place].key.clone()).collect();
        let keys = is_shape(&keys).then(|| Arc::new(keys));
        let (places, next) = (Box::from(places), self.lists.len());
        self.shapes.insert(Box::clone(&places), next);
        self.lists.push(KnownShape { places, keys, next });
        next
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
