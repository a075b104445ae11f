//! Collections as things: making one, and asking whether there is one.

use crate::{Client, Error, ErrorKind, Request, path_segment};
use serde_json::{Value, json};

/// `POST /collections`.
pub fn request_create(collection: &Value) -> Request {
    Request::post("/collections").json(collection.clone())
}

/// Makes a collection, with the fields that it names. With `meta: null` it is an untracked table.
///
/// # Errors
/// Those of [`Client::send`]; [`ErrorKind::Invalid`] if there is one of that name.
pub async fn create(client: &Client, collection: &Value) -> Result<Value, Error> {
    client.send(&request_create(collection)).await?.data()
}

/// `GET /collections/:name`.
pub fn request_read(name: &str) -> Request {
    Request::get(format!("/collections/{}", path_segment(name)))
}

/// Whether there is a collection of that name. The server answers 403 for one that it does not have, so this holds for
/// administrators only.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn exists(client: &Client, name: &str) -> Result<bool, Error> {
    match client.send(&request_read(name)).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `GET /collections`.
pub fn request_all() -> Request {
    Request::get("/collections")
}

/// The names of all tables that Directus sees, its own among them.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn names(client: &Client) -> Result<Vec<String>, Error> {
    let collections = client.send(&request_all()).await?.data()?;
    let names = collections.as_array().into_iter().flatten().filter_map(|item| item["collection"].as_str());
    Ok(names.map(str::to_owned).collect())
}

/// The tables that Directus sees and does not track: they have no metadata, and from 11.10 on are in no snapshot.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn untracked(client: &Client) -> Result<Vec<String>, Error> {
    let collections = client.send(&request_all()).await?.data()?;
    let untracked = collections.as_array().into_iter().flatten().filter(|item| item["meta"].is_null());
    Ok(untracked.filter_map(|item| item["collection"].as_str()).map(str::to_owned).collect())
}

/// `PATCH /collections/:name`, which also begins to track a table.
pub fn request_track(name: &str, meta: &Value) -> Request {
    let path = format!("/collections/{}", path_segment(name));
    Request::patch(path).json(json!({ "meta": meta }))
}

/// Begins to track a table, with this metadata.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn track(client: &Client, name: &str, meta: &Value) -> Result<(), Error> {
    client.send(&request_track(name, meta)).await.map(drop)
}

/// `PATCH /fields/:collection/:field`, which also begins to track a column.
pub fn request_track_field(collection: &str, field: &str, meta: &Value) -> Request {
    let path = format!("/fields/{}/{}", path_segment(collection), path_segment(field));
    Request::patch(path).json(json!({ "meta": meta }))
}

/// Begins to track a column of a tracked table, with this metadata.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn track_field(client: &Client, collection: &str, field: &str, meta: &Value) -> Result<(), Error> {
    client.send(&request_track_field(collection, field, meta)).await.map(drop)
}

/// `GET /fields/:collection`.
pub fn request_fields(name: &str) -> Request {
    Request::get(format!("/fields/{}", path_segment(name)))
}

/// The names of the fields of a collection that store something.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn stored_fields(client: &Client, name: &str) -> Result<Vec<String>, Error> {
    let fields = client.send(&request_fields(name)).await?.data()?;
    let stored = fields.as_array().into_iter().flatten().filter(|field| field["type"] != "alias");
    Ok(stored.filter_map(|field| field["field"].as_str()).map(str::to_owned).collect())
}

/// Whether a collection is known to have a field of that name.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn has_field(client: &Client, collection: &str, field: &str) -> Result<bool, Error> {
    match client.send(&request_fields(collection)).await {
        Ok(answer) => {
            Ok(answer.data()?.as_array().is_some_and(|all| all.iter().any(|it| it["field"] == field)))
        }
        // So the server calls a collection that it does not know.
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `DELETE /collections/:name`.
pub fn request_delete(name: &str) -> Request {
    Request::delete(format!("/collections/{}", path_segment(name)))
}

/// Deletes a collection and all that is in it.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn delete(client: &Client, name: &str) -> Result<(), Error> {
    client.send(&request_delete(name)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded() {
        assert_eq!(request_read("a b").target(), "/collections/a%20b");
        assert_eq!(request_fields("a/b").target(), "/fields/a%2Fb");
        assert_eq!(request_delete("ü").target(), "/collections/%C3%BC");
    }
}
