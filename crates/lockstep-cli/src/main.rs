//! The `lockstep` binary: reads what was typed, has it done, and says what happened.
//!
//! It wires and decides nothing: [`args`] and [`config`] say what is wanted, `lockstep-engine` does it, [`output`] tells
//! it. stdout carries the result and nothing else.

mod args;
mod commands;
mod config;
mod hooks;
mod output;
mod peer;
mod session;

use std::process::ExitCode;

use args::Cli;
use mimalloc::MiMalloc;

/// Much of what is done here is to make and drop small values; docs/decisions/0008-allocator.md has the figures.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            return ExitCode::from(output::usage(&error, args::wants_json(std::env::args_os())));
        }
    };
    output::choose_colours(cli.global.color);
    let output = output::Output::new(&cli.global);
    ExitCode::from(match commands::run(&cli, &output) {
        Ok(code) => code,
        Err(failure) => output.failure(&failure),
    })
}
