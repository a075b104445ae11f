//! `lockstep state`: what is recorded of an instance, and what a person settles.

use super::{DONE, Failure, run_flow};
use crate::args::{Cli, StateArgs, StateCommand};
use crate::output::Output;
use crate::session::Session;

pub(super) fn run(cli: &Cli, arguments: &StateArgs, output: &Output) -> Result<u8, Failure> {
    let Session { client, options, .. } = Session::open(cli, output)?;
    match &arguments.command {
        StateCommand::Show => {
            let recorded =
                run_flow(lockstep_engine::recorded(client, options.state, options.state_file), None)?;
            output.recorded(&recorded)?;
        }
        StateCommand::Link { collection, sync_id, local_id } => {
            let (sync_id, local_id) = (sync_id.as_str().into(), local_id.as_str().into());
            let flow = lockstep_engine::link(
                client,
                options.state,
                options.state_file,
                collection,
                &sync_id,
                &local_id,
            );
            let linked = run_flow(flow, None)?;
            output.linked(&linked, collection, &sync_id, &local_id)?;
        }
    }
    Ok(DONE)
}
