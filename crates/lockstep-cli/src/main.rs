//! The `lockstep` binary.
mod args;
mod config;

fn main() {}
