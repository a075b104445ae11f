//! Ids that the server makes while a plan is carried out, and the references that wait for them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lockstep_core::collection::{Collection, Key, Reference, Registry};
use lockstep_core::plan::{Batch, Item, Verb};
use lockstep_core::record::{Fields, LocalId, SyncId};
use serde_json::Value;

use crate::error::EngineError;

/// The ids that the server made in a run.
#[derive(Debug, Default)]
pub(crate) struct Made {
    ids: Mutex<HashMap<(&'static str, SyncId), LocalId>>,
    newest: Mutex<HashMap<&'static str, i64>>,
    keys: HashMap<&'static str, Key>,
}

impl Made {
    /// For plans of these collections.
    pub(crate) fn among(registry: &Registry) -> Self {
        let keys = registry.iter().filter(|c| c.is_content()).map(|c| (c.name, c.key)).collect();
        Self { keys, ..Self::default() }
    }

    /// Notes the ids of a part of a batch that was carried out.
    pub(super) fn note(
        &self,
        collection: &'static Collection,
        verb: Verb,
        items: &[(Option<SyncId>, Option<LocalId>)],
    ) {
        if verb != Verb::Create || !collection.is_content() {
            return;
        }
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        for (sync_id, id) in items {
            if let (Some(sync_id), Some(id)) = (sync_id, id) {
                ids.insert((collection.name, sync_id.clone()), id.clone());
            }
        }
        if collection.key == Key::Integer {
            let of_items = items.iter().filter_map(|(_, id)| id.as_ref()?.as_str().parse().ok());
            if let Some(last) = of_items.max() {
                let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
                let known = newest.entry(collection.name).or_insert(last);
                *known = last.max(*known);
            }
        }
    }

    /// Notes the highest id of a collection before anything is created there.
    pub(crate) fn note_newest(&self, collection: &Collection, id: i64) {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).insert(collection.name, id);
    }

    /// The highest id that the server made in a collection.
    pub(super) fn newest(&self, collection: &Collection) -> Option<i64> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).get(collection.name).copied()
    }

    /// The batch with all references in place.
    pub(super) fn complete<'b>(&self, batch: &'b Batch) -> Result<Cow<'b, Batch>, EngineError> {
        if batch.items.iter().all(|item| item.late.is_empty()) {
            return Ok(Cow::Borrowed(batch));
        }
        let items = batch.items.iter().map(|item| self.item(batch.collection, item));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        Ok(Cow::Owned(Batch { collection: batch.collection, verb: batch.verb, items }))
    }

    fn item(&self, collection: &'static Collection, item: &Item) -> Result<Item, EngineError> {
        let mut fields: Fields = serde_json::from_str(&item.body).unwrap_or_default();
        let mut id = item.id.clone();
        for late in &item.late {
            let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            let made = ids.get(&(late.collection, late.sync_id.clone()));
            let made = made.ok_or_else(|| EngineError::NoId {
                collection: collection.shown_name(),
                label: item.label.clone(),
                field: late.field.clone(),
                sync_id: late.sync_id.clone(),
            })?;
            if late.field == collection.key_field {
                id = Some(made.clone());
            }
            let reference = collection.references.iter().find(|reference| reference.path == late.field);
            let value = self.value(reference, late.collection, made);
            fields.insert(late.field.clone(), value);
        }
        let body = Value::Object(fields).to_string();
        Ok(Item { id, body, late: Vec::new(), ..item.clone() })
    }

    /// An id as its field holds it: that of a many-to-any relation is text.
    fn value(&self, reference: Option<&Reference>, target: &str, id: &LocalId) -> Value {
        let any = reference.is_some_and(|reference| reference.any.is_some());
        match self.keys.get(target) {
            Some(key) if !any => id.to_value(*key),
            _ => Value::from(id.as_str()),
        }
    }
}
