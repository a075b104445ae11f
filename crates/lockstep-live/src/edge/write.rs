//! Writing records: in batches, and where one is refused, in halves until the bad record stands alone.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Instant;

use lockstep_core::merge::{Merged, Side};
use lockstep_core::record::{Fields, LocalId};
use lockstep_directus::items::{self, Endpoint};
use lockstep_directus::{Error, ErrorKind, activity};
use serde_json::Value;

use super::plan::{Item, Write};
use super::rows::value;
use super::{Edge, is_down};
use crate::error::LiveError;
use crate::journal::{Intent, now};
use crate::shape::Shape;

/// How large a request may get, in bytes: servers take a megabyte.
const BYTES: usize = 800_000;

/// The numbers of items, each with what became of it.
pub(super) type Results<T> = Vec<(usize, Result<T, String>)>;

/// The key of a batch.
const KEY: usize = 64;

impl Edge {
    /// Creates records on a side, and gives their keys there.
    pub(super) async fn create(
        &self,
        shape: &Shape,
        side: Side,
        items: &[Item],
        merged: &[Merged],
        writes: &[Write],
    ) -> Result<Results<String>, LiveError> {
        let creations: Vec<&Write> = writes.iter().filter(|write| write.create).collect();
        if creations.is_empty() {
            return Ok(Vec::new());
        }
        if shape.is_files() {
            return self.upload(side, items, &creations).await;
        }
        self.intend(shape, side, items, merged, &creations).await?;
        let holder = side.other();
        let body = |write: &&Write| {
            let mut body = write.body.clone();
            if let Some(key) = items[write.item].key(holder).filter(|_| !shape.counted) {
                body.insert(shape.key_field.clone(), value(shape, key));
            }
            body
        };
        let bodies: Vec<Fields> = creations.iter().map(body).collect();
        let peer = self.peer(side);
        let endpoint = Endpoint::of(&shape.collection);
        let mut results = Vec::new();
        let mut waiting: VecDeque<(usize, usize)> = batches(&bodies, self.batch).into();
        while let Some((from, to)) = waiting.pop_front() {
            let (part, answer) = (&bodies[from..to], [shape.key_field.as_str()]);
            let sent = items::create_many(&peer.client, &endpoint, part, &answer);
            match self.timed(sent).await? {
                Ok(answers) => {
                    let made = answers
                        .iter()
                        .map(|answer| answer.get(&shape.key_field).and_then(LocalId::from_value));
                    let made: Vec<Option<LocalId>> = made.collect();
                    for (place, write) in creations[from..to].iter().enumerate() {
                        let told = made.get(place).cloned().flatten().map(|id| id.as_str().to_owned());
                        let kept = items[write.item].key(holder).filter(|_| !shape.counted).cloned();
                        // Without an answer about it, it is looked up like a creation whose answer was lost.
                        let key = kept
                            .or(told)
                            .ok_or_else(|| "the server did not tell the key of the new record".to_owned());
                        results.push((write.item, key));
                    }
                }
                Err(error) if is_down(error.kind()) => return Err(peer.failed(error)),
                Err(error) => match halves(from, to) {
                    Some(parts) => parts.into_iter().rev().for_each(|part| waiting.push_front(part)),
                    None => {
                        let write = creations[from];
                        if let Some(key) = items[write.item].key(holder) {
                            self.journal.forget(self.name(), &shape.collection, &[(holder, key.clone())])?;
                        }
                        results.push((write.item, Err(told(&error))));
                    }
                },
            }
        }
        Ok(results)
    }

