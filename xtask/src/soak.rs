//! `cargo xtask soak`: hundreds of random schedules of live replication on the sandbox, each by its seed.

use std::error::Error;
use std::process::Command;

/// The arguments of `cargo xtask soak`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The first seed; 0 to 39 are those of `cargo xtask test`
    #[arg(long, default_value_t = 40)]
    from: u64,
    /// How many
    #[arg(long, default_value_t = 300)]
    count: u64,
}

/// Runs `cargo xtask soak`.
///
/// # Errors
/// When a schedule does not end with both sides equal and every record there once; its seed is told.
pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let to = args.from.saturating_add(args.count);
    println!("schedules {} to {}", args.from, to.saturating_sub(1));
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "test",
            "--package",
            "lockstep-live",
            "--test",
            "live",
            "--",
            "schedules_of_the_environment",
            "--nocapture",
        ])
        .env("LOCKSTEP_SEEDS", format!("{}..{to}", args.from))
        .status()?;
    if status.success() { Ok(()) } else { Err("a schedule failed".into()) }
}
