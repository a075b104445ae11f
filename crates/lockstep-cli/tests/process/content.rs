//! Content between instances, by files and straight, from end to end on two sandboxes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::cli::{Cli, Ran};
use lockstep_testkit::directus::Http;
use lockstep_testkit::project;
use lockstep_testkit::proxy::{Fault, Proxy, Rule};
use serde_json::{Value, json};

use crate::place::Place;

const POST: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";

/// An instance.
struct Side {
    sandbox: Sandbox,
    http: Http,
}

impl Side {
    async fn empty() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let http = Http::new(&sandbox.url()).unwrap().with_token(Some(sandbox.token()));
        Self { sandbox, http }
    }

    async fn new() -> Self {
        let side = Self::empty().await;
        project::content(&side.http).await.unwrap();
        side
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

    async fn add(&self, collection: &str, item: &Value) -> Value {
        self.http.post(&format!("/items/{collection}"), item).await.unwrap()
    }
}

/// Two instances, one of which has content, and a folder.
struct Stage {
    a: Side,
    b: Side,
    place: Place,
}

impl Stage {
    /// References of every kind on `a`: to the one side and the other, through junctions, in circles, to itself; and a file.
    async fn new() -> Self {
        let (a, b) = (Side::new().await, Side::new().await);
        let stage = Self { a, b, place: Place::new() };
        stage.fill().await;
        stage
    }

    async fn fill(&self) {
        let a = &self.a;
        let file = json!([{"collection": "directus_files", "data": [
            {"_sync_id": "logo", "_file_path": "logo.txt", "filename_download": "logo.txt", "title": "Logo"}]}]);
        self.place.file("uploads/all.json", &file.to_string());
        self.place.file("uploads/logo.txt", "the logo");
        drop(self.at(a, &["seed", "push", "--yes", "--seed-path", "uploads"]).await.exits(0));
        let file = a.item("directus_files", "title", "Logo").await;
        let ann = a.add("authors", &json!({"name": "Ann", "score": 10.5})).await;
        let bob = a.add("authors", &json!({"name": "Bob", "mentor": ann["id"]})).await;
        let cid = a.add("authors", &json!({"name": "Cid"})).await;
        for (id, change) in
            [(&ann["id"], json!({"mentor": bob["id"]})), (&cid["id"], json!({"mentor": cid["id"]}))]
        {
            a.http.patch(&format!("/items/authors/{id}"), &change).await.unwrap();
        }
        for code in ["rust", "go"] {
            drop(a.add("tags", &json!({"code": code, "label": code.to_uppercase()})).await);
        }
        let post = json!({"id": POST, "title": "First", "author": bob["id"], "tag": "rust", "cover": file["id"],
            "labels": ["a", "b"], "extra": {"deep": [1, {"x": null}]}, "published": "2024-05-01T12:00:00Z"});
        drop(a.add("posts", &post).await);
        drop(a.add("posts", &json!({"id": OTHER, "title": "Second", "author": ann["id"]})).await);
        a.http.patch(&format!("/items/authors/{}", ann["id"]), &json!({"best_post": POST})).await.unwrap();
        for (kind, item) in [("authors", bob["id"].to_string()), ("tags", "go".to_owned())] {
            drop(a.add("posts_blocks", &json!({"posts_id": POST, "collection": kind, "item": item})).await);
        }
        let of_file =
            json!({"posts_id": POST, "collection": "directus_files", "item": file["id"], "sort": 3});
        drop(a.add("posts_blocks", &of_file).await);
        drop(a.add("posts_tags", &json!({"posts_id": POST, "tags_code": "rust"})).await);
        // The same counted key is another author there.
        drop(self.b.add("authors", &json!({"name": "Of the target"})).await);
    }

    async fn at(&self, side: &Side, arguments: &[&str]) -> Ran {
        let (url, token) = (side.sandbox.url(), side.sandbox.token());
        let all: Vec<&str> = arguments.iter().copied().chain(["-u", &url, "-t", token]).collect();
        self.place.run(&all).await
    }

    async fn push(&self, side: &Side, arguments: &[&str]) -> Value {
        let all: Vec<&str> =
            ["content", "push", "--yes", "--json"].iter().chain(arguments).copied().collect();
        let report = self.at(side, &all).await.exits(0).json();
        assert_eq!(
            (&report["converged"], &report["command"]),
            (&json!(true), &json!("content push")),
            "{report:#}"
        );
        report
    }

