//! A look at marked records: what both sides have, what comes of it, and the writing of that.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures::future::try_join;
use lockstep_core::merge::{Act, Clash, Decision, Merged, Policy, Rules, Side, merge};
use lockstep_core::record::Fields;
use lockstep_directus::activity;
use serde_json::Value;

use super::words::Blocked;
use super::{Circles, Deletion, Edge, Pass, is_nothing};
use crate::error::LiveError;
use crate::journal::{Due, Mark, Outcome, Pair};
use crate::shape::Shape;

/// A record that is looked at.
#[derive(Debug, Default)]
pub(super) struct Item {
    pub(super) marks: Vec<Due>,
    /// Its keys, by side.
    pub(super) keys: [Option<String>; 2],
    pub(super) pair: Option<Pair>,
    /// What each side has, in the words of the source.
    pub(super) rows: [Option<Fields>; 2],
    /// What tells the content of a file apart, by side.
    pub(super) stamps: [Option<String>; 2],
}

fn at(side: Side) -> usize {
    match side {
        Side::Source => 0,
        Side::Target => 1,
    }
}

impl Item {
    pub(super) fn key(&self, side: Side) -> Option<&String> {
        self.keys[at(side)].as_ref()
    }

    pub(super) fn row(&self, side: Side) -> Option<&Fields> {
        self.rows[at(side)].as_ref()
    }
}

/// A record to be written to a side.
#[derive(Debug)]
pub(super) struct Write {
    /// Which item it is of.
    pub(super) item: usize,
    /// In the words of that side.
    pub(super) body: Fields,
    pub(super) create: bool,
}

impl Edge {
    pub(super) async fn look(
        &self,
        shape: &Shape,
        due: Vec<Due>,
        circles: Circles,
        pass: &mut Pass,
        deletions: &mut Vec<Deletion>,
    ) -> Result<(), LiveError> {
        // Before the reading: what comes after it is what may be written over.
        let since = self.seen_until()?;
        let items = self.items(shape, due)?;
        let mut items = self.filled(shape, items).await?;
        let merged = self.merged(shape, &mut items).await?;
        self.write_all(shape, (items, merged, since), circles, pass, deletions).await
    }

    /// The records that marks are of.
    fn items(&self, shape: &Shape, due: Vec<Due>) -> Result<Vec<Item>, LiveError> {
        let mut by_keys: BTreeMap<[Option<String>; 2], Item> = BTreeMap::new();
        for side in [Side::Source, Side::Target] {
            let of_side = due.iter().filter(|mark| mark.side == side);
            let keys = of_side.clone().map(|mark| mark.key.as_str());
            let pairs = self.journal.pairs(self.name(), &shape.collection, side, keys)?;
            for mark in of_side {
                let pair = pairs.get(&mark.key);
                let keys = match pair {
                    Some(pair) => [Some(pair.source.clone()), Some(pair.target.clone())],
                    None if !shape.counted => [Some(mark.key.clone()), Some(mark.key.clone())],
                    None => {
                        let mut keys = [None, None];
                        keys[at(side)] = Some(mark.key.clone());
                        keys
                    }
                };
                let item = by_keys.entry(keys.clone()).or_default();
                item.keys = keys;
                item.pair = pair.cloned();
                item.marks.push(mark.clone());
            }
        }
        Ok(by_keys.into_values().collect())
    }

    /// The records as both sides have them. Those that the route does not carry any more are let go.
    async fn filled(&self, shape: &Shape, mut items: Vec<Item>) -> Result<Vec<Item>, LiveError> {
        let keys = |side: Side| items.iter().filter_map(|item| item.key(side).cloned()).collect::<Vec<_>>();
        let (here, there) = (keys(Side::Source), keys(Side::Target));
        let read = |side, keys| async move {
            try_join(self.rows(shape, side, keys), self.in_scope(shape, side, keys)).await
        };
        let ((mut sources, in_scope), (mut targets, in_scope_there)) =
            try_join(read(Side::Source, &here), read(Side::Target, &there)).await?;
        self.canonical(shape, &mut targets)?;
        let (mut kept, mut released, mut done) = (Vec::new(), Vec::new(), Vec::new());
        for mut item in items.drain(..) {
            let take = |rows: &mut HashMap<String, Fields>, key: Option<&String>| {
                key.and_then(|key| rows.remove(key))
            };
            item.rows =
                [take(&mut sources, item.keys[0].as_ref()), take(&mut targets, item.keys[1].as_ref())];
            if self.is_outside(&item, &in_scope, &in_scope_there) {
                released
                    .extend(item.pair.iter().map(|pair| Outcome::Released { source: pair.source.clone() }));
                done.extend(item.marks);
                continue;
            }
            kept.push(item);
        }
        if !done.is_empty() {
            self.journal.settle(self.name(), &shape.collection, &released, &done)?;
        }
        if shape.is_files() {
            self.digest(shape, &mut kept).await?;
        }
        Ok(kept)
    }

