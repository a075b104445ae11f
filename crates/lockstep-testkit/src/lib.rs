//! What the tests of Lockstep stand on.
//!
//! - [`directus`]: real Directus servers, ready in seconds, gone when the test is.
//! - [`cli`]: the `lockstep` binary, run apart from whatever the machine has set up.
//! - [`project`]: data that fills them, from a small magazine to some thousand records.
//! - [`proxy`]: a scripted network fault between a client and a server.
//! - [`browser`]: a page in a headless Chromium, for what only a browser can tell.
//! - [`nats`]: a NATS server, for workers that share routes.
//! - [`npm`]: the npm packages behind them, and the peers that Lockstep is measured against.
//! - [`cache`]: where all of that is kept, outside the checkout.
//!
//! Made for Linux: it relies on `/proc` and on `setpriv` of util-linux.

pub mod browser;
pub mod cache;
pub mod cli;
mod debian;
pub mod directus;
mod error;
pub mod nats;
pub mod npm;
mod port;
mod process;
pub mod project;
pub mod proxy;

pub use error::Error;
