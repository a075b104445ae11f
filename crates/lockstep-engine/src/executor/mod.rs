//! Carries a plan out: stage after stage, lanes of a stage at the same time, and no record twice whatever gets lost.
//!
//! An update or a deletion may be repeated, and the client does so. A creation whose answer is lost is looked up:
//! where ids are chosen by us the server is asked which of them exist, else its new rows are compared with what was
//! sent. A batch is one transaction, so either all of it is there or nothing.

mod creations;
mod late;
mod uploads;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use lockstep_core::collection::{Collection, Key};
use lockstep_core::identity::InstanceRows;
use lockstep_core::plan::{Batch, Item, Plan, Stage, Verb};
use lockstep_core::record::{Fields, LocalId, Row, SyncId, same_value};
use lockstep_core::report::{Applied, Event, Observer};
use lockstep_directus::items::Endpoint;
use lockstep_directus::{Error as DirectusError, ErrorKind, Request, Safety};
use serde_json::Value;

use crate::assets::Assets;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::Interrupt;

pub(crate) use late::Made;

/// How many lanes run at the same time; the client bounds requests further. Each is a transaction, and a server has ten
/// connections to its database unless it was told otherwise: others need some of them.
const LANES: usize = 6;
/// How often a creation whose answer was lost is looked up and repeated.
const ATTEMPTS: u32 = 4;
/// How long the server is given to finish what it may still be doing, before a creation is repeated.
const GRACE: Duration = Duration::from_millis(500);

/// What was done, complete or not.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Counts, for people.
    pub(crate) applied: Applied,
    /// Records created or updated, with their ids on the instance.
    pub(crate) written: Vec<(&'static str, SyncId, LocalId)>,
    /// Rows deleted.
    pub(crate) deleted: Vec<(&'static str, LocalId)>,
    /// Why it ended early.
    pub(crate) error: Option<EngineError>,
}

/// Carries out plans on one instance.
pub(crate) struct Executor<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) interrupt: &'a Interrupt,
    /// The rows of the instance before the first write.
    pub(crate) before: &'a InstanceRows,
    /// Ids that the server made in this run.
    pub(crate) made: Made,
    /// Where the files are that records come with.
    pub(crate) assets: Assets,
}

/// One batch, done.
struct Done {
    collection: &'static Collection,
    verb: Verb,
    items: Vec<(Option<SyncId>, Option<LocalId>)>,
}

struct Progress {
    done: AtomicUsize,
    total: usize,
    stop: AtomicBool,
}

