//! Items of user collections and of system collections, by one road.

mod query;

use crate::error::{Error, ErrorKind};
use crate::{Answer, Body, Bytes, Client, Request, path_segment};
pub use query::Query;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One item: its fields in the server's order.
pub type Item = Map<String, Value>;

/// Where the items of a collection are read and written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    path: String,
}

impl Endpoint {
    /// The endpoint of a collection: `/roles` for `directus_roles`, `/items/posts` for `posts`.
    pub fn of(collection: &str) -> Self {
        let path = match collection.strip_prefix("directus_") {
            Some(system) => format!("/{}", path_segment(system)),
            None => format!("/items/{}", path_segment(collection)),
        };
        Self { path }
    }

    /// The path below the instance's URL.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// What a list reads: items, and the counts that were asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The items.
    pub data: Vec<Item>,
    /// How many items the collection has.
    pub total_count: Option<u64>,
    /// How many items match the filter.
    pub filter_count: Option<u64>,
}

#[derive(Deserialize)]
struct Listed {
    data: Vec<Item>,
    meta: Option<Counts>,
}

#[derive(Deserialize)]
struct Counts {
    total_count: Option<u64>,
    filter_count: Option<u64>,
}

/// A list of items: a GET, or a SEARCH when the URL would grow too long.
pub fn request_list(endpoint: &Endpoint, query: &Query) -> Request {
    query.request(endpoint.path())
}

/// Lists items.
///
/// # Errors
/// Those of [`Client::send`]; [`ErrorKind::Decode`] for a singleton, which has no list.
pub async fn list(client: &Client, endpoint: &Endpoint, query: &Query) -> Result<Page, Error> {
    let listed: Listed = client.send(&request_list(endpoint, query)).await?.parse()?;
    let (total_count, filter_count) =
        listed.meta.map_or((None, None), |counts| (counts.total_count, counts.filter_count));
    Ok(Page { data: listed.data, total_count, filter_count })
}

/// Counts the items that have a value in a field.
pub fn request_count(endpoint: &Endpoint, field: &str) -> Request {
    Request::get(endpoint.path()).query("aggregate[count]", field)
}

/// How many items have a value in a field; `*` counts the items.
///
/// # Errors
/// Those of [`Client::send`]; [`ErrorKind::Decode`] if the answer has no count.
pub async fn count(client: &Client, endpoint: &Endpoint, field: &str) -> Result<u64, Error> {
    let request = request_count(endpoint, field);
    let data = client.send(&request).await?.data()?;
    let count =
        data.pointer("/0/count").and_then(|count| if field == "*" { Some(count) } else { count.get(field) });
    count
        .and_then(counted)
        .ok_or_else(|| Error::new(ErrorKind::Decode, format!("{} answered no count", endpoint.path())))
}

/// A count as databases tell it: a number, or a text of digits.
pub fn counted(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Reads the one item of a singleton; the defaults if it was never saved.
pub fn request_singleton(endpoint: &Endpoint) -> Request {
    Request::get(endpoint.path())
}

/// Reads the one item of a singleton; the defaults if it was never saved.
///
/// # Errors
/// Those of [`Client::send`]; [`ErrorKind::Decode`] for a collection that is no singleton.
pub async fn singleton(client: &Client, endpoint: &Endpoint) -> Result<Item, Error> {
    let answer = client.send(&request_singleton(endpoint)).await?;
    match answer.data()? {
        Value::Object(item) => Ok(item),
        _ => Err(answer.failure(ErrorKind::Decode, "the collection is not a singleton")),
    }
}

/// `POST` of many items, all or nothing. `fields` is what the answer shall hold of each.
///
/// # Errors
/// [`ErrorKind::Io`] if an item cannot be serialized.
pub fn request_create_many(
    endpoint: &Endpoint,
    items: &[impl Serialize],
    fields: &[&str],
) -> Result<Request, Error> {
    Ok(answering(Request::post(endpoint.path()).raw_json(bytes(&items)?), fields))
}

/// Creates items, all or nothing. The answer holds the created items in order, but no more than the server's query
/// limit, and none if the user may not read them; all are written all the same.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn create_many(
    client: &Client,
    endpoint: &Endpoint,
    items: &[impl Serialize + Sync],
    fields: &[&str],
) -> Result<Vec<Value>, Error> {
    written(&client.send(&request_create_many(endpoint, items, fields)?).await?)
}

