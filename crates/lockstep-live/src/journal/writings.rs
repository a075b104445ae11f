//! Changes that are about to be written: whatever becomes of the answer, it can be asked afterwards what they wrote over.

use lockstep_core::merge::Side;
use lockstep_core::record::Fields;
use rusqlite::params;
use serde_json::Value;

use super::{Journal, JournalError, Statement, Writing, side, side_of};

impl Journal {
    /// Says that changes are about to be written.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is.
    pub fn writing(&self, edge: &str, collection: &str, writings: &[Writing]) -> Result<(), JournalError> {
        let text = |fields: &Fields| Value::Object(fields.clone()).to_string();
        self.write(|write| {
            for one in writings {
                let (of, read, body) = (side(one.side), text(&one.read), text(&one.body));
                let (source, target) = (&one.source, &one.target);
                write.run(
                    Statement::SetWriting,
                    params![edge, collection, of, source, target, one.since, one.at, read, body],
                )?;
            }
            Ok(())
        })
    }

    /// Changes of which it was not asked yet what they wrote over.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn writings(&self, edge: &str, collection: &str) -> Result<Vec<Writing>, JournalError> {
        let connection = self.held();
        let mut query = connection.prepare_cached(
            "SELECT side, source, target, since, at, read, body FROM writing WHERE edge = ?1 AND collection = ?2",
        )?;
        let fields = |text: String| serde_json::from_str(&text).unwrap_or_default();
        let rows = query.query_map([edge, collection], |row| {
            Ok(Writing {
                side: side_of(row.get(0)?),
                source: row.get(1)?,
                target: row.get(2)?,
                since: row.get(3)?,
                at: row.get(4)?,
                read: fields(row.get(5)?),
                body: fields(row.get(6)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// It was asked: nothing is left to be done about these changes, each by its side and its key on the source.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is.
    pub fn written(
        &self,
        edge: &str,
        collection: &str,
        writings: &[(Side, String)],
    ) -> Result<(), JournalError> {
        if writings.is_empty() {
            return Ok(());
        }
        self.write(|write| {
            for (of, source) in writings {
                write.run(Statement::DropWriting, params![edge, collection, side(*of), source])?;
            }
            Ok(())
        })
    }
}
