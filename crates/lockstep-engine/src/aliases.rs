//! Fields that people added to system collections to show records of their own (o2m, m2m). They hold ids of content, which
//! is no part of a configuration: written to another instance they would take its content apart.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockstep_core::collection::Collection;
use lockstep_core::json::{Json, Object};
use lockstep_core::record::Record;
use lockstep_core::schema::Snapshot;
use lockstep_directus::collections;

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

    /// Those of an instance, where no snapshot takes part.
    pub(crate) async fn read(instance: &Instance) -> Result<Self, EngineError> {
        Ok(Self(collections::added_aliases(&instance.client).await?.into_iter().collect()))
    }

    /// Takes these fields out of records.
    pub(crate) fn remove_all(&self, collection: &Collection, records: &mut [Record]) {
        for field in self.fields_of(collection) {
            for record in records.iter_mut().filter(|record| record.fields.contains_key(field)) {
                Arc::make_mut(&mut record.fields).shift_remove(field);
            }
        }
    }

    fn fields_of(&self, collection: &Collection) -> impl Iterator<Item = &str> {
        let name = collection.system_name();
        self.0.iter().filter(move |(of, _)| *of == name).map(|(_, field)| field.as_str())
    }
}
