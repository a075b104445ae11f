//! What happens and what happened, as data: every output (terminal, JSON, log) is made from these.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::names::StrayName;
use crate::plan::Danger;
use crate::reconcile::{Action, Changes, CollectionChanges, Difference, Kept};
use crate::record::SyncId;
use crate::schema::{Finding, LeftOut, Risk, SchemaChange};
use crate::transform::Kind;

/// The part of a run that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Asking the instance who it is.
    Connecting,
    /// Reading the instance.
    Reading,
    /// Writing the files of the dump.
    WritingFiles,
    /// Applying the changes of the schema.
    ApplyingSchema,
    /// Writing records.
    WritingRecords,
    /// Recording what was written.
    Recording,
    /// Comparing once more.
    Verifying,
}

/// Something that a run tells while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A part of the run has begun.
    Phase(Phase),
    /// So many of so many records are written.
    Progress {
        /// Written so far.
        done: usize,
        /// To be written.
        total: usize,
    },
}

/// Who is told of events. Called from the thread of the run; must return at once.
pub trait Observer: Sync {
    /// Takes one event.
    fn event(&self, event: Event);
}

/// The instance of a run.
#[derive(Clone, Debug, Serialize)]
pub struct InstanceInfo {
    /// Its URL, normalized.
    pub url: String,
    /// Its Directus version.
    pub version: String,
    /// Where its mappings are kept: `extension`, `table` or `file`; none if no records take part.
    pub state: Option<&'static str>,
}

/// What a comparison found in one collection.
#[derive(Clone, Debug, Serialize)]
pub struct CollectionReport {
    /// Records that the instance lacks.
    pub create: usize,
    /// Records with other values.
    pub update: usize,
    /// Tracked records that the dump no longer has.
    pub delete: usize,
    /// Duplicates of other records, which go.
    pub merge: usize,
    /// Records that are the same.
    pub unchanged: usize,
    /// Mappings whose record is gone.
    pub dangling: usize,
    /// Records recognized by their natural key.
    pub adopted: usize,
    /// Records that are neither in the dump nor tracked, and stay.
    pub untracked: usize,
    /// Each difference.
    pub items: Vec<Arc<Difference>>,
    /// What is untracked, by id and name.
    pub kept: Vec<Kept>,
    /// Records that are not created because the licence may hide them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<Kept>,
    /// SyncIDs of the dangling mappings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dangling_sync_ids: Vec<SyncId>,
    /// Whether it is content, and no configuration.
    #[serde(skip)]
    pub content: bool,
}

impl From<&CollectionChanges> for CollectionReport {
    fn from(changes: &CollectionChanges) -> Self {
        Self {
            create: changes.count(Action::Create),
            update: changes.count(Action::Update),
            delete: changes.count(Action::Delete),
            merge: changes.count(Action::Merge),
            unchanged: changes.unchanged,
            dangling: changes.dangling.len(),
            adopted: changes.adopted.len(),
            untracked: changes.untracked.len(),
            items: changes.items.iter().map(|change| Arc::clone(&change.difference)).collect(),
            kept: changes.untracked.clone(),
            withheld: changes.withheld.clone(),
            dangling_sync_ids: changes.dangling.clone(),
            content: false,
        }
    }
}

/// What a comparison found in the schema.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SchemaReport {
    /// What would change.
    pub changes: Vec<SchemaChange>,
    /// What is different, and stays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// What is wrong with the desired schema: while there is something, nothing is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Finding>,
}

/// All differences between a dump and an instance.
#[derive(Clone, Debug, Serialize)]
pub struct Differences {
    /// Those of the schema; none if it was not compared.
    pub schema: Option<Arc<SchemaReport>>,
    /// Those of the records, by collection.
    pub collections: BTreeMap<&'static str, CollectionReport>,
    /// What needs consent beyond an ordinary yes.
    pub dangers: Vec<Danger>,
}

impl Differences {
    /// Puts together what was found.
    #[must_use]
    pub fn new(schema: Option<SchemaReport>, changes: &Changes) -> Self {
        let collections = changes
            .collections
            .iter()
            .map(|(collection, changes)| {
                let report = CollectionReport::from(changes);
                (collection.shown_name(), CollectionReport { content: collection.is_content(), ..report })
            })
            .collect();
        Self { schema: schema.map(Arc::new), collections, dangers: crate::plan::dangers(changes) }
    }

