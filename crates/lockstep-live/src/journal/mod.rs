//! The journal: what is known of every record that takes part, and what has yet to be looked at. It lives in a file of
//! SQLite; each method is one transaction, so that a crash leaves either all of it or nothing.
//!
//! - a *mark* says that a key of a side may have changed; it is removed only if it was not made anew meanwhile;
//! - a *pair* says which record of the source is which of the target, and the last state that both had;
//! - an *intent* is a record that is about to be created with a key that the server makes;
//! - a *conflict* is a decision that was taken, or is left to somebody.

mod open;
mod orders;
mod pairs;
mod reports;
mod writings;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockstep_core::merge::Side;
use lockstep_core::record::Fields;
use rusqlite::{Connection, TransactionBehavior, params};
use serde::Serialize;

pub use pairs::Outcome;
pub use reports::{Conflict, Counts, DeadLetter};

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

    /// Marks keys, and remembers how far the activity of a peer was read.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is.
    pub fn mark(&self, marks: &[Mark], cursor: Option<(&str, i64)>) -> Result<(), JournalError> {
        let mut connection = self.held();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut mark = transaction.prepare_cached(
                "INSERT INTO mark (edge, collection, side, key, seq, since, due) VALUES (?1, ?2, ?3, ?4, \
                 (SELECT COALESCE(MAX(seq), 0) + 1 FROM mark), ?5, ?5) \
                 ON CONFLICT DO UPDATE SET seq = excluded.seq, due = MIN(due, excluded.due), \
                 tries = CASE dead WHEN 1 THEN 0 ELSE tries END, dead = 0",
            )?;
            let at = now();
            for one in marks {
                mark.execute(params![one.edge, one.collection, side(one.side), one.key, at])?;
            }
            if let Some((peer, id)) = cursor {
                set(&transaction, &format!("cursor {peer}"), &id.to_string())?;
            }
        }
        Ok(transaction.commit()?)
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
        let connection = self.held();
        match value {
            Some(value) => set(&connection, name, value)?,
            None => drop(connection.execute("DELETE FROM note WHERE name = ?1", [name])?),
        }
        Ok(())
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
        let connection = self.held();
        connection
            .prepare_cached(
                "UPDATE mark SET tries = tries + 1, error = ?5, due = COALESCE(?6, due), dead = ?6 IS NULL \
                 WHERE edge = ?1 AND collection = ?2 AND side = ?3 AND key = ?4",
            )?
            .execute(params![edge, collection, side(mark.side), mark.key, error, due])?;
        Ok(())
    }
}

fn clear(
    connection: &Connection,
    edge: &str,
    collection: &str,
    marks: &[Due],
) -> Result<(), rusqlite::Error> {
    let mut query = connection.prepare_cached(
        "DELETE FROM mark WHERE edge = ?1 AND collection = ?2 AND side = ?3 AND key = ?4 AND seq = ?5",
    )?;
    for mark in marks {
        query.execute(params![edge, collection, side(mark.side), mark.key, mark.seq])?;
    }
    Ok(())
}

fn set(connection: &Connection, name: &str, value: &str) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO note (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute([name, value])?;
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
