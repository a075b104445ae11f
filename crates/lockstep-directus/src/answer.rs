//! A successful answer, and what can be read from it.

use crate::error::{Error, ErrorKind};
use crate::{Request, Safety};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::SystemTime;

/// An answer with a 2xx status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, unpacked; empty with a 204.
    pub body: Bytes,
    /// When the server says that it answered.
    pub date: Option<SystemTime>,
    label: String,
    wrote: bool,
}

impl Answer {
    pub(crate) fn new(request: &Request, status: u16, body: Bytes) -> Self {
        let label = format!("{} {}", request.method, request.path);
        Self { status, body, date: None, label, wrote: request.safety != Safety::Read }
    }

    pub(crate) fn at(self, date: Option<SystemTime>) -> Self {
        Self { date, ..self }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::NotDirectus`] if it is no JSON.
    pub fn json(&self) -> Result<Value, Error> {
        self.parse()
    }

    /// The body as a type of the caller's.
    ///
    /// # Errors
    /// [`ErrorKind::NotDirectus`] if it is no JSON, [`ErrorKind::Decode`] if it is JSON of another shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable(&error))
    }

    /// What the body has under `data`, or null if there is no body.
    ///
    /// # Errors
    /// [`ErrorKind::NotDirectus`] if there is a body without `data`.
    pub fn data(&self) -> Result<Value, Error> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        match self.json()? {
            Value::Object(mut object) => object.shift_remove("data"),
            _ => None,
        }
        .ok_or_else(|| {
            self.failure(ErrorKind::NotDirectus, "the answer has no \"data\", as Directus answers have")
        })
    }

    /// What the body has under `meta`, if it has that.
    ///
    /// # Errors
    /// [`ErrorKind::NotDirectus`] if the body is no JSON.
    pub fn meta(&self) -> Result<Option<Value>, Error> {
        Ok(match self.json()? {
            Value::Object(mut object) => object.shift_remove("meta"),
            _ => None,
        })
    }

    /// The body as text.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if it is not UTF-8.
    pub fn text(&self) -> Result<String, Error> {
        String::from_utf8(self.body.to_vec())
            .map_err(|_| self.failure(ErrorKind::Decode, "the answer is not UTF-8 text"))
    }

    /// The body as the text of a JSON document, for who parses it otherwise; only how it begins is looked at.
    ///
    /// # Errors
    /// [`ErrorKind::NotDirectus`] if it is a page or the like, [`ErrorKind::Decode`] if it is not UTF-8.
    pub fn json_text(&self) -> Result<String, Error> {
        match self.body.trim_ascii_start() {
            [b'{' | b'[', ..] => self.text(),
            other => Err(self.not_json(other)),
        }
    }

    /// An error of this answer's request, about what the answer holds.
    pub(crate) fn failure(&self, kind: ErrorKind, reason: &str) -> Error {
        Error::new(kind, format!("{}: {reason}", self.label))
            .with_status(self.status)
            .applied_maybe(self.wrote)
    }

    fn unreadable(&self, error: &serde_json::Error) -> Error {
        if error.is_data() {
            let reason = format!("the answer has an unexpected shape: {error}");
            return self.failure(ErrorKind::Decode, &reason);
        }
        self.not_json(&self.body)
    }

    fn not_json(&self, body: &[u8]) -> Error {
        self.failure(ErrorKind::NotDirectus, &format!("the answer is {}, not JSON", kind_of_text(body)))
    }
}

/// What a body that is not JSON looks like, in words.
pub(crate) fn kind_of_text(body: &[u8]) -> &'static str {
    let start = body.trim_ascii_start();
    match start {
        [] => "empty",
        [b'<', ..] => "an HTML page",
        [b'{' | b'[', ..] => "incomplete",
        _ => "plain text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer::new(&Request::get("/server/info"), status, Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn data_is_unwrapped() {
        assert_eq!(answer(200, r#"{"data":[1],"meta":{"total_count":3}}"#).data().unwrap(), json!([1]));
        assert_eq!(
            answer(200, r#"{"data":[1],"meta":{"total_count":3}}"#).meta().unwrap(),
            Some(json!({"total_count": 3}))
        );
        assert_eq!(answer(204, "").data().unwrap(), Value::Null);
        assert_eq!(answer(200, r#"{"data":null}"#).data().unwrap(), Value::Null);
    }

    #[test]
    fn what_is_not_directus_is_named() {
        for (body, sentence) in [
            ("<!doctype html>", "GET /server/info: the answer is an HTML page, not JSON"),
            ("", "GET /server/info: the answer is empty, not JSON"),
            (r#"{"data":["#, "GET /server/info: the answer is incomplete, not JSON"),
        ] {
            let error = answer(200, body).json().unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotDirectus, sentence));
        }
        let page = answer(200, "<!doctype html>").json_text().unwrap_err();
        assert_eq!(page.to_string(), "GET /server/info: the answer is an HTML page, not JSON");
        assert_eq!(answer(200, " {").json_text().unwrap(), " {");
        assert_eq!(answer(200, "{}").data().unwrap_err().kind(), ErrorKind::NotDirectus);
        assert_eq!(answer(200, "[]").parse::<String>().unwrap_err().kind(), ErrorKind::Decode);
    }
}
