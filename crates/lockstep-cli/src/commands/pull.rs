//! `lockstep pull`.

use super::{DONE, Failure, run_flow};
use crate::args::Cli;
use crate::output::Output;
use crate::session::Session;

pub(super) fn run(cli: &Cli, output: &Output) -> Result<u8, Failure> {
    let session = Session::open(cli, output)?;
    let progress = output.progress();
    let report = run_flow(lockstep_engine::pull(session.client, &session.options, &progress), None);
    progress.end();
    output.pulled(&report?, &session.options.paths.root)?;
    Ok(DONE)
}
