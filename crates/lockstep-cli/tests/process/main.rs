//! The program as a process: what it prints and how it ends, on servers that are played by the test kit's proxy.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod configuration;
mod connection;
mod content;
mod doctor;
mod documented;
mod dump;
mod extension;
mod fake;
mod helpers;
mod hooks;
mod live;
mod manual;
mod output;
mod place;
mod profiles;
mod sandbox;
mod schema;
mod schema_commands;
mod seed;
mod stores;
mod terminal;
mod transforms;
