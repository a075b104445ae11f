//! What an instance ought to be: a dump, read whole and checked before the instance is.

use lockstep_core::collection::Collection;
use lockstep_core::record::{Fields, Record, SyncId};
use lockstep_core::schema::Snapshot;
use lockstep_core::transform::{Concealed, UnsetFields};
use lockstep_core::version::Version;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::aliases::Aliases;
use crate::dump::{self, DumpError, DumpPaths};
use crate::dumped::{self, Dumped};
use crate::error::EngineError;
use crate::hooks::Moment;
use crate::instance::Instance;
use crate::options::{Options, Unset};
use crate::transform;

/// A dump, read and checked against the version of an instance.
#[derive(Debug)]
pub(crate) struct Desired {
    /// Its records.
    pub(crate) dumped: Dumped,
    /// Its schema; none if that does not take part.
    pub(crate) snapshot: Option<Snapshot>,
    /// What came from variables, and what is shown instead.
    pub(crate) concealed: Concealed,
    /// What it does not say because a variable is not set.
    pub(crate) unset: UnsetFields,
    /// The collections that are read of the instance.
    pub(crate) collections: Vec<&'static Collection>,
}

/// The files of a dump, being read while the instance is asked who it is.
pub(crate) struct Opened {
    /// Those of the newest Directus.
    collections: Vec<&'static Collection>,
    files: JoinHandle<Files>,
}

struct Files {
    snapshot: Result<Option<Snapshot>, DumpError>,
    records: Result<Dumped, EngineError>,
}

impl Opened {
    /// Begins to read them.
    pub(crate) fn begin(options: &Options) -> Self {
        let collections = options.read(u32::MAX);
        let (paths, names) = (options.paths.clone(), collections.clone());
        Self { collections, files: spawn_blocking(move || Files::read(&paths, &names)) }
    }

    /// The files of these collections.
    async fn of(self, options: &Options, collections: &[&'static Collection]) -> Files {
        let again = || Files::read(&options.paths, collections);
        // An old instance does not know all, and what it does not know may be wrong in the dump.
        let files = if self.collections == collections { self.files.await.ok() } else { None };
        files.unwrap_or_else(again)
    }
}

impl Files {
    fn read(paths: &DumpPaths, collections: &[&'static Collection]) -> Self {
        let records =
            if collections.is_empty() { Ok(Dumped::default()) } else { dumped::read(paths, collections) };
        Self { snapshot: dump::read_snapshot(paths), records }
    }
}

impl Desired {
    /// Makes of the dump what the instance is compared with.
    ///
    /// # Errors
    /// When it is missing, malformed, has access rules of another kind than the instance, or refers to variables that are
    /// not set (where `unset` says so).
    pub(crate) async fn read(
        opened: Opened,
        options: &Options,
        instance: &Instance,
        unset: Unset,
    ) -> Result<Self, EngineError> {
        let version = instance.version;
        let collections = options.read(version.major);
        let files = opened.of(options, &collections).await;
        let snapshot = match snapshot(options, files.snapshot, version)? {
            Some(snapshot) => Some(options.hooks.snapshot(Moment::Load, snapshot, &instance.client).await?),
            None => None,
        };
        let mut dumped = files.records?;
        for (name, records) in &mut dumped.records {
            if !options.scope.contains(name) {
                continue;
            }
            let given = || records.iter().cloned().map(Record::into_dump).collect();
            if let Some(changed) = options.hooks.records(name, Moment::Load, &instance.client, given).await? {
                let record = |(sync_id, fields): (SyncId, Fields)| Record { sync_id, fields: fields.into() };
                *records = changed.into_iter().map(record).collect();
            }
        }
        let aliases = match &snapshot {
            Some(snapshot) => Aliases::of(snapshot),
            None if collections.is_empty() => Aliases::default(),
            None => Aliases::read(instance).await?,
        };
        dumped.remove_aliases(&aliases);
        let (concealed, unset) = transform::desired(&mut dumped, options, unset)?;
        for collection in collections.iter().filter(|c| options.scope.contains(c.name)) {
            if !dumped.records.contains_key(collection.name) {
                dumped.notices.push(format!(
                    "{0}.json is missing: the {0} of the instance stay as they are",
                    collection.name
                ));
            }
        }
        Ok(Self { dumped, snapshot, collections, concealed, unset })
    }
}

/// The schema of the dump, if it takes part; whether its access rules fit is checked in any case.
fn snapshot(
    options: &Options,
    read: Result<Option<Snapshot>, DumpError>,
    version: Version,
) -> Result<Option<Snapshot>, EngineError> {
    if !options.schema {
        // The records tell what they come from only here; a dump without a snapshot is taken as it is.
        if let Ok(Some(snapshot)) = read {
            check_access(options, &snapshot, version)?;
        }
        return Ok(None);
    }
    let missing = || DumpError::Missing { path: options.paths.snapshot.clone() };
    let snapshot = read?.ok_or_else(missing)?;
    check_access(options, &snapshot, version)?;
    Ok(Some(snapshot))
}

/// Roles and permissions before and after Directus 11 have nothing in common.
fn check_access(options: &Options, snapshot: &Snapshot, version: Version) -> Result<(), EngineError> {
    let dump = snapshot.directus_version();
    let access = ["roles", "policies", "permissions", "presets"];
    let concerned = access.iter().any(|name| options.scope.contains(name));
    let alike = |of_dump: Version| of_dump.has_policies() == version.has_policies();
    if !concerned || dump.parse().is_ok_and(alike) {
        return Ok(());
    }
    Err(EngineError::AccessMismatch { dump: dump.to_owned(), instance: version })
}
