//! Changes in the order in which a server accepts them, as batches.
//!
//! The whole graph is ordered before the first write:
//! 1. values that only one record may have are released by whoever holds them;
//! 2. deletions that stand in the way of writes (translations);
//! 3. collection by collection, what is referred to first: creations, then updates. Collections that do not refer
//!    to each other are written at the same time; so are batches of one collection whose records do not. Collections
//!    that refer to each other in a circle are written together, in rounds;
//! 4. deletions, children first; what the server deletes along with a parent is not sent.

mod graph;
mod lint;
mod rounds;
mod stages;

use serde::Serialize;

use crate::collection::Collection;
use crate::reconcile::{Action, Changes};
use crate::record::{Late, LocalId, SyncId};

pub use lint::lint;
pub use stages::plan;

/// What a batch asks of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Set unique references to null, so that others can have their value.
    Release,
    /// Create records.
    Create,
    /// Change records.
    Update,
    /// Delete records.
    Delete,
}

/// One record in a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its identity; none for a row that was never tracked.
    pub sync_id: Option<SyncId>,
    /// Its id on the instance; none before the server has made one.
    pub id: Option<LocalId>,
    /// What people call it.
    pub label: String,
    /// What is sent for it, as JSON text: an object, or for a deletion the key.
    pub body: String,
    /// What is sent besides, once the records that it refers to have ids.
    pub late: Vec<Late>,
    /// The file that is sent with it.
    pub file: Option<String>,
}

/// One request: all of it is done, or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The collection that is written.
    pub collection: &'static Collection,
    /// What is asked.
    pub verb: Verb,
    /// For which records.
    pub items: Vec<Item>,
}

impl Batch {
    /// The body of the request: a JSON array.
    #[must_use]
    pub fn body(&self) -> String {
        let length = self.items.iter().map(|item| item.body.len() + 1).sum::<usize>() + 2;
        let mut body = String::with_capacity(length);
        body.push('[');
        for (place, item) in self.items.iter().enumerate() {
            if place > 0 {
                body.push(',');
            }
            body.push_str(&item.body);
        }
        body.push(']');
        body
    }
}

/// Batches that go one after the other.
pub type Lane = Vec<Batch>;

/// Lanes that do not depend on each other. A stage begins when the one before it is done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    /// Its lanes.
    pub lanes: Vec<Lane>,
}

/// All that a push writes besides the schema, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// One after the other.
    pub stages: Vec<Stage>,
}

impl Plan {
    /// All batches, in an order in which they could be sent.
    pub fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.stages.iter().flat_map(|stage| stage.lanes.iter().flatten())
    }
}

/// How large a batch may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of JSON. The server's default limit is 1 MB (`MAX_PAYLOAD_SIZE`).
    pub bytes: usize,
    /// Records.
    pub count: usize,
    /// Whether the server carries out several batches at the same time. Where it does not, batches that do not depend on each
    /// other go one after the other all the same: whatever waits in the server is before everybody else's.
    pub side_by_side: bool,
}

impl Default for Limits {
    /// A batch has a price of its own, the same for one record and a thousand.
    fn default() -> Self {
        Self { bytes: 900_000, count: 1500, side_by_side: true }
    }
}

impl Limits {
    /// The same for batches that go side by side: a dozen of them, so that those that are sent at the same time end
    /// together, unless they would be too small to be worth a request. Where the database answers from elsewhere (PostgreSQL)
    /// this takes a sixth less time than one batch.
    pub(crate) fn side_by_side(self, records: usize) -> Self {
        let count = records.div_ceil(SIDE_BY_SIDE).max(WORTH_A_REQUEST).min(self.count);
        Self { count, ..self }
    }

    /// The same for batches that go one after the other (SQLite): few, but not so large that whoever else uses the instance
    /// waits long.
    pub(crate) fn alone(self) -> Self {
        Self { count: self.count.min(FAIR), ..self }
    }
}

/// So many batches a large number of records is cut into.
const SIDE_BY_SIDE: usize = 12;
/// A batch of fewer records costs more than it brings.
const WORTH_A_REQUEST: usize = 150;
/// So many records are created in some two thirds of a second, in which nobody else gets at a database with one connection.
const FAIR: usize = 600;

/// A reason why changes of records need consent beyond an ordinary yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Danger {
    /// More than a fifth of a collection (and more than ten records) would go.
    MassDeletion {
        /// The collection.
        collection: &'static str,
        /// How many go.
        deleted: usize,
        /// How many there are.
        rows: usize,
    },
    /// The server would delete records that were never tracked.
    TakesAlong {
        /// The collection of the record that goes.
        collection: &'static str,
        /// What people call it.
        label: String,
        /// How many go with it.
        records: usize,
    },
    /// Users would be suspended or lose access.
    CutsOff {
        /// The collection of the record that goes.
        collection: &'static str,
        /// What people call it.
        label: String,
        /// How many users, everybody counting as one.
        users: usize,
    },
}

/// What about these changes needs consent beyond an ordinary yes.
#[must_use]
pub fn dangers(changes: &Changes) -> Vec<Danger> {
    let mut dangers = Vec::new();
    for (collection, of_collection) in &changes.collections {
        let deleted = of_collection.count(Action::Delete) + of_collection.count(Action::Merge);
        if deleted > 10 && deleted * 5 > of_collection.rows {
            let (collection, rows) = (collection.shown_name(), of_collection.rows);
            dangers.push(Danger::MassDeletion { collection, deleted, rows });
        }
    }
    for (collection, change) in changes.iter() {
        let (collection, label) = (collection.shown_name(), || change.difference.label.clone());
        if change.difference.takes_along > 0 {
            dangers.push(Danger::TakesAlong {
                collection,
                label: label(),
                records: change.difference.takes_along,
            });
        }
        if change.difference.cuts_off > 0 {
            dangers.push(Danger::CutsOff { collection, label: label(), users: change.difference.cuts_off });
        }
    }
    dangers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_that_go_side_by_side_are_a_dozen_of_a_good_size() {
        let count = |records| Limits::default().side_by_side(records).count;
        assert_eq!([30, 600, 2400, 10_000, 100_000].map(count), [150, 150, 200, 834, 1500]);
        let small = Limits { bytes: 300, count: 2, ..Limits::default() };
        assert_eq!((small.side_by_side(30).bytes, small.side_by_side(30).count), (300, 2));
        assert_eq!((small.alone().count, Limits::default().alone().count), (2, 600));
    }
}
