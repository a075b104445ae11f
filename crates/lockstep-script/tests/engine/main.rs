//! The engine as its callers use it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod errors;
mod globals;
mod limits;
mod modules;
mod sdk;
mod speed;
mod world;
