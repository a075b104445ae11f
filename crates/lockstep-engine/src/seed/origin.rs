//! What a counted key means: nothing by itself, and one record together with the instance that counted it.

use std::collections::BTreeSet;

use lockstep_core::collection::{Collection, Key};
use lockstep_core::identity::{Mappings, derived_from_key};
use lockstep_core::record::{LocalId, SyncId};

use super::prepared::Prepared;
use crate::compare::project_id;
use crate::error::EngineError;
use crate::instance::Instance;

/// Which instance counts keys: its project where it tells one, so that a copy of its database is the same; else its
/// address.
#[derive(Debug)]
pub(super) struct Origin(String);

impl Origin {
    /// Asks an instance.
    pub(super) async fn of(instance: &Instance) -> Result<Self, EngineError> {
        let settings: Vec<_> = Collection::named("settings").into_iter().collect();
        let read = instance.read(&settings).await?;
        Ok(Self(project_id(&read.rows).unwrap_or(instance.client.url()).to_owned()))
    }
}

/// The SyncID that a pull gives to a record that nothing else identifies.
pub(super) fn derived(collection: &Collection, origin: &Origin, id: &LocalId) -> SyncId {
    derived_from_key(collection, &format!("{}\n{id}", origin.0), 0)
}

/// Adds to the mappings what a pull of this instance has derived: its keys are counted, so that all of them are read
/// where a record may be one of these.
pub(super) async fn add_derived(
    instance: &Instance,
    prepared: &Prepared,
    mappings: &mut Mappings,
) -> Result<(), EngineError> {
    let mut origin = None;
    for collection in prepared.registry.iter().filter(|c| c.is_content() && c.key == Key::Integer) {
        let unmapped = |id: &SyncId| id.is_uuid() && mappings.local(collection.name, id.as_str()).is_none();
        let own =
            prepared.records.get(collection.name).into_iter().flatten().map(|record| record.sync_id.clone());
        let referred = prepared.referred(collection.name).into_iter();
        let open: BTreeSet<SyncId> = own.chain(referred).filter(unmapped).collect();
        if open.is_empty() {
            continue;
        }
        if origin.is_none() {
            origin = Some(Origin::of(instance).await?);
        }
        let Some(origin) = &origin else { continue };
        let key = [collection.key_field.to_owned()];
        let rows = instance.matching(collection, &key, None, None).await?;
        let known: BTreeSet<LocalId> = mappings.of(collection.name).map(|(_, id)| id.clone()).collect();
        let found: std::collections::HashMap<SyncId, LocalId> = rows
            .into_iter()
            .filter(|row| !known.contains(&row.id))
            .map(|row| (derived(collection, origin, &row.id), row.id))
            .collect();
        let pairs = open.into_iter().filter_map(|id| found.get(&id).cloned().map(|local| (id, local)));
        let pairs: Vec<_> = pairs.collect();
        mappings.extend(collection.name, pairs);
    }
    Ok(())
}
