//! Requests as data: built, compared and asserted without IO.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::fmt;

/// An HTTP method that the Directus API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or starts an action.
    Post,
    /// Updates.
    Patch,
    /// Deletes.
    Delete,
    /// Reads, with the query in the body: for queries that are too long for a URL.
    Search,
}

impl Method {
    /// The method as it stands in the request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Search => "SEARCH",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens when a request is carried out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Changes nothing: may be repeated at will.
    Read,
    /// Changes something, and a second time changes nothing more.
    Idempotent,
    /// A second time makes a second thing: repeated only if it certainly was not carried out.
    Create,
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    None,
    /// A JSON value.
    Json(Value),
    /// JSON that is serialized already, so that large values are not copied.
    RawJson(Bytes),
    /// One file in `multipart/form-data`, after its form fields.
    File {
        /// Form fields; the server wants them before the file.
        fields: Vec<(String, String)>,
        /// The file's name.
        name: String,
        /// The file's media type.
        content_type: String,
        /// The file.
        bytes: Bytes,
    },
}

/// A request to a Directus instance, below its URL.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The path below the instance's URL, with a leading slash, percent-encoded.
    pub path: String,
    /// The query parameters, not encoded.
    pub query: Vec<(String, String)>,
    /// Headers besides those of the client, over which they win.
    pub headers: Vec<(String, String)>,
    /// What the request carries.
    pub body: Body,
    /// Whether it may be sent again.
    pub safety: Safety,
    /// The server may take minutes by nature: the long timeout applies, and an answer that did not come is not asked
    /// for again.
    pub patient: bool,
}

impl Request {
    /// A GET, which reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path.into(), Safety::Read)
    }

    /// A POST, which creates.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::Post, path.into(), Safety::Create)
    }

    /// A PATCH, which sets what it names and so is idempotent.
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::Patch, path.into(), Safety::Idempotent)
    }

    /// A DELETE, which is idempotent.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::Delete, path.into(), Safety::Idempotent)
    }

    /// A SEARCH, which reads.
    pub fn search(path: impl Into<String>) -> Self {
        Self::new(Method::Search, path.into(), Safety::Read)
    }

    fn new(method: Method, path: String, safety: Safety) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::None,
            safety,
            patient: false,
        }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Carries a JSON value.
    #[must_use]
    pub fn json(mut self, value: Value) -> Self {
        self.body = Body::Json(value);
        self
    }

    /// Carries JSON that is serialized already.
    #[must_use]
    pub fn raw_json(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = Body::RawJson(bytes.into());
        self
    }

    /// Carries one file as `multipart/form-data`.
    #[must_use]
    pub fn file(self, name: &str, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        self.form(Vec::new(), name, content_type, bytes)
    }

    /// Carries form fields and one file as `multipart/form-data`.
    #[must_use]
    pub fn form(
        mut self,
        fields: Vec<(String, String)>,
        name: &str,
        content_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Self {
        let (name, content_type) = (name.to_owned(), content_type.to_owned());
        self.body = Body::File { fields, name, content_type, bytes: bytes.into() };
        self
    }

    /// Says how safe it is to send the request twice, where the method's default does not fit.
    #[must_use]
    pub fn safety(mut self, safety: Safety) -> Self {
        self.safety = safety;
        self
    }

    /// Marks a request that may take minutes; see [`Request::patient`].
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.patient = true;
        self
    }

    /// Path and encoded query, as they stand in the request line behind the instance's URL.
    pub fn target(&self) -> String {
        encode_target(&self.path, self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// [`Request::target`], with the values of secret parameters replaced.
    pub fn redacted_target(&self) -> String {
        let redact = |(name, value): &'_ (String, String)| -> (String, String) {
            let secret = ["access_token", "token", "password", "refresh_token"].contains(&name.as_str());
            (name.clone(), if secret { "[redacted]".to_owned() } else { value.clone() })
        };
        let query: Vec<_> = self.query.iter().map(redact).collect();
        encode_target(&self.path, query.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

fn encode_target<'a>(path: &str, query: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Encodes a name for use as one segment of a path.
pub fn path_segment(name: &str) -> String {
    utf8_percent_encode(name, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_imply_their_safety() {
        assert_eq!(Request::get("/a").safety, Safety::Read);
        assert_eq!(Request::search("/a").safety, Safety::Read);
        assert_eq!(Request::post("/a").safety, Safety::Create);
        assert_eq!(Request::patch("/a").safety, Safety::Idempotent);
        assert_eq!(Request::delete("/a").safety, Safety::Idempotent);
    }

    #[test]
    fn target_encodes_query_and_segments() {
        let request =
            Request::get(format!("/items/{}", path_segment("a b/ü"))).query("filter", r#"{"a":"&"}"#);
        assert_eq!(request.target(), "/items/a%20b%2F%C3%BC?filter=%7B%22a%22%3A%22%26%22%7D");
        assert_eq!(Request::get("/a").target(), "/a");
    }

    #[test]
    fn secrets_in_the_query_are_redacted() {
        let request = Request::get("/a").query("access_token", "s3cret").query("limit", "1");
        assert_eq!(request.redacted_target(), "/a?access_token=%5Bredacted%5D&limit=1");
    }
}
