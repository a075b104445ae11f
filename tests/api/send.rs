//! A step as an HTTP request, and its answer.

use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::{Client, Method, Response};

use crate::case::{Body, Expected, Step};
use crate::form::form;

/// What a readable path says that a URL does not: braces of filters, quotes, spaces. What is encoded already stays.
const READABLE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'#')
    .add(b'|')
    .add(b'\\')
    .add(b'^');

/// A request with everything filled in.
pub(crate) struct Request<'a> {
    pub(crate) step: &'a Step,
    pub(crate) path: &'a str,
    pub(crate) token: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// The client that all requests go by.
pub(crate) fn client() -> Client {
    // A provider that is there already will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Activity records who asked.
    // Servers close connections that are idle for some seconds, and one of those would fail just when it is used again.
    let builder = Client::builder().no_proxy().pool_max_idle_per_host(0);
    let builder = builder.user_agent("lockstep-cases").timeout(Duration::from_secs(60));
    builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// A path as it goes over the wire.
pub(crate) fn encoded(path: &str) -> String {
    utf8_percent_encode(path, READABLE).to_string()
}

impl Request<'_> {
    /// Sends it; the error says why there is no answer.
    pub(crate) async fn send(self, client: &Client, base: &str) -> Result<Expected, String> {
        let method = Method::from_bytes(self.step.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = client.request(method, format!("{base}{}", encoded(self.path)));
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        let has_type = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let size = self.step.option("size").and_then(|size| size.parse::<usize>().ok());
        let body = size.map_or(self.body, |size| format!(r#"{{"title": "{}"}}"#, "x".repeat(size)));
        if self.step.option("multipart").is_some() {
            request = request.multipart(form(&body)?);
        } else if !body.is_empty() {
            if !has_type {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body);
        }
        let response = request.send().await.map_err(|error| format!("no answer: {error}"))?;
        answer(self.step, response).await
    }
}

async fn answer(step: &Step, response: Response) -> Result<Expected, String> {
    let status = response.status().as_u16().to_string();
    let shown = step.list("show").map(|name| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        (name.to_owned(), value.unwrap_or("-").to_owned())
    });
    let headers = shown.collect();
    let bytes = response.bytes().await.map_err(|error| format!("no answer: {error}"))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body = match serde_json::from_str(&text) {
        _ if text.is_empty() => Body::Empty,
        Ok(json) if step.option("bytes").is_none() => Body::Json(json),
        _ => Body::Text(text),
    };
    Ok(Expected { status, headers, body })
}
