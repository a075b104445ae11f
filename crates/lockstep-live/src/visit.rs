//! Looking into the journals of whoever replicates, and giving orders, from outside.

use crate::config::{JournalPlace, LiveConfig};
use crate::edge::{Found, Initial};
use crate::error::LiveError;
use crate::journal::{Conflict, DeadLetter, Journal};
use crate::run::Live;
use crate::status::Status;
use crate::workers;

/// The journal of a daemon that may be running, or those of all workers.
#[derive(Debug)]
pub enum Visit {
    /// In a file.
    File(Box<Journal>),
    /// In NATS.
    Workers(Box<workers::Visit>),
}

impl Visit {
    /// Opens what the configuration names.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub async fn open(config: &LiveConfig) -> Result<Self, LiveError> {
        Ok(match &config.journal {
            JournalPlace::File(path) => Self::File(Box::new(Journal::visit(path)?)),
            JournalPlace::Nats(address) => {
                Self::Workers(Box::new(workers::Visit::connect(config, address).await?))
            }
        })
    }

    /// How everything stands.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn status(&self) -> Result<Status, LiveError> {
        match self {
            Self::File(journal) => Status::read(journal),
            Self::Workers(all) => all.status(),
        }
    }

    /// Conflicts, latest first, at most so many.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn conflicts(&self, only_open: bool, limit: usize) -> Result<Vec<Conflict>, LiveError> {
        match self {
            Self::File(journal) => Ok(journal.conflicts(only_open, limit)?),
            Self::Workers(all) => all.conflicts(only_open, limit),
        }
    }

    /// Dead letters, oldest first.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetter>, LiveError> {
        match self {
            Self::File(journal) => Ok(journal.dead_letters()?),
            Self::Workers(all) => all.dead_letters(),
        }
    }

    /// Has a route look at everything again; `consent` says that mass deletions are meant.
    ///
    /// # Errors
    /// When the order cannot be given.
    pub async fn order(&self, route: &str, consent: bool) -> Result<(), LiveError> {
        match self {
            Self::File(journal) => Ok(journal.order(route, consent)?),
            Self::Workers(all) => all.order(route, consent).await,
        }
    }

    /// Has dead letters tried again: all, or those of a route, a collection, a key. Gives how many.
    ///
    /// # Errors
    /// When the order cannot be given.
    pub async fn retry(
        &self,
        route: Option<&str>,
        collection: Option<&str>,
        key: Option<&str>,
    ) -> Result<usize, LiveError> {
        match self {
            Self::File(journal) => Ok(journal.retry(route, collection, key)?),
            Self::Workers(all) => all.retry(route, collection, key).await,
        }
    }
}

/// What a reconciliation of all routes would find; nothing is written, and no daemon is needed.
///
/// # Errors
/// When something does not fit, or a peer does not answer.
pub async fn dry_run(config: &LiveConfig, initial: Initial) -> Result<Vec<Found>, LiveError> {
    match &config.journal {
        JournalPlace::Nats(address) => {
            workers::Visit::connect(config, address).await?.dry_run(config, initial).await
        }
        JournalPlace::File(path) => {
            let folder = tempfile::tempdir()
                .map_err(|source| crate::journal::JournalError::File { path: path.clone(), source })?;
            let copy = folder.path().join("dry.db");
            // What a daemon knows is looked at in a copy.
            if path.exists() {
                Journal::visit(path)?.copy_to(&copy)?;
            }
            let config = LiveConfig { journal: JournalPlace::File(copy), ..config.clone() };
            Live::open(config, initial).await?.reconcile(false).await
        }
    }
}
