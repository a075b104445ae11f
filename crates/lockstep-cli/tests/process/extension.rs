//! The extension is written where it was asked for, and over nothing that is not ours.

use crate::place::Place;

const INSTALL: [&str; 3] = ["extension", "install", "extensions"];

#[tokio::test]
async fn it_is_written_and_tells_what_comes_next() {
    let place = Place::new();
    let ran = place.run(&INSTALL).await.exits(0).says("Installed: extensions/directus-extension-lockstep");
    drop(ran.says("restart Directus").says("state move --to extension").says("./package.json is missing"));
    let entry = place.cli.dir().join("extensions/directus-extension-lockstep/index.js");
    assert!(std::fs::read_to_string(entry).unwrap().contains("id: 'directus-extension-sync'"));

    place.file("package.json", "{}");
    let again: Vec<&str> = INSTALL.into_iter().chain(["--json"]).collect();
    let report = place.run(&again).await.exits(0).json();
    assert_eq!(
        (&report["before"], &report["missing_manifest"]),
        (&report["version"], &serde_json::Value::Null)
    );
}

#[tokio::test]
async fn it_refuses_what_is_not_its_own() {
    let place = Place::new();
    let told = place.refuses(1, &["extension", "install", "no/extensions"]).await;
    assert!(told.contains("there is no folder no/extensions") && told.contains("EXTENSIONS_PATH"), "{told}");
    place.file("extensions/sync/package.json", r#"{"name": "directus-extension-sync", "version": "3.0.6"}"#);
    let told = place.refuses(3, &INSTALL).await;
    assert!(told.contains("extensions/sync, and answers on the same routes"), "{told}");
    assert!(told.contains("its mappings stay in the database"), "{told}");

    let place = Place::new();
    place.file("extensions/directus-extension-lockstep/package.json", r#"{"name": "mine"}"#);
    let told = place.refuses(3, &INSTALL).await;
    assert!(told.contains("is not the extension of Lockstep"), "{told}");
}
