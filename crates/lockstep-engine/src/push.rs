//! Diff and push: a dump becomes the state of an instance, after everything was checked and consented to.

use std::time::Instant;

use lockstep_core::collection::Registry;
use lockstep_core::identity::Mappings;
use lockstep_core::plan::{Limits, plan};
use lockstep_core::record::LocalId;
use lockstep_core::report::{Applied, ComparisonReport, Differences, Event, InstanceInfo, Observer, Phase};
use lockstep_core::schema::Mode;
use lockstep_directus::{Client, caches};

use crate::assets::Assets;
use crate::compare::{Compared, compare};
use crate::creating;
use crate::desired::{Desired, Opened};
use crate::error::EngineError;
use crate::executor::{Executor, Made, Outcome};
use crate::instance::Instance;
use crate::licence;
use crate::options::{Interrupt, Options, Unset};
use crate::schema;
use crate::state::Store;

/// An answer to the question whether to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Apply,
    /// No.
    Decline,
    /// There is somebody to ask, and nobody was: the output is a document.
    Unasked,
    /// The changes are destructive, and nobody consented to that.
    Refuse,
}

impl Decision {
    /// Whether to go on with these changes.
    ///
    /// # Errors
    /// Why not; nothing was written then.
    pub(crate) fn on(self, differences: &Differences) -> Result<(), EngineError> {
        match self {
            Self::Apply => Ok(()),
            Self::Decline => Err(EngineError::Declined),
            Self::Unasked => Err(EngineError::Unasked),
            Self::Refuse => Err(EngineError::Refused(Box::new(differences.clone()))),
        }
    }
}

/// Who decides whether to write, after having seen what.
pub trait Consent {
    /// Decides.
    fn decide(&self, instance: &InstanceInfo, differences: &Differences, notices: &[String]) -> Decision;
}

/// Compares a dump with an instance. Nothing is written anywhere.
///
/// # Errors
/// When one of them cannot be read completely, or the dump contradicts itself or the instance.
pub async fn diff(
    client: Client,
    options: &Options,
    observer: &dyn Observer,
) -> Result<ComparisonReport, EngineError> {
    let started = Instant::now();
    observer.event(Event::Phase(Phase::Connecting));
    let opened = Opened::begin(options);
    let instance = Instance::connect(client).await?;
    let desired = Desired::read(opened, options, &instance, Unset::LeaveOut).await?;
    observer.event(Event::Phase(Phase::Reading));
    look("diff", started, &instance, &DumpSource { desired, options }).await
}

/// Brings an instance to what a dump says, and checks by a second comparison that it got there.
///
/// # Errors
/// Before the first write: when something cannot be read, the dump contradicts itself or the instance, or consent is
/// missing. After it: [`EngineError::Partly`], with what was written; that is then recorded in the store.
pub async fn push(
    client: Client,
    options: &Options,
    observer: &dyn Observer,
    consent: &dyn Consent,
    interrupt: &Interrupt,
) -> Result<ComparisonReport, EngineError> {
    let started = Instant::now();
    observer.event(Event::Phase(Phase::Connecting));
    let opened = Opened::begin(options);
    let instance = Instance::connect(client).await?;
    let desired = Desired::read(opened, options, &instance, options.unset).await?;
    observer.event(Event::Phase(Phase::Reading));
    let source = DumpSource { desired, options };
    bring("push", started, instance, source, observer, consent, interrupt).await
}

/// What an instance is brought to.
pub(crate) trait Source {
    /// Compares it with the instance, reading the instance anew.
    async fn compare(&self, instance: &Instance, store: &mut Option<Store>) -> Result<Compared, EngineError>;

    /// How its schema is applied.
    fn schema_mode(&self) -> Option<Mode>;

    /// Where the files are that its records come with.
    fn assets(&self) -> Assets {
        Assets::Disk
    }
}

/// A dump, as it was read.
struct DumpSource<'a> {
    desired: Desired,
    options: &'a Options,
}

impl Source for DumpSource<'_> {
    async fn compare(&self, instance: &Instance, store: &mut Option<Store>) -> Result<Compared, EngineError> {
        compare(instance, &self.desired, store, self.options).await
    }

    fn schema_mode(&self) -> Option<Mode> {
        Some(self.options.schema_options.mode)
    }
}

