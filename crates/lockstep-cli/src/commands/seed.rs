//! `lockstep seed`: records of content.

use std::path::{Path, PathBuf};

use lockstep_engine::{Interrupt, seed};

use super::compare::Asker;
use super::{DIFFERENT, DONE, Failure, run_flow};
use crate::args::{Cli, SeedArgs, SeedCommand, SeedDiffArgs, SeedPullArgs, SeedPushArgs};
use crate::output::Output;
use crate::session::Session;

pub(super) fn run(cli: &Cli, arguments: &SeedArgs, output: &Output) -> Result<u8, Failure> {
    match &arguments.command {
        SeedCommand::Diff(arguments) => diff(cli, arguments, output),
        SeedCommand::Push(arguments) => push(cli, arguments, output),
        SeedCommand::Pull(arguments) => pull(cli, arguments, output),
    }
}

fn diff(cli: &Cli, arguments: &SeedDiffArgs, output: &Output) -> Result<u8, Failure> {
    let session = Session::open(cli, output)?;
    let progress = output.progress();
    let report = run_flow(seed::diff(session.client, &session.seeds, &progress), None);
    progress.end();
    let report = report?;
    output.compared(&report, shown(&session.seeds.paths))?;
    Ok(if arguments.exit_code && !report.converged { DIFFERENT } else { DONE })
}

fn push(cli: &Cli, arguments: &SeedPushArgs, output: &Output) -> Result<u8, Failure> {
    let session = Session::open(cli, output)?;
    let progress = output.progress();
    let root = shown(&session.seeds.paths);
    let asker = Asker { output, progress: &progress, consent: arguments.consent, root };
    let interrupt = Interrupt::default();
    let flow = seed::push(session.client, &session.seeds, &progress, &asker, &interrupt);
    let report = run_flow(flow, Some(&interrupt));
    progress.end();
    let report = report?;
    output.pushed(&report)?;
    Ok(if report.converged { DONE } else { DIFFERENT })
}

fn pull(cli: &Cli, arguments: &SeedPullArgs, output: &Output) -> Result<u8, Failure> {
    let session = Session::open(cli, output)?;
    let here = std::env::current_dir().map_err(Failure::Directory)?;
    let selection = seed::SeedSelection {
        collections: arguments.collections.clone(),
        filter: arguments.filter.clone(),
        limit: arguments.limit,
        fields: arguments.fields.clone(),
        file: arguments.output.as_ref().map(|file| here.join(file)),
    };
    let progress = output.progress();
    let report = run_flow(seed::pull(session.client, &session.seeds, &selection, &progress), None);
    progress.end();
    let root = selection.file.as_deref().unwrap_or_else(|| shown(&session.seeds.paths));
    output.pulled(&report?, root, None)?;
    Ok(DONE)
}

/// What stands for the seeds in a plan.
fn shown(paths: &[PathBuf]) -> &Path {
    paths.first().map_or_else(|| Path::new("seeds"), PathBuf::as_path)
}
