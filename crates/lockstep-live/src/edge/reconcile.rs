//! Reconciliation: everything that both sides have is read and held against the journal. What differs is marked; whether
//! anything has to be done is decided when it is looked at.

use std::collections::{HashMap, HashSet};

use lockstep_core::content::same_value_of;
use lockstep_core::merge::Side;
use lockstep_core::record::Fields;
use serde::Serialize;
use serde_json::Value;

use super::Edge;
use super::recover::paired_by_content;
use crate::error::LiveError;
use crate::journal::{Mark, Outcome, Pair};
use crate::shape::Shape;

/// Who wins where both sides have records of which nobody knows whether they are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// Nobody: such a route is refused.
    Refuse,
    /// The source.
    Source,
    /// The target.
    Target,
}

/// What a reconciliation found in a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The edge.
    pub edge: String,
    /// The collection.
    pub collection: String,
    /// Records read, on both sides.
    pub read: usize,
    /// Keys that have to be looked at.
    pub marked: usize,
}

impl Edge {
    /// Holds everything against the journal; without `write` nothing is marked.
    ///
    /// # Errors
    /// When a peer cannot be read.
    pub(crate) async fn reconcile(&self, initial: Initial, write: bool) -> Result<Vec<Found>, LiveError> {
        let mut all = Vec::new();
        for shape in &self.shapes {
            let mut found = Found {
                edge: self.name().to_owned(),
                collection: shape.collection.clone(),
                ..Found::default()
            };
            if shape.is_files() {
                // Only files that records refer to are carried: those that are known.
                self.again(shape, write, &mut found)?;
                all.push(found);
                continue;
            }
            let begun = format!("begun {} {}", self.name(), shape.collection);
            let new = self.journal.noted(&begun)?.is_none();
            if new && shape.counted {
                self.pair_first(shape, initial, write).await?;
            }
            for side in [Side::Source, Side::Target] {
                if side == Side::Source || self.config.both_ways {
                    self.reconcile_side(shape, side, write, &mut found).await?;
                }
            }
            if new && write {
                self.journal.note(&begun, Some("1"))?;
            }
            all.push(found);
        }
        Ok(all)
    }

    fn again(&self, shape: &Shape, write: bool, found: &mut Found) -> Result<(), LiveError> {
        let keys = self.journal.paired_keys(self.name(), &shape.collection, Side::Source)?;
        found.marked = keys.len();
        if write {
            let marks: Vec<Mark> =
                keys.into_iter().map(|key| self.mark_of(shape, Side::Source, key)).collect();
            self.journal.mark(&marks, None)?;
        }
        Ok(())
    }

    fn mark_of(&self, shape: &Shape, side: Side, key: String) -> Mark {
        Mark { edge: self.name().to_owned(), collection: shape.collection.clone(), side, key }
    }

    async fn reconcile_side(
        &self,
        shape: &Shape,
        side: Side,
        write: bool,
        found: &mut Found,
    ) -> Result<(), LiveError> {
        let paired = self.journal.paired_keys(self.name(), &shape.collection, side)?;
        // Before the first time all of it is looked at: then the keys are enough.
        let fields: Vec<&str> =
            if paired.is_empty() { vec![shape.key_field.as_str()] } else { shape.read().collect() };
        let mut missing: HashSet<String> = paired.into_iter().collect();
        let mut read = 0_u64;
        for number in 1.. {
            let (rows, count) = self.page(shape, side, number, &fields).await?;
            if rows.is_empty() {
                break;
            }
            read += rows.len() as u64;
            let mut rows: HashMap<String, Fields> = rows.into_iter().collect();
            if fields.len() > 1 && side == Side::Target {
                self.canonical(shape, &mut rows)?;
            }
            let pairs =
                self.journal.pairs(self.name(), &shape.collection, side, rows.keys().map(String::as_str))?;
            let mut marks = Vec::new();
            for (key, row) in rows {
                missing.remove(&key);
                let same = pairs.get(&key).is_some_and(|pair| is_common(shape, pair, &row));
                if !same {
                    marks.push(self.mark_of(shape, side, key));
                }
            }
            found.marked += marks.len();
            if write {
                self.journal.mark(&marks, None)?;
            }
            if read >= count {
                break;
            }
        }
        found.read += usize::try_from(read).unwrap_or_default();
        found.marked += missing.len();
        if write {
            let marks: Vec<Mark> = missing.into_iter().map(|key| self.mark_of(shape, side, key)).collect();
            self.journal.mark(&marks, None)?;
        }
        Ok(())
    }

    /// Which record is which, where keys do not tell: those that say the same. What is left on both sides cannot be known.
    async fn pair_first(&self, shape: &Shape, initial: Initial, write: bool) -> Result<(), LiveError> {
        let mut sources = self.whole(shape, Side::Source).await?;
        let mut targets = self.whole(shape, Side::Target).await?;
        self.canonical(shape, &mut targets)?;
        let mut outcomes = Vec::new();
        let pair = |source: String, target: String, common: Fields| {
            Outcome::Paired(Pair { source, target, common, stamps: [None, None] })
        };
        for (source, target) in paired_by_content(shape, &sources, &targets) {
            let common = sources.remove(&source).unwrap_or_default();
            targets.remove(&target);
            outcomes.push(pair(source, target, common));
        }
        if !sources.is_empty() && !targets.is_empty() {
            let side = match initial {
                Initial::Source => Side::Source,
                Initial::Target => Side::Target,
                Initial::Refuse => {
                    return Err(LiveError::Refused(vec![format!(
                        "route {}: {} has {} records that only {} has, and {} that only {} has; their keys are counted by each \
                         server, so nobody can tell which of them are the same: `--initial source` or `--initial target` says \
                         whose values are kept where keys are the same",
                        self.name(),
                        shape.collection,
                        sources.len(),
                        self.source.name,
                        targets.len(),
                        self.target.name
                    )]));
                }
            };
            let both: Vec<String> =
                sources.keys().filter(|key| targets.contains_key(*key)).cloned().collect();
            for key in both {
                // What the loser has is taken for what both had: so the winner's values are the edits.
                let common = if side == Side::Source { targets.remove(&key) } else { sources.remove(&key) };
                outcomes.push(pair(key.clone(), key, common.unwrap_or_default()));
            }
        }
        if write {
            self.journal.settle(self.name(), &shape.collection, &outcomes, &[])?;
        }
        Ok(())
    }

    async fn whole(&self, shape: &Shape, side: Side) -> Result<HashMap<String, Fields>, LiveError> {
        let fields: Vec<&str> = shape.read().collect();
        let mut all = HashMap::new();
        for number in 1.. {
            let (rows, count) = self.page(shape, side, number, &fields).await?;
            if rows.is_empty() {
                break;
            }
            all.extend(rows);
            if all.len() as u64 >= count {
                break;
            }
        }
        Ok(all)
    }
}

/// Whether a row is what both sides had last. A field of which that is not known is another.
fn is_common(shape: &Shape, pair: &Pair, row: &Fields) -> bool {
    shape.fields.iter().all(|field| {
        let there = row.get(&field.name).unwrap_or(&Value::Null);
        pair.common.get(&field.name).is_some_and(|common| same_value_of(field.kind, common, there))
    })
}
