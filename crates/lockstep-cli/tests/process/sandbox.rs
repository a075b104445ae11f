//! The sandbox and what is done in it, from end to end: no Directus, no Node.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use lockstep_sandbox::sample::id;
use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::cli::At;
use lockstep_testkit::directus::{ADMIN_TOKEN, Http};
use serde_json::{Value, json};

use crate::place::Place;

/// A program that runs until it is told to stop.
struct Running {
    child: Child,
    said: String,
}

impl Running {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        let mut child = command
            .args(["sandbox", "--json"])
            .args(arguments)
            .current_dir(place.cli.dir())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !said.trim_end().ends_with('}') && lines.read_line(&mut said).unwrap() > 0 {}
        Self { child, said }
    }

    fn told(&self, what: &str) -> String {
        let told: Value = serde_json::from_str(&self.said).unwrap();
        told[what].as_str().unwrap().to_owned()
    }

    fn at(&self) -> At {
        At::new(self.told("url"), self.told("token"))
    }

    /// Asks it to stop as a service manager does.
    fn terminate(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn at(sandbox: &Sandbox) -> At {
    At::new(sandbox.url(), sandbox.token())
}

async fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).await.unwrap()
}

/// A place with the dump that the demo leaves.
async fn with_demo() -> Place {
    let place = Place::new();
    let ran = place.run(&["demo", "--dump-path", "directus-config"]).await.exits(0);
    drop(ran.says("In step. The dump stays to be looked at"));
    place
}

#[tokio::test]
async fn the_demo_ends_in_step_and_leaves_a_dump_that_is_whole() {
    let place = with_demo().await;
    drop(place.run(&["verify"]).await.exits(0).says("Whole"));
    let report = place.run(&["verify", "--json"]).await.exits(0).json();
    assert_eq!(report["converged"], true);
    assert_eq!(report["applied"]["collections"]["flows"]["created"], 5, "{report}");
}

#[tokio::test]
async fn a_dump_that_refers_to_nothing_is_not_whole() {
    let place = with_demo().await;
    place.cli.files().edit("flows", |flows| flows.retain(|flow| flow["_syncId"] != id("sample/flow/tell")));
    let ran = place.run(&["verify"]).await.exits(1);
    assert!(ran.stderr.contains("flows"), "{ran}");
}

#[tokio::test]
async fn a_dump_whose_records_speak_of_no_field_is_not_whole() {
    let place = with_demo().await;
    place.cli.files().edit("permissions", |permissions| {
        let rule = permissions.iter_mut().find(|rule| rule["collection"] == "articles");
        rule.unwrap()["fields"] = serde_json::json!(["slugg"]);
    });
    let ran = place.run(&["verify"]).await.exits(2);
    assert!(ran.stdout.contains("names articles.slugg (did you mean slug?)"), "{ran}");
    let ran = place.run(&["verify", "--json"]).await.exits(2);
    let document = ran.json();
    assert_eq!(document["converged"], false, "{ran}");
    assert_eq!(document["stray_names"][0]["name"], "articles.slugg", "{ran}");
}

#[tokio::test]
async fn a_sandbox_begins_with_a_dump_and_stops_when_told() {
    let place = with_demo().await;
    let running = Running::start(&place, &["--from", "directus-config"]);
    drop(place.cli.run(&["diff", "--exit-code"], running.at()).await.exits(0));
    assert_eq!(running.terminate(), 0);
}

#[tokio::test]
async fn what_is_in_a_file_is_there_the_next_time() {
    let place = with_demo().await;
    let first = Running::start(&place, &["--data", "sandbox.db", "--admin-token", "the-token"]);
    drop(place.cli.run(&["push", "--yes"], first.at()).await.exits(0));
    assert_eq!(first.terminate(), 0);
    let second = Running::start(&place, &["--data", "sandbox.db", "--admin-token", "the-token"]);
    drop(place.cli.run(&["diff", "--exit-code"], second.at()).await.exits(0));
    assert_eq!(second.terminate(), 0);
}

