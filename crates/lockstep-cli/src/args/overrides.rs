//! From what was typed to the top layer of the configuration.

use super::state::PlaceArgs;
use super::{Cli, Command, DumpArgs, GlobalArgs, StoreArgs};
use crate::config::Values;

impl Cli {
    /// What the command line says of the settings that other sources can set too; the rest stays `None`.
    pub(crate) fn values(&self) -> Values {
        let mut values = self.global.values();
        match &self.command {
            Command::Pull(pull) => {
                pull.dump.fill(&mut values);
                values.specs_path = pull.specs_path.clone();
                values.specs = given(pull.specs, pull.no_specs);
            }
            Command::Diff(diff) => diff.dump.fill(&mut values),
            Command::Push(push) => {
                push.dump.fill(&mut values);
                values.max_push_retries = push.max_push_retries;
            }
            Command::Schema(schema) => {
                values.dump_path = schema.dump_path.clone();
                values.snapshot_path = schema.snapshot_path.clone();
            }
            Command::State(state) => state.place.fill(&mut values),
            Command::Helpers(helpers) => helpers.place.fill(&mut values),
            Command::Seed(seed) => seed.fill(&mut values),
            Command::Content(content) => content.fill(&mut values),
            Command::Copy(copy) => copy.fill(&mut values),
            Command::Verify(verify) => verify.dump.fill(&mut values),
            Command::Doctor(doctor) => doctor.dump.fill(&mut values),
            Command::Init(_)
            | Command::Config(_)
            | Command::Sandbox(_)
            | Command::Demo(_)
            | Command::Extension(_)
            | Command::Live(_)
            | Command::Completions { .. }
            | Command::Man { .. } => {}
        }
        values
    }
}

/// A pair of flags as one answer: yes, no, or not given.
fn given(yes: bool, no: bool) -> Option<bool> {
    match (yes, no) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

impl GlobalArgs {
    fn values(&self) -> Values {
        Values {
            directus_url: self.directus_url.clone(),
            directus_token: self.directus_token.clone(),
            directus_email: self.directus_email.clone(),
            directus_password: self.directus_password.clone(),
            sort_json: given(self.sort_json, self.no_sort_json),
            debug: given(self.debug, self.no_debug),
            ..Values::default()
        }
    }
}

impl DumpArgs {
    fn fill(&self, values: &mut Values) {
        values.dump_path = self.dump_path.clone();
        values.collections_path = self.collections_path.clone();
        values.snapshot_path = self.snapshot_path.clone();
        values.only_collections = self.only_collections.clone();
        values.exclude_collections = self.exclude_collections.clone();
        values.collections = given(self.collections, self.no_collections);
        values.snapshot = given(self.snapshot, self.no_snapshot);
        values.split = given(self.split, self.no_split);
        values.sync_policy_roles = given(self.sync_policy_roles, self.no_sync_policy_roles);
        values.preserve_ids = self.preserve_ids.clone();
        self.store.fill(values);
    }
}

impl StoreArgs {
    pub(super) fn fill(&self, values: &mut Values) {
        values.state = self.state;
        values.state_file = self.state_file.clone();
    }
}

impl PlaceArgs {
    fn fill(&self, values: &mut Values) {
        values.dump_path = self.dump_path.clone();
        values.state = self.state;
        values.state_file = self.state_file.clone();
    }
}
