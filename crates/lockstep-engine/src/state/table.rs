//! A table of our own in the instance, made over REST with nothing to install.
//!
//! Directus does not track the table (its metadata is null): it works through `/items`, stays out of snapshots and
//! diffs on 11 and 12, survives the pushes of other tools and takes no place of a licence. It holds few rows of
//! bounded size, because each row that is written writes activity as well.

use std::collections::BTreeMap;
use std::time::Duration;

use lockstep_core::identity::Mappings;
use lockstep_directus::items::{self, Endpoint, Item, Query};
use lockstep_directus::{Client, ErrorKind, collections};
use serde_json::{Value, json};

use super::chunk::Chunk;
use crate::error::EngineError;

/// The name of the table.
pub(crate) const TABLE: &str = "lockstep_state";
/// The most mappings in one row; with two UUIDs each, a row stays below the 64 KB of a MySQL `TEXT`.
const ROW: usize = 500;

/// The table of one instance.
#[derive(Debug)]
pub(crate) struct TableStore {
    client: Client,
    exists: bool,
    rows: BTreeMap<String, String>,
}

impl TableStore {
    /// Reads the table; where there is none, nothing is known.
    pub(crate) async fn read(client: Client) -> Result<(Self, Mappings), EngineError> {
        let endpoint = Endpoint::of(TABLE);
        let mut found: Vec<Item> = Vec::new();
        loop {
            let offset = found.len() as u64;
            let query = Query::new().limit(-1).offset(offset).sort(["id"]).meta(["total_count"]);
            let page = match items::list(&client, &endpoint, &query).await {
                Ok(page) => page,
                // To an administrator, a table that does not exist is forbidden.
                Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => {
                    return Ok((Self { client, exists: false, rows: BTreeMap::new() }, Mappings::default()));
                }
                Err(error) => return Err(error.into()),
            };
            let came = page.data.len();
            found.extend(page.data);
            match page.total_count {
                Some(total) if total == found.len() as u64 => break,
                Some(_) if came > 0 => {}
                _ => return Err(unreadable("rows are missing in the answer of the instance")),
            }
        }
        let mut rows = BTreeMap::new();
        let mut mappings = Mappings::default();
        for row in found {
            let (Some(id), Some(data)) =
                (row.get("id").and_then(Value::as_str), row.get("data").and_then(Value::as_str))
            else {
                return Err(unreadable("a row without id or data"));
            };
            // The name of a collection may hold the sign as well.
            let collection = id.rsplit_once('/').map_or(id, |(collection, _)| collection);
            let chunk: Chunk =
                serde_json::from_str(data).map_err(|error| unreadable(&format!("row {id}: {error}")))?;
            mappings.extend(collection, chunk.mappings());
            rows.insert(id.to_owned(), data.to_owned());
        }
        Ok((Self { client, exists: true, rows }, mappings))
    }

    /// Makes the table hold these mappings, and creates it if need be.
    pub(crate) async fn write(&mut self, mappings: &Mappings) -> Result<(), EngineError> {
        if !self.exists {
            self.create().await?;
        }
        let rows = chunks(mappings);
        let row = |id: &String, data: &String| json!({"id": id, "data": data});
        let new: Vec<_> =
            rows.iter().filter(|(id, _)| !self.rows.contains_key(*id)).map(|(i, d)| row(i, d)).collect();
        let changed: Vec<_> = rows
            .iter()
            .filter(|(id, data)| self.rows.get(*id).is_some_and(|old| old != *data))
            .map(|(i, d)| row(i, d))
            .collect();
        let gone: Vec<_> =
            self.rows.keys().filter(|id| !rows.contains_key(*id)).map(|id| json!(id)).collect();
        let endpoint = Endpoint::of(TABLE);
        // In this order a run that is cut short leaves mappings twice rather than not at all.
        for batch in new.chunks(BATCH) {
            self.insert(&endpoint, batch).await?;
        }
        for batch in changed.chunks(BATCH) {
            items::update_many(&self.client, &endpoint, batch, &["id"]).await?;
        }
        items::delete_many(&self.client, &endpoint, &gone).await?;
        self.rows = rows;
        Ok(())
    }

