//! Two or more instances with the same schema, and a daemon between them.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockstep_directus::items::{self, Endpoint, Query};
use lockstep_directus::{Auth, Client, ClientOptions, Request, RetryPolicy};
use lockstep_live::journal::Journal;
use lockstep_live::{Initial, Live, LiveConfig, LiveError};
use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::proxy::Proxy;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// So long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Instance {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) proxy: Proxy,
}

pub(crate) struct Stage {
    pub(crate) instances: Vec<Instance>,
    pub(crate) place: TempDir,
}

pub(crate) const NAMES: [&str; 3] = ["a", "b", "c"];

impl Stage {
    pub(crate) async fn new(count: usize) -> Self {
        let mut instances = Vec::new();
        for _ in 0..count {
            let sandbox = Sandbox::start(Options::default()).await.unwrap();
            let proxy = Proxy::start(&sandbox.url()).await.unwrap();
            let client = client(&sandbox.url(), sandbox.token());
            model(&client).await;
            instances.push(Instance { sandbox, client, proxy });
        }
        Self { instances, place: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.place.path().join("live.db")
    }

    /// A configuration of these routes, quick and without WebSockets; `change` may say otherwise.
    pub(crate) fn config(&self, routes: Value, change: impl FnOnce(&mut Value)) -> LiveConfig {
        let peers: Map<String, Value> = self
            .instances
            .iter()
            .zip(NAMES)
            .map(|(it, name)| (name.to_owned(), json!({"url": it.proxy.url(), "token": it.sandbox.token()})))
            .collect();
        let mut value = json!({
            "journal": self.journal(), "peers": peers, "routes": routes, "poll": 0.1, "websocket": false,
        });
        change(&mut value);
        LiveConfig::read(&value, |_| Err("no profiles".to_owned())).unwrap()
    }

    pub(crate) async fn run(&self, config: LiveConfig) -> Daemon {
        Daemon::start(config, Initial::Refuse).await.unwrap()
    }

    /// Waits until both instances hold the same, and nothing waits.
    pub(crate) async fn alike(&self, collections: &[&str], counted: bool) {
        let states = async || {
            let mut states = Vec::new();
            for instance in &self.instances {
                states.push(state(&instance.client, collections, counted).await);
            }
            states
        };
        let alike = async {
            loop {
                let states = states().await;
                if states.iter().all(|state| *state == states[0]) && self.is_quiet() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, alike).await.is_err() {
            let journal = Journal::visit(&self.journal()).unwrap();
            let status = lockstep_live::status::Status::read(&journal).unwrap();
            panic!(
                "not alike in time: {:#?}\n{status:#?}\n{:#?}",
                states().await,
                journal.dead_letters().unwrap()
            );
        }
    }

    pub(crate) async fn ready(&self) {
        until("it is ready", || async { self.is_quiet() }).await;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        let journal = Journal::visit(&self.journal()).unwrap();
        let status = lockstep_live::status::Status::read(&journal).unwrap();
        !status.routes.is_empty()
            && status.routes.values().all(|route| route.queue.waiting == 0 && route.state.ready)
    }
}

/// What instances hold, in words that do not depend on counted keys.
pub(crate) async fn state(client: &Client, collections: &[&str], counted: bool) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for collection in collections {
        let mut rows = rows(client, collection).await;
        // Each server has moments of its own, and counted keys.
        let made = ["created", "changed", "tags"];
        let keys = ["id", "posts_id", "tags_id", "author"];
        for row in &mut rows {
            let is_own = |name: &str| made.contains(&name) || (counted && keys.contains(&name));
            row.as_object_mut().unwrap().retain(|name, _| !is_own(name));
        }
        rows.sort_by_key(Value::to_string);
        all.push(rows);
    }
    all
}

/// A running daemon. It is killed when it is dropped.
pub(crate) struct Daemon {
    pub(crate) task: JoinHandle<Result<(), LiveError>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Daemon {
    pub(crate) async fn start(config: LiveConfig, initial: Initial) -> Result<Self, LiveError> {
        let live = Live::open(config, initial).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(live.run(async {
            stopped.await.ok();
        }));
        Ok(Self { task, stop: Some(stop) })
    }

    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.task).await.unwrap().unwrap();
    }

