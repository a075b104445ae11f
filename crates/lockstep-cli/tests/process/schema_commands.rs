//! `lockstep schema`: where schemas come from, what is printed, and what is refused.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::fake::Fake;
use crate::place::Place;
use crate::schema;

/// A place with `a.json`, a schema, and `b.json`, which is a step ahead.
fn two() -> Place {
    let place = Place::new();
    place.file("a.json", &schema::current().to_string());
    place.file("b.json", &schema::desired().to_string());
    place
}

fn bytes(place: &Place, name: &str, bytes: &[u8]) {
    fs::write(place.cli.dir().join(name), bytes).unwrap();
}

/// Runs the program with something on standard input.
fn with_input(place: &Place, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.args(arguments).current_dir(place.cli.dir()).env("NO_COLOR", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(directory).env("HOME", directory).env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.com");
        command.env(format!("GIT_{who}_DATE"), "2024-01-01T00:00:00Z");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A repository with a dump and `a.json`, both [`schema::current`], and a folder with nothing of a schema.
fn repository() -> Place {
    let place = two();
    place.schema(&schema::current());
    place.file("sub/note.txt", "nothing");
    git(place.cli.dir(), &["init", "-q", "-b", "main"]);
    git(place.cli.dir(), &["add", "-A"]);
    git(place.cli.dir(), &["commit", "-q", "-m", "first"]);
    place
}

async fn printed(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(arguments).await.exits(0);
    assert_eq!(ran.stderr, "", "{ran}");
    ran.stdout
}

const SAME: &str = "No differences of the schema\n";

#[tokio::test]
async fn a_schema_is_the_same_wherever_it_is_read() {
    let place = repository();
    printed(&place, &["schema", "snapshot", "a.json", "-O", "a.yaml"]).await;
    printed(&place, &["schema", "snapshot", "a.json", "-O", "no-name", "--export", "yaml"]).await;
    place.file("bom.json", &format!("\u{feff}{}", schema::current()));
    place.file("wrapped.json", &schema::answer(&schema::current()));
    place.file("single/snapshot.json", &schema::current().to_string());
    let absolute = place.cli.dir().canonicalize().unwrap().join("a.json").display().to_string();
    let of_git = format!("git:HEAD:{absolute}");
    // Nothing but the revision has the dump now.
    fs::rename(place.cli.dir().join("directus-config"), place.cli.dir().join("dump")).unwrap();
    for source in [
        "a.yaml",
        "no-name",
        "bom.json",
        "wrapped.json",
        "single",
        "dump",
        "./dump/snapshot/",
        &absolute,
        "git:main",
        "git:HEAD",
        "git:main:a.json",
        "git:main:./sub/../a.json",
        "git:main:directus-config",
        "git:main:directus-config/snapshot/",
        &of_git,
    ] {
        // The word stands for the configured dump.
        let source = if source == "dump" { "./dump" } else { source };
        let ran = printed(&place, &["schema", "diff", "a.json", source, "--exit-code"]).await;
        assert_eq!(ran, format!("a.json -> {source}\n{SAME}"));
        assert_eq!(printed(&place, &["schema", "diff", source, "a.json", "--format", "directus"]).await, "");
        let hash = printed(&place, &["schema", "hash", source]).await;
        assert_eq!(hash.trim().len(), 40, "{hash}");
    }
    let text = schema::current().to_string();
    let output = with_input(&place, &["schema", "diff", "a.json", "-", "--exit-code"], &text);
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("a.json -> -\n{SAME}"));
    let output = with_input(&place, &["schema", "lint"], "");
    assert_eq!(output.status.code(), Some(1), "the dump is gone");
}

#[tokio::test]
async fn a_revision_is_read_from_any_folder_of_the_repository() {
    let place = repository();
    let output = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        command.args(arguments).current_dir(place.cli.dir().join("sub")).env("NO_COLOR", "1");
        command.output().unwrap()
    };
    for arguments in [
        &["schema", "diff", "git:main:../a.json", "../a.json"][..],
        &["schema", "diff", "../a.json", "git:main", "--dump-path", "../directus-config"],
    ] {
        let output = output(arguments);
        assert!(String::from_utf8_lossy(&output.stdout).ends_with(SAME), "{output:?}");
    }
}

