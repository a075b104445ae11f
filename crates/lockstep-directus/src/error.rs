//! What can go wrong, as one type: a kind to decide by, a sentence to read, and the server's own words.

use serde_json::Value;

/// What went wrong, in terms of what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The instance's URL cannot be used.
    InvalidUrl,
    /// A header or token cannot be sent.
    InvalidOptions,
    /// There was no connection: nothing was sent.
    Connect,
    /// The connection could not be secured: nothing was sent.
    Tls,
    /// No answer came in time.
    Timeout,
    /// The request was sent and its answer lost: the server may have carried it out, and repeating it could do it
    /// twice.
    Lost,
    /// The answer is none that Directus gives.
    NotDirectus,
    /// The server sends the client elsewhere.
    Redirected,
    /// The server does not know the token, or the email and password.
    InvalidCredentials,
    /// The token is no longer valid.
    TokenExpired,
    /// The user may not do this, or the thing does not exist: the server does not tell.
    Forbidden,
    /// There is no such route or thing.
    NotFound,
    /// Too many requests.
    RateLimited,
    /// The server, or a gateway before it, cannot serve now.
    Unavailable,
    /// The request is larger than the server takes.
    TooLarge,
    /// The server refuses the request's content; [`Error::code`] says why.
    Invalid,
    /// The server's licence allows no more of these.
    LimitExceeded,
    /// The server's licence does not include this.
    ResourceRestricted,
    /// The server failed.
    Server,
    /// The answer is JSON of another shape than expected.
    Decode,
    /// The client could not be set up, or could not send.
    Io,
}

impl ErrorKind {
    /// True if the server does not take who the client says it is.
    pub(crate) fn is_of_login(self) -> bool {
        matches!(self, Self::InvalidCredentials | Self::TokenExpired)
    }

    /// What a user can do about it: the one table of remedies.
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidUrl => "give the instance's URL as https://host[:port][/path]",
            Self::InvalidOptions => "look for line breaks or stray characters in the token and the headers",
            Self::Connect => "check the URL, and that the instance is running and can be reached from here",
            Self::Tls => {
                "check the server's certificate; a private authority must be trusted by this machine"
            }
            Self::Timeout => "the instance may be overloaded; try again, or raise the timeout",
            Self::Lost => "check the network between here and the instance, then try again",
            Self::NotDirectus => {
                "check that the URL is the root of the Directus API, with the path prefix if it has one"
            }
            Self::Redirected => "use the URL that the server points to",
            Self::InvalidCredentials => "check the token, or the email and password",
            Self::TokenExpired => "use a static token, or log in with email and password",
            Self::Forbidden => "check that it exists and that the user has administrator access",
            Self::NotFound => "check the name, and that this version of Directus has it",
            Self::RateLimited => "the instance limits requests; try again later or with less concurrency",
            Self::Unavailable => "the instance is starting, overloaded or down; try again later",
            Self::TooLarge => "raise MAX_PAYLOAD_SIZE of the instance, or the limit of the proxy before it",
            Self::LimitExceeded => {
                "the licence of the instance allows no more; remove some, or change the licence"
            }
            Self::ResourceRestricted => "the licence of the instance does not include this feature",
            Self::Server => "the reason is in the log of the instance",
            Self::Decode => "check that nothing between here and the instance changes its answers",
            Self::Invalid | Self::Io => return None,
        })
    }
}

/// Why a request, or the making of a client, failed.
///
/// `Display` is one sentence for a human; it does not repeat its `source`, and neither holds secrets.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Error {
    sentence: String,
    #[source]
    cause: Option<Cause>,
    facts: Box<Facts>,
}

/// The innermost reason of a failure below HTTP, in the words of the library that met it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Cause(pub(crate) String);

#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) kind: ErrorKind,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) extensions: Option<Value>,
    pub(crate) messages: Vec<String>,
    pub(crate) may_have_been_applied: bool,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, sentence: String) -> Self {
        let facts = Facts {
            kind,
            status: None,
            code: None,
            extensions: None,
            messages: Vec::new(),
            may_have_been_applied: false,
        };
        Self { sentence, cause: None, facts: Box::new(facts) }
    }

    /// A file of this machine that was to be sent cannot be read.
    #[must_use]
    pub fn of_file(path: &str, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("the file {path} cannot be read"))
            .caused_by(Cause(error.to_string()))
    }

    pub(crate) fn answered(sentence: String, facts: Facts) -> Self {
        Self { sentence, cause: None, facts: Box::new(facts) }
    }

    pub(crate) fn caused_by(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// The same as the reason of a sentence that says what it means.
    pub(crate) fn behind(mut self, meaning: String) -> Self {
        self.cause = Some(Cause(std::mem::replace(&mut self.sentence, meaning)));
        self
    }

    pub(crate) fn applied_maybe(mut self, maybe: bool) -> Self {
        self.facts.may_have_been_applied |= maybe;
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.facts.status = Some(status);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.facts.kind
    }

    /// The answer's HTTP status, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.facts.status
    }

    /// The code of the server's first error, as `RECORD_NOT_UNIQUE`.
    pub fn code(&self) -> Option<&str> {
        self.facts.code.as_deref()
    }

    /// The `extensions` of the server's first error.
    pub fn extensions(&self) -> Option<&Value> {
        self.facts.extensions.as_ref()
    }

    /// All messages of the server, in its order.
    pub fn messages(&self) -> &[String] {
        &self.facts.messages
    }

    /// The same, by somebody who looked and knows that the server did not carry the request out.
    #[must_use]
    pub fn known_not_applied(mut self) -> Self {
        self.facts.may_have_been_applied = false;
        self
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.kind().hint()
    }

    /// Whether the server may have carried the request out all the same.
    pub fn may_have_been_applied(&self) -> bool {
        self.facts.may_have_been_applied
    }
}
