//! The command line: what can be typed, and nothing about what it means.
//!
//! It takes what npm `directus-sync` takes (`--opt value`, `--opt=value`, comma-separated lists, global options before
//! or after the command) and Lockstep's own options. Every option that a configuration file can set too is an
//! `Option` here, "given or not": defaults belong to [`crate::config`], which also reads the environment, so that
//! no secret ever reaches clap's help.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, ColorChoice, Parser, Subcommand};
use clap_complete::Shell;
use secrecy::SecretString;

use crate::config::StateChoice;
pub(crate) use content::{ContentArgs, ContentCommand, CopyArgs};
pub(crate) use extension::{ExtensionArgs, ExtensionCommand};
pub(crate) use helpers::{HelpersArgs, HelpersCommand};
pub(crate) use live::{LiveArgs, LiveCommand, Winner};
pub(crate) use sandbox::{DemoArgs, SandboxArgs, VerifyArgs};
pub(crate) use schema::SchemaArgs;
pub(crate) use seed::{SeedArgs, SeedCommand, SeedPullArgs};
pub(crate) use state::{StateArgs, StateCommand, StoreKind};

pub(crate) mod content;
pub(crate) mod extension;
pub(crate) mod helpers;
pub(crate) mod live;
mod overrides;
#[cfg(test)]
mod reference;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod seed;
pub(crate) mod state;
#[cfg(test)]
mod tests;

/// The exit code of wrong usage (`EX_USAGE` of sysexits).
pub(crate) const EXIT_USAGE: u8 = 64;

const EXAMPLES: &str = "\
Examples:
  lockstep pull -u https://dev.example.com -t $TOKEN   write the instance into ./directus-config
  lockstep diff -u https://prod.example.com -t $TOKEN  show what a push would change
  lockstep push -u https://prod.example.com -t $TOKEN  bring the instance to what the files say

Options can also come from the environment, a .env file, and ./lockstep.config.json or
./directus-sync.config.json. The command line wins over the environment, the environment over
the profile, the profile over the file; lists of collections add up. lockstep init writes a first
file, lockstep config show tells what holds and why.";

const PULL_EXAMPLES: &str = "\
Examples:
  lockstep pull                              everything, into ./directus-config
  lockstep pull --dump-path ./directus       into another folder
  lockstep pull -o roles,policies            only these collections
  lockstep pull --no-collections --no-specs  only the schema snapshot
  lockstep pull --extract-secrets            placeholders in place of tokens and passwords";

const DIFF_EXAMPLES: &str = "\
Examples:
  lockstep diff                      what a push would change
  lockstep diff --exit-code          exit with 2 when there are differences (for CI)
  lockstep diff --json > plan.json   the same as one JSON document
  lockstep diff --prune              also what a push with --prune would delete";

const PUSH_EXAMPLES: &str = "\
Examples:
  lockstep push                          show the plan, ask, apply
  lockstep push --yes                    without the question
  lockstep push --preview                try it on a copy of the target first
  lockstep push --allow-destructive      also drop fields and collections that the files do not have
  lockstep push -x settings,presets      leave these collections as they are";

const INIT_EXAMPLES: &str = "\
Examples:
  lockstep init -u https://dev.example.com   a first ./lockstep.config.json for this instance";

const CONFIG_EXAMPLES: &str = "\
Examples:
  lockstep config show                     what holds here, and where each value comes from
  lockstep config show --profile staging   the same with a profile
  lockstep config schema > lockstep.config.schema.json
                                           for editors; lockstep init writes it as well";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  lockstep completions bash > /etc/bash_completion.d/lockstep
  lockstep completions zsh > \"${fpath[1]}/_lockstep\"
  lockstep completions fish > ~/.config/fish/completions/lockstep.fish";

/// Keeps Directus instances in step: schema and configuration as files under version control.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, about, after_help = EXAMPLES, max_term_width = 110)]
#[command(subcommand_required = true, arg_required_else_help = true, propagate_version = true)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// Wrong usage, and also `--help` and `--version`: print the error with [`clap::Error::print`] (which knows the
    /// stream) and exit with [`exit_code`].
    pub(crate) fn read<I>(arguments: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        Self::try_parse_from(arguments)
    }
}

/// The exit code of what clap reports: 0 for help and version, else [`EXIT_USAGE`].
pub(crate) fn exit_code(error: &clap::Error) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
        _ => EXIT_USAGE,
    }
}

