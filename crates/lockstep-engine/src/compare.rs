//! A dump compared with an instance: what `diff` shows, and what `push` does and checks afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use futures::FutureExt;
use futures::future::{OptionFuture, try_join};
use lockstep_core::collection::{Collection, Registry};
use lockstep_core::identity::matching::{Sides, match_records};
use lockstep_core::identity::specials::Specials;
use lockstep_core::identity::{InstanceRows, Mappings};
use lockstep_core::reconcile::{Changes, Comparison, Mode, Rules, reconcile};
use lockstep_core::record::Row;
use lockstep_core::report::{Differences, SchemaReport};
use lockstep_core::schema::LeftOutReason;
use lockstep_core::transform::Untouched;
use serde_json::Value;

use crate::beside::beside;
use crate::desired::Desired;
use crate::error::EngineError;
use crate::instance::{Instance, ReadRows};
use crate::options::Options;
use crate::schema::{self, SchemaComparison};
use crate::state::Store;
use crate::transform;

/// What a comparison found.
#[derive(Debug)]
pub(crate) struct Compared {
    /// Changes of records, and the pairs of ids.
    pub(crate) changes: Changes,
    /// The schemas compared; none if there is nothing to change.
    pub(crate) schema: Option<SchemaComparison>,
    /// The same for people.
    pub(crate) differences: Differences,
    /// Whether the database is known to carry out one transaction at a time.
    pub(crate) one_at_a_time: bool,
    /// The rows of the instance.
    pub(crate) rows: InstanceRows,
    /// What people ought to know.
    pub(crate) notices: Vec<String>,
    /// What takes no part.
    pub(crate) untouched: Untouched,
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
    let opening = store.is_none() && !desired.collections.is_empty();
    let opening: OptionFuture<_> =
        opening.then(|| Store::open(options.state, options.state_file.clone(), instance)).into();
    // The schema takes the server longest: records are compared while it is still at it.
    let schema = pin!(compare_schema(instance, desired, options));
    // The mappings are asked for first, because they may take two requests, one after the other.
    let records = pin!(try_join(opening.map(Option::transpose), instance.read(&desired.collections)));
    let ((opened, read), schema) = beside(schema, records).await?;
    *store = opened.or(store.take());
    if let Some(store) = store {
        store.check_project(project_id(&read.rows))?;
    }
    let nothing = Mappings::default();
    let mappings = store.as_ref().map_or(&nothing, |store| &store.mappings);
    let records = compare_records(instance, desired, options, read, mappings);
    // What is wrong with the schema is told before what is wrong with records: it may be why.
    let schema = schema.await?;
    Ok(records?.with(schema, desired))
}

/// Records compared, while the schema may not be known yet.
struct ComparedRecords {
    changes: Changes,
    read: ReadRows,
    remarks: Vec<String>,
    untouched: Untouched,
}

fn compare_records(
    instance: &Instance,
    desired: &Desired,
    options: &Options,
    read: ReadRows,
    mappings: &Mappings,
) -> Result<ComparedRecords, EngineError> {
    let specials = Specials::find(&read.rows, &instance.user, mappings);
    let registry = Registry::default();
    let sides = Sides {
        dump: &desired.dumped.records,
        rows: &read.rows,
        mappings,
        specials: &specials,
        target: instance.client.url(),
        registry: &registry,
    };
    let mode = Mode {
        scope: options.scope.clone(),
        preserve: options.preserve.clone(),
        attach_roles: options.attach_roles,
        prune: options.prune,
        permissions_hidden: read.hidden_permissions > 0,
        target: instance.client.url().to_owned(),
        registry: registry.clone(),
        rules: Rules::default(),
    };
    let matching = match_records(sides);
    let (transformed, remarks) = transform::compared(desired, options, &read.rows, &matching)?;
    let comparison = Comparison {
        dump: sides.dump,
        rows: sides.rows,
        matching,
        specials: &specials,
        mappings,
        mode: &mode,
        transformed: &transformed,
    };
    let changes = reconcile(comparison).map_err(EngineError::Problems)?;
    Ok(ComparedRecords { changes, read, remarks, untouched: transformed.untouched })
}

