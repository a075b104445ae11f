//! The names that people know records by.

use std::collections::HashMap;

use serde_json::Value;

use crate::collection::{Collection, LabelPart};
use crate::identity::{DumpRecords, InstanceRows};
use crate::record::Fields;

/// Names of the records of both sides, by collection and id (SyncID or local id).
#[derive(Debug, Default)]
pub struct Labels<'a>(HashMap<(&'static str, &'a str), &'a str>);

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
        Self(names)
    }

    /// The name of a record by one of its ids.
    #[must_use]
    pub fn name(&self, collection: &'static str, id: &str) -> Option<&'a str> {
        self.0.get(&(collection, id)).copied()
    }

    /// What to call a record: its parts joined by ` · `, or its id where it has no name.
    #[must_use]
    pub fn of(&self, collection: &Collection, fields: &Fields, id: &str) -> String {
        let parts: Vec<&str> =
            collection.label.iter().filter_map(|part| self.part(collection, fields, *part)).collect();
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
}
