//! Rows of content by key, complete or not at all.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use lockstep_core::collection::{Collection, Key};
use lockstep_core::record::{Fields, LocalId, Row, is_uuid};
use lockstep_directus::Error as DirectusError;
use lockstep_directus::items::{self, Endpoint, Query};
use serde_json::{Value, json};

use crate::error::EngineError;
use crate::instance::Instance;

/// How many keys one request asks for: far below what databases take as parameters.
const KEYS: usize = 1000;
/// How many rows one request reads of those that match a filter.
const PAGE: u64 = 5000;
/// How often they are read when rows come or go meanwhile.
const READS: usize = 3;

/// Which rows of a collection are read, and what of them.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    collection: &'static Collection,
    fields: BTreeSet<String>,
    keys: BTreeSet<LocalId>,
    others: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Wanted {
    /// Nothing of a collection yet but the keys.
    pub(crate) fn of(collection: &'static Collection) -> Self {
        Self {
            collection,
            fields: BTreeSet::from([collection.key_field.to_owned()]),
            keys: BTreeSet::new(),
            others: BTreeMap::new(),
        }
    }

    /// Also this field.
    pub(crate) fn field(&mut self, name: &str) {
        self.fields.insert(name.to_owned());
    }

    /// Also the row with this key, if it can be a key there at all.
    pub(crate) fn key(&mut self, id: LocalId) {
        let possible = match self.collection.key {
            Key::Uuid => is_uuid(id.as_str()),
            Key::Integer => id.as_str().parse::<i64>().is_ok(),
            Key::Text | Key::Singleton => true,
        };
        if possible {
            self.keys.insert(id);
        }
    }

    /// Also rows with this value in a field of the natural key.
    pub(crate) fn named(&mut self, field: &'static str, value: &str) {
        let values = self.others.entry(field).or_default();
        values.extend([value.to_owned(), value.to_lowercase()]);
    }
}

impl Instance {
    /// Reads rows by their keys. A key that is not there is no error; anything else is.
    pub(crate) async fn rows(&self, wanted: &Wanted) -> Result<Vec<Row>, EngineError> {
        let (collection, page) = (wanted.collection, self.page().and_then(|page| usize::try_from(page).ok()));
        let size = page.unwrap_or(KEYS).clamp(1, KEYS);
        let keys: Vec<_> = wanted.keys.iter().map(|key| key.to_value(collection.key)).collect();
        let others = wanted.others.iter().map(|(field, values)| {
            let values: Vec<_> = values.iter().map(|value| Value::from(value.as_str())).collect();
            (*field, values)
        });
        let mut reads = Vec::new();
        for (field, values) in std::iter::once((collection.key_field, keys)).chain(others) {
            // Each value is that of one row at most, so that an answer of this size is complete.
            reads.extend(values.chunks(size).map(|part| (field, part.to_vec())));
        }
        let parts =
            try_join_all(reads.into_iter().map(|(field, part)| self.part(wanted, field, part))).await?;
        let mut rows: BTreeMap<LocalId, Row> = BTreeMap::new();
        rows.extend(parts.into_iter().flatten().map(|row| (row.id.clone(), row)));
        Ok(rows.into_values().collect())
    }

    async fn part(&self, wanted: &Wanted, field: &str, values: Vec<Value>) -> Result<Vec<Row>, EngineError> {
        let limit = i64::try_from(values.len()).unwrap_or(i64::MAX);
        let query = Query::new().fields(wanted.fields.iter().map(String::as_str)).limit(limit);
        let query = query.filter(json!({field: {"_in": values}}));
        let endpoint = Endpoint::of(&wanted.collection.system_name());
        let page = items::list(&self.client, &endpoint, &query).await?;
        Ok(page.data.into_iter().filter_map(|fields| Row::from_server(wanted.collection, fields)).collect())
    }

