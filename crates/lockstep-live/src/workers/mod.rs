//! Several workers share the routes: each route is carried by one of them, who has a lease on it. If it dies, another one
//! takes the route over with its journal as it was.

mod address;
mod hub;
mod lease;
mod log;
mod visit;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::jetstream::kv::UpdateErrorKind;
use futures::TryStreamExt;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use address::NatsAddress;
use hub::{Hub, Order, failed};
use lease::Lease;
use log::Log;
pub use visit::Visit;

use crate::config::{EdgeConfig, JournalPlace, LiveConfig};
use crate::edge::Initial;
use crate::error::LiveError;
use crate::http;
use crate::journal::{Journal, JournalError};
use crate::run::{Live, with_cause};
use crate::status::Journals;
use crate::told::{self, Told};

/// So often leases are renewed and free routes looked for.
const TICK: Duration = Duration::from_secs(1);
/// The first wait before a route that ended here is taken again.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest.
const LONGEST: Duration = Duration::from_secs(60);
/// A route that is free for so long is taken by one who has enough already.
const ABANDONED: Duration = Duration::from_secs(15);
/// So long NATS may take for that.
const PATIENCE: Duration = Duration::from_secs(3);
/// The keys of workers begin so.
const WORKER: &str = "worker.";
/// The keys of routes begin so.
const ROUTE: &str = "route.";

/// What a lease says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    worker: String,
    /// What tells this run of it from others of that name.
    run: String,
}

/// One of the workers.
pub struct Worker {
    shared: Arc<Shared>,
}

struct Shared {
    config: LiveConfig,
    initial: Initial,
    hub: Arc<Hub>,
    name: String,
    tell: Option<told::Log>,
    journals: Journals,
    /// What tells this run from others of that name.
    run: String,
    /// Routes that ended here: how long they are left to others the next time, and until when now.
    waits: Mutex<BTreeMap<String, (Duration, Instant)>>,
    /// Since when routes are seen to be free.
    free_since: tokio::sync::Mutex<BTreeMap<String, Instant>>,
}

/// A route that this worker carries.
struct Held {
    lease: Arc<Lease>,
    /// Taken once it was told to end.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), LiveError>>,
    begun: Instant,
    /// Whether nobody else had taken it.
    abandoned: bool,
}

/// How many routes are held as a part of what all share.
fn shared(held: &BTreeMap<String, Held>) -> usize {
    held.values().filter(|held| held.is_shared()).count()
}

impl Held {
    fn is_shared(&self) -> bool {
        self.stop.is_some() && !self.abandoned
    }

    fn tell_to_end(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

impl Worker {
    /// Looks at all peers that answer, and connects to NATS. `name` tells this worker from all others.
    ///
    /// # Errors
    /// All that does not fit, at once. A peer that is away is no error.
    pub async fn open(
        config: LiveConfig,
        address: &NatsAddress,
        initial: Initial,
        name: String,
        tell: Option<told::Log>,
    ) -> Result<Self, LiveError> {
        let folder = tempfile::tempdir().map_err(failed("making a folder"))?;
        let scratch = JournalPlace::File(folder.path().join("check.db"));
        drop(Live::open(LiveConfig { journal: scratch, ..config.clone() }, initial).await?);
        let hub = Arc::new(Hub::connect(address).await?);
        let shared = Shared {
            config,
            initial,
            hub,
            name,
            tell,
            journals: Journals::default(),
            run: format!("{:016x}", fastrand::u64(..)),
            waits: Mutex::default(),
            free_since: tokio::sync::Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// When health and metrics cannot be served.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), LiveError> {
        let Self { shared } = self;
        let server = match shared.config.listen {
            Some(address) => {
                Some(tokio::spawn(http::serve(http::bind(address).await?, shared.journals.clone())))
            }
            None => None,
        };
        let mut held = BTreeMap::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = shared.tick(&mut held) => {}
            }
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(TICK) => {}
            }
        }
        shared.end(held).await;
        if let Some(server) = server {
            server.abort();
        }
        Ok(())
    }
}

impl Shared {
    async fn tick(self: &Arc<Self>, held: &mut BTreeMap<String, Held>) {
        // Without NATS there is nothing to be had; what is held ends by itself when its lease does.
        let result = tokio::time::timeout(PATIENCE, Box::pin(self.shared_out(held))).await;
        let error = result.map_or_else(|elapsed| Some(failed("sharing the routes")(elapsed)), Result::err);
        self.nats_stands(error.as_ref().map(with_cause));
        self.reap(held).await;
    }

