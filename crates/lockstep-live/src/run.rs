//! The daemon: one task for each peer that captures, one for each edge that drains. A peer or an edge that is in trouble
//! waits by itself and holds up no other.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::future::join_all;
use lockstep_core::merge::Side;
use lockstep_directus::ErrorKind;
use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinSet;

use crate::capture::{Capture, Heard};
use crate::config::{EdgeConfig, JournalPlace, LiveConfig, PeerAddress};
use crate::edge::{Drained, Edge, Found, Initial, Unanswered};
use crate::error::LiveError;
use crate::journal::{Journal, now};
use crate::peer::{Peer, Peers};
use crate::shape;
use crate::status::{Board, EdgeState, Journals, PeerState, Status};
use crate::told::{Log, Told};
use crate::{http, notify, rights};

/// The longest wait for a peer that is away.
const LONGEST: Duration = Duration::from_secs(30);
/// The first wait after an error.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// So often the journal is asked for orders from outside.
const ORDERS: Duration = Duration::from_secs(1);

/// Replication that is ready to run.
#[derive(Debug)]
pub struct Live {
    shared: Arc<Shared>,
    initial: Initial,
}

struct Shared {
    config: LiveConfig,
    journal: Arc<Journal>,
    peers: BTreeMap<String, Slot>,
    /// What wakes the edges, by name.
    wakes: BTreeMap<String, Notify>,
    board: Board,
    log: OnceLock<Log>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A peer, from its first answer on.
#[derive(Debug)]
struct Slot {
    address: PeerAddress,
    capture: Capture,
    peer: OnceCell<Arc<Peer>>,
}

/// Whether a peer is only away, so that others need not wait for it.
fn is_away(error: &LiveError) -> bool {
    let LiveError::Peer { source, .. } = error else { return false };
    matches!(
        source.kind(),
        ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::Unavailable
            | ErrorKind::RateLimited
            | ErrorKind::Lost
    )
}

impl Slot {
    async fn connected(&self, name: &str) -> Result<Arc<Peer>, LiveError> {
        self.peer.get_or_try_init(|| Peer::connect(name, &self.address)).await.cloned()
    }
}

impl Live {
    /// Looks at the journal and at all peers that answer.
    ///
    /// # Errors
    /// All that does not fit, at once. A peer that is away is no error.
    pub async fn open(config: LiveConfig, initial: Initial) -> Result<Self, LiveError> {
        let JournalPlace::File(path) = &config.journal else {
            return Err(LiveError::Refused(vec!["live.journal: it is shared by workers".to_owned()]));
        };
        let journal = Arc::new(Journal::open(path)?);
        Self::with(config, initial, journal).await
    }

    /// The same with a journal that is open already.
    pub(crate) async fn with(
        config: LiveConfig,
        initial: Initial,
        journal: Arc<Journal>,
    ) -> Result<Self, LiveError> {
        let slot = |(name, address): (&String, &PeerAddress)| {
            let capture = Capture::new(Arc::clone(&journal));
            (name.clone(), Slot { address: address.clone(), capture, peer: OnceCell::new() })
        };
        let peers = config.peers.iter().map(slot).collect();
        let wakes = config.edges.iter().map(|edge| (edge.name.clone(), Notify::new())).collect();
        // What another configuration left on the board is not ours.
        for beginning in ["edge ", "peer "] {
            for name in journal.notes(beginning)?.into_keys() {
                journal.note(&format!("{beginning}{name}"), None)?;
            }
        }
        let shared =
            Arc::new(Shared { config, journal, peers, wakes, board: Board::default(), log: OnceLock::new() });
        shared.check().await?;
        Ok(Self { shared, initial })
    }

    /// Tells somebody of what happens.
    #[must_use]
    pub fn telling(self, log: Log) -> Self {
        // The first one is who is told.
        let _ = self.shared.log.set(log);
        self
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> Arc<Journal> {
        Arc::clone(&self.shared.journal)
    }

    /// How everything stands.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn status(&self) -> Result<Status, LiveError> {
        Status::read(&self.shared.journal)
    }

