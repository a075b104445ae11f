//! Whether records of one instance can be records of another: by the two schemas, before anything is read.

use std::collections::BTreeSet;
use std::fmt;

use super::model::{Model, ModelError, SERVER_MADE, Wish, at, specials, text};
use crate::collection::{Collection, Key, Reference};
use crate::json::{Json, Object};
use crate::nearest::nearest;

/// A collection whose records are to be elsewhere as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub collection: String,
    /// The fields that are; all, where none are named.
    pub fields: BTreeSet<String>,
}

/// A collection or a field that two instances have otherwise; its text says which, and what each of them has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// `collection` or `collection.field`.
    pub name: String,
    /// What is on which side.
    pub reason: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

/// What keeps records of these collections of `source` from being records of `target`, all of it.
#[must_use]
pub fn misfits(source: &Model, target: &Model, parts: &[Part]) -> Vec<Misfit> {
    parts.iter().flat_map(|part| Pair { source, target, part }.misfits()).collect()
}

struct Pair<'a> {
    source: &'a Model,
    target: &'a Model,
    part: &'a Part,
}

impl Pair<'_> {
    fn misfits(&self) -> Vec<Misfit> {
        let name = self.part.collection.as_str();
        let Ok(here) = self.source.describe(name, &Wish::default()) else {
            return vec![self.collection("the source has no such collection")];
        };
        let there = match self.target.describe(name, &Wish::default()) {
            Ok(there) => there,
            Err(ModelError::Unknown { nearest, .. }) => {
                let like = nearest.map(|like| format!(" (it has {like})")).unwrap_or_default();
                return vec![self.collection(&format!("the target has no such collection{like}"))];
            }
            Err(error) => return vec![self.collection(&format!("on the target, {error}"))],
        };
        let mut found = Vec::new();
        if (here.key, here.key_field) != (there.key, there.key_field) {
            let reason = format!(
                "the key is {} ({}) on the source, {} ({}) on the target",
                here.key_field,
                kind_of(here.key),
                there.key_field,
                kind_of(there.key)
            );
            found.push(self.collection(&reason));
        }
        for field in self.source.columns(name).filter(|field| self.takes_part(here, field)) {
            found.extend(self.field(here, there, field));
        }
        found.extend(self.required(there));
        found
    }

    fn takes_part(&self, collection: &Collection, field: &str) -> bool {
        let chosen = &self.part.fields;
        let wanted = chosen.is_empty() || chosen.contains(field);
        wanted && field != collection.key_field && !collection.ignores(field) && !collection.is_secret(field)
    }

    fn field(&self, here: &Collection, there: &Collection, field: &str) -> Option<Misfit> {
        let name = here.full_name;
        let reason = match (self.source.snapshot.field(name, field), self.target.snapshot.field(name, field))
        {
            (_, None) => {
                let columns: Vec<&str> = self.target.columns(name).collect();
                let like = nearest(field, &columns).map(|like| format!(" (it has {like})"));
                format!("the target has no such field{}", like.unwrap_or_default())
            }
            (Some(ours), Some(theirs)) if family(text(ours, "type")) != family(text(theirs, "type")) => {
                format!("{} on the source, {} on the target", text(ours, "type"), text(theirs, "type"))
            }
            _ => {
                let [ours, theirs] = [here, there].map(|side| referred(side, field));
                // What many-to-any relations allow besides harms nobody.
                if ours.is_subset(&theirs) && ours.is_empty() == theirs.is_empty() {
                    return None;
                }
                let [ours, theirs] = [ours, theirs].map(|names| match names.is_empty() {
                    true => "nothing".to_owned(),
                    false => names.into_iter().collect::<Vec<_>>().join(" or "),
                });
                format!("refers to {ours} on the source, to {theirs} on the target")
            }
        };
        Some(Misfit { name: format!("{name}.{field}"), reason })
    }

    /// Fields that the target needs and that the source does not send.
    fn required(&self, there: &Collection) -> Vec<Misfit> {
        let name = there.full_name;
        let needed = self.target.snapshot.fields_of(name).filter(|field| is_needed(field));
        let missing = needed.map(|field| text(field, "field")).filter(|field| {
            let sent = self.takes_part(there, field) && self.source.columns(name).any(|own| own == *field);
            !sent && *field != there.key_field
        });
        let misfit = |field: &str| Misfit {
            name: format!("{name}.{field}"),
            reason: "the target requires it, and the source does not send it".to_owned(),
        };
        missing.map(misfit).collect()
    }

    fn collection(&self, reason: &str) -> Misfit {
        Misfit { name: self.part.collection.clone(), reason: reason.to_owned() }
    }
}

/// Types whose values are the same to each other.
fn family(kind: &str) -> &str {
    match kind {
        "text" => "string",
        "bigInteger" => "integer",
        other => other,
    }
}

