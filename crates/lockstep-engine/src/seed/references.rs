//! The collections that seeds refer to, and of which only the records that they mean are read.

use lockstep_core::collection::Collection;
use lockstep_core::content::{Model, Wish};

/// Collections that others refer to and that are not among them: of the configuration, and of content.
pub(super) fn referred(
    collections: &[&'static Collection],
    model: &Model,
    major: u32,
) -> Vec<&'static Collection> {
    let mut found: Vec<&'static Collection> = Vec::new();
    let mut names: Vec<&str> = collections.iter().flat_map(|collection| collection.referred()).collect();
    if names.iter().any(|name| ["roles", "policies"].contains(name)) {
        // The administrator's role and policy, and the public one, are found by meaning.
        names.extend(["roles", "policies"]);
    }
    for name in names {
        if collections.iter().chain(&found).any(|known| known.name == name) {
            continue;
        }
        let described = match Collection::named(name).filter(|known| known.name == name) {
            Some(system) => Some(system).filter(|system| system.since_major <= major),
            None => model.describe(&server_name(name), &Wish::default()).ok(),
        };
        found.extend(described);
    }
    found
}

/// The name of a collection of content on the server, for that of its mapping table.
fn server_name(table: &str) -> String {
    table.strip_prefix("items::").map_or_else(|| format!("directus_{table}"), str::to_owned)
}
