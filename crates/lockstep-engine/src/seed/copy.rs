//! Records of one instance become records of another, without files in between.

use std::sync::Arc;
use std::time::Instant;

use lockstep_core::collection::Collection;
use lockstep_core::content::{Model, Part, misfits};
use lockstep_core::record::Record;
use lockstep_core::report::{Applied, ComparisonReport, Event, Observer, Phase};
use lockstep_core::schema::{Mode, Scope, Snapshot};
use lockstep_core::seed::{Meta, Seed, SeedRecord, Seeds};
use lockstep_directus::Client;
use serde_json::Value;

use super::SeedOptions;
use super::gather::Gathered;
use super::place::keeps_ids;
use super::prepared::Prepared;
use super::related::possible;
use super::selection::{Chosen, SeedSelection};
use super::source::SeedSource;
use crate::assets::Assets;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::Interrupt;
use crate::push::{Consent, bring};
use crate::schema::{self, Goal, SchemaOptions};

/// One of the two instances of a copy.
#[derive(Debug)]
pub struct Side<'a> {
    /// The connection.
    pub client: Client,
    /// Where its mappings are.
    pub options: &'a SeedOptions,
}

/// What a copy does besides bringing records.
#[derive(Clone, Copy, Debug, Default)]
pub struct CopyOptions {
    /// Whether the schema of what is copied is brought there first. What the target has besides stays.
    pub schema: bool,
    /// Whether tracked records of the copied collections go that are not among those copied.
    pub delete: bool,
}

/// Brings chosen records of one instance to another, and checks by a second comparison that they got there. The instance
/// that they come from is only read.
///
/// # Errors
/// As [`super::push`]; [`EngineError::Unfit`] where the schemas do not fit, before items are read.
pub async fn copy(
    from: Side<'_>,
    to: Side<'_>,
    selection: &SeedSelection,
    options: CopyOptions,
    observer: &dyn Observer,
    consent: &dyn Consent,
    interrupt: &Interrupt,
) -> Result<ComparisonReport, EngineError> {
    let started = Instant::now();
    observer.event(Event::Phase(Phase::Connecting));
    if from.client.url() == to.client.url() {
        return Err(EngineError::SameInstance { url: to.client.url().to_owned() });
    }
    let (source, target) =
        futures::future::try_join(Instance::connect(from.client), Instance::connect(to.client)).await?;
    observer.event(Event::Phase(Phase::Reading));
    let snapshot = schema::read(&source.client).await?;
    let here = Model::new(snapshot.clone());
    let chosen = selection.choose(&here, "copy")?;
    let brought = match options.schema {
        true => {
            Some(bring_schema(&target, snapshot, &scope(&here, &chosen, selection), observer, consent).await?)
        }
        false => None,
    };
    let wrote = brought.as_ref().is_some_and(|report| report.applied.as_ref().is_some_and(|it| it.schema));
    let items = async {
        let there = Model::new(schema::read(&target.client).await?);
        check(&here, &there, chosen.iter().map(Chosen::part).collect())?;
        let mut gathered = Gathered::read(&source, &here, from.options, selection, &chosen).await?;
        let along = gathered.collections.iter().map(|collection| whole(collection)).skip(chosen.len());
        check(&here, &there, along.collect())?;
        let seeds = gathered.collections.clone().into_iter().map(|collection| {
            let records = gathered.take(collection);
            seed(collection, records, &gathered, options)
        });
        let seeds = Seeds::merge(seeds.collect())?;
        let mut prepared = Prepared::new(seeds, &there, target.version.major)?;
        prepared.notices.extend(std::mem::take(&mut gathered.notices));
        drop(gathered);
        let assets = Assets::Of(source.client.clone());
        let source = SeedSource { options: to.options, prepared, assets };
        Box::pin(bring("copy", started, target, source, observer, consent, interrupt)).await
    };
    match (items.await, brought) {
        (Ok(report), Some(schema)) => Ok(together(report, schema)),
        (Ok(report), None) => Ok(report),
        (Err(error), _) if wrote => Err(partly(error)),
        (Err(error), _) => Err(error),
    }
}

/// Whether records of these collections can be there at all.
fn check(here: &Model, there: &Model, parts: Vec<Part>) -> Result<(), EngineError> {
    let found = misfits(here, there, &parts);
    if found.is_empty() { Ok(()) } else { Err(EngineError::Unfit(found)) }
}

fn whole(collection: &Collection) -> Part {
    Part { collection: collection.full_name.to_owned(), ..Part::default() }
}

/// The collections that may be copied.
fn scope(model: &Model, chosen: &[Chosen], selection: &SeedSelection) -> Vec<String> {
    let chosen: Vec<_> = chosen.iter().map(|chosen| chosen.collection).collect();
    let all = possible(model, &chosen, selection.related, selection.files);
    all.into_iter().map(|collection| collection.full_name.to_owned()).collect()
}

/// Adds to the schema of the target what the source has in these collections.
async fn bring_schema(
    target: &Instance,
    desired: Snapshot,
    names: &[String],
    observer: &dyn Observer,
    consent: &dyn Consent,
) -> Result<ComparisonReport, EngineError> {
    let known: Vec<&str> = desired.collection_names().chain(desired.system_collections()).collect();
    let only: Vec<String> = names.iter().filter(|name| known.contains(&name.as_str())).cloned().collect();
    let options = SchemaOptions { scope: Scope::new(only, Vec::new()), mode: Mode::Merge };
    let goal = Goal::Snapshot(desired);
    schema::apply_to(target.client.clone(), goal, &options, false, observer, consent).await
}

/// The records of a collection as a seed.
fn seed(
    collection: &'static Collection,
    records: Vec<Record>,
    gathered: &Gathered<'_>,
    options: CopyOptions,
) -> Seed {
    let preserve_ids = keeps_ids(collection, &records);
    let name = collection.full_name;
    let records = records.into_iter().map(|mut record| {
        let id = gathered.id(collection, &record);
        let place = format!("{name} {}", id.map_or(record.sync_id.as_str(), |id| id.as_str()));
        if let (Some(field), Some(id)) = (collection.upload, id) {
            Arc::make_mut(&mut record.fields).insert(field.to_owned(), Value::from(id.as_str()));
        }
        SeedRecord { record, place }
    });
    Seed {
        collection: name.to_owned(),
        meta: Meta { preserve_ids, delete: options.delete, ..Meta::default() },
        records: records.collect(),
        place: name.to_owned(),
    }
}

/// One report of both parts.
fn together(mut report: ComparisonReport, schema: ComparisonReport) -> ComparisonReport {
    report.differences.schema = schema.differences.schema;
    if let (Some(applied), Some(of_schema)) = (&mut report.applied, schema.applied) {
        applied.schema |= of_schema.schema;
    }
    if let Some(residue) = schema.residue {
        report.converged = false;
        report.residue.get_or_insert(residue);
    }
    report.notices.splice(0..0, schema.notices);
    report
}

/// The schema was written before this went wrong.
fn partly(error: EngineError) -> EngineError {
    let (mut applied, source) = match error {
        EngineError::Partly { applied, source } => (applied, source),
        other => (Box::<Applied>::default(), Box::new(other)),
    };
    applied.schema = true;
    EngineError::Partly { applied, source }
}
