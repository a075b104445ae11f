//! Writes whose answer was lost. A record that was to be created is looked for among those that were created since, by its
//! content; of a change it is asked what it wrote over. The server may go on with a request long after its connection broke,
//! so what is not found yet is looked for again until that is unlikely.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockstep_core::content::same_value_of;
use lockstep_core::merge::Side;
use lockstep_core::record::Fields;
use lockstep_directus::activity;
use serde_json::Value;

use super::Edge;
use crate::error::LiveError;
use crate::journal::{Intent, Outcome, Pair};
use crate::shape::Shape;

/// So long a server may go on with a request whose connection broke, if it was quick until then.
const STILL_WORKING: Duration = Duration::from_secs(3);
/// A slow one may go on for so many times as long as it took for its slowest answer.
const SLOWER: u32 = 3;
/// What is taken for its slowest answer as long as it gave none.
const UNKNOWN: Duration = Duration::from_secs(2);
/// The longest that is waited for it.
const LONGEST: Duration = Duration::from_secs(30);
/// So often it is looked whether what was sent has arrived.
const PAUSE: Duration = Duration::from_millis(200);
/// How many creations are looked through at once.
const PAGE: u32 = 1000;

/// When a write was last left without an answer, and how long answers take.
#[derive(Debug)]
pub(crate) struct Unanswered(Mutex<(Instant, Option<Duration>)>);

impl Default for Unanswered {
    /// Another process may have died a moment ago, in the middle of a request, and how long answers take is not known yet.
    fn default() -> Self {
        Self(Mutex::new((Instant::now(), None)))
    }
}

impl Unanswered {
    /// A write ended after this time, with an answer or without one.
    pub(super) fn ended(&self, after: Duration, answered: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = state.1.max(Some(after));
        if !answered {
            state.0 = Instant::now();
        }
    }

    /// Until then the server may still be working on it.
    fn until(&self) -> Instant {
        let (broke, slowest) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        broke + (STILL_WORKING + slowest.unwrap_or(UNKNOWN) * SLOWER).min(LONGEST)
    }
}

