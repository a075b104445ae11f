//! `lockstep content` and `lockstep copy`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lockstep_engine::seed::SeedSelection;
use secrecy::SecretString;
use serde_json::Value;

use super::seed::filter;
use super::{ConsentArgs, StoreArgs};
use crate::config::Values;

pub(super) const EXAMPLES: &str = "\
Content is kept in the format of seeds: a file for each collection, references by SyncID, files beside them.

Examples:
  lockstep content pull                                     all collections, into ./directus-config/content
  lockstep content pull --collection posts --with-related   posts, and what belongs to them
  lockstep content pull --collection 'blog_*' --filter 'blog_posts={\"status\":{\"_eq\":\"published\"}}' --with-files
  lockstep content diff                                     what a push would change
  lockstep content push                                     show the plan, ask, apply";

pub(super) const COPY_EXAMPLES: &str = "\
--from and --to are profiles of the configuration, or URLs. Tokens come from --from-token and --to-token, from
LOCKSTEP_FROM_TOKEN and LOCKSTEP_TO_TOKEN, or from the profile. Of DIRECTUS_URL, DIRECTUS_TOKEN and the like nothing is taken.

Examples:
  lockstep copy --from production --to staging --with-files
  lockstep copy --from production --to staging --collection posts --with-related
  lockstep copy --from https://a.example.com --to http://localhost:8055 --schema";

/// `lockstep content`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ContentArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ContentCommand,
}

/// The commands of `lockstep content`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ContentCommand {
    /// Write items of an instance into files; the instance is only read
    Pull(ContentPullArgs),
    /// Show what a push of the files would change; changes nothing
    Diff(ContentDiffArgs),
    /// Bring the items of an instance to what the files say
    Push(ContentPushArgs),
}

/// Which items, and what comes along with them.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SelectionArgs {
    /// These collections, comma separated; * and ? stand for others [default: all, users and files aside]
    #[arg(long = "collection", value_name = "NAMES", value_delimiter = ',')]
    collections: Vec<String>,
    /// Only items that match this filter rule of Directus; collection=JSON is for one of the collections
    #[arg(long = "filter", value_name = "JSON", value_parser = rule)]
    filters: Vec<(Option<String>, Value)>,
    /// So many items of each collection at most, lowest keys first
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Only these fields, comma separated, as field or collection.field [default: all that can be pushed]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    fields: Vec<String>,
    /// Also the items that these list (one-to-many, and the rows of junctions), and those that any of them refer to
    #[arg(long)]
    with_related: bool,
    /// Also the files that the items refer to
    #[arg(long)]
    with_files: bool,
}

/// Where content is, and the mappings of its items.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ContentPathArgs {
    /// The folder of the content [default: ./directus-config/content]
    #[arg(short = 'o', long, visible_alias = "out", value_name = "PATH")]
    content_path: Option<PathBuf>,
    /// The folder of the dump, beside which a state file is [default: ./directus-config]
    #[arg(long, value_name = "PATH")]
    dump_path: Option<PathBuf>,
    /// Where the mappings of the target are.
    #[command(flatten)]
    store: StoreArgs,
}

/// `lockstep content pull`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ContentPullArgs {
    /// The items.
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// The files.
    #[command(flatten)]
    paths: ContentPathArgs,
}

/// `lockstep content diff`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ContentDiffArgs {
    /// Only the files of these collections, comma separated; * and ? stand for others [default: all]
    #[arg(long = "collection", value_name = "NAMES", value_delimiter = ',')]
    pub(crate) collections: Vec<String>,
    /// The files.
    #[command(flatten)]
    paths: ContentPathArgs,
    /// Exit with 2 when there are differences
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `lockstep content push`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ContentPushArgs {
    /// Only the files of these collections, comma separated; * and ? stand for others [default: all]
    #[arg(long = "collection", value_name = "NAMES", value_delimiter = ',')]
    pub(crate) collections: Vec<String>,
    /// The files.
    #[command(flatten)]
    paths: ContentPathArgs,
    /// What is consented to.
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
}

/// `lockstep copy`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CopyArgs {
    /// The instance to copy from: a profile or a URL; it is only read
    #[arg(long, value_name = "NAME")]
    pub(crate) from: String,
    /// The instance to copy to: a profile or a URL
    #[arg(long, value_name = "NAME")]
    pub(crate) to: String,
    /// The token of an administrator of --from [env: LOCKSTEP_FROM_TOKEN]
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) from_token: Option<SecretString>,
    /// The token of an administrator of --to [env: LOCKSTEP_TO_TOKEN]
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) to_token: Option<SecretString>,
    /// The items.
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// First bring the schema of what is copied there; what the target has besides stays
    #[arg(long)]
    pub(crate) schema: bool,
    /// Also delete items of the copied collections that Lockstep once wrote there and that are not among those copied
    #[arg(long)]
    pub(crate) delete: bool,
    /// What is consented to.
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
    /// Where the mappings are.
    #[command(flatten)]
    store: StoreArgs,
}

impl SelectionArgs {
    /// The same for the engine.
    pub(crate) fn selection(&self) -> SeedSelection {
        SeedSelection {
            collections: self.collections.clone(),
            filters: self.filters.clone(),
            limit: self.limit,
            fields: self.fields.clone(),
            related: self.with_related,
            files: self.with_files,
            file: None,
        }
    }
}

impl ContentArgs {
    pub(super) fn fill(&self, values: &mut Values) {
        let paths = match &self.command {
            ContentCommand::Pull(pull) => &pull.paths,
            ContentCommand::Diff(diff) => &diff.paths,
            ContentCommand::Push(push) => &push.paths,
        };
        values.content_path = paths.content_path.clone();
        values.dump_path = paths.dump_path.clone();
        paths.store.fill(values);
    }
}

impl CopyArgs {
    pub(super) fn fill(&self, values: &mut Values) {
        self.store.fill(values);
    }
}

/// A rule for every collection, or `collection=` and one for it.
fn rule(text: &str) -> Result<(Option<String>, Value), String> {
    match text.split_once('=').filter(|(name, _)| !name.trim_start().starts_with(['{', '['])) {
        Some((name, rule)) => Ok((Some(name.trim().to_owned()), filter(rule)?)),
        None => Ok((None, filter(text)?)),
    }
}
