//! The place where workers meet: a stream for the journals of all routes, a bucket of leases, and a store of snapshots. All
//! of it is in NATS JetStream, and is made by the first one who comes.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use async_nats::jetstream::{self, kv, object_store, stream};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};

use super::address::{NatsAddress, part};
use crate::error::LiveError;

/// So long a lease counts without being renewed. The server forgets it then.
pub(super) const LEASE: Duration = Duration::from_secs(8);

/// An order of somebody to whoever carries a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Look at everything again.
    Reconcile {
        /// Whether mass deletions are meant.
        consent: bool,
    },
    /// Bring dead letters back.
    Retry {
        /// Of this collection only.
        collection: Option<String>,
        /// Of this key only.
        key: Option<String>,
    },
}

/// A connection to NATS, with a runtime of its own: journals are written from code that waits for it.
pub(super) struct Hub {
    name: String,
    runtime: Background,
    pub(super) context: jetstream::Context,
    pub(super) stream: stream::Stream,
    pub(super) leases: kv::Store,
    pub(super) snapshots: object_store::ObjectStore,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A runtime that may be dropped where nobody may wait.
struct Background(Option<Runtime>);

impl Background {
    fn handle(&self) -> Result<&Handle, LiveError> {
        let runtime = self.0.as_ref().map(Runtime::handle);
        runtime.ok_or_else(|| failed("connecting")("it is being given up"))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What went wrong with NATS while something was done.
pub(super) fn failed<E: Into<Box<dyn Error + Send + Sync>>>(doing: &'static str) -> impl Fn(E) -> LiveError {
    move |error| LiveError::Nats { doing, source: error.into() }
}

impl Hub {
    pub(super) async fn connect(address: &NatsAddress) -> Result<Self, LiveError> {
        let options = address.options().await.map_err(failed("reading the credentials"))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("nats")
            .enable_all()
            .build()
            .map_err(failed("starting"))?;
        let runtime = Background(Some(runtime));
        let server = address.server.clone();
        let (name, replicas) = (address.name.clone(), address.replicas);
        let made = runtime.handle()?.spawn(async move {
            let client = options.connect(server).await.map_err(failed("connecting"))?;
            let context = jetstream::new(client);
            let stream = context.get_or_create_stream(journals(&name, replicas)).await;
            let stream = stream.map_err(failed("making the stream of the journals"))?;
            let made = context.get_or_create_stream(bucket(&name, replicas)).await;
            made.map_err(failed("making the leases"))?;
            let leases = context.get_key_value(leases(&name)).await.map_err(failed("opening the leases"))?;
            let store = object_store::Config {
                bucket: format!("lockstep-{name}-snapshots"),
                num_replicas: replicas,
                ..object_store::Config::default()
            };
            let snapshots = match context.get_object_store(&store.bucket).await {
                Ok(snapshots) => snapshots,
                Err(_) => context
                    .create_object_store(store)
                    .await
                    .map_err(failed("making the store of snapshots"))?,
            };
            Ok::<_, LiveError>((context, stream, leases, snapshots))
        });
        let (context, stream, leases, snapshots) = made.await.map_err(failed("connecting"))??;
        Ok(Self { name: address.name.clone(), runtime, context, stream, leases, snapshots })
    }

    /// Waits for an answer where nothing else can be done meanwhile; none if the connection is being given up.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        asked: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = mpsc::sync_channel(1);
        self.runtime.handle().ok()?.spawn(async move {
            // Whoever asked may be gone.
            let _ = tell.send(asked.await);
        });
        // Others on this thread go on elsewhere meanwhile.
        match Handle::try_current().map(|handle| handle.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| told.recv().ok()),
            _ => told.recv().ok(),
        }
    }

    /// The subject of a route's journal.
    pub(super) fn journal(&self, route: &str) -> String {
        format!("lockstep.{}.journal.{}", self.name, part(route))
    }

    /// The subject of orders to whoever carries a route.
    fn orders(&self, route: &str) -> String {
        format!("lockstep.{}.orders.{}", self.name, part(route))
    }

    pub(super) async fn give(&self, route: &str, order: &Order) -> Result<(), LiveError> {
        let text = serde_json::to_vec(order).map_err(failed("giving an order"))?;
        let sent = self.context.publish(self.orders(route), text.into()).await;
        sent.map_err(failed("giving an order"))?.await.map_err(failed("giving an order"))?;
        Ok(())
    }

    /// The next order to a route after this place, with its own.
    ///
    /// One that is not understood, of a later version, is none.
    pub(super) async fn order(
        &self,
        route: &str,
        after: u64,
    ) -> Result<Option<(Option<Order>, u64)>, LiveError> {
        let Some(message) = self.next(&self.orders(route), after).await? else { return Ok(None) };
        Ok(Some((serde_json::from_slice(&message.payload).ok(), message.sequence)))
    }

    /// The next message of a subject after this place, as the leader of the stream knows it.
    pub(super) async fn next(
        &self,
        subject: &str,
        after: u64,
    ) -> Result<Option<jetstream::message::StreamMessage>, LiveError> {
        use async_nats::jetstream::stream::LastRawMessageErrorKind;
        match self.stream.get_first_raw_message_by_subject(subject, after + 1).await {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(failed("reading a journal")(error)),
        }
    }
}

fn journals(name: &str, replicas: usize) -> stream::Config {
    stream::Config {
        name: format!("LOCKSTEP_{name}"),
        description: Some("The journals of Lockstep's live replication".to_owned()),
        subjects: vec![format!("lockstep.{name}.journal.*"), format!("lockstep.{name}.orders.*")],
        // With a limit of an administrator's it takes no more, instead of losing its beginning.
        discard: stream::DiscardPolicy::New,
        num_replicas: replicas,
        ..stream::Config::default()
    }
}

fn leases(name: &str) -> String {
    format!("lockstep-{name}-leases")
}

/// The stream of a bucket of keys and values (ADR-8 of NATS). The client's own way of making one asks the account first, in
/// words that servers before 2.10 answer otherwise.
fn bucket(name: &str, replicas: usize) -> stream::Config {
    let bucket = leases(name);
    stream::Config {
        name: format!("KV_{bucket}"),
        description: Some("Who carries which route of Lockstep's live replication".to_owned()),
        subjects: vec![format!("$KV.{bucket}.>")],
        max_messages_per_subject: 1,
        max_age: LEASE,
        duplicate_window: LEASE,
        discard: stream::DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        num_replicas: replicas,
        ..stream::Config::default()
    }
}
