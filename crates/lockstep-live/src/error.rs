//! What can go wrong.

use crate::journal::JournalError;

/// Live replication cannot go on, or not begin.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The configuration, or what the instances are, does not fit: all that was found.
    #[error("live cannot begin:\n{}", .0.iter().map(|problem| format!("  - {problem}")).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<String>),
    /// A peer does not answer as it should.
    #[error("peer {peer}")]
    Peer {
        /// Its name.
        peer: String,
        /// Why.
        #[source]
        source: lockstep_directus::Error,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Health and metrics cannot be served.
    #[error("nothing can listen on {address}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// NATS does not answer as it should.
    #[error("NATS: {doing} failed")]
    Nats {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// More would be deleted than an accident may.
    #[error("{0}")]
    Halted(String),
}

impl LiveError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(_) => Some("nothing was written; change what is named, and begin again".to_owned()),
            Self::Peer { source, .. } => source.kind().hint().map(str::to_owned),
            Self::Journal(error) => match error {
                JournalError::InUse { .. } => {
                    Some("end the other `live run`, or give this one another journal".to_owned())
                }
                JournalError::Foreign { .. } => {
                    Some("give `live.journal` the path of a file of its own".to_owned())
                }
                JournalError::Missing { .. } => Some("`lockstep live run` makes it".to_owned()),
                JournalError::File { .. } => Some("check the path, and that it may be written".to_owned()),
                JournalError::Lost(_) => Some("another worker goes on; this one looks for free routes".to_owned()),
                JournalError::Database(_) => None,
            },
            Self::Listen { .. } => Some("choose another port for `live.listen`".to_owned()),
            Self::Nats { .. } => Some(
                "check the address in `live.journal`, and that the server runs with JetStream (`nats-server -js`)"
                    .to_owned(),
            ),
            Self::Halted(_) => Some(
                "look at what was deleted; if it is meant, `lockstep live reconcile --allow-destructive`"
                    .to_owned(),
            ),
        }
    }
}
