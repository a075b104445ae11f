//! How replication stands, for people and machines.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::error::LiveError;
use crate::journal::{Counts, Journal, Queue};

/// How everything stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The routes, by name (`a>b`).
    pub routes: BTreeMap<String, RouteStatus>,
    /// The peers, by name.
    pub peers: BTreeMap<String, PeerState>,
}

/// How a route stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RouteStatus {
    /// What it does now.
    #[serde(flatten)]
    pub state: EdgeState,
    /// What waits.
    #[serde(flatten)]
    pub queue: Queue,
    /// Which worker carries it, where several share the routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// What happened since the journal was made: `applied`, `failed`, `dead`, `conflicts`, `recovered`.
    pub counts: Counts,
}

/// What a route does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeState {
    /// `starting`, `running`, `waiting` (for a peer), `halted` or `refused`.
    pub state: String,
    /// Why it is not running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// True once the first reconciliation is through.
    #[serde(default)]
    pub ready: bool,
}

/// How a peer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerState {
    /// Its address.
    pub url: String,
    /// Whether it answers.
    pub connected: bool,
    /// Whether it tells of changes by WebSocket.
    pub websocket: bool,
    /// The last error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What the daemon knows of itself; it lies in the journal as well, for those who ask from outside.
#[derive(Debug, Default)]
pub(crate) struct Board {
    edges: Mutex<BTreeMap<String, EdgeState>>,
    peers: Mutex<BTreeMap<String, PeerState>>,
}

impl Board {
    /// Changes how an edge stands; gives it if it stands otherwise now.
    pub(crate) fn edge(
        &self,
        journal: &Journal,
        name: &str,
        change: impl FnOnce(&mut EdgeState),
    ) -> Result<Option<EdgeState>, LiveError> {
        changed(journal, &self.edges, "edge", name, change)
    }

    /// Changes how a peer stands; gives it if it stands otherwise now.
    pub(crate) fn peer(
        &self,
        journal: &Journal,
        name: &str,
        change: impl FnOnce(&mut PeerState),
    ) -> Result<Option<PeerState>, LiveError> {
        changed(journal, &self.peers, "peer", name, change)
    }
}

/// Changes how one of them stands, here and in the journal; gives it if it stands otherwise now.
fn changed<T: Clone + Default + PartialEq + Serialize>(
    journal: &Journal,
    all: &Mutex<BTreeMap<String, T>>,
    kind: &str,
    name: &str,
    change: impl FnOnce(&mut T),
) -> Result<Option<T>, LiveError> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    let state = all.entry(name.to_owned()).or_default();
    let before = state.clone();
    change(state);
    if *state == before {
        return Ok(None);
    }
    journal.note(&format!("{kind} {name}"), Some(&serde_json::to_string(state).unwrap_or_default()))?;
    Ok(Some(state.clone()))
}

/// The journals of all that a process carries, and whether the place is away where it shares routes with others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journals(Arc<RwLock<Vec<Arc<Journal>>>>, Arc<AtomicBool>);

impl Journals {
    pub(crate) fn of(journal: Arc<Journal>) -> Self {
        Self(Arc::new(RwLock::new(vec![journal])), Arc::default())
    }

    /// Whether routes cannot be shared now; gives whether that was so before.
    pub(crate) fn away(&self, is: bool) -> bool {
        self.1.swap(is, Ordering::Relaxed)
    }

    pub(crate) fn is_away(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }

    /// Adds a journal, as long as what is given back lives.
    pub(crate) fn shown(&self, journal: &Arc<Journal>) -> Shown {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(journal));
        Shown { journals: self.clone(), journal: Arc::clone(journal) }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Journal>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Keeps a journal among those of a process.
#[derive(Debug)]
pub(crate) struct Shown {
    journals: Journals,
    journal: Arc<Journal>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        let mut all = self.journals.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| !Arc::ptr_eq(known, &self.journal));
    }
}

impl Status {
    /// Reads it from the journal of a daemon that may be running.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn read(journal: &Journal) -> Result<Self, LiveError> {
        let mut status = Self::default();
        for (name, text) in journal.notes("edge ")? {
            let state = serde_json::from_str(&text).unwrap_or_default();
            let (queue, counts) = (journal.queue(&name)?, journal.counts(&name)?);
            let route = RouteStatus { state, queue, worker: None, counts };
            status.routes.insert(name, route);
        }
        for (name, text) in journal.notes("peer ")? {
            status.peers.insert(name, serde_json::from_str(&text).unwrap_or_default());
        }
        Ok(status)
    }

    /// Adds the routes and peers of another journal.
    pub(crate) fn join(&mut self, other: Self) {
        self.routes.extend(other.routes);
        self.peers.extend(other.peers);
    }

    /// True if all routes went through their first reconciliation.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.routes.values().all(|route| route.state.ready)
    }

    /// As Prometheus reads it.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, values: &[(String, i64)]| {
            text += &format!("# HELP lockstep_live_{name} {help}\n# TYPE lockstep_live_{name} {kind}\n");
            for (labels, value) in values {
                text += &format!("lockstep_live_{name}{{{labels}}} {value}\n");
            }
        };
        let routes = |value: &dyn Fn(&RouteStatus) -> i64| -> Vec<(String, i64)> {
            self.routes.iter().map(|(name, route)| (format!("route=\"{name}\""), value(route))).collect()
        };
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let count = |route: &RouteStatus, name: &str| route.counts.get(name).copied().unwrap_or_default();
        family(
            "up",
            "gauge",
            "Whether the route works.",
            &routes(&|route| i64::from(route.state.state == "running")),
        );
        family(
            "lag_milliseconds",
            "gauge",
            "How long the oldest change waits.",
            &routes(&|route| signed(route.queue.lag_ms)),
        );
        family(
            "queue",
            "gauge",
            "Keys that have yet to be looked at.",
            &routes(&|route| signed(route.queue.waiting)),
        );
        family(
            "tracked",
            "gauge",
            "Records that both sides have.",
            &routes(&|route| signed(route.queue.tracked)),
        );
        family(
            "dead_letters",
            "gauge",
            "Keys that failed too often.",
            &routes(&|route| signed(route.queue.dead)),
        );
        family(
            "open_conflicts",
            "gauge",
            "Decisions that are left to somebody.",
            &routes(&|route| signed(route.queue.open_conflicts)),
        );
        family("applied_total", "counter", "Records written.", &routes(&|route| count(route, "applied")));
        family("retried_total", "counter", "Tries that failed.", &routes(&|route| count(route, "failed")));
        family(
            "conflicts_total",
            "counter",
            "Decisions that were needed.",
            &routes(&|route| count(route, "conflicts")),
        );
        let peers = |value: &dyn Fn(&PeerState) -> bool| -> Vec<(String, i64)> {
            self.peers
                .iter()
                .map(|(name, peer)| (format!("peer=\"{name}\""), i64::from(value(peer))))
                .collect()
        };
        family("peer_up", "gauge", "Whether the peer answers.", &peers(&|peer| peer.connected));
        family(
            "peer_websocket",
            "gauge",
            "Whether the peer tells of changes by WebSocket.",
            &peers(&|peer| peer.websocket),
        );
        text
    }
}
