//! A request, taken apart.

use std::net::IpAddr;

use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::login::SESSION_COOKIE;
use super::query_string;
use crate::error::{Answer, ApiError};

/// A request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path as sent.
    pub(crate) path: String,
    /// Its parts, decoded.
    pub(crate) segments: Vec<String>,
    /// The query.
    pub(crate) params: Map<String, Value>,
    /// The body, `{}` while there is none.
    pub(crate) body: Value,
    /// The body of a form.
    pub(crate) form: Vec<Part>,
    /// `Content-Type`, in small letters and without what follows the `;`.
    pub(crate) kind: Option<String>,
    /// `Range`.
    pub(crate) range: Option<String>,
    pub(crate) client: Client,
}

/// Who sent a request, as far as it says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    pub(crate) token: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) cookies: Option<String>,
}

impl Client {
    /// The cookie of this name.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies.as_deref()?.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        cookies.filter(|(it, _)| *it == name).map(|(_, value)| value.to_owned()).next()
    }
}

/// One part of a form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// A part with a file name or a type of its own is a file.
    pub(crate) file: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) bytes: Bytes,
}

impl Part {
    /// True for a file.
    pub(crate) fn is_file(&self) -> bool {
        self.file.is_some() || self.kind.as_deref().is_some_and(|kind| kind == "application/octet-stream")
    }
}

impl Request {
    /// All but the body.
    pub(crate) fn head(parts: &Parts, peer: IpAddr) -> Answer<Self> {
        let text = |name: HeaderName| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let path = parts.uri.path().to_owned();
        let segments = path
            .split('/')
            .skip(1)
            .map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned());
        let mut segments: Vec<String> = segments.collect();
        while segments.last().is_some_and(String::is_empty) {
            segments.pop();
        }
        // Names of routes are the same in any letters.
        if let Some(first) = segments.first_mut() {
            first.make_ascii_lowercase();
        }
        let params = query_string::parse(parts.uri.query().unwrap_or_default());
        let kind = text(header::CONTENT_TYPE);
        let mut client = Client {
            token: token(&params, text(header::AUTHORIZATION).as_deref())?,
            ip: Some(peer.to_canonical().to_string()),
            agent: text(header::USER_AGENT).map(|agent| agent.chars().take(1024).collect()),
            origin: text(header::ORIGIN),
            host: text(header::HOST),
            cookies: text(header::COOKIE),
        };
        client.token =
            client.token.take().or_else(|| client.cookie(SESSION_COOKIE).filter(|it| !it.is_empty()));
        Ok(Self {
            method: if parts.method == "HEAD" { "GET".into() } else { parts.method.as_str().to_owned() },
            path,
            segments,
            params,
            body: Value::Object(Map::new()),
            form: Vec::new(),
            kind: kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()),
            range: text(header::RANGE),
            client,
        })
    }

    /// True if the query has this parameter, with any value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.params.contains_key(name)
    }

    /// A parameter of the query that is a text.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    /// A text of the body.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// True for a form.
    pub(crate) fn is_form(&self) -> bool {
        self.kind.as_deref() == Some("multipart/form-data")
    }
}

/// The token: in the query or as `Authorization: Bearer`, but not in both.
fn token(params: &Map<String, Value>, header: Option<&str>) -> Answer<Option<String>> {
    let asked = params.get("access_token").filter(|token| token.as_str() != Some(""));
    let asked = asked.map(|token| token.as_str().map_or_else(|| token.to_string(), str::to_owned));
    let mut words = header.unwrap_or_default().split(' ');
    let borne = match (words.next(), words.next(), words.next()) {
        (Some(scheme), Some(token), None) if scheme.eq_ignore_ascii_case("bearer") => Some(token.to_owned()),
        _ => None,
    };
    match (asked, borne) {
        (Some(_), Some(_)) => {
            Err(ApiError::payload("The request uses more than one method for including an access token"))
        }
        // An empty one is none.
        (asked, borne) => Ok(asked.or(borne).filter(|token| !token.is_empty())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_said_once() {
        let params = query_string::parse("access_token=a");
        let none = Map::new();
        assert_eq!(token(&none, None), Ok(None));
        assert_eq!(token(&none, Some("Bearer b")), Ok(Some("b".into())));
        assert_eq!(token(&none, Some("bearer b")), Ok(Some("b".into())));
        assert_eq!(token(&none, Some("Bearer b c")), Ok(None));
        assert_eq!(token(&none, Some("Basic b")), Ok(None));
        assert_eq!(token(&none, Some("Bearer ")), Ok(None));
        assert_eq!(token(&params, None), Ok(Some("a".into())));
        assert_eq!(token(&params, Some("Bearer b")).map_err(|error| error.status), Err(400));
    }
}
