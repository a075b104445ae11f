//! Why a dump cannot be compared with an instance.

use std::fmt;

use crate::collection::Collection;
use crate::identity::matching::Ambiguity;
use crate::identity::translate::MissingReference;
use crate::record::SyncId;

/// Why a dump cannot be compared with an instance.
///
/// `Display` is one sentence that names file, record and field; [`Problem::hint`] says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A record refers to what is on neither side.
    Missing {
        /// The collection of the record.
        collection: &'static str,
        /// Its identity.
        sync_id: SyncId,
        /// What people call it.
        label: String,
        /// What it refers to.
        reference: MissingReference,
        /// The file that the record stands in.
        place: String,
        /// A record that may be meant.
        nearest: Option<String>,
    },
    /// A record cannot be written as it stands.
    Unfit {
        /// The file that the record stands in.
        place: String,
        /// Its identity.
        sync_id: SyncId,
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A record lacks a value without which the server takes none.
    Lacking {
        /// The file that the record stands in.
        place: String,
        /// Its identity.
        sync_id: SyncId,
        /// What people call it.
        label: String,
        /// The field.
        field: &'static str,
        /// What it has to hold, in words.
        needs: &'static str,
        /// What stands there, in words, because it may be a secret; none if the record does not have the field.
        found: Option<&'static str>,
    },
    /// A record has no key, and the server makes none.
    NoKey {
        /// The file that the record stands in.
        place: String,
        /// Its identity.
        sync_id: SyncId,
        /// The field of the key.
        field: &'static str,
    },
    /// Nobody can tell which record is which row.
    Ambiguous(Ambiguity),
    /// Records refer to each other in a circle.
    Cycle {
        /// The collection of the records.
        collection: &'static str,
        /// The field that they refer by.
        field: String,
        /// What people call them, each referring to the next and the last to the first.
        labels: Vec<String>,
    },
    /// A record refers to a variable that is not set.
    Unset {
        /// The collection of the record.
        collection: &'static str,
        /// Its identity.
        sync_id: SyncId,
        /// What people call it.
        label: String,
        /// The place in the record.
        path: String,
        /// The variable.
        variable: String,
    },
    /// What a configuration says of records does not fit them.
    Rule(String),
    /// Two records want what only one may have.
    Contended {
        /// The collection of the records.
        collection: &'static str,
        /// The unique field.
        field: &'static str,
        /// What people call them.
        labels: Vec<String>,
    },
}

impl Problem {
    /// True if it is about a seed, and not about a dump.
    #[must_use]
    pub fn is_of_seed(&self) -> bool {
        match self {
            Self::Unfit { .. } | Self::NoKey { .. } => true,
            Self::Missing { collection, .. }
            | Self::Cycle { collection, .. }
            | Self::Contended { collection, .. } => Collection::named(collection).is_none(),
            Self::Ambiguous(ambiguity) => Collection::named(ambiguity.collection).is_none(),
            Self::Lacking { .. } | Self::Unset { .. } | Self::Rule(_) => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Self::Missing { reference, collection, .. } if Collection::named(collection).is_none() => {
                format!("add the record to a seed of {}, or push what creates it first", shown(reference.target))
            }
            Self::Unfit { hint, .. } => hint.clone(),
            Self::Lacking { field, needs, .. } => {
                format!("give the record {needs} as {field}; a field that the configuration ignores does not count")
            }
            Self::NoKey { field, .. } => {
                format!("give the record a value for {field}, or set preserve_ids, so that its _sync_id serves")
            }
            Self::Missing { reference, .. } => {
                format!(
                    "pull again, add the record to {0}.json, or include {0} if it is excluded",
                    reference.target
                )
            }
            Self::Ambiguous(ambiguity) => format!(
                "say which is which: lockstep state link {} {} <id, or new>",
                ambiguity.collection,
                ambiguity.records.first().map_or("<SyncID>", SyncId::as_str)
            ),
            Self::Cycle { collection: "operations", .. } => {
                "clear resolve or reject of one of them: the circle would crash the server when it loads the flow"
                    .to_owned()
            }
            Self::Unset { .. } => {
                "set it in the environment or in .env; to write ${ itself, double the dollar sign: $${".to_owned()
            }
            Self::Rule(_) => "correct \"records\" or \"overrides\" in the configuration file".to_owned(),
            Self::Cycle { field, .. } => format!("clear the field {field} of one of them"),
            Self::Contended { field, .. } => {
                format!("no two records may have the same {field}: change it in one of them")
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { sync_id, label, reference, place, collection, .. } => write!(
                f,
                "{place}: \"{label}\" ({sync_id}): {} refers to {}, a record of {} that neither the {} nor the instance \
                 has",
                reference.path,
                reference.value,
                shown(reference.target),
                if Collection::named(collection).is_some() { "dump" } else { "seed" },
            ),
            Self::Unfit { place, sync_id, field, reason, .. } => {
                write!(f, "{place}: {sync_id}: {field} {reason}")
            }
            Self::Lacking { place, sync_id, label, field, needs, found } => {
                write!(f, "{place}: \"{label}\" ({sync_id}): {field} is ")?;
                match found {
                    None => f.write_str("missing, and the instance takes no record without it"),
                    Some(found) => write!(f, "{found}, and has to be {needs}"),
                }
            }
            Self::NoKey { place, sync_id, field } => {
                write!(f, "{place}: {sync_id}: the record has no {field}, and the server makes none")
            }
            Self::Ambiguous(ambiguity) => write!(
                f,
                "{}.json: {} of the dump ({}) could be {} of the instance ({}): they have the same {}",
                ambiguity.collection,
                counted(ambiguity.records.len(), "record"),
                listed(&ambiguity.records),
                counted(ambiguity.rows.len(), "record"),
                listed(&ambiguity.rows),
                ambiguity.key
            ),
            Self::Unset { collection, sync_id, label, path, variable } => write!(
                f,
                "{collection}.json: \"{label}\" ({sync_id}): {path} refers to the variable {variable}, which is not set"
            ),
            Self::Rule(text) => f.write_str(text),
            Self::Cycle { collection, field, labels } => {
                let circle: Vec<_> =
                    labels.iter().chain(labels.first()).map(|l| format!("\"{l}\"")).collect();
                write!(f, "{collection}.json: a circle by {field}: {}", circle.join(" -> "))
            }
            Self::Contended { collection, field, labels } => {
                let labels: Vec<_> = labels.iter().map(|label| format!("\"{label}\"")).collect();
                write!(f, "{collection}.json: {} have the same {field}", labels.join(" and "))
            }
        }
    }
}

/// The name of a collection that people know, for the name of its mapping table.
fn shown(table: &str) -> &str {
    table.strip_prefix("items::").unwrap_or(table)
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("one {noun}") } else { format!("{count} {noun}s") }
}

fn listed(ids: &[impl fmt::Display]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
