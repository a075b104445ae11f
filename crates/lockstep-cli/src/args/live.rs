//! The command line of live replication.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(crate) const EXAMPLES: &str = "\
Examples:
  lockstep live check                     what does not fit yet, of peers, schemas and rights
  lockstep live setup staging             a user for replication there, with the rights that the routes need
  lockstep live run                       replicate until told to stop
  lockstep live status                    what flows where, and what waits
  lockstep live reconcile --dry-run       how much differs, without doing anything
  lockstep live retry                     try the dead letters again

What flows where stands under the key live of the configuration file.";

/// `lockstep live`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LiveArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: LiveCommand,
}

/// The commands under `lockstep live`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum LiveCommand {
    /// Replicate until told to stop; with --json, a line of JSON on stdout for each thing that happens
    Run {
        /// Who wins where both sides have records with counted keys that cannot be told apart
        #[arg(long, value_name = "SIDE", value_enum)]
        initial: Option<Winner>,
        /// What this worker is called where several share the routes [default: its host and six letters]
        #[arg(long, value_name = "NAME")]
        worker: Option<String>,
    },
    /// Show what flows where, and what waits
    Status,
    /// Look at everything again: at once where nothing runs yet, or by the daemon that runs
    Reconcile {
        /// The route, such as `a>b` [default: all]
        route: Option<String>,
        /// Only count what differs
        #[arg(long)]
        dry_run: bool,
        /// Let a halted route go on: what was deleted on one side goes on the other as well
        #[arg(long)]
        allow_destructive: bool,
        /// Who wins where both sides have records with counted keys that cannot be told apart
        #[arg(long, value_name = "SIDE", value_enum)]
        initial: Option<Winner>,
    },
    /// List the conflicts, latest first
    Conflicts {
        /// Only those that nobody decided yet
        #[arg(long)]
        open: bool,
    },
    /// List the records that failed too often, with their last error
    DeadLetters,
    /// Try dead letters again
    Retry {
        /// Only those of a route, such as `a>b`
        #[arg(long, value_name = "ROUTE")]
        route: Option<String>,
        /// Only those of a collection
        #[arg(long, value_name = "NAME")]
        collection: Option<String>,
        /// Only the record with this key
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// See whether everything fits: peers, tokens, rights, schemas, the journal; writes nothing
    Check,
    /// Make the user for replication on a peer, with the rights that the routes need; --directus-token is an
    /// administrator's there. The token is printed once
    Setup {
        /// The peer
        peer: String,
    },
    /// Read the remotes of the data-sync extension, and print a configuration for them
    ImportRemotes {
        /// Profiles of the instances that have the extension
        #[arg(required = true)]
        profiles: Vec<String>,
        /// Add the tokens that were found to this file, for a .env that nobody commits
        #[arg(long, value_name = "FILE")]
        env: Option<PathBuf>,
    },
}

/// A side of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Winner {
    /// The source
    Source,
    /// The target
    Target,
}
