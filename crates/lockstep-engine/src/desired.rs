//! What an instance ought to be: a dump, read whole and checked before the instance is.

use lockstep_core::collection::Collection;
use lockstep_core::schema::{OWN_TABLES, Snapshot};
use lockstep_core::version::Version;
use lockstep_directus::Bytes;
use serde_json::{Map, Value};

use crate::aliases::Aliases;
use crate::dump;
use crate::dumped::{self, Dumped};
use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::Options;

/// A dump, read and checked against the version of an instance.
#[derive(Debug)]
pub(crate) struct Desired {
    /// Its records.
    pub(crate) dumped: Dumped,
    /// Its schema as JSON text; none if that does not take part.
    pub(crate) snapshot: Option<Bytes>,
    /// The primary keys of that schema, to judge changes by.
    pub(crate) keys: Option<Snapshot>,
    /// The collections that are read of the instance.
    pub(crate) collections: Vec<&'static Collection>,
}

impl Desired {
    /// Reads the dump.
    ///
    /// # Errors
    /// When it is missing, malformed, or of another version than the instance (unless forced).
    pub(crate) async fn read(options: &Options, instance: &Instance) -> Result<Self, EngineError> {
        let version = instance.version;
        let collections = options.read(version.major);
        let snapshot = snapshot(options, version)?;
        let mut dumped = match collections.is_empty() {
            true => Dumped::default(),
            false => dumped::read(&options.paths, &collections)?,
        };
        dumped.supply_secrets(&options.variables);
        let aliases = match &snapshot {
            Some(snapshot) => Aliases::of(snapshot),
            None if collections.is_empty() => Aliases::default(),
            None => Aliases::read(instance).await?,
        };
        dumped.remove_aliases(&aliases);
        for collection in collections.iter().filter(|c| options.scope.contains(c.name)) {
            if !dumped.records.contains_key(collection.name) {
                dumped.notices.push(format!(
                    "{0}.json is missing: the {0} of the instance stay as they are",
                    collection.name
                ));
            }
        }
        let (keys, snapshot) =
            snapshot.map(|s| (primary_keys(&s), Bytes::from(s.to_value().to_string()))).unzip();
        Ok(Self { dumped, snapshot, keys: keys.flatten(), collections })
    }
}

/// The schema of the dump, if it takes part; its version is checked in any case.
fn snapshot(options: &Options, version: Version) -> Result<Option<Snapshot>, EngineError> {
    if !options.schema {
        // The records tell what they come from only here; a dump without a snapshot is taken as it is.
        if let Ok(Some(snapshot)) = dump::read_snapshot(&options.paths) {
            check_access(options, &snapshot, version)?;
        }
        return Ok(None);
    }
    let missing = || dump::DumpError::Missing { path: options.paths.snapshot.clone() };
    let snapshot = dump::read_snapshot(&options.paths)?.ok_or_else(missing)?;
    let dump = snapshot.directus_version();
    if dump.parse::<Version>().ok() != Some(version) && !options.force {
        return Err(EngineError::VersionMismatch { dump: dump.to_owned(), instance: version });
    }
    check_access(options, &snapshot, version)?;
    Ok(Some(snapshot.without_collections(&OWN_TABLES)))
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

/// The part of a snapshot that tells what is a primary key.
fn primary_keys(snapshot: &Snapshot) -> Option<Snapshot> {
    let is_key = |field: &&Map<String, Value>| {
        field.get("schema").and_then(|schema| schema.get("is_primary_key")) == Some(&Value::Bool(true))
    };
    let keys = snapshot.fields().iter().filter(is_key).cloned().collect();
    Snapshot::new(snapshot.header().clone(), Vec::new(), keys, Vec::new()).ok()
}