/// Compares, and writes nothing.
pub(crate) async fn look(
    command: &'static str,
    started: Instant,
    instance: &Instance,
    source: &impl Source,
) -> Result<ComparisonReport, EngineError> {
    let mut store = None;
    let compared = source.compare(instance, &mut store).await?;
    Ok(ComparisonReport {
        command,
        instance: info(instance, store.as_ref()),
        converged: compared.differences.is_empty(),
        differences: compared.differences,
        applied: None,
        residue: None,
        notices: compared.notices,
        requests: instance.client.requests_sent(),
        duration_ms: milliseconds(started),
    })
}

/// Compares, asks, writes and compares again.
pub(crate) async fn bring(
    command: &'static str,
    started: Instant,
    instance: Instance,
    source: impl Source,
    observer: &dyn Observer,
    consent: &dyn Consent,
    interrupt: &Interrupt,
) -> Result<ComparisonReport, EngineError> {
    caches::clear(&instance.client).await?;
    let mut pusher =
        Pusher { instance, source, observer, interrupt, store: None, applied: Applied::default() };
    let first = pusher.compare().await?;
    licence::check(&pusher.instance, &first).await?;
    let info = info(&pusher.instance, pusher.store.as_ref());
    if !first.differences.is_empty() {
        consent.decide(&info, &first.differences, &first.notices).on(&first.differences)?;
    }
    let (differences, notices) = (first.differences.clone(), first.notices.clone());
    let residue = match pusher.write(first).await {
        Ok(residue) => residue,
        Err(error) if pusher.applied.is_empty() && !error.may_have_been_applied() => {
            return Err(if matches!(error, EngineError::Interrupted) {
                EngineError::InterruptedInTime
            } else {
                error
            });
        }
        Err(error) => {
            return Err(EngineError::Partly { applied: Box::new(pusher.applied), source: Box::new(error) });
        }
    };
    Ok(ComparisonReport {
        command,
        instance: info,
        differences,
        converged: residue.is_none(),
        applied: Some(pusher.applied),
        residue,
        notices,
        requests: pusher.instance.client.requests_sent(),
        duration_ms: milliseconds(started),
    })
}

struct Pusher<'a, S> {
    instance: Instance,
    source: S,
    observer: &'a dyn Observer,
    interrupt: &'a Interrupt,
    store: Option<Store>,
    applied: Applied,
}

