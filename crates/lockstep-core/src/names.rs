//! Names of collections and fields that records speak of: no server checks them, and what speaks of nothing has no
//! effect.

use serde::Serialize;
use serde_json::Value;

use crate::collection::Collection;
use crate::identity::DumpRecords;
use crate::label::Labels;
use crate::nearest::nearest;
use crate::record::Fields;
use crate::schema::Snapshot;

/// A record speaks of a collection or field that the schema does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StrayName {
    /// The collection of the record.
    pub collection: &'static str,
    /// What people call the record.
    pub label: String,
    /// Where in it.
    pub path: &'static str,
    /// The name, `collection` or `collection.field`.
    pub name: String,
    /// The name that was probably meant.
    pub nearest: Option<String>,
}

/// The stray names of all records, in the order of the collections. What Directus' own collections have is not known
/// without a server, so their fields count as there.
#[must_use]
pub fn stray_names(snapshot: &Snapshot, records: &DumpRecords) -> Vec<StrayName> {
    let (rows, schema) = (Default::default(), Names(snapshot));
    let labels = Labels::new(records, &rows);
    let mut stray = Vec::new();
    for (name, records) in records {
        let Some(collection) = Collection::named(name) else { continue };
        for record in records {
            stray.extend(schema.of(collection.name, &record.fields).into_iter().map(
                |(path, name, nearest)| {
                    let label = labels.of(collection, &record.fields, record.sync_id.as_str());
                    StrayName { collection: collection.name, label, path, name, nearest }
                },
            ));
        }
    }
    stray
}

struct Names<'a>(&'a Snapshot);

/// Where, which name, and which was probably meant.
type Stray = (&'static str, String, Option<String>);

impl Names<'_> {
    fn of(&self, collection: &str, fields: &Fields) -> Vec<Stray> {
        match collection {
            "permissions" => {
                let of_fields = fields.get("fields");
                let named = text(fields.get("collection"));
                let stray = self.collection("collection", named);
                if stray.is_empty() { self.fields(named, of_fields) } else { stray }
            }
            "presets" => self.collection("collection", text(fields.get("collection"))),
            "flows" => {
                let of_trigger = fields.get("options").and_then(|options| options.get("collections"));
                let names = of_trigger.and_then(Value::as_array).into_iter().flatten();
                names.flat_map(|name| self.collection("options.collections", text(Some(name)))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn collection(&self, path: &'static str, name: &str) -> Vec<Stray> {
        if name.is_empty() || is_own(name) || self.0.collection(name).is_some() {
            return Vec::new();
        }
        let names: Vec<&str> = self.0.collection_names().collect();
        vec![(path, name.to_owned(), nearest(name, &names).map(Into::into))]
    }

    fn fields(&self, collection: &str, listed: Option<&Value>) -> Vec<Stray> {
        if is_own(collection) {
            return Vec::new();
        }
        let known: Vec<&str> =
            self.0.fields_of(collection).filter_map(|field| field.get("field")?.as_str()).collect();
        let listed = listed.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let stray = listed.filter(|name| *name != "*" && !known.contains(name));
        stray
            .map(|name| ("fields", format!("{collection}.{name}"), nearest(name, &known).map(Into::into)))
            .collect()
    }
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

fn is_own(collection: &str) -> bool {
    collection.starts_with("directus_")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Record;

    fn stray(collection: &'static str, fields: &Value) -> Vec<(&'static str, String, Option<String>)> {
        let snapshot = Snapshot::from_value(json!({
            "version": 1, "directus": "11.17.4", "vendor": "sqlite",
            "collections": [{"collection": "posts", "meta": {}, "schema": {"name": "posts"}}],
            "fields": [{"collection": "posts", "field": "title", "type": "string", "meta": {},
                "schema": {"name": "title", "table": "posts"}}],
            "relations": [],
        }))
        .unwrap();
        let mut fields = fields.clone();
        fields["_syncId"] = "a".into();
        let record = Record::from_dump(fields.as_object().unwrap().clone()).unwrap();
        let names = stray_names(&snapshot, &DumpRecords::from([(collection, vec![record])]));
        names.into_iter().map(|stray| (stray.path, stray.name, stray.nearest)).collect()
    }

    #[test]
    fn names_of_nothing_are_found_and_others_are_not() {
        type Case = (&'static str, Value, Vec<(&'static str, &'static str, Option<&'static str>)>);
        let cases: [Case; 9] = [
            ("permissions", json!({"collection": "posts", "fields": ["*"]}), vec![]),
            ("permissions", json!({"collection": "posts", "fields": ["title"]}), vec![]),
            (
                "permissions",
                json!({"collection": "posts", "fields": ["titel", "title"]}),
                vec![("fields", "posts.titel", Some("title"))],
            ),
            (
                "permissions",
                json!({"collection": "post", "fields": ["titel"]}),
                vec![("collection", "post", Some("posts"))],
            ),
            ("permissions", json!({"collection": "directus_files", "fields": ["anything"]}), vec![]),
            ("presets", json!({"collection": "zebras"}), vec![("collection", "zebras", None)]),
            (
                "flows",
                json!({"name": "f", "options": {"collections": ["posts", "pots"]}}),
                vec![("options.collections", "pots", Some("posts"))],
            ),
            ("flows", json!({"name": "f", "options": null}), vec![]),
            ("roles", json!({"name": "r", "collection": "zebras"}), vec![]),
        ];
        for (collection, fields, expected) in cases {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(path, name, near)| (path, name.to_owned(), near.map(str::to_owned)))
                .collect();
            assert_eq!(stray(collection, &fields), expected, "{collection} {fields}");
        }
    }
}
