//! `cargo xtask bench`: Lockstep beside the tools that teams use today, on the same data, in the same run.
//!
//! Every instance writes its requests into its log, so that both sides are counted by the same hand and nothing stands
//! between a tool and its server. Memory is the peak of the process as the kernel counts it. What is quick is run
//! several times, and the median counts.

mod d6s;
mod directus_sync;
mod hooks;
mod live;
mod machine;
mod measure;
mod report;
mod sandbox;
mod schema;
mod server;
mod side;
mod start;
mod workers;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use lockstep_testkit::cache::Cache;
use tempfile::TempDir;

use crate::binary::{self, Profile};
use crate::interrupt::{Interrupted, interrupted};
use report::Table;
use side::Lockstep;

/// The arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How much data, beside directus-sync; 1.0 is what the targets are about
    #[arg(long, default_value_t = 1.0, value_parser = scale)]
    scale: f64,
    /// Measure Lockstep only
    #[arg(long)]
    skip_peer: bool,
    /// Only beside this peer
    #[arg(long, value_name = "PEER")]
    only: Option<Peer>,
    /// Measure this lockstep, instead of building one
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Write the result into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
enum Peer {
    /// npm directus-sync, on Directus 11
    DirectusSync,
    /// npm @directus/cli, on Directus 12
    D6s,
    /// The server's own schema API, on Directus 11
    Schema,
    /// Directus 11 itself, beside the sandbox
    Sandbox,
    /// Hooks that change nothing, and none, on the sandbox
    Hooks,
    /// Live replication between two instances
    Live,
    /// Workers that share routes through NATS
    Workers,
}

/// What all parts of a benchmark need.
#[derive(Debug)]
struct Bench {
    cache: Cache,
    lockstep: Lockstep,
    /// Where the dumps are, until the end.
    folder: TempDir,
    scale: f64,
    with_peer: bool,
}

/// Runs `cargo xtask bench`.
///
/// # Errors
/// When a tool or a server does not do what it should. A target that is not reached is no error: the table says so.
pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let machine = machine::describe();
    let tables = runtime.block_on(async {
        // The servers go when the measuring is dropped.
        tokio::select! {
            tables = measure_all(args) => tables,
            () = interrupted() => Err(Interrupted.into()),
        }
    })?;
    let text = report::render(&tables, &machine, args.scale);
    println!("{text}");
    if args.write {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
        fs::write(&file, &text)?;
        eprintln!("written into docs/benchmarks.md");
    }
    Ok(())
}

async fn measure_all(args: &Args) -> Result<Vec<Table>, Box<dyn Error>> {
    let bench = prepare(args)?;
    let mut tables = Vec::new();
    let wanted = |peer| args.only.is_none_or(|only| only == peer);
    if wanted(Peer::DirectusSync) {
        tables.extend(Box::pin(directus_sync::measure(&bench)).await?);
    }
    if wanted(Peer::D6s) {
        tables.extend(Box::pin(d6s::measure(&bench)).await?);
    }
    if wanted(Peer::Schema) {
        tables.push(Box::pin(schema::measure(&bench)).await?);
    }
    if wanted(Peer::Sandbox) {
        tables.push(Box::pin(sandbox::measure(&bench)).await?);
    }
    if wanted(Peer::Hooks) {
        tables.push(Box::pin(hooks::measure(&bench)).await?);
    }
    if wanted(Peer::Live) {
        tables.push(Box::pin(live::measure(&bench)).await?);
    }
    if wanted(Peer::Workers) {
        tables.push(Box::pin(workers::measure(&bench)).await?);
    }
    tables.push(start::measure(&bench)?);
    Ok(tables)
}

fn prepare(args: &Args) -> Result<Bench, Box<dyn Error>> {
    let cache = Cache::from_env()?;
    let lockstep = Lockstep::new(match &args.binary {
        Some(binary) => binary.canonicalize()?,
        None => {
            note("building lockstep for release");
            binary::build(Profile::Release)?
        }
    });
    let folder = TempDir::with_prefix("lockstep-bench-")?;
    Ok(Bench { cache, lockstep, folder, scale: args.scale, with_peer: !args.skip_peer })
}

/// Says what goes on; the result alone is on stdout.
fn note(what: &str) {
    eprintln!("{} {what}", machine::load());
}

fn scale(text: &str) -> Result<f64, String> {
    let wrong = || "a number above 0, such as 1.0 or 0.05".to_owned();
    text.parse().ok().filter(|scale: &f64| *scale > 0.0 && scale.is_finite()).ok_or_else(wrong)
}
