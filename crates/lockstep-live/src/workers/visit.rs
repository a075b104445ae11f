//! Looking into the journals of workers, and giving them orders, from outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use tempfile::TempDir;

use super::hub::{Hub, Order, failed};
use super::{Holder, NatsAddress, ROUTE, key, log};
use crate::config::LiveConfig;
use crate::edge::{Found, Initial};
use crate::error::LiveError;
use crate::journal::{Conflict, DeadLetter, Journal};
use crate::run::Live;
use crate::status::Status;

/// The journals of all routes, as they are now.
#[derive(Debug)]
pub struct Visit {
    hub: Hub,
    routes: BTreeMap<String, (Option<String>, Journal)>,
    _folders: Vec<TempDir>,
}

impl Visit {
    /// Reads the journals.
    ///
    /// # Errors
    /// When NATS does not answer.
    pub async fn connect(config: &LiveConfig, address: &NatsAddress) -> Result<Self, LiveError> {
        let hub = Hub::connect(address).await?;
        let (mut routes, mut folders) = (BTreeMap::new(), Vec::new());
        for edge in &config.edges {
            let folder = tempfile::tempdir().map_err(failed("making a folder"))?;
            let journal = log::restore(&hub, &edge.name, folder.path()).await?.journal;
            let lease = hub.leases.get(key(ROUTE, &edge.name)).await;
            let holder: Option<Holder> =
                lease.map_err(failed("reading leases"))?.and_then(|text| serde_json::from_slice(&text).ok());
            routes.insert(edge.name.clone(), (holder.map(|holder| holder.worker), journal));
            folders.push(folder);
        }
        Ok(Self { hub, routes, _folders: folders })
    }

    /// What a reconciliation of all routes would find.
    pub(crate) async fn dry_run(
        mut self,
        config: &LiveConfig,
        initial: Initial,
    ) -> Result<Vec<Found>, LiveError> {
        let mut all = Vec::new();
        for edge in &config.edges {
            let Some((_, journal)) = self.routes.remove(&edge.name) else { continue };
            let live = Live::with(config.only(edge), initial, Arc::new(journal)).await?;
            all.extend(live.reconcile(false).await?);
        }
        Ok(all)
    }

    /// How everything stands, with who carries what.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn status(&self) -> Result<Status, LiveError> {
        let mut all = Status::default();
        for (name, (worker, journal)) in &self.routes {
            let mut status = Status::read(journal)?;
            let route = status.routes.entry(name.clone()).or_default();
            route.worker.clone_from(worker);
            if worker.is_none() {
                "waiting".clone_into(&mut route.state.state);
                route.state.error = Some("no worker carries it; `lockstep live run` starts one".to_owned());
            }
            all.join(status);
        }
        Ok(all)
    }

    /// Conflicts of all routes, latest first.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn conflicts(&self, only_open: bool, limit: usize) -> Result<Vec<Conflict>, LiveError> {
        let mut all = Vec::new();
        for (_, journal) in self.routes.values() {
            all.extend(journal.conflicts(only_open, limit)?);
        }
        all.sort_by_key(|conflict| std::cmp::Reverse(conflict.at));
        all.truncate(limit);
        Ok(all)
    }

    /// Dead letters of all routes, oldest first.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetter>, LiveError> {
        let mut all = Vec::new();
        for (_, journal) in self.routes.values() {
            all.extend(journal.dead_letters()?);
        }
        all.sort_by_key(|letter| letter.since);
        Ok(all)
    }

    /// Has whoever carries a route look at everything again; `consent` says that mass deletions are meant.
    ///
    /// # Errors
    /// When NATS does not answer.
    pub async fn order(&self, route: &str, consent: bool) -> Result<(), LiveError> {
        self.hub.give(route, &Order::Reconcile { consent }).await
    }

    /// Has dead letters brought back, of these routes (all if none is named); gives how many that are now.
    ///
    /// # Errors
    /// When NATS does not answer.
    pub async fn retry(
        &self,
        route: Option<&str>,
        collection: Option<&str>,
        key: Option<&str>,
    ) -> Result<usize, LiveError> {
        let mut count = 0;
        for (name, (_, journal)) in
            self.routes.iter().filter(|(name, _)| route.is_none_or(|route| route == *name))
        {
            // This journal is a copy: counting in it changes nothing.
            count += journal.retry(Some(name), collection, key)?;
            let order =
                Order::Retry { collection: collection.map(str::to_owned), key: key.map(str::to_owned) };
            self.hub.give(name, &order).await?;
        }
        Ok(count)
    }
}
