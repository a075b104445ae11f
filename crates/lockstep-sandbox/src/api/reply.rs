//! Answers, on their way to HTTP.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::error::ApiError;

const JSON: &str = "application/json; charset=utf-8";

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) bytes: Bytes,
    pub(crate) headers: Vec<(HeaderName, String)>,
}

impl Reply {
    /// Nothing to say, 204.
    pub(crate) fn nothing() -> Self {
        Self { status: 204, bytes: Bytes::new(), headers: Vec::new() }
    }

    /// Nothing to say, 200.
    pub(crate) fn done() -> Self {
        Self { status: 200, ..Self::nothing() }
    }

    /// A value as it is.
    pub(crate) fn json(value: &Value) -> Self {
        Self::bytes(JSON, value.to_string())
    }

    /// A value in `data`.
    pub(crate) fn data(value: Value) -> Self {
        Self::listed(value, None)
    }

    /// A value in `data`, with `meta` before it where it was asked for.
    pub(crate) fn listed(data: Value, meta: Option<Value>) -> Self {
        // By hand, since the macro would copy all of it.
        let meta = meta.map(|meta| ("meta".to_owned(), meta));
        Self::json(&Value::Object(meta.into_iter().chain([("data".to_owned(), data)]).collect()))
    }

    /// A text or file.
    pub(crate) fn bytes(kind: &str, bytes: impl Into<Bytes>) -> Self {
        Self { status: 200, bytes: bytes.into(), headers: vec![(header::CONTENT_TYPE, kind.into())] }
    }

    /// With this header besides.
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A refusal. What an instance's own fault is made of, administrators are told only.
    pub(crate) fn refusal(error: &ApiError, admin: bool) -> Self {
        let mut shown = error.to_values();
        if error.code == "INTERNAL_SERVER_ERROR" && !admin {
            shown[0]["message"] = "An unexpected error occurred.".into();
        }
        let mut reply = Self::json(&json!({"errors": shown}));
        reply.status = error.status;
        if let Some(allowed) = error.details.get("allowed").and_then(Value::as_array) {
            let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
            reply.headers.push((header::ALLOW, allowed.join(", ")));
        }
        reply
    }

    /// As HTTP.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.bytes));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("Origin, Cache-Control"));
        headers.insert("x-powered-by", HeaderValue::from_static("Directus"));
        for (name, value) in self.headers {
            // What a header cannot say is left out.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
