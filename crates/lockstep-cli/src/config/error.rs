//! What can be wrong with a configuration, and what is only worth a word.

use std::path::PathBuf;

use thiserror::Error;

use super::layer::{Origin, Unset};

/// The collections as a hint.
const COLLECTIONS: &str = "the collections are dashboards, flows, folders, operations, panels, permissions, policies, \
     presets, roles, settings and translations";

/// A configuration that cannot be used. Nothing was read from or written to an instance; exit code 64.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    /// `--config-path` names a file that is not there.
    #[error("the configuration file {} does not exist", path.display())]
    NoSuchFile {
        /// The file.
        path: PathBuf,
    },
    /// A configuration in JavaScript that fails.
    #[error(transparent)]
    Script(#[from] lockstep_script::ScriptError),
    /// A configuration in TypeScript.
    #[error("{} is a configuration in TypeScript, which Lockstep does not read", path.display())]
    TypeScript {
        /// The file.
        path: PathBuf,
    },
    /// A limit of hooks that is no number.
    #[error("{name} has to be a whole number from 1 to 1000000, but is {value:?}")]
    Limit {
        /// The variable.
        name: &'static str,
        /// What it is.
        value: String,
    },
    /// A hook of nothing, or at no moment.
    #[error("{key} in {}: there is no such hook", path.display())]
    NoSuchHook {
        /// The file.
        path: PathBuf,
        /// With dots.
        key: String,
        /// What was probably meant, or what there is.
        hint: String,
    },
    /// A file that exists and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A configuration file that is not JSON.
    #[error("{}:{line}:{column}: not valid JSON: {problem}", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What the parser says.
        problem: String,
    },
    /// A value of the wrong type.
    #[error("{}: \"{key}\" must be {expected}, but is {found}", path.display())]
    WrongType {
        /// The file.
        path: PathBuf,
        /// The key, with dots and indexes (`extends[1]`).
        key: String,
        /// What it should be, with an article.
        expected: &'static str,
        /// What it is, with an article.
        found: String,
    },
    /// A file whose JSON is no object.
    #[error("{}: a configuration must be an object, but is {found}", path.display())]
    NotAnObject {
        /// The file.
        path: PathBuf,
        /// What it is, with an article.
        found: String,
    },
    /// Hooks, which are functions, in JSON, which has none.
    #[error("{}: \"{key}\" is given, but hooks are functions, and JSON cannot hold functions", path.display())]
    HooksInJson {
        /// The file.
        path: PathBuf,
        /// The first hook.
        key: String,
    },
    /// A key that is missing where it has to be.
    #[error("{}: \"{key}\" is missing", path.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The key, with dots and indexes.
        key: String,
    },
    /// A key that means nothing, where a typing error would be dangerous.
    #[error("{}: \"{key}\" is not a key{}", path.display(), did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key, with dots and indexes.
        key: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A key that names something that is no collection.
    #[error("{}: \"{key}\" is not a system collection{}", path.display(), did_you_mean(nearest.as_deref()))]
    NotACollection {
        /// The file.
        path: PathBuf,
        /// The key, with dots and indexes.
        key: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A key about the file itself, in a profile.
    #[error("{}: \"{key}\" is given, but it is a key of the whole file", path.display())]
    NotInProfile {
        /// The file.
        path: PathBuf,
        /// The key, with dots.
        key: String,
    },
    /// A rule for records that cannot be followed.
    #[error("{}: \"{key}\" {problem}", path.display())]
    Transform {
        /// The file.
        path: PathBuf,
        /// The key, with dots and indexes.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A variable that a file refers to.
    #[error("{}: \"{}\" refers to the variable {}, which is not set", .0.path.display(), .0.place, .0.variable)]
    UnsetVariable(Unset),
    /// Nothing is said of what is replicated live.
    #[error("no configuration file has the key \"live\"")]
    NoLive,
    /// A profile that no file has.
    #[error("there is no profile \"{name}\" (from {origin})")]
    UnknownProfile {
        /// As given.
        name: String,
        /// Who gave it.
        origin: Origin,
        /// What there is.
        remedy: String,
    },
    /// A name that is none of the collections.
    #[error("\"{name}\" (from {origin}) is not a collection that is synced")]
    UnknownCollection {
        /// As given.
        name: String,
        /// Who gave it.
        origin: Origin,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// A collection whose ids the database counts.
    #[error("the ids of {name} cannot be preserved (from {origin}): the database counts them")]
    NotPreservable {
        /// The collection.
        name: String,
        /// Who gave it.
        origin: Origin,
    },
    /// `none` next to a name.
    #[error("\"none\" cannot be combined with other names in the list of preserved ids (from {origin})")]
    NoneAndMore {
        /// Who gave it.
        origin: Origin,
    },
    /// A `.env` file that is not understood. Its content is not shown: it holds secrets.
    #[error("{}:{line}: {problem}", path.display())]
    DotEnv {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// No URL.
    #[error("no Directus URL is given")]
    MissingUrl,
    /// A URL that is none.
    #[error("\"{url}\" (from {origin}) is not a URL of a Directus instance")]
    InvalidUrl {
        /// As given, without credentials.
        url: String,
        /// Who gave it.
        origin: Origin,
    },
    /// No token, no email, no password.
    #[error("no way to log in is given: neither a token nor an email and password")]
    MissingCredentials,
    /// An email without its password.
    #[error("an email is given (from {origin}), but no password")]
    MissingPassword {
        /// Who gave the email.
        origin: Origin,
    },
    /// A password without its email.
    #[error("a password is given (from {origin}), but no email")]
    MissingEmail {
        /// Who gave the password.
        origin: Origin,
    },
}

impl ConfigError {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoSuchFile { .. } => "check --config-path; it is relative to the working directory",
            Self::Script(error) => return crate::hooks::remedy(error),
            Self::NoSuchHook { hint, .. } => return Some(hint.clone()),
            Self::Limit { .. } => "LOCKSTEP_HOOK_TIMEOUT counts seconds, LOCKSTEP_HOOK_MEMORY megabytes",
            Self::TypeScript { .. } => "compile it to JavaScript, and name that file",
            Self::HooksInJson { .. } => "put them into lockstep.config.js, which may extend this file",
            Self::UnsetVariable(_) => {
                "set it in the environment or in .env; to write ${ itself, double the dollar sign: $${"
            }
            Self::NoLive => "docs/live.md has a first one: {\"live\": {\"peers\": {…}, \"routes\": […]}}",
            Self::UnknownProfile { remedy, .. } => return Some(remedy.clone()),
            Self::NotInProfile { .. } => {
                "write it outside of the profiles, or give the profile a file of its own"
            }
            Self::NotACollection { .. } => COLLECTIONS,
            Self::UnknownCollection { nearest: Some(nearest), .. } => {
                return Some(format!("did you mean {nearest}? {COLLECTIONS}"));
            }
            Self::UnknownCollection { nearest: None, .. } => COLLECTIONS,
            Self::NotPreservable { .. } => {
                "only dashboards, flows, folders, operations, panels, policies, roles and translations have ids that \
                 can be the same on every instance"
            }
            Self::NoneAndMore { .. } => "give either none or the list of collections",
            Self::MissingUrl => {
                "give --directus-url, set DIRECTUS_URL (a .env file will do), or \"directusUrl\" in the configuration \
                 file"
            }
            Self::InvalidUrl { .. } => {
                "it has to begin with http:// or https://, for example https://cms.example.com"
            }
            Self::MissingCredentials => {
                "give --directus-token (DIRECTUS_TOKEN, \"directusToken\"), or --directus-email and \
                 --directus-password (DIRECTUS_ADMIN_EMAIL and DIRECTUS_ADMIN_PASSWORD)"
            }
            Self::MissingPassword { .. } => {
                "give --directus-password, set DIRECTUS_ADMIN_PASSWORD, or use a token instead"
            }
            Self::MissingEmail { .. } => {
                "give --directus-email, set DIRECTUS_ADMIN_EMAIL, or use a token instead"
            }
            Self::DotEnv { .. } => "a line is NAME=value, a comment that begins with #, or empty",
            Self::WrongType { .. }
            | Self::NotAnObject { .. }
            | Self::NotJson { .. }
            | Self::MissingKey { .. }
            | Self::UnknownKey { .. }
            | Self::Transform { .. }
            | Self::Unreadable { .. } => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

/// Something that is probably not meant so. Its `Display` is one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Warning {
    /// A key that means nothing.
    #[error("{}: unknown key \"{key}\" is ignored{}", path.display(), did_you_mean(*nearest))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key, with dots.
        key: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// A key that only JavaScript can give a meaning.
    #[error("{}: \"{key}\" has no effect: what it configures are functions of the JavaScript SDK", path.display())]
    NoEffect {
        /// The file.
        path: PathBuf,
        /// The key, with dots.
        key: String,
    },
    /// An `extends` that leads nowhere.
    #[error("{}: extends \"{parent}\", which does not exist and is skipped", path.display())]
    MissingParent {
        /// The file.
        path: PathBuf,
        /// As written.
        parent: String,
    },
    /// The URL of the environment, where a profile has another.
    #[error("{origin} wins over the \"directusUrl\" of the profile {profile}: this run is about {url}")]
    ProfileBeaten {
        /// Who gave the URL.
        origin: Origin,
        /// The profile.
        profile: String,
        /// The URL that counts, without credentials.
        url: String,
    },
    /// A secret where others can read it.
    #[error("{} holds a secret ({key}) and is tracked by git", path.display())]
    SecretInGit {
        /// The file.
        path: PathBuf,
        /// The key or variable.
        key: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(", did you mean \"{nearest}\"?"))
}

impl Warning {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::SecretInGit { .. } => Some(
                "give it by the environment or an untracked .env file instead, and replace it: it stays in the history",
            ),
            Self::ProfileBeaten { .. } => Some("unset it, or leave the profile out"),
            _ => None,
        }
    }
}
