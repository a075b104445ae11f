//! What changed on a peer: its activity is read after a cursor that lies in the journal, with an overlap, because an entry
//! may be seen later than one with a higher number. WebSocket messages mark keys at once and are a reason to read the
//! activity; they may get lost.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockstep_core::content::FILES;
use lockstep_core::merge::Side;
use lockstep_directus::activity;
use lockstep_directus::realtime::Changed;
use tokio::sync::Notify;

use crate::error::LiveError;
use crate::journal::{Journal, Mark};
use crate::peer::Peer;

/// So many numbers before the cursor are read again.
const OVERLAP: i64 = 100;
/// Entries of one read.
const PAGE: u32 = 1000;
/// The longest wait for another try of a WebSocket.
const LONGEST: Duration = Duration::from_secs(60);

/// Who wants to know of a collection: the edges, and which side of them the peer is.
type Interests = BTreeMap<String, (String, Vec<(String, Side)>)>;

/// Watches one peer.
#[derive(Debug)]
pub(crate) struct Capture {
    journal: Arc<Journal>,
    interests: Mutex<Interests>,
    /// Numbers that were seen within the overlap.
    seen: Mutex<HashSet<i64>>,
    /// Wakes whoever reads the activity.
    pub(crate) wake: Notify,
    /// Tells the one who holds the WebSocket that the collections are others now.
    changed: Notify,
}

impl Capture {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self {
            journal,
            interests: Mutex::default(),
            seen: Mutex::default(),
            wake: Notify::new(),
            changed: Notify::new(),
        }
    }

    /// An edge wants to know of a collection, whose key is in this field.
    pub(crate) fn interest(
        &self,
        edge: &str,
        side: Side,
        collections: impl Iterator<Item = (String, String)>,
    ) {
        let mut interests = self.interests.lock().unwrap_or_else(PoisonError::into_inner);
        for (collection, key) in collections {
            let (_, edges) = interests.entry(collection).or_insert_with(|| (key, Vec::new()));
            if !edges.iter().any(|(name, of)| name == edge && *of == side) {
                edges.push((edge.to_owned(), side));
            }
        }
        drop(interests);
        self.changed.notify_one();
        self.wake.notify_one();
    }

    fn collections(&self) -> Vec<(String, String)> {
        let interests = self.interests.lock().unwrap_or_else(PoisonError::into_inner);
        interests.iter().map(|(collection, (key, _))| (collection.clone(), key.clone())).collect()
    }

    fn marks(&self, collection: &str, key: &str, marks: &mut Vec<Mark>) {
        let interests = self.interests.lock().unwrap_or_else(PoisonError::into_inner);
        let edges = interests.get(collection).map(|(_, edges)| edges.as_slice()).unwrap_or_default();
        marks.extend(edges.iter().map(|(edge, side)| Mark {
            edge: edge.clone(),
            collection: collection.to_owned(),
            side: *side,
            key: key.to_owned(),
        }));
    }

    /// Files go along with records that refer to them: those that no record of the route refers to stay where they are.
    fn without_other_files(&self, marks: Vec<Mark>) -> Result<Vec<Mark>, LiveError> {
        let mut kept = Vec::with_capacity(marks.len());
        for mark in marks {
            let key = std::iter::once(mark.key.as_str());
            let stays = mark.collection == FILES
                && self.journal.others(&mark.edge, FILES, mark.side, key)?.is_empty();
            if !stays {
                kept.push(mark);
            }
        }
        Ok(kept)
    }

    /// Reads the activity; gives the edges that have something to look at.
    ///
    /// # Errors
    /// When the peer cannot be read, or the journal not be written: then the cursor stays.
    pub(crate) async fn read(&self, peer: &Peer) -> Result<BTreeSet<String>, LiveError> {
        let collections: Vec<String> = self.collections().into_iter().map(|(name, _)| name).collect();
        if collections.is_empty() {
            // Nothing comes from here; whether the peer answers is to be known all the same.
            activity::newest(&peer.client).await.map_err(|error| peer.failed(error))?;
            return Ok(BTreeSet::new());
        }
        let mut cursor = match self.journal.cursor(&peer.name)? {
            Some(cursor) => cursor,
            None => return Ok(BTreeSet::new()),
        };
        let mut woken = BTreeSet::new();
        let mut after = (cursor - OVERLAP).max(0);
        loop {
            let entries = activity::after(&peer.client, after, &collections, PAGE).await;
            let entries = entries.map_err(|error| peer.failed(error))?;
            let Some(last) = entries.last() else { break };
            after = last.id;
            cursor = cursor.max(after);
            let full = entries.len() >= PAGE as usize;
            let mut marks = Vec::new();
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            for entry in &entries {
                if seen.insert(entry.id) {
                    self.marks(&entry.collection, &entry.item, &mut marks);
                }
            }
            seen.retain(|id| *id >= cursor - 2 * OVERLAP);
            drop(seen);
            let marks = self.without_other_files(marks)?;
            woken.extend(marks.iter().map(|mark| mark.edge.clone()));
            if !marks.is_empty() || self.journal.cursor(&peer.name)? != Some(cursor) {
                self.journal.mark(&marks, Some((&peer.name, cursor)))?;
            }
            if !full {
                break;
            }
        }
        Ok(woken)
    }

    /// Puts the cursor where the activity ends now, if there is none, or if the peer has gone back behind it.
    ///
    /// # Errors
    /// When the peer cannot be read.
    pub(crate) async fn begin(&self, peer: &Peer) -> Result<(), LiveError> {
        let newest = activity::newest(&peer.client).await.map_err(|error| peer.failed(error))?;
        if self.journal.cursor(&peer.name)?.is_none_or(|cursor| cursor > newest) {
            self.journal.mark(&[], Some((&peer.name, newest)))?;
        }
        Ok(())
    }

    /// Marks what a message of the WebSocket says; gives the edges that have something to look at.
    fn heard(&self, changed: &Changed) -> Result<BTreeSet<String>, LiveError> {
        let mut marks = Vec::new();
        for key in &changed.keys {
            self.marks(&changed.collection, key, &mut marks);
        }
        let marks = self.without_other_files(marks)?;
        self.journal.mark(&marks, None)?;
        Ok(marks.into_iter().map(|mark| mark.edge).collect())
    }

    /// Listens for ever; `told` is called with the edges that have something to look at, and with whether there is a
    /// connection.
    pub(crate) async fn listen(&self, peer: &Peer, told: impl Fn(Heard)) {
        let mut wait = Duration::from_secs(1);
        loop {
            let collections = self.collections();
            if collections.is_empty() {
                self.changed.notified().await;
                continue;
            }
            if let Ok(mut subscription) = peer.client.subscribe(&collections).await {
                wait = Duration::from_secs(1);
                told(Heard::Connected(true));
                // What happened until now may have been missed.
                self.wake.notify_one();
                loop {
                    tokio::select! {
                        changed = subscription.next() => {
                            let Ok(changed) = changed else { break };
                            if let Ok(edges) = self.heard(&changed) {
                                told(Heard::Edges(edges));
                            }
                            self.wake.notify_one();
                        }
                        () = self.changed.notified() => break,
                    }
                }
                told(Heard::Connected(false));
                if self.collections() != collections {
                    continue;
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST);
        }
    }
}

/// What a WebSocket tells.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Whether there is a connection.
    Connected(bool),
    /// Edges that have something to look at.
    Edges(BTreeSet<String>),
}
