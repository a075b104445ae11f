//! Carrying one route: its journal is taken over, replicated with, and looked after until the lease ends.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::hub::{Order, failed};
use super::lease::Lease;
use super::log::Log;
use super::sharing::Held;
use super::{Shared, TICK};
use crate::config::EdgeConfig;
use crate::error::LiveError;
use crate::journal::Journal;
use crate::run::Live;

/// The note that says which orders were carried out.
const ORDERS: &str = "orders";

impl Shared {
    /// Begins to carry a route; `abandoned` says that nobody else had taken it.
    pub(super) fn begin(self: &Arc<Self>, edge: &EdgeConfig, lease: Arc<Lease>, abandoned: bool) -> Held {
        self.say(&edge.name, true, None);
        let (stop, stopped) = oneshot::channel();
        let carried = Arc::clone(self).carry(edge.clone(), Arc::clone(&lease), stopped);
        Held { lease, stop: Some(stop), task: tokio::spawn(carried), begun: Instant::now(), abandoned }
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
            over = lease.ended() => Err(over.into()),
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
