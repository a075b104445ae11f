//! What a flow is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockstep_core::collection::{COLLECTIONS, Collection};
use lockstep_core::identity::PreserveIds;
use lockstep_core::schema::Layout;
use lockstep_core::transform::Transforms;

use crate::dump::DumpPaths;
use crate::hooks::HookSet;
use crate::schema::SchemaOptions;

/// Where the mappings of an instance are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateChoice {
    /// The extension where it answers; else a table in the instance; on Directus 10 a file.
    #[default]
    Auto,
    /// The mapping extension.
    Extension,
    /// A table of Lockstep's own in the instance.
    Table,
    /// A file beside the dump.
    File,
}

/// What becomes of a field that refers to a variable that is not set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unset {
    /// It is an error, before anything is written.
    #[default]
    Refuse,
    /// It is neither compared nor written, and that is told.
    LeaveOut,
    /// The placeholder is its value: where nobody uses it.
    Literal,
}

/// What pull, diff and push are told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the dump is.
    pub paths: DumpPaths,
    /// The collections that take part; empty for none.
    pub scope: BTreeSet<&'static str>,
    /// Whether the schema takes part.
    pub schema: bool,
    /// How schemas are compared.
    pub schema_options: SchemaOptions,
    /// How a pull lays the snapshot out.
    pub layout: Layout,
    /// Whether a pull writes API specifications.
    pub specs: bool,
    /// Whether policies are attached to roles.
    pub attach_roles: bool,
    /// Which collections keep their ids.
    pub preserve: PreserveIds,
    /// Whether the keys of written JSON are sorted.
    pub sort_json: bool,
    /// Whether untracked rows are deleted.
    pub prune: bool,
    /// Where mappings are kept.
    pub state: StateChoice,
    /// The file of mappings.
    pub state_file: PathBuf,
    /// What `${NAME}` in a record stands for.
    pub variables: BTreeMap<String, String>,
    /// What a push does where a variable is not set; a diff leaves the field out.
    pub unset: Unset,
    /// Which records and fields take part, and what they hold on this instance.
    pub transforms: Transforms,
    /// Whether a pull puts placeholders in place of the secrets that it finds.
    pub extract_secrets: bool,
    /// What a user's own functions change.
    pub hooks: HookSet,
}

impl Options {
    /// The collections to read: those of the scope, and what they refer to.
    pub(crate) fn read(&self, major: u32) -> Vec<&'static Collection> {
        let mut names: BTreeSet<&str> = self.scope.iter().copied().collect();
        loop {
            let referred: Vec<_> = COLLECTIONS
                .iter()
                .filter(|collection| names.contains(collection.name))
                .flat_map(|collection| {
                    let children = collection.cascades.iter().map(|(child, _)| *child);
                    collection.referred().chain(children)
                })
                .collect();
            let before = names.len();
            names.extend(referred);
            if !names.is_empty() {
                // The administrator and the public are found by meaning; the settings name the project.
                names.extend(["roles", "policies", "settings"]);
            }
            if names.len() == before {
                break;
            }
        }
        COLLECTIONS.iter().filter(|c| names.contains(c.name) && c.since_major <= major).collect()
    }
}

/// Tells a run to end as soon as nothing is under way.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks for the end.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once it was asked for.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
