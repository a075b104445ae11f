//! Live replication, from end to end on the sandbox: the daemon is the program itself, and is killed as programs are.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::directus::Http;
use lockstep_testkit::project;
use serde_json::{Value, json};

use crate::place::Place;

/// So long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(60);

struct Stage {
    place: Place,
    sandboxes: [Sandbox; 2],
    https: [Http; 2],
}

impl Stage {
    async fn new(more: Value) -> Self {
        let sandboxes = [
            Sandbox::start(Options::default()).await.unwrap(),
            Sandbox::start(Options::default()).await.unwrap(),
        ];
        let http = |sandbox: &Sandbox| Http::new(&sandbox.url()).unwrap().with_token(Some(sandbox.token()));
        let https = [http(&sandboxes[0]), http(&sandboxes[1])];
        for http in &https {
            project::content(http).await.unwrap();
        }
        let place = Place::new();
        let mut live = json!({
            "poll": 0.1,
            "peers": {
                "a": {"url": sandboxes[0].url(), "token": "${A_TOKEN}"},
                "b": {"profile": "second"},
            },
            "routes": [{"from": "a", "to": "b", "mode": "both", "collections": ["authors"]}],
        });
        for (name, value) in more.as_object().unwrap() {
            live[name] = value.clone();
        }
        let config = json!({
            "profiles": {"second": {"directusUrl": sandboxes[1].url(), "directusToken": "${B_TOKEN}"}},
            "live": live,
        });
        place.file("lockstep.config.json", &config.to_string());
        place.file(".env", &format!("A_TOKEN={}\nB_TOKEN={}\n", sandboxes[0].token(), sandboxes[1].token()));
        Self { place, sandboxes, https }
    }

