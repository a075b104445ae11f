//! Objects as a list of keys, which others share, and a list of values.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::iter::Zip;
use std::sync::Arc;
use std::vec::IntoIter;

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
/// whatever order. Objects of one document that have the same keys share the list of them.
#[derive(Clone, Debug, Default)]
pub struct Object {
    keys: Arc<Vec<Key>>,
    values: Vec<Json>,
}

/// Objects larger than this are compared and built through a map.
const SMALL: usize = 32;

impl Object {
    /// The object of these pairs, in the order that JavaScript would list them.
    #[must_use]
    pub fn new(mut pairs: Vec<(Key, Json)>) -> Self {
        keep_last(&mut pairs);
        if pairs.iter().any(|(key, _)| key.index().is_some()) {
            pairs.sort_by_key(|(key, _)| place(key));
        }
        let (keys, values): (Vec<Key>, Vec<Json>) = pairs.into_iter().unzip();
        Self { keys: Arc::new(keys), values }
    }

    /// The object of keys that are in order already, no one twice, and as many values.
    pub(super) fn of_shape(keys: Arc<Vec<Key>>, values: Vec<Json>) -> Self {
        Self { keys, values }
    }

    /// The keys, as shared among objects that have the same ones.
    pub(crate) fn shape(&self) -> &Arc<Vec<Key>> {
        &self.keys
    }

    /// The values, in the order of the keys.
    pub(crate) fn values(&self) -> &[Json] {
        &self.values
    }

    /// How many pairs it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True if it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|own| own.as_str() == key)
    }

    /// The value at a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.values.get(self.place(key)?)
    }

    /// The value at a key.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        let place = self.place(key)?;
        self.values.get_mut(place)
    }

    /// Puts a value at a key: in the place of the one that was there, or last.
    pub fn insert(&mut self, key: &str, value: Json) {
        if let Some(place) = self.get_mut(key) {
            *place = value;
            return;
        }
        let key = Key::from(key);
        // Indices come before all other keys.
        let at = match key.index() {
            Some(_) => self.keys.partition_point(|own| place(own) < place(&key)),
            None => self.len(),
        };
        Arc::make_mut(&mut self.keys).insert(at, key);
        self.values.insert(at, value);
    }

    /// Takes the value at a key out; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let place = self.place(key)?;
        Arc::make_mut(&mut self.keys).remove(place);
        Some(self.values.remove(place))
    }

    /// The pairs, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Json)> {
        self.keys.iter().zip(&self.values)
    }
}

/// True if a list of keys is that of an object as it is: none twice, and no index of an array.
pub(super) fn is_shape(keys: &[Key]) -> bool {
    let distinct: HashSet<&Key> = keys.iter().collect();
    distinct.len() == keys.len() && keys.iter().all(|key| key.index().is_none())
}

/// Where a key is among others.
fn place(key: &Key) -> (u32, u32) {
    key.index().map_or((1, 0), |index| (0, index))
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        if Arc::ptr_eq(&self.keys, &other.keys) || self.keys == other.keys {
            return self.values == other.values;
        }
        if self.len() <= SMALL {
            return self.iter().all(|(key, value)| other.get(key.as_str()) == Some(value));
        }
        let others: HashMap<&Key, &Json> = other.iter().collect();
        self.iter().all(|(key, value)| others.get(key) == Some(&value))
    }
}

impl IntoIterator for Object {
    type Item = (Key, Json);
    type IntoIter = Zip<IntoIter<Key>, IntoIter<Json>>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.keys).into_iter().zip(self.values)
    }
}

impl FromIterator<(Key, Json)> for Object {
    fn from_iter<I: IntoIterator<Item = (Key, Json)>>(pairs: I) -> Self {
        Self::new(pairs.into_iter().collect())
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key.as_str(), value)))
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
