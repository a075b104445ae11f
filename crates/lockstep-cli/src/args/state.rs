//! The command line of a target's mappings.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::config::StateChoice;

pub(crate) const EXAMPLES: &str = "\
Examples:
  lockstep state show                    what this target has mapped
  lockstep state link roles 6f1c… 2b9e…  the target's role 2b9e… is the dump's record 6f1c…
  lockstep state link roles 6f1c… new    none of the target's roles is: a push shall create it
  lockstep state move --to table         what an extension has mapped, so that it can be removed";

/// Where the mappings of a target are, for commands that are about nothing else of a dump.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where mappings are")]
pub(crate) struct PlaceArgs {
    /// The folder of the dump, beside which a state file is [default: ./directus-config]
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) dump_path: Option<PathBuf>,
    /// Where the target's mappings are: its sync extension, a table in it, or a file beside the dump [default: auto]
    #[arg(long, global = true, value_name = "WHERE", value_enum)]
    pub(super) state: Option<StateChoice>,
    /// The file of the mappings; implies --state file [default: beside the dump]
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) state_file: Option<PathBuf>,
}

/// `lockstep state`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StateArgs {
    /// Where the mappings are.
    #[command(flatten)]
    pub(super) place: PlaceArgs,
    /// What to do with it.
    #[command(subcommand)]
    pub(crate) command: StateCommand,
}

/// The commands under `lockstep state`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum StateCommand {
    /// Settle that a record of the target is a certain record of the dump
    Link {
        /// The collection, e.g. roles
        collection: String,
        /// The record in the dump: its _syncId
        sync_id: String,
        /// The record on the target: its id, or `new` for a record that the target does not have yet
        local_id: String,
    },
    /// Show which records of the target are known, and as what
    Show,
    /// Move all mappings of the target to another store; what was the store is emptied once they were read back
    Move {
        /// The store that they go to
        #[arg(long, value_name = "WHERE", value_enum)]
        to: StoreKind,
        /// The store that they are in [default: the other one that holds some]
        #[arg(long, value_name = "WHERE", value_enum)]
        from: Option<StoreKind>,
        /// Empty the old store without asking; where nobody can be asked it stays as it is
        #[arg(short = 'y', long)]
        yes: bool,
    },
}

/// A store of mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreKind {
    /// A mapping extension: that of directus-sync, or Lockstep's own
    Extension,
    /// A table of Lockstep's in the instance
    Table,
    /// A file beside the dump
    File,
}
