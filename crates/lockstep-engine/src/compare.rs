//! A dump compared with an instance: what `diff` shows, and what `push` does and checks afterwards.

use std::collections::BTreeSet;

use futures::future::{try_join, try_join3};
use lockstep_core::collection::Collection;
use lockstep_core::identity::matching::{Sides, match_records};
use lockstep_core::identity::specials::Specials;
use lockstep_core::identity::{InstanceRows, Mappings};
use lockstep_core::reconcile::{Changes, Comparison, Mode, reconcile};
use lockstep_core::record::Row;
use lockstep_core::report::{Differences, SchemaReport};
use lockstep_core::schema::{LeftOutReason, OWN_TABLES, SchemaDiff, Snapshot};
use lockstep_directus::schema;
use serde_json::Value;

use crate::desired::Desired;
use crate::error::EngineError;
use crate::instance::{Instance, ReadRows};
use crate::options::Options;
use crate::state::Store;

/// What a comparison found.
#[derive(Debug)]
pub(crate) struct Compared {
    /// Changes of records, and the pairs of ids.
    pub(crate) changes: Changes,
    /// Changes of the schema, as the server wants them back; none if there is nothing to change.
    pub(crate) schema: Option<SchemaDiff>,
    /// The same for people.
    pub(crate) differences: Differences,
    /// The rows of the instance.
    pub(crate) rows: InstanceRows,
    /// What people ought to know.
    pub(crate) notices: Vec<String>,
}

/// Compares, reading the instance anew.
///
/// # Errors
/// When the instance cannot be read completely, or the dump contradicts itself or the instance.
pub(crate) async fn compare(
    instance: &Instance,
    desired: &Desired,
    store: &mut Option<Store>,
    options: &Options,
) -> Result<Compared, EngineError> {
    let opening = async {
        if store.is_none() && !desired.collections.is_empty() {
            *store = Some(Store::open(options.state, options.state_file.clone(), instance).await?);
        }
        Ok(())
    };
    // What takes the server longest is asked for first.
    let schema = compare_schema(instance, desired, options.force);
    let (schema, read, ()) = try_join3(schema, instance.read(&desired.collections), opening).await?;
    if let Some(store) = store {
        store.check_project(project_id(&read.rows))?;
    }
    let mappings = store.as_ref().map(|store| store.mappings.clone()).unwrap_or_default();
    compare_records(instance, desired, options, read, &mappings, schema)
}

fn compare_records(
    instance: &Instance,
    desired: &Desired,
    options: &Options,
    read: ReadRows,
    mappings: &Mappings,
    schema: Option<(SchemaDiff, SchemaReport)>,
) -> Result<Compared, EngineError> {
    let specials = Specials::find(&read.rows, &instance.user, mappings);
    let sides = Sides {
        dump: &desired.dumped.records,
        rows: &read.rows,
        mappings,
        specials: &specials,
        target: instance.client.url(),
    };
    let mode = Mode {
        scope: options.scope.clone(),
        preserve: options.preserve.clone(),
        attach_roles: options.attach_roles,
        prune: options.prune,
        permissions_hidden: read.hidden_permissions > 0,
        target: instance.client.url().to_owned(),
    };
    let matching = match_records(sides);
    let comparison = Comparison {
        dump: sides.dump,
        rows: sides.rows,
        matching,
        specials: &specials,
        mappings,
        mode: &mode,
    };
    let changes = reconcile(&comparison).map_err(EngineError::Problems)?;
    let (diff, report) = schema.unzip();
    let mut notices = desired.dumped.notices.clone();
    notices.extend(notices_of(&changes, report.as_ref(), read.hidden_permissions));
    if let Some(report) = &report {
        notices.extend(schema_notices(report));
    }
    let report = report.or_else(|| desired.snapshot.as_ref().map(|_| SchemaReport::default()));
    let differences = Differences::new(report, &changes);
    let schema = diff.filter(|diff| !diff.is_empty());
    Ok(Compared { changes, schema, differences, rows: read.rows, notices })
}