#[tokio::test]
async fn differences_are_text() {
    let place = two();
    let text = printed(&place, &["schema", "diff", "a.json", "b.json"]).await;
    let expected = "a.json -> b.json\n\n  \
                    - field articles.body  destructive: the column and all its values are dropped\n      \
                    instead: copy its values elsewhere first, or keep it in the desired schema\n  \
                    + field articles.due\n  \
                    ~ field articles.title  lossy: values longer than 100 are cut or refused\n      \
                    instead: shorten the values first, or keep the length\n      \
                    schema.max_length  255 -> 100\n\n\
                    Summary: 3 changes of the schema (1 lossy, 1 destructive)\n";
    assert_eq!(text, expected);
    place.run(&["schema", "diff", "a.json", "b.json", "--exit-code"]).await.exits(2);
    place.run(&["schema", "diff", "a.json", "b.json", "--exit-code", "--format", "directus"]).await.exits(2);
    place.run(&["schema", "diff", "a.json", "a.json", "--exit-code"]).await.exits(0);
}

#[tokio::test]
async fn differences_are_a_document() {
    let place = two();
    place.file("wide.json", &schema::wider().to_string());
    let arguments = ["schema", "diff", "a.json", "wide.json", "--format", "json"];
    let ran = place.run(&arguments).await.exits(0);
    let expected = json!({"changes": [{"kind": "update", "what": "field", "collection": "articles", "field": "title",
        "code": ran.json()["changes"][0]["code"], "risk": "safe",
        "edits": [{"path": "schema.max_length", "before": 255, "after": 300}]}]});
    let mut found = ran.json();
    if let Some(change) = found["changes"][0].as_object_mut() {
        change.retain(|_, value| !value.is_null());
    }
    assert_eq!(found, expected, "{ran}");
    let directus = place.run(&["schema", "diff", "a.json", "b.json", "--format", "directus"]).await.exits(0);
    assert_eq!(directus.json(), schema::difference());
    let directus =
        place.run(&["schema", "diff", "a.json", "wide.json", "--format", "directus"]).await.exits(0);
    assert_eq!(directus.json(), schema::widening());
    let same =
        place.run(&["schema", "diff", "a.json", "a.json", "--format", "directus", "--exit-code"]).await;
    assert_eq!((same.stdout.as_str(), same.stderr.as_str()), ("", ""));
    same.exits(0);
    place.file("d.json", &directus.stdout);
    let told = place.refuses(1, &["schema", "diff", "a.json", "d.json"]).await;
    assert_eq!(
        told,
        "error: d.json holds a diff, not a schema\n  hint: only `lockstep schema apply` takes a diff\n"
    );
}

#[tokio::test]
async fn differences_are_markdown() {
    let place = two();
    let text = printed(&place, &["schema", "diff", "a.json", "b.json", "--format", "markdown"]).await;
    let expected = "### Schema: `a.json` → `b.json`\n\n\
        3 changes of the schema (1 lossy, 1 destructive)\n\n\
        | | Change | Why | Instead |\n|---|---|---|---|\n\
        | 🛑 destructive | drop field `articles.body` | the column and all its values are dropped | copy its values \
        elsewhere first, or keep it in the desired schema |\n\
        | ⚠️ lossy | change field `articles.title` | values longer than 100 are cut or refused | shorten the values \
        first, or keep the length |\n\n\
        <details><summary>All changes</summary>\n\n\n**articles**\n- drop field `articles.body`\n\
        - add field `articles.due`\n- change field `articles.title`: `schema.max_length`\n\n</details>\n";
    assert_eq!(text, expected);
    let same = printed(&place, &["schema", "diff", "a.json", "a.json", "--format", "markdown"]).await;
    assert_eq!(same, "### Schema: `a.json` → `a.json`\n\nNo differences.\n");
}

