//! Content by files, and straight from one instance to another, on real servers.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::{ADMIN_TOKEN, Directus, Template};
use lockstep_testkit::project;
use serde_json::{Value, json};

use crate::stage::{array, on_every_version};

const POST: &str = "11111111-1111-4111-8111-111111111111";

async fn instance(version: &str, template: Option<Template>) -> Directus {
    let builder = Directus::builder(version);
    let builder = match template {
        Some(template) => builder.template(template),
        None => builder,
    };
    let directus = builder.start().await.unwrap();
    project::content(directus.http()).await.unwrap();
    directus
}

async fn items(at: &Directus, collection: &str) -> Vec<Value> {
    array(at.get(&format!("/items/{collection}?limit=-1")).await.unwrap())
}

/// Items with references of every kind, and a file.
async fn fill(cli: &Cli, at: &Directus) -> Value {
    let uploads = cli.files().root().join("uploads");
    std::fs::create_dir_all(&uploads).unwrap();
    let file = json!([{"collection": "directus_files", "data": [
        {"_sync_id": "logo", "_file_path": "logo.txt", "filename_download": "logo.txt", "title": "Logo"}]}]);
    cli.files().write_json("uploads/all.json", &file);
    std::fs::write(uploads.join("logo.txt"), "the logo").unwrap();
    let uploads = uploads.display().to_string();
    drop(cli.run(&["seed", "push", "--yes", "--seed-path", &uploads], at).await.exits(0));
    let file = array(at.get("/files?limit=-1").await.unwrap()).remove(0)["id"].clone();
    let ann = at.post("/items/authors", &json!({"name": "Ann"})).await.unwrap()["id"].clone();
    let bob = at.post("/items/authors", &json!({"name": "Bob", "mentor": ann})).await.unwrap()["id"].clone();
    at.post("/items/tags", &json!({"code": "rust", "label": "Rust"})).await.unwrap();
    let post = json!({"id": POST, "title": "First", "author": bob, "tag": "rust", "cover": file,
        "labels": ["a", "b"], "extra": {"x": [1, null]}, "published": "2024-05-01T12:00:00Z"});
    at.post("/items/posts", &post).await.unwrap();
    at.patch(&format!("/items/authors/{ann}"), &json!({"mentor": bob, "best_post": POST})).await.unwrap();
    for (kind, item) in [("authors", json!(bob.to_string())), ("directus_files", file.clone())] {
        let block = json!({"posts_id": POST, "collection": kind, "item": item});
        at.post("/items/posts_blocks", &block).await.unwrap();
    }
    at.post("/items/posts_tags", &json!({"posts_id": POST, "tags_code": "rust"})).await.unwrap();
    file
}

async fn assert_arrived(at: &Directus, file: &Value) {
    let authors = items(at, "authors").await;
    let named = |name: &str| authors.iter().find(|author| author["name"] == name).unwrap();
    let (ann, bob) = (named("Ann"), named("Bob"));
    assert_eq!((&ann["mentor"], &bob["mentor"], &ann["best_post"]), (&bob["id"], &ann["id"], &json!(POST)));
    assert!(named("Of the target")["mentor"].is_null());
    let post = items(at, "posts").await.remove(0);
    assert_eq!((&post["id"], &post["author"], &post["cover"]), (&json!(POST), &bob["id"], file));
    let mut blocks: Vec<Value> =
        items(at, "posts_blocks").await.iter().map(|row| row["item"].clone()).collect();
    let mut expected = vec![json!(bob["id"].to_string()), file.clone()];
    blocks.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert_eq!(blocks, expected);
    assert_eq!(items(at, "posts_tags").await[0]["tags_code"], "rust");
    let asset = at.http().request("GET", &format!("/assets/{}", file.as_str().unwrap()), None).await.unwrap();
    assert_eq!(asset.body, "the logo");
}

async fn content_goes_by_files_and_straight(version: &str) {
    let (from, to) = tokio::join!(instance(version, None), instance(version, Some(Template::B)));
    // On the other side the first key is another author.
    to.post("/items/authors", &json!({"name": "Of the target"})).await.unwrap();
    let cli = Cli::new();
    let file = fill(&cli, &from).await;

    let pull = ["content", "pull", "--with-files"];
    drop(cli.run(&pull, &from).await.exits(0).says("8 records"));
    drop(cli.run(&pull, &from).await.exits(0).says("0 files written, 7 unchanged"));
    drop(cli.run(&["content", "diff", "--exit-code"], &from).await.exits(0));
    drop(cli.run(&["content", "push", "--yes"], &to).await.exits(0).says("In step"));
    assert_arrived(&to, &file).await;
    drop(cli.run(&["content", "push", "--yes"], &to).await.exits(0).says("Nothing to push"));

    // What files brought is what a copy would bring.
    let (one, other) = (from.url(), to.url());
    let urls =
        ["copy", "--from", &one, "--to", &other, "--from-token", ADMIN_TOKEN, "--to-token", ADMIN_TOKEN];
    let copy = async |more: &[&str]| {
        let all: Vec<&str> = urls.iter().chain(more).copied().collect();
        cli.run_bare(&all).await.exits(0)
    };
    drop(copy(&["--with-files", "--yes"]).await.says("Nothing to copy"));
    from.patch(&format!("/items/posts/{POST}"), &json!({"title": "Renamed"})).await.unwrap();
    from.post("/items/authors", &json!({"name": "Cid"})).await.unwrap();
    drop(copy(&["--with-files", "--yes"]).await.says("In step"));
    assert_eq!(items(&to, "posts").await[0]["title"], "Renamed");
    assert_eq!(items(&to, "authors").await.len(), 4);
    drop(copy(&["--with-files", "--yes"]).await.says("Nothing to copy"));
}

/// Nothing but the servers: schema, items and file come by one command.
async fn a_copy_can_bring_the_schema(version: &str) {
    let (from, to) = tokio::join!(instance(version, None), async {
        Directus::builder(version).template(Template::B).start().await.unwrap()
    });
    let cli = Cli::new();
    let file = fill(&cli, &from).await;
    let (one, other) = (from.url(), to.url());
    let urls =
        ["copy", "--from", &one, "--to", &other, "--from-token", ADMIN_TOKEN, "--to-token", ADMIN_TOKEN];
    let posts = ["--collection", "posts", "--with-related", "--with-files", "--yes"];
    let copy = async |more: &[&str], code: i32| {
        let all: Vec<&str> = urls.iter().chain(&posts).chain(more).copied().collect();
        cli.run_bare(&all).await.exits(code)
    };
    let refused = copy(&[], 3).await;
    assert!(refused.stderr.contains("posts: the target has no such collection"), "{refused}");
    drop(copy(&["--schema"], 0).await.says("In step"));
    to.post("/items/authors", &json!({"name": "Of the target"})).await.unwrap();
    assert_arrived(&to, &file).await;
    drop(copy(&["--schema"], 0).await.says("Nothing to copy"));
}

on_every_version!(content_goes_by_files_and_straight, a_copy_can_bring_the_schema);
