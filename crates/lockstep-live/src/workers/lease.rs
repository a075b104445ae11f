//! Who carries a route: a key that the server forgets unless it is renewed. By our own clock it ends earlier than there, so
//! that nobody writes to a peer when somebody else may have it already.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use super::hub::LEASE;
use crate::journal::JournalError;

/// So much earlier a lease ends for its owner.
const MARGIN: Duration = Duration::from_secs(2);

/// When a lease ends. A steady clock stands still while its machine sleeps, and one that tells the time can be set: the lease
/// is over when either says so.
#[derive(Clone, Copy, Debug)]
struct Until {
    steady: Instant,
    told: SystemTime,
}

impl From<Instant> for Until {
    /// The end of a lease that was asked for then.
    fn from(asked: Instant) -> Self {
        let left = (LEASE - MARGIN).saturating_sub(asked.elapsed());
        Self { steady: Instant::now() + left, told: SystemTime::now() + left }
    }
}

impl Until {
    fn is_over(self) -> bool {
        Instant::now() >= self.steady || SystemTime::now() >= self.told
    }
}

/// A lease on a route.
#[derive(Debug)]
pub(super) struct Lease {
    until: Mutex<Until>,
    revision: Mutex<u64>,
    given_up: watch::Sender<bool>,
}

impl Lease {
    /// A lease that was asked for at this moment.
    pub(super) fn new(revision: u64, asked: Instant) -> Self {
        Self {
            until: Mutex::new(Until::from(asked)),
            revision: Mutex::new(revision),
            given_up: watch::Sender::new(false),
        }
    }

    /// The server knows it by another revision.
    pub(super) fn known_by(&self, revision: u64) {
        *self.revision.lock().unwrap_or_else(PoisonError::into_inner) = revision;
    }

    /// It was renewed by a request of this moment.
    pub(super) fn renewed(&self, revision: u64, asked: Instant) {
        self.known_by(revision);
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Until::from(asked);
    }

    pub(super) fn revision(&self) -> u64 {
        *self.revision.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is to be written in its name any more.
    pub(super) fn give_up(&self) {
        self.given_up.send_replace(true);
    }

    /// Whether it counts.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if *self.given_up.borrow() || until.is_over() {
            return Err(JournalError::Lost("the lease on the route has ended".to_owned()));
        }
        Ok(())
    }

    /// Waits until it does not count any more, and says so.
    pub(super) async fn ended(&self) -> JournalError {
        let mut given_up = self.given_up.subscribe();
        loop {
            let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(over) = self.check() {
                return over;
            }
            tokio::select! {
                // It may have been renewed meanwhile.
                () = tokio::time::sleep_until(until.steady.into()) => {}
                _ = given_up.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lease_counts_until_it_is_old_or_given_up() {
        let now = Instant::now();
        let long_ago = now.checked_sub(LEASE).unwrap();
        let old = Lease::new(1, long_ago);
        assert!(old.check().is_err());
        old.ended().await;
        old.known_by(2);
        assert!(old.check().is_err(), "to know its revision is not to renew it");
        old.renewed(3, Instant::now());
        assert_eq!((old.check().is_ok(), old.revision()), (true, 3));
        old.give_up();
        assert!(old.check().is_err());
        old.renewed(4, Instant::now());
        assert!(old.check().is_err(), "what was given up does not come back");
        old.ended().await;
    }

    #[test]
    fn either_clock_ends_it() {
        let (steady, told) = (Instant::now(), SystemTime::now());
        let later = Duration::from_secs(60);
        for (until, over) in [
            (Until { steady: steady + later, told: told + later }, false),
            (Until { steady, told: told + later }, true),
            (Until { steady: steady + later, told }, true),
        ] {
            assert_eq!(until.is_over(), over, "{until:?}");
        }
    }
}