    /// Tells whether NATS answers, when that is otherwise than before.
    fn nats_stands(&self, error: Option<String>) {
        let connected = error.is_none();
        if self.journals.away(!connected) == connected
            && let Some(tell) = &self.tell
        {
            tell(&Told::Nats { at: jiff::Timestamp::now().to_string(), connected, error });
        }
    }

    /// Routes that ended are free for others, and for us after a while: whatever the reason was, it may be ours alone.
    async fn reap(&self, held: &mut BTreeMap<String, Held>) {
        let ended: Vec<String> =
            held.iter().filter(|(_, held)| held.task.is_finished()).map(|(route, _)| route.clone()).collect();
        let ended: Vec<(String, Held)> =
            ended.into_iter().filter_map(|route| held.remove_entry(&route)).collect();
        join_all(ended.into_iter().map(|(route, held)| self.ended(route, held))).await;
    }

    /// Waits until a route that was told to end has, and says so.
    async fn ended(&self, route: String, held: Held) {
        let Held { lease, task, begun, .. } = held;
        let result = task.await.unwrap_or_else(|panic| Err(failed("carrying a route")(panic)));
        self.free(&route, &lease).await;
        let reason = result.as_ref().err().map(with_cause);
        {
            let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            if reason.is_none() || begun.elapsed() > LONGEST {
                waits.remove(&route);
            }
            if reason.is_some() {
                let (wait, _) = waits.get(&route).copied().unwrap_or((FIRST_WAIT, begun));
                waits.insert(route.clone(), ((wait * 2).min(LONGEST), Instant::now() + wait));
            }
        }
        self.say(&route, false, reason);
    }

    /// Ends all of it.
    async fn end(&self, mut held: BTreeMap<String, Held>) {
        for held in held.values_mut() {
            held.tell_to_end();
        }
        join_all(held.into_iter().map(|(route, held)| self.ended(route, held))).await;
        // The others can have more from now on.
        let gone = self.hub.leases.purge(format!("{WORKER}{}", address::part(&self.name)));
        let _ = tokio::time::timeout(PATIENCE, gone).await;
    }

