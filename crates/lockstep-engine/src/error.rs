//! What can go wrong in a flow, and what to do about it.

use std::path::PathBuf;

use lockstep_core::content::{Misfit, ModelError};
use lockstep_core::plan::Verb;
use lockstep_core::reconcile::Problem;
use lockstep_core::record::SyncId;
use lockstep_core::report::{Applied, Differences};
use lockstep_core::schema::{AdaptError, Finding, Misfit as SchemaMisfit, ShapeError, SnapshotError};
use lockstep_core::seed::SeedError;
use lockstep_core::version::Version;
use lockstep_directus::{Error as DirectusError, ErrorKind};

use crate::dump::DumpError;
use crate::hooks::HookError;

/// A flow ended before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The instance could not be asked, or refused.
    #[error(transparent)]
    Directus(#[from] DirectusError),
    /// The dump could not be read or written.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// A file of the dump that a pull would overwrite cannot be read, and may hold what is nowhere else.
    #[error("{} is to be written anew, and what only it has would be lost", file.display())]
    OldDump {
        /// The file.
        file: std::path::PathBuf,
        /// Why it cannot be read.
        source: Box<EngineError>,
    },
    /// A hook failed.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// Something answers at the URL, and it is no Directus.
    #[error("{url} does not answer as a Directus instance does")]
    NotDirectus {
        /// The URL.
        url: String,
        /// What it answered.
        #[source]
        source: DirectusError,
    },
    /// The instance does not say which version it is.
    #[error("{url} does not tell its version, as it does to administrators")]
    NoVersion {
        /// The instance.
        url: String,
    },
    /// The instance is too old.
    #[error("{url} runs Directus {version}; Lockstep needs {} or later", Version::OLDEST)]
    TooOld {
        /// The instance.
        url: String,
        /// Its version.
        version: String,
    },
    /// The user is no administrator.
    #[error("the user {user} of {url} is no administrator")]
    NoAdministrator {
        /// The instance.
        url: String,
        /// Email or id of the user.
        user: String,
    },
    /// Access rules before and after Directus 11 have different shapes.
    #[error(
        "the dump comes from Directus {dump}, the instance runs {instance}: their access rules are built differently"
    )]
    AccessMismatch {
        /// The version in the snapshot.
        dump: String,
        /// The version of the instance.
        instance: Version,
    },
    /// Fewer records came than there are.
    #[error("the instance has {expected} records in {collection}, but sent {found}")]
    Incomplete {
        /// The collection.
        collection: &'static str,
        /// How many there are.
        expected: u64,
        /// How many came.
        found: u64,
    },
    /// The schema that the instance sent is none.
    #[error("the instance sent a schema that cannot be understood")]
    Snapshot(#[from] SnapshotError),
    /// The comparison of schemas that the instance sent is none.
    #[error("the instance sent a comparison of schemas that cannot be understood")]
    SchemaDiff(#[from] ShapeError),
    /// The schema that the instance sent is no JSON.
    #[error("the schema that the instance sent is no JSON")]
    SchemaText(#[source] serde_json::Error),
    /// The comparison of schemas that the instance sent is no JSON.
    #[error("the comparison of schemas that the instance sent is no JSON")]
    SchemaDiffText(#[source] serde_json::Error),
    /// Schemas cannot be compared.
    #[error("the schemas cannot be compared")]
    Adapt(#[from] AdaptError),
    /// The server's own comparison of schemas finds something else. Nothing was written.
    #[error("the instance compares the schemas differently, and nothing was written: {place}")]
    Disagreement {
        /// Where, and what each of the two says.
        place: String,
    },
    /// The schema was changed in part.
    #[error("the schema was changed in part")]
    SchemaPartly {
        /// Why it ended.
        #[source]
        source: Box<EngineError>,
    },
    /// Tables that were to be created were there, untracked, and are not what is wanted.
    #[error(
        "tables that Directus did not track were there already; they are tracked now, and differ from what is wanted"
    )]
    Tracked,
    /// A schema is applied in steps, and a step changed nothing.
    #[error("the instance did not carry out step {steps} of the changes of its schema")]
    NoProgress {
        /// The step.
        steps: usize,
    },
    /// A diff is applied as a whole.
    #[error("a diff that was computed before is applied whole: no part of it can be chosen")]
    ScopeOfDiff,
    /// A pattern of names matches no collection.
    #[error("no collection is called {}", .0.join(", "))]
    NoSuchCollections(Vec<String>),
    /// Changes of a schema were computed for another one. Nothing was written.
    #[error(
        "the changes were computed for the schema {expected}, the instance has {found}; nothing was written"
    )]
    OtherSchema {
        /// The hash in the changes.
        expected: String,
        /// The hash of the instance.
        found: String,
    },
    /// Changes of a schema do not fit. Nothing was written.
    #[error("the changes do not fit the schema of the instance, and nothing was written")]
    Misfit(#[source] SchemaMisfit),
    /// The desired schema is wrong by itself. Nothing was written.
    #[error("{}", lint_title(.0.len()))]
    Lint(Vec<Finding>),
    /// Changes that no request can tell this version without it doing something else. Nothing was written.
    #[error("this Directus would misunderstand the changes of {}, and nothing was written", names.join(", "))]
    CannotApply {
        /// `collection` or `collection.field`.
        names: Vec<String>,
    },
    /// A seed cannot be read.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// A seed is of what the instance does not have, or what cannot be seeded.
    #[error("{place}: {source}")]
    SeedCollection {
        /// The seed.
        place: String,
        /// What is wrong.
        source: ModelError,
    },
    /// There is no seed.
    #[error("there is no seed in {}", listed(.0))]
    NoSeeds(Vec<PathBuf>),
    /// There is no content.
    #[error("there is no content in {}", listed(.0))]
    NoContent(Vec<PathBuf>),
    /// Records of one instance cannot be records of another. Nothing was written.
    #[error("the schemas do not fit, and nothing was written")]
    Unfit(Vec<Misfit>),
    /// A copy onto itself.
    #[error("both are the instance {url}")]
    SameInstance {
        /// The instance.
        url: String,
    },
    /// A pull would have to take a seed out of a file that has others, or out of several.
    #[error("the seeds have {collection} in {} already, together with others", listed(.files))]
    SeedElsewhere {
        /// The collection.
        collection: String,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// A file that a seed names cannot be read.
    #[error("{place}: {} cannot be read", path.display())]
    SeedFile {
        /// The record.
        place: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server made an id, and did not tell which.
    #[error(
        "cannot write {field} of \"{label}\" in {collection}: the instance did not tell the id of {sync_id}, which it refers to"
    )]
    NoId {
        /// The collection.
        collection: &'static str,
        /// What people call the record.
        label: String,
        /// The field.
        field: String,
        /// The record that is referred to.
        sync_id: SyncId,
    },
    /// The dump contradicts itself or the instance.
    #[error("{}", problems_title(.0))]
    Problems(Vec<Problem>),
    /// The licence of the instance does not allow what is desired.
    #[error("the licence of the instance does not allow these changes: {0}")]
    Licence(String),
    /// Consent was missing. Nothing was written.
    #[error("refused: this would destroy data, and nothing was written")]
    Refused(Box<Differences>),
    /// The user said no. Nothing was written.
    #[error("not applied: nothing was written")]
    Declined,
    /// Nobody was asked, and nobody had said yes. Nothing was written.
    #[error("not applied: nobody said yes, and nothing was written")]
    Unasked,
    /// A write failed.
    #[error("cannot {} {collection}{}", verb_text(*.verb), .record.as_ref().map_or(String::new(), |r| format!(": {r}")))]
    Write {
        /// The collection.
        collection: &'static str,
        /// What was asked.
        verb: Verb,
        /// The record, where it is known.
        record: Option<String>,
        /// What the instance said.
        #[source]
        source: DirectusError,
    },
    /// A run ended in the middle.
    #[error("it ended in the middle")]
    Partly {
        /// What was written.
        applied: Box<Applied>,
        /// Why it ended.
        #[source]
        source: Box<EngineError>,
    },
    /// The user interrupted the run.
    #[error("interrupted")]
    Interrupted,
    /// The user interrupted a push before its first write.
    #[error("interrupted, and nothing was written")]
    InterruptedInTime,
    /// The file of mappings cannot be used.
    #[error("{}: {reason}", path.display())]
    StateFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// The mappings in the instance cannot be read.
    #[error("the mappings in the table {table} of the instance cannot be read: {reason}")]
    StateTable {
        /// The table.
        table: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The extension was asked for, and is not there.
    #[error("the instance does not have the mapping extension")]
    NoExtension,
    /// The instance cannot hold a table of mappings.
    #[error("Directus {0} would show a table of mappings in its schema, and other tools would drop it")]
    NoTable(Version),
    /// It is not clear which store's mappings are meant. Nothing was written.
    #[error("the {} hold mappings of the instance", .0.join(" and the "))]
    SeveralStores(Vec<&'static str>),
    /// Two stores say different things of the same record. Nothing was written.
    #[error(
        "the {from} and the {to} contradict each other, and nothing was written: {}{}",
        contradictions.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; "),
        if contradictions.len() > SHOWN { "; …" } else { "" }
    )]
    StoresDisagree {
        /// The store to move from.
        from: &'static str,
        /// The store to move to.
        to: &'static str,
        /// Each contradiction, in words.
        contradictions: Vec<String>,
    },
    /// A move of mappings ended in the middle; none is lost.
    #[error("{what}")]
    MoveCut {
        /// What is where.
        what: String,
        /// Why.
        #[source]
        source: Option<Box<EngineError>>,
    },
    /// An instance did not become ready in time.
    #[error("{url} was not ready within {seconds} s")]
    NotReady {
        /// The instance.
        url: String,
        /// How long was waited.
        seconds: f64,
        /// What the last look met.
        #[source]
        source: Option<Box<EngineError>>,
    },
    /// A record to be linked does not exist.
    #[error("{0}")]
    Unknown(String),
}

/// So many contradictions are told.
const SHOWN: usize = 3;

fn problems_title(problems: &[Problem]) -> String {
    if problems.iter().all(|problem| matches!(problem, Problem::Rule(_))) {
        return "the configuration does not fit the records, and nothing was written".to_owned();
    }
    let what = if problems.iter().any(Problem::is_of_seed) { "seed" } else { "dump" };
    match problems.len() {
        1 => format!("the {what} has a problem, and nothing was written"),
        count => format!("the {what} has {count} problems, and nothing was written"),
    }
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn lint_title(count: usize) -> String {
    match count {
        1 => "the desired schema has an error, and nothing was written".to_owned(),
        _ => format!("the desired schema has {count} errors, and nothing was written"),
    }
}

fn verb_text(verb: Verb) -> &'static str {
    match verb {
        Verb::Release => "release references of",
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Delete => "delete",
    }
}

impl EngineError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Write { source, .. } if source.kind() == ErrorKind::Invalid => {
                "correct the record in the dump, or on the instance and pull again"
            }
            Self::Directus(error) | Self::Write { source: error, .. } => {
                return error.hint().map(str::to_owned);
            }
            Self::Dump(error) => return error.hint().map(str::to_owned),
            Self::OldDump { .. } => {
                "correct it, or restore it from version control: it holds placeholders of secrets, or records that a filter \
                 leaves out; to do without them, remove it"
            }
            Self::Hook(error) => return error.remedy().map(str::to_owned),
            Self::Partly { source, .. } => {
                let cause = source.hint().filter(|_| !source.is_transient());
                let cause = cause.map(|hint| format!("{hint}; then ")).unwrap_or_default();
                return Some(format!("{cause}run it again: what was written is found and not written twice"));
            }
            Self::NotDirectus { .. } => {
                "check that the URL is the root of the Directus API, with the path prefix if it has one"
            }
            Self::NoVersion { .. } => "use the token, or email and password, of an administrator",
            Self::TooOld { .. } => "upgrade the instance",
            Self::NoAdministrator { .. } => "use the token, or email and password, of an administrator",
            Self::AccessMismatch { .. } => {
                "migrate with Directus itself first, or leave them out: -x roles,policies,permissions,presets"
            }
            Self::Incomplete { .. } => "records may have changed meanwhile: try again",
            Self::Adapt(_) => "a snapshot needs its \"directus\" version, such as 11.17.4",
            Self::Disagreement { .. } => {
                "somebody may be changing the schema: try again; if it stays so, please report it"
            }
            Self::ScopeOfDiff => "give the schema instead, with the scope",
            Self::NoSuchCollections(_) => {
                "check the names of --schema-only and --schema-exclude; * and ? stand for others"
            }
            Self::SchemaPartly { source } => return source.hint(),
            Self::Tracked => "look at the plan once more, and run it again",
            Self::OtherSchema { .. } => "compute the changes anew, or go on with --force",
            Self::Misfit(_) => "compute the changes anew",
            Self::CannotApply { .. } => "delete the field on the instance by hand, then run it again",
            Self::NoProgress { .. }
            | Self::Snapshot(_)
            | Self::SchemaDiff(_)
            | Self::SchemaText(_)
            | Self::SchemaDiffText(_) => "check the log of the instance",
            Self::Seed(SeedError::Wrong { .. }) => {
                "a seed is {\"collection\": …, \"meta\": {…}, \"data\": [{\"_sync_id\": …, …}]}, or an array of them"
            }
            Self::Seed(SeedError::Twice { .. }) => "give one of them another _sync_id, or remove it",
            Self::SeedCollection { source: ModelError::Unknown { nearest: Some(nearest), .. }, .. } => {
                return Some(format!("did you mean {nearest}?"));
            }
            Self::SeedCollection { source: ModelError::Unknown { .. }, .. } => {
                "push the schema first, or check the name"
            }
            Self::SeedCollection { source: ModelError::System { .. }, .. } => {
                "the configuration is pushed with lockstep push"
            }
            Self::SeedCollection { .. } => "leave the collection out of the seeds",
            Self::NoSeeds(_) => "check --seed-path; all *.json files below it are read",
            Self::NoContent(_) => "begin with lockstep content pull, or check --content-path",
            Self::Unfit(_) => {
                "bring the schema there first (lockstep copy --schema, or lockstep push), or leave out what does not fit by \
                 --collection and --fields"
            }
            Self::SameInstance { .. } => "name two instances by --from and --to",
            Self::SeedFile { .. } => {
                "_file_path is relative to the seed path; check that the file is there and can be read"
            }
            Self::SeedElsewhere { .. } => {
                "name a file with -o, or give the collection a file of its own first"
            }
            Self::NoId { .. } => "run it again: what was written is found by its mapping",
            Self::Licence(_) => "change the licence, or leave out what exceeds it",
            Self::Refused(_) => "look at the plan; if you mean it, add --allow-destructive",
            Self::StateFile { hint, .. } => hint,
            Self::StateTable { .. } => {
                "try again; if it stays so, remove the table: records are then matched anew"
            }
            Self::NoExtension => {
                "install one with `lockstep extension install`, or directus-extension-sync, or use --state auto"
            }
            Self::SeveralStores(_) => "say by --from which of them is meant",
            Self::StoresDisagree { .. } => {
                "settle in one of them which holds: `lockstep state link`, or `lockstep helpers untrack`, with --state"
            }
            Self::NotReady { .. } => "look into the log of the instance, or raise --timeout",
            Self::MoveCut { .. } => "run it again: what is there already stays",
            Self::NoTable(_) => "use --state file",
            Self::Unasked => "say --yes: a document on stdout leaves no place for the question",
            Self::Problems(_)
            | Self::Lint(_)
            | Self::Declined
            | Self::Interrupted
            | Self::InterruptedInTime
            | Self::Unknown(_) => return None,
        };
        Some(text.to_owned())
    }

    /// True if the server may have carried out the request that failed.
    #[must_use]
    pub fn may_have_been_applied(&self) -> bool {
        match self {
            Self::Directus(error) | Self::Write { source: error, .. } => error.may_have_been_applied(),
            Self::Partly { source, .. } => source.may_have_been_applied(),
            Self::SchemaPartly { .. } => true,
            _ => false,
        }
    }

    /// True if trying the same again later may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Directus(error) | Self::Write { source: error, .. } => matches!(
                error.kind(),
                ErrorKind::Connect
                    | ErrorKind::Timeout
                    | ErrorKind::Lost
                    | ErrorKind::RateLimited
                    | ErrorKind::Unavailable
            ),
            Self::Partly { source, .. } | Self::SchemaPartly { source } => source.is_transient(),
            _ => false,
        }
    }
}
