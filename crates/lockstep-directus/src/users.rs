//! The user that the client is.

use crate::{Client, Error, Request};
use serde_json::Value;

/// `GET /users/me`.
pub fn request_me(fields: &[&str]) -> Request {
    let request = Request::get("/users/me");
    if fields.is_empty() { request } else { request.query("fields", fields.join(",")) }
}

/// The client's own user; all fields of it if none are named.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn me(client: &Client, fields: &[&str]) -> Result<Value, Error> {
    client.send(&request_me(fields)).await?.data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_asked_for() {
        assert_eq!(request_me(&["id", "role.name"]).target(), "/users/me?fields=id%2Crole.name");
        assert_eq!(request_me(&[]).target(), "/users/me");
    }
}
