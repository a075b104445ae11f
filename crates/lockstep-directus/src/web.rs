//! Requests to anywhere else, as scripts of users send them: once, without login, with few limits.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::transport::http_client;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that are text.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Bytes,
}

/// Sends a request; redirections are not followed.
///
/// # Errors
/// In a sentence: the URL or a header cannot be sent, or no answer came.
pub async fn send(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: Option<String>,
) -> Result<WebAnswer, String> {
    let url: url::Url = url.parse().map_err(|_| format!("{url} is no URL"))?;
    let method =
        reqwest::Method::from_bytes(method.as_bytes()).map_err(|_| format!("{method} is no method"))?;
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        let invalid = |_| format!("the header {name:?} cannot be sent");
        let value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of the header {name:?} cannot be sent"))?;
        all.append(HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?, value);
    }
    let http = http_client(&url).map_err(|error| error.to_string())?;
    let mut request = http.request(method, url.clone()).headers(all).timeout(PATIENCE);
    if let Some(body) = body {
        request = request.body(body);
    }
    let told = |error: reqwest::Error| {
        let innermost =
            std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source()).last();
        format!(
            "{}: {}",
            url.host_str().unwrap_or_default(),
            innermost.map_or_else(String::new, ToString::to_string)
        )
    };
    let answer = request.send().await.map_err(told)?;
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    Ok(WebAnswer {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().filter_map(text).collect(),
        body: answer.bytes().await.map_err(told)?,
    })
}