    /// Renews what is held, and takes or gives up routes, so that all workers have about as many.
    async fn shared_out(self: &Arc<Self>, held: &mut BTreeMap<String, Held>) -> Result<(), LiveError> {
        let leases = &self.hub.leases;
        let value = serde_json::to_vec(&self.holder()).map_err(failed("writing a lease"))?;
        let is_ours =
            |text: &[u8]| serde_json::from_slice::<Holder>(text).is_ok_and(|it| it == self.holder());
        for (route, held) in held.iter().filter(|(_, held)| held.lease.check().is_ok()) {
            let asked = Instant::now();
            let key = format!("{ROUTE}{}", address::part(route));
            match leases.update(&key, value.clone().into(), held.lease.revision()).await {
                Ok(revision) => held.lease.renewed(revision, asked),
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                    // The answer to an earlier renewal may have been lost. How old that one is we do not know: it is renewed
                    // the next time, if there is one.
                    match leases.entry(&key).await.map_err(failed("reading a lease"))? {
                        Some(entry) if is_ours(&entry.value) => held.lease.known_by(entry.revision),
                        _ => held.lease.give_up(),
                    }
                }
                // Until it ends by our clock there is time for another try.
                Err(_) => {}
            }
        }
        leases
            .put(format!("{WORKER}{}", address::part(&self.name)), value.clone().into())
            .await
            .map_err(failed("telling that we are there"))?;
        let keys: Vec<String> = leases
            .keys()
            .await
            .map_err(failed("listing leases"))?
            .try_collect()
            .await
            .map_err(failed("listing leases"))?;
        let workers = keys.iter().filter(|key| key.starts_with(WORKER)).count().max(1);
        let share = self.config.edges.len().div_ceil(workers);
        let mut free = self.free_since.lock().await;
        for edge in &self.config.edges {
            let key = format!("{ROUTE}{}", address::part(&edge.name));
            if held.contains_key(&edge.name) || keys.contains(&key) {
                free.remove(&edge.name);
                continue;
            }
            let since = *free.entry(edge.name.clone()).or_insert_with(Instant::now);
            // What nobody else takes for long (they may have other configurations) is better here than nowhere.
            let abandoned = since.elapsed() >= ABANDONED;
            if self.waits(&edge.name) || (shared(held) >= share && !abandoned) {
                continue;
            }
            let asked = Instant::now();
            // Somebody else may have been quicker.
            if let Ok(revision) = leases.create(&key, value.clone().into()).await {
                let lease = Arc::new(Lease::new(revision, asked));
                let begun = self.begin(edge, lease, abandoned);
                held.insert(edge.name.clone(), begun);
            }
        }
        // What is too much here is for one with fewer; it stays known until it has ended.
        if shared(held) > share
            && let Some(surplus) = held.values_mut().rev().find(|held| held.is_shared())
        {
            surplus.tell_to_end();
        }
        Ok(())
    }

    fn holder(&self) -> Holder {
        Holder { worker: self.name.clone(), run: self.run.clone() }
    }

    /// Whether a route that ended here is left to others for now.
    fn waits(&self, route: &str) -> bool {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.get(route).is_some_and(|(_, until)| Instant::now() < *until)
    }

    fn begin(self: &Arc<Self>, edge: &EdgeConfig, lease: Arc<Lease>, abandoned: bool) -> Held {
        self.say(&edge.name, true, None);
        let (stop, stopped) = oneshot::channel();
        let carried = Arc::clone(self).carry(edge.clone(), Arc::clone(&lease), stopped);
        Held { lease, stop: Some(stop), task: tokio::spawn(carried), begun: Instant::now(), abandoned }
    }

    async fn free(&self, route: &str, lease: &Lease) {
        lease.give_up();
        let key = format!("{ROUTE}{}", address::part(route));
        // If somebody else has it by now, or NATS is away, there is nothing to free.
        let freed = self.hub.leases.purge_expect_revision(key, Some(lease.revision()));
        let _ = tokio::time::timeout(PATIENCE, freed).await;
    }

    fn say(&self, route: &str, held: bool, reason: Option<String>) {
        if let Some(tell) = &self.tell {
            let (at, route) = (jiff::Timestamp::now().to_string(), route.to_owned());
            tell(&Told::Lease { at, route, held, reason });
        }
    }

    /// Carries a route as long as the lease counts.
    async fn carry(
        self: Arc<Self>,
        edge: EdgeConfig,
        lease: Arc<Lease>,
        stopped: oneshot::Receiver<()>,
    ) -> Result<(), LiveError> {
        tokio::select! {
            _ = stopped => Ok(()),
            () = lease.ended() => Err(JournalError::Lost("the lease on the route has ended".to_owned()).into()),
            ended = self.carried(&edge, &lease) => ended,
        }
    }

    async fn carried(&self, edge: &EdgeConfig, lease: &Arc<Lease>) -> Result<(), LiveError> {
        let folder = tempfile::tempdir().map_err(failed("making a folder"))?;
        let (journal, log) = Log::claim(&self.hub, &edge.name, lease, folder.path()).await?;
        let journal = Arc::new(journal);
        let mut live = Live::with(self.config.only(edge), self.initial, Arc::clone(&journal)).await?;
        if let Some(tell) = &self.tell {
            live = live.telling(Arc::clone(tell));
        }
        let _shown = self.journals.shown(&journal);
        tokio::select! {
            ended = live.run(std::future::pending()) => ended,
            ended = self.serve(&edge.name, &journal, &log) => ended,
        }
    }

    /// Does what people order, and puts the journal aside from time to time.
    async fn serve(&self, route: &str, journal: &Journal, log: &Log) -> Result<(), LiveError> {
        loop {
            let done = journal.noted(ORDERS)?.and_then(|text| text.parse().ok()).unwrap_or_default();
            match self.hub.order(route, done).await {
                Ok(Some((order, place))) => {
                    match order {
                        None => {}
                        Some(Order::Reconcile { consent }) => journal.order(route, consent)?,
                        Some(Order::Retry { collection, key }) => {
                            journal.retry(Some(route), collection.as_deref(), key.as_deref())?;
                        }
                    }
                    // Twice does no harm.
                    journal.note(ORDERS, Some(&place.to_string()))?;
                    continue;
                }
                Ok(None) | Err(LiveError::Nats { .. }) => {}
                Err(error) => return Err(error),
            }
            match log.snapshot(journal).await {
                Ok(()) | Err(LiveError::Nats { .. }) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(TICK).await;
        }
    }
}

/// The note that says which orders were carried out.
const ORDERS: &str = "orders";