impl ComparedRecords {
    fn with(self, schema: Option<SchemaComparison>, desired: &Desired) -> Compared {
        let Self { changes, read, remarks, untouched } = self;
        let report = schema.as_ref().map(|schema| schema.report.clone());
        let mut notices = desired.dumped.notices.clone();
        notices.extend(remarks);
        notices.extend(notices_of(&changes, report.as_ref(), read.hidden_permissions));
        notices.extend(report.iter().flat_map(schema_notices));
        let differences = Differences::new(report, &changes);
        let one_at_a_time = schema.as_ref().is_some_and(|schema| schema.current.vendor() == Some("sqlite"));
        let schema = schema.filter(|schema| schema.diff.is_some());
        Compared { changes, schema, differences, one_at_a_time, rows: read.rows, notices, untouched }
    }
}

async fn compare_schema(
    instance: &Instance,
    desired: &Desired,
    options: &Options,
) -> Result<Option<SchemaComparison>, EngineError> {
    let Some(snapshot) = &desired.snapshot else { return Ok(None) };
    let current = schema::current(instance).await?;
    let mut comparison = schema::compare(current, snapshot.clone(), &options.schema_options)?.checked()?;
    schema::count_losses(&instance.client, &mut comparison.report).await;
    Ok(Some(comparison))
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

/// What is different and stays, in a line per reason.
#[must_use]
pub fn schema_notices(report: &SchemaReport) -> Vec<String> {
    let mut by_reason: BTreeMap<LeftOutReason, (BTreeSet<String>, BTreeSet<&str>)> = BTreeMap::new();
    for left_out in &report.left_out {
        let (names, paths) = by_reason.entry(left_out.reason).or_default();
        let name = left_out.field.as_ref().map(|field| format!("{}.{field}", left_out.collection));
        names.insert(name.unwrap_or_else(|| left_out.collection.clone()));
        paths.extend(left_out.paths.iter().map(String::as_str));
    }
    let listed = |names: &BTreeSet<String>| {
        let shown: Vec<&str> = names.iter().map(String::as_str).take(LISTED).collect();
        let more = names.len() - shown.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", shown.join(", "))
    };
    let told = by_reason.into_iter().filter_map(|(reason, (names, paths))| {
        let paths = paths.into_iter().collect::<Vec<_>>().join(", ");
        let names = listed(&names);
        Some(match reason {
            // Nobody asked for these, and nobody misses them.
            LeftOutReason::OwnTable | LeftOutReason::EquivalentType | LeftOutReason::OutOfScope => {
                return None;
            }
            LeftOutReason::LeavesScope => {
                format!("schema: {names}: refers to a collection out of scope, which stays as it is")
            }
            LeftOutReason::PrimaryKey => {
                format!("schema: {names}: a primary key cannot be made a foreign key, so the relation is metadata only")
            }
            LeftOutReason::Untracked => {
                format!("schema: {names}: not tracked by Directus, so it stays as it is")
            }
            LeftOutReason::Unsaid => format!("schema: {paths} are not said, and stay as they are"),
            LeftOutReason::Unknown => {
                format!("schema: this Directus does not know {paths} ({names}), left out")
            }
            LeftOutReason::Database => {
                format!("schema: {paths} are what the database makes of them ({names})")
            }
            LeftOutReason::Uncreatable => {
                format!("schema: {names}: no request makes such a column, so make it in the database itself")
            }
            LeftOutReason::SystemIndex => {
                format!("schema: indexes of system collections stay as this version has them ({names})")
            }
        })
    });
    told.collect()
}

/// So many names are listed in a notice.
const LISTED: usize = 5;
