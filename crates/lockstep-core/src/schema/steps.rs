//! Changes that are too many for one request, and changes that old versions skip.

use std::collections::BTreeSet;

use super::change::{ChangeKind, SchemaItem};
use super::dialect::Dialect;
use super::diff::{Entry, List, SchemaDiff};
use super::difference::Difference;
use super::snapshot::Snapshot;
use crate::json::Json;

/// A collection with a table that a diff creates.
#[derive(Debug)]
pub struct NewTable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its metadata.
    pub meta: &'a Json,
    /// Its fields, with their metadata.
    pub fields: Vec<(&'a str, &'a Json)>,
}

impl SchemaDiff {
    /// How many collections it creates.
    #[must_use]
    pub fn new_collections(&self) -> usize {
        self.collections(ChangeKind::Create).count()
    }

    /// The collections with a table that it creates.
    #[must_use]
    pub fn new_tables(&self) -> Vec<NewTable<'_>> {
        let fields = |collection: &str| -> Vec<(&str, &Json)> {
            let lists = self.lists.iter().filter(|list| list.what == SchemaItem::Field);
            let entries =
                lists.flat_map(|list| &list.entries).filter(|entry| entry.collection() == collection);
            entries.filter_map(|entry| Some((entry.field()?, entry.item()?.get("meta")?))).collect()
        };
        let tables = self.collections(ChangeKind::Create).filter_map(|entry| {
            let item = entry.item()?;
            item.get("schema").filter(|schema| !schema.is_null())?;
            let (name, meta) = (entry.collection(), item.get("meta")?);
            Some(NewTable { name, meta, fields: fields(name) })
        });
        tables.collect()
    }

    /// The same changes without taking indexes away; none if it takes none away. Some versions cannot take away an index that
    /// has another name than theirs.
    #[must_use]
    pub fn keeping_indexes(&self) -> Option<Self> {
        let takes_away = |difference: &Difference| {
            difference.dotted_path() == "schema.is_indexed" && difference.rhs() == Some(&Json::Bool(false))
        };
        let mut kept = self.clone();
        for list in &mut kept.lists {
            for entry in &mut list.entries {
                entry.differences.retain(|difference| !takes_away(difference));
            }
            list.entries.retain(|entry| !entry.differences.is_empty());
        }
        (kept != *self).then_some(kept)
    }

    /// The first `most` of the new collections, groups before what is in them, with their fields; none if there are no more
    /// than that. Relations and everything else come when all collections are there, so that each step leaves a valid
    /// schema.
    #[must_use]
    pub fn first_step(&self, most: usize) -> Option<Self> {
        if self.new_collections() <= most {
            return None;
        }
        let mut chosen: BTreeSet<&str> = BTreeSet::new();
        let new: BTreeSet<&str> = self.collections(ChangeKind::Create).map(Entry::collection).collect();
        // A group is new itself only where it is in the same diff; each round takes those whose group is there.
        while chosen.len() < most {
            let before = chosen.len();
            for entry in self.collections(ChangeKind::Create) {
                let waits = group(entry).is_some_and(|group| new.contains(group) && !chosen.contains(group));
                if !waits && chosen.len() < most {
                    chosen.insert(entry.collection());
                }
            }
            if chosen.len() == before {
                break;
            }
        }
        let lists = self.lists.iter().map(|List { what, entries }| {
            let takes_part = matches!(what, SchemaItem::Collection | SchemaItem::Field);
            let kept = entries.iter().filter(|entry| {
                takes_part && entry.kind() == ChangeKind::Create && chosen.contains(entry.collection())
            });
            List { what: *what, entries: kept.cloned().collect() }
        });
        Some(Self { hash: self.hash.clone(), lists: lists.collect() })
    }

    /// The collections whose deletion versions before 11.1.2 skip: those inside a group that stays. What is in a group that
    /// goes as well goes with it.
    #[must_use]
    pub fn deletions_that_are_skipped(&self, current: &Snapshot) -> Vec<String> {
        let skips =
            current.directus_version().parse().is_ok_and(|version| !Dialect::of(version).deletes_in_groups);
        if !skips {
            return Vec::new();
        }
        let gone: BTreeSet<&str> = self.collections(ChangeKind::Delete).map(Entry::collection).collect();
        let inside = self.collections(ChangeKind::Delete);
        let inside = inside.filter(|entry| group(entry).is_some_and(|group| !gone.contains(group)));
        inside.map(|entry| entry.collection().to_owned()).collect()
    }

    /// The same changes without those that delete something as a whole.
    #[must_use]
    pub fn without_deletions(mut self) -> Self {
        for list in &mut self.lists {
            list.entries.retain(|entry| entry.kind() != ChangeKind::Delete);
        }
        self
    }

    /// The same changes without those that are about these collections, or relations to them.
    #[must_use]
    pub fn without_collections(mut self, names: &[&str]) -> Self {
        for list in &mut self.lists {
            list.entries.retain(|entry| {
                !names.contains(&entry.collection())
                    && !entry.related().is_some_and(|related| names.contains(&related))
            });
        }
        self
    }

    fn collections(&self, kind: ChangeKind) -> impl Iterator<Item = &Entry> {
        let lists = self.lists.iter().filter(|list| list.what == SchemaItem::Collection);
        lists.flat_map(|list| &list.entries).filter(move |entry| entry.kind() == kind)
    }
}