/// Whoever may open a pull request may not write what they like in the comment on it.
#[tokio::test]
async fn names_stay_names_in_markdown() {
    let (place, evil) = (two(), "x`|</details>\n\n# @all [click](http://evil)");
    let text = schema::current().to_string().replace("articles", &evil.replace('\n', "\\n"));
    place.file("evil.json", &text);
    place.file("b.json", &schema::empty().to_string());
    let text = printed(&place, &["schema", "diff", "evil.json", "b.json", "--format", "markdown"]).await;
    let in_code =
        |line: &str, at: &str| line.find(at).is_none_or(|place| line[..place].matches('`').count() % 2 == 1);
    assert!(text.lines().all(|line| !line.starts_with("# ")), "{text}");
    for at in ["</details>", "[click]", "@all"] {
        let mut lines =
            text.lines().filter(|line| *line != "</details>" && !line.contains(&format!("\\{at}")));
        assert!(lines.all(|line| in_code(line, at)), "{text}");
    }
}

#[tokio::test]
async fn a_part_is_compared() {
    let place = two();
    let diff = |more: &[&'static str]| [&["schema", "diff", "a.json", "b.json"], more].concat();
    let changes = async |more| printed(&place, &diff(more)).await;
    assert!(changes(&["--schema-exclude", "art*"]).await.ends_with(SAME));
    assert!(changes(&["--schema-only", "articles"]).await.contains("3 changes"));
    let merged = changes(&["--schema-mode", "merge"]).await;
    assert!(
        merged.contains("2 changes of the schema (1 lossy)") && !merged.contains("articles.body"),
        "{merged}"
    );
    let merged = changes(&["--schema-mode", "merge", "--format", "directus"]).await;
    assert!(!merged.contains("\"D\"") && merged.contains("\"N\""), "{merged}");
    place.refuses(64, &diff(&["--schema-only", "articles", "--format", "directus"])).await;
    let part = printed(&place, &["schema", "snapshot", "a.json", "--schema-exclude", "articles"]).await;
    let part: Value = serde_json::from_str(&part).unwrap();
    assert_eq!(
        (&part["version"], &part["collections"], &part["fields"]),
        (&json!(2), &json!([]), &json!([]))
    );
}

#[tokio::test]
async fn hashes_are_those_of_servers() {
    let place = Place::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lockstep-core/tests/fixtures/schema-hash");
    let hashes: Value = serde_json::from_slice(&fs::read(fixtures.join("HASHES.json")).unwrap()).unwrap();
    for (name, hash) in hashes.as_object().unwrap() {
        let path = fixtures.join(name).display().to_string();
        let hash = hash.as_str().unwrap();
        assert_eq!(printed(&place, &["schema", "hash", &path]).await, format!("{hash}\n"), "{name}");
        assert_eq!(place.run(&["schema", "hash", &path, "--json"]).await.json(), json!({"hash": hash}));
        printed(&place, &["schema", "snapshot", &path, "-O", "s.yaml"]).await;
        assert_eq!(
            printed(&place, &["schema", "hash", "s.yaml"]).await,
            format!("{hash}\n"),
            "{name} as YAML"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let place = two();
    let ran = place.run(&["schema", "lint", "a.json"]).await.exits(1);
    assert_eq!(
        ran.stdout,
        "error articles: it has no primary key  primary-key-missing\n    hint: add a field with \
         schema.is_primary_key\n1 error, 0 warnings\n"
    );
    let ran = place.run(&["schema", "lint", "a.json", "--json"]).await.exits(1);
    assert_eq!(ran.json()["findings"][0]["code"], "primary-key-missing");
    place.file("empty.json", &schema::empty().to_string());
    assert_eq!(
        printed(&place, &["schema", "lint", "empty.json"]).await,
        "Nothing is wrong with the schema\n"
    );
}

/// Who reviews a schema sees what it changes as well as what is wrong with it.
#[tokio::test]
async fn differences_are_shown_beside_errors() {
    let place = two();
    let mut wrong = schema::desired();
    wrong["relations"] =
        json!([{"collection": "articles", "field": "title", "related_collection": "nothing", "meta": {}}]);
    place.file("wrong.json", &wrong.to_string());
    let diff =
        |more: &[&'static str]| [&["schema", "diff", "a.json", "wrong.json", "--exit-code"], more].concat();
    for more in [&[][..], &["--format", "markdown"]] {
        let ran = place.run(&diff(more)).await.exits(1);
        assert!(ran.stdout.contains("3 changes of the schema") || ran.stdout.contains("4 changes"), "{ran}");
        assert!(ran.stderr.starts_with("error: the desired schema has an error\n"), "{ran}");
        assert!(ran.stderr.contains("relation-to-nothing") && !ran.stderr.contains("written"), "{ran}");
    }
    let document = place.run(&diff(&["--format", "json"])).await.exits(1).json();
    assert_eq!(document["errors"][0]["code"], "relation-to-nothing", "{document:#}");
    // Nothing of it is sent.
    let fake = playing().await;
    let told = place.refuses_at(&fake, 3, &["schema", "apply", "wrong.json", "--yes"]).await;
    assert!(told.contains("nothing was written"), "{told}");
    // The same as changes that were computed before.
    let computed =
        place.run(&["schema", "diff", "a.json", "wrong.json", "--format", "directus"]).await.exits(0);
    place.file("d.json", &computed.stdout);
    let told =
        place.refuses_at(&fake, 3, &["schema", "apply", "d.json", "--yes", "--allow-destructive"]).await;
    assert!(told.contains("relation-to-nothing"), "{told}");
    assert!(fake.writes().is_empty());
}

#[tokio::test]
async fn a_result_takes_the_place_of_a_file_as_a_whole() {
    let place = two();
    let write = async |name: &str| printed(&place, &["schema", "snapshot", "a.json", "-O", name]).await;
    place.file("s.json", "old");
    write("s.json").await;
    let path = |name: &str| place.cli.dir().join(name);
    let written = fs::read_to_string(path("s.json")).unwrap();
    assert!(written.starts_with("{\n\t\"version\": 1"), "{written}");
    assert!(
        fs::read_dir(place.cli.dir())
            .unwrap()
            .all(|file| { !file.unwrap().file_name().to_string_lossy().starts_with(".lockstep") })
    );
    // What is no ordinary file stays what it is.
    fs::hard_link(path("b.json"), path("behind.json")).unwrap();
    std::os::unix::fs::symlink("behind.json", path("link.json")).unwrap();
    write("link.json").await;
    assert!(path("link.json").is_symlink());
    assert_eq!(fs::read_to_string(path("behind.json")).unwrap(), written);
    assert_eq!(write("/dev/stdout").await, written);
}

#[tokio::test]
async fn one_order_comes_of_every_order() {
    fn turned(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                object.iter().rev().map(|(key, value)| (key.clone(), turned(value))).collect()
            }
            Value::Array(items) => items.iter().rev().map(turned).collect(),
            other => other.clone(),
        }
    }
    let place = two();
    let mut value = turned(&schema::current());
    // The keys of the document itself are the writer's.
    let header = ["version", "directus", "vendor", "collections", "fields", "systemFields", "relations"];
    value = header.into_iter().map(|key| (key.to_owned(), value[key].clone())).collect();
    place.file("turned.json", &value.to_string());
    let normal = printed(&place, &["schema", "normalize", "a.json"]).await;
    assert_eq!(printed(&place, &["schema", "normalize", "turned.json"]).await, normal);
    place.file("normal.json", &normal);
    assert_eq!(printed(&place, &["schema", "normalize", "normal.json"]).await, normal);
    let yaml = printed(&place, &["schema", "normalize", "turned.json", "--export", "yaml"]).await;
    place.file("normal.yaml", &yaml);
    assert_eq!(printed(&place, &["schema", "normalize", "normal.yaml"]).await, normal);
}

#[tokio::test]
async fn a_snapshot_of_an_instance_comes_back() {
    let (place, fake) = (Place::new(), playing().await);
    for name in ["s.yaml", "s.json"] {
        place.run_at(&fake, &["schema", "snapshot", "-O", name]).await.exits(0);
        let ran = place.run_at(&fake, &["schema", "diff", "instance", name, "--exit-code"]).await.exits(0);
        assert_eq!(ran.stdout, format!("instance -> {name}\n{SAME}"));
        let ran = place.run_at(&fake, &["schema", "apply", name]).await.exits(0);
        assert!(fake.writes().is_empty(), "{ran}");
    }
    let text = fs::read_to_string(place.cli.dir().join("s.yaml")).unwrap();
    assert!(text.starts_with(
        "version: 1\ndirectus: 11.17.4\nvendor: sqlite\ncollections:\n- collection: articles\n"
    ));
    let ran = place.run(&["schema", "snapshot", "s.yaml", "-O", "no/such/s.json"]).await.exits(1);
    assert!(ran.stderr.starts_with("error: cannot write no/such/s.json\n"), "{ran}");
}

/// Directus takes 2020-01-01 for a date and 1_000 for a number, other readers yes for true.
#[tokio::test]
async fn texts_stay_texts_in_yaml() {
    let place = Place::new();
    let texts = [
        "2020-01-01",
        "2020-01-01T00:00:00Z",
        "1_000",
        "0o17",
        "yes",
        "",
        "-",
        "?",
        "a: b",
        "a #b",
        "it's",
        "\"q\"",
        " lead",
        "trail ",
        "two\nlines",
        "two\nlines\n",
        "a\n\n  b\n",
        "a \nb",
        "x\n\n\n",
        "\n",
        "\tt",
        "a\tb\nc",
        "cr\r\n",
        "\u{85}",
        "\u{2028}",
        "\0",
        "\u{1b}[31m",
        "\u{feff}",
        "😀",
        "---",
        "...",
        "=",
        "1e3",
        ".inf",
        "_1",
        "0_",
        "1.2.3",
        "a:",
        "[x",
        "{x",
        "\u{7f}",
        "a\n---\nb",
        "a\n# b\n",
        "%x",
        "| x",
        "!x",
        "null",
        "~",
        "\\",
    ];
    let long = "k".repeat(3000);
    let texts: Vec<&str> = texts.into_iter().chain([long.as_str()]).collect();
    let mut value = schema::current();
    let nested = json!([[], {}, [[1], {"a": [2]}], 1e21, 1e20, 1e-7, -0.5, true, null]);
    let keys: Value = texts.iter().map(|text| ((*text).to_owned(), json!([text, nested]))).collect();
    value["fields"][0]["meta"]["options"] = json!({"texts": texts, "keys": keys, "nested": nested});
    place.file("a.json", &value.to_string());
    printed(&place, &["schema", "snapshot", "a.json", "-O", "a.yaml"]).await;
    printed(&place, &["schema", "snapshot", "a.json", "-O", "first.json"]).await;
    printed(&place, &["schema", "snapshot", "a.yaml", "-O", "second.json"]).await;
    let read = |name: &str| fs::read_to_string(place.cli.dir().join(name)).unwrap();
    assert_eq!(read("first.json"), read("second.json"), "{}", read("a.yaml"));
    let yaml = read("a.yaml");
    for line in ["- '2020-01-01'\n", "- '1_000'\n", "- 'yes'\n", "- 1.2.3\n", "- it's\n", "- |-\n", "- []\n"]
    {
        assert!(yaml.contains(line), "{line}\n{yaml}");
    }
}

/// An instance with [`schema::current`].
async fn playing() -> Fake {
    Fake::answering(&[("/schema/snapshot", 200, &schema::answer(&schema::current()))]).await
}

const SNAPSHOT_HINT: &str = "GET /schema/snapshot, `lockstep schema snapshot` and `lockstep pull` make one";
const FILE_HINT: &str = "correct the file, or make a new one: `lockstep schema snapshot -O FILE`";
const TEXT_HINT: &str = "a schema is a JSON or YAML file, saved as UTF-8";
const WORDS: &str =
    "give a file, a folder, git:REVISION, a URL, `instance` or `dump`; `lockstep pull` makes the dump";

/// Files that are none, and what is said of each.
fn wrong_files() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let of = |key: &str, value: Value| -> Vec<u8> {
        let mut snapshot = schema::empty();
        snapshot[key] = value;
        snapshot.to_string().into_bytes()
    };
    let field = |key: &str, value: Value| {
        let mut field = json!({"collection": "a", "field": "b"});
        field[key] = value;
        of("fields", json!([field]))
    };
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000)).into_bytes();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, before) in ('b'..='m').zip('a'..) {
        bomb += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(","));
    }
    let twice = json!([{"collection": "a", "field": "b"}, {"collection": "a", "field": "b"}]);
    vec![
        (
            "s.json",
            b"".to_vec(),
            "s.json is empty",
            "give a snapshot file; `lockstep schema snapshot -O FILE` makes one",
        ),
        (
            "s.yaml",
            b" \n".to_vec(),
            "s.yaml is empty",
            "give a snapshot file; `lockstep schema snapshot -O FILE` makes one",
        ),
        (
            "s.json",
            b"{}".to_vec(),
            "s.json is no schema snapshot: collections: expected an array, found nothing",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            b"[]".to_vec(),
            "s.json is no schema snapshot: snapshot: expected a schema snapshot (an object with collections, fields and \
             relations), found an array",
            SNAPSHOT_HINT,
        ),
        (
            "s.yaml",
            b"hello".to_vec(),
            "s.yaml is no schema snapshot: snapshot: expected a schema snapshot (an object with collections, fields and \
             relations), found a string",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            of("collections", json!([{"collection": "a"}, {"collection": "a"}])),
            "s.json is no schema snapshot: collections[1]: a is already described by collections[0]",
            "remove one of the two",
        ),
        (
            "s.json",
            of("fields", twice),
            "s.json is no schema snapshot: fields[1]: a.b is already described by fields[0]",
            "remove one of the two",
        ),
        (
            "s.json",
            of("fields", json!({})),
            "s.json is no schema snapshot: fields: expected an array, found an object",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            of("fields", json!([{"collection": "a"}])),
            "s.json is no schema snapshot: fields[0].field: expected a name, found nothing",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            field("meta", json!("x")),
            "s.json is no schema snapshot: fields[0].meta: expected an object, found a string",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            field("schema", json!(3)),
            "s.json is no schema snapshot: fields[0].schema: expected an object, found the number 3",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            field("type", json!(3)),
            "s.json is no schema snapshot: fields[0].type: expected a name, found the number 3",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            of("directus", json!("eleven")),
            "s.json is no schema snapshot: directus: expected a version such as 11.17.4, found \"eleven\"",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            of("version", json!(3)),
            "s.json is no schema snapshot: version: expected version 1 or 2 of the snapshot format, found the number 3",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            br#"{"hash": "x", "diff": {"collections": 1}}"#.to_vec(),
            "s.json is no schema snapshot: diff.collections: expected an array, found the number 1",
            SNAPSHOT_HINT,
        ),
        (
            "s.json",
            b"<<<<<<< HEAD\n{}".to_vec(),
            "s.json:1:1: not valid JSON: expected value",
            "resolve the merge conflict in this file",
        ),
        ("s", b"\x00\x01\xff\xfe\x80".to_vec(), "s is not UTF-8 text", TEXT_HINT),
        ("s.json", b"{\"a\": \"\xe4\"}".to_vec(), "s.json is not UTF-8 text", TEXT_HINT),
        (
            "s.json",
            utf16("{\"a\": 1}"),
            "s.json is not UTF-8 text, but UTF-16",
            "save it as UTF-8; `lockstep schema snapshot -O FILE` writes it so in every shell",
        ),
        (
            "s.yaml",
            utf16("\u{feff}a: 1"),
            "s.yaml is not UTF-8 text, but UTF-16",
            "save it as UTF-8; `lockstep schema snapshot -O FILE` writes it so in every shell",
        ),
        ("s.json", deep("[", "]"), "s.json:1:128: not valid JSON: nested too deep", FILE_HINT),
        ("s.json", deep("{\"a\":", "}"), "s.json:1:636: not valid JSON: nested too deep", FILE_HINT),
        ("s.yaml", deep("- ", ""), "s.yaml:1:257: not valid YAML: nested too deep", FILE_HINT),
        (
            "s.yaml",
            [b"a: ".to_vec(), deep("[", "]")].concat(),
            "s.yaml:1:1004: not valid YAML: nested too deep",
            FILE_HINT,
        ),
        ("s.yaml", b"a: &a [*a]".to_vec(), "s.yaml:1:4: not valid YAML: nested too deep", FILE_HINT),
        ("s.yaml", bomb.into_bytes(), "s.yaml: not valid YAML: its aliases stand for too much", FILE_HINT),
        ("s.yaml", b"a: *b".to_vec(), "s.yaml:1:4: not valid YAML: unknown anchor", FILE_HINT),
        ("s.yaml", b"a: 1\n---\nb: 1".to_vec(), "s.yaml: not valid YAML: more than one document", FILE_HINT),
        (
            "s.yaml",
            b"a: !b 1".to_vec(),
            "s.yaml:1:4: not valid YAML: a: a tag (!name) has no meaning in a schema",
            FILE_HINT,
        ),
        (
            "s.yaml",
            b"a:\n  b: 1\n  b: 2".to_vec(),
            "s.yaml:2:3: not valid YAML: a: the key b stands twice in one object",
            FILE_HINT,
        ),
        (
            "s.yaml",
            b"a: &a {b: 1}\nc:\n  <<: *a".to_vec(),
            "s.yaml:3:3: not valid YAML: c: merge keys (<<) are not supported: write the values out",
            FILE_HINT,
        ),
    ]
}

