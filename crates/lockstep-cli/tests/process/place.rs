//! A working directory with the program in it, and what every refusal has to be.

use std::fs;

use lockstep_testkit::cli::{At, Cli, Ran};
use lockstep_testkit::directus::ADMIN_TOKEN;
use serde_json::Value;

use crate::fake::Fake;
use crate::schema;

/// A working directory; the program runs in it.
pub(crate) struct Place {
    pub(crate) cli: Cli,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { cli: Cli::of(env!("CARGO_BIN_EXE_lockstep")) }
    }

    /// With a dump of nothing but what an empty instance has.
    pub(crate) fn with_dump() -> Self {
        let place = Self::new();
        place.schema(&schema::empty());
        for name in lockstep_core::collection::names() {
            place.records(name, "[]");
        }
        place
    }

    /// Adds the schema of an empty instance.
    pub(crate) fn with_schema(&self) {
        self.schema(&schema::empty());
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, text: &str) {
        let path = self.cli.dir().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the records of a collection.
    pub(crate) fn records(&self, collection: &str, json: &str) {
        self.file(&format!("directus-config/collections/{collection}.json"), json);
    }

    /// Writes a schema without relations, one file per collection and field.
    pub(crate) fn schema(&self, snapshot: &Value) {
        let write = |name: &str, value: &Value| {
            self.file(&format!("directus-config/snapshot/{name}.json"), &value.to_string());
        };
        let mut info = snapshot.as_object().unwrap().clone();
        info.retain(|name, _| !["collections", "fields", "relations"].contains(&name.as_str()));
        write("info", &Value::Object(info));
        for item in snapshot["collections"].as_array().unwrap() {
            write(&format!("collections/{}", item["collection"].as_str().unwrap()), item);
        }
        for item in snapshot["fields"].as_array().unwrap() {
            let (collection, field) = (item["collection"].as_str().unwrap(), item["field"].as_str().unwrap());
            write(&format!("fields/{collection}/{field}"), item);
        }
    }

    /// Runs the program with these arguments only.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        self.cli.run_bare(arguments).await
    }

    /// What it says when it refuses, once as text and once as JSON; both must be one and the same, and harmless.
    pub(crate) async fn refuses(&self, code: i32, arguments: &[&str]) -> String {
        let before = self.cli.files().root().exists().then(|| self.cli.files().files());
        let ran = self.run(arguments).await.exits(code);
        assert_eq!(ran.stdout, "", "{ran}");
        let json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let as_json = self.run(&json).await.exits(code);
        assert_same(&ran, &as_json, code);
        let after = self.cli.files().root().exists().then(|| self.cli.files().files());
        assert_eq!(before, after, "the dump is what it was\n{ran}");
        self.told(&ran.stderr)
    }

    /// The same on an instance.
    pub(crate) async fn refuses_at(&self, fake: &Fake, code: i32, arguments: &[&str]) -> String {
        let url = fake.url();
        let all: Vec<&str> = arguments.iter().copied().chain(["-u", &url, "-t", ADMIN_TOKEN]).collect();
        let told = self.refuses(code, &all).await;
        assert!(!told.contains(ADMIN_TOKEN), "{told}");
        assert!(fake.writes().is_empty(), "{:#?}", fake.writes());
        told.replace(&url, "<url>")
    }

    /// Runs on an instance.
    pub(crate) async fn run_at(&self, fake: &Fake, arguments: &[&str]) -> Ran {
        self.cli.run(arguments, At::new(fake.url(), ADMIN_TOKEN)).await
    }

    /// A text without what differs from run to run.
    pub(crate) fn told(&self, text: &str) -> String {
        let dir = self.cli.dir().canonicalize().unwrap();
        text.replace(&format!("{}/", dir.display()), "")
            .replace(&format!("{}/", self.cli.dir().display()), "")
    }
}

#[track_caller]
fn assert_same(text: &Ran, json: &Ran, code: i32) {
    assert_eq!(text.stderr, json.stderr, "{json}");
    let error = &json.json()["error"];
    let message = error["message"].as_str().unwrap();
    assert!(text.stderr.contains(message), "{text}\n{json}");
    assert_eq!(error["exit_code"], code, "{json}");
    if let Value::String(hint) = &error["hint"] {
        assert!(text.stderr.contains(hint), "{text}\n{json}");
    }
    assert!(!text.stderr.contains("panicked") && !text.stderr.contains('\u{1b}'), "{text}");
}