/// The group of a collection that comes or goes.
fn group(entry: &Entry) -> Option<&str> {
    entry.item()?.get("meta")?.get("group").and_then(Json::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn collection(name: &str, group: Value, kind: &str) -> Value {
        let item = json!({"collection": name, "meta": {"group": group}, "schema": {"name": name}});
        let side = if kind == "N" { "rhs" } else { "lhs" };
        json!({"collection": name, "diff": [{"kind": kind, side: item}]})
    }

    fn diff(collections: Value) -> SchemaDiff {
        let fields: Vec<Value> = ["a", "b", "c"]
            .iter()
            .map(|name| json!({"collection": name, "field": "id", "diff": [{"kind": "N", "rhs": {}}]}))
            .collect();
        let relation = json!({"collection": "a", "field": "b", "related_collection": "b", "diff": [{"kind": "N", "rhs": {}}]});
        let lists = json!({"collections": collections, "fields": fields, "relations": [relation]});
        SchemaDiff::from_value(json!({"hash": "x", "diff": lists})).unwrap().unwrap()
    }

    fn names(diff: &SchemaDiff) -> Vec<String> {
        diff.lists.iter().flat_map(|list| &list.entries).map(Entry::name).collect()
    }

    #[test]
    fn a_step_has_groups_first_and_no_relations() {
        let whole = diff(json!([
            collection("a", json!("c"), "N"),
            collection("b", json!(null), "N"),
            collection("c", json!(null), "N"),
        ]));
        assert_eq!(names(&whole.first_step(2).unwrap()), ["b", "c", "b.id", "c.id"]);
        assert_eq!(whole.first_step(3), None);
    }

    #[test]
    fn only_old_versions_skip_what_is_in_a_group_that_stays() {
        let deleting = diff(json!([
            collection("a", json!("stays"), "D"),
            collection("b", json!("c"), "D"),
            collection("c", json!(null), "D"),
        ]));
        let current = |directus: &str| {
            Snapshot::from_value(
                json!({"directus": directus, "collections": [], "fields": [], "relations": []}),
            )
            .unwrap()
        };
        assert_eq!(deleting.deletions_that_are_skipped(&current("10.13.1")), ["a"]);
        assert!(deleting.deletions_that_are_skipped(&current("11.17.4")).is_empty());
        assert_eq!(names(&deleting.without_deletions()), ["a.id", "b.id", "c.id", "a.b"]);
    }
}