fn kind_of(key: Key) -> &'static str {
    match key {
        Key::Integer => "counted",
        Key::Uuid => "a UUID",
        Key::Text | Key::Singleton => "a text",
    }
}

/// The collections that a field refers to.
fn referred(collection: &Collection, field: &str) -> BTreeSet<String> {
    let reference = collection.references.iter().find(|reference| reference.path == field);
    let full = |table: &str| table.strip_prefix("items::").map_or(format!("directus_{table}"), str::to_owned);
    match reference {
        None => BTreeSet::new(),
        Some(Reference { any: Some(any), .. }) => {
            any.among.iter().map(|(name, _)| (*name).to_owned()).collect()
        }
        Some(reference) => BTreeSet::from([full(reference.target)]),
    }
}

/// True for a column that has to be given a value.
fn is_needed(field: &Object) -> bool {
    let stored =
        text(field, "type") != "alias" && field.get("schema").is_some_and(|it| it.as_object().is_some());
    let empty = at(field, "schema.is_nullable").and_then(Json::as_bool) != Some(false);
    let filled = at(field, "schema.default_value").is_some_and(|value| !value.is_null())
        || at(field, "schema.has_auto_increment").and_then(Json::as_bool) == Some(true)
        || specials(field).any(|special| SERVER_MADE.contains(&special) || special == "uuid");
    let required = at(field, "meta.required").and_then(Json::as_bool) == Some(true);
    stored && (required || !empty) && !filled
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::schema::Snapshot;

    /// `posts`, whose fields are these: name, type, whether a value is needed, and what is referred to.
    fn model(key: &str, fields: &[(&str, &str, bool, &str)]) -> Model {
        let column = |name: &str, kind: &str, needed: bool, is_key: bool| {
            json!({"collection": "posts", "field": name, "type": kind, "meta": {},
                "schema": {"is_primary_key": is_key, "is_nullable": !needed}})
        };
        let mut all = vec![column("id", key, true, true)];
        all.extend(fields.iter().map(|(name, kind, needed, _)| column(name, kind, *needed, false)));
        let relations = fields.iter().filter(|(.., to)| !to.is_empty()).map(|(name, _, _, to)| {
            json!({"collection": "posts", "field": name, "related_collection": to, "meta": {}, "schema": {}})
        });
        Model::new(
            Snapshot::from_value(json!({
                "version": 1, "directus": "11.17.4", "vendor": "sqlite",
                "collections": [{"collection": "posts", "meta": {}, "schema": {}}],
                "fields": all, "relations": relations.collect::<Vec<Value>>(),
            }))
            .unwrap(),
        )
    }

    fn told(source: &Model, target: &Model, fields: &[&str]) -> Vec<String> {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let part = Part { collection: "posts".to_owned(), fields };
        misfits(source, target, &[part]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn everything_that_does_not_fit_is_told_with_its_side() {
        let source = model(
            "integer",
            &[
                ("title", "string", false, ""),
                ("body", "text", false, ""),
                ("rank", "integer", false, ""),
                ("author", "uuid", false, "directus_users"),
                ("gone", "string", false, ""),
            ],
        );
        let target = model(
            "integer",
            &[
                ("title", "text", true, ""),
                ("body", "string", false, ""),
                ("rank", "string", false, ""),
                ("author", "uuid", false, "directus_files"),
                ("slug", "string", true, ""),
                ("gone_at", "string", false, ""),
            ],
        );
        assert_eq!(
            told(&source, &target, &[]),
            [
                "posts.author: refers to directus_users on the source, to directus_files on the target",
                "posts.gone: the target has no such field",
                "posts.rank: integer on the source, string on the target",
                "posts.slug: the target requires it, and the source does not send it",
            ]
        );
        assert_eq!(
            told(&source, &target, &["body"]),
            [
                "posts.slug: the target requires it, and the source does not send it",
                "posts.title: the target requires it, and the source does not send it",
            ]
        );
        assert_eq!(told(&source, &source, &[]), [""; 0]);
    }

    #[test]
    fn keys_have_to_be_of_one_kind_and_collections_to_be_there() {
        let (counted, chosen) = (model("integer", &[]), model("uuid", &[]));
        assert_eq!(
            told(&counted, &chosen, &[]),
            ["posts: the key is id (counted) on the source, id (a UUID) on the target"]
        );
        let empty = json!({"version": 1, "directus": "11.17.4", "vendor": "sqlite",
            "collections": [], "fields": [], "relations": []});
        let empty = Model::new(Snapshot::from_value(empty).unwrap());
        assert_eq!(told(&counted, &empty, &[]), ["posts: the target has no such collection"]);
    }
}
