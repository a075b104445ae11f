//! A record of an instance that is to be no record of the dump any more.

use std::path::PathBuf;

use lockstep_core::collection::Collection;
use lockstep_core::record::{LocalId, SyncId};
use lockstep_directus::Client;

use crate::error::EngineError;
use crate::instance::Instance;
use crate::link::no_such_collection;
use crate::options::StateChoice;
use crate::state::{Store, Tables};

/// Collections whose records seeds can have, besides those of people.
const OF_SEEDS: [&str; 2] = ["users", "files"];

/// A mapping that was forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untracked {
    /// Where it was recorded: `extension`, `table` or `file`.
    pub store: &'static str,
    /// What the record stood for; none if it was not recorded at all.
    pub sync_id: Option<SyncId>,
}

/// Forgets which record of a dump a record of the instance is. The collection is named as its table of mappings is: `roles`
/// (`directus_roles` will do), `items::posts` for seeds of `posts`.
///
/// # Errors
/// When there is no such collection, or the store cannot be read or written.
pub async fn untrack(
    client: Client,
    state: StateChoice,
    file: PathBuf,
    collection: &str,
    id: &LocalId,
) -> Result<Untracked, EngineError> {
    let table = collection.strip_prefix("directus_").unwrap_or(collection);
    let instance = Instance::connect(client).await?;
    let mut store = Store::open_with(Tables::And(table), state, file, &instance).await?;
    let is_known = Collection::named(table).is_some()
        || OF_SEEDS.contains(&table)
        || table.starts_with("items:")
        || store.mappings.collections().any(|known| known == table);
    if !is_known {
        return Err(no_such_collection(collection));
    }
    store.check_project_of(&instance).await?;
    let recorded = store.mappings.of(table).find(|(_, local)| *local == id);
    let sync_id = recorded.map(|(sync_id, _)| sync_id.clone());
    if let Some(sync_id) = &sync_id {
        let mut after = store.mappings.clone();
        after.forget(table, sync_id.as_str());
        store.save(after).await?;
    }
    Ok(Untracked { store: store.name(), sync_id })
}
