//! The command line of the helpers, as directus-sync has them.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::state::PlaceArgs;

pub(crate) const EXAMPLES: &str = "\
Examples:
  lockstep helpers untrack --collection roles --id 2b9e…   the target's role 2b9e… is no record of the dump any more
  lockstep helpers remove-permission-duplicates            one permission per policy, collection and action stays
  lockstep helpers wait-server-ready --timeout 120         until the target is up, before a push in CI";

/// `lockstep helpers`.
#[derive(Debug, Clone, Args)]
pub(crate) struct HelpersArgs {
    /// Where the mappings are.
    #[command(flatten)]
    pub(super) place: PlaceArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: HelpersCommand,
}

/// The commands under `lockstep helpers`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum HelpersCommand {
    /// Forget which record of the dump a record of the target is; neither is changed
    Untrack {
        /// The collection, e.g. roles; of seeds items::NAME
        #[arg(long, value_name = "NAME")]
        collection: String,
        /// The record on the target: its id
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        id: String,
    },
    /// Delete permissions of the same policy (Directus 10: role), collection and action but one
    RemovePermissionDuplicates {
        /// Which one stays
        #[arg(long, value_name = "WHICH", value_enum, default_value_t = Keep::Last)]
        keep: Keep,
        /// Delete without asking
        #[arg(short = 'y', long)]
        yes: bool,
    },
    /// Wait until the target is ready to be worked with; needs no token
    WaitServerReady {
        /// The seconds between two looks
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
        interval: Duration,
        /// After how many seconds to give up
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "90")]
        timeout: Duration,
        /// How many looks in a row have to find it ready
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..), default_value = "1")]
        successes: u32,
    },
}

/// Which of several permissions stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keep {
    /// The oldest
    First,
    /// The newest
    Last,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is no number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "it is no time".to_owned())
}