    /// The rows that match a filter, lowest keys first; so many at most. Where the server limits answers they are read page
    /// by page, and again when their number changes meanwhile.
    pub(crate) async fn matching(
        &self,
        collection: &'static Collection,
        fields: &[String],
        filter: Option<&Value>,
        limit: Option<u64>,
    ) -> Result<Vec<Row>, EngineError> {
        let mut counts = (0, 0);
        for _ in 0..READS {
            let (rows, expected) = self.pages(collection, fields, filter, limit).await?;
            let ids: BTreeSet<&LocalId> = rows.iter().map(|row| &row.id).collect();
            if ids.len() == rows.len() && rows.len() as u64 == expected {
                return Ok(rows);
            }
            counts = (expected, ids.len() as u64);
        }
        let (expected, found) = counts;
        Err(EngineError::Incomplete { collection: collection.shown_name(), expected, found })
    }

    /// All pages, and how many rows there ought to be.
    async fn pages(
        &self,
        collection: &'static Collection,
        fields: &[String],
        filter: Option<&Value>,
        limit: Option<u64>,
    ) -> Result<(Vec<Row>, u64), EngineError> {
        let endpoint = Endpoint::of(&collection.system_name());
        let (mut rows, mut wanted): (Vec<Row>, u64) = (Vec::new(), limit.unwrap_or(u64::MAX));
        let size = self.page().unwrap_or(PAGE).clamp(1, PAGE);
        let said = fields.iter().map(String::as_str).chain([collection.key_field]);
        let said: BTreeSet<&str> = said.collect();
        for number in 1.. {
            let mut query = Query::new().fields(said.iter().copied()).sort([collection.key_field]);
            query = query.limit(i64::try_from(size).unwrap_or(i64::MAX)).page(number).meta(["filter_count"]);
            if let Some(filter) = filter {
                query = query.filter(filter.clone());
            }
            let page = items::list(&self.client, &endpoint, &query).await?;
            wanted = wanted.min(page.filter_count.unwrap_or_default());
            let came = page.data.len();
            rows.extend(page.data.into_iter().filter_map(|fields| Row::from_server(collection, fields)));
            if came == 0 || rows.len() as u64 >= wanted {
                break;
            }
        }
        rows.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        Ok((rows, wanted))
    }

    /// The highest counted key of a collection; 0 where it is empty.
    pub(crate) async fn newest(&self, collection: &Collection) -> Result<i64, DirectusError> {
        let (key, endpoint) = (collection.key_field, Endpoint::of(&collection.system_name()));
        let query = Query::new().fields([key]).sort([format!("-{key}")]).limit(1);
        let last = items::list(&self.client, &endpoint, &query).await?.data.pop();
        let id = last.and_then(|row| LocalId::from_value(row.get(key)?));
        Ok(id.and_then(|id| id.as_str().parse().ok()).unwrap_or_default())
    }

    /// The rows whose counted key is higher than this one, lowest first.
    pub(crate) async fn newer(
        &self,
        collection: &'static Collection,
        than: i64,
    ) -> Result<Vec<Row>, EngineError> {
        let key = collection.key_field;
        let endpoint = Endpoint::of(&collection.system_name());
        let size = self.page().unwrap_or(KEYS as u64).min(KEYS as u64).max(1);
        let (mut rows, mut last): (Vec<Row>, i64) = (Vec::new(), than);
        loop {
            let query = Query::new().sort([key]).limit(i64::try_from(size).unwrap_or(i64::MAX));
            let query = query.filter(json!({key: {"_gt": last}}));
            let page: Vec<Fields> = items::list(&self.client, &endpoint, &query).await?.data;
            let came = page.len() as u64;
            rows.extend(page.into_iter().filter_map(|fields| Row::from_server(collection, fields)));
            match rows.last().and_then(|row| row.id.as_str().parse().ok()) {
                Some(next) if came == size && next > last => last = next,
                _ => return Ok(rows),
            }
        }
    }
}
