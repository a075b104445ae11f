//! The journal: what is known of every record that takes part, and what has yet to be looked at. It lives in a file of
//! SQLite; each method is one transaction, so that a crash leaves either all of it or nothing.
//!
//! - a *mark* says that a key of a side may have changed; it is removed only if it was not made anew meanwhile;
//! - a *pair* says which record of the source is which of the target, and the last state that both had;
//! - an *intent* is a record that is about to be created with a key that the server makes;
//! - a *conflict* is a decision that was taken, or is left to somebody.

mod ledger;
mod open;
mod orders;
mod pairs;
mod reports;
mod statement;
mod writings;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockstep_core::merge::Side;
use lockstep_core::record::Fields;
use rusqlite::{Connection, TransactionBehavior, params};
use serde::Serialize;

pub use ledger::Ledger;
pub use pairs::Outcome;
pub use reports::{Conflict, Counts, DeadLetter};
use statement::Write;
pub use statement::{Entry, Statement};

/// The journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened or written.
    #[error("the journal {} cannot be opened or written", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is another kind of database, or of a later version.
    #[error("{} is no journal of this version of Lockstep", path.display())]
    Foreign {
        /// Where it is.
        path: PathBuf,
    },
    /// Another process works with it.
    #[error("the journal {} is in use by another process", path.display())]
    InUse {
        /// Where it is.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no journal {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another worker has the route, or the ledger cannot be written.
    #[error("the journal is not ours any more: {0}")]
    Lost(String),
    /// It failed.
    #[error("the journal failed")]
    Database(#[from] rusqlite::Error),
}

/// A key that may have changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    /// The edge that has to look.
    pub edge: String,
    /// The collection.
    pub collection: String,
    /// Whose key it is.
    pub side: Side,
    /// The key, as text.
    pub key: String,
}

/// A mark that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Whose key it is.
    pub side: Side,
    /// The key, as text.
    pub key: String,
    /// Which marking it is: it is removed only if this is still the last one.
    pub seq: i64,
    /// How often it failed.
    pub tries: u32,
}

/// A record of both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Its key on the source.
    pub source: String,
    /// Its key on the target.
    pub target: String,
    /// What both had last, in the words of the source.
    pub common: Fields,
    /// What tells a file's content on either side apart from a later one.
    pub stamps: [Option<String>; 2],
}

impl Pair {
    /// Its key on a side.
    #[must_use]
    pub fn key(&self, side: Side) -> &String {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    /// What tells its content on a side, if it is a file.
    #[must_use]
    pub fn stamp(&self, side: Side) -> Option<&String> {
        match side {
            Side::Source => self.stamps[0].as_ref(),
            Side::Target => self.stamps[1].as_ref(),
        }
    }
}

/// A record that is about to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// The side that has it already.
    pub side: Side,
    /// Its key there.
    pub key: String,
    /// What is sent.
    pub fields: Fields,
    /// The newest activity of the other side before that.
    pub newest: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// A change that is about to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Writing {
    /// The side that it is written on.
    pub side: Side,
    /// The key of the record on the source.
    pub source: String,
    /// Its key on the target.
    pub target: String,
    /// The newest activity of that side that was known before the record was read.
    pub since: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What that side had, in the words of the source.
    pub read: Fields,
    /// What is sent.
    pub body: Fields,
}

/// The journal of a daemon.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Where transactions are durable, if that is not its own file.
    ledger: Option<Box<dyn Ledger>>,
    /// Held as long as the daemon runs.
    _lock: Option<File>,
}