/// True if one JSON document is wanted, as far as a command line can tell that is not understood.
pub(crate) fn wants_json(arguments: impl IntoIterator<Item = OsString>) -> bool {
    arguments.into_iter().take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the schema and configuration of an instance into files
    Pull(PullArgs),
    /// Show what a push would change; changes nothing
    Diff(DiffArgs),
    /// Bring an instance to what the files say
    Push(PushArgs),
    /// Write a first configuration file, and explain it; overwrites nothing
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// What holds for a run, and where it comes from
    #[command(after_help = CONFIG_EXAMPLES)]
    Config(ConfigArgs),
    /// The schema alone: snapshot, diff, apply, hash, lint, normalize; from instances, files, dumps and git
    #[command(after_help = schema::EXAMPLES)]
    Schema(SchemaArgs),
    /// A small Directus in this program, to try, preview and test on; no CMS
    #[command(after_help = sandbox::EXAMPLES)]
    Sandbox(SandboxArgs),
    /// Show Lockstep at work on two sandboxes, in seconds
    Demo(DemoArgs),
    /// Push a dump into an empty sandbox, to see whether it is whole; for CI
    #[command(after_help = sandbox::VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Records of content in files: compare them with an instance, bring it there, or write them
    #[command(after_help = seed::EXAMPLES)]
    Seed(SeedArgs),
    /// Items and files of an instance: write them into files, compare these with an instance, bring them there
    #[command(after_help = content::EXAMPLES)]
    Content(ContentArgs),
    /// Bring items and files of one instance to another, without files in between
    #[command(after_help = content::COPY_EXAMPLES)]
    Copy(CopyArgs),
    /// See and correct which records of the dump and of the target belong together
    #[command(after_help = state::EXAMPLES)]
    State(StateArgs),
    /// Look at what a run needs: connection, version, rights, limits, store, dump; each with a remedy
    Doctor(DoctorArgs),
    /// Print the completions of a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the man pages, one for each command
    Man {
        /// The folder that they are written into; it is made if it is not there
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Keep items of instances in step continuously, with nothing installed on them
    #[command(after_help = live::EXAMPLES)]
    Live(LiveArgs),
    /// Small helps: untrack, remove-permission-duplicates, wait-server-ready
    #[command(after_help = helpers::EXAMPLES)]
    Helpers(HelpersArgs),
    /// The extension of Directus that keeps mappings and saves requests; nothing needs it
    #[command(after_help = extension::EXAMPLES)]
    Extension(ExtensionArgs),
}

/// Options of every command, accepted before and after it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The configuration file [default: the first of ./lockstep.config.js, .cjs, .mjs, .json, ./directus-sync.config.js,
    /// .cjs, .mjs, .json]
    #[arg(short = 'c', long, global = true, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
    /// The profile of the configuration file, such as staging [env: LOCKSTEP_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Where Directus is [env: DIRECTUS_URL]
    #[arg(short = 'u', long, global = true, value_name = "URL")]
    pub(crate) directus_url: Option<String>,
    /// An administrator's static token; email and password are then ignored, unless only they are typed [env: DIRECTUS_TOKEN]
    #[arg(short = 't', long, global = true, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) directus_token: Option<SecretString>,
    /// An administrator's email [env: DIRECTUS_ADMIN_EMAIL]
    #[arg(short = 'e', long, global = true, value_name = "EMAIL")]
    pub(crate) directus_email: Option<String>,
    /// The administrator's password [env: DIRECTUS_ADMIN_PASSWORD]
    #[arg(short = 'p', long, global = true, value_name = "PASSWORD", allow_hyphen_values = true)]
    pub(crate) directus_password: Option<SecretString>,
    /// Sort the keys of the JSON files that are written
    #[arg(long, global = true, overrides_with = "no_sort_json")]
    sort_json: bool,
    #[arg(long, global = true, hide = true, overrides_with = "sort_json")]
    no_sort_json: bool,
    /// Show every request with its time and status (never a secret)
    #[arg(short = 'd', long, global = true, overrides_with = "no_debug")]
    debug: bool,
    #[arg(long, global = true, hide = true, overrides_with = "debug")]
    no_debug: bool,
    /// Say nothing but the result, warnings and errors
    #[arg(short = 'q', long, global = true, conflicts_with = "debug")]
    pub(crate) quiet: bool,
    /// Print the result as one JSON document on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colours; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
}

