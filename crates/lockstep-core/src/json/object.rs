//! Objects as lists of pairs.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::Json;

/// A key, shared among all objects of a document that have it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if both are one key of one document. Equal keys of two documents are not shared.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The number that JavaScript orders the key by, if the key is the index of an array.
    fn index(&self) -> Option<u32> {
        index(self.as_str())
    }
}

/// The index that a key is: an integer below 2^32 - 1 in its shortest form.
pub(super) fn index(key: &str) -> Option<u32> {
    if !key.starts_with(|first: char| first.is_ascii_digit()) || key.len() > 1 && key.starts_with('0') {
        return None;
    }
    key.parse().ok().filter(|&index| index != u32::MAX)
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A JSON object: pairs in JavaScript's order, no key twice. Two objects are equal if they have the same pairs in
/// whatever order.
#[derive(Clone, Debug, Default)]
pub struct Object(Vec<(Key, Json)>);

/// Objects larger than this are compared and built through a map.
const SMALL: usize = 32;

impl Object {
    /// The object of these pairs, in the order that JavaScript would list them.
    #[must_use]
    pub fn new(mut pairs: Vec<(Key, Json)>) -> Self {
        keep_last(&mut pairs);
        pairs.shrink_to_fit();
        Self::in_order(pairs)
    }

    /// [`Object::new`] of keys that are the same where they are equal, which is quicker to see.
    pub(super) fn of_shared_keys(pairs: Vec<(Key, Json)>) -> Self {
        let twice = |(place, (key, _)): (usize, &(Key, Json))| {
            pairs[..place].iter().any(|(other, _)| other.is_shared_with(key))
        };
        if pairs.len() > SMALL || pairs.iter().enumerate().any(twice) {
            Self::new(pairs)
        } else {
            Self::in_order(pairs)
        }
    }

    fn in_order(mut pairs: Vec<(Key, Json)>) -> Self {
        if pairs.iter().any(|(key, _)| key.index().is_some()) {
            pairs.sort_by_key(|(key, _)| key.index().map_or((1, 0), |index| (0, index)));
        }
        pairs.shrink_to_fit();
        Self(pairs)
    }

    /// How many pairs it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value at a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.iter().find(|(own, _)| own.as_str() == key).map(|(_, value)| value)
    }

    /// The value at a key.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.0.iter_mut().find(|(own, _)| own.as_str() == key).map(|(_, value)| value)
    }

    /// Puts a value at a key: in the place of the one that was there, or last.
    pub fn insert(&mut self, key: &str, value: Json) {
        match self.get_mut(key) {
            Some(place) => *place = value,
            None => {
                self.0.push((Key::from(key), value));
                if self.0.last().is_some_and(|(key, _)| key.index().is_some()) {
                    self.0.sort_by_key(|(key, _)| key.index().map_or((1, 0), |index| (0, index)));
                }
            }
        }
    }

    /// Takes the value at a key out; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let place = self.0.iter().position(|(own, _)| own.as_str() == key)?;
        Some(self.0.remove(place).1)
    }

    /// The pairs, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Json)> {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        let aligned = self.0.iter().zip(&other.0).all(|((left, _), (right, _))| left == right);
        if aligned {
            return self.0.iter().zip(&other.0).all(|((_, left), (_, right))| left == right);
        }
        if self.len() <= SMALL {
            return self.0.iter().all(|(key, value)| other.get(key.as_str()) == Some(value));
        }
        let others: HashMap<&Key, &Json> = other.iter().collect();
        self.0.iter().all(|(key, value)| others.get(key) == Some(&value))
    }
}

impl IntoIterator for Object {
    type Item = (Key, Json);
    type IntoIter = std::vec::IntoIter<(Key, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(Key, Json)> for Object {
    fn from_iter<I: IntoIterator<Item = (Key, Json)>>(pairs: I) -> Self {
        Self::new(pairs.into_iter().collect())
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key.as_str(), value)))
    }
}

/// The last of equal keys counts, where the first stood.
fn keep_last(pairs: &mut Vec<(Key, Json)>) {
    if pairs.len() <= SMALL {
        let mut later = 1;
        while later < pairs.len() {
            match (0..later).find(|&earlier| pairs[earlier].0 == pairs[later].0) {
                Some(earlier) => pairs[earlier].1 = pairs.remove(later).1,
                None => later += 1,
            }
        }
        return;
    }
    let mut places: HashMap<Key, usize> = HashMap::with_capacity(pairs.len());
    let mut kept: Vec<(Key, Json)> = Vec::with_capacity(pairs.len());
    for (key, value) in pairs.drain(..) {
        if let Some(&place) = places.get(&key) {
            kept[place].1 = value;
        } else {
            places.insert(key.clone(), kept.len());
            kept.push((key, value));
        }
    }
    *pairs = kept;
}
