//! What observers of a client see: one event for each HTTP request.

use crate::Method;
use std::time::Duration;

/// An HTTP request that was sent, retries and logins included.
#[derive(Debug, Clone)]
pub struct RequestEvent {
    /// The HTTP method.
    pub method: Method,
    /// Path and query below the instance's URL, secrets redacted.
    pub path: String,
    /// The answer's status; none if there was no answer.
    pub status: Option<u16>,
    /// From sending to the end of the answer.
    pub elapsed: Duration,
    /// 1 for the first time that the request was sent.
    pub attempt: u32,
    /// Size of the request's body in bytes (of a form: of its file).
    pub bytes_sent: u64,
    /// Size of the answer's body in bytes, unpacked.
    pub bytes_received: u64,
    /// Why there was no answer.
    pub error: Option<String>,
}
