//! What a configuration says of records, and their secrets: from one sandbox into another and back.

use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::cli::{At, Cli};
use lockstep_testkit::directus::Http;
use serde_json::{Value, json};

use crate::place::Place;

const FLOW: &str = "f0000000-0000-4000-8000-000000000001";
const OTHER: &str = "f0000000-0000-4000-8000-000000000002";
const SEND: &str = "a0000000-0000-4000-8000-000000000001";
const LOG: &str = "a0000000-0000-4000-8000-000000000002";
const TOKEN: &str = "Zk3y91xQ77Lm42";

async fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).await.unwrap()
}

fn at(sandbox: &Sandbox) -> At {
    At::new(sandbox.url(), sandbox.token())
}

fn http(sandbox: &Sandbox) -> Http {
    Http::new(&sandbox.url()).unwrap().with_token(Some(sandbox.token()))
}

/// Two flows, each with an operation: one that sends a token, one that says `${literal}`.
async fn with_flows() -> Sandbox {
    let sandbox = sandbox().await;
    let http = http(&sandbox);
    for (id, name) in [(FLOW, "Notify editors"), (OTHER, "Test run")] {
        let flow = json!({"id": id, "name": name, "status": "active", "trigger": "manual", "options": {"url": "http://dev"}});
        http.post("/flows", &flow).await.unwrap();
    }
    let send = json!({"id": SEND, "flow": FLOW, "name": "Send", "key": "send", "type": "request",
        "position_x": 1, "position_y": 1, "options": {"url": "http://dev/hook", "method": "POST",
            "headers": [{"header": "Authorization", "value": format!("Bearer {TOKEN}")}]}});
    let log = json!({"id": LOG, "flow": OTHER, "name": "Log", "key": "log", "type": "log",
        "position_x": 1, "position_y": 1, "options": {"message": "${literal}", "code": "return `${x} y`"}});
    http.post("/operations", &send).await.unwrap();
    http.post("/operations", &log).await.unwrap();
    sandbox
}

fn with(variables: &[(&str, &str)]) -> Place {
    let cli = Cli::of(env!("CARGO_BIN_EXE_lockstep"));
    Place { cli: variables.iter().fold(cli, |cli, (name, value)| cli.env(name, value)) }
}

const PULL: [&str; 3] = ["pull", "--no-specs", "--no-snapshot"];

#[tokio::test]
async fn what_a_filter_leaves_out_is_untouched_on_both_sides() {
    let (source, target) = (with_flows().await, sandbox().await);
    let place = Place::new();
    drop(place.cli.run(&PULL, at(&source)).await.exits(0));
    drop(place.cli.run(&["push", "--yes", "--no-snapshot"], at(&target)).await.exits(0));
    place.file(
        "lockstep.config.json",
        r#"{"records": {"flows": {"filter": {"name": {"_nstarts_with": "Test"}}}}}"#,
    );

    // On the source both change: only one comes.
    for id in [FLOW, OTHER] {
        http(&source).patch(&format!("/flows/{id}"), &json!({"icon": "bolt"})).await.unwrap();
    }
    drop(place.cli.run(&PULL, at(&source)).await.exits(0));
    assert_eq!(place.cli.files().record("flows", "_syncId", FLOW)["icon"], "bolt");
    assert_ne!(place.cli.files().record("flows", "_syncId", OTHER)["icon"], "bolt");
    assert_eq!(place.cli.files().records("operations").len(), 2);

    // The dump loses the other one and its operation: the target keeps them, though it knows them, also when pruning.
    place.cli.files().edit("flows", |flows| flows.retain(|flow| flow["_syncId"] == FLOW));
    place
        .cli
        .files()
        .edit("operations", |operations| operations.retain(|operation| operation["_syncId"] == SEND));
    let report = place
        .cli
        .run(&["push", "--yes", "--json", "--prune", "--no-snapshot", "-o", "flows,operations"], at(&target))
        .await
        .exits(0)
        .json();
    assert_eq!((&report["converged"], &report["collections"]["flows"]["update"]), (&json!(true), &json!(1)));
    assert_eq!(report["collections"]["flows"]["delete"], 0);
    assert_eq!(http(&target).get(&format!("/operations/{LOG}")).await.unwrap()["key"], "log");

    // Without the filter it is one that was pushed and left the dump.
    place.file("lockstep.config.json", "{}");
    let report = place.cli.run(&["diff", "--json", "--no-snapshot"], at(&target)).await.exits(0).json();
    assert_eq!(report["collections"]["flows"]["delete"], 1, "{report}");
    source.stop().await;
    target.stop().await;
}