/// What pull, diff and push have in common: where the dump is, and what of it takes part.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct DumpArgs {
    /// The folder of the dump [default: ./directus-config]
    #[arg(long, value_name = "PATH")]
    dump_path: Option<PathBuf>,
    /// The folder of the collections, relative to the dump path [default: collections]
    #[arg(long, value_name = "PATH")]
    collections_path: Option<PathBuf>,
    /// The folder of the schema snapshot, relative to the dump path [default: snapshot]
    #[arg(long, value_name = "PATH")]
    snapshot_path: Option<PathBuf>,
    /// Only these collections, comma separated; adds to those of the configuration file [default: all]
    #[arg(short = 'o', long, value_name = "NAMES", value_delimiter = ',')]
    only_collections: Option<Vec<String>>,
    /// Not these collections, comma separated; adds to those of the configuration file [default: none]
    #[arg(short = 'x', long, value_name = "NAMES", value_delimiter = ',')]
    exclude_collections: Option<Vec<String>>,
    /// Leave out the system collections (roles, flows, …)
    #[arg(long, overrides_with = "collections")]
    no_collections: bool,
    #[arg(long, hide = true, overrides_with = "no_collections")]
    collections: bool,
    /// Leave out the schema snapshot
    #[arg(long, overrides_with = "snapshot")]
    no_snapshot: bool,
    #[arg(long, hide = true, overrides_with = "no_snapshot")]
    snapshot: bool,
    /// The snapshot as one file instead of one per collection, field and relation
    #[arg(long, overrides_with = "split")]
    no_split: bool,
    #[arg(long, hide = true, overrides_with = "no_split")]
    split: bool,
    /// Leave the attachments of policies to roles as they are
    #[arg(long, overrides_with = "sync_policy_roles")]
    no_sync_policy_roles: bool,
    #[arg(long, hide = true, overrides_with = "no_sync_policy_roles")]
    sync_policy_roles: bool,
    /// Collections whose records keep their ids on every instance: a comma-separated list, all, * or none
    /// [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    preserve_ids: Option<Vec<String>>,
    /// Where the mappings of the target are.
    #[command(flatten)]
    store: StoreArgs,
}

/// Where a target's mappings (SyncID to local id) are kept.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct StoreArgs {
    /// Where the target's mappings are: its sync extension, a table in it, or a file beside the dump [default: auto]
    #[arg(long, value_name = "WHERE", value_enum)]
    state: Option<StateChoice>,
    /// The file of the mappings; implies --state file [default: beside the dump]
    #[arg(long, value_name = "PATH")]
    state_file: Option<PathBuf>,
}

/// How a dump is compared with an instance: diff and push.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CompareArgs {
    /// Accepted for compatibility: a schema of another Directus version or database is made to fit
    #[arg(short = 'f', long)]
    pub(crate) force: bool,
    /// Which part of the schema takes part.
    #[command(flatten)]
    pub(crate) schema: schema::ScopeArgs,
    /// Accepted for compatibility: the schema diff is always readable
    #[arg(long)]
    pub(crate) pretty_diff: bool,
    /// Also delete records that the dump does not have and that Lockstep has never written
    #[arg(long)]
    pub(crate) prune: bool,
}

/// `lockstep pull`.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = PULL_EXAMPLES)]
pub(crate) struct PullArgs {
    /// The dump.
    #[command(flatten)]
    pub(crate) dump: DumpArgs,
    /// The folder of the API specifications, relative to the dump path [default: specs]
    #[arg(long, value_name = "PATH")]
    specs_path: Option<PathBuf>,
    /// Leave out the OpenAPI and GraphQL specifications
    #[arg(long, overrides_with = "specs")]
    no_specs: bool,
    #[arg(long, hide = true, overrides_with = "no_specs")]
    specs: bool,
    /// Put ${VARIABLE} in place of the secrets that are found in flows, panels and settings; their names go to
    /// ./.env.example, their values nowhere
    #[arg(long)]
    pub(crate) extract_secrets: bool,
}

/// `lockstep diff`.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = DIFF_EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The dump.
    #[command(flatten)]
    pub(crate) dump: DumpArgs,
    /// The comparison.
    #[command(flatten)]
    pub(crate) compare: CompareArgs,
    /// Exit with 2 when there are differences
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// What is consented to beforehand.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct ConsentArgs {
    /// Answer ordinary questions with yes, never destructive ones
    #[arg(short = 'y', long)]
    pub(crate) yes: bool,
    /// Allow dropping fields, collections and relations, and mass deletions
    #[arg(long)]
    pub(crate) allow_destructive: bool,
}

/// `lockstep push`.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = PUSH_EXAMPLES)]
pub(crate) struct PushArgs {
    /// The dump.
    #[command(flatten)]
    pub(crate) dump: DumpArgs,
    /// The comparison.
    #[command(flatten)]
    pub(crate) compare: CompareArgs,
    /// What is consented to.
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
    /// Push into a copy of the target in a sandbox, and show what would come of it; the target is only read
    #[arg(long)]
    pub(crate) preview: bool,
    /// Accepted for compatibility: Lockstep orders the whole push and needs no second try [default: 20]
    #[arg(long, value_name = "COUNT")]
    max_push_retries: Option<u32>,
}

/// `lockstep doctor`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorArgs {
    /// The dump.
    #[command(flatten)]
    pub(crate) dump: DumpArgs,
}

/// `lockstep init`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct InitArgs {
    /// Replace ./lockstep.config.json, or write it beside another configuration
    #[arg(long)]
    pub(crate) force: bool,
}

/// `lockstep config`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// The commands under `lockstep config`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show each value, and where it comes from; secrets are masked
    Show,
    /// Print the JSON Schema of configuration files, for editors
    Schema,
    /// Print the reference of all keys, in Markdown
    Reference,
}

impl GlobalArgs {
    /// True if every request is shown as far as the command line decides.
    pub(crate) fn shows_requests(&self) -> bool {
        self.debug
    }
}
