//! What is wrong with a schema by itself, found before anything is sent.

use std::collections::BTreeSet;

use serde::Serialize;

use super::shape::{is_absent, text};
use super::snapshot::{Snapshot, name_of};
use crate::json::{Json, Object};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The server would refuse it, or do something else.
    Error,
    /// It works, and is most likely not meant so.
    Warning,
}

/// Something that is wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Its kind, in a word that stays the same: `relation-to-nothing`.
    pub code: &'static str,
    /// `collection` or `collection.field`.
    pub name: String,
    /// What is wrong, as one clause.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

/// Everything that is wrong with a schema, errors first, then by name.
#[must_use]
pub fn lint(snapshot: &Snapshot) -> Vec<Finding> {
    let mut linter = Linter { snapshot, findings: Vec::new() };
    linter.collections();
    linter.fields();
    linter.relations();
    linter.findings.sort();
    linter.findings
}

struct Linter<'a> {
    snapshot: &'a Snapshot,
    findings: Vec<Finding>,
}

impl Linter<'_> {
    fn find(
        &mut self,
        severity: Severity,
        code: &'static str,
        name: &str,
        message: String,
        hint: &'static str,
    ) {
        self.findings.push(Finding { severity, code, name: name.to_owned(), message, hint });
    }

    fn collections(&mut self) {
        let snapshot = self.snapshot;
        for item in snapshot.collections() {
            let name = name_of(item).0;
            self.group(
                ["group-missing", "group-circle"],
                name,
                name,
                |name| snapshot.collection(name).and_then(group_of),
                |group| snapshot.collection(group).is_some(),
            );
            let has_table = !is_absent(item.get("schema"));
            let keys = snapshot.fields_of(name).filter(|field| column_flag(field, "is_primary_key")).count();
            // Of a table that Directus does not track nothing is asked.
            if has_table && keys == 0 && !snapshot.is_untracked(name) {
                let message = "it has no primary key".to_owned();
                self.find(
                    Severity::Error,
                    "primary-key-missing",
                    name,
                    message,
                    "add a field with schema.is_primary_key",
                );
            }
            if keys > 1 {
                let message = format!("it has {keys} primary keys");
                self.find(
                    Severity::Error,
                    "primary-key-twice",
                    name,
                    message,
                    "Directus knows keys of one field only",
                );
            }
            if !has_table && snapshot.fields_of(name).any(|field| !is_absent(field.get("schema"))) {
                let message = "it is a folder, and has fields with columns".to_owned();
                self.find(
                    Severity::Error,
                    "folder-with-columns",
                    name,
                    message,
                    "give it a schema, or remove the fields",
                );
            }
        }
    }

    fn fields(&mut self) {
        let snapshot = self.snapshot;
        for item in snapshot.fields() {
            let (collection, field) = name_of(item);
            let name = format!("{collection}.{field}");
            let system = collection.starts_with("directus_");
            if !system && snapshot.collection(collection).is_none() {
                let message = format!("its collection {collection} is not described");
                self.find(
                    Severity::Error,
                    "collection-missing",
                    &name,
                    message,
                    "add the collection, or remove the field",
                );
            }
            self.group(
                ["field-group-missing", "field-group-circle"],
                &name,
                field,
                |field| snapshot.field(collection, field).and_then(group_of),
                |group| system || snapshot.field(collection, group).is_some(),
            );
            let alias = text(item, "type") == Some("alias");
            if alias && !is_absent(item.get("schema")) {
                let message = "it is an alias, and has a column".to_owned();
                self.find(
                    Severity::Error,
                    "alias-with-column",
                    &name,
                    message,
                    "remove its schema, or give it another type",
                );
            }
        }
    }

    /// What is wrong with the group of a collection or field, which is `own` among its like; the codes are those of a group
    /// that is missing and of one that is inside itself.
    fn group<'a>(
        &mut self,
        [missing, circular]: [&'static str; 2],
        name: &str,
        own: &'a str,
        group_of: impl Fn(&str) -> Option<&'a str>,
        exists: impl Fn(&str) -> bool,
    ) {
        if let Some(group) = group_of(own).filter(|group| !exists(group)) {
            let message = format!("its group {group} does not exist");
            self.find(Severity::Error, missing, name, message, "add the group, or set meta.group to null");
        }
        if let Some(circle) = circle(own, group_of) {
            let message = format!("it is its own group: {circle}");
            self.find(Severity::Error, circular, name, message, "take one of them out of its group");
        }
    }

    fn relations(&mut self) {
        let snapshot = self.snapshot;
        for item in snapshot.relations() {
            let (collection, field) = name_of(item);
            let name = format!("{collection}.{field}");
            let exists = |collection: &str| {
                collection.starts_with("directus_") || snapshot.collection(collection).is_some()
            };
            let has_field = |collection: &str, field: &str| {
                collection.starts_with("directus_") || snapshot.field(collection, field).is_some()
            };
            if !exists(collection) {
                let message = format!("its collection {collection} is not described");
                self.find(
                    Severity::Error,
                    "collection-missing",
                    &name,
                    message,
                    "add the collection, or remove the relation",
                );
            } else if !has_field(collection, field) {
                let message = "its field is not described".to_owned();
                self.find(
                    Severity::Error,
                    "relation-without-field",
                    &name,
                    message,
                    "add the field, or remove the relation",
                );
            }
            if let Some(related) = text(item, "related_collection")
                && !exists(related)
            {
                let message = format!("it points to {related}, which does not exist");
                self.find(
                    Severity::Error,
                    "relation-to-nothing",
                    &name,
                    message,
                    "add the collection, or remove the relation",
                );
            }
            let meta = item.get("meta").and_then(Json::as_object);
            let allowed = meta.and_then(|meta| meta.get("one_allowed_collections")).and_then(Json::as_array);
            let missing: BTreeSet<&str> =
                allowed.into_iter().flatten().filter_map(Json::as_str).filter(|name| !exists(name)).collect();
            if !missing.is_empty() {
                let message = format!(
                    "it allows {}, which does not exist",
                    missing.into_iter().collect::<Vec<_>>().join(", ")
                );
                self.find(
                    Severity::Warning,
                    "relation-to-nothing",
                    &name,
                    message,
                    "remove it from one_allowed_collections",
                );
            }
            let one = meta.and_then(|meta| text(meta, "one_field"));
            if let (Some(related), Some(one)) = (text(item, "related_collection"), one)
                && exists(related)
                && !has_field(related, one)
            {
                let message =
                    format!("{related}.{one}, where it is shown on the other side, is not described");
                self.find(
                    Severity::Warning,
                    "relation-without-one-field",
                    &name,
                    message,
                    "add the alias field, or set one_field to null",
                );
            }
            let column = snapshot.field(collection, field);
            if column.is_some_and(|field| column_flag(field, "is_primary_key"))
                && !is_absent(item.get("schema"))
            {
                let message =
                    "its field is the primary key, which Directus refuses as a foreign key".to_owned();
                self.find(
                    Severity::Warning,
                    "primary-key-refers",
                    &name,
                    message,
                    "use a field of its own for the reference",
                );
            }
        }
    }
}

fn group_of(item: &Object) -> Option<&str> {
    item.get("meta")?.get("group")?.as_str()
}

fn column_flag(field: &Object, property: &str) -> bool {
    field.get("schema").and_then(|schema| schema.get(property)).and_then(Json::as_bool) == Some(true)
}

/// The way from a name through its groups back to itself, if there is one.
fn circle<'a>(name: &'a str, group_of: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let (mut way, mut at) = (vec![name], name);
    while let Some(next) = group_of(at) {
        if next == name {
            way.push(next);
            return Some(way.join(" in "));
        }
        // A circle further on is told of by those who are in it.
        if way.contains(&next) {
            return None;
        }
        way.push(next);
        at = next;
    }
    None
}
