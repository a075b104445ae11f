//! `@directus/sdk` of npm and our own of hooks: both evaluated by the script engine, with the same arguments.

use std::sync::Arc;

use lockstep_script::{Console, Engine, Level, Options};
use lockstep_testkit::cache::Cache;
use lockstep_testkit::npm::Package;
use serde_json::{Value, json};

/// What the crate's own test compares with: commands, arguments and what the package gave when they were recorded.
const RECORDED: &str = include_str!("../../crates/lockstep-script/tests/engine/sdk.jsonl");

const EVALUATE: &str = "
globalThis.FormData = class FormData {};
const sdk = require('@directus/sdk');
const sorted = (v) => Array.isArray(v) ? v.map(sorted)
  : v && typeof v === 'object' ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])])) : v;
module.exports = { names: Object.keys(sdk).sort(), all: (cases) => cases.map(({ command, arguments: given }) => {
  try {
    const made = sdk[command](...given);
    return sorted(typeof made === 'function' ? made() : made);
  } catch (error) {
    return { error: error.message };
  }
}) };";

struct Silence;

impl Console for Silence {
    fn print(&self, _: Level, _: &str) {}
}

/// The names that the SDK has in a folder, and what its commands give there.
async fn evaluated(folder: &std::path::Path, cases: &[Value]) -> (Value, Vec<Value>) {
    let file = folder.join("evaluate.cjs");
    std::fs::write(&file, EVALUATE).unwrap();
    let engine = Engine::start(Options::new(folder, Arc::new(Silence))).unwrap();
    let loaded = engine.load(&file).await.unwrap();
    let returned = engine.call(&loaded.functions["all"], vec![json!(cases).to_string()], None).await.unwrap();
    (loaded.value["names"].clone(), returned.parse().unwrap())
}

#[tokio::test]
async fn our_commands_are_those_of_the_package() {
    let cases: Vec<Value> = RECORDED.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let installed = Package::directus_sync().ensure(&Cache::from_env().unwrap()).unwrap();
    let project = tempfile::tempdir().unwrap();
    let (names, ours) = evaluated(project.path(), &cases).await;
    std::os::unix::fs::symlink(installed.join("node_modules"), project.path().join("node_modules")).unwrap();
    let (names_of_theirs, theirs) = evaluated(project.path(), &cases).await;
    assert_eq!(names, names_of_theirs);
    for ((case, ours), theirs) in cases.iter().zip(&ours).zip(&theirs) {
        assert_eq!(ours, theirs, "{} {}", case["command"], case["arguments"]);
        assert_eq!(
            theirs, &case["gives"],
            "the package has changed: {} {}",
            case["command"], case["arguments"]
        );
    }
}
