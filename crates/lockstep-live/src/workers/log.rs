//! The journal of a route as messages: each transaction is one, or some if it is large. A worker who takes a route over makes
//! the journal again from the last snapshot and what came after it.
//!
//! A message is accepted only after the one that its writer takes for the last (the server compares), so that of two workers
//! who both believe that they have a route only one can write the journal. What protects the peers is the lease, which is asked
//! before each write to them.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use futures::TryStreamExt;
use tokio::io::AsyncWriteExt;

use super::address::part;
use super::hub::{Hub, failed};
use super::lease::Lease;
use crate::error::LiveError;
use crate::journal::{Entry, Journal, JournalError, Ledger};

/// The most that a message holds; servers take a megabyte.
const PART: usize = 512 * 1024;
/// So long an answer of the server is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// After so many bytes a snapshot is worth its own; a large one not before half of its own.
const SNAPSHOT: u64 = 4 * 1024 * 1024;
/// What a message costs whoever reads it again, as bytes.
const COST: u64 = 2 * 1024;
/// How often a journal is read anew because its snapshot changed meanwhile.
const TRIES: usize = 20;
/// The time in between.
const PAUSE: Duration = Duration::from_millis(100);
/// Which part of a transaction a message is, from 0.
const NUMBER: &str = "Lockstep-Part";
/// Whether more parts follow.
const MORE: &str = "Lockstep-More";
/// The place of the message before it, so that a gap is seen.
const AFTER: &str = "Lockstep-After";

type Told = Result<PublishAck, Box<dyn std::error::Error + Send + Sync>>;

/// A route's journal in NATS.
#[derive(Debug)]
pub(super) struct Log {
    hub: Arc<Hub>,
    route: String,
    lease: Arc<Lease>,
    /// The place of the last message.
    last: Mutex<u64>,
    /// What it costs to read what came after the last snapshot, in bytes.
    bytes: AtomicU64,
    /// How large the last snapshot was, in bytes.
    snapshot: AtomicU64,
}

/// A journal as it was left, in a folder of its own.
#[derive(Debug)]
pub(super) struct Restored {
    pub(super) journal: Journal,
    /// The place of the last message.
    last: u64,
    bytes: u64,
    snapshot: u64,
}

impl Log {
    /// Takes a journal over: from now on nobody else can write it.
    pub(super) async fn claim(
        hub: &Arc<Hub>,
        route: &str,
        lease: &Arc<Lease>,
        folder: &Path,
    ) -> Result<(Journal, Arc<Self>), LiveError> {
        let restored = restore(hub, route, folder).await?;
        let log = Arc::new(Self {
            hub: Arc::clone(hub),
            route: route.to_owned(),
            lease: Arc::clone(lease),
            last: Mutex::new(restored.last),
            bytes: AtomicU64::new(restored.bytes),
            snapshot: AtomicU64::new(restored.snapshot),
        });
        log.append(&Entry::default())?;
        Ok((restored.journal.with_ledger(Box::new(Shared(Arc::clone(&log)))), log))
    }

