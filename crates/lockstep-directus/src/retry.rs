//! When a request is sent again, and after how long: pure decisions.

use crate::Safety;
use std::time::{Duration, SystemTime};

/// How often a request is sent, and how long the client waits in between.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// How many times a request is sent at most; at least 1.
    pub attempts: u32,
    /// The longest wait before the second attempt; it doubles with each further one.
    pub base: Duration,
    /// The longest wait, whatever the server asks for.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 5, base: Duration::from_millis(250), cap: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// Sends each request once only.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The wait after attempt number `attempt`: what the server asks for, and on top of it an exponential wait with
    /// jitter (from 0 to 1), so that those who wait together do not come back together; all of it up to the cap.
    pub(crate) fn delay(&self, attempt: u32, asked: Option<Duration>, jitter: f64) -> Duration {
        let longest = self.base.saturating_mul(1 << attempt.saturating_sub(1).min(16));
        let drawn = longest.min(self.cap).mul_f64(0.5 + jitter / 2.0);
        drawn.saturating_add(asked.unwrap_or_default()).min(self.cap)
    }
}

/// How one attempt ended, as far as repeating it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing was sent.
    NotConnected,
    /// Nothing was sent, and another time would be no better.
    NotSendable,
    /// No answer in time.
    TimedOut,
    /// Sent, at least in part, and then the connection failed.
    Broken,
    /// Who sends in the client's stead failed, and would fail again.
    Failed,
    /// A complete answer; `limiter` if it comes from a limiter that turns requests away unseen.
    Answered { status: u16, limiter: bool },
}

impl Ending {
    /// Whether the server may have carried the request out although there is no good answer.
    pub(crate) fn may_have_been_applied(self) -> bool {
        match self {
            Ending::NotConnected | Ending::NotSendable => false,
            Ending::TimedOut | Ending::Broken | Ending::Failed => true,
            Ending::Answered { limiter, status } => !limiter && status >= 500,
        }
    }

    /// Whether the server asks for fewer requests.
    pub(crate) fn is_throttling(self) -> bool {
        matches!(self, Ending::Answered { status: 429 | 503, .. })
    }

    /// Whether another attempt may help, and can do no harm.
    pub(crate) fn may_repeat(self, safety: Safety, patient: bool) -> bool {
        let harmless = safety != Safety::Create;
        match self {
            Ending::NotConnected => true,
            Ending::NotSendable | Ending::Failed => false,
            Ending::TimedOut | Ending::Broken => harmless && !patient,
            Ending::Answered { status: 429, .. } => true,
            Ending::Answered { status: 503, limiter } => limiter || harmless,
            Ending::Answered { status: 502 | 504, .. } => harmless && !patient,
            Ending::Answered { .. } => false,
        }
    }
}

/// Reads a `Retry-After` header: seconds, or a date.
pub(crate) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(header).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_only_what_is_safe() {
        use Ending::{Answered, Broken, Failed, NotConnected, NotSendable, TimedOut};
        let answered = |status, limiter| Answered { status, limiter };
        // ending, then whether a read, an idempotent write, a create, and a patient read are sent again
        for (ending, expected) in [
            (NotConnected, [true, true, true, true]),
            (NotSendable, [false, false, false, false]),
            (Failed, [false, false, false, false]),
            (TimedOut, [true, true, false, false]),
            (Broken, [true, true, false, false]),
            (answered(429, true), [true, true, true, true]),
            (answered(503, true), [true, true, true, true]),
            (answered(503, false), [true, true, false, true]),
            (answered(502, false), [true, true, false, false]),
            (answered(504, false), [true, true, false, false]),
            (answered(500, false), [false, false, false, false]),
            (answered(403, false), [false, false, false, false]),
        ] {
            let asked = [
                ending.may_repeat(Safety::Read, false),
                ending.may_repeat(Safety::Idempotent, false),
                ending.may_repeat(Safety::Create, false),
                ending.may_repeat(Safety::Read, true),
            ];
            assert_eq!(asked, expected, "{ending:?}");
        }
    }

    #[test]
    fn delays_grow_and_are_capped() {
        let policy = RetryPolicy { attempts: 5, base: Duration::from_secs(1), cap: Duration::from_secs(30) };
        let seconds = |attempt, asked: Option<u64>, jitter| {
            policy.delay(attempt, asked.map(Duration::from_secs), jitter).as_secs_f64()
        };
        assert_eq!(seconds(1, None, 0.0), 0.5);
        assert_eq!(seconds(1, None, 1.0), 1.0);
        assert_eq!(seconds(3, None, 1.0), 4.0);
        assert_eq!(seconds(40, None, 1.0), 30.0);
        assert_eq!(seconds(1, Some(7), 1.0), 8.0);
        assert_eq!(seconds(1, Some(0), 1.0), 1.0);
        assert_eq!(seconds(1, Some(3600), 1.0), 30.0);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let asked = |header| retry_after(header, now).map(|wait| wait.as_secs());
        assert_eq!(asked("12"), Some(12));
        assert_eq!(asked("Sun, 06 Nov 1994 08:50:00 GMT"), Some(23));
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-1"), None);
    }
}
