//! What a daemon tells of what happens.

use std::sync::Arc;

use serde::Serialize;

/// Something that happened. `at` is a moment in RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Told {
    /// A route does something else now.
    Route {
        /// When.
        at: String,
        /// Its name.
        route: String,
        /// What it does.
        state: String,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// A peer stands otherwise now.
    Peer {
        /// When.
        at: String,
        /// Its name.
        peer: String,
        /// Whether it answers.
        connected: bool,
        /// Whether it tells of changes by WebSocket.
        websocket: bool,
        /// The last error.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// A worker carries a route from now on, or not any more.
    Lease {
        /// When.
        at: String,
        /// The route.
        route: String,
        /// Whether it is carried by this worker.
        held: bool,
        /// Why not any more, if that was not meant.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// NATS answers, or does not any more.
    Nats {
        /// When.
        at: String,
        /// Whether it answers.
        connected: bool,
        /// Why not.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Records were written.
    Applied {
        /// When.
        at: String,
        /// The route.
        route: String,
        /// How many.
        applied: usize,
        /// How many failed.
        failed: usize,
    },
}

/// Who is told of what happens.
pub type Log = Arc<dyn Fn(&Told) + Send + Sync>;