    /// Profiles for both, and an environment that is about neither.
    fn profiles(&mut self) {
        self.place.cli = Cli::of(env!("CARGO_BIN_EXE_lockstep"))
            .env("DIRECTUS_URL", "http://127.0.0.1:1")
            .env("DIRECTUS_TOKEN", "of-nobody")
            .env("LOCKSTEP_STAGING_TOKEN", self.b.sandbox.token());
        let config = json!({"profiles": {
            "production": {"directusUrl": self.a.sandbox.url(), "directusToken": self.a.sandbox.token()},
            "staging": {"directusUrl": self.b.sandbox.url()},
        }});
        self.place.file("lockstep.config.json", &config.to_string());
    }

    async fn copy(&self, arguments: &[&str]) -> Ran {
        let names = ["copy", "--from", "production", "--to", "staging"];
        let all: Vec<&str> = names.iter().chain(arguments).copied().collect();
        let ran = self.place.run(&all).await;
        for token in [self.a.sandbox.token(), self.b.sandbox.token()] {
            assert!(!ran.stdout.contains(token) && !ran.stderr.contains(token), "{ran}");
        }
        ran
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.place.cli.dir().join(name)).unwrap()).unwrap()
    }

    fn folder(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        read(&self.place.cli.dir().join(name), "", &mut files);
        files
    }

    /// What `b` has to have after everything came over.
    async fn assert_all_there(&self) {
        let b = &self.b;
        let (ann, bob) = (b.item("authors", "name", "Ann").await, b.item("authors", "name", "Bob").await);
        let (cid, own) =
            (b.item("authors", "name", "Cid").await, b.item("authors", "name", "Of the target").await);
        assert_eq!((&ann["mentor"], &bob["mentor"], &cid["mentor"]), (&bob["id"], &ann["id"], &cid["id"]));
        assert!(own["mentor"].is_null() && ann["best_post"] == POST, "{own} {ann}");
        let post = b.item("posts", "id", POST).await;
        assert_eq!((&post["author"], &post["tag"]), (&bob["id"], &json!("rust")));
        let there = self.a.item("posts", "id", POST).await;
        assert_eq!((&post["extra"], &post["cover"]), (&there["extra"], &there["cover"]));
        let block = b.item("posts_blocks", "collection", "authors").await;
        assert_eq!((&block["item"], &block["posts_id"]), (&json!(bob["id"].to_string()), &json!(POST)));
        assert_eq!(b.item("posts_blocks", "collection", "directus_files").await["item"], post["cover"]);
        assert_eq!(b.item("posts_tags", "posts_id", POST).await["tags_code"], "rust");
        let file = format!("/assets/{}", post["cover"].as_str().unwrap());
        assert_eq!(b.http.get(&file).await.unwrap(), "the logo");
    }
}

fn read(folder: &Path, inside: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{inside}/{}", path.file_name().unwrap().to_str().unwrap());
        match path.is_dir() {
            true => read(&path, &name, files),
            false => drop(files.insert(name, fs::read(&path).unwrap())),
        }
    }
}

#[tokio::test]
async fn what_is_pulled_comes_over_and_goes_back_byte_for_byte() {
    let stage = Stage::new().await;
    let pull = ["content", "pull", "--with-files"];
    drop(stage.at(&stage.a, &pull).await.exits(0).says("12 records"));
    let files = stage.folder("directus-config/content");
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let collections = ["authors", "directus_files"].map(|name| format!("/{name}.json"));
    assert_eq!(names[..3], [collections[0].as_str(), &collections[1], "/files/logo.txt"]);
    assert_eq!(names.len(), 7, "{names:?}");
    drop(stage.at(&stage.a, &pull).await.exits(0).says("0 files written, 7 unchanged"));
    drop(stage.at(&stage.a, &["content", "diff", "--exit-code"]).await.exits(0));

    drop(stage.at(&stage.b, &["content", "diff", "--exit-code"]).await.exits(2).says("12 to create"));
    drop(stage.push(&stage.b, &[]).await);
    stage.assert_all_there().await;
    let second = stage.push(&stage.b, &[]).await;
    assert_eq!(second["applied"]["collections"], json!({}), "{second:#}");
    // There they are the same records by the same names.
    let own = [
        "content",
        "pull",
        "--with-files",
        "--out",
        "back",
        "--filter",
        r#"authors={"name":{"_neq":"Of the target"}}"#,
    ];
    drop(stage.at(&stage.b, &own).await.exits(0));
    let back = stage.folder("back");
    for (name, bytes) in &files {
        assert_eq!(String::from_utf8_lossy(&back[name]), String::from_utf8_lossy(bytes), "{name}");
    }
}

