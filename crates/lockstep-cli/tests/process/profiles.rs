//! Profiles, what holds for a run, and the first configuration of a folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lockstep_testkit::cli::{Cli, Ran};
use serde_json::{Value, json};

use crate::fake::Fake;
use crate::place::Place;

/// What `config show` says of a key.
fn setting(ran: &Ran, key: &str) -> (Value, String) {
    let setting = &ran.json()["settings"][key];
    (setting["value"].clone(), setting["origin"]["kind"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn each_source_wins_over_the_next() {
    let mut place = Place::new();
    place.file(
        "lockstep.config.json",
        r#"{"directusUrl": "http://file", "dumpPath": "file", "profiles": {"staging": {"directusUrl": "http://profile"}}}"#,
    );
    let show = ["config", "show", "--json"];
    let staging = ["config", "show", "--json", "--profile", "staging"];
    let url = |ran: &Ran| setting(ran, "directusUrl");
    assert_eq!(url(&place.run(&show).await.exits(0)), (json!("http://file"), "file".into()));
    assert_eq!(url(&place.run(&staging).await.exits(0)), (json!("http://profile"), "profile".into()));
    place.file(".env", "DIRECTUS_URL=http://dotenv\n");
    assert_eq!(url(&place.run(&staging).await.exits(0)), (json!("http://dotenv"), ".env".into()));
    place.cli = Cli::of(env!("CARGO_BIN_EXE_lockstep")).env("DIRECTUS_URL", "http://real");
    place.file(".env", "DIRECTUS_URL=http://dotenv\n");
    place.file("lockstep.config.json", r#"{"profiles": {"staging": {"directusUrl": "http://profile"}}}"#);
    let ran = place.run(&staging).await.exits(0);
    assert_eq!(url(&ran), (json!("http://real"), "environment".into()));
    assert!(ran.stderr.contains("wins over the \"directusUrl\" of the profile staging"), "{ran}");
    let typed: Vec<&str> = staging.iter().copied().chain(["-u", "http://typed"]).collect();
    assert_eq!(url(&place.run(&typed).await.exits(0)), (json!("http://typed"), "command line".into()));
    assert_eq!(setting(&ran, "dumpPath").1, "default");
}

#[tokio::test]
async fn what_holds_is_shown_with_its_origin_and_without_secrets() {
    let mut place = Place::new();
    place.cli = Cli::of(env!("CARGO_BIN_EXE_lockstep")).env("LOCKSTEP_PROFILE", "eu-west");
    place.file(
        "lockstep.config.json",
        r#"{"extends": ["base.json"], "directusPassword": "${NOT_SET}", "dumpPath": "./d${X}",
            "excludeCollections": ["presets"]}"#,
    );
    place.file("base.json", r#"{"extends": ["grand/c.json"], "specs": false}"#);
    place.file(
        "grand/c.json",
        r#"{"profiles": {"eu-west": {"directusUrl": "https://eu.example.com", "sortJson": true,
            "excludeCollections": ["panels"]}}}"#,
    );
    place.file(".env", "LOCKSTEP_EU_WEST_TOKEN=t0p-s3cret\nX=ump\n");
    let ran = place.run(&["config", "show"]).await.exits(0);
    assert!(!ran.stdout.contains("t0p-s3cret"), "{ran}");
    let lines: Vec<String> = place
        .told(&ran.stdout)
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for expected in [
        "./lockstep.config.json extends ./base.json extends ./grand/c.json",
        "profile eu-west environment variable LOCKSTEP_PROFILE",
        "directusUrl https://eu.example.com profile eu-west in ./grand/c.json",
        "directusToken ********** LOCKSTEP_EU_WEST_TOKEN in ./.env",
        "directusEmail not given default",
        "directusPassword the variable NOT_SET is not set ./lockstep.config.json",
        "dumpPath ./dump ./lockstep.config.json",
        "excludeCollections panels, presets profile eu-west in ./grand/c.json and ./lockstep.config.json",
        "specs false ./base.json",
        "sortJson true profile eu-west in ./grand/c.json",
        "state auto default",
    ] {
        assert!(lines.iter().any(|line| line == expected), "no {expected:?} in\n{ran}");
    }
    let ran = place.run(&["config", "show", "--json"]).await.exits(0);
    assert!(!ran.stdout.contains("t0p-s3cret"), "{ran}");
    assert_eq!((&ran.json()["profile"], &ran.json()["profiles"]), (&json!("eu-west"), &json!(["eu-west"])));
    assert_eq!(ran.json()["settings"]["directusPassword"]["unset"], "NOT_SET");
}

#[tokio::test]
async fn a_profile_says_where_a_run_goes_and_as_whom() {
    let (place, fake) = (Place::with_dump(), Fake::empty().await);
    let url = fake.url();
    place.file(
        "lockstep.config.json",
        &json!({"directusUrl": "http://127.0.0.1:9", "profiles": {"staging": {"directusUrl": url}}})
            .to_string(),
    );
    place.file(".env", "LOCKSTEP_STAGING_TOKEN=of-staging\nDIRECTUS_TOKEN=of-others\n");
    drop(place.run(&["diff", "--profile", "staging"]).await.exits(0).says(&url));
    let sent = fake.requests();
    assert!(!sent.is_empty());
    let ran = place.run(&["diff", "--profile", "production"]).await.exits(64);
    assert_eq!(
        ran.stderr,
        "error: there is no profile \"production\" (from the command line)\n  hint: the profiles are staging\n"
    );
    let ran = place.run(&["diff", "--profile", "stagng"]).await.exits(64);
    assert!(ran.stderr.ends_with("hint: did you mean staging?\n"), "{ran}");
}

#[tokio::test]
async fn a_variable_that_is_not_set_names_key_and_file() {
    let place = Place::new();
    place.file("lockstep.config.json", r#"{"directusUrl": "${WHERE}", "directusToken": "x"}"#);
    assert_eq!(
        place.refuses(64, &["diff"]).await,
        "error: lockstep.config.json: \"directusUrl\" refers to the variable WHERE, which is not set\n  hint: set it in \
         the environment or in .env; to write ${ itself, double the dollar sign: $${\n"
    );
}

#[tokio::test]
async fn a_first_configuration_is_written_once_and_explained() {
    let place = Place::new();
    place.file(".gitignore", "node_modules");
    let init = ["init", "-u", "https://me:s3cret@dev.example.com/cms", "-t", "t0p-s3cret"];
    let ran = place.run(&init).await.exits(0).says("./lockstep.config.json").says("lockstep pull");
    let read = |name: &str| fs::read_to_string(place.cli.dir().join(name)).unwrap();
    let config: Value = serde_json::from_str(&read("lockstep.config.json")).unwrap();
    assert_eq!(
        config,
        json!({"$schema": "./lockstep.config.schema.json", "directusUrl": "https://dev.example.com/cms",
            "dumpPath": "./directus-config"})
    );
    let schema = place.run(&["config", "schema"]).await.exits(0);
    assert_eq!(read("lockstep.config.schema.json"), schema.stdout);
    assert!(schema.stderr.is_empty(), "{schema}");
    assert_eq!(read(".gitignore"), "node_modules\n.env\n");
    assert!(read(".env").ends_with("DIRECTUS_TOKEN=\n") && !ran.stdout.contains("s3cret"), "{ran}");
    let mode = fs::metadata(place.cli.dir().join(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    place.file(".env", "DIRECTUS_TOKEN=mine\n");
    assert_eq!(
        place.refuses(3, &["init"]).await,
        "error: lockstep.config.json is there already, and nothing was written\n  hint: Lockstep reads it as it is \
         (lockstep config show); --force writes ./lockstep.config.json anyway\n"
    );
    let ran = place.run(&["init", "--force", "--json"]).await.exits(0);
    assert_eq!(ran.json()["directusUrl"], "http://localhost:8055");
    assert_eq!(
        (read(".env"), read(".gitignore")),
        ("DIRECTUS_TOKEN=mine\n".into(), "node_modules\n.env\n".into())
    );

    let place = Place::new();
    place.file("directus-sync.config.cjs", "module.exports = {}");
    assert!(
        place.refuses(3, &["init"]).await.starts_with("error: directus-sync.config.cjs is there already")
    );
}

#[tokio::test]
async fn the_schema_for_editors_is_a_document() {
    let place = Place::new();
    let schema = place.run(&["config", "schema"]).await.exits(0).json();
    assert_eq!(
        schema["properties"]["profiles"]["additionalProperties"]["properties"]["split"]["type"],
        "boolean"
    );
    drop(place.run(&["config", "reference"]).await.exits(0).says("`directusUrl`"));
}
