//! The project's own automation: `cargo xtask <command>`.
//!
//! One file per command. What a command does with real servers is in `lockstep-testkit`; here it is only called and
//! talked about.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an automation talks to whoever runs it")]

mod bench;
mod binary;
mod demo;
mod directus;
mod install;
mod interrupt;
mod soak;
mod test;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own automation.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure Lockstep beside directus-sync and d6s
    Bench(bench::Args),
    /// Show what Lockstep does, on two real Directus instances
    Demo,
    /// Real Directus servers, to try things on
    Directus(directus::Args),
    /// Play hundreds of random schedules of live replication
    Soak(soak::Args),
    /// Check everything: format, lints, tests, and conformance on real Directus
    Test(test::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Bench(args) => bench::run(&args),
        Command::Demo => demo::run(),
        Command::Directus(args) => directus::run(args),
        Command::Soak(args) => soak::run(&args),
        Command::Test(args) => test::run(&args),
    };
    result.map_or_else(|error| fail(error.as_ref()), |()| ExitCode::SUCCESS)
}

/// Says what happened and what was behind it.
fn fail(error: &dyn Error) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}
