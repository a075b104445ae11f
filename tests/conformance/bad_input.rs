//! What real servers say to the wrong person at the wrong place, and what Lockstep makes of it. All other bad input
//! needs no server, and is tested with the program itself.

use std::time::Duration;

use lockstep_testkit::cli::{At, Cli, Ran};
use lockstep_testkit::directus::{ADMIN_EMAIL, ADMIN_PASSWORD, Directus};
use lockstep_testkit::proxy::{Fault, Proxy, Rule};
use serde_json::{Value, json};

use crate::stage::project::{self, id, post};
use crate::stage::{major, on_every_real_version, on_every_version, portrait, pull};

/// One sentence with a hint, the same as JSON; exit code 1.
#[track_caller]
fn refused(ran: &Ran, sentence: &str, hint: &str) {
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.starts_with(&format!("error: {sentence}")), "{sentence}\n{ran}");
    assert!(ran.stderr.contains(&format!("\n  hint: {hint}")), "{hint}\n{ran}");
    let error = &ran.json()["error"];
    assert!(error["message"].as_str().unwrap().starts_with(sentence), "{ran}");
    assert_eq!(error["exit_code"], 1);
}

async fn who_is_not_known_or_not_enough(version: &str) {
    let directus = Directus::builder(version).start().await.unwrap();
    let cli = Cli::new();
    let says = async |at: At, sentence: &str, hint: &str| {
        for command in ["pull", "diff", "push"] {
            let ran = cli.run(&[command, "--json"], &at).await;
            refused(&ran, sentence, hint);
        }
        assert!(!cli.files().root().exists(), "nothing was written");
    };
    let invalid = format!("{} does not take the token of the ", directus.url());
    says(At::new(directus.url(), "wr0ng"), &invalid, "check the token, or the email and password").await;

    let role = post(&directus, "/roles", json!({"name": "Nobody"})).await["id"].clone();
    let user = json!({"email": "nobody@example.com", "token": "nobodys-token", "role": role});
    post(&directus, "/users", user).await;
    let url = directus.url();
    // From 11 on the user is not even told who it is.
    let name = if major(version) == 10 { "nobody@example.com" } else { "behind the token" };
    let unknown = format!("the user {name} of {url} is no administrator");
    says(
        At::new(&url, "nobodys-token"),
        &unknown,
        "use the token, or email and password, of an administrator",
    )
    .await;

    let prefix = format!("{url}/nowhere");
    let elsewhere = format!("{prefix} does not answer as a Directus instance does");
    says(
        At::new(&prefix, directus.token()),
        &elsewhere,
        "check that the URL is the root of the Directus API",
    )
    .await;

    let login = ["pull", "--json", "-u", &url, "-e", ADMIN_EMAIL, "-p", "wr0ng"];
    let ran = cli.run_bare(&login).await;
    let invalid = format!("{url} does not take {ADMIN_EMAIL} with the password of the command line");
    refused(&ran, &invalid, "check the token, or the email and password");
    let because = "because POST /auth/login: Invalid user credentials (401 INVALID_CREDENTIALS)";
    assert!(ran.stderr.contains(because), "{ran}");
    assert!(!ran.stdout.contains("wr0ng") && !ran.stderr.contains("wr0ng"), "{ran}");
}

async fn a_login_that_expires_in_the_middle_is_renewed(version: &str) {
    let directus = Directus::builder(version).env("ACCESS_TOKEN_TTL", "2s").start().await.unwrap();
    let proxy = Proxy::start(&directus.url()).await.unwrap();
    proxy.fault(Rule::new(Fault::Delay(Duration::from_millis(2500))).path("/users/me").first(1));
    let url = proxy.url();
    let login = ["pull", "--json", "--debug", "-u", &url, "-e", ADMIN_EMAIL, "-p", ADMIN_PASSWORD];
    let ran = Cli::new().run_bare(&login).await.exits(0);
    let logins = proxy.requests().iter().filter(|seen| seen.path == "/auth/login").count();
    assert!(logins > 1, "{ran}");
    assert!(!ran.stderr.contains(ADMIN_PASSWORD), "{ran}");
    assert_eq!(ran.json()["requests"].as_u64().unwrap(), proxy.requests().len() as u64, "{ran}");
}

async fn a_dump_that_would_break_the_server_reaches_nothing(version: &str) {
    let directus = Directus::builder(version).start().await.unwrap();
    project::fill(&directus).await;
    let cli = Cli::new();
    pull(&cli, &directus).await;
    let (before, good) = (portrait::of(&directus).await, cli.files().files());
    let proxy = Proxy::start(&directus.url()).await.unwrap();

    edit(&cli, "operations", id::CALL, "resolve", json!(id::CHECK));
    let told = problem(&cli, &proxy).await;
    assert!(told.contains("operations.json: a circle by resolve or reject: \"Publish · "), "{told}");
    restore(&cli, &good);

    edit(&cli, "folders", id::RAW, "parent", json!("f0000000-0000-4000-8000-0000000000ff"));
    let told = problem(&cli, &proxy).await;
    let expected =
        format!("folders.json: \"Raw\" ({}): parent refers to f0000000-0000-4000-8000-0000000000ff", id::RAW);
    assert!(told.contains(&expected), "{told}");
    restore(&cli, &good);

    if major(version) > 10 {
        edit(&cli, "roles", id::EDITOR, "parent", json!(id::CHIEF));
        let told = problem(&cli, &proxy).await;
        assert!(told.contains("roles.json: a circle by parent: "), "{told}");
        restore(&cli, &good);
    }
    portrait::assert_same(&before, &portrait::of(&directus).await, "records");
    assert_eq!(cli.run(&["push", "--json"], &directus).await.exits(0).json()["converged"], true);
}

fn edit(cli: &Cli, collection: &str, id: &str, field: &str, value: Value) {
    cli.files().edit(collection, |records| {
        let record = records.iter_mut().find(|record| record["_syncId"] == id).unwrap();
        record[field] = value;
    });
}

fn restore(cli: &Cli, files: &std::collections::BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        std::fs::write(cli.files().root().join(name), bytes).unwrap();
    }
}

/// What a push says of the only problem of its dump, having written nothing.
async fn problem(cli: &Cli, proxy: &Proxy) -> String {
    proxy.clear();
    let ran = cli.run(&["push", "--json"], proxy).await.exits(1);
    let writes: Vec<_> = proxy
        .requests()
        .into_iter()
        .filter(|seen| crate::faults::is_write(&seen.method, &seen.path))
        .collect();
    assert!(writes.is_empty(), "{writes:#?}\n{ran}");
    let report = ran.json();
    let problems = report["error"]["problems"].as_array().unwrap();
    assert!(problems.len() == 1 && problems[0]["hint"].is_string(), "{ran}");
    problems[0]["message"].as_str().unwrap().to_owned()
}

on_every_real_version!(a_login_that_expires_in_the_middle_is_renewed);
on_every_version!(who_is_not_known_or_not_enough, a_dump_that_would_break_the_server_reaches_nothing,);