#[tokio::test]
async fn ignored_fields_are_neither_dumped_nor_compared_nor_written() {
    let (source, target) = (with_flows().await, sandbox().await);
    let place = Place::new();
    drop(place.cli.run(&PULL, at(&source)).await.exits(0));
    drop(place.cli.run(&["push", "--yes", "--no-snapshot"], at(&target)).await.exits(0));
    http(&target).patch(&format!("/flows/{FLOW}"), &json!({"icon": "own"})).await.unwrap();
    place.file("lockstep.config.json", r#"{"records": {"flows": {"ignoreFields": ["icon"]}}}"#);
    let diff = place.cli.run(&["diff", "--json", "--no-snapshot"], at(&target)).await.exits(0).json();
    assert_eq!(diff["converged"], true, "{diff}");
    drop(place.cli.run(&PULL, at(&source)).await.exits(0));
    assert!(place.cli.files().records("flows").iter().all(|flow| flow.get("icon").is_none()));
    drop(place.cli.run(&["push", "--yes", "--no-snapshot"], at(&target)).await.exits(0));
    assert_eq!(http(&target).get(&format!("/flows/{FLOW}")).await.unwrap()["icon"], "own");
    source.stop().await;
    target.stop().await;
}

const OVERRIDES: &str = r#"{"profiles": {"staging": {"overrides": [
    {"collection": "operations", "match": {"flow": {"name": "Notify editors"}, "key": "send"},
     "set": {"options.url": "${HOOK_URL}", "options.headers[0].value": "Bearer of-staging"}},
    {"collection": "settings", "set": {"project_name": "Staging"}},
    {"collection": "flows", "match": {"name": "Nobody"}, "set": {"icon": "x"}}]}}}"#;

#[tokio::test]
async fn overrides_hold_on_one_instance_and_a_round_trip_is_stable() {
    let (source, staging) = (with_flows().await, sandbox().await);
    let place = with(&[("HOOK_URL", "http://staging/h00k-s3cret")]);
    place.file("lockstep.config.json", OVERRIDES);
    drop(place.cli.run(&PULL, at(&source)).await.exits(0));
    let dump = place.cli.files().files();
    let push = ["push", "--yes", "--no-snapshot", "--profile", "staging"];
    let ran = place.cli.run(&push, at(&staging)).await.exits(0);
    assert!(ran.stderr.contains("profiles.staging.overrides[2]: no record of flows matches"), "{ran}");
    assert!(!ran.stdout.contains("h00k-s3cret"), "{ran}");
    let send = http(&staging).get(&format!("/operations/{SEND}")).await.unwrap();
    assert_eq!(send["options"]["url"], "http://staging/h00k-s3cret");
    assert_eq!(send["options"]["headers"][0]["value"], "Bearer of-staging");
    assert_eq!(http(&staging).get("/settings").await.unwrap()["project_name"], "Staging");

    // Nothing differs, and the dump stays what it is.
    let diff = ["diff", "--json", "--no-snapshot", "--profile", "staging"];
    assert_eq!(place.cli.run(&diff, at(&staging)).await.exits(0).json()["converged"], true);
    let pull: Vec<&str> = PULL.into_iter().chain(["--profile", "staging"]).collect();
    drop(place.cli.run(&pull, at(&staging)).await.exits(0));
    assert_eq!(dump, place.cli.files().files());

    // A value that a variable says is not shown, neither is what is there instead.
    let options = json!({"options": {"url": "http://someb0dy-else", "method": "POST", "headers": [{"header": "Authorization", "value": "Bearer of-staging"}]}});
    http(&staging).patch(&format!("/operations/{SEND}"), &options).await.unwrap();
    let ran = place.cli.run(&diff, at(&staging)).await.exits(0);
    assert!(!ran.stdout.contains("h00k-s3cret") && !ran.stdout.contains("someb0dy-else"), "{ran}");
    assert!(ran.stdout.contains("${HOOK_URL}"), "{ran}");
    let ran = place.cli.run(&pull, at(&staging)).await.exits(0);
    assert!(ran.stderr.contains("another options.url than the override; the dump keeps its own"), "{ran}");
    assert_eq!(dump, place.cli.files().files());
    source.stop().await;
    staging.stop().await;
}

