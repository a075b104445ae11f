//! Pairs and intents.

use std::collections::HashMap;

use lockstep_core::merge::Side;
use lockstep_core::record::Fields;
use rusqlite::{Row, params};

use super::{Due, Intent, Journal, JournalError, Pair, Statement, Write, clear, now, side, side_of};

/// What became of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Both sides have it.
    Paired(Pair),
    /// It is gone, on both sides.
    Gone {
        /// Its key on the source.
        source: String,
        /// Its key on the target.
        target: String,
    },
    /// It takes no part any more.
    Released {
        /// Its key on the source.
        source: String,
    },
}

impl Journal {
    /// The pairs of these keys of a side, by that key.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn pairs<'a>(
        &self,
        edge: &str,
        collection: &str,
        side: Side,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashMap<String, Pair>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(match side {
            Side::Source => {
                "SELECT source, target, common, source_stamp, target_stamp FROM pair \
                 WHERE edge = ?1 AND collection = ?2 AND source = ?3"
            }
            Side::Target => {
                "SELECT source, target, common, source_stamp, target_stamp FROM pair \
                 WHERE edge = ?1 AND collection = ?2 AND target = ?3"
            }
        })?;
        let mut found = HashMap::new();
        for key in keys {
            let mut rows = query.query(params![edge, collection, key])?;
            if let Some(row) = rows.next()? {
                found.insert(key.to_owned(), pair(row)?);
            }
        }
        Ok(found)
    }

    /// The keys on the other side of these keys.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn others<'a>(
        &self,
        edge: &str,
        collection: &str,
        side: Side,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashMap<String, String>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(match side {
            Side::Source => "SELECT target FROM pair WHERE edge = ?1 AND collection = ?2 AND source = ?3",
            Side::Target => "SELECT source FROM pair WHERE edge = ?1 AND collection = ?2 AND target = ?3",
        })?;
        let mut found = HashMap::new();
        for key in keys {
            let mut rows = query.query(params![edge, collection, key])?;
            if let Some(row) = rows.next()? {
                found.insert(key.to_owned(), row.get(0)?);
            }
        }
        Ok(found)
    }

    /// All keys of a side that are paired.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn paired_keys(&self, edge: &str, collection: &str, side: Side) -> Result<Vec<String>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(match side {
            Side::Source => "SELECT source FROM pair WHERE edge = ?1 AND collection = ?2",
            Side::Target => "SELECT target FROM pair WHERE edge = ?1 AND collection = ?2",
        })?;
        let rows = query.query_map([edge, collection], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many records of a collection both sides have.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn tracked(&self, edge: &str, collection: &str) -> Result<usize, JournalError> {
        let connection = self.held();
        let mut query =
            connection.prepare_cached("SELECT COUNT(*) FROM pair WHERE edge = ?1 AND collection = ?2")?;
        let count: i64 = query.query_row([edge, collection], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// What became of records, and the marks that are done by it.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is.
    pub fn settle(
        &self,
        edge: &str,
        collection: &str,
        outcomes: &[Outcome],
        marks: &[Due],
    ) -> Result<(), JournalError> {
        self.write(|write| {
            for outcome in outcomes {
                record(write, edge, collection, outcome)?;
            }
            clear(write, edge, collection, marks)
        })
    }

    /// Says that records are about to be created.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is.
    pub fn intend(&self, edge: &str, collection: &str, intents: &[Intent]) -> Result<(), JournalError> {
        self.write(|write| {
            for intent in intents {
                let fields = serde_json::Value::Object(intent.fields.clone()).to_string();
                let (of, key) = (side(intent.side), &intent.key);
                write.run(
                    Statement::SetIntent,
                    params![edge, collection, of, key, fields, intent.newest, intent.at],
                )?;
            }
            Ok(())
        })
    }

    /// The intents of a collection.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn intents(&self, edge: &str, collection: &str) -> Result<Vec<Intent>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(
            "SELECT side, key, fields, newest, at FROM intent WHERE edge = ?1 AND collection = ?2 ORDER BY at, key",
        )?;
        let rows = query.query_map([edge, collection], |row| {
            Ok(Intent {
                side: side_of(row.get(0)?),
                key: row.get(1)?,
                fields: fields(&row.get::<_, String>(2)?),
                newest: row.get(3)?,
                at: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets intents whose records were not created.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget(
        &self,
        edge: &str,
        collection: &str,
        intents: &[(Side, String)],
    ) -> Result<(), JournalError> {
        if intents.is_empty() {
            return Ok(());
        }
        self.write(|write| intents.iter().try_for_each(|(of, key)| forget(write, edge, collection, *of, key)))
    }
}

fn record(
    write: &mut Write<'_>,
    edge: &str,
    collection: &str,
    outcome: &Outcome,
) -> Result<(), JournalError> {
    match outcome {
        Outcome::Paired(pair) => {
            let common = serde_json::to_string(&pair.common).unwrap_or_default();
            let (source, target, [here, there]) = (&pair.source, &pair.target, &pair.stamps);
            // A key that was paired with another one before is paired anew.
            write.run(Statement::DropOtherPairs, params![edge, collection, target, source])?;
            write.run(Statement::SetPair, params![edge, collection, source, target, common, here, there])?;
            forget(write, edge, collection, Side::Source, source)?;
            forget(write, edge, collection, Side::Target, target)
        }
        Outcome::Gone { source, target } => {
            write.run(Statement::DropPair, params![edge, collection, source])?;
            write.run(Statement::SetTombstone, params![edge, collection, source, target, now()]).map(drop)
        }
        Outcome::Released { source } => {
            write.run(Statement::DropPair, params![edge, collection, source]).map(drop)
        }
    }
}

fn forget(
    write: &mut Write<'_>,
    edge: &str,
    collection: &str,
    of: Side,
    key: &str,
) -> Result<(), JournalError> {
    write.run(Statement::DropIntent, params![edge, collection, side(of), key]).map(drop)
}

fn pair(row: &Row<'_>) -> Result<Pair, rusqlite::Error> {
    Ok(Pair {
        source: row.get(0)?,
        target: row.get(1)?,
        common: fields(&row.get::<_, String>(2)?),
        stamps: [row.get(3)?, row.get(4)?],
    })
}

fn fields(text: &str) -> Fields {
    serde_json::from_str(text).unwrap_or_default()
}
