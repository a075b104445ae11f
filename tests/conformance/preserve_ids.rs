//! `--preserve-ids`: which records have the same id everywhere. Whatever it says, the project arrives.

use std::collections::BTreeSet;

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::Directus;

use crate::stage::portrait::assert_alike;
use crate::stage::{on_11_and_12, project, rows, texts};

async fn none(version: &str) {
    arrives_with(version, "none", &["flows", "folders"]).await;
}

async fn some(version: &str) {
    arrives_with(version, "roles,panels", &["flows", "folders", "panels", "roles"]).await;
}

/// A push with `--preserve-ids which` keeps the ids of `kept` and of no other collection.
async fn arrives_with(version: &str, which: &str, kept: &[&str]) {
    let (a, b) = Directus::pair(version).await.unwrap();
    project::fill(&a).await;
    let cli = Cli::new();
    let option = ["--preserve-ids", which];
    let pull = ["pull", "--no-specs", option[0], option[1]];
    drop(cli.run(&pull, &a).await.exits(0));
    let dump = cli.files().files();
    drop(cli.run(&pull, &a).await.exits(0));
    assert_eq!(cli.files().files(), dump, "a second pull gives the same bytes");

    crate::stage::push(&cli, &b, &option).await;
    assert_alike(&a, &b).await;
    crate::stage::push_is_empty(&cli, &b, &option).await;
    for collection in
        ["folders", "translations", "flows", "operations", "roles", "policies", "dashboards", "panels"]
    {
        let of_project = project_ids(&a, collection).await;
        let there = texts(&rows(&b, collection).await, "id");
        let same = of_project.intersection(&there).count();
        let expected = if kept.contains(&collection) { of_project.len() } else { 0 };
        assert_eq!(same, expected, "{collection}: {of_project:?} and {there:?}");
    }
}

/// The ids of the records that the project made: they end in a small number.
async fn project_ids(directus: &Directus, collection: &str) -> BTreeSet<String> {
    let ids = texts(&rows(directus, collection).await, "id");
    let of_project: BTreeSet<_> =
        ids.into_iter().filter(|id| id.contains("0000000-0000-4000-8000-")).collect();
    assert!(!of_project.is_empty(), "{collection}");
    of_project
}

on_11_and_12!(none, some);
