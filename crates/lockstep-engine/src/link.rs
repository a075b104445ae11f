//! The store of an instance, by hand: what it holds, and which record is which row.

use lockstep_core::collection::{Collection, Key, names};
use lockstep_core::identity::chosen_id;
use lockstep_core::identity::translate::serves_as_id;
use lockstep_core::nearest::nearest;
use lockstep_core::record::{LocalId, SyncId};
use lockstep_directus::Client;

use crate::compare::project_id;
use crate::creating;
use crate::dumped;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::{Options, StateChoice};
use crate::state::{Store, Tables};

/// What stands for the id of a record that an instance does not have yet.
const NEW: &str = "new";

/// A mapping that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Where it was recorded: `extension`, `table` or `file`.
    pub store: &'static str,
    /// What the SyncID stood for before.
    pub before: Option<LocalId>,
    /// Which other SyncID stood for the row before, and stands for nothing now.
    pub displaced: Option<SyncId>,
}

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// `extension`, `table` or `file`.
    pub store: &'static str,
    /// Collection, SyncID, local id; sorted.
    pub mappings: Vec<(String, SyncId, LocalId)>,
}

/// Records that a row of the instance is a certain record of the dump; with `new` as its id, that none is, and that a
/// push shall create it although others have the same name.
///
/// # Errors
/// When there is no such collection or row, a dump is there and has no such record, or the store cannot be written.
pub async fn link(
    client: Client,
    options: &Options,
    collection: &str,
    sync_id: &SyncId,
    local_id: &LocalId,
) -> Result<Linked, EngineError> {
    let collection = Collection::named(collection).ok_or_else(|| no_such_collection(collection))?;
    let instance = Instance::connect(client).await?;
    let settings = Collection::named("settings").filter(|settings| *settings != collection);
    let reading: Vec<_> = settings.into_iter().chain([collection]).collect();
    let read = instance.read(&reading).await?;
    let is_new = local_id.as_str() == NEW && collection.key == Key::Uuid;
    let chosen =
        serves_as_id(sync_id).unwrap_or_else(|| chosen_id(collection, instance.client.url(), sync_id));
    let local_id = if is_new { &chosen } else { local_id };
    if !is_new && !read.rows.get(collection.name).into_iter().flatten().any(|row| row.id == *local_id) {
        return Err(EngineError::Unknown(format!(
            "{} has no record {local_id} in {}",
            instance.client.url(),
            collection.name
        )));
    }
    check_record(options, collection, sync_id)?;
    let mut store = Store::open(options.state, options.state_file.clone(), &instance).await?;
    store.check_project(project_id(&read.rows))?;
    let before = store.mappings.local(collection.name, sync_id.as_str()).cloned();
    let mut mapped = store.mappings.of(collection.name);
    let displaced = mapped.find(|(other, id)| *id == local_id && *other != sync_id);
    let displaced = displaced.map(|(other, _)| other.clone());
    drop(mapped);
    let mut after = store.mappings.clone();
    after.record(collection.name, sync_id.clone(), local_id.clone());
    store.save(after).await?;
    Ok(Linked { store: store.name(), before, displaced })
}

/// What is linked is tracked, and what is tracked and not in the dump is deleted by the next push: a slip of the pen must not do
/// that. Where there is no dump there is nothing to push.
fn check_record(
    options: &Options,
    collection: &'static Collection,
    sync_id: &SyncId,
) -> Result<(), EngineError> {
    if !options.paths.collections.is_dir() {
        return Ok(());
    }
    let dumped = dumped::read(&options.paths, &[collection])?;
    let Some(records) = dumped.records.get(collection.name) else { return Ok(()) };
    let ids: Vec<&str> = records.iter().map(|record| record.sync_id.as_str()).collect();
    if ids.contains(&sync_id.as_str()) {
        return Ok(());
    }
    let meant = nearest(sync_id.as_str(), &ids).map(|id| format!("; did you mean {id}?"));
    Err(EngineError::Unknown(format!(
        "{} has no record {sync_id}{}",
        options.paths.collection_file(collection.name).display(),
        meant.unwrap_or_default()
    )))
}

/// A name that no collection has, and the one that was probably meant.
pub(crate) fn no_such_collection(name: &str) -> EngineError {
    let nearest = nearest(name, &names()).map(|nearest| format!("; did you mean {nearest}?"));
    EngineError::Unknown(format!("there is no collection {name}{}", nearest.unwrap_or_default()))
}

/// Reads the store of an instance.
///
/// # Errors
/// When it cannot be read.
pub async fn recorded(
    client: Client,
    state: StateChoice,
    file: std::path::PathBuf,
) -> Result<Recorded, EngineError> {
    let instance = Instance::connect(client).await?;
    let store = Store::open_with(Tables::All, state, file, &instance).await?;
    let names = store.mappings.collections().filter(|name| !creating::is_table(name));
    let names: Vec<String> = names.map(str::to_owned).collect();
    let of = |name: &String| -> Vec<_> {
        store.mappings.of(name).map(|(sync_id, id)| (name.clone(), sync_id.clone(), id.clone())).collect()
    };
    Ok(Recorded { store: store.name(), mappings: names.iter().flat_map(of).collect() })
}
