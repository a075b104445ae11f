//! The time, as the API writes it.

use jiff::Timestamp;

/// Now, `2026-01-31T12:00:00.000Z`.
pub(crate) fn now() -> String {
    text(Timestamp::now())
}

/// A moment as the API writes it.
pub(crate) fn text(moment: Timestamp) -> String {
    format!("{moment:.3}")
}

/// A moment `seconds` from now.
pub(crate) fn later(seconds: i64) -> String {
    text(Timestamp::now() + jiff::SignedDuration::from_secs(seconds))
}
