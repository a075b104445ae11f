//! `lockstep seed`: records of content.

use std::path::{Path, PathBuf};

use lockstep_directus::Client;
use lockstep_engine::seed::{SeedOptions, SeedSelection};
use lockstep_engine::{Interrupt, seed};

use super::compare::Asker;
use super::{DIFFERENT, DONE, Failure, run_flow};
use crate::args::{Cli, ConsentArgs, SeedArgs, SeedCommand, SeedPullArgs};
use crate::output::Output;
use crate::session::Session;

pub(super) fn run(cli: &Cli, arguments: &SeedArgs, output: &Output) -> Result<u8, Failure> {
    let Session { client, seeds, .. } = Session::open(cli, output)?;
    match &arguments.command {
        SeedCommand::Diff(arguments) => diff(client, &seeds, arguments.exit_code, output),
        SeedCommand::Push(arguments) => push(client, &seeds, arguments.consent, output),
        SeedCommand::Pull(arguments) => pull(client, &seeds, &selection(arguments)?, output),
    }
}

/// Shows what a push would change.
pub(super) fn diff(
    client: Client,
    options: &SeedOptions,
    exit_code: bool,
    output: &Output,
) -> Result<u8, Failure> {
    let progress = output.progress();
    let report = run_flow(seed::diff(client, options, &progress), None);
    progress.end();
    let report = report?;
    output.compared(&report, shown(&options.paths))?;
    Ok(if exit_code && !report.converged { DIFFERENT } else { DONE })
}

/// Brings an instance to what the files say.
pub(super) fn push(
    client: Client,
    options: &SeedOptions,
    consent: ConsentArgs,
    output: &Output,
) -> Result<u8, Failure> {
    let progress = output.progress();
    let asker = Asker { output, progress: &progress, consent, root: shown(&options.paths) };
    let interrupt = Interrupt::default();
    let report = run_flow(seed::push(client, options, &progress, &asker, &interrupt), Some(&interrupt));
    progress.end();
    let report = report?;
    output.pushed(&report)?;
    Ok(if report.converged { DONE } else { DIFFERENT })
}

/// Writes records of an instance into files.
pub(super) fn pull(
    client: Client,
    options: &SeedOptions,
    selection: &SeedSelection,
    output: &Output,
) -> Result<u8, Failure> {
    let progress = output.progress();
    let report = run_flow(seed::pull(client, options, selection, &progress), None);
    progress.end();
    let root = selection.file.as_deref().unwrap_or_else(|| shown(&options.paths));
    output.pulled(&report?, root, None)?;
    Ok(DONE)
}

fn selection(arguments: &SeedPullArgs) -> Result<SeedSelection, Failure> {
    let here = std::env::current_dir().map_err(Failure::Directory)?;
    Ok(SeedSelection {
        collections: arguments.collections.clone(),
        filters: arguments.filter.iter().map(|rule| (None, rule.clone())).collect(),
        limit: arguments.limit,
        fields: arguments.fields.clone(),
        file: arguments.output.as_ref().map(|file| here.join(file)),
        ..SeedSelection::default()
    })
}

/// What stands for the seeds in a plan.
fn shown(paths: &[PathBuf]) -> &Path {
    paths.first().map_or_else(|| Path::new("seeds"), PathBuf::as_path)
}
