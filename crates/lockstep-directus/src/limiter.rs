//! How many requests are under way at once: fewer when the server complains, slowly more again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A semaphore whose size halves when the server throttles, and grows by one after a run of good answers.
#[derive(Debug)]
pub(crate) struct Limiter {
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    max: usize,
    /// Places that are taken away but still in use.
    owed: usize,
    /// Good answers since the limit changed last.
    good: usize,
    /// Counts the halvings: of a burst of refusals only the first halves.
    epoch: u64,
}

/// A place among the requests under way.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    limiter: &'a Limiter,
    permit: Option<OwnedSemaphorePermit>,
    epoch: u64,
}

impl Limiter {
    pub(crate) fn new(max: usize) -> Self {
        let max = max.max(1);
        let state = State { limit: max, max, owed: 0, good: 0, epoch: 0 };
        Self { places: Arc::new(Semaphore::new(max)), state: Mutex::new(state) }
    }

    pub(crate) async fn enter(&self) -> Place<'_> {
        // The semaphore is never closed, so there is always a permit to come.
        let permit = Arc::clone(&self.places).acquire_owned().await.ok();
        Place { limiter: self, permit, epoch: self.state().epoch }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// The server asked for fewer requests.
    pub(crate) fn throttled(&mut self) {
        let mut state = self.limiter.state();
        if state.epoch == self.epoch {
            let halved = (state.limit / 2).max(1);
            state.owed += state.limit - halved;
            state.limit = halved;
            state.epoch += 1;
            state.good = 0;
        }
        self.epoch = state.epoch;
    }

    /// The server answered well.
    pub(crate) fn good(&mut self) {
        let mut state = self.limiter.state();
        state.good += 1;
        if state.limit < state.max && state.good >= 4 * state.limit {
            state.limit += 1;
            state.good = 0;
            if state.owed > 0 {
                state.owed -= 1;
            } else {
                self.limiter.places.add_permits(1);
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        if state.owed > 0 {
            state.owed -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn halves_once_per_burst_and_recovers() {
        let limiter = Limiter::new(8);
        let mut burst = Vec::new();
        for _ in 0..8 {
            burst.push(limiter.enter().await);
        }
        burst.iter_mut().for_each(Place::throttled);
        assert_eq!(limiter.state().limit, 4);
        drop(burst);
        assert_eq!(limiter.places.available_permits(), 4);

        for _ in 0..16 {
            limiter.enter().await.good();
        }
        assert_eq!((limiter.state().limit, limiter.places.available_permits()), (5, 5));
    }

    #[tokio::test]
    async fn never_falls_below_one() {
        let limiter = Limiter::new(1);
        limiter.enter().await.throttled();
        limiter.enter().await.throttled();
        assert_eq!(limiter.places.available_permits(), 1);
    }
}
