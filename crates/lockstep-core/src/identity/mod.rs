//! Which record is which: SyncIDs, the pairs of SyncID and local id, and how both are found.
//!
//! - [`matching`] pairs the records of a dump with the rows of an instance;
//! - [`specials`] finds the records that every instance has of its own, by meaning;
//! - [`translate`] rewrites references between SyncIDs and local ids.

pub mod matching;
pub mod specials;
pub mod translate;

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::collection::{Collection, Key};
use crate::record::{LocalId, Record, Row, SyncId};

/// The records of a dump by collection name. A collection that the dump does not have is absent, not empty.
pub type DumpRecords = BTreeMap<&'static str, Vec<Record>>;

/// The rows of an instance by collection name. A collection that was not read is absent.
pub type InstanceRows = BTreeMap<&'static str, Vec<Row>>;

/// The root of every SyncID and id that Lockstep derives.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c6f_636b_7374_4570_a11d_1000_0000_0001);

/// The collections whose records keep their id on every instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PreserveIds {
    /// Every collection with UUID keys.
    #[default]
    All,
    /// Only those that are always preserved (flows, folders).
    None,
    /// These, and those that are always preserved.
    Only(Vec<String>),
}

impl PreserveIds {
    /// True if the SyncID of a record of this collection is its id.
    #[must_use]
    pub fn covers(&self, collection: &Collection) -> bool {
        let chosen = match self {
            Self::All => true,
            Self::None => false,
            Self::Only(names) => names.iter().any(|name| name == collection.name),
        };
        collection.key == Key::Uuid && (collection.always_preserved || chosen)
    }
}

/// The mappings that a store holds for one instance: collection, SyncID, local id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mappings(BTreeMap<String, BTreeMap<SyncId, LocalId>>);

impl Mappings {
    /// The local id that is recorded for a SyncID.
    #[must_use]
    pub fn local(&self, collection: &str, sync_id: &str) -> Option<&LocalId> {
        self.0.get(collection)?.get(sync_id)
    }

    /// All of one collection, by SyncID.
    pub fn of(&self, collection: &str) -> impl Iterator<Item = (&SyncId, &LocalId)> {
        self.0.get(collection).into_iter().flatten()
    }

    /// Records one; what was recorded for the same SyncID or the same local id before is replaced.
    pub fn record(&mut self, collection: &str, sync_id: SyncId, local_id: LocalId) {
        let table = self.0.entry(collection.to_owned()).or_default();
        if table.get(&sync_id) == Some(&local_id) {
            return;
        }
        table.retain(|_, local| *local != local_id);
        table.insert(sync_id, local_id);
    }

    /// Adds many at once, each SyncID and local id of which occurs once.
    pub fn extend(&mut self, collection: &str, pairs: impl IntoIterator<Item = (SyncId, LocalId)>) {
        self.0.entry(collection.to_owned()).or_default().extend(pairs);
    }

    /// Forgets one; false if it was not recorded.
    pub fn forget(&mut self, collection: &str, sync_id: &str) -> bool {
        self.0.get_mut(collection).is_some_and(|table| table.remove(sync_id).is_some())
    }

    /// Forgets all of one collection.
    pub fn clear(&mut self, collection: &str) {
        self.0.remove(collection);
    }

    /// The collections with at least one mapping.
    pub fn collections(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, table)| !table.is_empty()).map(|(name, _)| name.as_str())
    }

    /// True if nothing is recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(BTreeMap::is_empty)
    }
}

