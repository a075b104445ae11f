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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
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
use crate::journal::Journal;
use crate::run::{Live, with_cause};
use crate::status::Journals;
use crate::told::{self, Told};

/// So often leases are renewed and free routes looked for.
const TICK: Duration = Duration::from_secs(1);
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
    /// Whether NATS answered the last time.
    connected: AtomicBool,
}

/// A route that this worker carries.
struct Held {
    lease: Arc<Lease>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), LiveError>>,
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
        let (journals, connected) = (Journals::default(), AtomicBool::new(true));
        Ok(Self { shared: Arc::new(Shared { config, initial, hub, name, tell, journals, connected }) })
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// When health and metrics cannot be served, or a route cannot begin.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), LiveError> {
        let Self { shared } = self;
        let server = match shared.config.listen {
            Some(address) => {
                Some(tokio::spawn(http::serve(http::bind(address).await?, shared.journals.clone())))
            }
            None => None,
        };
        let mut held: BTreeMap<String, Held> = BTreeMap::new();
        tokio::pin!(stop);
        let ended = loop {
            if let Err(error) = shared.tick(&mut held).await {
                break Err(error);
            }
            tokio::select! {
                () = &mut stop => break Ok(()),
                () = tokio::time::sleep(TICK) => {}
            }
        };
        for (route, held) in held {
            shared.release(&route, held).await;
        }
        if let Some(server) = server {
            server.abort();
        }
        ended
    }
}

impl Shared {
    async fn tick(self: &Arc<Self>, held: &mut BTreeMap<String, Held>) -> Result<(), LiveError> {
        self.reap(held).await?;
        // Without NATS there is nothing to be had; what is held ends by itself when its lease does.
        let result = tokio::time::timeout(PATIENCE, Box::pin(self.shared_out(held))).await;
        match result.unwrap_or_else(|elapsed| Err(failed("sharing the routes")(elapsed))) {
            Ok(()) => self.nats_stands(None),
            Err(error @ LiveError::Nats { .. }) => self.nats_stands(Some(with_cause(&error))),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Tells whether NATS answers, when that is otherwise than before.
    fn nats_stands(&self, error: Option<String>) {
        let connected = error.is_none();
        if self.connected.swap(connected, Ordering::Relaxed) != connected
            && let Some(tell) = &self.tell
        {
            tell(&Told::Nats { at: jiff::Timestamp::now().to_string(), connected, error });
        }
    }

    /// Routes that ended: without a lease they are looked for again, what does not fit ends the worker.
    async fn reap(&self, held: &mut BTreeMap<String, Held>) -> Result<(), LiveError> {
        let ended: Vec<String> =
            held.iter().filter(|(_, held)| held.task.is_finished()).map(|(route, _)| route.clone()).collect();
        for route in ended {
            let Some(Held { lease, task, .. }) = held.remove(&route) else { continue };
            let result = task.await.unwrap_or(Ok(()));
            self.free(&route, &lease).await;
            let reason = result.as_ref().err().map(with_cause);
            self.say(&route, false, reason);
            match result {
                Ok(()) | Err(LiveError::Journal(_) | LiveError::Nats { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Renews what is held, and takes or gives up routes, so that all workers have about as many.
    async fn shared_out(self: &Arc<Self>, held: &mut BTreeMap<String, Held>) -> Result<(), LiveError> {
        let leases = &self.hub.leases;
        let value = serde_json::to_vec(&Holder { worker: self.name.clone() }).map_err(failed("a lease"))?;
        for (route, held) in held.iter() {
            let asked = Instant::now();
            let key = format!("{ROUTE}{}", address::token(route));
            match leases.update(key, value.clone().into(), held.lease.revision()).await {
                Ok(revision) => held.lease.renewed(revision, asked),
                Err(error)
                    if error.kind() == async_nats::jetstream::kv::UpdateErrorKind::WrongLastRevision =>
                {
                    held.lease.give_up();
                }
                // Until it ends by our clock there is time for another try.
                Err(_) => {}
            }
        }
        leases
            .put(format!("{WORKER}{}", address::token(&self.name)), value.clone().into())
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
        for edge in &self.config.edges {
            let key = format!("{ROUTE}{}", address::token(&edge.name));
            if held.len() >= share || held.contains_key(&edge.name) || keys.contains(&key) {
                continue;
            }
            let asked = Instant::now();
            // Somebody else may have been quicker.
            if let Ok(revision) = leases.create(&key, value.clone().into()).await {
                let lease = Arc::new(Lease::new(revision, asked));
                held.insert(edge.name.clone(), self.begin(edge, lease));
            }
        }
        if held.len() > share
            && let Some((route, surplus)) = held.pop_last()
        {
            self.release(&route, surplus).await;
        }
        Ok(())
    }

    fn begin(self: &Arc<Self>, edge: &EdgeConfig, lease: Arc<Lease>) -> Held {
        self.say(&edge.name, true, None);
        let (stop, stopped) = oneshot::channel();
        let carried = Arc::clone(self).carry(edge.clone(), Arc::clone(&lease), stopped);
        Held { lease, stop: Some(stop), task: tokio::spawn(carried) }
    }

    /// Gives a route up, so that another one can have it at once.
    async fn release(&self, route: &str, mut held: Held) {
        if let Some(stop) = held.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        let ended = held.task.await;
        self.free(route, &held.lease).await;
        self.say(route, false, ended.ok().and_then(Result::err).as_ref().map(with_cause));
    }

    async fn free(&self, route: &str, lease: &Lease) {
        let key = format!("{ROUTE}{}", address::token(route));
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
        let folder = tempfile::tempdir().map_err(failed("making a folder"))?;
        let (journal, log) = Log::claim(&self.hub, &edge.name, &lease, folder.path()).await?;
        let journal = Arc::new(journal);
        let mut live = Live::with(self.config.only(&edge), self.initial, Arc::clone(&journal)).await?;
        if let Some(tell) = &self.tell {
            live = live.telling(Arc::clone(tell));
        }
        self.journals.add(Arc::clone(&journal));
        let stop = async {
            tokio::select! {
                _ = stopped => {}
                () = lease.ended() => {}
            }
        };
        let ended = tokio::select! {
            ended = live.run(stop) => ended,
            ended = self.serve(&edge.name, &journal, &log) => ended,
        };
        self.journals.remove(&journal);
        ended
    }

    /// Does what people order, and puts the journal aside from time to time.
    async fn serve(&self, route: &str, journal: &Journal, log: &Log) -> Result<(), LiveError> {
        loop {
            let done = journal.noted(ORDERS)?.and_then(|text| text.parse().ok()).unwrap_or_default();
            match self.hub.order(route, done).await {
                Ok(Some((order, place))) => {
                    match order {
                        Order::Reconcile { consent } => journal.order(route, consent)?,
                        Order::Retry { collection, key } => {
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
