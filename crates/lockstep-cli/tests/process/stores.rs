//! Mappings go from one store to another, and none is lost whatever happens on the way.

use lockstep_sandbox::{Mappings, Options, Sandbox};
use lockstep_testkit::cli::{At, Ran};
use lockstep_testkit::directus::{ADMIN_TOKEN, Http};
use lockstep_testkit::proxy::{Fault, Proxy, Rule};
use serde_json::{Value, json};

use crate::place::Place;

const BATCH: &str = "/directus-extension-sync/mappings";

/// An instance with some mappings in one kind of store.
struct Stage {
    place: Place,
    _sandbox: Sandbox,
    proxy: Proxy,
}

impl Stage {
    async fn with(mappings: Mappings, state: &str) -> Self {
        let options = Options { mappings, admin_token: Some(ADMIN_TOKEN.to_owned()), ..Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let proxy = Proxy::start(&sandbox.url()).await.unwrap();
        let stage = Self { place: Place::new(), _sandbox: sandbox, proxy };
        let id = json!({"field": "id", "type": "integer", "schema": {"is_primary_key": true}, "meta": {}});
        let posts = json!({"collection": "posts", "meta": {}, "schema": {}, "fields": [id]});
        stage.send("POST", "/collections", posts).await;
        for (table, count) in [("roles", 3), ("permissions", 20), ("items::posts", 2), ("users", 1)] {
            for n in 0..count {
                let mapping = json!({"sync_id": format!("of-the-dump-{n}"), "local_id": n});
                stage.send("POST", &format!("/directus-extension-sync/table/{table}"), mapping).await;
            }
        }
        if state != "extension" {
            drop(stage.moved(&["--to", state, "--yes"]).await);
        }
        stage.proxy.clear();
        stage
    }

    async fn send(&self, method: &str, path: &str, body: Value) {
        let http = Http::new(&self.proxy.url()).unwrap();
        let answer = http.request(method, path, Some(&body)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        self.place.cli.run(arguments, At::from(&self.proxy)).await
    }

    /// What a store holds.
    async fn held(&self, state: &str) -> Value {
        let shown = self.run(&["state", "show", "--json", "--state", state]).await.exits(0).json();
        assert_eq!(shown["state"], state);
        shown["mappings"].clone()
    }

    async fn moved(&self, arguments: &[&str]) -> Value {
        let all: Vec<&str> = ["state", "move", "--json"].iter().chain(arguments).copied().collect();
        self.run(&all).await.exits(0).json()
    }
}

fn count(held: &Value) -> usize {
    held.as_array().unwrap().len()
}

#[tokio::test]
async fn mappings_go_around_all_stores() {
    for mappings in [Mappings::DirectusSync, Mappings::Lockstep] {
        let stage = Stage::with(mappings, "table").await;
        let held = stage.held("table").await;
        assert_eq!(count(&held), 26, "{held:#}");
        for (from, to) in
            [("table", "extension"), ("extension", "file"), ("file", "table"), ("table", "file")]
        {
            let moved = stage.moved(&["--to", to, "--yes"]).await;
            let expected = json!({"from": from, "to": to, "mappings": count(&held), "added": count(&held), "emptied": true});
            assert_eq!(moved, expected);
            assert_eq!(
                (stage.held(to).await, count(&stage.held(from).await)),
                (held.clone(), 0),
                "{from} {to}"
            );
        }
        let again = stage.run(&["state", "move", "--to", "file"]).await.exits(0);
        drop(again.says("Nothing to move: no other store holds any"));
    }
}

#[tokio::test]
async fn nobody_s_answer_is_no_consent() {
    let stage = Stage::with(Mappings::Lockstep, "table").await;
    let held = stage.held("table").await;
    let ran = stage.run(&["state", "move", "--to", "file", "--from", "table"]).await.exits(0);
    drop(ran.says("Copied: ").says("The table still holds them").says("--state file"));
    assert_eq!((stage.held("table").await, stage.held("file").await), (held.clone(), held.clone()));
    // Two hold some now, and the third does not know which is meant.
    let told = stage.run(&["state", "move", "--to", "extension"]).await.exits(3);
    drop(told.says("the table and the file hold mappings").says("--from"));
    let moved = stage.moved(&["--to", "file", "--from", "table", "-y"]).await;
    assert_eq!((moved["added"].as_u64(), moved["emptied"].as_bool()), (Some(0), Some(true)));
    assert_eq!((stage.held("file").await, count(&stage.held("table").await)), (held, 0));
}

#[tokio::test]
async fn stores_that_contradict_each_other_stay() {
    let stage = Stage::with(Mappings::Lockstep, "table").await;
    drop(stage.run(&["state", "move", "--to", "extension"]).await.exits(0));
    let held = stage.held("table").await;
    let role = held.as_array().unwrap().iter().find(|one| one["collection"] == "roles").unwrap();
    let other = json!({"create": [{"table": "roles", "sync_id": role["sync_id"], "local_id": "elsewhere"}]});
    stage.send("PATCH", BATCH, other).await;
    let ran = stage.run(&["state", "move", "--to", "extension", "--yes"]).await.exits(3);
    drop(ran.says("contradict each other, and nothing was written").says(" of roles is ").says("elsewhere"));
    assert_eq!(stage.held("table").await, held);
}

#[tokio::test]
async fn a_move_that_is_cut_short_loses_nothing_and_is_completed() {
    let boom = r#"{"errors":[{"message":"boom"}]}"#;
    for (what, method, path, fault, says) in [
        (
            "the copy fails",
            "PATCH",
            BATCH,
            Fault::respond(500, boom),
            "the table holds all mappings as before",
        ),
        // It says that it was done, and it was not.
        ("the copy is none", "PATCH", BATCH, Fault::respond(200, "{}"), "may hold a part of them"),
        (
            "the end fails",
            "DELETE",
            "/items/lockstep_state",
            Fault::respond(500, boom),
            "not emptied completely",
        ),
    ] {
        let stage = Stage::with(Mappings::Lockstep, "table").await;
        let held = stage.held("table").await;
        stage.proxy.fault(Rule::new(fault).method(method).path(path).first(1));
        let ran = stage.run(&["state", "move", "--to", "extension", "--yes"]).await.exits(4);
        drop(ran.says(says).says("run it again"));
        assert_eq!(stage.held("table").await, held, "{what}");
        drop(stage.moved(&["--to", "extension", "--yes"]).await);
        assert_eq!((stage.held("extension").await, count(&stage.held("table").await)), (held, 0), "{what}");
    }
}

#[tokio::test]
async fn a_store_is_not_moved_to_itself() {
    let place = Place::new();
    for arguments in [["--to", "table", "--from", "table"], ["--to", "auto", "--from", "table"]] {
        let all: Vec<&str> = ["state", "move"].into_iter().chain(arguments).collect();
        drop(place.cli.run(&all, At::new("http://127.0.0.1:9", "t")).await.exits(64));
    }
}

#[tokio::test]
async fn a_push_with_batches_takes_few_requests() {
    let place = Place::new();
    drop(place.run(&["demo", "--dump-path", "directus-config"]).await.exits(0));
    let mut requests = Vec::new();
    for mappings in [Mappings::DirectusSync, Mappings::Lockstep] {
        let options = Options { mappings, admin_token: Some(ADMIN_TOKEN.to_owned()), ..Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let proxy = Proxy::start(&sandbox.url()).await.unwrap();
        let ran = place.cli.run(&["push", "--yes", "--state", "extension"], At::from(&proxy)).await;
        drop(ran.exits(0));
        requests.push(proxy.requests().iter().filter(|seen| seen.path.contains("extension-sync")).count());
    }
    assert!(requests[0] > 40 && requests[1] <= 4, "{requests:?}");
}
