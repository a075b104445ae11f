//! The schema of an instance: read, compared with a desired one, and brought to it.
//!
//! The comparison is Lockstep's own ([`lockstep_core::schema::diff`]); before anything is written the server is asked for
//! its own, and where the two disagree nothing is.

mod apply;
mod flow;
mod git;
mod source;

use std::time::Duration;

use lockstep_core::json::Keys;
use lockstep_core::report::SchemaReport;
use lockstep_core::schema::{AdaptError, Mode, SchemaDiff, Scope, Severity, Snapshot, adapt, diff, lint};
use lockstep_directus::{Client, schema};

use crate::error::EngineError;

pub use crate::compare::schema_notices;
pub(crate) use apply::apply;
pub(crate) use flow::count_losses;
pub use flow::{Goal, apply_to, compare_instance, compare_offline, snapshot, whole_snapshot};
pub use git::GitError;
pub use source::{Source, SourceError, to_text};

/// A desired schema compared with that of an instance.
#[derive(Debug)]
pub struct SchemaComparison {
    /// The schema of the instance.
    pub current: Snapshot,
    /// What it is to become: the desired schema, made to fit the instance.
    pub desired: Snapshot,
    /// What leads from one to the other; none if they are the same.
    pub diff: Option<SchemaDiff>,
    /// The same for people.
    pub report: SchemaReport,
}

/// How schemas are compared.
#[derive(Clone, Debug, Default)]
pub struct SchemaOptions {
    /// The collections that take part.
    pub scope: Scope,
    /// Whether what is not desired goes.
    pub mode: Mode,
}

/// The whole schema of an instance.
///
/// # Errors
/// When it cannot be read, or is none.
pub(crate) async fn read(client: &Client) -> Result<Snapshot, EngineError> {
    let text = schema::snapshot_text(client).await?;
    let json = Keys::default().parse(&text).map_err(EngineError::SchemaText)?;
    Ok(Snapshot::from_value(json)?)
}

/// What leads from the schema `current` to the desired one.
///
/// # Errors
/// When one of them does not tell its version, or the desired one is wrong by itself.
pub(crate) fn compare(
    current: Snapshot,
    desired: Snapshot,
    options: &SchemaOptions,
) -> Result<SchemaComparison, EngineError> {
    let adapted = adapt(desired, &current, &options.scope)?;
    let desired = adapted.snapshot;
    let diff = diff(&current, &desired, options.mode).map_err(AdaptError::Version)?;
    check(&current, &desired, diff.as_ref(), options.mode)?;
    let changes = diff.as_ref().map(|diff| diff.changes(Some(&current))).unwrap_or_default();
    let report = SchemaReport { changes, left_out: adapted.left_out };
    Ok(SchemaComparison { current, desired, diff, report })
}

/// What is wrong with a schema by itself is told before anything is sent; what is wrong on the instance already is not the
/// fault of who pushes. Merging keeps what the desired schema does not have, so the result is what counts.
fn check(
    current: &Snapshot,
    desired: &Snapshot,
    diff: Option<&SchemaDiff>,
    mode: Mode,
) -> Result<(), EngineError> {
    let merged = diff.filter(|_| mode == Mode::Merge).and_then(|diff| diff.applied_to(current).ok());
    let known = lint(current);
    let errors: Vec<_> = lint(merged.as_ref().unwrap_or(desired))
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error && !known.contains(finding))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(EngineError::Lint(errors)) }
}

/// A pause between asking again.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);
