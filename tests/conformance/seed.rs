//! Seeds on real servers, and beside npm directus-sync.

use lockstep_testkit::cache::Cache;
use lockstep_testkit::cli::{Cli, Ran};
use lockstep_testkit::directus::{Directus, Template};
use lockstep_testkit::project;
use serde_json::{Value, json};

use crate::peer::directus_sync_in;
use crate::stage::{array, on_every_version};

const POST: &str = "11111111-1111-4111-8111-111111111111";

/// Keys and references of every kind, users and files; what directus-sync can push as well where `plain`.
fn seeds(plain: bool) -> Value {
    let mentor = if plain { json!(null) } else { json!("bob") };
    let best = if plain { json!(null) } else { json!("second") };
    let mut all = json!([
        {"collection": "directus_users", "meta": {"insert_order": 1}, "data": [
            {"_sync_id": "jane", "email": "jane@example.com", "password": "seeded-pass-1", "first_name": "Jane"}]},
        {"collection": "directus_files", "meta": {"insert_order": 2}, "data": [
            {"_sync_id": "logo", "_file_path": "files/logo.txt", "title": "Logo", "uploaded_by": "jane"}]},
        {"collection": "authors", "meta": {"insert_order": 3}, "data": [
            {"_sync_id": "ann", "name": "Ann", "mentor": mentor, "best_post": best, "score": 10.5},
            {"_sync_id": "bob", "name": "Bob", "mentor": "ann", "born": "1980-01-02"}]},
        {"collection": "tags", "meta": {"insert_order": 4}, "data": [
            {"_sync_id": "rust-tag", "code": "rust", "label": "Rust"}]},
        {"collection": "posts", "meta": {"insert_order": 5, "preserve_ids": true}, "data": [
            {"_sync_id": POST, "title": "First", "author": "ann", "tag": "rust-tag", "cover": "logo",
                "published": "2024-05-01T12:00:00.000Z", "labels": ["a", "b"], "extra": {"x": [1, null]}}]},
        {"collection": "posts_tags", "meta": {"insert_order": 6}, "data": [
            {"_sync_id": "pt", "posts_id": POST, "tags_code": "rust-tag"}]},
    ]);
    if !plain {
        let list = all.as_array_mut().unwrap();
        list.push(json!({"collection": "posts_blocks", "data": [
            {"_sync_id": "b1", "posts_id": "second", "collection": "authors", "item": "bob", "sort": 1},
            {"_sync_id": "b2", "posts_id": "second", "collection": "directus_files", "item": "logo", "sort": 2}]}));
        let posts = list[4]["data"].as_array_mut().unwrap();
        posts.push(
            json!({"_sync_id": "second", "id": "22222222-2222-4222-8222-222222222222", "title": "Second",
            "favourite_of": "bob", "author": "ann"}),
        );
    }
    all
}

fn write(cli: &Cli, seeds: &Value) {
    let files = cli.files();
    std::fs::create_dir_all(files.root().join("seed/files")).unwrap();
    files.write_json("seed/all.json", seeds);
    std::fs::write(files.root().join("seed/files/logo.txt"), "the logo").unwrap();
}

async fn push(cli: &Cli, at: &Directus) -> Ran {
    let ran = cli.run(&["seed", "push", "--yes", "--json"], at).await.exits(0);
    assert_eq!(ran.json()["converged"], true, "{ran}");
    ran
}

async fn push_is_empty(cli: &Cli, at: &Directus) {
    let ran = push(cli, at).await;
    assert_eq!(ran.json()["applied"]["collections"], json!({}), "{ran}");
}

async fn items(at: &Directus, collection: &str) -> Vec<Value> {
    array(at.get(&format!("/items/{collection}?limit=-1")).await.unwrap())
}

async fn instance(version: &str) -> Directus {
    let directus = Directus::builder(version).start().await.unwrap();
    project::content(directus.http()).await.unwrap();
    directus
}

