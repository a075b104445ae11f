//! `cargo xtask test`: what must hold before a change is a good one, the quick checks first.
//!
//! Tests that start a real Directus are the package `lockstep-tests`: the last phase here installs the servers, builds
//! the `lockstep` binary and runs exactly those, the phases before it all others.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use clap::ValueEnum;
use lockstep_testkit::cache::Cache;
use lockstep_testkit::cli;
use lockstep_testkit::directus::VERSIONS;
use lockstep_testkit::npm::Package;

use crate::install::install;

/// The arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out what needs a real Directus (and so Node.js)
    #[arg(long)]
    skip_real: bool,
    /// Only this phase; may be given several times
    #[arg(long, value_name = "PHASE", conflicts_with = "skip_real")]
    only: Vec<Phase>,
    /// Only tests whose name contains one of these
    filters: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Phase {
    /// rustfmt
    Format,
    /// clippy, warnings as errors
    Lint,
    /// All tests that need no real Directus
    Unit,
    /// The cases of the API and what is promised, on the sandbox
    Cases,
    /// The examples in the documentation
    Doc,
    /// Installing what the conformance suite runs on
    Install,
    /// The conformance suite on real Directus
    Real,
}

#[derive(Debug, thiserror::Error)]
#[error("`{phase}` failed after {seconds} s: {command}")]
struct PhaseFailed {
    phase: Phase,
    seconds: u64,
    command: String,
}

/// Runs `cargo xtask test`: each phase in turn, up to the first that fails.
///
/// # Errors
/// The phase that failed; its own output says why.
pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    // npm waits for the network most of the time: meanwhile the quick checks run.
    let mut installing = args.includes(Phase::Install).then(|| thread::spawn(install_all));
    for phase in Phase::value_variants().iter().copied().filter(|phase| args.includes(*phase)) {
        run_phase(phase, &args.filters, &mut installing)?;
    }
    if args.skip_real {
        println!("==> conformance on real Directus was skipped, as asked");
    }
    println!("==> all good in {} s", start.elapsed().as_secs());
    Ok(())
}

/// What the conformance suite runs on, being installed.
type Installing = JoinHandle<Result<(), lockstep_testkit::Error>>;

fn install_all() -> Result<(), lockstep_testkit::Error> {
    install(&Cache::from_env()?, &packages())
}

fn run_phase(
    phase: Phase,
    filters: &[String],
    installing: &mut Option<Installing>,
) -> Result<(), Box<dyn Error>> {
    println!("==> {phase}");
    let start = Instant::now();
    match phase {
        Phase::Install => {
            if let Some(installing) = installing.take() {
                installing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
        }
        Phase::Real => {
            cargo(phase, &["build", "--package", "lockstep-cli"], &[])?;
            cargo(phase, phase.arguments(), filters)?;
        }
        Phase::Cases => {
            cargo(phase, &["build", "--package", "lockstep-cli"], &[])?;
            cargo(phase, phase.arguments(), filters)?;
            // The same promises as on real servers, where the sandbox can be what they are about.
            cargo(
                phase,
                &["test", "--package", "lockstep-tests", "--test", "conformance", "--", "on_sandbox"],
                &[],
            )?;
        }
        Phase::Unit => cargo(phase, phase.arguments(), filters)?,
        _ => cargo(phase, phase.arguments(), &[])?,
    }
    println!("==> {phase}: ok, {} s", start.elapsed().as_secs());
    Ok(())
}

fn cargo(phase: Phase, arguments: &[&str], filters: &[String]) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let arguments: Vec<&str> = arguments.iter().copied().chain(filters.iter().map(String::as_str)).collect();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    if matches!(phase, Phase::Cases | Phase::Real) {
        command.env(cli::BINARY, lockstep()?);
    }
    if command.args(&arguments).status()?.success() {
        return Ok(());
    }
    let command = format!("cargo {}", arguments.join(" "));
    Err(PhaseFailed { phase, seconds: start.elapsed().as_secs(), command }.into())
}

/// The binary under test: cargo puts it where this program is.
fn lockstep() -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(format!("lockstep{}", std::env::consts::EXE_SUFFIX)))
}

fn packages() -> Vec<Package> {
    let versions = VERSIONS.iter().map(|version| Package::directus(version));
    versions.chain([Package::extension_sync(), Package::directus_sync(), Package::directus_cli()]).collect()
}

fn has_nextest() -> bool {
    let output = Command::new("cargo").args(["nextest", "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

impl Phase {
    /// What cargo is called with; filters can follow.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Format => &["fmt", "--all", "--check"],
            Self::Lint => &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
            Self::Unit if has_nextest() => {
                &["nextest", "run", "--workspace", "--exclude", "lockstep-tests", "--no-tests=pass"]
            }
            Self::Unit => &["test", "--workspace", "--exclude", "lockstep-tests", "--all-targets", "--"],
            Self::Cases => {
                &["test", "--package", "lockstep-tests", "--test", "api", "--", "--skip", "real_directus"]
            }
            Self::Doc => &["test", "--workspace", "--doc"],
            Self::Install => &[],
            Self::Real if has_nextest() => {
                &["nextest", "run", "--package", "lockstep-tests", "--no-tests=pass"]
            }
            Self::Real => &["test", "--package", "lockstep-tests", "--", "--test-threads", "2"],
        }
    }
}

impl Args {
    fn includes(&self, phase: Phase) -> bool {
        let wanted = self.only.is_empty() || self.only.contains(&phase);
        wanted && !(self.skip_real && matches!(phase, Phase::Install | Phase::Real))
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "format",
            Self::Lint => "lint",
            Self::Unit => "unit tests",
            Self::Cases => "cases and conformance on the sandbox",
            Self::Doc => "documentation tests",
            Self::Install => "installing real Directus",
            Self::Real => "conformance on real Directus",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phases(skip_real: bool, only: Vec<Phase>) -> Vec<Phase> {
        let args = Args { skip_real, only, filters: Vec::new() };
        Phase::value_variants().iter().copied().filter(|phase| args.includes(*phase)).collect()
    }

    #[test]
    fn everything_runs_unless_told_otherwise() {
        assert_eq!(phases(false, Vec::new()), Phase::value_variants());
        assert_eq!(
            phases(true, Vec::new()),
            [Phase::Format, Phase::Lint, Phase::Unit, Phase::Cases, Phase::Doc]
        );
        assert_eq!(phases(false, vec![Phase::Real, Phase::Lint]), [Phase::Lint, Phase::Real]);
    }
}
