//! `lockstep pull`.

use std::collections::BTreeSet;
use std::path::Path;

use lockstep_core::report::PullReport;

use super::{DONE, Failure, run_flow};
use crate::args::{Cli, PullArgs};
use crate::config::variable_names;
use crate::output::Output;
use crate::session::Session;

/// Where the names of extracted secrets go: beside the `.env` that has their values.
const EXAMPLE: &str = ".env.example";

pub(super) fn run(cli: &Cli, arguments: &PullArgs, output: &Output) -> Result<u8, Failure> {
    let mut session = Session::open(cli, output)?;
    session.options.extract_secrets = arguments.extract_secrets;
    let directory = std::env::current_dir().map_err(Failure::Directory)?;
    let progress = output.progress();
    let report = run_flow(lockstep_engine::pull(session.client, &session.options, &progress), None);
    progress.end();
    let report = report?;
    let example = directory.join(EXAMPLE);
    let noted = note(&report, &example)?;
    output.pulled(&report, &session.options.paths.root, noted.then_some(&example))?;
    Ok(DONE)
}

/// Adds the names of extracted secrets that the file does not have. True if secrets were extracted.
fn note(report: &PullReport, example: &Path) -> Result<bool, Failure> {
    let names: BTreeSet<&str> = report.secrets.iter().filter_map(|found| found.variable.as_deref()).collect();
    if names.is_empty() {
        return Ok(false);
    }
    let failed = |source| Failure::Write { path: example.to_owned(), source };
    let mut text = match std::fs::read_to_string(example) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let known = variable_names(&text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for name in names.into_iter().filter(|name| !known.contains(*name)) {
        text += &format!("{name}=\n");
    }
    lockstep_engine::dump::write_file(example, text.into_bytes())
        .map_err(lockstep_engine::EngineError::from)?;
    Ok(true)
}
