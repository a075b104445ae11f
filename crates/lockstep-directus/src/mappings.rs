//! The mapping endpoints of the extension that directus-sync uses: which SyncID has which local id. Lockstep's own
//! extension has the same, and batches.

use crate::{Client, Error, ErrorKind, Request, path_segment};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ROOT: &str = "/directus-extension-sync";

/// One mapping of a table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MappingRow {
    /// The identity that is the same on all instances.
    pub sync_id: String,
    /// The id on this instance, as text.
    #[serde(deserialize_with = "id_as_text")]
    pub local_id: String,
}

/// A mapping, and the table that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Mapping<'a> {
    /// The table.
    pub table: &'a str,
    /// The identity that is the same on all instances.
    pub sync_id: &'a str,
    /// The id on this instance.
    pub local_id: &'a str,
}

/// What an extension says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Extension {
    /// Its name as a package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Which batch routes it has; see [`BATCH`].
    pub batch: Option<u32>,
}

/// The batch routes that this client knows: [`tables`] and [`change`].
pub const BATCH: u32 = 1;

fn id_as_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(de::Error::custom(format!("an id that is neither text nor number: {other}"))),
    }
}

/// Asks for a mapping that there cannot be.
pub fn request_detect() -> Request {
    request_by_sync_id(Request::get, "directus_roles", "lockstep-detects-the-extension")
}

/// Whether the extension is installed: it and Directus word a 404 differently.
///
/// # Errors
/// Those of [`Client::send`]; [`ErrorKind::Forbidden`] and [`ErrorKind::InvalidCredentials`] tell nothing about it.
pub async fn detect(client: &Client) -> Result<bool, Error> {
    match client.send(&request_detect()).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(error.code() != Some("ROUTE_NOT_FOUND")),
        Err(error) => Err(error),
    }
}

/// `GET /info`.
pub fn request_info() -> Request {
    Request::get(format!("{ROOT}/info"))
}

/// What the extension says of itself; none if it says nothing, as that of directus-sync.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn info(client: &Client) -> Result<Option<Extension>, Error> {
    match client.send(&request_info()).await {
        Ok(answer) => answer.parse().map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// `GET /tables`, of [`BATCH`].
pub fn request_tables() -> Request {
    Request::get(format!("{ROOT}/tables"))
}

/// All mappings by table.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn tables(client: &Client) -> Result<BTreeMap<String, Vec<MappingRow>>, Error> {
    client.send(&request_tables()).await?.parse()
}

/// `PATCH /mappings`, of [`BATCH`].
pub fn request_change(gone: &[Mapping<'_>], new: &[Mapping<'_>]) -> Request {
    Request::patch(format!("{ROOT}/mappings")).json(json!({"delete": gone, "create": new}))
}

/// Removes mappings that are as given, and adds others, which take the place of what has one of their ids: all or
/// nothing, and a second time changes nothing more.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn change(client: &Client, gone: &[Mapping<'_>], new: &[Mapping<'_>]) -> Result<(), Error> {
    client.send(&request_change(gone, new)).await.map(drop)
}

/// `GET /table/:table`.
pub fn request_table(table: &str) -> Request {
    Request::get(format!("{ROOT}/table/{}", path_segment(table)))
}

/// All mappings of a table.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn table(client: &Client, table: &str) -> Result<Vec<MappingRow>, Error> {
    client.send(&request_table(table)).await?.parse()
}

/// `POST /table/:table`.
pub fn request_insert(table: &str, sync_id: &str, local_id: &str) -> Request {
    let body = json!({"sync_id": sync_id, "local_id": local_id});
    Request::post(format!("{ROOT}/table/{}", path_segment(table))).json(body)
}

/// Adds a mapping.
///
/// # Errors
/// Those of [`Client::send`]; status 409 if the local id is mapped already.
pub async fn insert(client: &Client, table: &str, sync_id: &str, local_id: &str) -> Result<(), Error> {
    client.send(&request_insert(table, sync_id, local_id)).await.map(drop)
}

/// `DELETE /table/:table/sync_id/:sync_id`.
pub fn request_delete_by_sync_id(table: &str, sync_id: &str) -> Request {
    request_by_sync_id(Request::delete, table, sync_id)
}

/// Removes a mapping, if there is one.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn delete_by_sync_id(client: &Client, table: &str, sync_id: &str) -> Result<(), Error> {
    client.send(&request_delete_by_sync_id(table, sync_id)).await.map(drop)
}

fn request_by_sync_id(method: fn(String) -> Request, table: &str, sync_id: &str) -> Request {
    method(format!("{ROOT}/table/{}/sync_id/{}", path_segment(table), path_segment(sync_id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Safety};

    #[test]
    fn routes() {
        assert_eq!(
            request_delete_by_sync_id("directus_roles", "a/b").target(),
            "/directus-extension-sync/table/directus_roles/sync_id/a%2Fb"
        );
        assert_eq!(request_table("directus_roles").target(), "/directus-extension-sync/table/directus_roles");
        assert_eq!(request_table("items::a").target(), "/directus-extension-sync/table/items%3A%3Aa");
        let mapping = Mapping { table: "roles", sync_id: "s", local_id: "l" };
        let change = request_change(&[], &[mapping]);
        assert_eq!(
            (change.target().as_str(), change.safety),
            ("/directus-extension-sync/mappings", Safety::Idempotent)
        );
        let body = json!({"delete": [], "create": [{"table": "roles", "sync_id": "s", "local_id": "l"}]});
        assert_eq!(change.body, Body::Json(body));
    }

    #[test]
    fn local_ids_are_text() {
        let rows = r#"[{"id":1,"table":"t","sync_id":"s","local_id":"7","created_at":"x"},{"sync_id":"s","local_id":7}]"#;
        let rows: Vec<MappingRow> = serde_json::from_str(rows).unwrap();
        assert_eq!(rows[0], rows[1]);
    }
}