#[tokio::test]
async fn a_first_pull_does_not_write_what_variables_say() {
    let staging = with_flows().await;
    http(&staging)
        .patch(&format!("/operations/{SEND}"), &json!({"options": {"url": "http://staging/h00k-s3cret"}}))
        .await
        .unwrap();
    let place = with(&[("HOOK_URL", "http://staging/h00k-s3cret")]);
    place.file(
        "lockstep.config.json",
        &OVERRIDES.replace(r#", "options.headers[0].value": "Bearer of-staging""#, ""),
    );
    let pull: Vec<&str> = PULL.into_iter().chain(["--profile", "staging"]).collect();
    let ran = place.cli.run(&pull, at(&staging)).await.exits(0).says("the dump had no options.url");
    assert!(!ran.stderr.contains("s3cret"), "{ran}");
    assert_eq!(place.cli.files().record("operations", "_syncId", SEND)["options"]["url"], "${HOOK_URL}");
    staging.stop().await;
}

#[tokio::test]
async fn rules_that_cannot_be_followed_name_what_was_probably_meant() {
    let source = with_flows().await;
    let place = Place::new();
    drop(place.cli.run(&PULL, at(&source)).await.exits(0));
    for (config, code, expected) in [
        (
            r#"{"overrides": [{"collection": "flow", "match": {}, "set": {}}]}"#,
            64,
            "\"overrides[0].collection\" is not a system collection, did you mean \"flows\"?",
        ),
        (
            r#"{"overrides": [{"collection": "flows", "set": {}}]}"#,
            64,
            "\"overrides[0].match\" is missing: it says which records are meant",
        ),
        (
            r#"{"overrides": [{"collection": "flows", "match": {}, "set": {"options.url": "${NOT_SET}"}}]}"#,
            64,
            "\"overrides[0].set.options.url\" refers to the variable NOT_SET, which is not set",
        ),
        (
            r#"{"overrides": [{"collection": "flows", "match": {"name": {"_equal": 1}}, "set": {}}]}"#,
            64,
            "\"overrides[0].match.name._equal\" is not an operator that Lockstep evaluates; did you mean _eq?",
        ),
        (
            r#"{"overrides": [{"collection": "operations", "match": {"key": "send"}, "set": {"options.ulr": "x"}}]}"#,
            1,
            "lockstep.config.json: overrides[0]: operations (a0000000-0000-4000-8000-000000000001): options has no ulr; \
             did you mean url?",
        ),
        (
            r#"{"records": {"flows": {"filter": {"nmae": "x"}}}}"#,
            1,
            "lockstep.config.json: records.flows.filter: flows have no field nmae; did you mean name?",
        ),
        (
            r#"{"records": {"flows": {"ignoreFields": ["name"]}}}"#,
            64,
            "\"records.flows.ignoreFields\" names name, by which records of flows are recognized",
        ),
    ] {
        place.file("lockstep.config.json", config);
        let ran = place.cli.run(&["diff", "--no-snapshot"], at(&source)).await.exits(code);
        assert!(ran.stderr.contains(expected), "{config}\n{ran}");
    }
    source.stop().await;
}

#[tokio::test]
async fn secrets_are_told_extracted_and_filled_in() {
    let (source, target) = (with_flows().await, sandbox().await);
    let place = Place::new();
    let ran = place.cli.run(&PULL, at(&source)).await.exits(0);
    let told = "warning: operations.json: \"Notify editors · send\": options.headers.0.value looks like credentials of a header";
    assert!(ran.stderr.contains(told) && ran.stderr.contains("--extract-secrets"), "{ran}");
    assert!(!ran.stderr.contains(TOKEN) && !ran.stdout.contains(TOKEN), "{ran}");
    // A text that would be taken for a placeholder is escaped; code is not.
    let message = |place: &Place| place.cli.files().record("operations", "_syncId", LOG)["options"].clone();
    assert_eq!(message(&place), json!({"message": "$${literal}", "code": "return `${x} y`"}));

    place.file(".env.example", "OTHER=1");
    let extract: Vec<&str> = PULL.into_iter().chain(["--extract-secrets"]).collect();
    let ran = place.cli.run(&extract, at(&source)).await.exits(0);
    let name = "OPERATION_NOTIFY_EDITORS_SEND_AUTHORIZATION";
    assert!(ran.stderr.contains(name) && !ran.stderr.contains(TOKEN), "{ran}");
    let example = || std::fs::read_to_string(place.cli.dir().join(".env.example")).unwrap();
    assert_eq!(example(), format!("OTHER=1\n{name}=\n"));
    let all = place.cli.files().files();
    assert!(all.values().all(|bytes| !String::from_utf8_lossy(bytes).contains(TOKEN)));
    // Neither does a second pull write it, nor a name twice.
    let ran = place.cli.run(&extract, at(&source)).await.exits(0);
    assert_eq!((all, example()), (place.cli.files().files(), format!("OTHER=1\n{name}=\n")), "{ran}");

    // Without the variable a diff leaves the field out, and a push writes nothing.
    let diff = ["diff", "--json", "--no-snapshot"];
    let report = place.cli.run(&diff, at(&source)).await.exits(0).json();
    assert_eq!(report["converged"], true, "{report}");
    assert!(report["notices"].to_string().contains("so options is not compared"), "{report}");
    let ran = place.cli.run(&["push", "--yes", "--no-snapshot"], at(&target)).await.exits(1);
    let refused = format!(
        "error: the dump has a problem, and nothing was written\n  - operations.json: \"Notify editors · send\" ({SEND}): \
         options.headers.0.value refers to the variable {name}, which is not set\n"
    );
    assert!(ran.stderr.starts_with(&refused), "{ran}");
    assert_eq!(http(&target).get("/flows").await.unwrap(), json!([]));
    drop(place.run(&["verify", "--no-snapshot"]).await);

    // With it the target gets it, and nobody sees it.
    place.file(".env", &format!("{name}=0f-target-x42\n"));
    let ran = place.cli.run(&["push", "--yes", "--no-snapshot"], at(&target)).await.exits(0);
    assert!(!ran.stdout.contains("0f-target-x42"), "{ran}");
    let options = |operation: Value| operation["options"].clone();
    let send = options(http(&target).get(&format!("/operations/{SEND}")).await.unwrap());
    assert_eq!(send["headers"][0]["value"], "Bearer 0f-target-x42");
    let log = options(http(&target).get(&format!("/operations/{LOG}")).await.unwrap());
    assert_eq!(log, json!({"message": "${literal}", "code": "return `${x} y`"}));
    assert_eq!(place.cli.run(&diff, at(&target)).await.exits(0).json()["converged"], true);

    // The source has another: the placeholder stays, and that is told.
    let before = place.cli.files().files();
    drop(place.cli.run(&PULL, at(&target)).await.exits(0));
    assert_eq!(before, place.cli.files().files());
    let ran = place.cli.run(&PULL, at(&source)).await.exits(0).says("the placeholder stays");
    assert!(!ran.stderr.contains(TOKEN), "{ran}");
    assert_eq!(before, place.cli.files().files());
    source.stop().await;
    target.stop().await;
}

/// A merge that went wrong must not cost the placeholder: the secret would be written in its place.
#[tokio::test]
async fn a_broken_file_with_placeholders_is_not_written_over() {
    let source = with_flows().await;
    let place = Place::new();
    let read = |file: &str| std::fs::read_to_string(place.cli.dir().join(file)).unwrap();
    drop(
        place
            .cli
            .run(&["pull", "--no-specs", "--no-snapshot", "--extract-secrets"], at(&source))
            .await
            .exits(0),
    );
    let file = "directus-config/collections/operations.json";
    let broken = format!("<<<<<<< ours\n{}", read(file));
    assert!(broken.contains("${"), "{broken}");
    place.file(file, &broken);
    let ran = place.cli.run(&PULL, at(&source)).await.exits(1);
    assert!(
        ran.stderr.contains("operations.json is to be written anew, and what only it has would be lost"),
        "{ran}"
    );
    assert!(ran.stderr.contains("restore it from version control"), "{ran}");
    assert_eq!(read(file), broken);

    // What the instance has as well is written anew.
    let file = "directus-config/collections/flows.json";
    place.file("directus-config/collections/operations.json", "[]");
    place.file(file, "<<<<<<< ours");
    let ran = place.cli.run(&PULL, at(&source)).await.exits(0);
    assert!(
        ran.stdout.contains("the old dump is not looked at")
            || ran.stderr.contains("the old dump is not looked at"),
        "{ran}"
    );
    assert!(read(file).contains("Notify editors"));
}
