//! Fields that people added to system collections to show records of their own (o2m, m2m). They hold ids of content, which
//! is no part of a configuration: written to another instance they would take its content apart.

use std::collections::BTreeSet;

use lockstep_core::collection::Collection;
use lockstep_core::json::{Json, Object};
use lockstep_core::record::Fields;
use lockstep_core::schema::Snapshot;
use lockstep_directus::relations;

use crate::error::EngineError;
use crate::instance::Instance;

/// The alias fields of system collections.
#[derive(Debug, Default)]
pub(crate) struct Aliases(BTreeSet<(String, String)>);

impl Aliases {
    /// Those of a snapshot.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let text = |field: &Object, key: &str| field.get(key).and_then(Json::as_str).map(str::to_owned);
        let fields = snapshot.fields().iter().filter(|field| text(field, "type").as_deref() == Some("alias"));
        Self(fields.filter_map(|field| Some((text(field, "collection")?, text(field, "field")?))).collect())
    }

    /// Those of an instance that its rows have: one that leads nowhere (a divider, a group) is in no row.
    pub(crate) async fn read(instance: &Instance) -> Result<Self, EngineError> {
        Ok(Self(relations::added_lists(&instance.client).await?.into_iter().collect()))
    }

    /// True if a record has such a field.
    pub(crate) fn concern(&self, collection: &Collection, fields: &Fields) -> bool {
        self.fields_of(collection).any(|field| fields.contains_key(field))
    }

    /// Takes these fields out of a record.
    pub(crate) fn remove(&self, collection: &Collection, fields: &mut Fields) {
        for field in self.fields_of(collection) {
            fields.shift_remove(field);
        }
    }

    fn fields_of(&self, collection: &Collection) -> impl Iterator<Item = &str> {
        let name = collection.system_name();
        self.0.iter().filter(move |(of, _)| *of == name).map(|(_, field)| field.as_str())
    }
}