    /// True if the side that says what is carried has the record, and it does not match.
    fn is_outside(&self, item: &Item, here: &HashSet<String>, there: &HashSet<String>) -> bool {
        let outside = |side: Side, scope: &HashSet<String>| {
            item.row(side).is_some() && item.key(side).is_some_and(|key| !scope.contains(key))
        };
        match item.row(Side::Source) {
            Some(_) => outside(Side::Source, here),
            None => self.config.both_ways && outside(Side::Target, there),
        }
    }

    /// What comes of each; who wrote last is asked only where it matters.
    async fn merged(&self, shape: &Shape, items: &mut [Item]) -> Result<Vec<Merged>, LiveError> {
        let rules = |newest| Rules {
            both_ways: self.config.both_ways,
            deletes: self.config.deletes,
            policy: self.config.policy,
            newest,
        };
        let of = |item: &Item, newest| {
            let base = item.pair.as_ref().map(|pair| &pair.common);
            merge(&shape.fields, rules(newest), base, item.row(Side::Source), item.row(Side::Target))
        };
        let mut merged: Vec<Merged> = items.iter().map(|item| of(item, Side::Source)).collect();
        if self.config.policy != Policy::Newest {
            return Ok(merged);
        }
        let contested = |merged: &Merged| {
            merged.decisions.iter().any(|decision| decision.clash != Clash::EditedAndDeleted)
        };
        let asked: Vec<usize> = (0..items.len()).filter(|number| contested(&merged[*number])).collect();
        if asked.is_empty() {
            return Ok(merged);
        }
        let (here, there) = try_join(
            self.latest(shape, Side::Source, items, &asked),
            self.latest(shape, Side::Target, items, &asked),
        )
        .await?;
        for number in asked {
            let time = |times: &HashMap<String, i64>, side| {
                items[number].key(side).and_then(|key| times.get(key)).copied()
            };
            if time(&there, Side::Target) > time(&here, Side::Source) {
                merged[number] = of(&items[number], Side::Target);
            }
        }
        Ok(merged)
    }

    /// When records were written last, by our clock.
    async fn latest(
        &self,
        shape: &Shape,
        side: Side,
        items: &[Item],
        asked: &[usize],
    ) -> Result<HashMap<String, i64>, LiveError> {
        let peer = self.peer(side);
        let keys: Vec<String> = asked.iter().filter_map(|number| items[*number].key(side).cloned()).collect();
        let mut latest = HashMap::new();
        for part in keys.chunks(100) {
            let limit = u32::try_from(part.len() * 20).unwrap_or(u32::MAX);
            let entries = activity::about(&peer.client, &shape.collection, part, limit).await;
            for entry in entries.map_err(|error| peer.failed(error))? {
                let Some(moment) = peer.moment(&entry.timestamp) else { continue };
                let known = latest.entry(entry.item).or_insert(moment);
                *known = (*known).max(moment);
            }
        }
        Ok(latest)
    }

