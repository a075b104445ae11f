//! What the client's user may do, from 11.

use crate::{Client, Error, Request};
use serde_json::Value;

/// `GET /policies/me/globals`.
pub fn request_my_globals() -> Request {
    Request::get("/policies/me/globals")
}

/// `{admin_access, app_access, enforce_tfa}` of the client's user.
///
/// # Errors
/// Those of [`Client::send`]; [`crate::ErrorKind::NotFound`] or [`crate::ErrorKind::Forbidden`] before 11.
pub async fn my_globals(client: &Client) -> Result<Value, Error> {
    client.send(&request_my_globals()).await?.data()
}