#[tokio::test]
async fn what_is_no_schema_is_told_and_nothing_is_sent() {
    let (place, fake) = (Place::new(), playing().await);
    for (name, content, message, hint) in wrong_files() {
        bytes(&place, name, &content);
        let expected = format!("error: {message}\n  hint: {hint}\n");
        assert_eq!(place.refuses(1, &["schema", "lint", name]).await, expected);
        assert_eq!(
            place.refuses_at(&fake, 1, &["schema", "apply", name, "--yes", "--allow-destructive"]).await,
            expected
        );
    }
    assert_eq!(fake.requests().len(), 0, "what is wanted is read first");
}

#[tokio::test]
async fn a_file_that_ends_too_early_is_told() {
    let place = Place::new();
    place.file("a.json", &schema::current().to_string());
    let json = schema::current().to_string();
    let yaml = printed(&place, &["schema", "snapshot", "a.json", "--export", "yaml"]).await;
    for (name, text) in [("s.json", json.as_str()), ("s.yaml", yaml.trim_end())] {
        for end in (0..text.len()).step_by(7) {
            place.file(name, &text[..end]);
            let ran = place.run(&["schema", "lint", name]).await.exits(1);
            assert!(
                ran.stderr.starts_with(&format!("error: {name}")) && ran.stderr.contains("\n  hint: "),
                "{end} {ran}"
            );
            assert_eq!(ran.stdout, "", "{end} {ran}");
        }
    }
}