    /// As if the process were killed.
    pub(crate) async fn kill(mut self, journal: &Path) {
        self.task.abort();
        (&mut self.task).await.ok();
        // Its own tasks end a moment later.
        until("the journal is free", || async { Journal::open(journal).is_ok() }).await;
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn client(url: &str, token: &str) -> Client {
    let options = ClientOptions { retry: RetryPolicy::never(), ..ClientOptions::default() };
    Client::new(url, Auth::Token(SecretString::from(token.to_owned())), options).unwrap()
}

pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let asked = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

pub(crate) async fn rows(client: &Client, collection: &str) -> Vec<Value> {
    let query = Query::new().limit(-1).fields(["*"]).sort(["id"]);
    let page = items::list(client, &Endpoint::of(collection), &query).await.unwrap();
    page.data.into_iter().map(Value::Object).collect()
}

pub(crate) async fn create(client: &Client, collection: &str, item: Value) -> Value {
    let made = items::create_many(client, &Endpoint::of(collection), &[item], &["id"]).await.unwrap();
    made[0]["id"].clone()
}

pub(crate) async fn update(client: &Client, collection: &str, key: &Value, values: Value) {
    let keys = std::slice::from_ref(key);
    items::update_keys(client, &Endpoint::of(collection), keys, &values, &["id"]).await.unwrap();
}

pub(crate) async fn delete(client: &Client, collection: &str, key: &Value) {
    items::delete_many(client, &Endpoint::of(collection), std::slice::from_ref(key)).await.unwrap();
}

/// Authors and tags with counted keys, posts with UUIDs, a junction, a tree of posts, covers.
async fn model(client: &Client) {
    let key = |kind: &str| match kind {
        "uuid" => {
            json!({"field": "id", "type": "uuid", "meta": {"special": ["uuid"]}, "schema": {"is_primary_key": true}})
        }
        _ => {
            json!({"field": "id", "type": "integer", "schema": {"is_primary_key": true, "has_auto_increment": true}})
        }
    };
    let text = |name: &str| json!({"field": name, "type": "string", "schema": {}, "meta": {}});
    let whole = |name: &str| json!({"field": name, "type": "integer", "schema": {}, "meta": {}});
    let uuid = |name: &str| json!({"field": name, "type": "uuid", "schema": {}, "meta": {}});
    let made = |name: &str, special: &str| json!({"field": name, "type": "timestamp", "schema": {}, "meta": {"special": [special]}});
    let m2m = json!({"field": "tags", "type": "alias", "meta": {"special": ["m2m"]}});
    for (collection, fields) in [
        ("authors", vec![key("integer"), text("name"), text("note")]),
        (
            "tags",
            vec![
                key("integer"),
                json!({"field": "name", "type": "string", "schema": {"is_unique": true}, "meta": {}}),
            ],
        ),
        (
            "posts",
            vec![
                key("uuid"),
                text("title"),
                text("body"),
                text("status"),
                whole("author"),
                uuid("parent"),
                uuid("cover"),
                made("created", "date-created"),
                made("changed", "date-updated"),
                m2m,
            ],
        ),
        ("posts_tags", vec![key("integer"), uuid("posts_id"), whole("tags_id")]),
    ] {
        let body = json!({"collection": collection, "schema": {}, "meta": {}, "fields": fields});
        client.send(&Request::post("/collections").json(body)).await.unwrap();
    }
    for (collection, field, related, on_delete, meta) in [
        ("posts", "author", "authors", "SET NULL", json!({})),
        ("posts", "parent", "posts", "SET NULL", json!({})),
        ("posts", "cover", "directus_files", "SET NULL", json!({})),
        (
            "posts_tags",
            "posts_id",
            "posts",
            "CASCADE",
            json!({"one_field": "tags", "junction_field": "tags_id"}),
        ),
        ("posts_tags", "tags_id", "tags", "CASCADE", json!({"junction_field": "posts_id"})),
    ] {
        let body = json!({
            "collection": collection, "field": field, "related_collection": related,
            "schema": {"on_delete": on_delete}, "meta": meta,
        });
        client.send(&Request::post("/relations").json(body)).await.unwrap();
    }
}