/// `PATCH` of many items, each with its own key and values, all or nothing.
///
/// # Errors
/// [`ErrorKind::Io`] if an item cannot be serialized.
pub fn request_update_many(
    endpoint: &Endpoint,
    items: &[impl Serialize],
    fields: &[&str],
) -> Result<Request, Error> {
    Ok(answering(Request::patch(endpoint.path()).raw_json(bytes(&items)?), fields))
}

/// Updates items, each with its own key and values, all or nothing. For an administrator a key that is not there is
/// passed over without a word.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn update_many(
    client: &Client,
    endpoint: &Endpoint,
    items: &[impl Serialize + Sync],
    fields: &[&str],
) -> Result<Vec<Value>, Error> {
    written(&client.send(&request_update_many(endpoint, items, fields)?).await?)
}

/// `PATCH` of many items with the same values.
pub fn request_update_keys(endpoint: &Endpoint, keys: &[Value], data: &Value, fields: &[&str]) -> Request {
    answering(Request::patch(endpoint.path()).json(json!({"keys": keys, "data": data})), fields)
}

/// Updates many items with the same values.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn update_keys(
    client: &Client,
    endpoint: &Endpoint,
    keys: &[Value],
    data: &Value,
    fields: &[&str],
) -> Result<Vec<Value>, Error> {
    written(&client.send(&request_update_keys(endpoint, keys, data, fields)).await?)
}

/// `PATCH` of a singleton, which creates it if it was never saved.
pub fn request_update_singleton(endpoint: &Endpoint, data: &Value, fields: &[&str]) -> Request {
    answering(Request::patch(endpoint.path()).json(data.clone()), fields)
}

/// Updates a singleton, and creates it if it was never saved.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn update_singleton(
    client: &Client,
    endpoint: &Endpoint,
    data: &Value,
    fields: &[&str],
) -> Result<Value, Error> {
    client.send(&request_update_singleton(endpoint, data, fields)).await?.data()
}

/// `DELETE` of many items by key.
pub fn request_delete_many(endpoint: &Endpoint, keys: &[Value]) -> Request {
    Request::delete(endpoint.path()).json(Value::Array(keys.to_vec()))
}

/// Deletes items by key, all or nothing; keys that are not there are passed over for an administrator. Without keys
/// nothing is sent.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn delete_many(client: &Client, endpoint: &Endpoint, keys: &[Value]) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    client.send(&request_delete_many(endpoint, keys)).await.map(drop)
}

fn answering(request: Request, fields: &[&str]) -> Request {
    if fields.is_empty() { request } else { request.query("fields", fields.join(",")) }
}

fn written(answer: &Answer) -> Result<Vec<Value>, Error> {
    match answer.data()? {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        item => Ok(vec![item]),
    }
}

fn bytes(items: &impl Serialize) -> Result<Bytes, Error> {
    let unsendable = |_| Error::new(ErrorKind::Io, "an item cannot be written as JSON".to_owned());
    serde_json::to_vec(items).map(Bytes::from).map_err(unsendable)
}

/// The size of a request's JSON body in bytes, for those who bound their batches; 0 for other bodies.
pub fn body_size(request: &Request) -> usize {
    match &request.body {
        Body::RawJson(bytes) => bytes.len(),
        Body::Json(value) => serde_json::to_vec(value).map_or(0, |bytes| bytes.len()),
        Body::None | Body::File { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Safety;

    #[test]
    fn endpoints() {
        for (collection, path) in [
            ("directus_roles", "/roles"),
            ("directus_settings", "/settings"),
            ("posts", "/items/posts"),
            ("über uns", "/items/%C3%BCber%20uns"),
        ] {
            assert_eq!(Endpoint::of(collection).path(), path);
        }
    }

    #[test]
    fn writes() {
        let posts = Endpoint::of("posts");
        let create = request_create_many(&posts, &[json!({"id": 1})], &["id"]).unwrap();
        assert_eq!((create.target().as_str(), create.safety), ("/items/posts?fields=id", Safety::Create));
        assert_eq!(create.body, Body::RawJson(Bytes::from_static(br#"[{"id":1}]"#)));
        assert_eq!(body_size(&create), 10);

        let update = request_update_keys(&posts, &[json!(1), json!("b")], &json!({"x": null}), &["id"]);
        assert_eq!(update.body, Body::Json(json!({"keys": [1, "b"], "data": {"x": null}})));
        assert_eq!(update.safety, Safety::Idempotent);

        let delete = request_delete_many(&posts, &[json!(1)]);
        assert_eq!((delete.target().as_str(), delete.body), ("/items/posts", Body::Json(json!([1]))));
    }
}