#[tokio::test]
async fn another_version_is_refused() {
    let ran = Place::new().run(&["sandbox", "--version", "10.13.1"]).await.exits(64);
    assert!(ran.stderr.contains("cannot be a 10.13.1"), "{ran}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_refused() {
    let taken = sandbox().await;
    let address = taken.url().replace("http://", "");
    let ran = Place::new().run(&["sandbox", "--listen", &address]).await.exits(1);
    assert!(ran.stderr.contains("cannot listen on"), "{ran}");
    taken.stop().await;
}

#[tokio::test]
async fn a_preview_shows_what_a_push_does_and_leaves_the_target_alone() {
    let place = with_demo().await;
    let target = sandbox().await;
    drop(place.cli.run(&["push", "--yes"], at(&target)).await.exits(0));
    place.cli.files().edit("flows", |flows| flows[0]["name"] = json!("Another name"));
    place.cli.files().edit("panels", |panels| drop(panels.pop()));

    let preview = place.cli.run(&["push", "--preview", "--json"], at(&target)).await.exits(0).json();
    assert_eq!(preview["converged"], true);
    assert_eq!(preview["collections"]["flows"]["update"], 1, "{preview}");
    assert_eq!(preview["collections"]["panels"]["delete"], 1, "{preview}");
    drop(place.cli.run(&["push", "--preview"], at(&target)).await.exits(0).says("was only read"));

    // The target still differs, and the push itself does what the preview said.
    let push = place.cli.run(&["push", "--yes", "--json"], at(&target)).await.exits(0).json();
    assert_eq!(push["collections"], preview["collections"]);
    target.stop().await;
}

#[tokio::test]
async fn what_is_pulled_from_a_sandbox_is_what_was_pushed_into_it() {
    let place = with_demo().await;
    let (one, other) = (sandbox().await, sandbox().await);
    drop(place.cli.run(&["push", "--yes"], at(&one)).await.exits(0));
    drop(place.cli.run(&["pull", "--no-specs"], at(&one)).await.exits(0));
    let first = place.cli.files().files();
    drop(place.cli.run(&["push", "--yes"], at(&other)).await.exits(0));
    drop(place.cli.run(&["pull", "--no-specs"], at(&other)).await.exits(0));
    assert_eq!(first, place.cli.files().files());
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_sandbox_that_is_killed_in_the_middle_of_a_write_has_all_of_it_or_nothing() {
    const ITEMS: usize = 1500;
    let place = Place::new();
    let start = || Running::start(&place, &["--data", "killed.db", "--admin-token", ADMIN_TOKEN]);
    let running = start();
    let http = Http::new(&running.told("url")).unwrap();
    let key = json!({"field": "id", "type": "integer", "meta": {}, "schema": {"is_primary_key": true, "has_auto_increment": true}});
    let text = json!({"field": "text", "type": "text", "meta": {}, "schema": {}});
    http.post(
        "/collections",
        &json!({"collection": "notes", "meta": {}, "schema": {}, "fields": [key, text]}),
    )
    .await
    .unwrap();
    drop(running);
    let batch: Value = (0..ITEMS).map(|number| json!({"text": format!("note {number}")})).collect();
    for round in 0..4_u64 {
        let running = start();
        let http = Http::new(&running.told("url")).unwrap();
        let before = count(&http).await;
        assert_eq!(before % ITEMS, 0, "round {round} begins with {before}");
        // The answer is not waited for: it is killed at some point of the writing, a little later in each round.
        let write = tokio::time::timeout(
            std::time::Duration::from_millis(10 + 20 * round),
            http.post("/items/notes", &batch),
        );
        drop(write.await);
        drop(running);
    }
    let running = start();
    let after = count(&Http::new(&running.told("url")).unwrap()).await;
    assert_eq!(after % ITEMS, 0, "{after} items of batches of {ITEMS}");
}

async fn count(http: &Http) -> usize {
    let answer = http.get("/items/notes?aggregate[count]=*").await.unwrap();
    usize::try_from(answer[0]["count"].as_u64().unwrap()).unwrap()
}

#[tokio::test]
async fn a_preview_tells_what_would_be_lost_and_what_it_cannot_try() {
    let place = with_demo().await;
    let target = sandbox().await;
    drop(place.cli.run(&["push", "--yes"], at(&target)).await.exits(0));
    let http = Http::new(&target.url()).unwrap().with_token(Some(target.token()));
    http.post("/items/tags", &json!([{"name": "one"}, {"name": "two"}])).await.unwrap();
    place.cli.files().remove("snapshot/fields/tags/name.json");

    let ran = place.cli.run(&["push", "--preview"], at(&target)).await.exits(0);
    let ran =
        ran.says("2 values").says("Applied to a copy:").says("The push itself needs --allow-destructive");
    assert!(ran.stdout.contains(&target.url()), "{ran}");
    let report = place.cli.run(&["push", "--preview", "--json"], at(&target)).await.exits(0).json();
    assert_eq!((&report["command"], &report["instance"]["url"]), (&json!("preview"), &json!(target.url())));
    // It is as it says: the push itself refuses.
    drop(place.cli.run(&["push", "--yes"], at(&target)).await.exits(3));
    target.stop().await;
}

#[tokio::test]
async fn a_dump_is_what_a_new_database_begins_with_and_overwrites_no_other() {
    let place = with_demo().await;
    let arguments = ["--data", "kept.db", "--from", "directus-config"];
    assert_eq!(Running::start(&place, &arguments).terminate(), 0);
    let ran = place.run(&["sandbox", "--data", "kept.db", "--from", "directus-config"]).await.exits(3);
    assert!(ran.stderr.contains("kept.db has content already"), "{ran}");
}

#[tokio::test]
async fn a_demo_replaces_no_folder_but_its_own() {
    let place = Place::with_dump();
    let before = place.cli.files().files();
    let ran = place.run(&["demo", "--dump-path", "directus-config"]).await.exits(3);
    assert!(ran.stderr.contains("is no folder of a demo"), "{ran}");
    assert_eq!(before, place.cli.files().files());
    for _ in 0..2 {
        drop(place.run(&["demo", "--json"]).await.exits(0).json());
    }
}

#[tokio::test]
async fn a_database_has_one_sandbox_and_keeps_its_token() {
    let place = Place::new();
    let first = Running::start(&place, &["--data", "one.db"]);
    let ran = place.run(&["sandbox", "--data", "one.db"]).await.exits(1);
    assert!(ran.stderr.contains("in use by another sandbox"), "{ran}");
    let token = first.told("token");
    assert_eq!(first.terminate(), 0);
    let again = Running::start(&place, &["--data", "one.db"]);
    assert_eq!(again.told("token"), token);
    drop(place.run(&["sandbox", "--admin-token", ""]).await.exits(64));
}
