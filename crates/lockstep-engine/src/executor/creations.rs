//! Creations: the one kind of write that a second time makes a second record.

use std::collections::HashSet;

use lockstep_core::collection::Collection;
use lockstep_core::plan::{Batch, Item};
use lockstep_core::record::{Fields, LocalId, Row, SyncId};
use lockstep_directus::items::{self, Endpoint, Query};
use lockstep_directus::{Error as DirectusError, ErrorKind, Request};
use serde_json::{Value, json};

use crate::error::EngineError;

use super::{ATTEMPTS, Executor, GRACE, body};

impl Executor<'_> {
    pub(super) async fn create_with_ids(
        &self,
        batch: &Batch,
        items: &[Item],
        endpoint: &Endpoint,
    ) -> Result<(), DirectusError> {
        let mut open = items.to_vec();
        for attempt in 1.. {
            let key = batch.collection.key_field;
            let request = Request::post(endpoint.path()).query("fields", key).raw_json(body(batch, &open));
            let error = match self.instance.client.send(&request).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            // On a repetition, "not unique" means that the first try arrived after all.
            let arrived = attempt > 1 && error.code() == Some("RECORD_NOT_UNIQUE");
            if attempt >= ATTEMPTS || !(error.may_have_been_applied() || arrived) {
                return Err(error);
            }
            tokio::time::sleep(GRACE * attempt).await;
            // Where looking fails as well, the first failure is what matters: it may have been carried out.
            let Ok(there) = self.existing(batch.collection, &open, endpoint).await else {
                return Err(error);
            };
            let before = open.len();
            open.retain(|item| item.id.as_ref().is_none_or(|id| !there.contains(id.as_str())));
            if open.is_empty() {
                return Ok(());
            }
            if open.len() == before && error.kind() == ErrorKind::Server {
                return Err(error.known_not_applied());
            }
        }
        Ok(())
    }

    /// Which of these records the server holds.
    pub(super) async fn existing(
        &self,
        collection: &Collection,
        items: &[Item],
        endpoint: &Endpoint,
    ) -> Result<HashSet<LocalId>, DirectusError> {
        let (key, mut there) = (collection.key_field, HashSet::new());
        for items in items.chunks(100) {
            let ids = items.iter().filter_map(|item| item.id.as_ref());
            let ids: Vec<_> = ids.map(|id| id.to_value(collection.key)).collect();
            let query = Query::new().fields([key]).filter(json!({key: {"_in": ids}})).limit(100);
            for item in items::list(&self.instance.client, endpoint, &query).await?.data {
                there.extend(item.get(key).and_then(LocalId::from_value));
            }
        }
        Ok(there)
    }

    /// Creates records whose ids the server makes. It answers in the order of the ids, which is the order of the
    /// request.
    pub(super) async fn create_without_ids(
        &self,
        batch: &Batch,
        items: &[Item],
        endpoint: &Endpoint,
    ) -> Result<Vec<(Option<SyncId>, Option<LocalId>)>, DirectusError> {
        let newest = self.newest(batch.collection).await?;
        for attempt in 1.. {
            let key = batch.collection.key_field;
            let request = Request::post(endpoint.path()).query("fields", key).raw_json(body(batch, items));
            let error = match self.instance.client.send(&request).await.and_then(|answer| answer.data()) {
                Ok(answer) => {
                    let ids = new_ids(key, &answer);
                    let known = ids.len() == items.len();
                    return Ok(items
                        .iter()
                        .enumerate()
                        .map(|(place, item)| (item.sync_id.clone(), known.then(|| ids[place].clone())))
                        .collect());
                }
                Err(error) => error,
            };
            if attempt >= ATTEMPTS || !error.may_have_been_applied() {
                return Err(error);
            }
            tokio::time::sleep(GRACE * attempt).await;
            match self.arrived(batch, items, newest).await {
                Ok(Arrival::All(ids)) => {
                    let known = items.iter().zip(ids).map(|(item, id)| (item.sync_id.clone(), Some(id)));
                    return Ok(known.collect());
                }
                Ok(Arrival::Nothing) if error.kind() == ErrorKind::Server => {
                    return Err(error.known_not_applied());
                }
                Ok(Arrival::Nothing) => {}
                Ok(Arrival::Unclear) | Err(_) => return Err(error),
            }
        }
        Ok(Vec::new())
    }

    /// What became of a batch of which no answer came: rows that were not there before and have the content that was sent,
    /// one for each record.
    async fn arrived(
        &self,
        batch: &Batch,
        items: &[Item],
        newest: Option<i64>,
    ) -> Result<Arrival, EngineError> {
        let collection = batch.collection;
        let rows = match newest {
            Some(newest) => self.instance.newer(collection, newest).await?,
            None => self.instance.collection(collection).await?.0,
        };
        let before = self.before.get(collection.name).into_iter().flatten();
        let before: HashSet<&str> = before.map(|row| row.id.as_str()).collect();
        let mut new: Vec<_> = rows.iter().filter(|row| !before.contains(row.id.as_str())).collect();
        let came = new.len();
        let mut ids = Vec::new();
        for item in items {
            let mut sent: Fields = serde_json::from_str(&item.body).unwrap_or_default();
            for field in collection.null_at_first {
                sent.entry(*field).or_insert(Value::Null);
            }
            let same = |row: &&Row| {
                let told = sent.iter().filter(|(name, _)| !collection.once.contains(&name.as_str()));
                told.into_iter().all(|(name, value)| {
                    row.fields.get(name).is_none_or(|there| collection.same(name, value, there))
                })
            };
            let Some(place) = new.iter().position(same) else {
                // A batch comes whole or not at all; of content others may write as well, and flows may change it.
                let unclear = collection.is_content() && came >= items.len();
                return Ok(if unclear { Arrival::Unclear } else { Arrival::Nothing });
            };
            ids.push(new.remove(place).id.clone());
        }
        Ok(Arrival::All(ids))
    }

    /// The highest id of a collection of content whose ids the server counts, before something is created there: what is
    /// new has a higher one.
    async fn newest(&self, collection: &Collection) -> Result<Option<i64>, DirectusError> {
        if !collection.is_content() {
            return Ok(None);
        }
        match self.made.newest(collection) {
            Some(newest) => Ok(Some(newest)),
            None => self.instance.newest(collection).await.map(Some),
        }
    }
}

/// What became of a batch of which no answer came.
enum Arrival {
    /// It is there, under these ids.
    All(Vec<LocalId>),
    /// Nothing of it is there.
    Nothing,
    /// Something new is there, and nobody can tell whether it is that.
    Unclear,
}

/// The ids in the answer to a creation, lowest first.
fn new_ids(key: &str, answer: &Value) -> Vec<LocalId> {
    let rows = answer.as_array().into_iter().flatten();
    let mut ids: Vec<_> = rows.filter_map(|row| LocalId::from_value(row.get(key)?)).collect();
    ids.sort_by(|a, b| a.order().cmp(&b.order()));
    ids
}