/// Milliseconds since 1970.
#[must_use]
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Journal {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn held(&self) -> MutexGuard<'_, Connection> {
        // A panic of another thread left no transaction open: it ends when it is dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction: all of it is durable afterwards, or nothing was written.
    fn write<T>(
        &self,
        run: impl FnOnce(&mut Write<'_>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let mut connection = self.held();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut write = Write::new(transaction, self.ledger.is_some());
        let done = run(&mut write)?;
        if let (Some(ledger), Some(entry)) = (&self.ledger, write.entry()) {
            ledger.append(&entry)?;
        }
        let committed = write.commit();
        if let (Some(ledger), Err(_)) = (&self.ledger, &committed) {
            ledger.give_up();
        }
        committed.map(|()| done)
    }

    /// Marks keys, and remembers how far the activity of a peer was read.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is.
    pub fn mark(&self, marks: &[Mark], cursor: Option<(&str, i64)>) -> Result<(), JournalError> {
        if marks.is_empty() && cursor.is_none() {
            return Ok(());
        }
        self.write(|write| {
            let at = now();
            for one in marks {
                let of = side(one.side);
                write.run(Statement::Mark, params![one.edge, one.collection, of, one.key, at])?;
            }
            if let Some((peer, id)) = cursor {
                write.run(Statement::SetNote, params![format!("cursor {peer}"), id.to_string()])?;
            }
            Ok(())
        })
    }

    /// How far the activity of a peer was read; none before the first time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn cursor(&self, peer: &str) -> Result<Option<i64>, JournalError> {
        Ok(self.noted(&format!("cursor {peer}"))?.and_then(|text| text.parse().ok()))
    }

    /// A note by its name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn noted(&self, name: &str) -> Result<Option<String>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached("SELECT value FROM note WHERE name = ?1")?;
        let mut rows = query.query([name])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// Notes something; none removes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, name: &str, value: Option<&str>) -> Result<(), JournalError> {
        self.write(|write| {
            match value {
                Some(value) => write.run(Statement::SetNote, params![name, value])?,
                None => write.run(Statement::DropNote, params![name])?,
            };
            Ok(())
        })
    }

    /// All notes whose name begins so.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn notes(&self, beginning: &str) -> Result<BTreeMap<String, String>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(
            "SELECT substr(name, length(?1) + 1), value FROM note WHERE substr(name, 1, length(?1)) = ?1",
        )?;
        let rows = query.query_map([beginning], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Marks that are due, in the order in which they were first made, after this one.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn due(
        &self,
        edge: &str,
        collection: &str,
        before: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Due>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(
            "SELECT side, key, seq, tries FROM mark WHERE edge = ?1 AND collection = ?2 AND dead = 0 AND due <= ?3 \
             AND seq > ?4 ORDER BY seq LIMIT ?5",
        )?;
        let rows = query.query_map(
            params![edge, collection, before, after, i64::try_from(limit).unwrap_or(i64::MAX)],
            |row| {
                Ok(Due { side: side_of(row.get(0)?), key: row.get(1)?, seq: row.get(2)?, tries: row.get(3)? })
            },
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the next mark of an edge is due; none without marks.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next_due(&self, edge: &str) -> Result<Option<i64>, JournalError> {
        let connection = self.held();
        let mut query =
            connection.prepare_cached("SELECT MIN(due) FROM mark WHERE edge = ?1 AND dead = 0")?;
        Ok(query.query_row([edge], |row| row.get(0))?)
    }

    /// A mark that failed: it is due again later, or is put with the dead letters.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn failed(
        &self,
        edge: &str,
        collection: &str,
        mark: &Due,
        error: &str,
        due: Option<i64>,
    ) -> Result<(), JournalError> {
        self.write(|write| {
            let of = side(mark.side);
            write.run(Statement::FailMark, params![edge, collection, of, mark.key, error, due])?;
            Ok(())
        })
    }
}

fn clear(write: &mut Write<'_>, edge: &str, collection: &str, marks: &[Due]) -> Result<(), JournalError> {
    for mark in marks {
        let of = side(mark.side);
        write.run(Statement::ClearMark, params![edge, collection, of, mark.key, mark.seq])?;
    }
    Ok(())
}

fn side(side: Side) -> i64 {
    match side {
        Side::Source => 0,
        Side::Target => 1,
    }
}

fn side_of(number: i64) -> Side {
    if number == 0 { Side::Source } else { Side::Target }
}

/// How an edge stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Keys that have yet to be looked at.
    pub waiting: u64,
    /// How long the oldest of them waits, in milliseconds.
    pub lag_ms: u64,
    /// Keys that failed too often.
    pub dead: u64,
    /// Decisions that are left to somebody.
    pub open_conflicts: u64,
    /// Records that both sides have.
    pub tracked: u64,
}

#[cfg(test)]
mod tests;
