//! The schema of an instance: read, compared with a desired one, and brought to it.
//!
//! The comparison is Lockstep's own ([`lockstep_core::schema::diff`]); before anything is written the server is asked for
//! its own, and where the two disagree nothing is.

mod apply;
mod flow;
mod git;
mod source;

use std::time::Duration;

use futures::future::try_join;
use lockstep_core::json::{Json, Keys};
use lockstep_core::report::SchemaReport;
use lockstep_core::schema::{
    AdaptError, Finding, Mode, SchemaChange, SchemaDiff, Scope, Severity, Snapshot, adapt, beyond, diff,
    lint,
    lists::{self, Lists},
};
use lockstep_directus::schema::List;
use lockstep_directus::{Client, schema};

use crate::error::EngineError;
use crate::instance::Instance;

pub use crate::compare::schema_notices;
pub(crate) use apply::apply;
pub(crate) use flow::count_losses;
pub use flow::{Goal, apply_to, compare_instance, snapshot, whole_snapshot};
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

/// The same, by the quickest way: where that was compared, made of the lists that the server makes it of
/// ([`lists`]).
///
/// # Errors
/// When it cannot be read, or is none.
pub(crate) async fn current(instance: &Instance) -> Result<Snapshot, EngineError> {
    if lists::tell_all(instance.version)
        && let Some(snapshot) = of_lists(instance).await?
    {
        return Ok(snapshot);
    }
    read(&instance.client).await
}

async fn of_lists(instance: &Instance) -> Result<Option<Snapshot>, EngineError> {
    let list = async |list| -> Result<Json, EngineError> {
        let text = schema::list_text(&instance.client, list).await?;
        Keys::default().parse(&text).map_err(EngineError::SchemaText)
    };
    let collections = list(List::Collections).await?;
    if lists::hint(&collections).is_none() {
        return Ok(None);
    }
    let (fields, relations) = try_join(list(List::Fields), list(List::Relations)).await?;
    Ok(Lists { collections, fields, relations }.snapshot(instance.version)?)
}

/// What leads from the schema `current` to the desired one, and what is wrong with that.
///
/// # Errors
/// When one of them does not tell its version, or the scope names what neither has.
pub fn compare(
    current: Snapshot,
    desired: Snapshot,
    options: &SchemaOptions,
) -> Result<SchemaComparison, EngineError> {
    check_scope(&options.scope, [&current, &desired])?;
    let adapted = adapt(desired, &current, &options.scope)?;
    let desired = adapted.snapshot;
    let diff = diff(&current, &desired, options.mode).map_err(AdaptError::Version)?;
    let changes = diff.as_ref().map(|diff| diff.changes(Some(&current))).unwrap_or_default();
    let errors = errors(&current, &desired, diff.as_ref(), &changes, options.mode);
    let mut left_out = adapted.left_out;
    left_out.extend(adapted.leaving);
    left_out.sort();
    let report = SchemaReport { changes, left_out, errors };
    Ok(SchemaComparison { current, desired, diff, report })
}

impl SchemaComparison {
    /// The comparison, if nothing is wrong with the desired schema.
    ///
    /// # Errors
    /// [`EngineError::Lint`] with all that is.
    pub(crate) fn checked(self) -> Result<Self, EngineError> {
        if self.report.errors.is_empty() { Ok(self) } else { Err(EngineError::Lint(self.report.errors)) }
    }
}

/// A pattern that matches nothing is most likely misspelled.
///
/// # Errors
/// [`EngineError::NoSuchCollections`] with these patterns.
pub fn check_scope<'a>(
    scope: &Scope,
    snapshots: impl IntoIterator<Item = &'a Snapshot>,
) -> Result<(), EngineError> {
    let mut names: Vec<&str> = Vec::new();
    for snapshot in snapshots {
        names.extend(snapshot.collection_names().chain(snapshot.system_collections()));
    }
    let unmatched = scope.unmatched(names.iter().copied());
    if unmatched.is_empty() {
        return Ok(());
    }
    Err(EngineError::NoSuchCollections(unmatched.into_iter().map(str::to_owned).collect()))
}

