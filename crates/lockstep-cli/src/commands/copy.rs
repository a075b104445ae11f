//! `lockstep copy`: items of one instance become items of another.

use std::path::PathBuf;

use lockstep_engine::Interrupt;
use lockstep_engine::seed::{self, CopyOptions, Side};

use super::compare::Asker;
use super::{DIFFERENT, DONE, Failure, run_flow};
use crate::args::{Cli, CopyArgs};
use crate::output::Output;
use crate::peer::Peer;
use crate::session::Session;

pub(super) fn run(cli: &Cli, arguments: &CopyArgs, output: &Output) -> Result<u8, Failure> {
    let global = &cli.global;
    let login = [global.directus_token.is_some(), global.directus_password.is_some()];
    if global.directus_url.is_some() || global.directus_email.is_some() || login.contains(&true) {
        return Err(Failure::OneOfTwo);
    }
    let from = Peer { name: &arguments.from, token: arguments.from_token.as_ref(), side: "from" };
    let to = Peer { name: &arguments.to, token: arguments.to_token.as_ref(), side: "to" };
    let (from, to) = (Session::of_peer(cli, &from, output)?, Session::of_peer(cli, &to, output)?);
    let selection = arguments.selection.selection();
    let options = CopyOptions { schema: arguments.schema, delete: arguments.delete };
    let progress = output.progress();
    let root = PathBuf::from(from.client.url());
    let asker = Asker { output, progress: &progress, consent: arguments.consent, root: &root };
    let interrupt = Interrupt::default();
    let from = Side { client: from.client, options: &from.content };
    let to = Side { client: to.client, options: &to.content };
    let flow = seed::copy(from, to, &selection, options, &progress, &asker, &interrupt);
    let report = run_flow(flow, Some(&interrupt));
    progress.end();
    let report = report?;
    output.pushed(&report)?;
    Ok(if report.converged { DONE } else { DIFFERENT })
}