/// What the server would change, without what must never be sent.
async fn compare_schema(
    instance: &Instance,
    desired: &Desired,
    force: bool,
) -> Result<Option<(SchemaDiff, SchemaReport)>, EngineError> {
    let Some(snapshot) = &desired.snapshot else { return Ok(None) };
    let diff = async {
        Ok::<_, EngineError>(schema::diff_serialized(&instance.client, snapshot.clone(), force).await?)
    };
    let (diff, current) = try_join(diff, untracked(instance)).await?;
    let Some(mut diff) = diff.map(SchemaDiff::from_value).transpose()?.flatten() else { return Ok(None) };
    let mut left_out = diff.filter(&OWN_TABLES, current.as_ref());
    left_out.extend(diff.drop_equivalent_types());
    left_out.extend(diff.drop_unsaid());
    if !instance.version.has_policies() {
        left_out.extend(diff.guard_first_kind());
    }
    let report = SchemaReport { changes: diff.changes(current.as_ref().or(desired.keys.as_ref())), left_out };
    Ok(Some((diff, report)))
}

/// The schema of an instance whose snapshots hold untracked tables (before 11.10): these must not be dropped.
async fn untracked(instance: &Instance) -> Result<Option<Snapshot>, EngineError> {
    if instance.version.hides_untracked_tables() {
        return Ok(None);
    }
    Ok(Some(Snapshot::from_value(schema::snapshot(&instance.client).await?)?))
}

pub(crate) fn project_id(rows: &InstanceRows) -> Option<&str> {
    let settings: &Row = rows.get("settings")?.first()?;
    settings.fields.get("project_id").and_then(Value::as_str)
}

fn notices_of(changes: &Changes, schema: Option<&SchemaReport>, hidden: u64) -> Vec<String> {
    let mut notices = Vec::new();
    if hidden > 0 {
        notices.push(format!(
            "the instance hides {hidden} permissions (its licence does not include custom rules): none is deleted, and \
             none is created for policies that exist"
        ));
    }
    for (collection, of_collection) in &changes.collections {
        let name = collection.name;
        let unknown =
            of_collection.unknown_fields.iter().filter(|field| !is_added(schema, collection, field));
        let fields: Vec<_> = unknown.map(String::as_str).collect();
        if !fields.is_empty() {
            notices.push(format!("{name}: this Directus does not know {}, left out", fields.join(", ")));
        }
        if !of_collection.withheld.is_empty() && name != "permissions" {
            let ids: Vec<_> = of_collection.withheld.iter().map(|kept| kept.id.as_str()).collect();
            notices.push(format!("{name}: the instance has nothing that stands for {}", ids.join(", ")));
        }
    }
    notices
}

/// True for a field that the schema of the dump adds to a system collection.
fn is_added(schema: Option<&SchemaReport>, collection: &Collection, field: &str) -> bool {
    let mut changes = schema.into_iter().flat_map(|schema| &schema.changes);
    changes
        .any(|change| change.collection == collection.system_name() && change.field.as_deref() == Some(field))
}

fn schema_notices(report: &SchemaReport) -> Vec<String> {
    let unsaid = report.left_out.iter().filter(|left_out| left_out.reason == LeftOutReason::Unsaid);
    let unsaid: BTreeSet<&str> = unsaid.flat_map(|left_out| &left_out.paths).map(String::as_str).collect();
    let unsaid: Vec<_> = unsaid.into_iter().collect();
    let unsaid = (!unsaid.is_empty())
        .then(|| format!("schema: the dump does not say {}, which stay as they are", unsaid.join(", ")));
    let told = report
        .left_out
        .iter()
        .filter(|left_out| {
            use LeftOutReason::{EquivalentType, OwnTable, Unsaid};
            !matches!(left_out.reason, OwnTable | EquivalentType | Unsaid)
        })
        .map(|left_out| {
            let name = left_out
                .field
                .as_ref()
                .map_or(left_out.collection.clone(), |f| format!("{}.{f}", left_out.collection));
            let why = match left_out.reason {
                LeftOutReason::OwnTable => "it belongs to a sync tool",
                LeftOutReason::EquivalentType => "both types are one to the database",
                LeftOutReason::Unsaid => "the dump does not say what it is to be",
                LeftOutReason::Untracked => "Directus does not track the table",
                LeftOutReason::WouldDrop => "Directus 10 would drop the column instead",
                LeftOutReason::WouldCreate => "Directus 10 would try to create it again",
            };
            format!("schema: {name} stays as it is: {why}")
        });
    unsaid.into_iter().chain(told).collect()
}