    /// True if the instance holds what the dump says.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let no_schema = self.schema.as_ref().is_none_or(|schema| schema.changes.is_empty());
        no_schema && self.collections.values().all(|collection| collection.items.is_empty())
    }

    /// The changes of the schema that destroy what is stored.
    pub fn destructive_schema(&self) -> impl Iterator<Item = &SchemaChange> {
        let changes = self.schema.iter().flat_map(|schema| &schema.changes);
        changes.filter(|change| change.risk == Risk::Destructive)
    }

    /// True if an ordinary yes is not enough.
    #[must_use]
    pub fn is_destructive(&self) -> bool {
        !self.dangers.is_empty() || self.destructive_schema().next().is_some()
    }

    /// True if a change of the schema may lose or refuse values that are there.
    #[must_use]
    pub fn has_lossy_schema(&self) -> bool {
        self.schema.iter().flat_map(|schema| &schema.changes).any(|change| change.risk == Risk::Lossy)
    }

    /// How many records have this happen to them.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        let items = self.collections.values().flat_map(|collection| &collection.items);
        items.filter(|change| change.action == action).count()
    }
}

/// What a push wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Whether changes of the schema were applied.
    pub schema: bool,
    /// Records, by collection.
    pub collections: BTreeMap<&'static str, AppliedRecords>,
}

/// What a push wrote of one collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AppliedRecords {
    /// Records created.
    pub created: usize,
    /// Records changed.
    pub updated: usize,
    /// Records deleted, those merged away among them.
    pub deleted: usize,
}

impl Applied {
    /// True if nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.schema && self.records() == 0
    }

    /// How many records were written.
    #[must_use]
    pub fn records(&self) -> usize {
        self.collections.values().map(|records| records.created + records.updated + records.deleted).sum()
    }
}

/// The result of `diff` and `push`.
#[derive(Clone, Debug, Serialize)]
pub struct ComparisonReport {
    /// `diff`, `push`, `preview`, `verify`, `copy`, or one of `seed` and `content`: `seed push`.
    pub command: &'static str,
    /// The instance.
    pub instance: InstanceInfo,
    /// What differed before anything was written.
    #[serde(flatten)]
    pub differences: Differences,
    /// What was written; none for a diff.
    pub applied: Option<Applied>,
    /// What a second comparison still finds; none if nothing, or if it was not made.
    pub residue: Option<Differences>,
    /// What people ought to know.
    pub notices: Vec<String>,
    /// Requests sent.
    pub requests: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    /// True if the instance holds what the dump says (after a push: checked by a second comparison).
    pub converged: bool,
}

/// The result of `verify`.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// What a push into an empty instance did; not `converged` either where records speak of nothing.
    #[serde(flatten)]
    pub push: ComparisonReport,
    /// Collections and fields that records speak of, and the schema does not have.
    pub stray_names: Vec<StrayName>,
}

/// A secret that a pull found in a record; never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundSecret {
    /// The collection.
    pub collection: &'static str,
    /// The record.
    pub sync_id: SyncId,
    /// What people call it.
    pub label: String,
    /// Where it is, with dots.
    pub path: String,
    /// What it looks like.
    pub kind: Kind,
    /// The variable that is in its place in the dump now.
    pub variable: Option<String>,
}

/// The result of `pull`.
#[derive(Clone, Debug, Serialize)]
pub struct PullReport {
    /// `pull`.
    pub command: &'static str,
    /// The instance.
    pub instance: InstanceInfo,
    /// Records by collection.
    pub collections: BTreeMap<&'static str, usize>,
    /// Collections of the schema; none if it was not pulled.
    pub schema_collections: Option<usize>,
    /// Files with new bytes.
    pub written: Vec<String>,
    /// Files that had these bytes already.
    pub unchanged: usize,
    /// Files that went.
    pub removed: Vec<String>,
    /// What people ought to know.
    pub notices: Vec<String>,
    /// Secrets that were found in records.
    pub secrets: Vec<FoundSecret>,
    /// Requests sent.
    pub requests: u64,
    /// Milliseconds.
    pub duration_ms: u64,
}
