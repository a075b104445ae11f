//! Creations whose answer was lost: the record is looked for among those that were created since, by its content.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use lockstep_core::content::same_value_of;
use lockstep_core::merge::Side;
use lockstep_core::record::Fields;
use lockstep_directus::activity;
use serde_json::Value;

use super::Edge;
use crate::error::LiveError;
use crate::journal::{Intent, Outcome, Pair, now};
use crate::shape::Shape;

/// So long a server may go on with a request whose connection broke, in milliseconds.
const STILL_WORKING: i64 = 1_500;
/// How many creations are looked through at once.
const PAGE: u32 = 1000;

impl Edge {
    /// Pairs what was created without our knowing, and forgets what was not; and asks what changes whose answer was lost have
    /// written over.
    pub(super) async fn recover(&self, shape: &Shape) -> Result<(), LiveError> {
        let intents = self.journal.intents(self.name(), &shape.collection)?;
        let writings = self.journal.writings(self.name(), &shape.collection)?;
        let begun = intents.iter().map(|intent| intent.at).chain(writings.iter().map(|writing| writing.at));
        let Some(last) = begun.max() else { return Ok(()) };
        let left = STILL_WORKING - (now() - last);
        if let Ok(left @ 1..) = u64::try_from(left) {
            tokio::time::sleep(Duration::from_millis(left)).await;
        }
        self.note_overwritten(shape).await?;
        for holder in [Side::Source, Side::Target] {
            let of_side: Vec<&Intent> = intents.iter().filter(|intent| intent.side == holder).collect();
            if let Some(newest) = of_side.iter().map(|intent| intent.newest).min() {
                self.recover_on(shape, holder.other(), &of_side, newest).await?;
            }
        }
        let forgotten: Vec<(Side, String)> =
            intents.into_iter().map(|intent| (intent.side, intent.key)).collect();
        Ok(self.journal.forget(self.name(), &shape.collection, &forgotten)?)
    }

    async fn recover_on(
        &self,
        shape: &Shape,
        side: Side,
        intents: &[&Intent],
        newest: i64,
    ) -> Result<(), LiveError> {
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
        let mut outcomes = Vec::new();
        for intent in intents {
            let Some(key) =
                keys.iter().find(|key| rows.get(*key).is_some_and(|row| is_of(shape, intent, row)))
            else {
                continue;
            };
            let key = key.clone();
            rows.remove(&key);
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
        Ok(self.journal.settle(self.name(), &shape.collection, &outcomes, &[])?)
    }

    /// What was created under its own key is found by it. That both had then what was sent keeps edits since from being
    /// taken for a conflict.
    async fn recover_by_key(&self, shape: &Shape, side: Side, intents: &[&Intent]) -> Result<(), LiveError> {
        let keys: Vec<String> = intents.iter().map(|intent| intent.key.clone()).collect();
        let rows = self.rows(shape, side, &keys).await?;
        let paired =
            self.journal.others(self.name(), &shape.collection, side, keys.iter().map(String::as_str))?;
        let made = intents
            .iter()
            .filter(|intent| rows.contains_key(&intent.key) && !paired.contains_key(&intent.key));
        let outcomes: Vec<Outcome> = made
            .map(|intent| {
                let (source, target, common) =
                    (intent.key.clone(), intent.key.clone(), intent.fields.clone());
                Outcome::Paired(Pair { source, target, common, stamps: [None, None] })
            })
            .collect();
        self.journal.count(self.name(), "recovered", outcomes.len())?;
        Ok(self.journal.settle(self.name(), &shape.collection, &outcomes, &[])?)
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
