//! The names that people know records by.

use std::collections::HashMap;

use serde_json::Value;

use crate::collection::{Collection, LabelPart};
use crate::identity::{DumpRecords, IdMap, InstanceRows};
use crate::record::{Fields, LocalId};
use crate::transform::Concealed;

/// Names of the records of both sides, by collection and id (SyncID or local id).
#[derive(Debug, Default)]
pub struct Labels<'a> {
    names: HashMap<(&'static str, &'a str), &'a str>,
    /// Texts that stand for what variables supplied, by field.
    concealed: HashMap<(&'static str, &'a str), HashMap<&'a str, &'a str>>,
}

impl<'a> Labels<'a> {
    /// Collects the names of everything that has one.
    #[must_use]
    pub fn new(dump: &'a DumpRecords, rows: &'a InstanceRows) -> Self {
        let mut names = HashMap::new();
        for (collection, rows) in rows {
            for row in rows {
                if let Some(Value::String(name)) = row.fields.get("name") {
                    names.insert((*collection, row.id.as_str()), name.as_str());
                }
            }
        }
        for (collection, records) in dump {
            for record in records {
                if let Some(Value::String(name)) = record.fields.get("name") {
                    names.insert((*collection, record.sync_id.as_str()), name.as_str());
                }
            }
        }
        Self { names, concealed: HashMap::new() }
    }

    /// Names records by the text in their file where a variable supplies the value; `ids` pairs them with their rows.
    #[must_use]
    pub fn concealing(mut self, concealed: &'a Concealed, ids: &'a IdMap) -> Self {
        for ((collection, sync_id), places) in concealed {
            let in_fields = places.iter().filter(|(path, _)| path.is_field());
            let texts: HashMap<&str, &str> =
                in_fields.filter_map(|(path, text)| Some((path.field(), text.as_str()?))).collect();
            let row = ids.local(collection, sync_id.as_str()).map(LocalId::as_str);
            for id in [Some(sync_id.as_str()), row].into_iter().flatten() {
                if let Some(name) = texts.get("name") {
                    self.names.insert((collection, id), name);
                }
                self.concealed.insert((collection, id), texts.clone());
            }
        }
        self
    }

    /// The name of a record by one of its ids.
    #[must_use]
    pub fn name(&self, collection: &'static str, id: &str) -> Option<&'a str> {
        self.names.get(&(collection, id)).copied()
    }

    /// What to call a record: its parts joined by ` · `, or its id where it has no name.
    #[must_use]
    pub fn of(&self, collection: &Collection, fields: &Fields, id: &str) -> String {
        let concealed = self.concealed.get(&(collection.name, id));
        let text = |part: &LabelPart| {
            let (LabelPart::Field(field) | LabelPart::Named(field)) = part;
            let text = concealed.and_then(|texts| texts.get(field).copied());
            text.or_else(|| self.part(collection, fields, *part))
        };
        let parts: Vec<&str> = collection.label.iter().filter_map(text).collect();
        if parts.is_empty() { id.to_owned() } else { parts.join(" · ") }
    }

    fn part<'b>(&'b self, collection: &Collection, fields: &'b Fields, part: LabelPart) -> Option<&'b str> {
        let (LabelPart::Field(field) | LabelPart::Named(field)) = part;
        let text = fields.get(field)?.as_str().filter(|text| !text.is_empty())?;
        let reference = collection.references.iter().find(|reference| reference.path == field);
        let target = reference.and_then(|reference| reference.target_in(fields));
        Some(target.and_then(|target| self.name(target, text)).unwrap_or(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Record, Row};
    use serde_json::json;

    #[test]
    fn labels_name_what_they_refer_to() {
        let fields = |value: Value| value.as_object().unwrap().clone();
        let rows = InstanceRows::from([(
            "policies",
            vec![Row { id: "p".into(), fields: fields(json!({"name": "Old"})) }],
        )]);
        let dump = DumpRecords::from([(
            "flows",
            vec![Record { sync_id: "f".into(), fields: fields(json!({"name": "Nightly"})).into() }],
        )]);
        let labels = Labels::new(&dump, &rows);
        let of = |name, value| labels.of(Collection::named(name).unwrap(), &fields(value), "id");
        assert_eq!(of("operations", json!({"flow": "f", "key": "send"})), "Nightly · send");
        let permission = json!({"policy": "p", "action": "read", "collection": "posts"});
        assert_eq!(of("permissions", permission), "Old · read · posts");
        assert_eq!(of("presets", json!({"collection": "posts", "bookmark": null, "role": null})), "posts");
        assert_eq!(of("panels", json!({"name": ""})), "id");
    }

    #[test]
    fn what_a_variable_supplies_names_nothing() {
        let fields = |value: Value| value.as_object().unwrap().clone();
        let (flow, row) = (fields(json!({"name": "secret"})), fields(json!({"name": "secret"})));
        let dump =
            DumpRecords::from([("flows", vec![Record { sync_id: "f".into(), fields: flow.clone().into() }])]);
        let rows = InstanceRows::from([("flows", vec![Row { id: "1".into(), fields: row }])]);
        let mut ids = IdMap::default();
        ids.pair("flows", &"f".into(), &"1".into());
        let places = vec![(crate::transform::Path::of_field("name"), json!("${NAME}"))];
        let concealed = Concealed::from([(("flows", "f".into()), places)]);
        let labels = Labels::new(&dump, &rows).concealing(&concealed, &ids);
        let flows = Collection::named("flows").unwrap();
        assert_eq!(labels.of(flows, &flow, "f"), "${NAME}");
        let operations = Collection::named("operations").unwrap();
        for id in ["f", "1"] {
            assert_eq!(
                labels.of(operations, &fields(json!({"flow": id, "key": "send"})), "o"),
                "${NAME} · send"
            );
        }
    }
}
