//! `lockstep live`: continuous replication.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use lockstep_live::journal::Journal;
use lockstep_live::remotes::{self, Imported};
use lockstep_live::status::Status;
use lockstep_live::{Initial, Live, LiveConfig, LiveError, setup};

use super::sandbox::{Stop, runtime};
use super::{DONE, Failure, REFUSED};
use crate::args::{Cli, LiveArgs, LiveCommand, Winner};
use crate::output::Output;
use crate::session;

/// How many conflicts are listed.
const LISTED: usize = 200;

pub(super) fn run(cli: &Cli, arguments: &LiveArgs, output: &Output) -> Result<u8, Failure> {
    match &arguments.command {
        LiveCommand::Run { initial } => replicate(session::live(cli, output)?, side(*initial), output),
        LiveCommand::Check => check(session::live(cli, output)?, output),
        LiveCommand::Status => {
            let status = Status::read(&visit(&session::live(cli, output)?)?)?;
            output.live_status(&status)?;
            Ok(DONE)
        }
        LiveCommand::Reconcile { route, dry_run, allow_destructive, initial } => {
            let config = session::live(cli, output)?;
            let routes = routes(&config, route.as_deref())?;
            reconcile(config, &routes, *dry_run, *allow_destructive, side(*initial), output)
        }
        LiveCommand::Conflicts { open } => {
            let conflicts =
                visit(&session::live(cli, output)?)?.conflicts(*open, LISTED).map_err(LiveError::from)?;
            output.live_conflicts(&conflicts)?;
            Ok(DONE)
        }
        LiveCommand::DeadLetters => {
            let letters = visit(&session::live(cli, output)?)?.dead_letters().map_err(LiveError::from)?;
            output.dead_letters(&letters)?;
            Ok(DONE)
        }
        LiveCommand::Retry { route, collection, key } => {
            let config = session::live(cli, output)?;
            routes(&config, route.as_deref())?;
            let count = visit(&config)?.retry(route.as_deref(), collection.as_deref(), key.as_deref());
            output.retried(count.map_err(LiveError::from)?)?;
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

fn visit(config: &LiveConfig) -> Result<Journal, Failure> {
    Ok(Journal::visit(&config.journal).map_err(LiveError::from)?)
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

fn replicate(config: LiveConfig, initial: Initial, output: &Output) -> Result<u8, Failure> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let stop = Stop::listen().map_err(Failure::Runtime)?;
        let address = config.listen;
        let log = output.live_log();
        let live = Live::open(config, initial).await?.telling(log);
        output.live_begins(&live.status()?, address)?;
        live.run(stop.told()).await?;
        Ok(DONE)
    })
}

fn check(config: LiveConfig, output: &Output) -> Result<u8, Failure> {
    let folder = tempfile::tempdir().map_err(Failure::Directory)?;
    // The journal of a daemon that runs is left alone, and one that is not there is not made.
    if config.journal.exists() {
        visit(&config)?;
    }
    let config = LiveConfig { journal: folder.path().join("check.db"), ..config };
    let status = runtime()?.block_on(async { Live::open(config, Initial::Refuse).await?.status() })?;
    let away = status.peers.values().any(|peer| !peer.connected);
    output.live_checked(&status)?;
    Ok(if away { REFUSED } else { DONE })
}

fn reconcile(
    config: LiveConfig,
    routes: &[String],
    dry_run: bool,
    allow: bool,
    initial: Initial,
    output: &Output,
) -> Result<u8, Failure> {
    if dry_run {
        let folder = tempfile::tempdir().map_err(Failure::Directory)?;
        let copy = folder.path().join("dry.db");
        // What a daemon knows is looked at in a copy.
        if config.journal.exists() {
            visit(&config)?.copy_to(&copy).map_err(LiveError::from)?;
        }
        let found = runtime()?.block_on(async {
            Live::open(LiveConfig { journal: copy, ..config }, initial).await?.reconcile(false).await
        })?;
        output.found(&found.into_iter().filter(|found| routes.contains(&found.edge)).collect::<Vec<_>>())?;
        return Ok(DONE);
    }
    let journal = visit(&config)?;
    for route in routes {
        journal.order(route, allow).map_err(LiveError::from)?;
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
