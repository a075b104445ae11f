//! Records that are somebody else's to delete: those of seeds for content, and those of content for seeds. Both are mapped by
//! the same table, so that a tracked record which the one does not have may be the other's.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use lockstep_core::identity::Mappings;
use lockstep_core::record::{LocalId, SyncId};

use super::files;
use super::prepared::Prepared;
use crate::error::EngineError;

/// The mapping table of a collection, and what of it would go.
type Leaving<'a> = (&'static str, Vec<(&'a SyncId, &'a LocalId)>);

/// The rows that the others have and that would go. Their files are read only where something would.
pub(super) fn protected(
    others: &[PathBuf],
    prepared: &Prepared,
    mappings: &Mappings,
) -> Result<BTreeSet<(&'static str, LocalId)>, EngineError> {
    let mut leaving: BTreeMap<&str, Leaving<'_>> = BTreeMap::new();
    for collection in prepared.registry.iter() {
        let Some(records) = prepared.records.get(collection.name) else { continue };
        if !prepared.deletes(collection) {
            continue;
        }
        let here: HashSet<&SyncId> = records.iter().map(|record| &record.sync_id).collect();
        let gone: Vec<_> =
            mappings.of(collection.name).filter(|(sync_id, _)| !here.contains(sync_id)).collect();
        if !gone.is_empty() {
            leaving.insert(collection.full_name, (collection.name, gone));
        }
    }
    let mut protected = BTreeSet::new();
    if leaving.is_empty() || !others.iter().any(|path| path.exists()) {
        return Ok(protected);
    }
    for seed in files::read(others)?.seeds {
        let Some((table, gone)) = leaving.get(seed.collection.as_str()) else { continue };
        let theirs: HashSet<&SyncId> = seed.records.iter().map(|record| &record.record.sync_id).collect();
        let kept = gone.iter().filter(|(sync_id, _)| theirs.contains(sync_id));
        protected.extend(kept.map(|(_, id)| (*table, (*id).clone())));
    }
    Ok(protected)
}
