//! All that is ever written to a journal: each kind of write has a name, under which a ledger records it and another worker
//! repeats it. A name stays what it is; a new kind of write gets a new one.

use rusqlite::types::{ToSqlOutput, Value as Cell, ValueRef};
use rusqlite::{ToSql, Transaction, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::JournalError;

macro_rules! statements {
    ($($name:ident => $sql:expr,)*) => {
        /// A kind of write.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Statement {
            $(#[doc = concat!("`", $sql, "`")] $name,)*
        }

        impl Statement {
            fn sql(self) -> &'static str {
                match self {
                    $(Self::$name => $sql,)*
                }
            }

            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

statements! {
    Mark => "INSERT INTO mark (edge, collection, side, key, seq, since, due) VALUES (?1, ?2, ?3, ?4, \
        (SELECT COALESCE(MAX(seq), 0) + 1 FROM mark), ?5, ?5) \
        ON CONFLICT DO UPDATE SET seq = excluded.seq, due = MIN(due, excluded.due), \
        tries = CASE dead WHEN 1 THEN 0 ELSE tries END, dead = 0",
    ClearMark => "DELETE FROM mark WHERE edge = ?1 AND collection = ?2 AND side = ?3 AND key = ?4 AND seq = ?5",
    FailMark => "UPDATE mark SET tries = tries + 1, error = ?5, due = COALESCE(?6, due), dead = ?6 IS NULL \
        WHERE edge = ?1 AND collection = ?2 AND side = ?3 AND key = ?4",
    RetryMarks => "UPDATE mark SET dead = 0, tries = 0, due = ?4 WHERE tries > 0 AND (?1 IS NULL OR edge = ?1) \
        AND (?2 IS NULL OR collection = ?2) AND (?3 IS NULL OR key = ?3)",
    SetNote => "INSERT INTO note (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
    DropNote => "DELETE FROM note WHERE name = ?1",
    ChangeNote => "UPDATE note SET value = ?3 WHERE name = ?1 AND value = ?2",
    DropNoteThatSays => "DELETE FROM note WHERE name = ?1 AND value = ?2",
    DropOtherPairs => "DELETE FROM pair WHERE edge = ?1 AND collection = ?2 AND target = ?3 AND source <> ?4",
    SetPair => "INSERT INTO pair (edge, collection, source, target, common, source_stamp, target_stamp) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET target = excluded.target, \
        common = excluded.common, source_stamp = excluded.source_stamp, target_stamp = excluded.target_stamp",
    DropPair => "DELETE FROM pair WHERE edge = ?1 AND collection = ?2 AND source = ?3",
    SetTombstone => "INSERT OR REPLACE INTO tombstone (edge, collection, source, target, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    SetIntent => "INSERT OR REPLACE INTO intent (edge, collection, side, key, fields, newest, at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    DropIntent => "DELETE FROM intent WHERE edge = ?1 AND collection = ?2 AND side = ?3 AND key = ?4",
    SetWriting => "INSERT OR REPLACE INTO writing (edge, collection, side, source, target, since, at, read, body) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    DropWriting => "DELETE FROM writing WHERE edge = ?1 AND collection = ?2 AND side = ?3 AND source = ?4",
    AddConflict => "INSERT OR IGNORE INTO conflict (at, edge, collection, source, target, decision, open) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    CloseConflicts => "UPDATE conflict SET open = 0 WHERE edge = ?1 AND collection = ?2 AND source = ?3 AND open = 1",
    Count => "INSERT INTO tally (edge, name, value) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = value + ?3",
}

/// What one transaction wrote.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry(pub Vec<(Statement, Vec<Value>)>);

/// An open transaction of a journal.
pub(super) struct Write<'a> {
    transaction: Transaction<'a>,
    /// What was written, if somebody wants to know.
    entry: Option<Entry>,
}

impl<'a> Write<'a> {
    pub(super) fn new(transaction: Transaction<'a>, recorded: bool) -> Self {
        Self { transaction, entry: recorded.then(Entry::default) }
    }

    /// Writes; gives how many rows are others now.
    pub(super) fn run(&mut self, statement: Statement, values: &[&dyn ToSql]) -> Result<usize, JournalError> {
        let changed = self.transaction.prepare_cached(statement.sql())?.execute(values)?;
        if let Some(Entry(entries)) = self.entry.as_mut().filter(|_| changed > 0) {
            let values: Result<Vec<Value>, rusqlite::Error> =
                values.iter().map(|value| told(*value)).collect();
            entries.push((statement, values?));
        }
        Ok(changed)
    }

    /// Repeats what another one wrote.
    pub(super) fn repeat(&mut self, entry: &Entry) -> Result<(), JournalError> {
        for (statement, values) in &entry.0 {
            let cells = values.iter().map(cell);
            self.transaction.prepare_cached(statement.sql())?.execute(params_from_iter(cells))?;
        }
        Ok(())
    }

    /// What was written, unless nothing was.
    pub(super) fn entry(&mut self) -> Option<Entry> {
        self.entry.take().filter(|entry| !entry.0.is_empty())
    }

    pub(super) fn commit(self) -> Result<(), JournalError> {
        Ok(self.transaction.commit()?)
    }
}

/// A cell as JSON. The journal has no blobs and no fractions.
fn told(value: &dyn ToSql) -> Result<Value, rusqlite::Error> {
    let output = value.to_sql()?;
    let cell = match &output {
        ToSqlOutput::Borrowed(value) => *value,
        ToSqlOutput::Owned(value) => ValueRef::from(value),
        _ => ValueRef::Null,
    };
    Ok(match cell {
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Null => Value::Null,
    })
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(is) => Cell::Integer(i64::from(*is)),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Cell::Real(number.as_f64().unwrap_or_default()), Cell::Integer)
        }
        Value::String(text) => Cell::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Cell::Text(value.to_string()),
    }
}