    fn start(&self) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        let command = command.args(["live", "run", "--json"]).current_dir(self.place.cli.dir());
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    async fn names(&self, side: usize) -> Vec<String> {
        let found = self.https[side].get("/items/authors?limit=-1").await.unwrap();
        let mut names: Vec<String> =
            found.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    async fn author(&self, side: usize, name: &str) {
        self.https[side].post("/items/authors", &json!({"name": name})).await.unwrap();
    }

    async fn until_both_have(&self, names: &[&str]) {
        let asked = async {
            while self.names(0).await != names || self.names(1).await != names {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, asked).await.is_ok();
        assert!(in_time, "{:?} {:?}", self.names(0).await, self.names(1).await);
    }
}

/// The daemon. It is killed when it is dropped.
struct Running(Child);

impl Running {
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to stop as a service manager does.
    fn terminate(mut self) -> i32 {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.0.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn what_happens_while_the_daemon_is_dead_is_not_lost() {
    let stage = Stage::new(json!({})).await;
    let ran = stage.place.run(&["live", "check"]).await.exits(0);
    assert!(ran.stdout.contains("answers") && ran.stdout.contains("a → b"), "{ran}");
    stage.author(0, "Ann").await;
    let daemon = stage.start();
    stage.until_both_have(&["Ann"]).await;
    daemon.kill();
    stage.author(1, "Bob").await;
    let daemon = stage.start();
    stage.until_both_have(&["Ann", "Bob"]).await;
    // A second one is refused while the first one runs.
    let ran = stage.place.run(&["live", "run"]).await.exits(1);
    assert!(ran.stderr.contains("in use"), "{ran}");
    let status = stage.place.run(&["live", "status", "--json"]).await.exits(0).json();
    assert_eq!(status["routes"]["a>b"]["tracked"], 2, "{status:#}");
    let shown = stage.place.run(&["live", "status"]).await.exits(0);
    assert!(shown.stdout.contains("running") && shown.stdout.contains("nothing waits"), "{shown}");
    assert_eq!(daemon.terminate(), 0);
    let dry = stage.place.run(&["live", "reconcile", "--dry-run"]).await.exits(0);
    assert!(dry.stdout.contains("in step"), "{dry}");
    for list in ["conflicts", "dead-letters"] {
        assert!(stage.place.run(&["live", list]).await.exits(0).stdout.starts_with("No "));
    }
    let ran = stage.place.run(&["live", "retry", "--route", "a>c"]).await.exits(3);
    assert!(ran.stderr.contains("the routes are a>b"), "{ran}");
    for name in fs::read_dir(stage.place.cli.dir()).unwrap() {
        let path = name.unwrap().path();
        let is_journal = path.file_name().unwrap().to_string_lossy().starts_with("live.db");
        let held = is_journal
            && fs::read(&path)
                .unwrap()
                .windows(32)
                .any(|part| stage.sandboxes[0].token().as_bytes().starts_with(part));
        assert!(!held, "{} holds a token", path.display());
    }
}

#[tokio::test]
async fn a_user_of_its_own_is_enough() {
    let stage = Stage::new(json!({"notify": {"a": []}})).await;
    fs::remove_file(stage.place.cli.dir().join(".env")).unwrap();
    let mut tokens = String::new();
    for (side, peer) in ["a", "b"].into_iter().enumerate() {
        let admin = stage.sandboxes[side].token();
        stage.place.file(".env", &format!("B_TOKEN={}\n", stage.sandboxes[1].token()));
        let made = stage.place.run(&["live", "setup", peer, "--json", "-t", admin]).await.exits(0).json();
        assert!(made["rights"].as_array().unwrap().len() > 3, "{made:#}");
        tokens += &format!("{}_TOKEN={}\n", peer.to_uppercase(), made["token"].as_str().unwrap());
    }
    stage.place.file(".env", &tokens);
    drop(stage.place.run(&["live", "check"]).await.exits(0));
    stage.author(0, "Ann").await;
    stage.author(1, "Bob").await;
    let daemon = stage.start();
    // Both have records of their own, whose counted keys say nothing.
    let refused = stage.place.run(&["live", "run"]).await;
    assert_ne!(refused.code, 0);
    drop(daemon);
    let ran = stage.place.run(&["live", "run"]).await.exits(3);
    assert!(ran.stderr.contains("--initial source"), "{ran}");
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let place = Place::new();
    let ran = place.run(&["live", "run"]).await.exits(64);
    assert!(ran.stderr.contains("no configuration file has the key \"live\""), "{ran}");
    let stage = Stage::new(json!({"routes": [
        {"from": "a", "to": "a", "collections": ["authors"]}, {"from": "a", "to": "x", "collections": []},
    ]}))
    .await;
    let ran = stage.place.run(&["live", "check"]).await.exits(3);
    for part in ["a route from \"a\" to itself", "no peer \"x\"", "there is no collection"] {
        assert!(ran.stderr.contains(part), "{part}: {ran}");
    }
    let ran = stage.place.run(&["live", "status"]).await.exits(3);
    assert!(ran.stderr.contains("no peer"), "{ran}");
    let stage = Stage::new(json!({})).await;
    let ran = stage.place.run(&["live", "status"]).await.exits(1);
    assert!(ran.stderr.contains("there is no journal"), "{ran}");
}

#[tokio::test]
async fn remotes_of_the_data_sync_extension_become_routes() {
    let stage = Stage::new(json!({})).await;
    let fields: Vec<Value> = ["status", "url", "api_key"]
        .map(|name| json!({"field": name, "type": "string", "schema": {}, "meta": {}}))
        .into_iter()
        .chain([json!({"field": "schema", "type": "json", "schema": {}, "meta": {}})])
        .collect();
    let collection =
        json!({"collection": "data_sync_remote_sources", "schema": {}, "meta": {}, "fields": fields});
    stage.https[1].post("/collections", &collection).await.unwrap();
    let remote = json!({
        "status": "published", "url": format!("{}/", stage.sandboxes[0].url()), "api_key": "s3cret-of-a",
        "schema": [{"collection": "authors", "fields": ["name"]}],
    });
    stage.https[1].post("/items/data_sync_remote_sources", &remote).await.unwrap();
    let ran = stage.place.run(&["live", "import-remotes", "second", "--env", "tokens.env"]).await.exits(0);
    let live = ran.json()["live"].clone();
    assert_eq!(
        live["routes"],
        json!([{
            "from": "second", "to": "peer2", "mode": "one", "collections": [{"collection": "authors", "fields": ["name"]}],
        }])
    );
    assert_eq!(live["peers"]["peer2"]["token"], "${LOCKSTEP_PEER2_TOKEN}");
    assert!(!format!("{ran}").contains("s3cret-of-a"), "{ran}");
    let written = fs::read_to_string(stage.place.cli.dir().join("tokens.env")).unwrap();
    assert_eq!(written, "LOCKSTEP_PEER2_TOKEN=s3cret-of-a\n");
}
