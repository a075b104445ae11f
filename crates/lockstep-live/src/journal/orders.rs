//! What people say to a route: that it is to look at everything again, and that a mass deletion is meant.

use rusqlite::params;

use super::{Journal, JournalError, Statement};

/// What the consent to mass deletions says until everything was looked at again.
const ASKED: &str = "asked";
/// From then on it counts for the deletions that were found, and is gone with them.
const COUNTS: &str = "counts";

impl Journal {
    /// Has a route look at everything again. With `consent` the deletions that it finds are carried out however many they are,
    /// and a halt ends.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is.
    pub fn order(&self, edge: &str, consent: bool) -> Result<(), JournalError> {
        self.write(|write| {
            if consent {
                write.run(Statement::SetNote, params![format!("allow {edge}"), ASKED])?;
                write.run(Statement::DropNote, params![format!("halt {edge}")])?;
            }
            write.run(Statement::SetNote, params![format!("order {edge}"), "1"])?;
            Ok(())
        })
    }

    /// Whether a route is to look at everything again. Whoever does so takes the order first, and says afterwards that it is
    /// [`carried_out`](Self::carried_out).
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn take_order(&self, edge: &str) -> Result<bool, JournalError> {
        self.write(|write| Ok(write.run(Statement::DropNote, params![format!("order {edge}")])? > 0))
    }

    /// Everything was looked at: consent counts for what was found.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn carried_out(&self, edge: &str) -> Result<(), JournalError> {
        let allowed = format!("allow {edge}");
        self.write(|write| write.run(Statement::ChangeNote, params![allowed, ASKED, COUNTS]).map(drop))
    }

    /// Whether a mass deletion is meant.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_consented(&self, edge: &str) -> Result<bool, JournalError> {
        Ok(self.noted(&format!("allow {edge}"))?.is_some())
    }

    /// Whether consent counts by now, so that it is used up by the next pass that leaves no deletion undone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn consent_counts(&self, edge: &str) -> Result<bool, JournalError> {
        Ok(self.noted(&format!("allow {edge}"))?.as_deref() == Some(COUNTS))
    }

    /// The deletions were carried out: later ones need another consent. One that was given meanwhile stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn use_up_consent(&self, edge: &str) -> Result<(), JournalError> {
        let allowed = format!("allow {edge}");
        self.write(|write| write.run(Statement::DropNoteThatSays, params![allowed, COUNTS]).map(drop))
    }

    /// Why a route halts; none if it does not.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn halted(&self, edge: &str) -> Result<Option<String>, JournalError> {
        self.noted(&format!("halt {edge}"))
    }

    /// Halts a route until somebody consents.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn halt(&self, edge: &str, reason: &str) -> Result<(), JournalError> {
        self.note(&format!("halt {edge}"), Some(reason))
    }
}
