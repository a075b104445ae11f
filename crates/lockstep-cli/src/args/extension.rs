//! The command line of the extension.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(crate) const EXAMPLES: &str = "\
Examples:
  lockstep extension install ./extensions           into the folder that Directus loads extensions from
  lockstep state move --to extension                what the instance had mapped elsewhere goes with it";

/// `lockstep extension`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExtensionArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub(crate) command: ExtensionCommand,
}

/// The commands under `lockstep extension`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ExtensionCommand {
    /// Write the extension into the folder that an instance loads extensions from; an older one is replaced
    Install {
        /// The folder: EXTENSIONS_PATH of the instance, or `extensions` where it runs
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}
