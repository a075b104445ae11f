//! What the tests have in common: a project to work with, an independent eye on what an instance holds, and one test
//! per version from one body.

pub(crate) mod instance;
pub(crate) mod portrait;
pub(crate) mod project;

use std::collections::BTreeSet;

use lockstep_testkit::cli::{Cli, Ran};
use lockstep_testkit::directus::{ADMIN_TOKEN, Directus};
use serde_json::{Value, json};

/// A test of a body on each of some versions.
macro_rules! tests_of {
    ($body:ident, $($name:ident = $version:expr),+) => {
        mod $body {$(
            #[tokio::test]
            async fn $name() {
                Box::pin(super::$body($version)).await;
            }
        )+}
    };
}

/// A test of each body on every version that Lockstep supports, and on the sandbox.
macro_rules! on_every_version {
    ($($body:ident),+ $(,)?) => {$(
        crate::stage::tests_of!(
            $body,
            on_10 = "10.13.1",
            on_11 = "11.17.4",
            on_12 = "12.4.0",
            on_sandbox = lockstep_testkit::directus::SANDBOX
        );
    )+};
}

/// A test of each body on the versions that have policies, and on the sandbox.
macro_rules! on_11_and_12 {
    ($($body:ident),+ $(,)?) => {$(
        crate::stage::tests_of!(
            $body,
            on_11 = "11.17.4",
            on_12 = "12.4.0",
            on_sandbox = lockstep_testkit::directus::SANDBOX
        );
    )+};
}

/// A test of each body on every version, without the sandbox: for what only the environment of a real server can be told.
macro_rules! on_every_real_version {
    ($($body:ident),+ $(,)?) => {$(
        crate::stage::tests_of!($body, on_10 = "10.13.1", on_11 = "11.17.4", on_12 = "12.4.0");
    )+};
}

/// The same on the versions that have policies.
macro_rules! on_real_11_and_12 {
    ($($body:ident),+ $(,)?) => {$(
        crate::stage::tests_of!($body, on_11 = "11.17.4", on_12 = "12.4.0");
    )+};
}

pub(crate) use {on_11_and_12, on_every_real_version, on_every_version, on_real_11_and_12, tests_of};

/// The major version in `11.17.4`.
pub(crate) fn major(version: &str) -> u32 {
    version.split('.').next().unwrap().parse().unwrap()
}

/// All rows of a system collection such as `roles`, read page by page.
pub(crate) async fn rows(directus: &Directus, collection: &str) -> Vec<Value> {
    if collection == "permissions" {
        // The server neither pages these nor limits them, and adds some of its own, which have no id.
        // Directus 10 makes one of several that look alike, so they are asked for in disguise.
        let disguise = match major(directus.version()) {
            10 => "&fields=*,role,holder&alias[role]=id&alias[holder]=role",
            _ => "",
        };
        let rows = array(directus.get(&format!("/permissions?limit=-1{disguise}")).await.unwrap());
        return rows.into_iter().filter(|row| row["id"].is_number()).map(undisguised).collect();
    }
    let mut all = Vec::new();
    loop {
        let page = all.len() / 50 + 1;
        let path = format!("/{collection}?limit=50&page={page}&sort=id");
        let rows = array(directus.get(&path).await.unwrap());
        let last = rows.len() < 50;
        all.extend(rows);
        if last {
            return all;
        }
    }
}

fn undisguised(mut row: Value) -> Value {
    if let Some(holder) = row.as_object_mut().and_then(|row| row.shift_remove("holder")) {
        row["role"] = holder;
    }
    row
}

/// The only row of a collection whose field has this value.
#[track_caller]
pub(crate) fn the(rows: &[Value], field: &str, value: &str) -> Value {
    let found: Vec<_> = rows.iter().filter(|row| row[field] == value).collect();
    assert!(found.len() == 1, "{} rows have {field} {value:?}: {found:#?}", found.len());
    found[0].clone()
}

/// The values of a text field.
pub(crate) fn texts(rows: &[Value], field: &str) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row[field].as_str()).map(str::to_owned).collect()
}

/// The row with this id; none if the instance does not have it.
pub(crate) async fn row(directus: &Directus, collection: &str, id: &str) -> Option<Value> {
    rows(directus, collection).await.into_iter().find(|row| row["id"] == id)
}

pub(crate) fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => panic!("no array: {other}"),
    }
}

/// The id of the administrator's role.
pub(crate) async fn admin_role(directus: &Directus) -> String {
    directus.get("/users/me?fields=role").await.unwrap()["role"].as_str().unwrap().to_owned()
}

/// Pulls all but the specifications; the run must succeed.
pub(crate) async fn pull(cli: &Cli, from: &Directus) -> Value {
    cli.run(&["pull", "--json", "--no-specs"], from).await.exits(0).json()
}

/// Pushes; the run must end with the instance in step.
pub(crate) async fn push(cli: &Cli, to: &Directus, more: &[&str]) -> Value {
    let arguments: Vec<&str> = ["push", "--json"].iter().chain(more).copied().collect();
    let ran = cli.run(&arguments, to).await;
    let report = ran.clone().exits(0).json();
    assert_eq!(report["converged"], true, "{ran}");
    report
}

/// A push that finds nothing to do, and does nothing.
pub(crate) async fn push_is_empty(cli: &Cli, to: &Directus, more: &[&str]) {
    let arguments: Vec<&str> = ["push", "--json"].iter().chain(more).copied().collect();
    let ran = cli.run(&arguments, to).await;
    let report = ran.clone().exits(0).json();
    assert_nothing_applied(&report, &ran);
    // Most are taken by the extension of directus-sync: one for each table, and two to find out what it is.
    assert!(report["requests"].as_u64().unwrap() <= 31, "a push of nothing takes few requests\n{ran}");
}

#[track_caller]
fn assert_nothing_applied(report: &Value, ran: &Ran) {
    let applied = report["applied"]["collections"].as_object().unwrap();
    let written = |counts: &Value| ["created", "updated", "deleted"].iter().any(|name| counts[*name] != 0);
    assert!(
        !applied.values().any(written) && report["applied"]["schema"] == false,
        "something was written\n{ran}"
    );
    let items = report["collections"].as_object().unwrap().values();
    let differing: Vec<_> = items.flat_map(|collection| collection["items"].as_array().unwrap()).collect();
    assert!(differing.is_empty(), "something still differs: {differing:#?}\n{ran}");
}

/// Makes the users of live replication at all peers of a configuration, and writes it with their tokens. Gives its path.
pub(crate) async fn live_users(cli: &Cli, live: &mut Value) -> String {
    let path = cli.dir().join("lockstep.config.json");
    let configure = |live: &Value| std::fs::write(&path, json!({"live": live}).to_string()).unwrap();
    configure(live);
    let config = path.display().to_string();
    let peers: Vec<String> = live["peers"].as_object().unwrap().keys().cloned().collect();
    for peer in peers {
        let arguments = ["live", "setup", &peer, "--json", "-c", &config, "-t", ADMIN_TOKEN];
        let made = cli.run_bare(&arguments).await.exits(0).json();
        live["peers"][&peer]["token"] = made["token"].clone();
    }
    configure(live);
    config
}
