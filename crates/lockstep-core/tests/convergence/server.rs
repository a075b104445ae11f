//! A model of a Directus server as far as writes go: keys, foreign keys, uniqueness, cascades, attachments.

use std::collections::BTreeSet;

use lockstep_core::collection::{COLLECTIONS, Collection, Key};
use lockstep_core::identity::InstanceRows;
use lockstep_core::plan::{Batch, Verb};
use lockstep_core::record::{Fields, LocalId, Row};
use serde_json::{Value, json};

/// The rows of an instance, and the next integer key.
pub(crate) struct Server {
    pub(crate) rows: InstanceRows,
    next: i64,
}

impl Server {
    pub(crate) fn new(rows: InstanceRows) -> Self {
        Self { rows, next: 1000 }
    }

    /// Carries out a batch, and panics where the real server would refuse it.
    pub(crate) fn take(&mut self, batch: &Batch) {
        let body: Vec<Value> = serde_json::from_str(&batch.body()).expect("a batch is a JSON array");
        assert_eq!(body.len(), batch.items.len());
        match batch.verb {
            Verb::Create => body.into_iter().for_each(|item| self.create(batch.collection, item)),
            Verb::Update | Verb::Release => {
                body.into_iter().for_each(|item| self.update(batch.collection, item));
            }
            Verb::Delete => self.delete(batch.collection, &body),
        }
    }

    fn create(&mut self, collection: &'static Collection, item: Value) {
        let Value::Object(mut fields) = item else { panic!("a creation is an object") };
        let id = fields.shift_remove("id").and_then(|id| LocalId::from_value(&id));
        let id = match collection.key {
            Key::Uuid => id.expect("ids are chosen by the client"),
            Key::Integer => {
                assert_eq!(id, None, "integer keys are made by the server");
                self.next += 1;
                LocalId::from(self.next.to_string())
            }
            Key::Singleton => panic!("settings are never created"),
            Key::Text => panic!("no system collection has texts as keys"),
        };
        assert!(self.find(collection.name, id.as_str()).is_none(), "{}: {id} exists", collection.name);
        let mut row = Row { id, fields: Fields::new() };
        self.write(collection, &mut row, fields);
        self.rows.get_mut(collection.name).expect("a known collection").push(row);
    }

    fn update(&mut self, collection: &'static Collection, item: Value) {
        let Value::Object(mut fields) = item else { panic!("an update is an object") };
        let id =
            fields.shift_remove("id").and_then(|id| LocalId::from_value(&id)).unwrap_or_else(|| "1".into());
        let twice = collection.change_apart.iter().filter(|field| fields.contains_key(**field)).count();
        assert!(twice < 2, "{}: fields that change apart", collection.name);
        let place = self.rows[collection.name].iter().position(|row| row.id == id).expect("the row exists");
        let mut row = self.rows.get_mut(collection.name).unwrap().remove(place);
        self.write(collection, &mut row, fields);
        self.rows.get_mut(collection.name).unwrap().insert(place, row);
    }

    fn write(&self, collection: &'static Collection, row: &mut Row, fields: Fields) {
        for (name, value) in fields {
            if collection.attachments == Some(&name) {
                self.attach(row, &value);
                continue;
            }
            if let Some(held) = value.as_str() {
                let own = held == row.id.as_str();
                for reference in collection.references.iter().filter(|r| r.enforced && r.path == name) {
                    let known = own && reference.target == collection.name
                        || self.find(reference.target, held).is_some();
                    assert!(known, "{}.{name} refers to {held}", collection.name);
                }
                if collection.unique.contains(&name.as_str()) {
                    let taken = self.rows[collection.name]
                        .iter()
                        .find(|other| other.fields.get(&name) == Some(&value));
                    assert!(taken.is_none(), "{}.{name}: {held} is taken", collection.name);
                }
            }
            row.fields.insert(name, value);
        }
    }

    fn attach(&self, row: &mut Row, change: &Value) {
        let mut attachments = row.fields.get("roles").and_then(Value::as_array).cloned().unwrap_or_default();
        let deleted: BTreeSet<&str> =
            change["delete"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        attachments.retain(|attachment| !deleted.contains(attachment["id"].as_str().unwrap()));
        for update in change["update"].as_array().unwrap() {
            let there = attachments.iter_mut().find(|attachment| attachment["id"] == update["id"]);
            there.expect("an attachment that exists")["sort"] = update["sort"].clone();
        }
        for create in change["create"].as_array().unwrap() {
            if let Some(role) = create["role"].as_str() {
                assert!(self.find("roles", role).is_some(), "attached to {role}");
                assert!(!attachments.iter().any(|a| a["role"] == *role), "attached twice to {role}");
            }
            let id = format!("{}/{}", row.id, attachments.len());
            attachments.push(json!({"id": id, "role": create["role"], "user": null, "sort": create["sort"]}));
        }
        row.fields.insert("roles".to_owned(), Value::Array(attachments));
    }

    fn delete(&mut self, collection: &'static Collection, keys: &[Value]) {
        let ids: BTreeSet<LocalId> =
            keys.iter().map(|key| LocalId::from_value(key).expect("a key")).collect();
        for id in &ids {
            assert!(self.find(collection.name, id.as_str()).is_some(), "{}: {id} is gone", collection.name);
        }
        self.remove(collection, &ids);
        for field in collection.self_references() {
            for row in &self.rows[collection.name] {
                let held = row.fields.get(field).and_then(Value::as_str);
                assert!(
                    !held.is_some_and(|held| ids.contains(held)),
                    "{}.{field} still refers",
                    collection.name
                );
            }
        }
    }

    fn remove(&mut self, collection: &'static Collection, ids: &BTreeSet<LocalId>) {
        self.rows.get_mut(collection.name).unwrap().retain(|row| !ids.contains(&row.id));
        for (child, field) in collection.cascades {
            let is_child = |row: &&Row| {
                row.fields.get(*field).and_then(Value::as_str).is_some_and(|held| ids.contains(held))
            };
            let children: BTreeSet<LocalId> =
                self.rows[child].iter().filter(is_child).map(|row| row.id.clone()).collect();
            if !children.is_empty() {
                // The server clears what refers to the children of a parent that goes.
                let child = Collection::named(child).unwrap();
                for row in self.rows.get_mut(child.name).unwrap() {
                    for field in child.self_references() {
                        let held = row.fields.get(field).and_then(Value::as_str);
                        if held.is_some_and(|held| children.contains(held)) {
                            row.fields.insert(field.to_owned(), Value::Null);
                        }
                    }
                }
                self.remove(child, &children);
            }
        }
        if collection.name == "roles" {
            for policy in self.rows.get_mut("policies").unwrap() {
                if let Some(Value::Array(attachments)) = policy.fields.get_mut("roles") {
                    attachments.retain(|a| !a["role"].as_str().is_some_and(|role| ids.contains(role)));
                }
            }
        }
        for other in &COLLECTIONS {
            let loose = other
                .references
                .iter()
                .filter(|r| r.target == collection.name && other.key == Key::Singleton);
            for reference in loose {
                for row in self.rows.get_mut(other.name).unwrap() {
                    let held = row.fields.get(reference.path).and_then(Value::as_str);
                    if held.is_some_and(|held| ids.contains(held)) {
                        row.fields.insert(reference.path.to_owned(), Value::Null);
                    }
                }
            }
        }
    }

    fn find(&self, collection: &str, id: &str) -> Option<&Row> {
        self.rows[collection].iter().find(|row| row.id.as_str() == id)
    }
}