/// What is wrong with a desired schema by itself; what is wrong on the instance already is not the fault of who pushes.
/// Merging keeps what the desired schema does not have, so the result is what counts.
fn errors(
    current: &Snapshot,
    desired: &Snapshot,
    diff: Option<&SchemaDiff>,
    changes: &[SchemaChange],
    mode: Mode,
) -> Vec<Finding> {
    let merged = diff.filter(|_| mode == Mode::Merge).and_then(|diff| diff.applied_to(current).ok());
    let known = lint(current);
    let result = merged.as_ref().unwrap_or(desired);
    let mut errors: Vec<_> = lint(result)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error && !known.contains(finding))
        .collect();
    errors.extend(beyond(result, current));
    // No request brings a table from one primary key to another with its records.
    let keys = changes.iter().filter(|change| change.code == "primary-key-changed");
    errors.extend(keys.map(|change| Finding {
        severity: Severity::Error,
        code: change.code,
        name: change.name(),
        message: change.reason.clone().unwrap_or_default(),
        hint: change.way_out.unwrap_or_default(),
    }));
    errors
}

/// A pause between asking again.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn field(collection: &str, name: &str, key: bool) -> Value {
        json!({"collection": collection, "field": name, "type": "integer", "meta": {"collection": collection, "field": name},
            "schema": {"name": name, "table": collection, "data_type": "integer", "is_primary_key": key, "is_nullable": !key}})
    }

    fn snapshot(collections: &[&str], fields: &[Value], relations: &Value) -> Snapshot {
        let collection =
            |name: &&str| json!({"collection": name, "meta": {"collection": name}, "schema": {"name": name}});
        Snapshot::from_value(
            json!({"version": 1, "directus": "11.17.4", "vendor": "sqlite", "fields": fields,
            "collections": collections.iter().map(collection).collect::<Vec<_>>(), "relations": relations}),
        )
        .unwrap()
    }

    #[test]
    fn a_primary_key_is_never_changed() {
        let none = json!([]);
        let current = snapshot(&["a"], &[field("a", "id", true), field("a", "n", false)], &none);
        for fields in [vec![field("a", "id", false), field("a", "n", true)], vec![field("a", "n", true)]] {
            let desired = snapshot(&["a"], &fields, &none);
            let compared = compare(current.clone(), desired, &SchemaOptions::default()).unwrap();
            let findings = compared.report.errors.clone();
            assert!(
                findings.iter().any(|it| (it.code, it.name.as_str()) == ("primary-key-changed", "a.id")),
                "{findings:?}"
            );
            assert!(matches!(compared.checked(), Err(EngineError::Lint(_))));
        }
    }

    #[test]
    fn a_key_under_another_name_is_a_changed_key() {
        let counted = |name| {
            let mut key = field("a", name, true);
            key["schema"]["has_auto_increment"] = json!(true);
            key
        };
        for key in [field("a", "id", true), counted("id")] {
            let current = snapshot(&["a"], &[key], &json!([]));
            for new in [field("a", "uid", true), counted("uid")] {
                let desired = snapshot(&["a"], &[new], &json!([]));
                let compared = compare(current.clone(), desired, &SchemaOptions::default()).unwrap();
                let codes: Vec<_> =
                    compared.report.errors.iter().map(|it| (it.code, it.name.as_str())).collect();
                assert_eq!(codes, [("primary-key-changed", "a.id")]);
            }
        }
    }

    #[test]
    fn merged_is_what_the_instance_has_as_well() {
        let relation = json!([{"collection": "a", "field": "b", "related_collection": "b", "meta": {}}]);
        let fields = [field("a", "id", true), field("a", "b", false)];
        let current = snapshot(&["b"], &[field("b", "id", true)], &json!([]));
        let desired = snapshot(&["a"], &fields, &relation);
        let with = |mode| {
            compare(current.clone(), desired.clone(), &SchemaOptions { mode, ..SchemaOptions::default() })
                .unwrap()
                .checked()
        };
        assert!(with(Mode::Merge).is_ok());
        assert!(matches!(with(Mode::Mirror), Err(EngineError::Lint(_))), "b would be dropped");
    }

    #[test]
    fn a_name_that_nothing_has_is_told() {
        let here = snapshot(&["blog"], &[field("blog", "id", true)], &json!([]));
        let scope = Scope::new(vec!["blog*".to_owned(), "pgaes".to_owned()], Vec::new());
        let options = SchemaOptions { scope, mode: Mode::Mirror };
        let error = compare(here.clone(), here, &options).unwrap_err();
        assert_eq!(error.to_string(), "no collection is called pgaes");
    }
}
