//! Fields that people added to system collections to show records of their own (o2m, m2m). They hold ids of content, which
//! is no part of a configuration: written to another instance they would take its content apart.

use std::collections::BTreeSet;

use lockstep_core::collection::Collection;
use lockstep_core::identity::InstanceRows;
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

    /// Those that these rows of the instance have. It is asked only where a row holds a list that the registry does not know:
    /// such a field always shows one, be it empty.
    pub(crate) async fn among(instance: &Instance, rows: &InstanceRows) -> Result<Self, EngineError> {
        if has_unknown_lists(rows) { Self::read(instance).await } else { Ok(Self::default()) }
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

fn has_unknown_lists(rows: &InstanceRows) -> bool {
    rows.iter().any(|(name, rows)| {
        let known = |field: &str| Collection::named(name).is_some_and(|known| known.has_list(field));
        let mut fields = rows.iter().flat_map(|row| &row.fields);
        fields.any(|(field, value)| value.is_array() && !known(field))
    })
}

#[cfg(test)]
mod tests {
    use lockstep_core::record::{LocalId, Row};
    use serde_json::{Value, json};

    use super::*;

    fn rows(collection: &'static str, fields: Value) -> InstanceRows {
        let fields = fields.as_object().cloned().unwrap();
        InstanceRows::from_iter([(collection, vec![Row { id: LocalId::from("1"), fields }])])
    }

    #[test]
    fn only_a_list_that_is_not_the_collections_own_may_be_of_content() {
        for (collection, fields, unknown) in [
            ("permissions", json!({"fields": ["*"], "permissions": {}, "policy": "1"}), false),
            (
                "policies",
                json!({"ip_access": ["127.0.0.1"], "roles": [], "users": [], "permissions": [1]}),
                false,
            ),
            ("roles", json!({"children": [], "policies": ["1"], "users": []}), false),
            ("dashboards", json!({"name": "A", "panels": []}), false),
            ("roles", json!({"name": "A", "articles": []}), true),
            ("panels", json!({"options": {"rows": []}, "related": [1]}), true),
        ] {
            assert_eq!(
                has_unknown_lists(&rows(collection, fields.clone())),
                unknown,
                "{collection} {fields}"
            );
        }
    }
}
