//! `lockstep doctor`: what a run needs, looked at one by one.

use super::{DONE, ERROR, Failure, run_flow};
use crate::args::Cli;
use crate::output::Output;
use crate::session::Session;

pub(super) fn run(cli: &Cli, output: &Output) -> Result<u8, Failure> {
    let Session { client, options, .. } = Session::open(cli, output)?;
    let checkup = run_flow(async { Ok(lockstep_engine::examine(client, &options).await) }, None)?;
    output.examined(&checkup)?;
    Ok(if checkup.healthy { DONE } else { ERROR })
}
