//! What flows between two peers. An edge looks at marked keys: it reads both sides, merges with the last common state, and
//! writes what is missing. It takes nothing from events, so that looking once more is never wrong.

mod files;
mod overwritten;
mod plan;
mod reconcile;
mod recover;
mod rows;
mod words;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join;
use lockstep_core::merge::{Act, Side, is_edited, is_mass_deletion};
use lockstep_core::record::Fields;
use lockstep_directus::ErrorKind;

use crate::config::EdgeConfig;
use crate::error::LiveError;
use crate::journal::{Due, Journal, Outcome, Pair, now};
use crate::peer::Peer;
use crate::shape::{CONTENT, Shape};

pub use reconcile::{Found, Initial};
pub(crate) use recover::Unanswered;

/// The longest wait between two tries of a record, in milliseconds.
const LONGEST_WAIT: i64 = 300_000;
/// The first one.
const FIRST_WAIT: i64 = 1_000;

/// Two peers and what flows between them.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) config: EdgeConfig,
    pub(crate) source: Arc<Peer>,
    pub(crate) target: Arc<Peer>,
    /// The collections, those that are referred to first.
    pub(crate) shapes: Vec<Shape>,
    pub(crate) journal: Arc<Journal>,
    /// How often a record is tried.
    pub(crate) attempts: u32,
    /// How many records a request holds at most.
    pub(crate) batch: usize,
    pub(crate) unanswered: Unanswered,
}

/// What one look came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Records written, on either side.
    pub(crate) applied: usize,
    /// Records that failed.
    pub(crate) failed: usize,
}

/// A record that goes, once all others were looked at.
#[derive(Debug)]
struct Deletion {
    side: Side,
    pair: Pair,
    marks: Vec<Due>,
}

/// Whether what refers to a record that is not there yet is written without that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Circles {
    /// It waits.
    Wait,
    /// It is written with the reference empty, which comes later.
    Break,
}

