//! The schema API: snapshot, diff, apply. For administrators.
//!
//! Bodies go as a file in a form, which `MAX_PAYLOAD_SIZE` does not bind. All three may take minutes on a large
//! schema, so they get the long timeout and are not repeated when no answer came.

use crate::{Bytes, Client, Error, ErrorKind, Request, Safety};
use serde::Serialize;
use serde_json::Value;

/// `GET /schema/snapshot`.
pub fn request_snapshot() -> Request {
    Request::get("/schema/snapshot").patient()
}

/// The schema of the instance.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn snapshot(client: &Client) -> Result<Value, Error> {
    client.send(&request_snapshot()).await?.data()
}

/// The schema of the instance as JSON text, in the `data` wrapper of the API: it may be large.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn snapshot_text(client: &Client) -> Result<String, Error> {
    client.send(&request_snapshot()).await?.json_text()
}

/// One of the lists that a schema consists of, those of the system among its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `GET /collections`.
    Collections,
    /// `GET /fields`.
    Fields,
    /// `GET /relations`.
    Relations,
}

/// One of the lists that a schema consists of.
pub fn request_list(list: List) -> Request {
    let path = match list {
        List::Collections => "/collections",
        List::Fields => "/fields",
        List::Relations => "/relations",
    };
    Request::get(path).patient()
}

/// One of the lists that a schema consists of, as JSON text in the `data` wrapper of the API.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn list_text(client: &Client, list: List) -> Result<String, Error> {
    client.send(&request_list(list)).await?.json_text()
}

/// `POST /schema/diff`, which changes nothing. `force` compares across versions and vendors.
pub fn request_diff(snapshot: Bytes, force: bool) -> Request {
    forced(
        Request::post("/schema/diff").safety(Safety::Read).patient().file("snapshot.json", JSON, snapshot),
        force,
    )
}

/// What the server would change to reach `snapshot`: `{hash, diff}`, or none if nothing.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn diff(
    client: &Client,
    snapshot: &(impl Serialize + Sync),
    force: bool,
) -> Result<Option<Value>, Error> {
    let answer = client.send(&request_diff(bytes(snapshot)?, force)).await?;
    Ok(Some(answer.data()?).filter(|data| !data.is_null()))
}

/// [`diff`] from JSON text to JSON text, which is in the `data` wrapper of the API.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn diff_text(client: &Client, snapshot: Bytes, force: bool) -> Result<Option<String>, Error> {
    let answer = client.send(&request_diff(snapshot, force)).await?;
    if answer.body.is_empty() { Ok(None) } else { answer.json_text().map(Some) }
}

/// `POST /schema/apply`. `force` (from 11) skips the check that the schema is still the one that was compared.
pub fn request_apply(diff: Bytes, force: bool) -> Request {
    forced(Request::post("/schema/apply").patient().file("diff.json", JSON, diff), force)
}

/// Applies `{hash, diff}`.
///
/// # Errors
/// Those of [`Client::send`]; [`ErrorKind::Lost`] if the diff may have been applied: read the schema again.
pub async fn apply(client: &Client, diff: &(impl Serialize + Sync), force: bool) -> Result<(), Error> {
    apply_serialized(client, bytes(diff)?, force).await
}

/// [`apply`] with a diff that is JSON text already.
///
/// # Errors
/// Those of [`apply`].
pub async fn apply_serialized(client: &Client, diff: Bytes, force: bool) -> Result<(), Error> {
    client.send(&request_apply(diff, force)).await.map(drop)
}

const JSON: &str = "application/json";

/// Before 12 the mere presence of `force`, with any value, forces.
fn forced(request: Request, force: bool) -> Request {
    if force { request.query("force", "true") } else { request }
}

fn bytes(value: &impl Serialize) -> Result<Bytes, Error> {
    let bytes = serde_json::to_vec(value);
    bytes
        .map(Bytes::from)
        .map_err(|_| Error::new(ErrorKind::Io, "the schema cannot be written as JSON".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Body;

    #[test]
    fn a_diff_is_a_read_and_an_apply_is_not() {
        let diff = request_diff(Bytes::from_static(b"{}"), true);
        assert_eq!((diff.target().as_str(), diff.safety), ("/schema/diff?force=true", Safety::Read));
        let Body::File { content_type, bytes, .. } = diff.body else { panic!("not a file") };
        assert_eq!((content_type.as_str(), &bytes[..]), (JSON, &b"{}"[..]));

        let apply = request_apply(Bytes::new(), false);
        assert_eq!((apply.target().as_str(), apply.safety), ("/schema/apply", Safety::Create));
        assert!(apply.patient);
    }
}
