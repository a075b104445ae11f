//! The activity feed: who wrote what, in the order of ids.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::items::{self, Endpoint, Item, Query};
use crate::{Client, Error};

/// One entry of the feed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Entry {
    /// Its number; later entries have higher ones, but may be seen later than still higher ones.
    pub id: i64,
    /// `create`, `update`, `delete`, or another thing that was done.
    pub action: String,
    /// The collection of the item.
    pub collection: String,
    /// The key of the item, as text.
    pub item: String,
    /// When, by the clock of the server, in RFC 3339.
    pub timestamp: String,
}

const FIELDS: [&str; 5] = ["id", "action", "collection", "item", "timestamp"];

fn endpoint() -> Endpoint {
    Endpoint::of("directus_activity")
}

async fn entries(client: &Client, query: Query) -> Result<Vec<Entry>, Error> {
    let page = items::list(client, &endpoint(), &query.fields(FIELDS)).await?;
    // What has no key or belongs to no collection (logins) is passed over.
    Ok(page.data.into_iter().filter_map(|entry| serde_json::from_value(Value::Object(entry)).ok()).collect())
}

/// Entries of these collections after a number, lowest first, at most so many.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn after(
    client: &Client,
    id: i64,
    collections: &[String],
    limit: u32,
) -> Result<Vec<Entry>, Error> {
    let filter = json!({"_and": [{"id": {"_gt": id}}, {"collection": {"_in": collections}}]});
    entries(client, Query::new().filter(filter).sort(["id"]).limit(i64::from(limit))).await
}

/// The highest number there is; 0 without entries.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn newest(client: &Client) -> Result<i64, Error> {
    let query = Query::new().fields(["id"]).sort(["-id"]).limit(1);
    let page = items::list(client, &endpoint(), &query).await?;
    Ok(page.data.first().and_then(|entry| entry.get("id")?.as_i64()).unwrap_or_default())
}

/// The creations of a collection after a number, lowest first.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn creations(client: &Client, collection: &str, id: i64, limit: u32) -> Result<Vec<Entry>, Error> {
    let rules =
        json!([{"id": {"_gt": id}}, {"collection": {"_eq": collection}}, {"action": {"_eq": "create"}}]);
    let query = Query::new().filter(json!({"_and": rules})).sort(["id"]).limit(i64::from(limit));
    entries(client, query).await
}

/// What items were created with, by the numbers of the entries that tell of it, as far as the instance keeps revisions.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn payloads(client: &Client, entries: &[i64]) -> Result<Vec<(String, Item)>, Error> {
    let query = Query::new().fields(["item", "data"]).filter(json!({"activity": {"_in": entries}})).limit(-1);
    let page = items::list(client, &Endpoint::of("directus_revisions"), &query).await?;
    let payload = |mut row: Item| match (row.shift_remove("item"), row.shift_remove("data")) {
        (Some(Value::String(item)), Some(Value::Object(data))) => Some((item, data)),
        // Some databases give JSON back as text.
        (Some(Value::String(item)), Some(Value::String(data))) => {
            Some((item, serde_json::from_str(&data).ok()?))
        }
        _ => None,
    };
    Ok(page.data.into_iter().filter_map(payload).collect())
}

/// Updates of these items after a number, lowest first.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn updates(
    client: &Client,
    collection: &str,
    keys: &[String],
    id: i64,
) -> Result<Vec<Entry>, Error> {
    let rules = json!([
        {"id": {"_gt": id}}, {"collection": {"_eq": collection}}, {"action": {"_eq": "update"}}, {"item": {"_in": keys}},
    ]);
    entries(client, Query::new().filter(json!({"_and": rules})).sort(["id"]).limit(-1)).await
}

/// What updates changed, by the number of the entry that tells of each, as far as the instance keeps revisions.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn deltas(client: &Client, entries: &[i64]) -> Result<Vec<(i64, Item)>, Error> {
    let query =
        Query::new().fields(["activity", "delta"]).filter(json!({"activity": {"_in": entries}})).limit(-1);
    let page = items::list(client, &Endpoint::of("directus_revisions"), &query).await?;
    let delta = |mut row: Item| match (row.get("activity").and_then(Value::as_i64), row.shift_remove("delta"))
    {
        (Some(entry), Some(Value::Object(delta))) => Some((entry, delta)),
        (Some(entry), Some(Value::String(delta))) => Some((entry, serde_json::from_str(&delta).ok()?)),
        _ => None,
    };
    Ok(page.data.into_iter().filter_map(delta).collect())
}

/// The latest entries about these items, latest first.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn about(
    client: &Client,
    collection: &str,
    keys: &[String],
    limit: u32,
) -> Result<Vec<Entry>, Error> {
    let rules = json!([{"collection": {"_eq": collection}}, {"item": {"_in": keys}}]);
    let query = Query::new().filter(json!({"_and": rules})).sort(["-id"]).limit(i64::from(limit));
    entries(client, query).await
}