/// Pairs of SyncID and local id, one to one within each collection.
#[derive(Clone, Debug, Default)]
pub struct IdMap(BTreeMap<&'static str, Pairs>);

#[derive(Clone, Debug, Default)]
struct Pairs {
    local: HashMap<SyncId, LocalId>,
    sync: HashMap<LocalId, SyncId>,
}

impl IdMap {
    /// Pairs two ids; false, and nothing done, if one of them is paired already.
    pub fn pair(&mut self, collection: &'static str, sync_id: &SyncId, local_id: &LocalId) -> bool {
        let pairs = self.0.entry(collection).or_default();
        if pairs.local.contains_key(sync_id) || pairs.sync.contains_key(local_id) {
            return false;
        }
        pairs.local.insert(sync_id.clone(), local_id.clone());
        pairs.sync.insert(local_id.clone(), sync_id.clone());
        true
    }

    /// The local id of a SyncID.
    #[must_use]
    pub fn local(&self, collection: &str, sync_id: &str) -> Option<&LocalId> {
        self.0.get(collection)?.local.get(sync_id)
    }

    /// The SyncID of a local id.
    #[must_use]
    pub fn sync(&self, collection: &str, local_id: &str) -> Option<&SyncId> {
        self.0.get(collection)?.sync.get(local_id)
    }

    /// All pairs of these collections; in no particular order.
    pub fn of(&self, meant: impl Fn(&str) -> bool) -> impl Iterator<Item = (&SyncId, &LocalId)> {
        self.0.iter().filter(move |(name, _)| meant(name)).flat_map(|(_, pairs)| &pairs.local)
    }
}

/// The SyncID of a record that nothing else identifies: it follows from the id on the instance that it comes from.
#[must_use]
pub fn derived_from_id(collection: &Collection, local_id: &LocalId) -> SyncId {
    derive(&[collection.name, "id", local_id.as_str()])
}

/// The SyncID of a record whose id means nothing: it follows from its natural key (in SyncIDs). `ordinal` tells
/// records with the same natural key apart, the first being 0.
#[must_use]
pub fn derived_from_key(collection: &Collection, natural_key: &str, ordinal: usize) -> SyncId {
    let ordinal = if ordinal == 0 { String::new() } else { ordinal.to_string() };
    derive(&[collection.name, "key", natural_key, &ordinal])
}

/// The id that a record gets on a target where its SyncID does not serve as id. It follows from both, so that a
/// push that was cut short finds what it had created.
#[must_use]
pub fn chosen_id(collection: &Collection, target: &str, sync_id: &SyncId) -> LocalId {
    LocalId::from(derive(&[collection.name, "target", target, sync_id.as_str()]).as_str())
}

fn derive(parts: &[&str]) -> SyncId {
    SyncId::from(Uuid::new_v5(&NAMESPACE, parts.join("\n").as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preserved_ids_never_cover_integer_keys_and_always_cover_flows_and_folders() {
        let covers = |preserve: &PreserveIds, name| preserve.covers(Collection::named(name).unwrap());
        let only = PreserveIds::Only(vec!["roles".into(), "permissions".into()]);
        for (name, all, none, some) in [
            ("flows", true, true, true),
            ("folders", true, true, true),
            ("roles", true, false, true),
            ("panels", true, false, false),
            ("permissions", false, false, false),
            ("settings", false, false, false),
        ] {
            assert_eq!(covers(&PreserveIds::All, name), all, "{name}");
            assert_eq!(covers(&PreserveIds::None, name), none, "{name}");
            assert_eq!(covers(&only, name), some, "{name}");
        }
    }

    #[test]
    fn a_mapping_replaces_what_held_either_id() {
        let mut mappings = Mappings::default();
        mappings.record("roles", "old".into(), "1".into());
        mappings.record("roles", "new".into(), "1".into());
        mappings.record("roles", "new".into(), "2".into());
        assert_eq!(mappings.of("roles").collect::<Vec<_>>(), [(&"new".into(), &"2".into())]);
        assert!(mappings.forget("roles", "new") && !mappings.forget("roles", "new") && mappings.is_empty());
    }

    #[test]
    fn ids_pair_one_to_one() {
        let mut ids = IdMap::default();
        assert!(ids.pair("roles", &"s".into(), &"l".into()));
        assert!(!ids.pair("roles", &"s".into(), &"other".into()));
        assert!(!ids.pair("roles", &"other".into(), &"l".into()));
        assert!(ids.pair("flows", &"s".into(), &"l".into()));
        assert_eq!(ids.sync("roles", "l").map(SyncId::as_str), Some("s"));
    }

    #[test]
    fn derived_ids_are_stable_because_dumps_hold_them() {
        let panels = Collection::named("panels").unwrap();
        let id = derived_from_id(panels, &"1".into());
        assert_eq!(id, derived_from_id(panels, &"1".into()));
        assert!(id.is_uuid());
        assert_ne!(id, derived_from_id(Collection::named("roles").unwrap(), &"1".into()));
        assert_ne!(derived_from_key(panels, "k", 0), derived_from_key(panels, "k", 1));
    }
}