    /// A row that is there already (an answer was lost, or another run was faster) is overwritten. What is refused at
    /// once goes row by row.
    async fn insert(&self, endpoint: &Endpoint, rows: &[Value]) -> Result<(), EngineError> {
        match items::create_many(&self.client, endpoint, rows, &["id"]).await {
            Ok(_) => Ok(()),
            Err(error)
                if error.may_have_been_applied()
                    || error.kind() == ErrorKind::TooLarge
                    || error.code() == Some("RECORD_NOT_UNIQUE") =>
            {
                for row in rows {
                    let one = std::slice::from_ref(row);
                    let updated = items::update_many(&self.client, endpoint, one, &["id"]).await?;
                    if updated.is_empty() {
                        items::create_many(&self.client, endpoint, one, &["id"]).await?;
                    }
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn create(&mut self) -> Result<(), EngineError> {
        let field = |name: &str, kind: &str, schema: Value| json!({"field": name, "type": kind, "meta": null, "schema": schema});
        let table = json!({
            "collection": TABLE,
            "meta": null,
            "schema": {},
            "fields": [
                field("id", "string", json!({"is_primary_key": true, "is_nullable": false})),
                field("data", "text", json!({})),
            ],
        });
        for attempt in 1.. {
            let Err(error) = collections::create(&self.client, &table).await else { break };
            // An answer was lost, or another run was faster.
            let there = items::list(&self.client, &Endpoint::of(TABLE), &Query::new().limit(1)).await.is_ok();
            if there {
                break;
            }
            if attempt >= ATTEMPTS || !error.may_have_been_applied() {
                return Err(error.into());
            }
            tokio::time::sleep(GRACE * attempt).await;
        }
        self.exists = true;
        Ok(())
    }
}

/// How often the creation of the table is tried when its answer is lost, and the wait in between.
const ATTEMPTS: u32 = 3;
const GRACE: Duration = Duration::from_millis(500);
/// Rows in one request: 40 KB each, far below the server's 1 MB.
const BATCH: usize = 15;

/// The rows that hold these mappings. Where a mapping is depends on its SyncID alone as long as their number does not
/// double, so that a push rewrites few rows.
fn chunks(mappings: &Mappings) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for collection in mappings.collections() {
        let buckets = mappings.of(collection).count().div_ceil(ROW / 2).next_power_of_two().max(1);
        let mut chunks: BTreeMap<u64, Chunk> = BTreeMap::new();
        for (sync_id, local_id) in mappings.of(collection) {
            chunks.entry(hash(sync_id.as_str()) % buckets as u64).or_default().add(sync_id, local_id);
        }
        for (bucket, chunk) in chunks {
            rows.insert(format!("{collection}/{bucket}"), serde_json::to_string(&chunk).unwrap_or_default());
        }
    }
    rows
}

/// FNV-1a: the same on every machine and in every version, which the standard library's hashes do not promise.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn unreadable(reason: &str) -> EngineError {
    EngineError::StateTable { table: TABLE, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use lockstep_core::record::{LocalId, SyncId};

    use super::*;

    #[test]
    fn rows_stay_small_and_hold_everything_once() {
        let mut mappings = Mappings::default();
        let id = |n: usize| format!("00000000-0000-4000-8000-{n:012}");
        mappings
            .extend("permissions", (0..3000).map(|n| (SyncId::from(id(n)), LocalId::from(n.to_string()))));
        mappings.extend("roles", [(SyncId::from("a"), LocalId::from("a"))]);
        let rows = chunks(&mappings);
        assert_eq!(rows["roles/0"], r#"{"same":["a"]}"#);
        assert!(rows.values().all(|row| row.len() < 60_000), "{:?}", rows.values().map(String::len).max());
        let held: usize = rows
            .iter()
            .filter(|(id, _)| id.starts_with("permissions/"))
            .map(|(_, data)| serde_json::from_str::<Chunk>(data).unwrap().pairs.len())
            .sum();
        assert_eq!(held, 3000);
    }
}