async fn seeds_arrive_change_and_go(version: &str) {
    let at = instance(version).await;
    let cli = Cli::new();
    write(&cli, &seeds(false));
    let created = push(&cli, &at).await.json();
    assert_eq!(created["applied"]["collections"]["authors"]["created"], 2);
    push_is_empty(&cli, &at).await;

    let authors = items(&at, "authors").await;
    let (ann, bob) = (&authors[0], &authors[1]);
    assert_eq!((&ann["mentor"], &bob["mentor"]), (&bob["id"], &ann["id"]));
    assert_eq!(ann["best_post"], "22222222-2222-4222-8222-222222222222");
    let file = array(at.get("/files?limit=-1").await.unwrap()).remove(0);
    let jane = array(at.get("/users?filter[email][_eq]=jane@example.com").await.unwrap()).remove(0);
    assert_eq!(file["uploaded_by"], jane["id"]);
    let blocks = items(&at, "posts_blocks").await;
    assert_eq!((&blocks[0]["item"], &blocks[1]["item"]), (&json!(bob["id"].to_string()), &file["id"]));
    let login = json!({"email": "jane@example.com", "password": "seeded-pass-1"});
    assert!(at.http().with_token(None).post("/auth/login", &login).await.is_ok());

    std::fs::write(cli.files().root().join("seed/files/logo.txt"), "the LOGO").unwrap();
    let mut changed = seeds(false);
    changed[2]["data"][0]["score"] = json!("11.25");
    changed[0]["data"][0]["password"] = json!("another-pass-2");
    changed[6]["data"] = json!([]);
    cli.files().write_json("seed/all.json", &changed);
    let report = push(&cli, &at).await.json();
    let applied = &report["applied"]["collections"];
    assert_eq!(applied["authors"]["updated"], 1, "{applied}");
    assert_eq!(applied["directus_files"]["updated"], 1, "{applied}");
    assert_eq!(applied["posts_blocks"]["deleted"], 2, "{applied}");
    push_is_empty(&cli, &at).await;
    assert!(at.http().with_token(None).post("/auth/login", &login).await.is_ok());

    cli.files().write_json(
        "seed/all.json",
        &json!(
            ["posts_blocks", "posts_tags", "authors", "posts", "tags", "directus_files", "directus_users"]
                .map(|collection| json!({"collection": collection, "data": []}))
        ),
    );
    push(&cli, &at).await;
    for collection in ["posts_tags", "authors", "posts", "tags"] {
        assert!(items(&at, collection).await.is_empty(), "{collection}");
    }
    assert_eq!(array(at.get("/users").await.unwrap()).len(), 1);
}

