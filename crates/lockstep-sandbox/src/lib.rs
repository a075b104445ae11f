//! A small Directus 11 in one process: the API of the real one on tables of SQLite.
//!
//! It is made for trying, previewing and testing; it is no CMS. What it answers is held against a real 11.17.4 by one
//! suite of cases that runs on both (`tests/api`); where it differs by design, `docs/sandbox.md` says so.
//!
//! The way of a request: [`api`] takes it apart, [`access`] says whose it is, [`db`] gives it a transaction, [`query`]
//! reads, [`write`] writes with what [`rules`] a collection has, [`schema`] knows the model, and `structure` changes it.

mod access;
mod api;
mod auth;
mod clock;
mod db;
mod error;
mod files;
mod load;
mod mappings;
mod query;
mod realtime;
mod rules;
pub mod sample;
mod schema;
mod server;
mod specs;
mod structure;
mod system;
mod write;

pub use db::Data;
pub use error::ApiError;
pub use load::Copied;
pub use server::{Answered, Mappings, Options, RequestLog, Sandbox, StartError};

/// The version of Directus whose API this is.
pub const VERSION: &str = "11.17.4";
