//! Bodies: JSON up to a limit, and forms.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart};
use axum::http::Request as HttpRequest;
use axum::http::header;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use serde_json::{Map, Value};

use super::request::Part;
use crate::error::{Answer, ApiError};

/// A form above this is refused, in bytes.
pub(crate) const FORM_LIMIT: usize = 128 * 1024 * 1024;
/// A form of more parts is refused.
const MOST_PARTS: usize = 1000;
/// What is beyond the limit is read so far and thrown away, for the client to hear the answer.
const DRAIN_LIMIT: usize = 64 * 1024 * 1024;

/// A body of JSON; `{}` if it is empty.
pub(crate) async fn json(body: Body, announced: Option<&str>, limit: usize) -> Answer<Value> {
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::new();
    let (mut size, mut over) =
        (0, announced.and_then(|size| size.parse::<usize>().ok()).is_some_and(|size| size > limit));
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| ApiError::payload("request aborted"))?;
        size += chunk.len();
        over = over || size > limit;
        if size > DRAIN_LIMIT {
            break;
        }
        if !over {
            bytes.extend_from_slice(&chunk);
        }
    }
    if over { Err(ApiError::too_large()) } else { read(&bytes) }
}

fn read(bytes: &[u8]) -> Answer<Value> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    // What is neither object nor array is refused at its first letter.
    let first = bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|first| first != b'{' && first != b'[') {
        let text = String::from_utf8_lossy(bytes);
        return Err(unexpected(text.trim().chars().next().unwrap_or(' '), &text));
    }
    serde_json::from_slice(bytes).or_else(|error| {
        // Half a character is none that a text can hold; the others stay.
        let whole = mended(bytes);
        serde_json::from_slice(&whole).map_err(|_| complaint(&error, bytes))
    })
}

/// JSON with `\ufffd` in place of every escape that is only half of a pair.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let escape = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (mut whole, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let (piece, length): (&[u8], usize) = match (escape(at), escape(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (&bytes[at..at + 12], 12),
            (Some(0xd800..=0xdfff), _) => (b"\\ufffd", 6),
            // What follows a backslash is no beginning of an escape.
            _ if bytes[at] == b'\\' => (&bytes[at..bytes.len().min(at + 2)], 2),
            _ => (&bytes[at..=at], 1),
        };
        whole.extend_from_slice(piece);
        at += length;
    }
    whole
}

/// What is wrong, in the words that JavaScript has for it.
fn complaint(error: &serde_json::Error, bytes: &[u8]) -> ApiError {
    if error.is_eof() {
        return ApiError::payload("Unexpected end of JSON input");
    }
    let lines: usize =
        bytes.split_inclusive(|byte| *byte == b'\n').take(error.line() - 1).map(<[u8]>::len).sum();
    let offset = (lines + error.column().saturating_sub(1)).min(bytes.len());
    let text = String::from_utf8_lossy(bytes);
    let before = String::from_utf8_lossy(&bytes[..offset]);
    let said = error.to_string();
    let expected = if said.starts_with("expected `,` or `}`") {
        "Expected ',' or '}' after property value"
    } else if said.starts_with("expected `,` or `]`") {
        "Expected ',' or ']' after array element"
    } else if said.starts_with("trailing characters") {
        "Unexpected non-whitespace character after"
    } else if said.starts_with("trailing comma") && bytes.get(offset) == Some(&b'}') {
        "Expected double-quoted property name"
    } else if said.starts_with("key must be a string") {
        if before.trim_end().ends_with(',') {
            "Expected double-quoted property name"
        } else {
            "Expected property name or '}'"
        }
    } else {
        return unexpected(String::from_utf8_lossy(&bytes[offset..]).chars().next().unwrap_or(' '), &text);
    };
    let word = if expected.ends_with("after") { "" } else { "in " };
    ApiError::payload(format!("{expected} {word}JSON at position {}", before.chars().count()))
}

fn unexpected(token: char, text: &str) -> ApiError {
    let shown = if text.chars().count() <= 40 {
        format!("\"{text}\"")
    } else {
        format!("\"{}\"...", text.chars().take(10).collect::<String>())
    };
    ApiError::payload(format!("Unexpected token '{token}', {shown} is not valid JSON"))
}

/// The parts of a form, in their order.
pub(crate) async fn form(request: HttpRequest<Body>) -> Answer<Vec<Part>> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|size| size.to_str().ok());
    if announced.and_then(|size| size.parse::<usize>().ok()).is_some_and(|size| size > FORM_LIMIT) {
        return Err(too_much());
    }
    let broken = |error: String| ApiError::payload(error.trim_end_matches('.').to_owned());
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(error.body_text()))?;
    let (mut parts, mut size) = (Vec::new(), 0);
    while let Some(mut field) = form.next_field().await.map_err(|error| broken(error.body_text()))? {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = field.chunk().await.map_err(|error| broken(error.body_text()))? {
            size += chunk.len();
            if size > FORM_LIMIT {
                return Err(too_much());
            }
            bytes.extend_from_slice(&chunk);
        }
        parts.push(Part {
            name: field.name().unwrap_or_default().into(),
            file: field.file_name().map(Into::into),
            kind: field.content_type().map(Into::into),
            bytes: Bytes::from(bytes),
        });
        if parts.len() > MOST_PARTS {
            return Err(too_much());
        }
    }
    Ok(parts)
}

fn too_much() -> ApiError {
    ApiError::new(413, "CONTENT_TOO_LARGE", "Uploaded content is too large.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_objects_or_arrays() {
        assert_eq!(read(b""), Ok(json!({})));
        assert_eq!(read(b"[1]"), Ok(json!([1])));
        assert_eq!(read(br#"{"a": 1}"#), Ok(json!({"a": 1})));
        assert_eq!(read(br#"{"a": "\ud83d\ude00"}"#), Ok(json!({"a": "\u{1f600}"})));
        assert_eq!(
            read(br#"["\ud800", "\udc00\ud83d", "\ud800x\ud83d\ude00", "\\ud800", "\n\udfff"]"#),
            Ok(json!(["\u{fffd}", "\u{fffd}\u{fffd}", "\u{fffd}x\u{1f600}", "\\ud800", "\n\u{fffd}"]))
        );
        assert!(read(br#"{"a": "\ud800" b}"#).is_err());
        for wrong in ["5", "null", "\"text\"", "{\"a\": ", "{a}", "\u{e4}", "[1,]", "nonsense"] {
            let error = read(wrong.as_bytes()).expect_err(wrong);
            assert_eq!((error.status, error.code), (400, "INVALID_PAYLOAD"), "{wrong}");
        }
        assert!(read(&[0xff, 0xfe]).is_err());
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused() {
        let body = || Body::from(format!("[\"{}\"]", "x".repeat(100)));
        assert_eq!(json(body(), None, 50).await, Err(ApiError::too_large()));
        assert_eq!(json(body(), Some("104"), 50).await, Err(ApiError::too_large()));
        assert!(json(body(), Some("104"), 104).await.is_ok());
    }
}