async fn what_is_pulled_brings_another_instance_there(version: &str) {
    let (from, to) = tokio::join!(instance(version), async {
        let other = Directus::builder(version).template(Template::B).start().await.unwrap();
        project::content(other.http()).await.unwrap();
        other
    });
    // Made by hand: nothing maps these.
    let author = from.post("/items/authors", &json!({"name": "Ann"})).await.unwrap();
    let other = from.post("/items/authors", &json!({"name": "Bob", "mentor": author["id"]})).await.unwrap();
    from.patch(&format!("/items/authors/{}", author["id"]), &json!({"mentor": other["id"]})).await.unwrap();
    let post = json!({"id": POST, "title": "P", "author": other["id"], "published": "2024-05-01T12:00:00Z"});
    from.post("/items/posts", &post).await.unwrap();
    let block = json!({"posts_id": POST, "collection": "authors", "item": author["id"].to_string()});
    from.post("/items/posts_blocks", &block).await.unwrap();
    // On the other side the same key is another author.
    to.post("/items/authors", &json!({"name": "Of the target"})).await.unwrap();

    let cli = Cli::new();
    let pull = ["seed", "pull", "authors", "posts", "posts_blocks"];
    drop(cli.run(&pull, &from).await.exits(0).says("4 records"));
    drop(cli.run(&pull, &from).await.exits(0).says("0 files written, 3 unchanged"));
    drop(cli.run(&["seed", "diff", "--exit-code"], &from).await.exits(0));
    push(&cli, &to).await;
    push_is_empty(&cli, &to).await;
    push_is_empty(&cli, &from).await;
    let authors = items(&to, "authors").await;
    let names: Vec<_> = authors.iter().map(|author| author["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let named = |name: &str| authors.iter().find(|author| author["name"] == name).unwrap();
    assert_eq!(named("Ann")["mentor"], named("Bob")["id"]);
    assert_eq!(items(&to, "posts").await[0]["id"], POST);
    assert_eq!(items(&to, "posts_blocks").await[0]["item"], named("Ann")["id"].to_string());
}

on_every_version!(seeds_arrive_change_and_go, what_is_pulled_brings_another_instance_there);

/// A server that sends three rows at most, whatever it is asked for.
#[tokio::test]
async fn a_limit_of_rows_hides_nothing() {
    let at = Directus::builder("11.17.4").env("QUERY_LIMIT_MAX", "3").start().await.unwrap();
    project::content(at.http()).await.unwrap();
    let author =
        |n: usize| json!({"_sync_id": format!("a{n}"), "name": "A", "mentor": format!("a{}", n / 2)});
    let post = |n: usize| json!({"_sync_id": format!("p{n}"), "title": "P", "author": format!("a{n}")});
    let cli = Cli::new();
    let seeds = json!([
        {"collection": "posts", "data": (0..10).map(post).collect::<Vec<_>>()},
        {"collection": "authors", "data": (0..10).map(author).collect::<Vec<_>>()},
    ]);
    write(&cli, &seeds);
    push(&cli, &at).await;
    push_is_empty(&cli, &at).await;
    let pull = ["seed", "pull", "authors", "posts", "--seed-path", "pulled"];
    drop(cli.run(&pull, &at).await.exits(0).says("20 records"));
    drop(cli.run(&["seed", "diff", "--exit-code", "--seed-path", "pulled"], &at).await.exits(0));
}

/// What both tools left: items without what the server makes by itself, and the mappings.
async fn portrait(at: &Directus) -> Value {
    let mut all = json!({});
    for collection in ["authors", "posts", "tags", "posts_tags"] {
        let mut rows = items(at, collection).await;
        for row in &mut rows {
            let row = row.as_object_mut().unwrap();
            row.shift_remove("date_created");
            row.shift_remove("cover");
        }
        all[collection] = rows.into();
        let table = format!("/directus-extension-sync/table/items::{collection}");
        let mut mappings = array(at.http().request("GET", &table, None).await.unwrap().body);
        mappings.sort_by_key(|row| row["sync_id"].to_string());
        let pair = |row: &Value| json!([row["sync_id"], row["local_id"]]);
        all["mappings"][collection] = mappings.iter().map(pair).collect();
    }
    for table in ["users", "files"] {
        let rows = at.http().request("GET", &format!("/directus-extension-sync/table/{table}"), None).await;
        let rows = array(rows.unwrap().body);
        all["mappings"][table] = rows.iter().map(|row| row["sync_id"].clone()).collect();
    }
    all
}

/// The same seeds, by either tool, leave the same records under the same mappings, and each finds the other's work done.
#[tokio::test]
async fn directus_sync_and_lockstep_push_the_same_seeds_alike() {
    let start = async || {
        let at = Directus::builder("11.17.4").extension(true).start().await.unwrap();
        project::content(at.http()).await.unwrap();
        at
    };
    let (ours, theirs) = tokio::join!(start(), start());
    let (cli, cache) = (Cli::new(), Cache::from_env().unwrap());
    write(&cli, &seeds(true));
    let seed_path = cli.files().root().join("seed").display().to_string();
    let folder = cli.dir();
    push(&cli, &ours).await;
    let by_peer = ["seed", "push", "--seed-path", &seed_path];
    drop(directus_sync_in(&cache, &by_peer, &theirs, folder).await);
    assert_eq!(portrait(&ours).await, portrait(&theirs).await);

    push_is_empty(&cli, &theirs).await;
    let told = directus_sync_in(&cache, &["seed", "diff", "--seed-path", &seed_path], &ours, folder).await;
    assert!(!told.contains("To create") && !told.contains("To delete"), "{told}");

    let mut changed = seeds(true);
    changed[2]["data"] = json!([{"_sync_id": "ann", "name": "Anna", "mentor": null}]);
    changed[5]["data"] = json!([]);
    cli.files().write_json("seed/all.json", &changed);
    push(&cli, &theirs).await;
    drop(directus_sync_in(&cache, &by_peer, &ours, folder).await);
    assert_eq!(portrait(&ours).await, portrait(&theirs).await);
    push_is_empty(&cli, &ours).await;
}
