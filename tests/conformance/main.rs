//! Conformance: what is true on a real Directus, asked of its REST API and not of Lockstep.
//!
//! `cargo xtask test` installs the servers, builds the binary and runs this; a single test goes by
//! `cargo xtask test --only real <part of its name>`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod changes;
mod client;
mod content;
mod extension;
mod faults;
mod future;
mod grown_target;
mod licence;
mod limits;
mod live;
mod live_page;
mod live_schedules;
mod output;
mod peer;
mod places;
mod preserve_ids;
mod refusals;
mod round_trip;
mod sandbox;
mod schema;
mod sdk;
mod seed;
mod smoke;
mod stage;
mod stores;
mod untracked;
mod versions;
mod workers;