impl<S: Source> Pusher<'_, S> {
    async fn compare(&mut self) -> Result<Compared, EngineError> {
        self.source.compare(&self.instance, &mut self.store).await
    }

    /// Writes schema and records, records what was written, and gives what a second comparison still finds.
    async fn write(&mut self, mut compared: Compared) -> Result<Option<Differences>, EngineError> {
        if compared.differences.is_empty() {
            self.save(self.known(&compared, &Outcome::default())).await?;
            return Ok(None);
        }
        if let Some(schema) = compared.schema.take() {
            self.observer.event(Event::Phase(Phase::ApplyingSchema));
            schema::apply(&self.instance.client, &schema, self.source.schema_mode()).await?;
            self.applied.schema = true;
            // A field that was added to a system collection was not there to be compared.
            let of_system = |name: &str| name.starts_with("directus_");
            let changed = compared.differences.schema.iter().flat_map(|schema| &schema.changes);
            if changed.into_iter().any(|change| of_system(&change.collection)) {
                let consented = compared.differences.is_destructive();
                compared = self.compare().await?;
                if compared.differences.is_destructive() && !consented {
                    return Err(EngineError::Refused(Box::new(compared.differences)));
                }
            }
        }
        self.observer.event(Event::Phase(Phase::WritingRecords));
        let mut outcome = self.write_records(&mut compared).await;
        let known = self.known(&compared, &outcome);
        let counted = compared.changes.collections.iter().any(|(collection, _)| collection.is_content());
        // A large instance does not have to be held twice.
        drop(compared);
        if let Some(error) = outcome.error.take() {
            if !self.applied.is_empty() {
                // What cannot be recorded now is recognized by the next push.
                let _ = self.save(known).await;
            }
            return Err(error);
        }
        if counted {
            // Nothing but its mapping says which record a row of content is.
            self.save(known.clone()).await?;
        }
        self.verify(known).await
    }

    async fn write_records(&mut self, compared: &mut Compared) -> Outcome {
        let collections = compared.changes.collections.iter().map(|(collection, _)| *collection);
        let registry = Registry::new(collections.collect());
        let limits = Limits { side_by_side: !compared.one_at_a_time, ..Limits::default() };
        let plan = plan(&compared.changes, &compared.rows, limits);
        let made = Made::among(&registry);
        let announced = match self.known(compared, &Outcome::default()).zip(self.store.as_mut()) {
            Some((known, store)) => creating::announce(&self.instance, store, known, &plan, &made).await,
            None => Ok(()),
        };
        if let Err(error) = announced {
            return Outcome { error: Some(error), ..Outcome::default() };
        }
        compared.changes.collections.iter_mut().for_each(|(_, changes)| changes.items = Vec::new());
        let executor = Executor {
            instance: &self.instance,
            observer: self.observer,
            interrupt: self.interrupt,
            before: &compared.rows,
            made,
            assets: self.source.assets(),
        };
        let mut outcome = executor.run(&plan).await;
        self.applied.collections = std::mem::take(&mut outcome.applied.collections);
        outcome
    }

    /// Compares again; what is found to be paired now is what the store records, else what was known before.
    async fn verify(&mut self, known: Option<Mappings>) -> Result<Option<Differences>, EngineError> {
        self.observer.event(Event::Phase(Phase::Verifying));
        let second = match self.compare().await {
            Ok(second) => second,
            Err(error) => {
                self.save(known).await?;
                return Err(error);
            }
        };
        self.observer.event(Event::Phase(Phase::Recording));
        self.save(self.known(&second, &Outcome::default())).await?;
        Ok(Some(second.differences).filter(|residue| !residue.is_empty()))
    }

    /// What the store is to hold: every pair that exists on the instance, and nothing that is gone.
    fn known(&self, compared: &Compared, outcome: &Outcome) -> Option<Mappings> {
        let mut known = self.store.as_ref()?.mappings.clone();
        for (collection, of_collection) in &compared.changes.collections {
            for sync_id in &of_collection.dangling {
                known.forget(collection.name, sync_id.as_str());
            }
        }
        for (name, id) in &outcome.deleted {
            forget(&mut known, name, id);
        }
        for (name, sync_id, id) in paired(compared) {
            known.record(name, sync_id, id);
        }
        for (name, sync_id, id) in &outcome.written {
            known.record(name, sync_id.clone(), id.clone());
            if outcome.error.is_some() {
                known.forget(&creating::table(name), sync_id.as_str());
            }
        }
        if outcome.error.is_none() {
            let collections = compared.changes.collections.iter();
            collections.for_each(|(collection, _)| creating::settle(&mut known, collection));
        }
        Some(known)
    }

    async fn save(&mut self, known: Option<Mappings>) -> Result<(), EngineError> {
        match (&mut self.store, known) {
            (Some(store), Some(known)) => store.save(known).await,
            _ => Ok(()),
        }
    }
}

/// Pairs of the collections that take part whose row exists and takes part.
fn paired(
    compared: &Compared,
) -> impl Iterator<Item = (&'static str, lockstep_core::record::SyncId, LocalId)> {
    let ids = &compared.changes.matching.ids;
    compared.changes.collections.iter().flat_map(move |(collection, _)| {
        let rows = compared.rows.get(collection.name).into_iter().flatten();
        rows.filter_map(move |row| {
            let sync_id = ids.sync(collection.name, row.id.as_str())?;
            if compared.untouched.rows.contains(&(collection.name, row.id.clone())) {
                return None;
            }
            Some((collection.name, sync_id.clone(), row.id.clone()))
        })
    })
}

fn forget(mappings: &mut Mappings, collection: &str, id: &LocalId) {
    let found = mappings.of(collection).find(|(_, local)| *local == id).map(|(sync_id, _)| sync_id.clone());
    if let Some(sync_id) = found {
        mappings.forget(collection, sync_id.as_str());
    }
}

pub(crate) fn info(instance: &Instance, store: Option<&Store>) -> InstanceInfo {
    InstanceInfo {
        url: instance.client.url().to_owned(),
        version: instance.version.to_string(),
        state: store.map(Store::name),
    }
}

pub(crate) fn milliseconds(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
