//! Several workers share the routes: each route is carried by one of them, who has a lease on it. If it dies, another one
//! takes the route over with its journal as it was.

mod address;
mod carrying;
mod hub;
mod lease;
mod log;
mod sharing;
mod visit;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use address::NatsAddress;
use hub::{Hub, failed};
pub use visit::Visit;

use crate::config::{JournalPlace, LiveConfig};
use crate::edge::Initial;
use crate::error::LiveError;
use crate::http;
use crate::run::Live;
use crate::status::Journals;
use crate::told;

/// So often leases are renewed and free routes looked for.
const TICK: Duration = Duration::from_secs(1);
/// The keys of workers that are there begin so.
const WORKER: &str = "worker.";
/// The keys of leases on routes begin so.
const ROUTE: &str = "route.";

/// The key of a worker or a route among the leases.
fn key(kind: &str, name: &str) -> String {
    format!("{kind}{}", address::part(name))
}

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
