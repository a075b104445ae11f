//! The schema alone: read, compared and applied for people who want nothing else.

use std::collections::BTreeSet;
use std::time::Instant;

use futures::future::join_all;
use lockstep_core::reconcile::Changes;
use lockstep_core::report::{
    Applied, ComparisonReport, Differences, Event, InstanceInfo, Observer, Phase, SchemaReport,
};
use lockstep_core::schema::{
    ChangeKind, Mode, OWN_TABLES, Risk, SchemaChange, SchemaDiff, SchemaItem, Snapshot,
};
use lockstep_directus::items::{self, Endpoint};
use lockstep_directus::{Client, caches};

use super::{SchemaComparison, SchemaOptions, apply, compare, errors, read};
use crate::compare::schema_notices;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::licence;
use crate::push::{Consent, milliseconds};

/// What an instance is to be brought to.
#[derive(Debug)]
pub enum Goal {
    /// This schema.
    Snapshot(Snapshot),
    /// What these changes lead to, which were computed before.
    Diff(SchemaDiff),
}

/// The schema of an instance, without the tables of sync tools.
///
/// # Errors
/// When it is no Directus, the user is no administrator, or the schema cannot be read.
pub async fn snapshot(client: Client) -> Result<Snapshot, EngineError> {
    Ok(whole_snapshot(client).await?.without_collections(&OWN_TABLES))
}

/// The schema of an instance, whole: as the server's own comparison and hash see it.
///
/// # Errors
/// As [`snapshot`].
pub async fn whole_snapshot(client: Client) -> Result<Snapshot, EngineError> {
    let instance = Instance::connect(client).await?;
    read(&instance.client).await
}

/// Compares an instance with a desired schema; nothing is written. Counts what would be lost.
///
/// # Errors
/// As [`snapshot`].
pub async fn compare_instance(
    client: Client,
    desired: Snapshot,
    options: &SchemaOptions,
) -> Result<SchemaComparison, EngineError> {
    let instance = Instance::connect(client).await?;
    let mut comparison = compare(read(&instance.client).await?, desired, options)?;
    count_losses(&instance.client, &mut comparison.report).await;
    Ok(comparison)
}

/// Brings the schema of an instance to a goal, and checks by a second comparison that it got there. `force` applies
/// changes that were computed before although the schema is another one now.
///
/// # Errors
/// Before the write: when something cannot be read, the schema is another one than the changes were computed for, something is
/// wrong with it, the licence does not allow it, or consent is missing. After it: [`EngineError::Partly`].
pub async fn apply_to(
    client: Client,
    goal: Goal,
    options: &SchemaOptions,
    force: bool,
    observer: &dyn Observer,
    consent: &dyn Consent,
) -> Result<ComparisonReport, EngineError> {
    let started = Instant::now();
    observer.event(Event::Phase(Phase::Connecting));
    let instance = Instance::connect(client).await?;
    observer.event(Event::Phase(Phase::Reading));
    caches::clear(&instance.client).await?;
    let current = read(&instance.client).await?;
    let mut comparison = match &goal {
        Goal::Snapshot(desired) => compare(current, desired.clone(), options)?.checked()?,
        Goal::Diff(_) if !options.scope.is_everything() => return Err(EngineError::ScopeOfDiff),
        Goal::Diff(diff) => {
            of_diff(current, diff.clone().without_collections(&OWN_TABLES), force)?.checked()?
        }
    };
    count_losses(&instance.client, &mut comparison.report).await;
    licence::check_schema(&instance, &comparison.report).await?;
    let info = InstanceInfo {
        url: instance.client.url().to_owned(),
        version: instance.version.to_string(),
        state: None,
    };
    let notices = schema_notices(&comparison.report);
    let differences = Differences::new(Some(comparison.report.clone()), &Changes::default());
    let mut applied = Applied::default();
    let mut residue = None;
    if comparison.diff.is_some() {
        consent.decide(&info, &differences, &notices).on(&differences)?;
        observer.event(Event::Phase(Phase::ApplyingSchema));
        // Changes that were computed before cannot be compared with what the server would compute now.
        let mode = if matches!(goal, Goal::Diff(_)) { None } else { Some(options.mode) };
        apply(&instance.client, &comparison, mode).await.map_err(|error| {
            match error.may_have_been_applied() {
                true => EngineError::Partly { applied: Box::default(), source: Box::new(error) },
                false => error,
            }
        })?;
        applied.schema = true;
        observer.event(Event::Phase(Phase::Verifying));
        residue = verify(&instance, goal, &comparison, options).await.map_err(|error| {
            EngineError::Partly { applied: Box::new(applied.clone()), source: Box::new(error) }
        })?;
    }
    Ok(ComparisonReport {
        command: "schema apply",
        instance: info,
        differences,
        converged: residue.is_none(),
        applied: Some(applied),
        residue,
        notices,
        requests: instance.client.requests_sent(),
        duration_ms: milliseconds(started),
    })
}

/// Changes that were computed before, as a comparison. The hash says that the schema is the one that they were computed for,
/// so they are what the server would compute now; it is not asked, and checks the hash itself when it gets them.
fn of_diff(current: Snapshot, mut diff: SchemaDiff, force: bool) -> Result<SchemaComparison, EngineError> {
    let hash = current.hash();
    if diff.hash() != hash {
        if !force {
            return Err(EngineError::OtherSchema { expected: diff.hash().to_owned(), found: hash });
        }
        diff.set_hash(hash);
    }
    let desired = diff.applied_to(&current).map_err(EngineError::Misfit)?;
    let changes = diff.changes(Some(&current));
    let errors = errors(&current, &desired, None, &changes, Mode::Mirror);
    let report = SchemaReport { changes, left_out: Vec::new(), errors };
    Ok(SchemaComparison { current, desired, diff: Some(diff).filter(|diff| !diff.is_empty()), report })
}

async fn verify(
    instance: &Instance,
    goal: Goal,
    comparison: &SchemaComparison,
    options: &SchemaOptions,
) -> Result<Option<Differences>, EngineError> {
    let now = read(&instance.client).await?;
    let desired = match goal {
        Goal::Snapshot(desired) => desired,
        Goal::Diff(_) => comparison.desired.clone(),
    };
    let second = compare(now, desired, options)?;
    Ok(second.diff.is_some().then(|| Differences::new(Some(second.report), &Changes::default())))
}

/// So many drops are counted; who drops more knows what it is about.
const COUNTED: usize = 50;

/// Asks how many rows and values the destructive changes would take. What cannot be counted stays uncounted.
pub(crate) async fn count_losses(client: &Client, report: &mut SchemaReport) {
    let loses = |change: &&mut SchemaChange| {
        change.risk == Risk::Destructive
            && (change.kind == ChangeKind::Delete || change.code == "column-dropped")
            && matches!(change.what, SchemaItem::Collection | SchemaItem::Field)
    };
    let dropped: BTreeSet<String> = report
        .changes
        .iter()
        .filter(|change| change.what == SchemaItem::Collection && change.kind == ChangeKind::Delete)
        .map(|change| change.collection.clone())
        .collect();
    let counts = report.changes.iter_mut().filter(loses).take(COUNTED).map(|change| {
        let dropped = &dropped;
        async move {
            let of_dropped = change.what == SchemaItem::Field && dropped.contains(&change.collection);
            if !of_dropped {
                let field = change.field.as_deref().unwrap_or("*");
                change.loses = items::count(client, &Endpoint::of(&change.collection), field).await.ok();
            }
        }
    });
    join_all(counts).await;
}
