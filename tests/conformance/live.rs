//! Live replication between real servers, by users of their own, with WebSockets and through a proxy that loses answers.

use std::path::Path;
use std::time::Duration;

use lockstep_live::journal::Journal;
use lockstep_live::status::Status;
use lockstep_live::{Initial, Live, LiveConfig};
use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::{Directus, Template};
use lockstep_testkit::project;
use lockstep_testkit::proxy::{Fault, Proxy, Rule};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::stage::{array, live_users, on_every_version};

const PATIENCE: Duration = Duration::from_secs(120);
const POST: &str = "11111111-1111-4111-8111-111111111111";

async fn instance(version: &str, template: Template) -> Directus {
    let directus = Directus::builder(version).template(template).start().await.unwrap();
    project::content(directus.http()).await.unwrap();
    directus
}

async fn items(at: &Directus, collection: &str) -> Vec<Value> {
    let mut rows = array(at.get(&format!("/items/{collection}?limit=-1")).await.unwrap());
    rows.sort_by_key(|row| row["name"].to_string());
    rows
}

async fn names(at: &Directus) -> Vec<String> {
    items(at, "authors").await.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F, journal: &Path) {
    let asked = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, asked).await.is_err() {
        let journal = Journal::visit(journal).unwrap();
        let status = Status::read(&journal).unwrap();
        let (letters, conflicts) = (journal.dead_letters().unwrap(), journal.conflicts(false, 9).unwrap());
        panic!("not in time: {what}\n{status:#?}\n{letters:#?}\n{conflicts:#?}");
    }
}

async fn run(live: &Value, journal: &Path) -> JoinHandle<()> {
    let mut live = live.clone();
    live["journal"] = json!(journal);
    let config = LiveConfig::read(&live, |_| Err("no profiles".to_owned())).unwrap();
    let live = Live::open(config, Initial::Refuse).await.unwrap();
    tokio::spawn(async { live.run(std::future::pending()).await.unwrap() })
}

async fn kill(daemon: JoinHandle<()>, journal: &Path) {
    daemon.abort();
    // It ends by being aborted.
    let _ = daemon.await;
    until("the journal is free", || async { Journal::open(journal).is_ok() }, journal).await;
}

/// Makes the users, and gives the configuration with their tokens.
async fn set_up(cli: &Cli, a: &Directus, b: &Directus, proxy: &Proxy) -> Value {
    let mut live = json!({
        "poll": 0.5,
        "peers": {"a": {"url": a.url(), "token": "-"}, "b": {"url": b.url(), "token": "-"}},
        "routes": [{"from": "a", "to": "b", "mode": "both", "files": true, "collections": ["authors", "tags", "posts"]}],
    });
    let config = live_users(cli, &mut live).await;
    drop(cli.run_bare(&["live", "check", "-c", &config]).await.exits(0).says("answers"));
    live["peers"]["b"]["url"] = json!(proxy.url());
    live
}

async fn both_sides_come_to_the_same(version: &str) {
    let (a, b) = tokio::join!(instance(version, Template::A), instance(version, Template::B));
    let proxy = Proxy::start(&b.url()).await.unwrap();
    let cli = Cli::new();
    let live = set_up(&cli, &a, &b, &proxy).await;
    // Counted keys are others there.
    let gone = b.post("/items/authors", &json!({"name": "Gone"})).await.unwrap()["id"].clone();
    b.delete(&format!("/items/authors/{gone}"), None).await.unwrap();
    let ann = a.post("/items/authors", &json!({"name": "Ann", "score": "1.50"})).await.unwrap()["id"].clone();
    let bob = a.post("/items/authors", &json!({"name": "Bob", "mentor": ann})).await.unwrap()["id"].clone();
    a.patch(&format!("/items/authors/{ann}"), &json!({"mentor": bob})).await.unwrap();
    a.post("/items/tags", &json!({"code": "rust", "label": "Rust"})).await.unwrap();
    let post = json!({"id": POST, "title": "First", "author": bob, "tag": "rust", "labels": ["a"], "extra": {"x": [1, null]}});
    a.post("/items/posts", &post).await.unwrap();
    a.post(
        "/items/posts_blocks",
        &json!({"posts_id": POST, "collection": "authors", "item": ann.to_string()}),
    )
    .await
    .unwrap();
    a.post("/items/posts_tags", &json!({"posts_id": POST, "tags_code": "rust"})).await.unwrap();

    let journal = cli.dir().join("live.db");
    // The answer to the first creation is lost.
    proxy.fault(Rule::new(Fault::DropAfter).method("POST").path("/items/authors").nth(1));
    let daemon = run(&live, &journal).await;
    until(
        "everything came",
        || async { items(&b, "posts_blocks").await.len() == 1 && items(&b, "posts_tags").await.len() == 1 },
        &journal,
    )
    .await;
    assert_eq!(names(&b).await, ["Ann", "Bob"]);
    let there = items(&b, "authors").await;
    assert_ne!(there[0]["id"], ann);
    until(
        "the circle is closed",
        || async {
            let there = items(&b, "authors").await;
            there[0]["mentor"] == there[1]["id"] && there[1]["mentor"] == there[0]["id"]
        },
        &journal,
    )
    .await;
    let post = items(&b, "posts").await.remove(0);
    assert_eq!((&post["id"], &post["author"], &post["tag"]), (&json!(POST), &there[1]["id"], &json!("rust")));
    assert_eq!(items(&b, "posts_blocks").await[0]["item"], json!(there[0]["id"].to_string()));

    // While nobody replicates, both sides change different fields of one record, and new ones come.
    kill(daemon, &journal).await;
    a.patch(&format!("/items/posts/{POST}"), &json!({"title": "Of a"})).await.unwrap();
    b.patch(&format!("/items/posts/{POST}"), &json!({"labels": ["of b"]})).await.unwrap();
    b.post("/items/authors", &json!({"name": "Cid"})).await.unwrap();
    let daemon = run(&live, &journal).await;
    until(
        "it is merged",
        || async {
            let (here, there) = (items(&a, "posts").await.remove(0), items(&b, "posts").await.remove(0));
            [here, there].iter().all(|post| post["title"] == "Of a" && post["labels"] == json!(["of b"]))
        },
        &journal,
    )
    .await;
    until("the new one came", || async { names(&a).await == ["Ann", "Bob", "Cid"] }, &journal).await;
    let cid = items(&a, "authors").await.remove(2)["id"].clone();
    a.delete(&format!("/items/authors/{cid}"), None).await.unwrap();
    let visit = Journal::visit(&journal).unwrap();
    until("it is gone", || async { names(&b).await == ["Ann", "Bob"] }, &journal).await;
    until("it is quiet", || async { visit.queue("a>b").unwrap().waiting == 0 }, &journal).await;
    assert_eq!(visit.dead_letters().unwrap(), []);
    kill(daemon, &journal).await;
}

on_every_version!(both_sides_come_to_the_same);
