//! What the connections of a proxy share: the rules, the record, and whether the server is alive.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::rule::{Fault, Rule};

/// A request that reached the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The method, e.g. `SEARCH`.
    pub method: String,
    /// The path with its query, e.g. `/roles?limit=-1`.
    pub path: String,
    /// The size of its body in bytes on the wire.
    pub body_bytes: usize,
    /// The status that the server (or a [`Fault::Respond`]) answered with, even if the client never saw it; `None` when the
    /// request was dropped before, or is under way.
    pub status: Option<u16>,
    /// What went wrong on purpose.
    pub fault: Option<Fault>,
}

/// The life of the server as the acceptor and the connections see it.
#[derive(Debug, Clone, Copy)]
struct Life {
    /// Counts up with each revival, so that nobody sleeps through a short death.
    run: usize,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Alive,
    /// The acceptor closes the port.
    Dying,
    /// The port is closed, connections are cut.
    Dead,
}

impl Life {
    fn is_over(self, run: usize, stage: Stage) -> bool {
        self.run != run || self.stage == stage
    }
}

#[derive(Debug, Default)]
struct Record {
    rules: Vec<Rule>,
    seen: Vec<Seen>,
    /// How many requests were forgotten: tickets go on counting.
    forgotten: usize,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Script {
    /// `host:port` of the server.
    pub(super) upstream: String,
    record: Mutex<Record>,
    life: watch::Sender<Life>,
}

/// The place of a request in the record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(usize);

impl Script {
    pub(super) fn new(upstream: String) -> Self {
        Self {
            upstream,
            record: Mutex::default(),
            life: watch::Sender::new(Life { run: 0, stage: Stage::Alive }),
        }
    }

    pub(super) fn add(&self, rule: Rule) {
        self.record().rules.push(rule);
    }

    pub(super) fn requests(&self) -> Vec<Seen> {
        self.record().seen.clone()
    }

    pub(super) fn clear(&self) {
        let mut record = self.record();
        record.forgotten += record.seen.len();
        record.seen.clear();
        record.rules.clear();
    }

    /// Records a request and says what falls on it. Every rule counts it, the first one that applies decides.
    pub(super) fn note(&self, method: &str, path: &str, body_bytes: usize) -> (Ticket, Option<Fault>) {
        let mut record = self.record();
        let faults: Vec<Fault> =
            record.rules.iter_mut().filter_map(|rule| rule.applies(method, path)).collect();
        let fault = faults.into_iter().next();
        let (method, path) = (method.to_owned(), path.to_owned());
        record.seen.push(Seen { method, path, body_bytes, status: None, fault: fault.clone() });
        (Ticket(record.forgotten + record.seen.len() - 1), fault)
    }

    /// Records what was answered.
    pub(super) fn answered(&self, ticket: Ticket, status: u16) {
        let mut record = self.record();
        let index = ticket.0.checked_sub(record.forgotten);
        if let Some(seen) = index.and_then(|index| record.seen.get_mut(index)) {
            seen.status = Some(status);
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.life.borrow().stage == Stage::Alive
    }

    /// Lets the server die, and waits until its port is closed.
    pub(super) async fn kill(&self) {
        let run = self.run();
        self.stop();
        self.dead(run).await;
    }

    /// Lets the server die.
    pub(super) fn stop(&self) {
        self.life.send_if_modified(|life| {
            let alive = life.stage == Stage::Alive;
            if alive {
                life.stage = Stage::Dying;
            }
            alive
        });
    }

    /// The next run of the server begins.
    pub(super) fn revive(&self) {
        self.life.send_modify(|life| *life = Life { run: life.run + 1, stage: Stage::Alive });
    }

    /// Said by the acceptor when the port is closed.
    pub(super) fn port_closed(&self) {
        self.life.send_modify(|life| life.stage = Stage::Dead);
    }

    /// Which run of the server this is.
    pub(super) fn run(&self) -> usize {
        self.life.borrow().run
    }

    /// Returns when the server of `run` is to die.
    pub(super) async fn dying(&self, run: usize) {
        let over = |life: &Life| life.is_over(run, Stage::Dying);
        // the sender is ours, so that waiting cannot fail
        let _ = self.life.subscribe().wait_for(over).await;
    }

    /// Returns when the port of `run` is closed.
    pub(super) async fn dead(&self, run: usize) {
        let _ = self.life.subscribe().wait_for(|life| life.is_over(run, Stage::Dead)).await;
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
