//! Time that scripts may take.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

/// Ends a script that runs beyond its time. Clones share the time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    deadline: Cell<Option<Instant>>,
    rang: Cell<bool>,
}

impl Clock {
    /// Lets scripts run until then.
    pub(crate) fn set(&self, deadline: Instant) {
        self.0.deadline.set(Some(deadline));
        self.0.rang.set(false);
    }

    /// Lets scripts run as long as they like.
    pub(crate) fn clear(&self) {
        self.0.deadline.set(None);
    }

    /// Asked by the engine every now and then: is it time to end the script?
    pub(crate) fn rings(&self) -> bool {
        let rings = self.0.deadline.get().is_some_and(|deadline| Instant::now() >= deadline);
        if rings {
            self.0.rang.set(true);
        }
        rings
    }

    /// Has a script been ended since the time was set?
    pub(crate) fn rang(&self) -> bool {
        self.0.rang.get()
    }
}