#[tokio::test]
async fn changes_follow_and_only_what_is_tracked_goes() {
    let stage = Stage::new().await;
    let pull = ["content", "pull", "--with-files"];
    drop(stage.at(&stage.a, &pull).await.exits(0));
    drop(stage.push(&stage.b, &[]).await);
    stage.a.http.delete("/items/tags/go", None).await.unwrap();
    stage
        .a
        .http
        .patch(&format!("/items/posts/{POST}"), &json!({"title": "Renamed", "author": null}))
        .await
        .unwrap();
    drop(stage.b.add("tags", &json!({"code": "own", "label": "Of the target"})).await);
    // Nothing keeps the item of a many-to-any relation from being gone.
    let ran = stage.at(&stage.a, &pull).await.exits(0);
    assert!(ran.stderr.contains("posts_blocks.item refers to records of tags that are gone"), "{ran}");
    drop(stage.at(&stage.a, &["content", "diff", "--exit-code"]).await.exits(0));
    let only = stage.push(&stage.b, &["--collection", "posts"]).await;
    assert_eq!(only["applied"]["collections"], json!({"posts": {"created": 0, "updated": 1, "deleted": 0}}));
    let all = stage.push(&stage.b, &[]).await;
    assert_eq!(all["applied"]["collections"]["tags"]["deleted"], 1, "{all:#}");
    let codes: Vec<Value> = stage.b.items("tags").await.into_iter().map(|tag| tag["code"].clone()).collect();
    assert_eq!(codes, ["own", "rust"]);
    let post = stage.b.item("posts", "id", POST).await;
    assert_eq!((&post["title"], &post["author"]), (&json!("Renamed"), &Value::Null));
    let told = stage.at(&stage.b, &["content", "push", "--collection", "post"]).await.exits(1).stderr;
    assert!(told.contains("the files have no records of post; did you mean posts?"), "{told}");
}

