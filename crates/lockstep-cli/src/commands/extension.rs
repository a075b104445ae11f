//! `lockstep extension`: our own extension, written to where an instance finds it.

use lockstep_engine::extension;

use super::{DONE, Failure};
use crate::args::{ExtensionArgs, ExtensionCommand};
use crate::output::Output;

pub(super) fn run(arguments: &ExtensionArgs, output: &Output) -> Result<u8, Failure> {
    match &arguments.command {
        ExtensionCommand::Install { folder } => output.installed(&extension::install(folder)?)?,
    }
    Ok(DONE)
}
