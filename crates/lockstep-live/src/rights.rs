//! What the user of a peer has to be allowed: one list, which `live setup` grants and every start asks for.

use crate::config::EdgeConfig;
use crate::shape::Shape;

/// What is read of the instance itself.
pub(crate) const SYSTEM: [&str; 5] = [
    "directus_activity",
    "directus_revisions",
    "directus_collections",
    "directus_fields",
    "directus_relations",
];

/// What a route does to its collections on a peer that it writes, or only reads.
pub(crate) fn of_collections<'a>(
    edge: &EdgeConfig,
    shapes: &'a [Shape],
    writes: bool,
) -> impl Iterator<Item = (&'a str, &'static [&'static str])> {
    let actions: &[&str] = match (writes, edge.deletes) {
        (false, _) => &["read"],
        (true, false) => &["read", "create", "update"],
        (true, true) => &["read", "create", "update", "delete"],
    };
    shapes.iter().map(move |shape| (shape.collection.as_str(), actions))
}
