//! A project goes from one instance through files to another, and is there what it was here.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::Directus;
use lockstep_testkit::project::sample;
use serde_json::json;

use crate::stage::portrait::assert_alike;
use crate::stage::project::{self, id};
use crate::stage::{on_every_version, pull, push, push_is_empty, row, rows, the};

/// The file of mappings, beside the dump but no part of it.
const STATE: &str = "lockstep-state.json";

async fn everything_arrives(version: &str) {
    let (a, b) = Directus::pair(version).await.unwrap();
    project::fill(&a).await;
    let cli = Cli::new();
    drop(cli.run(&["pull"], &a).await.exits(0));
    let dump = cli.files().files();
    assert!(dump.contains_key("specs/openapi.json"));
    drop(cli.run(&["pull"], &a).await.exits(0));
    assert_eq!(cli.files().files(), dump, "a second pull gives the same bytes");

    push(&cli, &b, &[]).await;
    assert_alike(&a, &b).await;
    ids_are_kept(&b).await;
    push_is_empty(&cli, &b, &[]).await;

    let of_b = Cli::new();
    pull(&of_b, &b).await;
    assert_same_files(&texts_of(&cli), &texts_of(&of_b));
}

/// The sample of the test kit, which also the demonstration and the benchmarks use.
async fn the_sample_arrives(version: &str) {
    let (a, b) = Directus::pair(version).await.unwrap();
    sample(&a).await.unwrap();
    let cli = Cli::new();
    pull(&cli, &a).await;
    push(&cli, &b, &[]).await;
    assert_alike(&a, &b).await;
    push_is_empty(&cli, &b, &[]).await;
    let of_b = Cli::new();
    pull(&of_b, &b).await;
    assert_same_files(&texts_of(&cli), &texts_of(&of_b));
}

/// The files of a dump, but for the specifications: in these the server names its address, and lists collections in the
/// order in which its database has them.
fn texts_of(cli: &Cli) -> BTreeMap<String, String> {
    let files = cli.files().files();
    let dump = files.iter().filter(|(name, _)| name.as_str() != STATE && !name.starts_with("specs/"));
    dump.map(|(name, bytes)| (name.clone(), String::from_utf8_lossy(bytes).into_owned())).collect()
}

#[track_caller]
fn assert_same_files(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) {
    let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let differing: Vec<_> = names
        .into_iter()
        .filter(|name| one.get(*name) != other.get(*name))
        .map(|name| format!("{name}:\n{:?}\n{:?}", one.get(name), other.get(name)))
        .collect();
    assert!(differing.is_empty(), "the dumps of both instances differ in {}", differing.join("\n"));
}

async fn ids_are_kept(b: &Directus) {
    let check = row(b, "operations", id::CHECK).await.unwrap();
    assert_eq!((&check["resolve"], &check["reject"]), (&json!(id::CALL), &json!(id::CALL_BY_TEMPLATE)));
    let call = row(b, "operations", id::CALL_BY_TEMPLATE).await.unwrap();
    assert_eq!(call["options"]["flow"], "{{$trigger.flow}}");
    for (collection, id) in [
        ("folders", id::OLD_IMAGES),
        ("translations", id::HELLO_FR),
        ("roles", id::CHIEF),
        ("flows", id::DRAFT),
        ("dashboards", id::EMPTY),
        ("panels", id::LABEL),
    ] {
        assert!(row(b, collection, id).await.is_some(), "{collection} {id}");
    }
    let presets = rows(b, "presets").await;
    assert_eq!(presets.len(), 3, "the preset of a user stays where it is: {presets:#?}");
    assert_eq!(the(&presets, "bookmark", "Mine")["role"], id::EDITOR);
}

on_every_version!(everything_arrives, the_sample_arrives);
