//! Seeds, from end to end on the sandbox.

use std::fs;

use lockstep_sandbox::{Mappings, Options, Sandbox};
use lockstep_testkit::cli::Ran;
use lockstep_testkit::directus::Http;
use lockstep_testkit::project;
use lockstep_testkit::proxy::{Fault, Proxy, Rule};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::place::Place;

/// A sandbox with collections for content, and a place with seeds.
struct Stage {
    sandbox: Sandbox,
    http: Http,
    place: Place,
}

impl Stage {
    async fn new(seeds: &Value) -> Self {
        Self::with(seeds, false).await
    }

    async fn with(seeds: &Value, of_peer: bool) -> Self {
        let mappings = if of_peer { Mappings::DirectusSync } else { Mappings::Lockstep };
        let options = Options { mappings, ..Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let http = Http::new(&sandbox.url()).unwrap().with_token(Some(sandbox.token()));
        project::content(&http).await.unwrap();
        let place = Place::new();
        let stage = Self { sandbox, http, place };
        stage.seed(seeds);
        stage
    }

    fn seed(&self, seeds: &Value) {
        self.place.file("directus-config/seed/all.json", &seeds.to_string());
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_at(&self.sandbox.url(), arguments).await
    }

    async fn run_at(&self, url: &str, arguments: &[&str]) -> Ran {
        let connection = ["-u", url, "-t", self.sandbox.token()];
        let arguments: Vec<&str> = ["seed"].iter().chain(arguments).chain(&connection).copied().collect();
        self.place.run(&arguments).await
    }

    async fn push(&self) -> Value {
        let report = self.run(&["push", "--yes", "--json"]).await.exits(0).json();
        assert_eq!(report["converged"], true, "{report:#}");
        report
    }

    async fn push_is_empty(&self) {
        let report = self.push().await;
        assert_eq!(report["applied"]["collections"], json!({}), "{report:#}");
    }

    async fn items(&self, collection: &str) -> Vec<Value> {
        let path = match collection.strip_prefix("directus_") {
            Some(system) => format!("/{system}?limit=-1"),
            None => format!("/items/{collection}?limit=-1"),
        };
        self.http.get(&path).await.unwrap().as_array().unwrap().clone()
    }

    async fn item(&self, collection: &str, field: &str, value: &str) -> Value {
        let found = self.items(collection).await.into_iter().find(|item| item[field] == value);
        found.unwrap_or_else(|| panic!("no {collection} with {field} {value}"))
    }
}

fn library() -> Value {
    json!([
        {"collection": "posts", "meta": {"insert_order": 1}, "data": [
            {"_sync_id": "p1", "title": "First", "author": "ann", "tag": "t-rust", "labels": ["a", "b"],
                "extra": {"deep": [1, {"x": null}]}, "published": "2024-05-01T12:00:00Z"},
            {"_sync_id": "p2", "title": "Second", "author": "bob", "favourite_of": "ann", "tag": null},
        ]},
        {"collection": "authors", "data": [
            {"_sync_id": "ann", "name": "Ann", "mentor": "bob", "best_post": "p1", "score": 10.5,
                "role": "_sync_default_admin_role"},
            {"_sync_id": "bob", "name": "Bob", "mentor": "ann", "born": "1980-01-02"},
            {"_sync_id": "cid", "name": "Cid", "mentor": "cid"},
        ]},
        {"collection": "tags", "data": [{"_sync_id": "t-rust", "code": "rust", "label": "Rust"}]},
        {"collection": "posts_blocks", "data": [
            {"_sync_id": "b1", "posts_id": "p1", "collection": "authors", "item": "bob", "sort": 1},
            {"_sync_id": "b2", "posts_id": "p1", "collection": "tags", "item": "t-rust", "sort": 2},
        ]},
        {"collection": "posts_tags", "data": [{"_sync_id": "pt", "posts_id": "p2", "tags_code": "t-rust"}]},
    ])
}

#[tokio::test]
async fn references_of_every_kind_arrive_in_circles_too_and_a_second_push_is_empty() {
    let stage = Stage::new(&library()).await;
    drop(stage.run(&["diff", "--exit-code"]).await.exits(2).says("Summary: 9 to create"));
    let report = stage.push().await;
    assert_eq!(report["command"], "seed push");
    assert_eq!(report["collections"]["authors"]["create"], 3);
    stage.push_is_empty().await;
    drop(stage.run(&["diff", "--exit-code"]).await.exits(0).says("No differences: 9 records are the same"));

    let (ann, bob) = (stage.item("authors", "name", "Ann").await, stage.item("authors", "name", "Bob").await);
    let (first, second) =
        (stage.item("posts", "title", "First").await, stage.item("posts", "title", "Second").await);
    assert_eq!((&ann["mentor"], &bob["mentor"]), (&bob["id"], &ann["id"]));
    assert_eq!((&ann["best_post"], &first["author"]), (&first["id"], &ann["id"]));
    assert_eq!((&second["favourite_of"], &first["tag"]), (&ann["id"], &json!("rust")));
    let cid = stage.item("authors", "name", "Cid").await;
    assert_eq!(cid["mentor"], cid["id"], "a record may refer to itself");
    let block = stage.item("posts_blocks", "collection", "authors").await;
    assert_eq!(block["item"], bob["id"].to_string(), "the item of a many-to-any relation is text");
    assert_eq!(block["posts_id"], first["id"]);
}

#[tokio::test]
async fn changes_go_field_by_field_and_only_what_is_tracked_is_deleted() {
    let stage = Stage::new(&library()).await;
    stage.push().await;
    stage.http.post("/items/tags", &json!({"code": "own", "label": "Of the instance"})).await.unwrap();
    stage.http.patch("/items/tags/rust", &json!({"label": "Changed"})).await.unwrap();
    let mut seeds = library();
    seeds[1]["data"][0]["score"] = json!("11.25");
    seeds[1]["data"][0].as_object_mut().unwrap().remove("mentor");
    seeds[0]["data"] = json!([{"_sync_id": "p1", "title": "First", "author": "bob"}]);
    seeds[4]["data"] = json!([]);
    stage.seed(&seeds);
    let plan = stage.run(&["diff", "--json"]).await.exits(0).json();
    let counts = |name: &str| {
        let of = &plan["collections"][name];
        json!([of["create"], of["update"], of["delete"], of["untracked"]])
    };
    assert_eq!(counts("authors"), json!([0, 1, 0, 0]));
    assert_eq!(counts("posts"), json!([0, 1, 1, 0]));
    assert_eq!(counts("posts_tags"), json!([0, 0, 1, 0]));
    assert_eq!(counts("tags"), json!([0, 1, 0, 0]));
    let edits = &plan["collections"]["posts"]["items"][0]["changes"];
    assert_eq!(
        edits,
        &json!([{"path": "author", "before": "ann", "after": "bob", "before_name": "Ann", "after_name": "Bob"}])
    );
    stage.push().await;
    stage.push_is_empty().await;
    assert_eq!(stage.item("tags", "code", "own").await["label"], "Of the instance");
    assert_eq!(stage.items("posts").await.len(), 1);
    let ann = stage.item("authors", "name", "Ann").await;
    assert!(!ann["mentor"].is_null(), "a field that the seed does not have stays");
}

#[tokio::test]
async fn meta_says_what_may_be_done() {
    let stage = Stage::new(&library()).await;
    stage.push().await;
    let seed = |meta: Value, data: Value| json!([{"collection": "tags", "meta": meta, "data": data}]);
    let renamed = json!([{"_sync_id": "t-rust", "code": "rust", "label": "R"}]);
    let other = json!([{"_sync_id": "t-go", "code": "go", "label": "Go"}]);
    for (meta, data) in [
        (json!({"update": false}), &renamed),
        (json!({"ignore_on_update": ["label"]}), &renamed),
        (json!({"create": false, "delete": false}), &other),
    ] {
        stage.seed(&seed(meta, data.clone()));
        stage.push_is_empty().await;
    }
    // One of several seeds of a collection is enough to forbid it.
    stage.seed(&json!([
        {"collection": "tags", "data": renamed},
        {"collection": "tags", "meta": {"create": false}, "data": other},
    ]));
    stage.push().await;
    let tags = stage.items("tags").await;
    assert_eq!(tags, [json!({"code": "rust", "label": "R"})]);
}

#[tokio::test]
async fn ids_are_kept_and_what_is_there_is_adopted() {
    let id = "11111111-1111-4111-8111-111111111111";
    let stage = Stage::new(&json!([
        {"collection": "posts", "meta": {"preserve_ids": true}, "data": [{"_sync_id": id, "title": "New"}]},
        {"collection": "authors", "data": [{"_sync_id": "seven", "id": 7, "name": "Seven"}]},
        {"collection": "tags", "meta": {"preserve_ids": true}, "data": [{"_sync_id": "c", "label": "C"}]},
        {"collection": "directus_users", "data": [
            {"_sync_id": "jane", "email": "jane@example.com", "first_name": "Jane", "password": "seeded-pass"}
        ]},
    ]))
    .await;
    stage.http.post("/items/posts", &json!({"id": id, "title": "Old"})).await.unwrap();
    stage.http.post("/users", &json!({"email": "jane@example.com", "first_name": "J"})).await.unwrap();
    let report = stage.push().await;
    assert_eq!(report["collections"]["posts"]["update"], 1, "{report:#}");
    assert_eq!(report["collections"]["directus_users"]["update"], 1, "{report:#}");
    assert_eq!(stage.items("posts").await[0]["title"], "New");
    assert_eq!(stage.items("authors").await[0]["id"], 7);
    assert_eq!(stage.items("tags").await[0]["code"], "c");
    stage.push_is_empty().await;
}

#[tokio::test]
async fn passwords_are_set_once_and_shown_nowhere() {
    let user = |password: &str, name: &str| {
        json!([{"collection": "directus_users", "data": [{"_sync_id": "jane", "email": "Jane@example.com",
            "password": password, "first_name": name, "role": "_sync_default_admin_role"}]}])
    };
    let stage = Stage::new(&user("seeded-pass-1", "Jane")).await;
    let ran = stage.run(&["push", "--yes"]).await.exits(0);
    assert!(!ran.stdout.contains("seeded-pass-1"), "{ran}");
    stage.seed(&user("seeded-pass-2", "Jane"));
    stage.push_is_empty().await;
    stage.seed(&user("seeded-pass-2", "Janet"));
    stage.push().await;
    let login = |password: &str| json!({"email": "jane@example.com", "password": password});
    assert!(stage.http.post("/auth/login", &login("seeded-pass-1")).await.is_ok());
    assert!(stage.http.post("/auth/login", &login("seeded-pass-2")).await.is_err());
}

#[tokio::test]
async fn files_are_uploaded_once_and_again_when_they_change() {
    let stage = Stage::new(&json!([
        {"collection": "directus_files", "data": [{"_sync_id": "logo", "_file_path": "files/logo.txt", "title": "Logo"}]},
        {"collection": "posts", "data": [{"_sync_id": "p", "title": "P", "cover": "logo"}]},
    ]))
    .await;
    stage.place.file("directus-config/seed/files/logo.txt", "one");
    stage.push().await;
    let file = stage.item("directus_files", "title", "Logo").await;
    assert_eq!(stage.items("posts").await[0]["cover"], file["id"]);
    stage.push_is_empty().await;
    for contents in ["two", "three"] {
        stage.place.file("directus-config/seed/files/logo.txt", contents);
        let report = stage.push().await;
        assert_eq!(report["applied"]["collections"]["directus_files"]["updated"], 1, "{report:#}");
        stage.push_is_empty().await;
    }
    assert_eq!(stage.items("directus_files").await.len(), 1);
    fs::remove_file(stage.place.cli.dir().join("directus-config/seed/files/logo.txt")).unwrap();
    let told = stage.run(&["diff"]).await.exits(1).stderr;
    assert!(told.contains("all.json[0]: data[0]") && told.contains("logo.txt cannot be read"), "{told}");
}

#[tokio::test]
async fn what_is_wrong_is_named_with_file_record_and_field() {
    let stage = Stage::new(&json!([
        {"collection": "authors", "data": [{"_sync_id": "ann", "name": "Ann", "best_post": "p2"}]},
        {"collection": "posts", "data": [{"_sync_id": "p1", "title": "P", "author": "anm"}]},
        {"collection": "tags", "data": [{"_sync_id": "t", "label": "no key"}]},
    ]))
    .await;
    let told = stage.run(&["push", "--yes"]).await.exits(1).stderr;
    for text in [
        "the seed has 3 problems, and nothing was written",
        "seed/all.json[0]: data[0]: \"Ann\" (ann): best_post refers to p2, a record of posts",
        "did you mean p1?",
        "seed/all.json[1]: data[0]: \"P\" (p1): author refers to anm",
        "seed/all.json[2]: data[0]: t: the record has no code, and the server makes none",
    ] {
        assert!(told.contains(text), "{text}\n{told}");
    }
    assert!(stage.items("authors").await.is_empty());
    for (seed, text) in [
        (json!({"collection": "postz", "data": []}), "did you mean posts?"),
        (json!({"collection": "directus_roles", "data": []}), "directus_roles is no content"),
        (json!({"collection": "posts", "data": [{}]}), "data[0]: _sync_id must be a text"),
        (json!({"collection": "directus_files", "data": [{"_sync_id": "f"}]}), "_file_path is missing"),
        (
            json!({"collection": "posts", "data": [{"_sync_id": "p", "tags": ["t"]}]}),
            "tags lists records of posts_tags",
        ),
        (
            json!({"collection": "posts_blocks", "data": [{"_sync_id": "b", "item": "x", "collection": "posts"}]}),
            "collection does not name a collection of it",
        ),
    ] {
        stage.seed(&seed);
        let told = stage.run(&["diff"]).await.exits(1).stderr;
        assert!(told.contains(text), "{text}\n{told}");
    }
    stage.seed(&json!({"collection": "posts", "data": [{"_sync_id": "p", "titel": "x", "date_created": "2020-01-01"}]}));
    let ran = stage.run(&["diff"]).await.exits(0);
    assert!(ran.stderr.contains("posts has no field titel, left out; did you mean title?"), "{ran}");
    assert!(ran.stderr.contains("posts.date_created is made by the server"), "{ran}");
}

#[tokio::test]
async fn many_deletions_need_consent() {
    let tag = |n: usize| json!({"_sync_id": format!("t{n}"), "code": format!("c{n}"), "label": "x"});
    let seeds = |count: usize| json!({"collection": "tags", "data": (0..count).map(tag).collect::<Vec<_>>()});
    let stage = Stage::new(&seeds(20)).await;
    stage.push().await;
    stage.seed(&seeds(5));
    let ran = stage.run(&["push", "--yes"]).await.exits(3);
    assert!(ran.stdout.contains("15 of 20 tags would be deleted"), "{ran}");
    assert_eq!(stage.items("tags").await.len(), 20);
    drop(stage.run(&["push", "--yes", "--allow-destructive"]).await.exits(0));
    assert_eq!(stage.items("tags").await.len(), 5);
}

/// 40 authors who mentor each other, 60 tags, 900 posts, 1,000 rows of junctions.
fn many() -> Value {
    let author = |n: usize| json!({"_sync_id": format!("a{n}"), "name": format!("A{n}"), "mentor": format!("a{}", (n + 1) % 40)});
    let tag = |n: usize| json!({"_sync_id": format!("t{n}"), "code": format!("c{n}"), "label": "T"});
    let post = |n: usize| {
        json!({"_sync_id": format!("p{n}"), "title": format!("P{n}"), "author": format!("a{}", n % 40),
            "tag": format!("t{}", n % 60)})
    };
    let block = |n: usize| {
        let (collection, item) = if n.is_multiple_of(2) {
            ("authors", format!("a{}", n % 40))
        } else {
            ("tags", format!("t{}", n % 60))
        };
        json!({"_sync_id": format!("b{n}"), "posts_id": format!("p{}", n % 900), "collection": collection, "item": item})
    };
    let junction = |n: usize| json!({"_sync_id": format!("j{n}"), "posts_id": format!("p{n}"), "tags_code": format!("t{}", n % 60)});
    json!([
        {"collection": "posts_tags", "data": (0..500).map(junction).collect::<Vec<_>>()},
        {"collection": "posts_blocks", "data": (0..500).map(block).collect::<Vec<_>>()},
        {"collection": "posts", "data": (0..900).map(post).collect::<Vec<_>>()},
        {"collection": "tags", "data": (0..60).map(tag).collect::<Vec<_>>()},
        {"collection": "authors", "data": (0..40).map(author).collect::<Vec<_>>()},
    ])
}

#[tokio::test]
async fn two_thousand_records_with_relations_take_at_most_60_requests() {
    let stage = Stage::new(&many()).await;
    let table = ["push", "--yes", "--json", "--state", "table"];
    let report = stage.run(&table).await.exits(0).json();
    let created: u64 =
        report["collections"].as_object().unwrap().values().map(|c| c["create"].as_u64().unwrap()).sum();
    assert_eq!(created, 2000);
    let requests = report["requests"].as_u64().unwrap();
    assert!(requests <= 60, "{requests} requests");
    let block = stage.items("posts_blocks").await;
    let author = stage.item("authors", "name", "A2").await;
    let id = author["id"].to_string();
    let of_author = block.iter().filter(|b| b["collection"] == "authors" && b["item"] == id.as_str());
    assert_eq!(of_author.count(), 13);
    let again = stage.run(&table).await.exits(0).json();
    assert_eq!(again["applied"]["collections"], json!({}), "{again:#}");
}

#[tokio::test]
async fn a_lost_answer_never_makes_a_duplicate() {
    let collections = ["authors", "posts", "tags", "posts_blocks", "posts_tags"];
    for (fault, path) in [
        (Fault::DropAfter, "/items/authors"),
        (Fault::DropAfter, "/items/posts"),
        (Fault::DropAfter, "/items/posts_blocks"),
        (Fault::DropBefore, "/items/authors"),
        (Fault::TruncateBody(3), "/items/posts_tags"),
        (Fault::DropAfter, "/items/lockstep_state"),
    ] {
        let stage = Stage::new(&library()).await;
        let proxy = Proxy::start(&stage.sandbox.url()).await.unwrap();
        proxy.fault(Rule::new(fault.clone()).method("POST").path(path).first(1));
        let ran = stage.run_at(&proxy.url(), &["push", "--yes", "--state", "table"]).await.exits(0);
        assert!(proxy.requests().iter().any(|seen| seen.fault.is_some()), "{path}\n{ran}");
        let mut counts = Vec::new();
        for collection in collections {
            counts.push(stage.items(collection).await.len());
        }
        assert_eq!(counts, [3, 2, 1, 2, 1], "{fault:?} {path}\n{ran}");
    }
}

/// The server dies for good, so that what was created cannot be recorded any more: as if the run had been killed.
#[tokio::test]
async fn what_could_not_be_recorded_is_adopted_by_the_next_push() {
    let mut cases = JoinSet::new();
    for (state, fault, method, path) in [
        ("table", Fault::ApplyAndKill, "POST", "/items/authors"),
        ("table", Fault::Kill, "POST", "/items/posts"),
        ("table", Fault::ApplyAndKill, "POST", "/items/posts_blocks"),
        ("table", Fault::ApplyAndKill, "POST", "/items/posts_tags"),
        ("table", Fault::Kill, "PATCH", "/items/authors"),
        ("file", Fault::ApplyAndKill, "POST", "/items/authors"),
        ("file", Fault::ApplyAndKill, "POST", "/items/posts_blocks"),
        ("extension", Fault::ApplyAndKill, "POST", "/items/posts_blocks"),
        ("that of directus-sync", Fault::ApplyAndKill, "POST", "/items/authors"),
        ("that of directus-sync", Fault::Kill, "PATCH", "/items/authors"),
    ] {
        cases.spawn(dies_and_goes_on(state, fault, method, path));
    }
    drop(cases.join_all().await);
}

async fn dies_and_goes_on(state: &'static str, fault: Fault, method: &'static str, path: &'static str) {
    let what = format!("{state} {fault:?} {method} {path}");
    let of_peer = state == "that of directus-sync";
    let stage = Stage::with(&library(), of_peer).await;
    let state = if of_peer { "extension" } else { state };
    // Somebody else was there before, and is not meant.
    stage.http.post("/items/authors", &json!({"name": "Ann"})).await.unwrap();
    let proxy = Proxy::start(&stage.sandbox.url()).await.unwrap();
    proxy.fault(Rule::new(fault).method(method).path(path).first(1));
    let push = ["push", "--yes", "--json", "--state", state];
    let ran = stage.run_at(&proxy.url(), &push).await;
    assert!(!proxy.is_alive() && ran.code != 0, "{what} was not met\n{ran}");
    proxy.clear();
    proxy.revive().await.unwrap();
    let report = stage.run_at(&proxy.url(), &push).await.exits(0).json();
    assert_eq!(report["converged"], true, "{what}\n{report:#}");
    let mut counts = Vec::new();
    for collection in ["authors", "posts", "tags", "posts_blocks", "posts_tags"] {
        counts.push(stage.items(collection).await.len());
    }
    assert_eq!(counts, [4, 2, 1, 2, 1], "{what}\n{report:#}");
    let again = stage.run_at(&proxy.url(), &push).await.exits(0).json();
    assert_eq!(again["applied"]["collections"], json!({}), "{what}\n{again:#}");
    let first = stage.item("posts", "title", "First").await;
    let bob = stage.item("authors", "name", "Bob").await;
    let authors = stage.items("authors").await;
    let ann = authors.iter().find(|author| author["mentor"] == bob["id"]).unwrap();
    assert_eq!((&ann["best_post"], &bob["mentor"]), (&first["id"], &ann["id"]), "{what}");
    let url = proxy.url();
    let show = ["state", "show", "--json", "--state", state, "-u", &url, "-t", stage.sandbox.token()];
    let shown = stage.place.run(&show).await.exits(0);
    assert!(!shown.stdout.contains("creating:"), "{what}\n{shown}");
}

/// Forty authors of the same name: only the order in which they were created tells them apart.
#[tokio::test]
async fn twins_are_adopted_in_the_order_in_which_they_were_created() {
    let author = |n: usize| json!({"_sync_id": format!("a{n}"), "name": "A", "score": n / 4});
    let seeds = json!([
        {"collection": "authors", "data": (0..40).map(author).collect::<Vec<_>>()},
        {"collection": "posts", "data": [{"_sync_id": "p", "title": "P", "author": "a39"}]},
    ]);
    let stage = Stage::new(&seeds).await;
    let proxy = Proxy::start(&stage.sandbox.url()).await.unwrap();
    proxy.fault(Rule::new(Fault::Kill).method("POST").path("/items/posts").first(1));
    let push = ["push", "--yes", "--json", "--state", "table"];
    drop(stage.run_at(&proxy.url(), &push).await);
    assert_eq!(stage.items("authors").await.len(), 40);
    proxy.clear();
    proxy.revive().await.unwrap();
    let report = stage.run_at(&proxy.url(), &push).await.exits(0).json();
    assert_eq!(report["applied"]["collections"]["authors"], Value::Null, "{report:#}");
    assert_eq!(stage.items("authors").await.len(), 40);
    let last = stage.items("authors").await.iter().map(|author| author["id"].as_u64().unwrap()).max();
    assert_eq!(stage.items("posts").await[0]["author"].as_u64(), last);
}

#[tokio::test]
async fn variables_are_filled_in_and_shown_nowhere() {
    let seeds = json!([{"collection": "tags", "data": [
        {"_sync_id": "t", "code": "t", "label": "${LABEL}"}, {"_sync_id": "u", "code": "u", "label": "$${LABEL}"},
    ]}, {"collection": "directus_users", "data": [
        {"_sync_id": "jane", "email": "jane@example.com", "password": "${JANE}", "first_name": "Jane"},
    ]}, {"collection": "posts", "data": [{"_sync_id": "p", "title": "P", "extra": {"hook": {"url": "https://${HOST}/x"}}}]}]);
    let stage = Stage::new(&seeds).await;
    let told = stage.run(&["push", "--yes"]).await.exits(1).stderr;
    for text in [
        "seed/all.json[0]: data[0]: t: label refers to the variable LABEL, which is not set",
        "seed/all.json[1]: data[0]: jane: password refers to the variable JANE",
        "seed/all.json[2]: data[0]: p: extra.hook.url refers to the variable HOST",
        "set it in the environment or in .env",
    ] {
        assert!(told.contains(text), "{text}\n{told}");
    }
    assert!(stage.items("tags").await.is_empty());
    let ran = stage.run(&["diff"]).await.exits(0);
    assert!(ran.stderr.contains("the variable LABEL is not set, so label is not compared"), "{ran}");
    let env = |label: &str| {
        let text = format!("LABEL={label}\nJANE=hidden-pass\nHOST=hidden-host\n");
        stage.place.file(".env", &text);
    };
    env("hidden-label");
    for arguments in [&["push", "--yes"][..], &["push", "--yes", "--json"]] {
        let ran = stage.run(arguments).await.exits(0);
        assert!(!ran.stdout.contains("hidden") && !ran.stderr.contains("hidden"), "{ran}");
    }
    assert_eq!(stage.item("tags", "code", "t").await["label"], "hidden-label");
    assert_eq!(stage.item("tags", "code", "u").await["label"], "${LABEL}");
    assert_eq!(stage.items("posts").await[0]["extra"]["hook"]["url"], "https://hidden-host/x");
    let login = json!({"email": "jane@example.com", "password": "hidden-pass"});
    assert!(stage.http.post("/auth/login", &login).await.is_ok());
    stage.push_is_empty().await;

    // A pull leaves them as they are, also where the instance holds something else.
    let pull = ["pull", "tags", "posts", "-o", "pulled.json"];
    stage.place.file("pulled.json", &seeds.to_string());
    drop(stage.run(&pull).await.exits(0));
    env("hidden-other");
    let ran = stage.run(&pull).await.exits(0);
    assert!(ran.stderr.contains("tags: t: the instance holds another label than the variable says"), "{ran}");
    let text = fs::read_to_string(stage.place.cli.dir().join("pulled.json")).unwrap();
    let pulled: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(pulled[0]["data"][0]["label"], "${LABEL}", "{text}");
    assert_eq!(pulled[0]["data"][1]["label"], "$${LABEL}", "{text}");
    assert!(!text.contains("hidden"), "{text}");
    // A change of the value is a change, and not shown either.
    let ran = stage.run(&["push", "--yes"]).await.exits(0);
    assert!(ran.stdout.contains("${LABEL}") && !ran.stdout.contains("hidden"), "{ran}");
    assert_eq!(stage.item("tags", "code", "t").await["label"], "hidden-other");
}

#[tokio::test]
async fn a_file_whose_answer_is_lost_is_there_once() {
    let stage = Stage::new(&json!(
        {"collection": "directus_files", "data": [{"_sync_id": "logo", "_file_path": "logo.txt", "title": "Logo"}]}
    ))
    .await;
    stage.place.file("directus-config/seed/logo.txt", "one");
    let proxy = Proxy::start(&stage.sandbox.url()).await.unwrap();
    proxy.fault(Rule::new(Fault::DropAfter).method("POST").path("/files").first(1));
    drop(stage.run_at(&proxy.url(), &["push", "--yes"]).await.exits(0));
    assert_eq!(stage.items("directus_files").await.len(), 1);
}

#[tokio::test]
async fn a_pull_makes_seeds_that_bring_another_instance_there() {
    let stage = Stage::new(&library()).await;
    stage.push().await;
    let ann = stage.item("authors", "name", "Ann").await["id"].clone();
    stage.http.post("/items/authors", &json!({"name": "By hand", "mentor": ann})).await.unwrap();
    stage.http.post("/items/posts", &json!({"title": "By hand", "author": ann})).await.unwrap();
    let all = ["authors", "posts", "tags", "posts_blocks", "posts_tags"];
    let pull: Vec<&str> = ["pull"].iter().chain(&all).chain(&["--seed-path", "pulled"]).copied().collect();
    drop(stage.run(&pull).await.exits(0).says("11 records"));
    let read = |name: &str| -> Value {
        let path = stage.place.cli.dir().join("pulled").join(name);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let authors = read("authors.json");
    let by_hand =
        authors["data"].as_array().unwrap().iter().find(|a| a["name"] == "By hand").unwrap().clone();
    assert_eq!(by_hand["mentor"], "ann", "references are SyncIDs");
    assert_eq!(by_hand.as_object().unwrap().keys().next().unwrap(), "_sync_id");
    let posts = read("posts.json");
    assert!(posts["data"].as_array().unwrap().iter().all(|post| post.get("date_created").is_none()));
    // The same bytes again, and the records are recognized where they come from.
    drop(stage.run(&pull).await.exits(0).says("0 files written, 5 unchanged"));
    let ran = stage.run(&["diff", "--seed-path", "pulled", "--exit-code"]).await.exits(0);
    assert!(ran.stdout.contains("No differences: 11 records"), "{ran}");

    let other = Stage::new(&json!([])).await;
    let arguments = ["push", "--yes", "--seed-path", "pulled", "-u"];
    let (url, token) = (other.sandbox.url(), other.sandbox.token().to_owned());
    let arguments: Vec<&str> =
        ["seed"].iter().chain(&arguments).copied().chain([url.as_str(), "-t", token.as_str()]).collect();
    drop(stage.place.run(&arguments).await.exits(0).says("In step"));
    let there = other.item("authors", "name", "By hand").await;
    assert_eq!(there["mentor"], other.item("authors", "name", "Ann").await["id"]);
    assert_eq!(other.items("posts_blocks").await.len(), 2);
}

#[tokio::test]
async fn a_pull_takes_what_is_asked_for_and_downloads_files() {
    let stage = Stage::new(&json!([
        {"collection": "directus_files", "data": [{"_sync_id": "data", "_file_path": "x/data.json.txt",
            "filename_download": "data.json", "title": "Data"}]},
        {"collection": "tags", "data": [
            {"_sync_id": "t1", "code": "a", "label": "A"}, {"_sync_id": "t2", "code": "b", "label": "B"}]},
    ]))
    .await;
    stage.place.file("directus-config/seed/x/data.json.txt", "{\"not\": \"a seed\"}");
    stage.push().await;
    let filter = r#"{"code":{"_eq":"b"}}"#;
    drop(
        stage
            .run(&["pull", "tags", "--filter", filter, "--fields", "label", "-o", "out/b.json"])
            .await
            .exits(0),
    );
    let text = fs::read_to_string(stage.place.cli.dir().join("out/b.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        json!({"collection": "tags", "data": [{"_sync_id": "t2", "label": "B", "code": "b"}]})
    );
    drop(stage.run(&["pull", "directus_files", "--seed-path", "pulled"]).await.exits(0));
    let folder = stage.place.cli.dir().join("pulled");
    assert_eq!(fs::read_to_string(folder.join("files/data.json.file")).unwrap(), "{\"not\": \"a seed\"}");
    let ran = stage.run(&["diff", "--seed-path", "pulled", "--exit-code"]).await.exits(0);
    assert!(ran.stdout.contains("No differences: 1 record"), "{ran}");

    let told = stage.run(&["pull", "tags"]).await.exits(1).stderr;
    assert!(told.contains("the seeds have tags in") && told.contains("-o"), "{told}");
    drop(stage.run(&["pull", "tags", "--filter", "[]"]).await.exits(64));
    let told = stage.run(&["pull", "tags", "--fields", "labl", "-o", "x.json"]).await.exits(1).stderr;
    assert!(told.contains("did you mean label?"), "{told}");
}
