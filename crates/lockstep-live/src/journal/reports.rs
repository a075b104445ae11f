//! What the journal tells people: queues, conflicts, dead letters, and the orders that they give.

use lockstep_core::merge::{Decision, Side};
use rusqlite::params;
use serde::Serialize;

use super::{Journal, JournalError, Queue, Statement, now, side, side_of};

/// A record that failed too often.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadLetter {
    /// The edge.
    pub edge: String,
    /// The collection.
    pub collection: String,
    /// Whose key it is.
    pub side: Side,
    /// The key.
    pub key: String,
    /// How often it was tried.
    pub tries: u32,
    /// The last error.
    pub error: String,
    /// Since when it waits, in milliseconds since 1970.
    pub since: i64,
}

/// A decision that was taken, or is left to somebody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflict {
    /// Its number.
    pub id: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The edge.
    pub edge: String,
    /// The collection.
    pub collection: String,
    /// The key on the source; empty where it has none.
    pub source_key: String,
    /// The key on the target; empty where it has none.
    pub target_key: String,
    /// True while nobody decided.
    pub open: bool,
    /// What it is about.
    #[serde(flatten)]
    pub decision: Decision,
}

/// How often something happened on an edge.
pub type Counts = std::collections::BTreeMap<String, i64>;

impl Journal {
    /// Records decisions about a record; one that was recorded before is not repeated.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn decided(
        &self,
        edge: &str,
        collection: &str,
        keys: (&str, &str),
        decisions: &[Decision],
    ) -> Result<usize, JournalError> {
        self.write(|write| {
            let mut new = 0;
            for decision in decisions {
                let text = serde_json::to_string(decision).unwrap_or_default();
                let open = decision.winner.is_none();
                new += write.run(
                    Statement::AddConflict,
                    params![now(), edge, collection, keys.0, keys.1, text, open],
                )?;
            }
            Ok(new)
        })
    }

    /// A record is alike on both sides again: what was open about it is not any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn agreed(&self, edge: &str, collection: &str, source: &str) -> Result<(), JournalError> {
        self.write(|write| write.run(Statement::CloseConflicts, params![edge, collection, source]).map(drop))
    }

    /// Conflicts, latest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn conflicts(&self, only_open: bool, limit: usize) -> Result<Vec<Conflict>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(
            "SELECT id, at, edge, collection, source, target, open, decision FROM conflict WHERE open >= ?1 \
             ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = query.query_map(params![only_open, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            let decision: String = row.get(7)?;
            Ok((
                decision,
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?),
            ))
        })?;
        let mut found = Vec::new();
        for row in rows {
            let (decision, (id, at, edge, collection, source_key, target_key, open)) = row?;
            if let Ok(decision) = serde_json::from_str(&decision) {
                found.push(Conflict { id, at, edge, collection, source_key, target_key, open, decision });
            }
        }
        Ok(found)
    }

    /// Dead letters, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetter>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(
            "SELECT edge, collection, side, key, tries, COALESCE(error, ''), since FROM mark WHERE dead = 1 ORDER BY since, key",
        )?;
        let rows = query.query_map([], |row| {
            Ok(DeadLetter {
                edge: row.get(0)?,
                collection: row.get(1)?,
                side: side_of(row.get(2)?),
                key: row.get(3)?,
                tries: row.get(4)?,
                error: row.get(5)?,
                since: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Brings dead letters back, and what waits for another try: all, or those of an edge, a collection, a key. Gives
    /// how many.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn retry(
        &self,
        edge: Option<&str>,
        collection: Option<&str>,
        key: Option<&str>,
    ) -> Result<usize, JournalError> {
        self.write(|write| write.run(Statement::RetryMarks, params![edge, collection, key, now()]))
    }

    /// How an edge stands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn queue(&self, edge: &str) -> Result<Queue, JournalError> {
        let connection = self.held();
        let number = |sql: &str| -> Result<i64, rusqlite::Error> {
            connection
                .prepare_cached(sql)?
                .query_row([edge], |row| Ok(row.get::<_, Option<i64>>(0)?.unwrap_or_default()))
        };
        let oldest = number("SELECT MIN(since) FROM mark WHERE edge = ?1 AND dead = 0")?;
        let lag = if oldest == 0 { 0 } else { now() - oldest };
        let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
        Ok(Queue {
            waiting: unsigned(number("SELECT COUNT(*) FROM mark WHERE edge = ?1 AND dead = 0")?),
            lag_ms: unsigned(lag),
            dead: unsigned(number("SELECT COUNT(*) FROM mark WHERE edge = ?1 AND dead = 1")?),
            open_conflicts: unsigned(number("SELECT COUNT(*) FROM conflict WHERE edge = ?1 AND open = 1")?),
            tracked: unsigned(number("SELECT COUNT(*) FROM pair WHERE edge = ?1")?),
        })
    }

    /// Counts what happened.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn count(&self, edge: &str, name: &str, by: usize) -> Result<(), JournalError> {
        if by == 0 {
            return Ok(());
        }
        let by = i64::try_from(by).unwrap_or(i64::MAX);
        self.write(|write| write.run(Statement::Count, params![edge, name, by]).map(drop))
    }

    /// How often what happened.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn counts(&self, edge: &str) -> Result<Counts, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached("SELECT name, value FROM tally WHERE edge = ?1")?;
        let rows = query.query_map([edge], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a key of a side waits to be looked at.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_marked(&self, edge: &str, collection: &str, of: Side, key: &str) -> Result<bool, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(
            "SELECT 1 FROM mark WHERE edge = ?1 AND collection = ?2 AND side = ?3 AND key = ?4",
        )?;
        Ok(query.exists(params![edge, collection, side(of), key])?)
    }
}
