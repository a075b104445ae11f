//! What the server tells about itself.

use crate::error::{Error, ErrorKind};
use crate::{Client, Request};
use serde_json::Value;
use std::time::SystemTime;

/// `GET /server/info`. Most of it is shown to users of the instance only, the version to administrators.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerInfo {
    /// The version of Directus, as `11.17.4`.
    pub version: Option<String>,
    /// How many rows a read without `limit` gives.
    pub query_limit_default: Option<i64>,
    /// How many rows any read gives at most; none if there is no cap.
    pub query_limit_max: Option<i64>,
    /// All of it.
    pub raw: Value,
}

impl ServerInfo {
    fn new(raw: Value) -> Self {
        let version = raw["version"].as_str().or_else(|| raw["directus"]["version"].as_str());
        let limit = |name: &str| raw["queryLimit"][name].as_i64();
        Self {
            version: version.map(str::to_owned),
            query_limit_default: limit("default"),
            query_limit_max: limit("max").filter(|max| *max >= 0),
            raw,
        }
    }
}

/// `GET /server/info`.
pub fn request_info() -> Request {
    Request::get("/server/info")
}

/// What the server shows of itself to this user.
///
/// # Errors
/// Those of [`Client::send`]; [`ErrorKind::NotDirectus`] for another kind of server.
pub async fn info(client: &Client) -> Result<ServerInfo, Error> {
    let answer = client.send(&request_info()).await?;
    match answer.data()? {
        raw @ Value::Object(_) => Ok(ServerInfo::new(raw)),
        _ => Err(answer.failure(ErrorKind::NotDirectus, "the answer does not describe a Directus server")),
    }
}

/// `GET /server/health`.
pub fn request_health() -> Request {
    Request::get("/server/health")
}

/// The health report; a bare object whose `status` is `ok`, `warn` or `error`.
///
/// # Errors
/// Those of [`Client::send`]; [`ErrorKind::Unavailable`] if the status is `error`.
pub async fn health(client: &Client) -> Result<Value, Error> {
    client.send(&request_health()).await?.json()
}

/// `GET /server/ping`.
pub fn request_ping() -> Request {
    Request::get("/server/ping")
}

/// Succeeds if the server answers as Directus does, and gives the time that it says it is.
///
/// # Errors
/// Those of [`Client::send`]; [`ErrorKind::NotDirectus`] for another kind of server.
pub async fn ping(client: &Client) -> Result<Option<SystemTime>, Error> {
    let answer = client.send(&request_ping()).await?;
    if answer.text()? == "pong" {
        return Ok(answer.date);
    }
    Err(answer.failure(ErrorKind::NotDirectus, "the answer is not \"pong\""))
}

/// `GET /server/specs/graphql`: the schema of the items.
pub fn request_specs_graphql_items() -> Request {
    Request::get("/server/specs/graphql")
}

/// The GraphQL schema of the items that this user may see, in SDL.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn specs_graphql_items(client: &Client) -> Result<String, Error> {
    client.send(&request_specs_graphql_items()).await?.text()
}

/// `GET /server/specs/graphql/system`: the schema of the system collections.
pub fn request_specs_graphql_system() -> Request {
    Request::get("/server/specs/graphql/system")
}

/// The GraphQL schema of the system collections, in SDL.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn specs_graphql_system(client: &Client) -> Result<String, Error> {
    client.send(&request_specs_graphql_system()).await?.text()
}

/// `GET /server/specs/oas`.
pub fn request_specs_openapi() -> Request {
    Request::get("/server/specs/oas")
}

/// The OpenAPI document of what this user may see; it comes without a `data` around it.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn specs_openapi(client: &Client) -> Result<Value, Error> {
    client.send(&request_specs_openapi()).await?.json()
}

/// `GET /license`, from 12.
pub fn request_license() -> Request {
    Request::get("/license")
}

/// The licence and its entitlements; none before 12, which has no licences.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn license(client: &Client) -> Result<Option<Value>, Error> {
    match client.send(&request_license()).await {
        Ok(answer) => answer.data().map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn info_tolerates_what_is_not_shown() {
        let full = ServerInfo::new(json!({"version": "11.17.4", "queryLimit": {"default": 100, "max": -1}}));
        assert_eq!((full.version.as_deref(), full.query_limit_default), (Some("11.17.4"), Some(100)));
        assert_eq!(full.query_limit_max, None);
        assert_eq!(ServerInfo::new(json!({"queryLimit": {"max": 500}})).query_limit_max, Some(500));
        assert_eq!(ServerInfo::new(json!({"project": {}})).version, None);
    }
}
