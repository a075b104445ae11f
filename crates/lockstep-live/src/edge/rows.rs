//! Reading records of either side.

use std::collections::{HashMap, HashSet};

use futures::future::try_join_all;
use lockstep_core::collection::Key;
use lockstep_core::merge::Side;
use lockstep_core::record::{Fields, LocalId, is_uuid};
use lockstep_directus::items::{self, Endpoint, Query};
use serde_json::{Value, json};

use super::Edge;
use crate::error::LiveError;
use crate::shape::Shape;

/// Fields of files that tell one content from another.
pub(super) const STAMPS: [&str; 3] = ["filesize", "uploaded_on", "modified_on"];

impl Edge {
    /// The records with these keys, by key. One that is not among them is not there.
    pub(super) async fn rows(
        &self,
        shape: &Shape,
        side: Side,
        keys: &[String],
    ) -> Result<HashMap<String, Fields>, LiveError> {
        let mut fields: Vec<&str> = shape.read().filter(|field| !field.starts_with('$')).collect();
        if shape.is_files() {
            fields.extend(STAMPS);
        }
        let rows = self.by_keys(shape, side, keys, &fields, None).await?;
        Ok(rows.into_iter().filter_map(|row| keyed(shape, row)).collect())
    }

    /// Those of these keys whose records the route carries.
    pub(super) async fn in_scope(
        &self,
        shape: &Shape,
        side: Side,
        keys: &[String],
    ) -> Result<HashSet<String>, LiveError> {
        let Some(filter) = &shape.filter else { return Ok(keys.iter().cloned().collect()) };
        let rows = self.by_keys(shape, side, keys, &[&shape.key_field], Some(filter)).await?;
        Ok(rows.into_iter().filter_map(|row| keyed(shape, row)).map(|(key, _)| key).collect())
    }

    async fn by_keys(
        &self,
        shape: &Shape,
        side: Side,
        keys: &[String],
        fields: &[&str],
        filter: Option<&Value>,
    ) -> Result<Vec<Fields>, LiveError> {
        let peer = self.peer(side);
        let endpoint = Endpoint::of(&shape.collection);
        // A key that cannot be one there would be an error of the database.
        let possible: Vec<Value> =
            keys.iter().filter(|key| is_possible(shape, key)).map(|key| value(shape, key)).collect();
        let reads = possible.chunks(peer.page).map(|part| {
            let wanted = json!({&shape.key_field: {"_in": part}});
            let filter = match filter {
                Some(filter) => json!({"_and": [wanted, filter]}),
                None => wanted,
            };
            let limit = i64::try_from(part.len()).unwrap_or(i64::MAX);
            let query = Query::new().fields(fields.iter().copied()).filter(filter).limit(limit);
            let endpoint = &endpoint;
            async move { items::list(&peer.client, endpoint, &query).await }
        });
        let pages = try_join_all(reads).await.map_err(|error| peer.failed(error))?;
        Ok(pages.into_iter().flat_map(|page| page.data).collect())
    }

    /// A page of a collection, by key, from 1, with how many records there are.
    pub(super) async fn page(
        &self,
        shape: &Shape,
        side: Side,
        number: u64,
        fields: &[&str],
    ) -> Result<(Vec<(String, Fields)>, u64), LiveError> {
        let peer = self.peer(side);
        let limit = i64::try_from(peer.page).unwrap_or(i64::MAX);
        let mut query = Query::new().fields(fields.iter().copied()).sort([shape.key_field.as_str()]);
        query = query.limit(limit).page(number).meta(["filter_count"]);
        if let Some(filter) = &shape.filter {
            query = query.filter(filter.clone());
        }
        let page = items::list(&peer.client, &Endpoint::of(&shape.collection), &query).await;
        let page = page.map_err(|error| peer.failed(error))?;
        let count = page.filter_count.unwrap_or_default();
        Ok((page.data.into_iter().filter_map(|row| keyed(shape, row)).collect(), count))
    }
}

fn keyed(shape: &Shape, mut row: Fields) -> Option<(String, Fields)> {
    let key = row.shift_remove(&shape.key_field)?;
    Some((LocalId::from_value(&key)?.as_str().to_owned(), row))
}

fn is_possible(shape: &Shape, key: &str) -> bool {
    match shape.key {
        Key::Uuid => is_uuid(key),
        Key::Integer => key.parse::<i64>().is_ok(),
        Key::Text | Key::Singleton => true,
    }
}

/// A key as the server wants it.
pub(super) fn value(shape: &Shape, key: &str) -> Value {
    LocalId::from(key).to_value(shape.key)
}