    /// Sends a write, and remembers how long it took and whether it was answered.
    ///
    /// The outer error says that the journal belongs to somebody else by now: then nothing is sent.
    pub(super) async fn timed<T>(
        &self,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<Result<T, Error>, LiveError> {
        self.journal.check()?;
        let begun = Instant::now();
        let result = request.await;
        let answered = !result.as_ref().is_err_and(|error| is_down(error.kind()));
        self.unanswered.ended(begun.elapsed(), answered);
        Ok(result)
    }

    /// Journals what is about to be created, and from which activity on it can be found.
    async fn intend(
        &self,
        shape: &Shape,
        side: Side,
        items: &[Item],
        merged: &[Merged],
        creations: &[&Write],
    ) -> Result<(), LiveError> {
        let peer = self.peer(side);
        let newest = match shape.counted {
            true => activity::newest(&peer.client).await.map_err(|error| peer.failed(error))?,
            // It is found by its key.
            false => 0,
        };
        let intents = creations.iter().filter_map(|write| {
            Some(Intent {
                side: side.other(),
                key: items[write.item].key(side.other())?.clone(),
                fields: merged[write.item].common.clone().unwrap_or_default(),
                newest,
                at: now(),
            })
        });
        let intents: Vec<Intent> = intents.collect();
        Ok(self.journal.intend(self.name(), &shape.collection, &intents)?)
    }

    /// Changes records of a side.
    pub(super) async fn update(
        &self,
        shape: &Shape,
        side: Side,
        items: &[Item],
        writes: &[Write],
    ) -> Result<Results<()>, LiveError> {
        let mut updates: Vec<&Write> =
            writes.iter().filter(|write| !write.create && !write.body.is_empty()).collect();
        let mut results = Vec::new();
        if shape.is_files() {
            let (contents, others): (Vec<&Write>, Vec<&Write>) =
                updates.into_iter().partition(|write| write.body.contains_key(crate::shape::CONTENT));
            results.extend(self.replace(side, items, &contents).await?);
            updates = others;
        }
        let keyed = |write: &&Write| {
            let mut body = write.body.clone();
            if let Some(key) = items[write.item].key(side) {
                body.insert(shape.key_field.clone(), value(shape, key));
            }
            body
        };
        let bodies: Vec<Fields> = updates.iter().map(keyed).collect();
        let peer = self.peer(side);
        let endpoint = Endpoint::of(&shape.collection);
        let mut waiting: VecDeque<(usize, usize)> = batches(&bodies, self.batch).into();
        while let Some((from, to)) = waiting.pop_front() {
            let (part, answer) = (&bodies[from..to], [shape.key_field.as_str()]);
            let sent = items::update_many(&peer.client, &endpoint, part, &answer);
            match self.timed(sent).await? {
                Ok(_) => results.extend(updates[from..to].iter().map(|write| (write.item, Ok(())))),
                Err(error) if is_down(error.kind()) => return Err(peer.failed(error)),
                Err(error) => match halves(from, to) {
                    Some(parts) => parts.into_iter().rev().for_each(|part| waiting.push_front(part)),
                    None => results.push((updates[from].item, Err(told(&error)))),
                },
            }
        }
        Ok(results)
    }

    /// Deletes records of a side; one that is not there any more is gone as well.
    pub(super) async fn remove(
        &self,
        shape: &Shape,
        side: Side,
        keys: &[String],
    ) -> Result<Vec<Result<(), String>>, LiveError> {
        let peer = self.peer(side);
        let endpoint = Endpoint::of(&shape.collection);
        let mut results: Vec<Result<(), String>> = keys.iter().map(|_| Ok(())).collect();
        let mut waiting = VecDeque::from([(0, keys.len())]);
        while let Some((from, to)) = waiting.pop_front() {
            let part: Vec<Value> = keys[from..to].iter().map(|key| value(shape, key)).collect();
            match self.timed(items::delete_many(&peer.client, &endpoint, &part)).await? {
                Ok(()) => {}
                Err(error) if is_down(error.kind()) => return Err(peer.failed(error)),
                Err(error) => match halves(from, to) {
                    Some(parts) => parts.into_iter().rev().for_each(|part| waiting.push_front(part)),
                    None if self.rows(shape, side, &keys[from..to]).await?.is_empty() => {}
                    None => results[from] = Err(told(&error)),
                },
            }
        }
        Ok(results)
    }
}

/// An error in one sentence, with what the server said.
pub(super) fn told(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Server => format!("{error} (the reason is in the log of the instance)"),
        _ => error.to_string(),
    }
}

/// The two halves of a range, or none of a single one.
fn halves(from: usize, to: usize) -> Option<[(usize, usize); 2]> {
    let middle = from.midpoint(to);
    (to - from > 1).then_some([(from, middle), (middle, to)])
}

/// Ranges of bodies that one request holds.
fn batches(bodies: &[Fields], most: usize) -> Vec<(usize, usize)> {
    let (mut ranges, mut from, mut size) = (Vec::new(), 0, 0);
    for (place, body) in bodies.iter().enumerate() {
        let own = serde_json::to_vec(body).map_or(0, |bytes| bytes.len()) + KEY;
        if place > from && (size + own > BYTES || place - from >= most) {
            ranges.push((from, place));
            (from, size) = (place, 0);
        }
        size += own;
    }
    if from < bodies.len() {
        ranges.push((from, bodies.len()));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn batches_are_bounded_by_count_and_bytes() {
        let body = |text: &str| json!({"text": text}).as_object().unwrap().clone();
        let small: Vec<Fields> = (0..5).map(|_| body("x")).collect();
        assert_eq!(batches(&small, 2), [(0, 2), (2, 4), (4, 5)]);
        assert_eq!(batches(&[], 2), []);
        let large: Vec<Fields> = (0..3).map(|_| body(&"x".repeat(500_000))).collect();
        assert_eq!(batches(&large, 10), [(0, 1), (1, 2), (2, 3)]);
    }

    #[test]
    fn halves_end_with_one() {
        assert_eq!(halves(0, 5), Some([(0, 2), (2, 5)]));
        assert_eq!(halves(3, 4), None);
    }
}
