//! The store of an instance, by hand: what it holds, and which record is which row.

use lockstep_core::collection::{Collection, Key, names};
use lockstep_core::identity::chosen_id;
use lockstep_core::identity::translate::serves_as_id;
use lockstep_core::nearest::nearest;
use lockstep_core::record::{LocalId, SyncId};
use lockstep_directus::Client;

use crate::compare::project_id;
use crate::creating;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::StateChoice;
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
/// When there is no such collection or row, or the store cannot be written.
pub async fn link(
    client: Client,
    state: StateChoice,
    file: std::path::PathBuf,
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
    let mut store = Store::open(state, file, &instance).await?;
    store.check_project(project_id(&read.rows))?;
    let before = store.mappings.local(collection.name, sync_id.as_str()).cloned();
    let mut after = store.mappings.clone();
    after.record(collection.name, sync_id.clone(), local_id.clone());
    store.save(after).await?;
    Ok(Linked { store: store.name(), before })
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