impl Edge {
    /// Pairs what was created without our knowing, and forgets what was not; and asks what changes whose answer was lost have
    /// written over.
    pub(super) async fn recover(&self, shape: &Shape) -> Result<(), LiveError> {
        let until = self.unanswered.until();
        loop {
            let is_over = Instant::now() >= until;
            // What has arrived is not among them any more the next time.
            let writings_left = self.note_overwritten(shape, is_over).await?;
            let intents = self.journal.intents(self.name(), &shape.collection)?;
            let mut found = Vec::new();
            for holder in [Side::Source, Side::Target] {
                let of_side: Vec<&Intent> = intents.iter().filter(|intent| intent.side == holder).collect();
                if let Some(newest) = of_side.iter().map(|intent| intent.newest).min() {
                    found.extend(self.recover_on(shape, holder.other(), &of_side, newest).await?);
                }
            }
            let all_found = found.len() == intents.len();
            let forgotten: Vec<(Side, String)> = match is_over {
                true => intents.into_iter().map(|intent| (intent.side, intent.key)).collect(),
                false => found,
            };
            self.journal.forget(self.name(), &shape.collection, &forgotten)?;
            if is_over || (all_found && writings_left == 0) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE.min(until - Instant::now())).await;
        }
    }

    /// Those of the intents whose records are there now.
    async fn recover_on(
        &self,
        shape: &Shape,
        side: Side,
        intents: &[&Intent],
        newest: i64,
    ) -> Result<Vec<(Side, String)>, LiveError> {
        if !shape.counted {
            return self.recover_by_key(shape, side, intents).await;
        }
        let peer = self.peer(side);
        let mut after = newest;
        let mut keys: Vec<String> = Vec::new();
        let mut payloads: HashMap<String, Fields> = HashMap::new();
        loop {
            let page = activity::creations(&peer.client, &shape.collection, after, PAGE).await;
            let page = page.map_err(|error| peer.failed(error))?;
            let Some(last) = page.last() else { break };
            after = last.id;
            // Somebody may have changed the record since: what it was created with tells.
            let entries: Vec<i64> = page.iter().map(|entry| entry.id).collect();
            for part in entries.chunks(peer.page.min(200)) {
                payloads.extend(
                    activity::payloads(&peer.client, part).await.map_err(|error| peer.failed(error))?,
                );
            }
            keys.extend(page.into_iter().map(|entry| entry.item));
        }
        let paired =
            self.journal.others(self.name(), &shape.collection, side, keys.iter().map(String::as_str))?;
        let mut known: HashSet<String> = paired.into_keys().collect();
        keys.retain(|key| known.insert(key.clone()));
        let (told, asked): (Vec<String>, Vec<String>) =
            keys.iter().cloned().partition(|key| payloads.contains_key(key));
        let mut rows = self.rows(shape, side, &asked).await?;
        rows.extend(told.into_iter().filter_map(|key| payloads.remove_entry(&key)));
        if side == Side::Target {
            self.canonical(shape, &mut rows)?;
        }
        let (mut outcomes, mut found) = (Vec::new(), Vec::new());
        for intent in intents {
            let Some(key) =
                keys.iter().find(|key| rows.get(*key).is_some_and(|row| is_of(shape, intent, row)))
            else {
                continue;
            };
            let key = key.clone();
            rows.remove(&key);
            found.push((intent.side, intent.key.clone()));
            let (source, target) = match side {
                Side::Source => (key, intent.key.clone()),
                Side::Target => (intent.key.clone(), key),
            };
            outcomes.push(Outcome::Paired(Pair {
                source,
                target,
                common: intent.fields.clone(),
                stamps: [None, None],
            }));
        }
        self.journal.count(self.name(), "recovered", outcomes.len())?;
        self.journal.settle(self.name(), &shape.collection, &outcomes, &[])?;
        Ok(found)
    }

    /// What was created under its own key is found by it. That both had then what was sent keeps edits since from being
    /// taken for a conflict.
    async fn recover_by_key(
        &self,
        shape: &Shape,
        side: Side,
        intents: &[&Intent],
    ) -> Result<Vec<(Side, String)>, LiveError> {
        let keys: Vec<String> = intents.iter().map(|intent| intent.key.clone()).collect();
        let rows = self.rows(shape, side, &keys).await?;
        let paired =
            self.journal.others(self.name(), &shape.collection, side, keys.iter().map(String::as_str))?;
        let found: Vec<&&Intent> = intents.iter().filter(|intent| rows.contains_key(&intent.key)).collect();
        let made = found.iter().filter(|intent| !paired.contains_key(&intent.key));
        let outcomes: Vec<Outcome> = made
            .map(|intent| {
                let (source, target, common) =
                    (intent.key.clone(), intent.key.clone(), intent.fields.clone());
                Outcome::Paired(Pair { source, target, common, stamps: [None, None] })
            })
            .collect();
        self.journal.count(self.name(), "recovered", outcomes.len())?;
        self.journal.settle(self.name(), &shape.collection, &outcomes, &[])?;
        Ok(found.into_iter().map(|intent| (intent.side, intent.key.clone())).collect())
    }
}

/// Whether a row is what was to be created.
fn is_of(shape: &Shape, intent: &Intent, row: &Fields) -> bool {
    intent.fields.iter().all(|(name, sent)| {
        let there = row.get(name).unwrap_or(&Value::Null);
        same_value_of(shape.kind(name), sent, there)
    })
}

/// Pairs records of both sides that say the same, each once.
pub(super) fn paired_by_content(
    shape: &Shape,
    sources: &HashMap<String, Fields>,
    targets: &HashMap<String, Fields>,
) -> Vec<(String, String)> {
    let print = |row: &Fields| -> String {
        // What kinds make the same is compared below; this only narrows the search.
        let parts = shape.fields.iter().filter(|field| field.kind.is_none());
        let parts: Vec<String> = parts
            .map(|field| row.get(&field.name).map_or_else(|| "null".to_owned(), Value::to_string))
            .collect();
        parts.join("\u{0}")
    };
    let ordered = |rows: &HashMap<String, Fields>| {
        let mut keys: Vec<String> = rows.keys().cloned().collect();
        keys.sort_by_key(|key| (key.parse::<i64>().ok(), key.clone()));
        keys
    };
    let mut waiting: HashMap<String, Vec<String>> = HashMap::new();
    for key in ordered(targets).into_iter().rev() {
        waiting.entry(print(&targets[&key])).or_default().push(key);
    }
    let mut pairs = Vec::new();
    for key in ordered(sources) {
        let row = &sources[&key];
        let Some(alike) = waiting.get_mut(&print(row)) else { continue };
        let same = |target: &Fields| {
            shape.fields.iter().all(|field| {
                let of = |row: &Fields| row.get(&field.name).cloned().unwrap_or(Value::Null);
                same_value_of(field.kind, &of(row), &of(target))
            })
        };
        if let Some(place) = alike.iter().rposition(|other| same(&targets[other])) {
            pairs.push((key, alike.remove(place)));
        }
    }
    pairs
}
