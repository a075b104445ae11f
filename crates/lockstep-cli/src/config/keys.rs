//! The keys of a configuration file: the one description from which files are checked, the JSON Schema and the
//! reference in the documentation are written, and `config show` knows what there is.

mod check;
mod document;
mod schema;

pub(crate) use check::{check, count, described};
pub(crate) use document::reference;
pub(crate) use schema::json_schema;

/// A key and what is to be known about it.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its value has to be.
    pub(crate) kind: Kind,
    /// What it is for, in Markdown.
    pub(crate) about: &'static str,
    /// What holds where nobody says anything, as JSON.
    pub(crate) default: Option<&'static str>,
    /// The variable of the environment that says the same.
    pub(crate) variable: Option<&'static str>,
    /// The option of the command line that says the same.
    pub(crate) option: Option<&'static str>,
    /// How it takes part.
    pub(crate) role: Role,
}

/// How a key takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// In files and in profiles.
    Setting,
    /// The same; its variables are asked for only where it is needed.
    OnDemand,
    /// In files only: it is about the file.
    OfFile,
    /// Has to be there (inside of other keys).
    Required,
    /// Accepted for compatibility.
    WithoutMeaning,
}

/// What a value has to be.
#[derive(Debug)]
pub(crate) enum Kind {
    /// True or false.
    Flag,
    /// A string.
    Text,
    /// A string that nobody is shown.
    Secret,
    /// A string: a file or folder.
    Path,
    /// One path, or several.
    Paths,
    /// A whole number from 0.
    Count,
    /// An array of strings.
    Texts,
    /// An array of system collections.
    Collections,
    /// An array of system collections, or a word that stands for one.
    PreservedIds,
    /// One of these words.
    OneOf(&'static [&'static str], &'static str),
    /// An object with these keys and no others.
    Object(&'static [Key]),
    /// An object by system collection.
    ByCollection(&'static Kind),
    /// An object by name.
    Profiles,
    /// An array of these.
    Items(&'static Kind),
    /// A system collection.
    Collection,
    /// A filter of Directus, or values that fields must have.
    Filter,
    /// An object by path, with any values.
    ByPath,
    /// An object that JSON can only leave empty.
    Hooks,
    /// An object of the JavaScript SDK.
    SdkOptions,
    /// What is replicated live.
    Live,
}

const PLAIN: Key = Key {
    name: "",
    kind: Kind::Text,
    about: "",
    default: None,
    variable: None,
    option: None,
    role: Role::Setting,
};

/// All keys of a file, in the order of the reference.
pub(crate) static KEYS: &[Key] = &[
    Key {
        name: "$schema",
        about: "The JSON Schema of this file, for editors: what `lockstep config schema` prints.",
        role: Role::OfFile,
        ..PLAIN
    },
    Key {
        name: "extends",
        kind: Kind::Texts,
        about: "Files that this one builds on, relative to it. What it says itself wins, then the first of them; lists \
                add up, profiles are merged by name.",
        role: Role::OfFile,
        ..PLAIN
    },
    Key {
        name: "profiles",
        kind: Kind::Profiles,
        about: "Environments by name: keys of this file that hold with `--profile NAME` (or `LOCKSTEP_PROFILE`) and win \
                over those outside of it. Its token may come from `LOCKSTEP_<NAME>_TOKEN`.",
        option: Some("profile"),
        role: Role::OfFile,
        ..PLAIN
    },
    Key {
        name: "directusUrl",
        about: "Where Directus is.",
        variable: Some("DIRECTUS_URL"),
        option: Some("directus-url"),
        role: Role::OnDemand,
        ..PLAIN
    },
    Key {
        name: "directusToken",
        kind: Kind::Secret,
        about: "An administrator's static token; email and password are then ignored, unless only they are typed.",
        variable: Some("DIRECTUS_TOKEN"),
        option: Some("directus-token"),
        role: Role::OnDemand,
        ..PLAIN
    },
    Key {
        name: "directusEmail",
        about: "An administrator's email.",
        variable: Some("DIRECTUS_ADMIN_EMAIL"),
        option: Some("directus-email"),
        role: Role::OnDemand,
        ..PLAIN
    },
    Key {
        name: "directusPassword",
        kind: Kind::Secret,
        about: "The administrator's password.",
        variable: Some("DIRECTUS_ADMIN_PASSWORD"),
        option: Some("directus-password"),
        role: Role::OnDemand,
        ..PLAIN
    },
    Key {
        name: "dumpPath",
        kind: Kind::Path,
        about: "The folder of the dump, relative to the working directory.",
        default: Some("\"./directus-config\""),
        option: Some("dump-path"),
        ..PLAIN
    },
    Key {
        name: "collectionsPath",
        kind: Kind::Path,
        about: "The folder of the records, relative to the dump.",
        default: Some("\"collections\""),
        option: Some("collections-path"),
        ..PLAIN
    },
    Key {
        name: "snapshotPath",
        kind: Kind::Path,
        about: "The folder of the data model, relative to the dump.",
        default: Some("\"snapshot\""),
        option: Some("snapshot-path"),
        ..PLAIN
    },
    Key {
        name: "specsPath",
        kind: Kind::Path,
        about: "The folder of the API specifications, relative to the dump.",
        default: Some("\"specs\""),
        option: Some("specs-path"),
        ..PLAIN
    },
    Key {
        name: "seedPath",
        kind: Kind::Paths,
        about: "Folders or files of seeds.",
        default: Some("\"./directus-config/seed\""),
        option: Some("seed-path"),
        ..PLAIN
    },
    Key {
        name: "contentPath",
        kind: Kind::Path,
        about: "The folder of content: what `lockstep content` writes and reads.",
        default: Some("\"./directus-config/content\""),
        option: Some("content-path"),
        ..PLAIN
    },
    Key {
        name: "collections",
        kind: Kind::Flag,
        about: "Whether the records of system collections take part.",
        default: Some("true"),
        option: Some("no-collections"),
        ..PLAIN
    },
    Key {
        name: "onlyCollections",
        kind: Kind::Collections,
        about: "Only these system collections; adds up over all sources.",
        default: Some("[]"),
        option: Some("only-collections"),
        ..PLAIN
    },
    Key {
        name: "excludeCollections",
        kind: Kind::Collections,
        about: "Not these system collections; adds up over all sources.",
        default: Some("[]"),
        option: Some("exclude-collections"),
        ..PLAIN
    },
    Key {
        name: "syncPolicyRoles",
        kind: Kind::Flag,
        about: "Whether the attachments of policies to roles take part.",
        default: Some("true"),
        option: Some("no-sync-policy-roles"),
        ..PLAIN
    },
    Key {
        name: "preserveIds",
        kind: Kind::PreservedIds,
        about: "The collections whose records keep their ids on every instance.",
        default: Some("\"all\""),
        option: Some("preserve-ids"),
        ..PLAIN
    },
    Key {
        name: "records",
        kind: Kind::ByCollection(&Kind::Object(RECORDS)),
        about: "Per system collection: which records take part, and which of their fields do not.",
        role: Role::OnDemand,
        ..PLAIN
    },
    Key {
        name: "overrides",
        kind: Kind::Items(&Kind::Object(OVERRIDE)),
        about: "Values that records have on this instance (in a profile) or on all of them: set by a push, kept out of \
                the dump by a pull. Adds up over all sources; where two set the same, the stronger source wins.",
        default: Some("[]"),
        role: Role::OnDemand,
        ..PLAIN
    },
    Key {
        name: "snapshot",
        kind: Kind::Flag,
        about: "Whether the data model takes part.",
        default: Some("true"),
        option: Some("no-snapshot"),
        ..PLAIN
    },
    Key {
        name: "split",
        kind: Kind::Flag,
        about: "Whether the data model is a file per collection, field and relation, or one file.",
        default: Some("true"),
        option: Some("no-split"),
        ..PLAIN
    },
    Key {
        name: "specs",
        kind: Kind::Flag,
        about: "Whether a pull writes the OpenAPI and GraphQL specifications.",
        default: Some("true"),
        option: Some("no-specs"),
        ..PLAIN
    },
    Key {
        name: "sortJson",
        kind: Kind::Flag,
        about: "Whether the keys of the files of a dump are sorted.",
        default: Some("false"),
        option: Some("sort-json"),
        ..PLAIN
    },
    Key {
        name: "state",
        kind: Kind::OneOf(
            &["auto", "extension", "table", "file"],
            "\"auto\", \"extension\", \"table\" or \"file\"",
        ),
        about: "Where the mappings of the target are kept.",
        default: Some("\"auto\""),
        option: Some("state"),
        ..PLAIN
    },
    Key {
        name: "stateFile",
        kind: Kind::Path,
        about: "The file of the mappings; implies `\"state\": \"file\"`.",
        option: Some("state-file"),
        ..PLAIN
    },
    Key {
        name: "debug",
        kind: Kind::Flag,
        about: "Whether every request is shown, with its time and status.",
        default: Some("false"),
        option: Some("debug"),
        ..PLAIN
    },
    Key {
        name: "hooks",
        kind: Kind::Hooks,
        about: "Functions of JavaScript, by collection; only a file in JavaScript can hold them.",
        ..PLAIN
    },
    Key {
        name: "directusConfig",
        kind: Kind::SdkOptions,
        about: "`clientOptions` and `restConfig` of the JavaScript SDK.",
        ..PLAIN
    },
    Key {
        name: "live",
        kind: Kind::Live,
        about: "What is replicated live between instances: `peers` and `routes`, see [live](live.md).",
        role: Role::OnDemand,
        ..PLAIN
    },
    Key {
        name: "maxPushRetries",
        kind: Kind::Count,
        about: "Accepted for compatibility: a push is ordered beforehand and needs no second try.",
        default: Some("20"),
        option: Some("max-push-retries"),
        role: Role::WithoutMeaning,
        ..PLAIN
    },
];

/// The keys of `records.<collection>`.
static RECORDS: &[Key] = &[
    Key {
        name: "filter",
        kind: Kind::Filter,
        about: "Which records take part, in the filter syntax of Directus. All others stay as they are, in the dump and \
                on the instance.",
        ..PLAIN
    },
    Key {
        name: "ignoreFields",
        kind: Kind::Texts,
        about: "Fields that are neither dumped nor compared nor written; adds up over all sources.",
        default: Some("[]"),
        ..PLAIN
    },
];

/// The keys of one of the `overrides`.
static OVERRIDE: &[Key] = &[
    Key {
        name: "collection",
        kind: Kind::Collection,
        about: "The system collection.",
        role: Role::Required,
        ..PLAIN
    },
    Key {
        name: "match",
        kind: Kind::Filter,
        about: "Which records: values that fields must have, or a filter. Left out for the settings only.",
        ..PLAIN
    },
    Key {
        name: "set",
        kind: Kind::ByPath,
        about: "The values, by path: `options.url`, `options.headers.0.value`.",
        role: Role::Required,
        ..PLAIN
    },
];

/// The key of this name.
pub(crate) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The keys that a profile may have.
pub(crate) fn of_profile() -> impl Iterator<Item = &'static Key> + Clone {
    KEYS.iter().filter(|key| key.role != Role::OfFile)
}

/// The variables that the environment may say keys by.
pub(crate) fn variables() -> impl Iterator<Item = (&'static Key, &'static str)> {
    KEYS.iter().filter_map(|key| Some((key, key.variable?)))
}
