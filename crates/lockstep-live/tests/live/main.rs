//! Replication between embedded instances, also through a proxy that makes things go wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod basics;
mod daemon;
mod schedules;
mod stage;
