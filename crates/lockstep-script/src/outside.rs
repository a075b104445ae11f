//! What scripts ask of the world, as traits that the caller implements.

use std::pin::Pin;

use serde::Deserialize;
use serde_json::Value;

/// A future that runs on the caller's runtime.
pub type Future<T> = Pin<Box<dyn std::future::Future<Output = T> + Send + 'static>>;

/// Sends the requests of the client that hooks are given.
pub trait Client: Send + Sync {
    /// The URL of the instance.
    fn url(&self) -> String;

    /// Sends a request and gives the answer as it came: the whole JSON document, a text, or null if it is empty.
    fn send(&self, request: Request) -> Future<Result<Value, ClientError>>;
}

/// A request to the instance, as a command of `@directus/sdk` describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// Below the URL of the instance, with a leading slash.
    pub path: String,
    /// In upper case.
    pub method: String,
    /// The query, not encoded.
    pub params: Vec<(String, String)>,
    /// JSON.
    #[serde(default)]
    pub body: Option<String>,
    /// Headers that the command adds.
    pub headers: Vec<(String, String)>,
}

/// Why a request failed, as scripts see it.
#[derive(Clone, Debug, Default)]
pub struct ClientError {
    /// In a sentence.
    pub message: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The server's errors: objects with `message` and `extensions`.
    pub errors: Vec<Value>,
}

/// Sends what scripts `fetch`.
pub trait Fetch: Send + Sync {
    /// Sends a request.
    fn fetch(&self, request: WebRequest) -> Future<Result<WebAnswer, FetchError>>;
}

/// Why nothing came back of what a script fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    /// In a sentence.
    pub message: String,
    /// Whether something may have been sent.
    pub sent: bool,
}

/// A request to anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebRequest {
    /// The whole URL.
    pub url: String,
    /// In upper case.
    pub method: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

/// The answer to a [`WebRequest`].
#[derive(Clone, Debug, Default)]
pub struct WebAnswer {
    /// The URL that answered.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How much a line of a script's console matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `console.debug`.
    Debug,
    /// `console.log` and `console.info`.
    Log,
    /// `console.warn`.
    Warn,
    /// `console.error`.
    Error,
}

/// Where a script's console goes.
pub trait Console: Send + Sync {
    /// Takes what was printed at once: one line, or several.
    fn print(&self, level: Level, text: &str);
}
