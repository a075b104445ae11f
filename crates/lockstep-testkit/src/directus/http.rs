//! The least of an HTTP client that a test needs to look at a server, apart from the client that is under test.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

use super::ADMIN_TOKEN;
use crate::Error;

/// What a server answered, whatever the status.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body: as JSON if it is, as a string if not, null if there is none.
    pub body: Value,
}

impl Answer {
    /// The content of `data` in the body, or the whole body when it has none.
    pub fn data(mut self) -> Value {
        self.body.get_mut("data").map(Value::take).unwrap_or(self.body)
    }
}

/// Requests to one server with one token.
#[derive(Debug, Clone)]
pub struct Http {
    base: String,
    token: Option<String>,
    client: Client,
}

impl Http {
    /// Requests to the server at `base` as the administrator of every test instance.
    ///
    /// # Errors
    /// [`Error::Http`] when the client cannot be made.
    pub fn new(base: &str) -> Result<Self, Error> {
        // A provider that is there already will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |source| Error::Http { url: base.to_owned(), source };
        // A connection that the server closes after some idle seconds is lost just when it is used again.
        let client = Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(120))
            .build()
            .map_err(failed)?;
        Ok(Self { base: base.to_owned(), token: Some(ADMIN_TOKEN.to_owned()), client })
    }

    /// The same server with another token, or with none.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// Sends a request and gives back whatever is answered.
    ///
    /// # Errors
    /// [`Error::Http`] when there is no answer.
    pub async fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Error> {
        let url = format!("{}{path}", self.base);
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let mut request = self.client.request(method, &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let failed = |source| Error::Http { url: url.clone(), source };
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        Ok(Answer { status, body: parse(response.text().await.map_err(failed)?) })
    }

    /// The address of the server.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Reads.
    ///
    /// # Errors
    /// [`Error::Refused`] for any status but 2xx; [`Error::Http`].
    pub async fn get(&self, path: &str) -> Result<Value, Error> {
        self.data("GET", path, None).await
    }

    /// Creates, or calls an action.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.data("POST", path, Some(body)).await
    }

    /// Changes.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.data("PATCH", path, Some(body)).await
    }

    /// Deletes: one by its path, several by the keys in the body.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn delete(&self, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        self.data("DELETE", path, body).await
    }

    /// Reads with the query in the body: `{"query": {…}}`.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn search(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.data("SEARCH", path, Some(body)).await
    }

    async fn data(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        let answer = self.request(method, path, body).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.data());
        }
        let (method, path) = (method.to_owned(), path.to_owned());
        Err(Error::Refused { method, path, status: answer.status, body: answer.body.to_string() })
    }
}

fn parse(text: String) -> Value {
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_is_unwrapped_where_there_is_some() {
        let data = |body| Answer { status: 200, body }.data();
        assert_eq!(data(json!({ "data": [1] })), json!([1]));
        assert_eq!(data(json!([{ "id": 1 }])), json!([{ "id": 1 }]));
        assert_eq!(data(parse(String::new())), Value::Null);
        assert_eq!(data(parse("pong".into())), json!("pong"));
    }
}