    async fn write_all(
        &self,
        shape: &Shape,
        (items, mut merged, since): (Vec<Item>, Vec<Merged>, Option<[i64; 2]>),
        circles: Circles,
        pass: &mut Pass,
        deletions: &mut Vec<Deletion>,
    ) -> Result<(), LiveError> {
        let mut state: Vec<State> = items.iter().map(|_| State::default()).collect();
        // Before they are carried out: an answer that is lost leaves no difference to decide about.
        for (item, merged) in items.iter().zip(&merged) {
            let said = |side: Side| item.key(side).map(String::as_str).unwrap_or_default();
            self.note_decisions(shape, (said(Side::Source), said(Side::Target)), &merged.decisions)?;
        }
        for side in [Side::Target, Side::Source] {
            let writes = self.writes(shape, side, &items, &mut merged, circles, &mut state)?;
            let creations = self.create(shape, side, &items, &merged, &writes).await?;
            for (number, result) in creations {
                match result {
                    Ok(key) => state[number].made[at(side)] = Some(key),
                    Err(error) => state[number].error = Some(error),
                }
            }
            let updates: Vec<&Write> = writes.iter().filter(|write| !write.create).collect();
            let announced = since.filter(|_| !updates.is_empty());
            if let Some(since) = announced {
                self.announce(shape, side, since[at(side)], &items, &updates)?;
            }
            for (number, result) in self.update(shape, side, &items, &writes).await? {
                state[number].error = result.err().or(state[number].error.take());
            }
            if announced.is_some() {
                self.note_overwritten(shape, true).await?;
            }
            for write in &writes {
                state[write.item].wrote = true;
            }
        }
        self.settled(shape, (items, merged, state), circles, pass, deletions)
    }

    /// What a side is sent. What waits for other records is either left for later or sent without them.
    fn writes(
        &self,
        shape: &Shape,
        side: Side,
        items: &[Item],
        merged: &mut [Merged],
        circles: Circles,
        state: &mut [State],
    ) -> Result<Vec<Write>, LiveError> {
        let act = |merged: &Merged| match side {
            Side::Source => merged.source.clone(),
            Side::Target => merged.target.clone(),
        };
        let acts: Vec<Act> = merged.iter().map(act).collect();
        let written = |act: &Act| match act {
            Act::Create(fields) | Act::Update(fields) => Some(fields.clone()),
            Act::Nothing | Act::Delete => None,
        };
        let bodies: Vec<Option<Fields>> = acts.iter().map(written).collect();
        let common = |number: usize| merged[number].common.clone().unwrap_or_default();
        let wholes: Vec<Fields> = (0..items.len()).map(common).collect();
        let keys = self.keys(
            shape,
            bodies.iter().zip(&wholes).filter_map(|(body, whole)| Some((body.as_ref()?, whole))),
        )?;
        let mut writes = Vec::new();
        for (number, body) in bodies.into_iter().enumerate() {
            let Some(fields) = body else { continue };
            let create = matches!(acts[number], Act::Create(_));
            let (body, blocked) = self.local(shape, side, &fields, &wholes[number], &keys);
            self.fetch(&blocked)?;
            let must_wait =
                blocked.iter().any(|blocked| circles == Circles::Wait || (create && !blocked.nullable));
            if must_wait || (!blocked.is_empty() && body.is_empty()) {
                state[number].blocked = Some(said(shape, &blocked));
                continue;
            }
            for Blocked { field, .. } in &blocked {
                // What is sent without it is null there until it comes.
                let base = if create {
                    Some(Value::Null)
                } else {
                    items[number].pair.as_ref().and_then(|pair| pair.common.get(field).cloned())
                };
                if let Some(common) = &mut merged[number].common {
                    match base {
                        Some(base) => drop(common.insert(field.clone(), base)),
                        None => drop(common.shift_remove(field)),
                    }
                }
            }
            state[number].unfinished |= !blocked.is_empty();
            writes.push(Write { item: number, body, create });
        }
        Ok(writes)
    }

    /// What is waited for is looked at as well: nobody may have marked it.
    fn fetch(&self, blocked: &[Blocked]) -> Result<(), LiveError> {
        let mut marks = Vec::new();
        for one in blocked {
            if !self.journal.is_marked(self.name(), &one.collection, one.side, &one.key)? {
                marks.push(Mark {
                    edge: self.name().to_owned(),
                    collection: one.collection.clone(),
                    side: one.side,
                    key: one.key.clone(),
                });
            }
        }
        if !marks.is_empty() {
            self.journal.mark(&marks, None)?;
        }
        Ok(())
    }