    /// Reconciles every edge once, without running; without `write` nothing is marked.
    ///
    /// # Errors
    /// When a peer does not answer.
    pub async fn reconcile(&self, write: bool) -> Result<Vec<Found>, LiveError> {
        let mut all = Vec::new();
        for config in &self.shared.config.edges {
            all.extend(self.shared.edge(config).await?.reconcile(self.initial, write).await?);
        }
        Ok(all)
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// When health and metrics cannot be served, or the initial states cannot be told apart.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), LiveError> {
        let Self { shared, initial } = self;
        let mut tasks: JoinSet<Result<(), LiveError>> = JoinSet::new();
        if let Some(address) = shared.config.listen {
            let listener = http::bind(address).await?;
            tasks.spawn(http::serve(listener, Journals::of(Arc::clone(&shared.journal))));
        }
        for name in shared.peers.keys().cloned().collect::<Vec<_>>() {
            tasks.spawn(Arc::clone(&shared).watch(name.clone()));
            if shared.config.websocket {
                tasks.spawn(Arc::clone(&shared).listen(name));
            }
        }
        for config in shared.config.edges.clone() {
            tasks.spawn(Arc::clone(&shared).carry(config, initial));
        }
        tasks.spawn(Arc::clone(&shared).tell());
        tokio::pin!(stop);
        let ended = loop {
            tokio::select! {
                () = &mut stop => break Ok(()),
                ended = tasks.join_next() => match ended {
                    Some(Ok(Err(error))) => break Err(error),
                    Some(_) => {}
                    None => break Ok(()),
                },
            }
        };
        // What is cut off now is looked at again next time.
        tasks.shutdown().await;
        ended
    }
}

impl Shared {
    /// All that does not fit, of the peers that answer.
    async fn check(&self) -> Result<(), LiveError> {
        let connected =
            self.peers.iter().map(|(name, slot)| async move { (name, slot.connected(name).await) });
        let (mut problems, mut here) = (Vec::new(), Peers::new());
        for (name, result) in join_all(connected).await {
            self.peer_stands(name, |state| {
                state.url = self.peers.get(name).map(|slot| slot.address.url.clone()).unwrap_or_default();
                state.connected = result.is_ok();
            })?;
            match result {
                Ok(peer) => drop(here.insert(name.clone(), peer)),
                Err(error) if is_away(&error) => {}
                Err(LiveError::Refused(found)) => problems.extend(found),
                Err(LiveError::Peer { peer, source }) => problems.push(format!("peer {peer}: {source}")),
                Err(error) => return Err(error),
            }
        }
        for config in &self.config.edges {
            self.edge_stands(&config.name, |state| "starting".clone_into(&mut state.state))?;
            if let (Some(source), Some(target)) = (here.get(&config.from), here.get(&config.to)) {
                problems.extend(self.fits(config, source, target).err().unwrap_or_default());
            }
        }
        problems.dedup();
        if problems.is_empty() { Ok(()) } else { Err(LiveError::Refused(problems)) }
    }