#[tokio::test]
async fn places_without_a_schema_are_told() {
    let place = repository();
    place.file("sub/more/note.txt", "nothing");
    let folder = "give a snapshot file, a dump, or the snapshot folder of one";
    let revision = "check the name; a shallow clone has few revisions: git fetch --unshallow";
    let path = "give the path behind the revision: git:REVISION:PATH, relative to this folder";
    let cases = [
        ("none.json", "cannot read none.json\n  because No such file or directory (os error 2)", WORDS),
        ("", "cannot read a file without a name\n  because No such file or directory (os error 2)", WORDS),
        ("sub", "there is no schema snapshot in sub", folder),
        ("git:main:sub", "there is no schema snapshot in git:main:sub", folder),
        ("git:main:", "there is no schema snapshot in git:main:", folder),
        ("git:none", "git knows no revision \"none\"", revision),
        ("git:", "git knows no revision \"\"", revision),
        ("git:main^{tree}", "git knows no revision \"main^{tree}\"", revision),
        ("git:--output=owned", "git knows no revision \"--output=owned\"", revision),
        ("git:-x:a.json", "git knows no revision \"-x\"", revision),
        ("git:main:none.json", "none.json is not in the revision main", path),
        ("git:main:--help", "--help is not in the revision main", path),
        ("git:main:*.json", "*.json is not in the revision main", path),
        ("git:main:../a.json", "../a.json is outside of the git repository", path),
        ("git:main:/etc/passwd", "/etc/passwd is outside of the git repository", path),
    ];
    let fake = playing().await;
    for (source, message, hint) in cases {
        let expected = format!("error: {message}\n  hint: {hint}\n");
        assert_eq!(place.refuses(1, &["schema", "hash", source]).await, expected);
        assert_eq!(place.refuses_at(&fake, 1, &["schema", "apply", source, "--yes"]).await, expected);
    }
    assert_eq!(fake.requests().len(), 0);
    assert!(!place.cli.dir().join("owned").exists());
    let elsewhere = Place::new();
    let told = elsewhere.refuses(1, &["schema", "hash", "git:main"]).await;
    assert_eq!(
        told,
        "error: this folder is in no git repository\n  hint: run it inside the repository, or give a file instead\n"
    );
    let told = elsewhere.refuses(1, &["schema", "lint"]).await;
    assert!(told.starts_with("error: cannot read directus-config/snapshot\n"), "{told}");
    let told = elsewhere.refuses(1, &["schema", "diff", "-", "-"]).await;
    assert_eq!(told, "error: standard input can be read only once\n  hint: give one of the two as a file\n");
}

/// A diff that was computed for another schema, or does not fit, changes nothing.
#[tokio::test]
async fn a_diff_that_does_not_fit_is_refused() {
    let (place, fake) = (Place::new(), playing().await);
    let body = |collection: &str| {
        json!({"hash": "0", "diff": {"collections": [], "relations": [], "fields": [
            {"collection": collection, "field": "none", "diff": [{"kind": "E", "path": ["schema", "max_length"], "lhs": 1, "rhs": 2}]}]}})
    };
    place.file("d.json", &body("articles").to_string());
    let told = place.refuses_at(&fake, 3, &["schema", "apply", "d.json", "--yes"]).await;
    assert!(told.contains("hint: "), "{told}");
    for value in [body("articles"), body("none")] {
        place.file("d.json", &value.to_string());
        let told = place.refuses_at(&fake, 3, &["schema", "apply", "d.json", "--yes", "--force"]).await;
        assert!(told.contains("hint: "), "{told}");
    }
    assert!(
        fake.requests()
            .iter()
            .all(|seen| seen.method == "GET" || seen.path.starts_with("/utils/cache/clear"))
    );
}
