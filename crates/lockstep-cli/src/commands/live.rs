//! `lockstep live`: continuous replication.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use lockstep_live::remotes::{self, Imported};
use lockstep_live::visit::{self, Visit};
use lockstep_live::workers::Worker;
use lockstep_live::{Initial, JournalPlace, Live, LiveConfig, LiveError, setup};
use tokio::runtime::Runtime;

use super::sandbox::{Stop, runtime};
use super::{DONE, Failure, REFUSED};
use crate::args::{Cli, LiveArgs, LiveCommand, Winner};
use crate::output::Output;
use crate::session;

/// How many conflicts are listed.
const LISTED: usize = 200;

pub(super) fn run(cli: &Cli, arguments: &LiveArgs, output: &Output) -> Result<u8, Failure> {
    match &arguments.command {
        LiveCommand::Run { initial, worker } => {
            replicate(session::live(cli, output)?, side(*initial), worker.as_deref(), output)
        }
        LiveCommand::Check => check(session::live(cli, output)?, output),
        LiveCommand::Status => {
            let (_, visit) = visit(&session::live(cli, output)?)?;
            output.live_status(&visit.status()?)?;
            Ok(DONE)
        }
        LiveCommand::Reconcile { route, dry_run, allow_destructive, initial } => {
            let config = session::live(cli, output)?;
            let routes = routes(&config, route.as_deref())?;
            reconcile(&config, &routes, *dry_run, *allow_destructive, side(*initial), output)
        }
        LiveCommand::Conflicts { open } => {
            let (_, visit) = visit(&session::live(cli, output)?)?;
            output.live_conflicts(&visit.conflicts(*open, LISTED)?)?;
            Ok(DONE)
        }
        LiveCommand::DeadLetters => {
            let (_, visit) = visit(&session::live(cli, output)?)?;
            output.dead_letters(&visit.dead_letters()?)?;
            Ok(DONE)
        }
        LiveCommand::Retry { route, collection, key } => {
            let config = session::live(cli, output)?;
            routes(&config, route.as_deref())?;
            let (runtime, visit) = visit(&config)?;
            let retried = visit.retry(route.as_deref(), collection.as_deref(), key.as_deref());
            output.retried(runtime.block_on(retried)?)?;
            Ok(DONE)
        }
        LiveCommand::Setup { peer } => {
            let config = session::live_before(cli, peer, output)?;
            let made = runtime()?.block_on(setup::set_up(&config, peer, token()?))?;
            output.set_up(peer, &made)?;
            Ok(DONE)
        }
        LiveCommand::ImportRemotes { profiles, env } => import(cli, profiles, env.as_deref(), output),
    }
}

fn side(winner: Option<Winner>) -> Initial {
    match winner {
        None => Initial::Refuse,
        Some(Winner::Source) => Initial::Source,
        Some(Winner::Target) => Initial::Target,
    }
}

/// The journals, and what is needed to wait for them.
fn visit(config: &LiveConfig) -> Result<(Runtime, Visit), Failure> {
    let runtime = runtime()?;
    let visit = runtime.block_on(Visit::open(config))?;
    Ok((runtime, visit))
}

/// The routes that are meant.
fn routes(config: &LiveConfig, named: Option<&str>) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = config.edges.iter().map(|edge| edge.name.clone()).collect();
    match named {
        None => Ok(names),
        Some(name) if names.iter().any(|known| known == name) => Ok(vec![name.to_owned()]),
        Some(name) => {
            let known = names.join(", ");
            Err(LiveError::Refused(vec![format!("there is no route \"{name}\"; the routes are {known}")])
                .into())
        }
    }
}

fn replicate(
    config: LiveConfig,
    initial: Initial,
    worker: Option<&str>,
    output: &Output,
) -> Result<u8, Failure> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let stop = Stop::listen().map_err(Failure::Runtime)?;
        let (address, log) = (config.listen, output.live_log());
        if let JournalPlace::Nats(nats) = config.journal.clone() {
            let name = worker.map_or_else(worker_name, |name| Ok(name.to_owned()))?;
            output.worker_begins(&name, &nats, config.edges.len(), address)?;
            Worker::open(config, &nats, initial, name, Some(log)).await?.run(stop.told()).await?;
            return Ok(DONE);
        }
        let live = Live::open(config, initial).await?.telling(log);
        output.live_begins(&live.status()?, address)?;
        live.run(stop.told()).await?;
        Ok(DONE)
    })
}

/// What a worker is called if nobody says so: its host, and what tells it from others there.
fn worker_name() -> Result<String, Failure> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "worker" } else { host.trim() };
    let mut letters = token()?;
    letters.truncate(6);
    Ok(format!("{host}-{letters}"))
}

fn check(config: LiveConfig, output: &Output) -> Result<u8, Failure> {
    let folder = tempfile::tempdir().map_err(Failure::Directory)?;
    // The journal of a daemon that runs is left alone, and one that is not there is not made.
    match &config.journal {
        JournalPlace::File(path) if !path.exists() => {}
        _ => drop(visit(&config)?),
    }
    let config = LiveConfig { journal: JournalPlace::File(folder.path().join("check.db")), ..config };
    let status = runtime()?.block_on(async { Live::open(config, Initial::Refuse).await?.status() })?;
    let away = status.peers.values().any(|peer| !peer.connected);
    output.live_checked(&status)?;
    Ok(if away { REFUSED } else { DONE })
}

fn reconcile(
    config: &LiveConfig,
    routes: &[String],
    dry_run: bool,
    allow: bool,
    initial: Initial,
    output: &Output,
) -> Result<u8, Failure> {
    if dry_run {
        let found = runtime()?.block_on(visit::dry_run(config, initial))?;
        output.found(&found.into_iter().filter(|found| routes.contains(&found.edge)).collect::<Vec<_>>())?;
        return Ok(DONE);
    }
    let (runtime, visit) = visit(config)?;
    for route in routes {
        runtime.block_on(visit.order(route, allow))?;
    }
    output.ordered(routes)?;
    Ok(DONE)
}

fn import(cli: &Cli, profiles: &[String], env: Option<&Path>, output: &Output) -> Result<u8, Failure> {
    let mut instances = Vec::new();
    for profile in profiles {
        let address = session::address(cli, profile, output)?;
        instances.push((profile.clone(), address.url, address.token));
    }
    let imported = runtime()?.block_on(remotes::import(&instances))?;
    if let Some(path) = env {
        append(path, &imported).map_err(|source| Failure::Write { path: path.to_owned(), source })?;
    }
    output.imported(&imported, env)?;
    Ok(DONE)
}

fn append(path: &Path, imported: &Imported) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    for (name, value) in &imported.variables {
        writeln!(file, "{name}={value}")?;
    }
    Ok(())
}

/// A token that nobody can guess.
fn token() -> Result<String, Failure> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Runtime(std::io::Error::other(error.to_string())))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