    /// Journals what became of the records.
    fn settled(
        &self,
        shape: &Shape,
        (items, merged, state): (Vec<Item>, Vec<Merged>, Vec<State>),
        circles: Circles,
        pass: &mut Pass,
        deletions: &mut Vec<Deletion>,
    ) -> Result<(), LiveError> {
        let (mut outcomes, mut done) = (Vec::new(), Vec::new());
        for ((mut item, merged), state) in items.into_iter().zip(merged).zip(state) {
            if let Some(error) = state.error {
                self.fail(shape, &item.marks, &error, pass)?;
                continue;
            }
            if let Some(why) = state.blocked {
                pass.blocked += 1;
                // As long as others move, waiting costs no try.
                if circles == Circles::Break {
                    self.fail(shape, &item.marks, &why, pass)?;
                }
                continue;
            }
            let deleted = [Side::Source, Side::Target].into_iter().find(|side| match side {
                Side::Source => merged.source == Act::Delete,
                Side::Target => merged.target == Act::Delete,
            });
            if let (Some(side), Some(pair)) = (deleted, &item.pair) {
                let pair = Pair { stamps: item.stamps, ..pair.clone() };
                let deletion = Deletion { side, pair, marks: item.marks };
                // A record that was marked anew meanwhile is still one record.
                match deletions
                    .iter_mut()
                    .find(|known| known.side == side && known.pair.source == deletion.pair.source)
                {
                    Some(known) => known.marks.extend(deletion.marks),
                    None => deletions.push(deletion),
                }
                continue;
            }
            for (place, made) in state.made.into_iter().enumerate() {
                if made.is_some() {
                    item.keys[place] = made;
                }
            }
            let said = |key: Option<&String>| key.cloned().unwrap_or_default();
            let keys = (said(item.key(Side::Source)), said(item.key(Side::Target)));
            match (merged.common, &item.pair) {
                (Some(common), pair) if !(keys.0.is_empty() || keys.1.is_empty()) => {
                    let (source, target) = keys;
                    if merged.decisions.iter().all(|decision| decision.winner.is_some()) {
                        self.journal.agreed(self.name(), &shape.collection, &source)?;
                    }
                    let after = Pair { source, target, common, stamps: item.stamps };
                    if pair.as_ref() != Some(&after) {
                        outcomes.push(Outcome::Paired(after));
                    }
                }
                (None, Some(pair)) => {
                    let (source, target) = (pair.source.clone(), pair.target.clone());
                    let gone = item.rows.iter().all(Option::is_none);
                    outcomes.push(if gone {
                        Outcome::Gone { source, target }
                    } else {
                        Outcome::Released { source }
                    });
                }
                _ => {}
            }
            let wrote = state.wrote && !(is_nothing(&merged.source) && is_nothing(&merged.target));
            pass.applied += usize::from(wrote);
            pass.progress |= wrote;
            // The rest of it may still have to come.
            if state.unfinished {
                pass.blocked += 1;
            } else {
                done.extend(item.marks);
            }
        }
        self.journal.settle(self.name(), &shape.collection, &outcomes, &done)?;
        Ok(())
    }

    /// The activity of both sides that was read before: of a route of one way nobody edits the target on purpose.
    fn seen_until(&self) -> Result<Option<[i64; 2]>, LiveError> {
        if !self.config.both_ways {
            return Ok(None);
        }
        let of =
            |side: Side| Ok::<_, LiveError>(self.journal.cursor(&self.peer(side).name)?.unwrap_or_default());
        Ok(Some([of(Side::Source)?, of(Side::Target)?]))
    }

    pub(super) fn note_decisions(
        &self,
        shape: &Shape,
        keys: (&str, &str),
        decisions: &[Decision],
    ) -> Result<(), LiveError> {
        if decisions.is_empty() {
            return Ok(());
        }
        let new = self.journal.decided(self.name(), &shape.collection, keys, decisions)?;
        self.journal.count(self.name(), "conflicts", new)?;
        Ok(())
    }
}

/// What became of an item while it was written.
#[derive(Debug, Default)]
struct State {
    error: Option<String>,
    /// What it waits for, with nothing written.
    blocked: Option<String>,
    /// True if a part of it waits for others.
    unfinished: bool,
    /// Keys that servers made, by side.
    made: [Option<String>; 2],
    wrote: bool,
}

fn said(shape: &Shape, blocked: &[Blocked]) -> String {
    let one = |blocked: &Blocked| {
        format!(
            "{}.{} refers to {} of {}, which is not on both sides",
            shape.collection, blocked.field, blocked.key, blocked.collection
        )
    };
    blocked.iter().map(one).collect::<Vec<_>>().join("; ")
}