    /// Puts the whole journal aside when enough was written, so that what came before it can go.
    pub(super) async fn snapshot(&self, journal: &Journal) -> Result<(), LiveError> {
        let worth = SNAPSHOT.max(self.snapshot.load(Ordering::Relaxed) / 2);
        if self.bytes.load(Ordering::Relaxed) < worth {
            return Ok(());
        }
        let folder = tempfile::tempdir().map_err(failed("making a snapshot"))?;
        let copy = folder.path().join("snapshot.db");
        // As long as the copy is made nothing is written: it is as the journal was at this place.
        let measured = self.bytes.load(Ordering::Relaxed);
        let asked = journal.copy_while(&copy, || {
            // Of a journal that was given up nobody knows how far it is.
            self.lease.check().map(|()| *self.last.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let place = asked??;
        let mut file = tokio::fs::File::open(&copy).await.map_err(failed("making a snapshot"))?;
        let name = format!("{}/{place:020}", part(&self.route));
        let put =
            self.hub.snapshots.put(name.as_str(), &mut file).await.map_err(failed("storing a snapshot"))?;
        self.snapshot.store(put.size as u64, Ordering::Relaxed);
        self.bytes.fetch_sub(measured, Ordering::Relaxed);
        self.lease.check()?;
        // The last message stays: by it the server knows where the journal ends.
        let purged = self.hub.stream.purge().filter(self.hub.journal(&self.route)).sequence(place).await;
        purged.map_err(failed("forgetting what a snapshot holds"))?;
        for (older, _) in
            snapshots(&self.hub, &self.route).await?.into_iter().filter(|(_, older)| *older < place)
        {
            self.hub.snapshots.delete(older).await.map_err(failed("forgetting an older snapshot"))?;
        }
        Ok(())
    }
}

/// Journals hold their ledger; whoever makes snapshots needs it as well.
#[derive(Debug)]
struct Shared(Arc<Log>);

impl Ledger for Shared {
    fn append(&self, entry: &Entry) -> Result<(), JournalError> {
        self.0.append(entry)
    }

    fn check(&self) -> Result<(), JournalError> {
        self.0.lease.check()
    }

    fn give_up(&self) {
        self.0.lease.give_up();
    }
}

impl Log {
    fn append(&self, entry: &Entry) -> Result<(), JournalError> {
        self.lease.check()?;
        let bytes = serde_json::to_vec(entry).map_err(|error| self.lost(&error))?;
        let count = bytes.chunks(PART).count();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, part) in bytes.chunks(PART).enumerate() {
            let mut message = PublishMessage::build()
                .payload(part.to_vec().into())
                .header(NUMBER, number.to_string())
                .header(AFTER, last.to_string())
                .expected_last_subject_sequence(*last);
            if number + 1 < count {
                message = message.header(MORE, "1");
            }
            let (context, subject) = (self.hub.context.clone(), self.hub.journal(&self.route));
            let sent = async move {
                let told = async { Told::Ok(context.send_publish(subject, message).await?.await?) };
                tokio::time::timeout(PATIENCE, told).await.map_err(|_| "no answer in time")?
            };
            match self.hub.wait(sent) {
                Some(Ok(acknowledged)) => *last = acknowledged.sequence,
                // Whether it was written is not known, or somebody else has written: the journal has to be read anew.
                Some(Err(error)) => return Err(self.lost(&*error)),
                None => return Err(JournalError::Lost("the connection is being given up".to_owned())),
            }
        }
        self.bytes.fetch_add(bytes.len() as u64 + COST, Ordering::Relaxed);
        Ok(())
    }

    fn lost(&self, error: &dyn std::error::Error) -> JournalError {
        self.lease.give_up();
        JournalError::Lost(format!("route {}: {error}", self.route))
    }
}

/// Makes a journal again in a folder that nobody else uses.
pub(super) async fn restore(hub: &Hub, route: &str, folder: &Path) -> Result<Restored, LiveError> {
    for number in 0..TRIES {
        if let Some(restored) = try_restore(hub, route, &folder.join(format!("{number}.db"))).await? {
            return Ok(restored);
        }
        tokio::time::sleep(PAUSE).await;
    }
    let gap =
        format!("the journal of {route} has a gap: what lies between its snapshot and its messages is gone");
    Err(failed("reading a journal")(gap))
}

/// None if whoever carries the route has made a snapshot and forgotten what is in it, while this was reading.
async fn try_restore(hub: &Hub, route: &str, path: &Path) -> Result<Option<Restored>, LiveError> {
    let (mut last, mut snapshot) = (0, 0);
    if let Some((name, place)) = snapshots(hub, route).await?.pop() {
        let Ok(mut object) = hub.snapshots.get(name).await else { return Ok(None) };
        let mut file = tokio::fs::File::create(path).await.map_err(failed("writing a snapshot"))?;
        let Ok(size) = tokio::io::copy(&mut object, &mut file).await else { return Ok(None) };
        file.flush().await.map_err(failed("writing a snapshot"))?;
        (last, snapshot) = (place, size);
    }
    let journal = Journal::open(path)?.of_a_ledger()?;
    let subject = hub.journal(route);
    let (mut bytes, mut expected) = (0, 0);
    let mut parts: Vec<u8> = Vec::new();
    while let Some(message) = hub.next(&subject, last).await? {
        let header = |name: &str| message.headers.get(name).map(async_nats::HeaderValue::as_str);
        let number = |name: &str| header(name).and_then(|value| value.parse::<u64>().ok());
        if number(AFTER) != Some(last) {
            return Ok(None);
        }
        // A transaction that was never sent to its end is none: the next one begins with its own first part.
        let begins = number(NUMBER) == Some(0);
        if begins {
            parts.clear();
            expected = 0;
        }
        let is_next = number(NUMBER) == Some(expected);
        expected = if is_next { expected + 1 } else { u64::MAX };
        parts.extend_from_slice(&message.payload);
        bytes += message.payload.len() as u64 + COST;
        last = message.sequence;
        if is_next && header(MORE).is_none() {
            let entry: Entry = serde_json::from_slice(&parts).map_err(failed("reading a journal"))?;
            journal.repeat(&entry)?;
        }
    }
    Ok(Some(Restored { journal, last, bytes, snapshot }))
}

/// The snapshots of a route by their names, with the place that each was made at; the newest last.
async fn snapshots(hub: &Hub, route: &str) -> Result<Vec<(String, u64)>, LiveError> {
    let beginning = format!("{}/", part(route));
    let listed = hub.snapshots.list().await.map_err(failed("listing snapshots"))?;
    let all: Vec<_> = listed.try_collect().await.map_err(failed("listing snapshots"))?;
    let place = |name: &str| name.strip_prefix(&beginning).and_then(|place| place.parse().ok());
    let mut found: Vec<(String, u64)> = all
        .into_iter()
        .filter_map(|info| Some((place(&info.name)?, info.name)))
        .map(|(at, name)| (name, at))
        .collect();
    found.sort_by_key(|(_, place)| *place);
    Ok(found)
}
