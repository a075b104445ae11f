//! Who stands between the client and the server: configurations that change requests and answers, or send by themselves.

use std::pin::Pin;

use bytes::Bytes;

use crate::Method;

/// Changes what is sent and what comes back, logins included: for gateways that want more than Directus does.
pub trait Decorator: Send + Sync {
    /// Gives the request to send: other headers, or another body of JSON. Asked once, however often it is sent. An error is
    /// told in a sentence.
    fn request(&self, outgoing: Outgoing) -> Decorated<Result<Outgoing, String>>;

    /// Whether [`Decorator::exchange`] sends the requests, and not the client.
    fn exchanges(&self) -> bool {
        false
    }

    /// Sends a request, once, and gives the answer of whatever status.
    fn exchange(&self, outgoing: Outgoing) -> Decorated<Result<Exchanged, NotExchanged>> {
        Box::pin(async move {
            Err(NotExchanged::Failed(format!("{} {}: nobody sends it", outgoing.method, outgoing.url)))
        })
    }

    /// Gives the body of a good answer; not asked for logins. An error is told in a sentence.
    fn answer(&self, _request: Outgoing, body: Bytes) -> Decorated<Result<Bytes, String>> {
        Box::pin(async move { Ok(body) })
    }
}

/// What a [`Decorator`] gives.
pub type Decorated<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A request that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// The headers as they would be sent; they hold secrets.
    pub headers: Vec<(String, String)>,
    /// The body; that of an upload only for [`Decorator::exchange`].
    pub body: Option<Bytes>,
}

/// An answer of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Bytes,
}

/// Why there is no answer, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotExchanged {
    /// Nothing was sent: nobody could be reached.
    NotConnected(String),
    /// Sent, at least in part, and no answer came.
    Lost(String),
    /// Who sends it failed; nobody knows whether it was sent, and another time would be no better.
    Failed(String),
}
