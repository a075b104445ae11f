//! `lockstep config`: what holds for a run and why, and how a configuration file is written.

use super::{DONE, Failure};
use crate::args::{Cli, ConfigArgs, ConfigCommand};
use crate::config::keys;
use crate::output::Output;
use crate::session;

pub(super) fn run(cli: &Cli, arguments: &ConfigArgs, output: &Output) -> Result<u8, Failure> {
    match &arguments.command {
        ConfigCommand::Show => {
            let (resolved, _) = session::resolve(cli, cli.values(), output)?;
            resolved.warnings.iter().for_each(|warning| output.warn(warning));
            output.configuration(&resolved)?;
        }
        ConfigCommand::Schema => output.schema_document(&keys::json_schema())?,
        ConfigCommand::Reference => output.text(&keys::reference())?,
    }
    Ok(DONE)
}
