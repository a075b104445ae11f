//! `lockstep seed`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConsentArgs, StoreArgs};
use crate::config::{SeedPath, Values};

pub(super) const EXAMPLES: &str = "\
A seed is a JSON file, {\"collection\": \"posts\", \"data\": [{\"_sync_id\": \"first\", \"title\": \"…\"}]}, or an array of
them. A reference is the _sync_id of the other record. All *.json files below the seed path are read.

Examples:
  lockstep seed diff                            what a push would change
  lockstep seed push                            show the plan, ask, apply
  lockstep seed push --seed-path ./demo-data    from another folder, or one file
  lockstep seed pull tags posts                 write records into ./directus-config/seed
  lockstep seed pull posts --filter '{\"status\":{\"_eq\":\"published\"}}' -o posts.json";

/// `lockstep seed`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SeedArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: SeedCommand,
}

/// The commands of `lockstep seed`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum SeedCommand {
    /// Show what a push of the seeds would change; changes nothing
    Diff(SeedDiffArgs),
    /// Bring the records of an instance to what the seeds say
    Push(SeedPushArgs),
    /// Write records of an instance as seeds, with their files; the instance is only read
    Pull(SeedPullArgs),
}

/// Where seeds are, and the mappings of their records.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SeedPathArgs {
    /// Folders with seeds, or single files [default: ./directus-config/seed]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    seed_path: Option<Vec<PathBuf>>,
    /// The folder of the dump, beside which a state file is [default: ./directus-config]
    #[arg(long, value_name = "PATH")]
    dump_path: Option<PathBuf>,
    /// Where the mappings of the target are.
    #[command(flatten)]
    store: StoreArgs,
}

/// `lockstep seed diff`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SeedDiffArgs {
    /// The seeds.
    #[command(flatten)]
    paths: SeedPathArgs,
    /// Exit with 2 when there are differences
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `lockstep seed push`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SeedPushArgs {
    /// The seeds.
    #[command(flatten)]
    paths: SeedPathArgs,
    /// What is consented to.
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
    /// Accepted for compatibility: Lockstep orders the whole push and needs no second try [default: 20]
    #[arg(long, value_name = "COUNT")]
    max_push_retries: Option<u32>,
}

/// `lockstep seed pull`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SeedPullArgs {
    /// The collections, e.g. posts tags directus_files
    #[arg(required = true, value_name = "COLLECTION")]
    pub(crate) collections: Vec<String>,
    /// Only records that match this filter rule of Directus
    #[arg(long, value_name = "JSON", value_parser = filter)]
    pub(crate) filter: Option<serde_json::Value>,
    /// So many records of each collection at most, lowest keys first
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<u64>,
    /// Only these fields, comma separated [default: all that can be pushed]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,
    /// The file to write [default: for each collection its own in the seed path]
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The seeds.
    #[command(flatten)]
    paths: SeedPathArgs,
}

pub(super) fn filter(text: &str) -> Result<serde_json::Value, String> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(filter)) => Ok(filter.into()),
        Ok(_) => Err("a filter rule is an object, such as {\"status\":{\"_eq\":\"published\"}}".to_owned()),
        Err(error) => Err(format!("not valid JSON: {error}")),
    }
}

impl SeedArgs {
    pub(super) fn fill(&self, values: &mut Values) {
        let paths = match &self.command {
            SeedCommand::Diff(diff) => &diff.paths,
            SeedCommand::Pull(pull) => &pull.paths,
            SeedCommand::Push(push) => {
                values.max_push_retries = push.max_push_retries;
                &push.paths
            }
        };
        values.seed_path = paths.seed_path.clone().map(SeedPath::Typed);
        values.dump_path = paths.dump_path.clone();
        paths.store.fill(values);
    }
}
