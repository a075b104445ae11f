//! Which request meets which fault.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed; the server never sees the request.
    DropBefore,
    /// The server does it and answers in full, and the connection is closed without an answer: applied, but the
    /// answer was lost.
    DropAfter,
    /// The connection is closed without an answer, and the server does it only later, when the gate is opened.
    Late(Gate),
    /// The request waits until the gate is opened; then everything is fine.
    Wait(Gate),
    /// The request waits before it is forwarded; then everything is fine.
    Delay(Duration),
    /// The server does it; of the answer come the head and so many bytes of the body (as they are on the wire,
    /// chunk sizes included), then the connection is closed.
    TruncateBody(usize),
    /// The proxy answers instead of the server, which never sees the request. Content-Length is added.
    Respond {
        /// The status, e.g. 429.
        status: u16,
        /// Headers, e.g. `("Retry-After", "0")`.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// The server dies before it sees the request: connections are cut, and from then on refused.
    Kill,
    /// The server does it, and dies without answering.
    ApplyAndKill,
}

impl Fault {
    /// An answer of the proxy's own, of type JSON when the body begins like JSON, else HTML.
    pub fn respond(status: u16, body: &str) -> Self {
        let kind = if body.starts_with(['{', '[']) { "application/json" } else { "text/html" };
        let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        Self::Respond { status, headers, body: body.to_owned() }
    }

    /// The same answer with one more header; other faults stay as they are.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Respond { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// Holds requests back until it is opened; its clones are the same gate.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// Lets through what waits, and all that comes.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn opened(&self) {
        // The sender lives as long as the gate itself.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

impl PartialEq for Gate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gate {}

/// A fault, and the requests that meet it: by default every one.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    method: Option<String>,
    path: Option<String>,
    first: usize,
    last: usize,
    matches: usize,
}

impl Rule {
    /// A rule for every request.
    pub fn new(fault: Fault) -> Self {
        Self { fault, method: None, path: None, first: 1, last: usize::MAX, matches: 0 }
    }

    /// The server dies after `count` requests: those are served, the next and all others are not.
    pub fn kill_after(count: usize) -> Self {
        Self::new(Fault::Kill).from_nth(count + 1)
    }

    /// Only requests with this method, e.g. `POST` or `SEARCH`.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path (with its query) begins with this text, e.g. `/roles`.
    #[must_use]
    pub fn path(mut self, prefix: &str) -> Self {
        self.path = Some(prefix.to_owned());
        self
    }

    /// Only the `nth` of the requests that method and path let through, from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        (self.first, self.last) = (nth, nth);
        self
    }

    /// Only the first `count` of them.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        (self.first, self.last) = (1, count);
        self
    }

    /// The `nth` of them, from 1, and all later ones.
    #[must_use]
    pub fn from_nth(mut self, nth: usize) -> Self {
        (self.first, self.last) = (nth, usize::MAX);
        self
    }

    /// Counts the request if it matches, and says whether the fault falls on it.
    pub(super) fn applies(&mut self, method: &str, path: &str) -> Option<Fault> {
        let method_fits = self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        let path_fits = self.path.as_deref().is_none_or(|prefix| path.starts_with(prefix));
        if !(method_fits && path_fits) {
            return None;
        }
        self.matches += 1;
        (self.first..=self.last).contains(&self.matches).then(|| self.fault.clone())
    }
}
