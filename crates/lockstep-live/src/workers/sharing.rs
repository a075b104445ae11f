//! Which routes this worker carries: about as many as each of the others, and those that nobody else takes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use async_nats::jetstream::kv::UpdateErrorKind;
use futures::TryStreamExt;
use futures::future::join_all;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::hub::failed;
use super::lease::Lease;
use super::{Holder, ROUTE, Shared, WORKER, key};
use crate::error::LiveError;
use crate::run::with_cause;
use crate::told::Told;

/// The first wait before a route that ended here is taken again.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest.
const LONGEST: Duration = Duration::from_secs(60);
/// A route that is free for so long is taken by one who has enough already.
const ABANDONED: Duration = Duration::from_secs(15);
/// So long NATS may take for that.
const PATIENCE: Duration = Duration::from_secs(3);

/// A route that this worker carries.
pub(super) struct Held {
    pub(super) lease: Arc<Lease>,
    /// Taken once it was told to end.
    pub(super) stop: Option<oneshot::Sender<()>>,
    pub(super) task: JoinHandle<Result<(), LiveError>>,
    pub(super) begun: Instant,
    /// Whether nobody else had taken it.
    pub(super) abandoned: bool,
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

impl Shared {
    /// Renews, takes and gives up what there is to be.
    pub(super) async fn tick(self: &Arc<Self>, held: &mut BTreeMap<String, Held>) {
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
    pub(super) async fn end(&self, mut held: BTreeMap<String, Held>) {
        for held in held.values_mut() {
            held.tell_to_end();
        }
        join_all(held.into_iter().map(|(route, held)| self.ended(route, held))).await;
        // The others can have more from now on.
        let gone = self.hub.leases.purge(key(WORKER, &self.name));
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
            let key = key(ROUTE, route);
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
            .put(key(WORKER, &self.name), value.clone().into())
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
            let key = key(ROUTE, &edge.name);
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

    async fn free(&self, route: &str, lease: &Lease) {
        lease.give_up();
        let key = key(ROUTE, route);
        // If somebody else has it by now, or NATS is away, there is nothing to free.
        let freed = self.hub.leases.purge_expect_revision(key, Some(lease.revision()));
        let _ = tokio::time::timeout(PATIENCE, freed).await;
    }

    pub(super) fn say(&self, route: &str, held: bool, reason: Option<String>) {
        if let Some(tell) = &self.tell {
            let (at, route) = (jiff::Timestamp::now().to_string(), route.to_owned());
            tell(&Told::Lease { at, route, held, reason });
        }
    }
}