    fn fits(&self, config: &EdgeConfig, source: &Arc<Peer>, target: &Arc<Peer>) -> Result<Edge, Vec<String>> {
        let shapes = shape::shapes(config, source, target)?;
        let mut problems = Vec::new();
        for (peer, writes) in [(source, config.both_ways), (target, true)] {
            problems.extend(rights::SYSTEM.iter().flat_map(|system| peer.lacks(system, &["read"])));
            for (collection, actions) in rights::of_collections(config, &shapes, writes) {
                problems.extend(peer.lacks(collection, actions));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Edge {
            config: config.clone(),
            source: Arc::clone(source),
            target: Arc::clone(target),
            shapes,
            journal: Arc::clone(&self.journal),
            attempts: self.config.attempts,
            batch: self.config.batch,
            unanswered: Unanswered::default(),
        })
    }

    /// The edge, once both peers answer.
    async fn edge(&self, config: &EdgeConfig) -> Result<Edge, LiveError> {
        let mut ends = Vec::new();
        for name in [&config.from, &config.to] {
            if let Some(slot) = self.peers.get(name) {
                ends.push(slot.connected(name).await?);
            }
        }
        let [source, target] = ends.as_slice() else { return Err(LiveError::Refused(Vec::new())) };
        self.fits(config, source, target).map_err(LiveError::Refused)
    }

    /// Reads the activity of a peer for ever.
    async fn watch(self: Arc<Self>, name: String) -> Result<(), LiveError> {
        let Some(slot) = self.peers.get(&name) else { return Ok(()) };
        let mut wait = Duration::from_millis(500);
        loop {
            let read = match slot.connected(&name).await {
                Ok(peer) => slot.capture.read(&peer).await,
                Err(error) => Err(error),
            };
            let pause = match read {
                Ok(edges) => {
                    self.peer_stands(&name, |state| {
                        state.connected = true;
                        state.error = None;
                    })?;
                    self.wake(edges.iter());
                    wait = Duration::from_millis(500);
                    self.config.poll
                }
                Err(LiveError::Journal(error)) => return Err(error.into()),
                Err(error) => {
                    self.peer_stands(&name, |state| {
                        state.connected = false;
                        state.error = Some(with_cause(&error));
                    })?;
                    wait = (wait * 2).min(LONGEST);
                    wait
                }
            };
            // Several messages at once are one reason to read.
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = slot.capture.wake.notified() => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Listens to a peer for ever.
    async fn listen(self: Arc<Self>, name: String) -> Result<(), LiveError> {
        let Some(slot) = self.peers.get(&name) else { return Ok(()) };
        loop {
            if let Ok(peer) = slot.connected(&name).await {
                let told = |heard| match heard {
                    Heard::Connected(is) => {
                        // A board that cannot be written is told of by whoever writes marks.
                        let _ = self.peer_stands(&name, |state| state.websocket = is);
                    }
                    Heard::Edges(edges) => self.wake(edges.iter()),
                };
                slot.capture.listen(&peer, told).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn wake<'a>(&self, edges: impl Iterator<Item = &'a String>) {
        for notify in edges.filter_map(|edge| self.wakes.get(edge)) {
            notify.notify_one();
        }
    }

    /// Carries what flows over an edge, for ever.
    async fn carry(self: Arc<Self>, config: EdgeConfig, initial: Initial) -> Result<(), LiveError> {
        let name = config.name.clone();
        let mut wait = FIRST_WAIT;
        loop {
            let result = Box::pin(self.carried(&config, initial)).await;
            let Err(error) = result else { continue };
            let (state, fatal) = match &error {
                LiveError::Journal(_) => return Err(error),
                LiveError::Halted(_) => ("halted", false),
                LiveError::Refused(_) => ("refused", true),
                _ => ("waiting", false),
            };
            self.stands(&name, state, &error)?;
            // A route that never began cannot be left to itself: whoever started it should see why.
            if fatal && self.journal.notes(&format!("begun {name} "))?.is_empty() {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(if state == "halted" { ORDERS } else { LONGEST });
        }
    }

    fn say(&self, told: impl FnOnce(String) -> Told) {
        if let Some(log) = self.log.get() {
            log(&told(jiff::Timestamp::now().to_string()));
        }
    }

    /// Puts on the board how an edge stands.
    fn edge_stands(&self, name: &str, change: impl FnOnce(&mut EdgeState)) -> Result<(), LiveError> {
        if let Some(EdgeState { state, error, .. }) = self.board.edge(&self.journal, name, change)? {
            self.say(|at| Told::Route { at, route: name.to_owned(), state, error });
        }
        Ok(())
    }

    /// Puts on the board how a peer stands.
    fn peer_stands(&self, name: &str, change: impl FnOnce(&mut PeerState)) -> Result<(), LiveError> {
        if let Some(PeerState { connected, websocket, error, .. }) =
            self.board.peer(&self.journal, name, change)?
        {
            self.say(|at| Told::Peer { at, peer: name.to_owned(), connected, websocket, error });
        }
        Ok(())
    }

    fn stands(&self, edge: &str, state: &str, error: &LiveError) -> Result<(), LiveError> {
        self.edge_stands(edge, |board| {
            state.clone_into(&mut board.state);
            board.error = Some(with_cause(error));
        })
    }

    async fn carried(&self, config: &EdgeConfig, initial: Initial) -> Result<(), LiveError> {
        let edge = self.edge(config).await?;
        let name = edge.name();
        let collections = |edge: &Edge| -> Vec<(String, String)> {
            edge.shapes.iter().map(|shape| (shape.collection.clone(), shape.key_field.clone())).collect()
        };
        for side in [Side::Source, Side::Target] {
            let peer = edge.peer(side);
            let Some(slot) = self.peers.get(&peer.name) else { continue };
            slot.capture.begin(peer).await?;
            if side == Side::Source || config.both_ways {
                slot.capture.interest(name, side, collections(&edge).into_iter());
            }
        }
        // An order that came while nobody ran is carried out by that as well.
        self.journal.take_order(name)?;
        edge.reconcile(initial, true).await?;
        self.journal.carried_out(name)?;
        let mut reconciled = Instant::now();
        let mut wait = FIRST_WAIT;
        loop {
            let ordered = self.journal.take_order(name)?;
            if ordered || self.config.reconcile.is_some_and(|every| reconciled.elapsed() >= every) {
                edge.reconcile(initial, true).await?;
                self.journal.carried_out(name)?;
                reconciled = Instant::now();
            }
            // What was marked stays marked: after a gap it is enough to go on.
            let drained = edge.drain().await;
            if let Ok(Drained { applied, failed }) = drained
                && applied + failed > 0
            {
                self.say(|at| Told::Applied { at, route: name.to_owned(), applied, failed });
            }
            if let Err(error) = drained {
                let state = match error {
                    LiveError::Peer { .. } => "waiting",
                    LiveError::Halted(_) => "halted",
                    error => return Err(error),
                };
                self.stands(name, state, &error)?;
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(if state == "halted" { ORDERS } else { LONGEST });
                continue;
            }
            wait = FIRST_WAIT;
            self.edge_stands(name, |state| {
                "running".clone_into(&mut state.state);
                state.error = None;
                state.ready = true;
            })?;
            let due = self.journal.next_due(name)?.map(|due| u64::try_from(due - now()).unwrap_or_default());
            let pause =
                due.map_or(ORDERS, |due| Duration::from_millis(due).clamp(Duration::from_millis(5), ORDERS));
            if let Some(wake) = self.wakes.get(name) {
                // Whether it was woken or not, it looks at what is due.
                let _ = tokio::time::timeout(pause, wake.notified()).await;
            }
        }
    }

    /// Tells users of problems, for ever.
    async fn tell(self: Arc<Self>) -> Result<(), LiveError> {
        loop {
            for (name, users) in &self.config.notify {
                if let Some(peer) = self.peers.get(name).and_then(|slot| slot.peer.get()) {
                    notify::tell(peer, users, &self.journal).await?;
                }
            }
            tokio::time::sleep(2 * ORDERS).await;
        }
    }
}

/// An error and its reasons in one line.
pub(crate) fn with_cause(error: &LiveError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(reason) = cause {
        text += &format!(": {reason}");
        cause = reason.source();
    }
    text
}
