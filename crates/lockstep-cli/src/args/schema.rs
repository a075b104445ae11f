//! `lockstep schema`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use lockstep_core::schema::{Mode, Scope};
use lockstep_engine::schema::SchemaOptions;
use secrecy::SecretString;

pub(super) const EXAMPLES: &str = "\
Where a schema comes from:
  instance            the configured instance (-u, environment, configuration file)
  https://…           another instance, with the same credentials or --desired-token
  ./s.json, s.yaml    a snapshot file; - is standard input
  ./directus-config   a dump, or the snapshot folder of one
  git:main            the dump as it is in a git revision; git:main:PATH a file or folder of it

Examples:
  lockstep schema snapshot > snapshot.json          the schema of the instance
  lockstep schema diff instance snapshot.json       what would change on the instance
  lockstep schema diff git:main ./directus-config --format markdown   what a branch changes, for its review
  lockstep schema diff a.json b.json --format directus > diff.json    as POST /schema/diff would answer
  lockstep schema apply snapshot.json               bring the instance to it; also takes a diff.json
  lockstep schema lint                              what is wrong with the dump's schema";

/// `lockstep schema`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SchemaArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: SchemaCommand,
    /// The folder of the dump [default: ./directus-config]
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) dump_path: Option<PathBuf>,
    /// The folder of the schema snapshot, relative to the dump path [default: snapshot]
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) snapshot_path: Option<PathBuf>,
}

/// The commands of `lockstep schema`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Write a schema as one file
    Snapshot(SnapshotArgs),
    /// Show what leads from one schema to another; changes nothing
    Diff(SchemaDiffArgs),
    /// Bring the instance to a schema, or apply a diff that was computed before
    Apply(ApplyArgs),
    /// Print the hash that a server puts on this schema
    Hash {
        /// The schema [default: instance]
        #[arg(value_name = "SCHEMA", default_value = INSTANCE, hide_default_value = true)]
        schema: String,
    },
    /// Tell what is wrong with a schema by itself; exits with 1 if a server would refuse it
    Lint {
        /// The schema [default: dump]
        #[arg(value_name = "SCHEMA", default_value = DUMP, hide_default_value = true)]
        schema: String,
    },
    /// Write a schema in one order whatever the order it came in: collections by name, fields by position, keys sorted
    Normalize {
        /// The schema [default: dump]
        #[arg(value_name = "SCHEMA", default_value = DUMP, hide_default_value = true)]
        schema: String,
        /// How it is written.
        #[command(flatten)]
        writing: WritingArgs,
    },
}

/// What stands for the configured instance.
pub(crate) const INSTANCE: &str = "instance";
/// What stands for the configured dump.
pub(crate) const DUMP: &str = "dump";

/// How a schema is written.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WritingArgs {
    /// As JSON or YAML [default: by the name of the file, else JSON]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) export: Option<Export>,
    /// The file to write [default: standard output]
    #[arg(short = 'O', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// The languages of snapshot files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Export {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// `lockstep schema snapshot`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SnapshotArgs {
    /// The schema [default: instance]
    #[arg(value_name = "SCHEMA", default_value = INSTANCE, hide_default_value = true)]
    pub(crate) schema: String,
    /// How it is written.
    #[command(flatten)]
    pub(crate) writing: WritingArgs,
    /// Which collections take part.
    #[command(flatten)]
    pub(crate) names: NameArgs,
}

/// `lockstep schema diff`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SchemaDiffArgs {
    /// The schema that is there now [default: instance]
    #[arg(value_name = "CURRENT", default_value = INSTANCE, hide_default_value = true)]
    pub(crate) current: String,
    /// The schema that is wanted [default: dump]
    #[arg(value_name = "DESIRED", default_value = DUMP, hide_default_value = true)]
    pub(crate) desired: String,
    /// For people (text, markdown) or programs (json; directus: exactly what POST /schema/diff would answer)
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Which part takes part.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// The token of the desired instance, where both are instances
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) desired_token: Option<SecretString>,
    /// Exit with 2 when there are differences
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// How differences are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A plan for a terminal.
    #[default]
    Text,
    /// One document, as `lockstep diff --json` has under `schema`.
    Json,
    /// The server's own form.
    Directus,
    /// For a comment on a pull request.
    Markdown,
}

/// `lockstep schema apply`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ApplyArgs {
    /// The schema that is wanted, or a file with a diff: {hash, diff} [default: dump]
    #[arg(value_name = "DESIRED", default_value = DUMP, hide_default_value = true)]
    pub(crate) desired: String,
    /// Which part takes part.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Apply a diff although it was computed for another schema
    #[arg(short = 'f', long)]
    pub(crate) force: bool,
    /// The token of the desired instance, where both are instances
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) desired_token: Option<SecretString>,
    /// What is consented to.
    #[command(flatten)]
    pub(crate) consent: super::ConsentArgs,
}

/// Which collections of the schema take part; the others stay as they are.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct NameArgs {
    /// Only these collections of the schema take part (with * and ?): 'blog_*,pages'
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    schema_only: Vec<String>,
    /// These collections of the schema do not take part (with * and ?)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    schema_exclude: Vec<String>,
}

impl NameArgs {
    /// As the engine takes it.
    pub(crate) fn scope(&self) -> Scope {
        Scope::new(self.schema_only.clone(), self.schema_exclude.clone())
    }
}

/// Which part of a schema is compared, and how.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ScopeArgs {
    /// By name.
    #[command(flatten)]
    names: NameArgs,
    /// Whether what the desired schema does not have is deleted (mirror) or stays (merge)
    #[arg(long, value_name = "MODE", value_enum, default_value_t)]
    schema_mode: ModeChoice,
}

/// What becomes of what the desired schema does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeChoice {
    /// It is deleted.
    #[default]
    Mirror,
    /// It stays.
    Merge,
}

impl ScopeArgs {
    /// As the engine takes it.
    pub(crate) fn options(&self) -> SchemaOptions {
        let mode = match self.schema_mode {
            ModeChoice::Mirror => Mode::Mirror,
            ModeChoice::Merge => Mode::Merge,
        };
        SchemaOptions { scope: self.names.scope(), mode }
    }
}
