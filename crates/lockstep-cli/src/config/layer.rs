//! One source of configuration, before sources are laid over each other.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use secrecy::SecretString;
use serde_json::Value;

use super::transforms::{OverrideValues, RecordsValues};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Typed.
    CommandLine,
    /// A variable of the environment, by name.
    Environment(Cow<'static, str>),
    /// A variable of the `.env` file, by name.
    DotEnv {
        /// The variable.
        variable: Cow<'static, str>,
        /// The `.env` file.
        file: PathBuf,
    },
    /// A profile of a configuration file.
    Profile {
        /// The profile.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// A configuration file, or one that it extends.
    File(PathBuf),
    /// A list that several sources added to, the strongest first.
    Several(Vec<Origin>),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("the command line"),
            Self::Environment(variable) => write!(f, "the environment variable {variable}"),
            Self::DotEnv { variable, file } => write!(f, "{variable} in {}", file.display()),
            Self::Profile { name, file } => write!(f, "the profile {name} in {}", file.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Several(origins) => {
                let names: Vec<String> = origins.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(" and "))
            }
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A source and what it gives.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// The source.
    pub(crate) origin: Origin,
    /// What it gives.
    pub(crate) values: Values,
}

/// What one source gives; `None` is "not given". Names are those of the configuration file in snake case.
///
/// Destructive consent (`--prune`, `--allow-destructive`, `--yes`, `--force`) is deliberately not among them: it is
/// given for one run, on its command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    pub(crate) debug: Option<bool>,
    pub(crate) directus_url: Option<String>,
    pub(crate) directus_token: Option<SecretString>,
    pub(crate) directus_email: Option<String>,
    pub(crate) directus_password: Option<SecretString>,
    pub(crate) sort_json: Option<bool>,
    pub(crate) dump_path: Option<PathBuf>,
    pub(crate) collections_path: Option<PathBuf>,
    pub(crate) snapshot_path: Option<PathBuf>,
    pub(crate) specs_path: Option<PathBuf>,
    pub(crate) seed_path: Option<SeedPath>,
    pub(crate) content_path: Option<PathBuf>,
    pub(crate) collections: Option<bool>,
    pub(crate) snapshot: Option<bool>,
    pub(crate) split: Option<bool>,
    pub(crate) specs: Option<bool>,
    pub(crate) sync_policy_roles: Option<bool>,
    pub(crate) only_collections: Option<Vec<String>>,
    pub(crate) exclude_collections: Option<Vec<String>>,
    /// Names, or one of `all`, `*`, `none` as the only element.
    pub(crate) preserve_ids: Option<Vec<String>>,
    pub(crate) max_push_retries: Option<u32>,
    pub(crate) state: Option<StateChoice>,
    pub(crate) state_file: Option<PathBuf>,
    pub(crate) records: Vec<RecordsValues>,
    pub(crate) overrides: Vec<OverrideValues>,
    /// What is replicated live.
    pub(crate) live: Option<Value>,
    /// The same as it is written.
    pub(crate) live_written: Option<Value>,
    /// What could not be filled in, and is only an error where it is needed.
    pub(crate) unset: Vec<Unset>,
    /// The keys or variables of secrets that stand there as they are.
    pub(crate) plain_secrets: Vec<String>,
}

/// A variable that a key refers to, and that is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unset {
    /// The key of the file.
    pub(crate) key: &'static str,
    /// Where the variable stands, with dots and indexes.
    pub(crate) place: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// The variable.
    pub(crate) variable: String,
}

/// `seedPath`: one path, which replaces what weaker sources say, or a list, which adds to their lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SeedPath {
    /// A string.
    One(PathBuf),
    /// An array.
    Many(Vec<PathBuf>),
    /// What was typed, which is all of it.
    Typed(Vec<PathBuf>),
}

/// Where the mappings of a target are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateChoice {
    /// The extension when it answers, else a table, on Directus 10 a file
    Auto,
    /// The mapping extension directus-extension-sync on the target
    Extension,
    /// A table of Lockstep's own in the target
    Table,
    /// A file beside the dump, to be committed
    File,
}
