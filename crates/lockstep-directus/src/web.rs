//! Requests to anywhere else, as scripts of users send them: once, without login, with few limits.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::transport::http_client;

/// How long an answer may take: as long as the slowest request of an instance.
const PATIENCE: Duration = Duration::from_secs(600);

/// Sends requests, and keeps connections for the next ones.
#[derive(Debug, Default)]
pub struct Web {
    plain: OnceLock<reqwest::Client>,
    secure: OnceLock<reqwest::Client>,
}

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

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebError {
    /// In a sentence.
    pub message: String,
    /// Whether something may have been sent.
    pub sent: bool,
}

impl From<String> for WebError {
    fn from(message: String) -> Self {
        Self { message, sent: false }
    }
}

impl Web {
    /// Sends a request; redirections are not followed.
    ///
    /// # Errors
    /// The URL or a header cannot be sent, or no answer came.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<WebAnswer, WebError> {
        let url: Url = url.parse().map_err(|_| format!("{url} is no URL"))?;
        let method =
            reqwest::Method::from_bytes(method.as_bytes()).map_err(|_| format!("{method} is no method"))?;
        let mut request = self.http(&url)?.request(method, url.clone());
        request = request.headers(header_map(headers)?).timeout(PATIENCE);
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await.map_err(|error| failed(&url, &error))?;
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.to_string(), value.to_str().ok()?.to_owned()))
        };
        Ok(WebAnswer {
            status: answer.status().as_u16(),
            headers: answer.headers().iter().filter_map(text).collect(),
            body: answer.bytes().await.map_err(|error| failed(&url, &error))?,
        })
    }

    fn http(&self, url: &Url) -> Result<&reqwest::Client, WebError> {
        let kept = if url.scheme() == "http" { &self.plain } else { &self.secure };
        if let Some(http) = kept.get() {
            return Ok(http);
        }
        let http = http_client(url).map_err(|error| error.to_string())?;
        Ok(kept.get_or_init(|| http))
    }
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, WebError> {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        let invalid = |_| format!("the header {name:?} cannot be sent");
        let value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of the header {name:?} cannot be sent"))?;
        all.append(HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?, value);
    }
    Ok(all)
}

fn failed(url: &Url, error: &reqwest::Error) -> WebError {
    let innermost =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source()).last();
    let reason = innermost.map_or_else(String::new, ToString::to_string);
    let message = format!("{}: {reason}", url.host_str().unwrap_or_default());
    WebError { message, sent: !(error.is_connect() || error.is_builder()) }
}
