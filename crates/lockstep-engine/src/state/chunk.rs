//! Mappings as they are stored: an id that is the same on both sides is written once.

use std::collections::BTreeMap;

use lockstep_core::record::{LocalId, SyncId};
use serde::{Deserialize, Serialize};

/// Mappings of one collection, or a part of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Chunk {
    /// SyncIDs that are local ids as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) same: Vec<SyncId>,
    /// All others: SyncID to local id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) pairs: BTreeMap<SyncId, LocalId>,
}

impl Chunk {
    /// The chunk that holds these mappings.
    pub(super) fn of<'a>(mappings: impl Iterator<Item = (&'a SyncId, &'a LocalId)>) -> Self {
        let mut chunk = Self::default();
        mappings.for_each(|(sync_id, local_id)| chunk.add(sync_id, local_id));
        chunk
    }

    /// Adds a mapping that is not in it yet.
    pub(super) fn add(&mut self, sync_id: &SyncId, local_id: &LocalId) {
        if sync_id.as_str() == local_id.as_str() {
            self.same.push(sync_id.clone());
        } else {
            self.pairs.insert(sync_id.clone(), local_id.clone());
        }
    }

    /// The mappings that it holds.
    pub(super) fn mappings(self) -> impl Iterator<Item = (SyncId, LocalId)> {
        let same = self.same.into_iter().map(|id| {
            let local_id = LocalId::from(id.as_str());
            (id, local_id)
        });
        same.chain(self.pairs)
    }
}
