//! Live replication: items of chosen collections are kept in step between instances, with nothing installed on them.
//!
//! - [`config`]: what a configuration says;
//! - `capture`: what changed on a peer, from its activity and by WebSocket; it only marks keys in the [`journal`];
//! - `edge`: what flows between two peers; it looks at marked keys, reads both sides, merges, writes;
//! - [`workers`]: several processes that share the routes, with the journals in NATS;
//! - [`run`]: the daemon that brings these together, [`status`] and `http` what it tells.
//!
//! Nothing is taken from an event: a mark is a reason to look, and looking once more is never wrong. So a crash at any
//! point repeats reads and writes that change nothing.

mod capture;
pub mod config;
mod edge;
mod error;
mod http;
pub mod journal;
mod notify;
mod peer;
pub mod remotes;
mod rights;
pub mod run;
pub mod setup;
mod shape;
pub mod status;
pub mod told;
pub mod visit;
pub mod workers;

pub use config::{JournalPlace, LiveConfig};
pub use edge::{Found, Initial};
pub use error::LiveError;
pub use run::Live;