impl Executor<'_> {
    /// Carries a plan out, until its end or the first error.
    pub(crate) async fn run(&self, plan: &Plan) -> Outcome {
        let total = plan.batches().map(|batch| batch.items.len()).sum();
        let progress = Progress { done: AtomicUsize::new(0), total, stop: AtomicBool::new(false) };
        let mut outcome = Outcome::default();
        for stage in &plan.stages {
            self.stage(stage, &progress, &mut outcome).await;
            if outcome.error.is_some() {
                break;
            }
        }
        outcome
    }

    async fn stage(&self, stage: &Stage, progress: &Progress, outcome: &mut Outcome) {
        let lanes = stage.lanes.iter().map(|lane| self.lane(lane, progress));
        let results: Vec<_> = stream::iter(lanes).buffer_unordered(LANES).collect().await;
        for (done, error) in results {
            done.into_iter().for_each(|done| outcome.add(done));
            // The first real error is told; that others were stopped by it is not.
            if outcome.error.as_ref().is_none_or(|told| matches!(told, EngineError::Interrupted)) {
                outcome.error = error.or(outcome.error.take());
            }
        }
    }

    async fn lane(&self, lane: &[Batch], progress: &Progress) -> (Vec<Done>, Option<EngineError>) {
        let mut done = Vec::new();
        for batch in lane {
            if self.interrupt.is_raised() {
                return (done, Some(EngineError::Interrupted));
            }
            if progress.stop.load(Ordering::Relaxed) {
                return (done, None);
            }
            let batch = match self.made.complete(batch) {
                Ok(batch) => batch,
                Err(error) => {
                    progress.stop.store(true, Ordering::Relaxed);
                    return (done, Some(error));
                }
            };
            let (of_batch, failed) = self.batch(&batch).await;
            let count: usize = of_batch.iter().map(|done| done.items.len()).sum();
            let so_far = progress.done.fetch_add(count, Ordering::Relaxed) + count;
            self.observer.event(Event::Progress { done: so_far, total: progress.total });
            done.extend(of_batch);
            if let Some((items, source)) = failed {
                progress.stop.store(true, Ordering::Relaxed);
                return (done, Some(failure(&batch, items, source)));
            }
        }
        (done, None)
    }

    /// Sends a batch; one that is too large for the server is halved until it fits. Gives what was done, and the part
    /// that failed.
    async fn batch<'b>(&self, batch: &'b Batch) -> (Vec<Done>, Option<(&'b [Item], DirectusError)>) {
        let mut done = Vec::new();
        let mut waiting = self.parts(batch);
        while let Some(items) = waiting.pop() {
            match self.send(batch, items).await {
                Ok(items) => {
                    self.made.note(batch.collection, batch.verb, &items);
                    done.push(Done { collection: batch.collection, verb: batch.verb, items });
                }
                Err(error) if error.kind() == ErrorKind::TooLarge && items.len() > 1 => {
                    let (first, second) = items.split_at(items.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(error) => return (done, Some((items, error))),
            }
        }
        (done, None)
    }

    /// A batch in the parts that are sent, the first of them last: for content, whose ids nobody could know otherwise, no
    /// part is larger than the answer that the server gives.
    fn parts<'b>(&self, batch: &'b Batch) -> Vec<&'b [Item]> {
        let counts = batch.verb == Verb::Create && batch.collection.is_content();
        let page = self.instance.page().and_then(|page| usize::try_from(page).ok()).filter(|_| counts);
        let same = |one: &Item, other: &Item| !counts || one.id.is_some() == other.id.is_some();
        let mut parts: Vec<_> = batch
            .items
            .chunk_by(same)
            .flat_map(|part| part.chunks(page.unwrap_or(batch.items.len()).max(1)))
            .collect();
        parts.reverse();
        parts
    }

    async fn send(
        &self,
        batch: &Batch,
        items: &[Item],
    ) -> Result<Vec<(Option<SyncId>, Option<LocalId>)>, DirectusError> {
        let endpoint = Endpoint::of(&batch.collection.system_name());
        let known = || items.iter().map(|item| (item.sync_id.clone(), item.id.clone())).collect();
        if let [Item { file: Some(file), .. }] = items {
            self.upload(batch, &items[0], file, &endpoint).await?;
            return Ok(known());
        }
        let given = batch.collection.is_content() && items.iter().all(|item| item.id.is_some());
        let request = match batch.verb {
            Verb::Create if batch.collection.key == Key::Uuid || given => {
                self.create_with_ids(batch, items, &endpoint).await?;
                return Ok(known());
            }
            Verb::Create => return self.create_without_ids(batch, items, &endpoint).await,
            Verb::Update if batch.collection.key == Key::Singleton => {
                let body = items.first().map(|item| item.body.clone()).unwrap_or_default();
                Request::patch(endpoint.path()).query("fields", "id").raw_json(body.into_bytes())
            }
            Verb::Update
                if batch.collection.attachments.is_some() || !batch.collection.change_apart.is_empty() =>
            {
                self.update_once(batch, items, &endpoint).await?;
                return Ok(known());
            }
            Verb::Update | Verb::Release => Request::patch(endpoint.path())
                .query("fields", batch.collection.key_field)
                .raw_json(body(batch, items)),
            Verb::Delete => Request::delete(endpoint.path()).raw_json(body(batch, items)),
        };
        self.instance.client.send(&request).await?;
        Ok(known())
    }

    /// An update that must not be carried out twice: it attaches roles, or the server refuses the values that it has
    /// already. After a lost answer the rows tell whether it was.
    async fn update_once(
        &self,
        batch: &Batch,
        items: &[Item],
        endpoint: &Endpoint,
    ) -> Result<(), DirectusError> {
        let request = Request::patch(endpoint.path()).query("fields", "id").raw_json(body(batch, items));
        let request = request.safety(Safety::Create);
        for attempt in 1.. {
            let error = match self.instance.client.send(&request).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if attempt >= ATTEMPTS || !error.may_have_been_applied() {
                return Err(error);
            }
            tokio::time::sleep(GRACE * attempt).await;
            let Ok((rows, _)) = self.instance.collection(batch.collection).await else { return Err(error) };
            if items.iter().all(|item| has_arrived(batch.collection, item, &rows)) {
                return Ok(());
            }
            if error.kind() == ErrorKind::Server {
                return Err(error.known_not_applied());
            }
        }
        Ok(())
    }
}

