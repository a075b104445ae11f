//! Descriptions that live as long as the program, each of them once.
//!
//! The registry is static, and all that goes by it holds on to its rows without counting. What is made from a schema is
//! kept for good as well: some kilobytes for each collection, and no more when the same one is described again. A program
//! that follows an instance for years pays for the changes of its schema only.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::collection::Collection;

static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
static COLLECTIONS: LazyLock<Mutex<HashMap<String, &'static Collection>>> = LazyLock::new(Mutex::default);

/// The text, for good.
pub(super) fn text(text: &str) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.into());
    names.insert(kept);
    kept
}

/// The description, for good. `make` is asked only where there is no equal one yet; `identity` says all that it depends on.
pub(super) fn collection(identity: String, make: impl FnOnce() -> Collection) -> &'static Collection {
    let mut collections = COLLECTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    collections.entry(identity).or_insert_with(|| Box::leak(Box::new(make())))
}

/// The list, for good: for use in what [`collection`] makes.
pub(super) fn list<T>(items: Vec<T>) -> &'static [T] {
    if items.is_empty() { &[] } else { Vec::leak(items) }
}
