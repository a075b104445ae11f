//! Where a journal is durable. Its own file is enough for one daemon; where several workers share the routes, each
//! transaction goes to a ledger first, from which the next owner of a route has the whole journal again.

use std::fmt;

use rusqlite::TransactionBehavior;

use super::statement::{Entry, Write};
use super::{Journal, JournalError};

/// Where transactions are made durable before they count.
pub trait Ledger: fmt::Debug + Send + Sync {
    /// Makes a transaction durable, after all that were appended before. It blocks until that is certain.
    ///
    /// # Errors
    /// When it is not, when nobody knows, or when the journal belongs to somebody else by now. The journal must then be given
    /// up: only the ledger knows what it says.
    fn append(&self, entry: &Entry) -> Result<(), JournalError>;

    /// Whether whoever has this journal may still write to peers.
    ///
    /// # Errors
    /// When the journal belongs to somebody else by now.
    fn check(&self) -> Result<(), JournalError>;

    /// The journal does not say any more what the ledger says: nothing is to be written in its name.
    fn give_up(&self);
}

impl Journal {
    /// Has each transaction go to a ledger first.
    #[must_use]
    pub fn with_ledger(self, ledger: Box<dyn Ledger>) -> Self {
        Self { ledger: Some(ledger), ..self }
    }

    /// Its file is a copy that nobody needs after a crash: writes do not wait for the disk.
    ///
    /// # Errors
    /// When it cannot be said to the database.
    pub fn of_a_ledger(self) -> Result<Self, JournalError> {
        self.held().execute_batch("PRAGMA synchronous = OFF")?;
        Ok(self)
    }

    /// Repeats a transaction that is in a ledger.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is.
    pub fn repeat(&self, entry: &Entry) -> Result<(), JournalError> {
        let mut connection = self.held();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut write = Write::new(transaction, false);
        write.repeat(entry)?;
        write.commit()
    }

    /// Whether peers may still be written in the name of this journal.
    ///
    /// # Errors
    /// When it belongs to somebody else by now.
    pub fn check(&self) -> Result<(), JournalError> {
        self.ledger.as_ref().map_or(Ok(()), |ledger| ledger.check())
    }
}
