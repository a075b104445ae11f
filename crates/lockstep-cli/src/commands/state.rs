//! `lockstep state`: what is recorded of an instance, and what a person settles.

use lockstep_engine::{Copied, StateChoice};

use super::{DONE, Failure, run_flow};
use crate::args::{Cli, StateArgs, StateCommand, StoreKind};
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
        StateCommand::Move { to, from, yes } => {
            let to = choice(*to);
            // What is configured is where the mappings were so far.
            let from = from.map_or(options.state, choice);
            let from = if from == to && !is_named(arguments) { StateChoice::Auto } else { from };
            if from == to {
                return Err(Failure::SameStore);
            }
            let consents = |copied: &Copied| output.consents_to_empty(copied, *yes);
            let file = options.state_file.clone();
            let moved = run_flow(
                lockstep_engine::move_store(client, (from, to), options.state_file, &consents),
                None,
            )?;
            output.moved(&moved, &file)?;
        }
        StateCommand::Link { collection, sync_id, local_id } => {
            let (sync_id, local_id) = (sync_id.as_str().into(), local_id.as_str().into());
            let flow = lockstep_engine::link(client, &options, collection, &sync_id, &local_id);
            let linked = run_flow(flow, None)?;
            output.linked(&linked, collection, &sync_id, &local_id)?;
        }
    }
    Ok(DONE)
}

fn choice(kind: StoreKind) -> StateChoice {
    match kind {
        StoreKind::Extension => StateChoice::Extension,
        StoreKind::Table => StateChoice::Table,
        StoreKind::File => StateChoice::File,
    }
}

/// True if the store to move from was named.
fn is_named(arguments: &StateArgs) -> bool {
    matches!(arguments.command, StateCommand::Move { from: Some(_), .. })
}