impl Edge {
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    pub(crate) fn peer(&self, side: Side) -> &Peer {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    pub(crate) fn shape(&self, collection: &str) -> Option<&Shape> {
        self.shapes.iter().find(|shape| shape.collection == collection)
    }

    /// Looks at all marks that are due.
    ///
    /// # Errors
    /// When a peer cannot be reached; when more would be deleted than an accident may. What was done until then is
    /// journalled.
    pub(crate) async fn drain(&self) -> Result<Drained, LiveError> {
        if let Some(reason) = self.journal.halted(self.name())? {
            return Err(LiveError::Halted(reason));
        }
        let consent_counts = self.journal.consent_counts(self.name())?;
        let mut undeleted = 0;
        let mut all = Drained::default();
        let mut circles = Circles::Wait;
        loop {
            let pass = self.pass(circles).await?;
            all.applied += pass.applied;
            all.failed += pass.failed;
            undeleted += pass.undeleted;
            circles = match (pass.progress, pass.blocked, circles) {
                (_, 0, _) | (false, _, Circles::Break) => break,
                (true, _, _) => Circles::Wait,
                (false, _, Circles::Wait) => Circles::Break,
            };
        }
        if consent_counts && undeleted == 0 {
            self.journal.use_up_consent(self.name())?;
        }
        Ok(all)
    }

    async fn pass(&self, circles: Circles) -> Result<Pass, LiveError> {
        let mut pass = Pass::default();
        let mut deletions: BTreeMap<usize, Vec<Deletion>> = BTreeMap::new();
        for (number, shape) in self.shapes.iter().enumerate() {
            self.recover(shape).await?;
            let (mut after, before) = (0, now());
            loop {
                let due = self.journal.due(self.name(), &shape.collection, before, after, self.batch)?;
                let Some(last) = due.last() else { break };
                after = last.seq;
                let of_shape = deletions.entry(number).or_default();
                Box::pin(self.look(shape, due, circles, &mut pass, of_shape)).await?;
            }
        }
        self.guard(&deletions)?;
        for (number, of_shape) in deletions.into_iter().rev() {
            self.delete(&self.shapes[number], of_shape, &mut pass).await?;
        }
        self.journal.count(self.name(), "applied", pass.applied)?;
        self.journal.count(self.name(), "failed", pass.failed)?;
        Ok(pass)
    }

    /// Halts before more goes than an accident may delete.
    fn guard(&self, deletions: &BTreeMap<usize, Vec<Deletion>>) -> Result<(), LiveError> {
        if self.journal.is_consented(self.name())? {
            return Ok(());
        }
        for (number, of_shape) in deletions {
            let shape = &self.shapes[*number];
            let tracked = self.journal.tracked(self.name(), &shape.collection)?;
            for side in [Side::Source, Side::Target] {
                let goes = of_shape.iter().filter(|deletion| deletion.side == side).count();
                if is_mass_deletion(goes, tracked) {
                    let reason = format!(
                        "route {}: {goes} of {tracked} records of {} were deleted on {} at once, and would go from {} as well",
                        self.name(),
                        shape.collection,
                        self.peer(side.other()).name,
                        self.peer(side).name
                    );
                    self.journal.halt(self.name(), &reason)?;
                    return Err(LiveError::Halted(reason));
                }
            }
        }
        Ok(())
    }

    async fn delete(
        &self,
        shape: &Shape,
        deletions: Vec<Deletion>,
        pass: &mut Pass,
    ) -> Result<(), LiveError> {
        for side in [Side::Source, Side::Target] {
            let of_side: Vec<&Deletion> = deletions.iter().filter(|deletion| deletion.side == side).collect();
            for part in of_side.chunks(self.batch) {
                let still: Vec<&Deletion> = self.still_deleted(shape, side, part).await?;
                let keys: Vec<String> =
                    still.iter().map(|deletion| deletion.pair.key(side).clone()).collect();
                let results = self.remove(shape, side, &keys).await?;
                for (deletion, result) in still.iter().zip(results) {
                    match result {
                        Ok(()) => {
                            let (source, target) =
                                (deletion.pair.source.clone(), deletion.pair.target.clone());
                            let gone = [Outcome::Gone { source, target }];
                            self.journal.settle(self.name(), &shape.collection, &gone, &deletion.marks)?;
                            pass.applied += 1;
                            pass.progress = true;
                        }
                        Err(error) => {
                            pass.undeleted += 1;
                            self.fail(shape, &deletion.marks, &error, pass)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Those that nobody has edited, or made again, since it was decided that they go: between that and the deletion lies all
    /// that a pass writes. The others keep their marks, and are looked at once more.
    async fn still_deleted<'a>(
        &self,
        shape: &Shape,
        side: Side,
        deletions: &[&'a Deletion],
    ) -> Result<Vec<&'a Deletion>, LiveError> {
        let keys = |side: Side| {
            deletions.iter().map(|deletion| deletion.pair.key(side).clone()).collect::<Vec<String>>()
        };
        let (here, there) = (keys(side), keys(side.other()));
        let (mut rows, others) =
            try_join(self.rows(shape, side, &here), self.rows(shape, side.other(), &there)).await?;
        if side == Side::Target {
            self.canonical(shape, &mut rows)?;
        }
        let still = deletions.iter().filter(|deletion| {
            let row = rows.remove(deletion.pair.key(side));
            let is_same = row.is_none_or(|row| is_unedited(shape, &deletion.pair, side, row));
            is_same && !others.contains_key(deletion.pair.key(side.other()))
        });
        Ok(still.copied().collect())
    }

    /// A record failed: it is tried again later, or becomes a dead letter.
    fn fail(&self, shape: &Shape, marks: &[Due], error: &str, pass: &mut Pass) -> Result<(), LiveError> {
        pass.failed += 1;
        for mark in marks {
            let tries = mark.tries + 1;
            let due = (tries < self.attempts).then(|| now() + wait(tries));
            self.journal.failed(self.name(), &shape.collection, mark, error, due)?;
            if due.is_none() {
                self.journal.count(self.name(), "dead", 1)?;
            }
        }
        Ok(())
    }
}

/// Whether a row is what was read when it was decided that the record goes; the content of a file is told by its stamp.
fn is_unedited(shape: &Shape, pair: &Pair, side: Side, mut row: Fields) -> bool {
    if shape.is_files() {
        if pair.stamp(side) != Some(&files::stamp(&mut row)) {
            return false;
        }
        row.extend(pair.common.get_key_value(CONTENT).map(|(name, content)| (name.clone(), content.clone())));
    }
    !is_edited(&shape.fields, &pair.common, &row)
}

/// How a pass goes.
#[derive(Clone, Copy, Debug, Default)]
struct Pass {
    applied: usize,
    failed: usize,
    /// Deletions that failed.
    undeleted: usize,
    /// Records that wait for others.
    blocked: usize,
    /// True if something was written that others may have waited for.
    progress: bool,
}

/// So long until a record is tried again, in milliseconds: twice as long each time, and never all at once.
fn wait(tries: u32) -> i64 {
    let longest = FIRST_WAIT.saturating_mul(1_i64 << tries.saturating_sub(1).min(16)).min(LONGEST_WAIT);
    longest / 2 + fastrand::i64(0..=longest / 2)
}

/// Whether a request failed because of the peer, and not because of what was sent.
pub(crate) fn is_down(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Invalid
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Server
            | ErrorKind::TooLarge
            | ErrorKind::LimitExceeded
            | ErrorKind::ResourceRestricted
    )
}

/// True if there is nothing to be done.
fn is_nothing(act: &Act) -> bool {
    *act == Act::Nothing
}
