//! `lockstep helpers`: untrack, remove-permission-duplicates, wait-server-ready.

use std::time::Instant;

use lockstep_engine::helpers::{self, Duplicates, Waiting};

use super::{DONE, Failure, run_flow};
use crate::args::helpers::Keep;
use crate::args::{Cli, HelpersArgs, HelpersCommand};
use crate::output::Output;
use crate::session::{self, Session};

pub(super) fn run(cli: &Cli, arguments: &HelpersArgs, output: &Output) -> Result<u8, Failure> {
    match &arguments.command {
        HelpersCommand::Untrack { collection, id } => untrack(cli, collection, id, output)?,
        HelpersCommand::RemovePermissionDuplicates { keep, yes } => {
            remove_duplicates(cli, *keep, *yes, output)?;
        }
        HelpersCommand::WaitServerReady { interval, timeout, successes } => {
            let waiting = Waiting { interval: *interval, timeout: *timeout, successes: *successes };
            let client = session::without_login(cli, output)?;
            let started = Instant::now();
            let ready = run_flow(helpers::wait_ready(&client, waiting), None)?;
            output.ready(client.url(), ready, started.elapsed())?;
        }
    }
    Ok(DONE)
}

fn untrack(cli: &Cli, collection: &str, id: &str, output: &Output) -> Result<(), Failure> {
    let Session { client, options, .. } = Session::open(cli, output)?;
    let id = id.into();
    let flow = helpers::untrack(client, options.state, options.state_file, collection, &id);
    output.untracked(&run_flow(flow, None)?, collection, &id)
}

fn remove_duplicates(cli: &Cli, keep: Keep, yes: bool, output: &Output) -> Result<(), Failure> {
    let Session { client, options, .. } = Session::open(cli, output)?;
    let keep = match keep {
        Keep::First => helpers::Keep::First,
        Keep::Last => helpers::Keep::Last,
    };
    let consents = |duplicates: &Duplicates| output.consents_to_remove(duplicates, yes);
    let flow = helpers::remove_duplicates(client, options.state, options.state_file, keep, &consents);
    output.duplicates_removed(&run_flow(flow, None)?)
}
