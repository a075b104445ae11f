//! Which collections an instance has for content, and which of them hold references to others.

use super::model::{Lists, Model, at, text};
use crate::json::Json;
use crate::schema::OWN_TABLES;

impl Model {
    /// The collections of content that have records of their own, by name: neither system collections nor folders,
    /// singletons or the tables of sync tools.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.tables().filter(|name| !self.is_singleton(name)).collect();
        names.sort_unstable();
        names
    }

    /// The collections that hold one record, by name.
    #[must_use]
    pub fn singletons(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.tables().filter(|name| self.is_singleton(name)).collect();
        names.sort_unstable();
        names
    }

    /// What the fields of a collection list: the records of another collection that refer back, or those of a junction.
    #[must_use]
    pub fn holders(&self, name: &str) -> Vec<Lists> {
        let lists = self.snapshot.relations().iter().filter(|relation| {
            let shown = at(relation, "meta.one_field").and_then(Json::as_str).is_some();
            shown && text(relation, "related_collection") == name
        });
        let mut holders: Vec<Lists> = lists
            .map(|relation| Lists {
                collection: text(relation, "collection").to_owned(),
                field: text(relation, "field").to_owned(),
            })
            .collect();
        holders.sort_by(|one, other| (&one.collection, &one.field).cmp(&(&other.collection, &other.field)));
        holders.dedup();
        holders
    }

    fn tables(&self) -> impl Iterator<Item = &str> {
        let names = self.snapshot.collection_names();
        names.filter(|name| {
            let has_key = self
                .snapshot
                .fields_of(name)
                .any(|field| at(field, "schema.is_primary_key").and_then(Json::as_bool) == Some(true));
            has_key && !name.starts_with("directus_") && !OWN_TABLES.contains(name)
        })
    }

    fn is_singleton(&self, name: &str) -> bool {
        let collection = self.snapshot.collection(name);
        collection.and_then(|it| at(it, "meta.singleton")).and_then(Json::as_bool) == Some(true)
    }
}