#[tokio::test]
async fn what_is_chosen_comes_with_what_belongs_to_it() {
    let stage = Stage::new().await;
    let filter = r#"posts={"title":{"_eq":"First"}}"#;
    let chosen = ["content", "pull", "--collection", "posts", "--filter", filter, "--out", "one"];
    let ran = stage.at(&stage.a, &chosen).await.exits(0);
    assert!(ran.stderr.contains("posts.author refers to records of authors that do not come along"), "{ran}");
    assert!(
        ran.stderr.contains("posts.cover refers to records of directus_files that do not come along"),
        "{ran}"
    );
    assert_eq!(stage.folder("one").keys().collect::<Vec<_>>(), ["/posts.json"]);
    // The number of an author is another author there.
    let told =
        stage.at(&stage.b, &["content", "push", "--yes", "--content-path", "one"]).await.exits(1).stderr;
    assert!(told.contains("author refers to") && told.contains("a record of authors"), "{told}");
    assert!(stage.b.items("posts").await.is_empty());
    drop(stage.at(&stage.a, &["content", "diff", "--content-path", "one", "--exit-code"]).await.exits(0));

    let along: Vec<&str> = chosen.iter().copied().chain(["--with-related", "--with-files"]).collect();
    let ran = stage.at(&stage.a, &along).await.exits(0);
    assert_eq!(ran.stderr, "", "{ran}");
    let count = |name: &str| stage.json(&format!("one/{name}.json"))["data"].as_array().unwrap().len();
    let counts = ["posts", "authors", "tags", "posts_blocks", "posts_tags", "directus_files"].map(count);
    // Bob, and Ann who mentors him; the tag of the post, and that of a block.
    assert_eq!(counts, [1, 2, 2, 3, 1, 1]);
    drop(stage.push(&stage.b, &["--content-path", "one"]).await);
    assert_eq!(stage.b.items("authors").await.len(), 3);

    let fields =
        ["content", "pull", "--collection", "posts_*", "--fields", "posts_blocks.item", "--out", "f"];
    drop(stage.at(&stage.a, &fields).await.exits(0));
    let block = &stage.json("f/posts_blocks.json")["data"][0];
    let keys: Vec<&String> = block.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["_sync_id", "collection", "item"]);
    assert_eq!(stage.json("f/posts_tags.json")["data"][0].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn what_there_is_not_is_refused_with_what_is_near() {
    let stage = Stage::new().await;
    for (arguments, code, text) in [
        (vec!["--collection", "postz"], 1, "did you mean posts?"),
        (vec!["--collection", "blog_*"], 1, "no collection of content is called blog_*"),
        (vec!["--collection", "directus_roles"], 1, "directus_roles is no content"),
        (
            vec!["--collection", "posts", "--fields", "titel"],
            1,
            "posts has no field titel; did you mean title?",
        ),
        (
            vec!["--collection", "posts", "--filter", "post={}"],
            1,
            "a filter is for post, which is not chosen",
        ),
        (vec!["--filter", "posts=[]"], 64, "a filter rule is an object"),
    ] {
        let all: Vec<&str> = ["content", "pull"].iter().copied().chain(arguments).collect();
        let told = stage.at(&stage.a, &all).await.exits(code).stderr;
        assert!(told.contains(text), "{text}\n{told}");
    }
    let told = stage.at(&stage.a, &["content", "push"]).await.exits(1).stderr;
    assert!(told.contains("there is no content in") && told.contains("lockstep content pull"), "{told}");
    assert!(!stage.place.cli.dir().join("directus-config/content").exists());
}

#[tokio::test]
async fn seeds_and_content_leave_each_other_alone() {
    let stage = Stage::new().await;
    let tags = |codes: &[&str]| {
        let tag = |code: &&str| json!({"_sync_id": code, "code": code, "label": code});
        json!({"collection": "tags", "data": codes.iter().map(tag).collect::<Vec<_>>()}).to_string()
    };
    stage.place.file("directus-config/seed/tags.json", &tags(&["one", "two"]));
    stage.place.file("directus-config/content/tags.json", &tags(&["three", "four"]));
    let seed = ["seed", "push", "--yes", "--json"];
    drop(stage.at(&stage.b, &seed).await.exits(0));
    drop(stage.push(&stage.b, &[]).await);
    drop(stage.at(&stage.b, &seed).await.exits(0));
    assert_eq!(stage.b.items("tags").await.len(), 4);
    stage.place.file("directus-config/content/tags.json", &tags(&["three"]));
    drop(stage.push(&stage.b, &[]).await);
    let codes: Vec<Value> = stage.b.items("tags").await.into_iter().map(|tag| tag["code"].clone()).collect();
    assert_eq!(codes, ["one", "three", "two"]);
}

#[tokio::test]
async fn many_deletions_need_consent() {
    let stage = Stage::new().await;
    for n in 0..20 {
        drop(stage.a.add("tags", &json!({"code": format!("c{n}"), "label": "x"})).await);
    }
    let pull = ["content", "pull", "--collection", "tags"];
    drop(stage.at(&stage.a, &pull).await.exits(0));
    drop(stage.push(&stage.b, &[]).await);
    let some: Vec<&str> = pull.iter().copied().chain(["--limit", "5"]).collect();
    drop(stage.at(&stage.a, &some).await.exits(0));
    let ran = stage.at(&stage.b, &["content", "push", "--yes"]).await.exits(3);
    assert!(ran.stdout.contains("17 of 22 tags would be deleted"), "{ran}");
    assert_eq!(stage.b.items("tags").await.len(), 22);
    drop(stage.push(&stage.b, &["--allow-destructive"]).await);
    assert_eq!(stage.b.items("tags").await.len(), 5);
}

#[tokio::test]
async fn a_copy_goes_straight_from_one_instance_to_another() {
    let mut stage = Stage::new().await;
    stage.profiles();
    let ran = stage.copy(&["--with-files", "--yes"]).await.exits(0);
    assert!(ran.stdout.contains("12 to create") && ran.stdout.contains("In step"), "{ran}");
    stage.assert_all_there().await;
    drop(stage.copy(&["--with-files", "--yes"]).await.exits(0).says("Nothing to copy"));
    assert!(!stage.place.cli.dir().join("directus-config").exists());

    stage.a.http.patch(&format!("/items/posts/{POST}"), &json!({"title": "Renamed"})).await.unwrap();
    stage.a.http.delete("/items/tags/go", None).await.unwrap();
    let report = stage.copy(&["--with-files", "--yes", "--json"]).await.exits(0).json();
    assert_eq!(report["command"], "copy");
    assert_eq!(
        report["applied"]["collections"],
        json!({"posts": {"created": 0, "updated": 1, "deleted": 0}})
    );
    let report = stage.copy(&["--collection", "tags", "--delete", "--yes", "--json"]).await.exits(0).json();
    assert_eq!(report["applied"]["collections"]["tags"]["deleted"], 1, "{report:#}");
    // Back again every item is the one that it came from.
    let back = ["copy", "--from", "staging", "--to", "production", "--collection", "posts,tags", "--yes"];
    drop(stage.place.run(&back).await.exits(0).says("Nothing to copy"));
}

#[tokio::test]
async fn instances_of_a_copy_are_profiles_or_urls_with_tokens_of_their_own() {
    let mut stage = Stage::new().await;
    stage.profiles();
    let (from, to) = (stage.a.sandbox.url(), stage.b.sandbox.url());
    let token = stage.b.sandbox.token().to_owned();
    for (arguments, code, text) in [
        (vec!["--from", "productoin", "--to", "staging"], 64, "did you mean production?"),
        (vec!["--from", "production", "--to", &to], 64, "there is no token for the URL of --to"),
        (vec!["--from", "production", "--to", &from, "--to-token", "x"], 1, "both are the instance"),
        (
            vec!["--from", "production", "--to", "staging", "-u", &to],
            64,
            "-u, -t, -e and -p are about one instance",
        ),
        (vec!["--from", "production"], 64, "--to"),
    ] {
        let all: Vec<&str> = ["copy"].iter().copied().chain(arguments).collect();
        let told = stage.place.run(&all).await.exits(code).stderr;
        assert!(told.contains(text), "{text}\n{told}");
    }
    let by_url =
        ["copy", "--from", "production", "--to", &to, "--to-token", &token, "--collection", "tags", "--yes"];
    drop(stage.place.run(&by_url).await.exits(0));
    assert_eq!(stage.b.items("tags").await.len(), 2);
}

#[tokio::test]
async fn a_copy_checks_both_schemas_first_and_can_bring_them() {
    let a = Side::new().await;
    let mut stage = Stage { a, b: Side::empty().await, place: Place::new() };
    drop(stage.a.add("tags", &json!({"code": "rust", "label": "Rust"})).await);
    drop(stage.a.add("authors", &json!({"name": "Ann"})).await);
    stage.profiles();
    let told = stage.copy(&["--yes"]).await.exits(3).stderr;
    for text in
        ["authors: the target has no such collection", "tags: the target has no such collection", "--schema"]
    {
        assert!(told.contains(text), "{text}\n{told}");
    }
    let ran = stage.copy(&["--schema", "--yes"]).await.exits(0);
    assert!(ran.stdout.contains("In step"), "{ran}");
    assert_eq!(stage.b.items("authors").await.len(), 1);
    drop(stage.copy(&["--schema", "--yes"]).await.exits(0).says("Nothing to copy"));

    stage.b.http.delete("/fields/tags/label", None).await.unwrap();
    let json = stage.copy(&["--yes", "--json"]).await.exits(3).json();
    assert_eq!(
        json["error"]["misfits"],
        json!([{"name": "tags.label", "reason": "the target has no such field"}])
    );
    drop(stage.copy(&["--yes", "--collection", "authors"]).await.exits(0).says("Nothing to copy"));
}

/// The server dies for good after it created something, so that nobody could record what.
async fn dies_once(proxy: &Proxy, place: &Place, arguments: &[&str], path: &str) {
    proxy.fault(Rule::new(Fault::ApplyAndKill).method("POST").path(path).first(1));
    let ran = place.run(arguments).await;
    assert!(!proxy.is_alive() && ran.code != 0, "{arguments:?} was not met\n{ran}");
    proxy.clear();
    proxy.revive().await.unwrap();
}

#[tokio::test]
async fn what_a_killed_push_or_copy_created_is_adopted() {
    for copies in [false, true] {
        let mut stage = Stage::new().await;
        stage.profiles();
        drop(stage.at(&stage.a, &["content", "pull", "--with-files"]).await.exits(0));
        let proxy = Proxy::start(&stage.b.sandbox.url()).await.unwrap();
        let (url, token) = (proxy.url(), stage.b.sandbox.token().to_owned());
        let arguments = if copies {
            vec!["copy", "--from", "production", "--to", &url, "--to-token", &token, "--with-files"]
        } else {
            vec!["content", "push", "-u", &url, "-t", &token]
        };
        let arguments: Vec<&str> = arguments.into_iter().chain(["--yes", "--json"]).collect();
        dies_once(&proxy, &stage.place, &arguments, "/items/posts_blocks").await;
        let report = stage.place.run(&arguments).await.exits(0).json();
        assert_eq!(report["converged"], true, "{report:#}");
        stage.assert_all_there().await;
        let mut counts = Vec::new();
        for collection in ["authors", "posts", "tags", "posts_blocks", "posts_tags"] {
            counts.push(stage.b.items(collection).await.len());
        }
        assert_eq!(counts, [4, 2, 2, 3, 1], "{report:#}");
        let again = stage.place.run(&arguments).await.exits(0).json();
        assert_eq!(again["applied"]["collections"], json!({}), "{again:#}");
    }
}

/// Both announce what they create in the same table of mappings.
#[tokio::test]
async fn what_a_killed_seed_push_created_is_adopted_after_a_push_of_content() {
    let stage = Stage::new().await;
    let authors = |names: &[&str]| {
        let author = |name: &&str| json!({"_sync_id": name, "name": name});
        json!({"collection": "authors", "data": names.iter().map(author).collect::<Vec<_>>()}).to_string()
    };
    stage.place.file("directus-config/seed/authors.json", &authors(&["one", "two"]));
    stage.place.file("directus-config/content/authors.json", &authors(&["three"]));
    let proxy = Proxy::start(&stage.b.sandbox.url()).await.unwrap();
    let (url, token) = (proxy.url(), stage.b.sandbox.token());
    let seed = ["seed", "push", "--yes", "--json", "-u", &url, "-t", token];
    dies_once(&proxy, &stage.place, &seed, "/items/authors").await;
    assert_eq!(stage.b.items("authors").await.len(), 3);
    let content = ["content", "push", "--yes", "--json", "-u", &url, "-t", token];
    drop(stage.place.run(&content).await.exits(0));
    let report = stage.place.run(&seed).await.exits(0).json();
    assert_eq!(report["applied"]["collections"], json!({}), "{report:#}");
    assert_eq!(stage.b.items("authors").await.len(), 4);
}

#[tokio::test]
async fn variables_stay_in_files_and_texts_that_look_like_them_are_copied() {
    let mut stage = Stage::new().await;
    stage.a.http.patch("/items/tags/rust", &json!({"label": "${TEXT}"})).await.unwrap();
    let pull = ["content", "pull", "--collection", "tags"];
    drop(stage.at(&stage.a, &pull).await.exits(0));
    let (name, mut tags) =
        ("directus-config/content/tags.json", stage.json("directus-config/content/tags.json"));
    assert_eq!(tags["data"][1]["label"], "$${TEXT}", "{tags:#}");
    drop(stage.at(&stage.a, &["content", "diff", "--exit-code"]).await.exits(0));

    tags["data"][0]["label"] = json!("${LABEL}");
    stage.place.file(name, &tags.to_string());
    let told = stage.at(&stage.b, &["content", "push", "--yes"]).await.exits(1).stderr;
    assert!(told.contains("label refers to the variable LABEL, which is not set"), "{told}");
    let ran = stage.at(&stage.b, &["content", "diff"]).await.exits(0);
    assert!(ran.stderr.contains("the variable LABEL is not set, so label is not compared"), "{ran}");
    stage.place.file(".env", "LABEL=hidden-label\n");
    let ran = stage.at(&stage.b, &["content", "push", "--yes"]).await.exits(0);
    assert!(!ran.stdout.contains("hidden") && !ran.stderr.contains("hidden"), "{ran}");
    assert_eq!(stage.b.item("tags", "code", "go").await["label"], "hidden-label");
    assert_eq!(stage.b.item("tags", "code", "rust").await["label"], "${TEXT}");
    drop(stage.at(&stage.b, &pull).await.exits(0));
    assert_eq!(stage.json(name)["data"], tags["data"]);

    stage.profiles();
    stage.a.http.patch("/items/tags/go", &json!({"label": "${LABEL}"})).await.unwrap();
    let ran = stage.copy(&["--collection", "tags", "--yes"]).await.exits(0);
    assert!(ran.stdout.contains("${LABEL}"), "{ran}");
    for code in ["rust", "go"] {
        let (there, here) =
            (stage.a.item("tags", "code", code).await, stage.b.item("tags", "code", code).await);
        assert_eq!(there["label"], here["label"]);
    }
}
