//! Data that fills an instance.
//!
//! - [`sample`]: the configuration of a small magazine with a shop, with everything in it that tends to go wrong.
//! - [`content`]: collections for content, with keys and references of every kind.
//! - [`large`]: 60 collections and some 5,000 records, what Lockstep is measured on beside directus-sync.
//! - [`large_core`]: 20 collections and 3,570 records within the limits of an unlicensed Directus 12, what it is measured
//!   on beside `d6s`.
//!
//! Data is made first, as steps, then sent in batches. Ids are derived from names, so that every run, on every
//! machine, makes the same records; only the database chooses the ids of permissions and presets.

mod content;
mod large;
mod large_core;
mod step;
#[cfg(test)]
mod tests;

use lockstep_sandbox::sample::{self, Edition};

use crate::Error;
use crate::directus::{Directus, Http};
use step::send;

/// Fills an instance of Directus 10.13, 11 or 12 with the configuration of a magazine that has a shop: collections with
/// every kind of relation, roles, policies, permissions, flows with chained operations, dashboards, presets,
/// translations, folders and settings. On 12 it stays within the limits of an unlicensed instance.
///
/// # Errors
/// What the server refuses; a second call on the same instance is one such thing.
pub async fn sample(directus: &Directus) -> Result<(), Error> {
    send(directus.http(), sample::steps(Edition::of(directus.version()))).await
}

/// Makes collections for content, all empty: `authors`, `posts`, `tags`, `posts_blocks` and `posts_tags`, with keys and
/// references of every kind. Any version, or the sandbox.
///
/// # Errors
/// What the server refuses.
pub async fn content(http: &Http) -> Result<(), Error> {
    send(http, content::steps()).await
}

/// Fills an instance of Directus 11 with 60 collections, 150 folders, 30 roles, 30 policies, 2,400 permissions, 200 flows,
/// 1,000 operations, 40 dashboards, 320 panels, 200 presets and 600 translations; of each `scale` times as many, at
/// least one.
///
/// # Errors
/// What the server refuses.
pub async fn large(directus: &Directus, scale: f64) -> Result<(), Error> {
    send(directus.http(), large::steps(scale)).await
}

/// Fills an instance of Directus 12 with 20 collections, 30 roles, 30 policies, 2,400 permissions, 150 folders,
/// 40 dashboards, 320 panels and 600 translations.
///
/// # Errors
/// What the server refuses.
pub async fn large_core(directus: &Directus) -> Result<(), Error> {
    send(directus.http(), large_core::steps()).await
}
