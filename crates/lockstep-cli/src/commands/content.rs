//! `lockstep content`: items and files of an instance, and files on disk.

use super::{Failure, seed};
use crate::args::{Cli, ContentArgs, ContentCommand};
use crate::output::Output;
use crate::session::Session;

pub(super) fn run(cli: &Cli, arguments: &ContentArgs, output: &Output) -> Result<u8, Failure> {
    let Session { client, mut content, .. } = Session::open(cli, output)?;
    match &arguments.command {
        ContentCommand::Pull(pull) => seed::pull(client, &content, &pull.selection.selection(), output),
        ContentCommand::Diff(diff) => {
            content.only.clone_from(&diff.collections);
            seed::diff(client, &content, diff.exit_code, output)
        }
        ContentCommand::Push(push) => {
            content.only.clone_from(&push.collections);
            seed::push(client, &content, push.consent, output)
        }
    }
}