/// True if a row holds what an update asked for.
fn has_arrived(collection: &Collection, item: &Item, rows: &[Row]) -> bool {
    let Some(row) = rows.iter().find(|row| Some(&row.id) == item.id.as_ref()) else { return false };
    let sent: Fields = serde_json::from_str(&item.body).unwrap_or_default();
    sent.iter().filter(|(name, _)| *name != "id").all(|(name, value)| {
        let there = row.fields.get(name);
        match collection.attachments == Some(name) {
            false => there.is_none_or(|there| same_value(value, there)),
            true => {
                let attached = there.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let created = value.get("create").and_then(Value::as_array).into_iter().flatten();
                created
                    .into_iter()
                    .all(|create| attached.iter().any(|there| there.get("role") == create.get("role")))
            }
        }
    })
}

/// The error of a part of a batch, with the record that it is about where the server says enough.
fn failure(batch: &Batch, items: &[Item], source: DirectusError) -> EngineError {
    let record = culprit(items, &source).or_else(|| match items {
        [only] => Some(format!("\"{}\"", only.label)),
        [first, .., last] => {
            Some(format!("{} records, \"{}\" to \"{}\"", items.len(), first.label, last.label))
        }
        [] => None,
    });
    EngineError::Write { collection: batch.collection.shown_name(), verb: batch.verb, record, source }
}

/// The record whose field has the value that the server complains of.
fn culprit(items: &[Item], error: &DirectusError) -> Option<String> {
    let extensions = error.extensions()?;
    let field = extensions.get("field")?.as_str()?;
    let value = extensions.get("value");
    let mut matching = items.iter().filter(|item| {
        let sent: Fields = serde_json::from_str(&item.body).unwrap_or_default();
        sent.get(field).is_some_and(|sent| value.is_none_or(|value| same_value(sent, value)))
    });
    let item = matching.next()?;
    match (matching.next(), &item.sync_id) {
        (Some(_), _) => None,
        (None, Some(sync_id)) => Some(format!("\"{}\" ({sync_id}), field {field}", item.label)),
        (None, None) => Some(format!("\"{}\", field {field}", item.label)),
    }
}

fn body(batch: &Batch, items: &[Item]) -> Vec<u8> {
    let part = Batch { collection: batch.collection, verb: batch.verb, items: items.to_vec() };
    part.body().into_bytes()
}

impl Outcome {
    fn add(&mut self, done: Done) {
        let counts = self.applied.collections.entry(done.collection.shown_name()).or_default();
        match done.verb {
            Verb::Create => counts.created += done.items.len(),
            Verb::Update => counts.updated += done.items.len(),
            Verb::Delete => counts.deleted += done.items.len(),
            Verb::Release => {}
        }
        for (sync_id, id) in done.items {
            match (done.verb, sync_id, id) {
                (Verb::Delete, _, Some(id)) => self.deleted.push((done.collection.name, id)),
                (Verb::Create | Verb::Update, Some(sync_id), Some(id)) => {
                    self.written.push((done.collection.name, sync_id, id));
                }
                _ => {}
            }
        }
    }
}
