//! Where the mappings of a target are: each place remembers enough for the next push to delete what left the dump, and
//! none of them shows in a dump.

use lockstep_testkit::cache::Cache;
use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::{Directus, Template};
use serde_json::{Value, json};

use crate::peer;
use crate::stage::portrait::assert_alike;
use crate::stage::project::{self, id};
use crate::stage::{array, pull, push, push_is_empty, row};

const TABLE: &str = "lockstep_state";
const EXTENSION: &str = "/directus-extension-sync/table";

/// A project in step, with the mappings of the second instance in a store of this kind, which then takes a deletion.
async fn remembers(version: &str, store: &str, extension: bool, name: &str) -> (Directus, Directus, Cli) {
    let a = Directus::builder(version).start();
    let b = Directus::builder(version).template(Template::B).extension(extension).start();
    let (a, b) = tokio::try_join!(a, b).unwrap();
    project::fill(&a).await;
    let (cli, option) = (Cli::new(), ["--state", store]);
    pull(&cli, &a).await;
    let report = push(&cli, &b, &option).await;
    assert_eq!(report["instance"]["state"], name);
    assert_alike(&a, &b).await;
    push_is_empty(&cli, &b, &option).await;
    let shown = cli.run(&["state", "show", "--json", "--state", store], &b).await.exits(0).json();
    let mappings = array(shown["mappings"].clone());
    let editor = json!({"collection": "roles", "sync_id": id::EDITOR, "id": id::EDITOR});
    assert!(mappings.contains(&editor), "{mappings:#?}");

    for path in [format!("/dashboards/{}", id::EMPTY), format!("/folders/{}", id::OLD_IMAGES)] {
        a.delete(&path, None).await.unwrap();
    }
    pull(&cli, &a).await;
    push(&cli, &b, &option).await;
    assert!(row(&b, "dashboards", id::EMPTY).await.is_none());
    assert!(row(&b, "folders", id::OLD_IMAGES).await.is_none());
    assert_alike(&a, &b).await;
    let shown = cli.run(&["state", "show", "--json", "--state", store], &b).await.exits(0).json();
    assert!(!shown.to_string().contains(id::EMPTY), "what is gone is forgotten");
    (a, b, cli)
}

async fn has_table(directus: &Directus) -> bool {
    directus.get(&format!("/items/{TABLE}")).await.is_ok()
}

/// Nothing of the store in snapshot and specifications, nor in the collections that the server counts.
async fn is_invisible(b: &Directus) {
    let snapshot = b.get("/schema/snapshot").await.unwrap().to_string();
    assert!(!snapshot.contains(TABLE), "not in the snapshot of the server");
    let cli = Cli::new();
    drop(cli.run(&["pull"], b).await.exits(0));
    for (name, bytes) in cli.files().files() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!name.contains(TABLE) && !text.contains(TABLE), "{name} shows the table");
    }
}

#[tokio::test]
async fn the_table_needs_nothing_installed() {
    let (_a, b, cli) = remembers("11.17.4", "table", false, "table").await;
    assert!(has_table(&b).await && !cli.files().files().contains_key("lockstep-state.json"));
    is_invisible(&b).await;
}

#[tokio::test]
async fn the_file_leaves_no_trace_on_the_instance() {
    let (_a, b, cli) = remembers("11.17.4", "file", false, "file").await;
    assert!(!has_table(&b).await);
    let state = cli.files().json("lockstep-state.json");
    assert!(state["instances"].get(b.url()).is_some(), "{state:#}");
}

#[tokio::test]
async fn the_extension_of_directus_sync_serves_as_well() {
    let (_a, b, _cli) = remembers("11.17.4", "extension", true, "extension").await;
    let roles = array(b.get(&format!("{EXTENSION}/roles")).await.unwrap());
    let editor = roles.iter().find(|row| row["sync_id"] == id::EDITOR).unwrap();
    assert_eq!(editor["local_id"], id::EDITOR);
    assert!(!has_table(&b).await);
}

#[tokio::test]
async fn by_itself_it_takes_the_extension_where_there_is_one_and_else_the_table() {
    let (_a, b, _cli) = remembers("11.17.4", "auto", true, "extension").await;
    assert!(!has_table(&b).await);
    drop((_a, b, _cli));
    let (_a, b, cli) = remembers("12.4.0", "auto", false, "table").await;
    assert!(has_table(&b).await);
    is_invisible(&b).await;
    let licence = b.get("/license").await.unwrap();
    assert_eq!(licence["usage"]["collections"], 2, "the table takes no place: {licence:#}");
    drop(cli.run(&["diff", "--state", "extension"], &b).await.exits(1).says("extension"));
}

#[tokio::test]
async fn on_10_it_is_the_file_unless_there_is_the_extension() {
    let (_a, b, cli) = remembers("10.13.1", "auto", false, "file").await;
    assert!(!has_table(&b).await);
    drop(cli.run(&["diff", "--state", "table"], &b).await.exits(1).says("--state file"));
    drop((_a, b, cli));
    drop(remembers("10.13.1", "auto", true, "extension").await);
}

#[tokio::test]
async fn the_table_survives_a_push_of_directus_sync() {
    let (_a, b, cli) = remembers("11.17.4", "table", true, "table").await;
    let rows: Value = b.get(&format!("/items/{TABLE}")).await.unwrap();
    let cache = Cache::from_env().unwrap();
    // Its schema diff drops what the snapshot does not have; records it would want to create again.
    peer::directus_sync(&cache, &["push", "--no-collections"], &b, &cli.files()).await;
    assert_eq!(b.get(&format!("/items/{TABLE}")).await.unwrap(), rows);
    push_is_empty(&cli, &b, &["--state", "table"]).await;
}
