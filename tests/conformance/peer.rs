//! npm directus-sync on the same files and the same mappings: a team can go from one tool to the other and back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;

use lockstep_testkit::cache::Cache;
use lockstep_testkit::cli::{Cli, Dump};
use lockstep_testkit::directus::{Directus, Template};
use lockstep_testkit::npm::{self, Package};
use serde_json::{Value, json};

use crate::stage::portrait::assert_alike;
use crate::stage::project::{self, id};
use crate::stage::{array, pull, push, push_is_empty, rows, texts};

const VERSION: &str = "11.17.4";

/// The collections of a dump.
const COLLECTIONS: [&str; 11] = [
    "dashboards",
    "flows",
    "folders",
    "operations",
    "panels",
    "permissions",
    "policies",
    "presets",
    "roles",
    "settings",
    "translations",
];

/// Runs npm directus-sync with a dump; it must succeed.
pub(crate) async fn directus_sync(cache: &Cache, arguments: &[&str], at: &Directus, dump: &Dump) -> String {
    let dump = dump.root().display().to_string();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--dump-path", &dump]).collect();
    directus_sync_in(cache, &arguments, at, &std::env::temp_dir()).await
}

/// Runs npm directus-sync in a folder; it must succeed.
pub(crate) async fn directus_sync_in(
    cache: &Cache,
    arguments: &[&str],
    at: &Directus,
    folder: &Path,
) -> String {
    let mut command = npm::directus_sync(cache).unwrap();
    command.args(arguments).args(["--directus-url", &at.url(), "--directus-token", at.token()]);
    command.stdin(Stdio::null()).current_dir(folder);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "directus-sync {arguments:?}: {}\n{text}", output.status);
    text.into_owned()
}

async fn pair_with_extension() -> (Directus, Directus) {
    let a = Directus::builder(VERSION).extension(true).start();
    let b = Directus::builder(VERSION).extension(true).template(Template::B).start();
    tokio::try_join!(a, b).unwrap()
}

#[tokio::test]
async fn its_dump_is_pushed_and_pulled_again_as_it_was() {
    let b = Directus::builder(VERSION).template(Template::B).start().await.unwrap();
    let fixture = Dump::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dump-11.17.4"));
    let cli = Cli::new();
    cli.files().copy_from(&fixture);
    push(&cli, &b, &[]).await;
    push_is_empty(&cli, &b, &[]).await;

    // Into the same place, whose SyncIDs stay, and into an empty one, where only ids and mappings are known.
    for into in [cli, Cli::new()] {
        drop(into.run(&["pull", "--no-specs"], &b).await.exits(0));
        let (theirs, ours) = (fixture.files(), into.files().files());
        for (name, bytes) in &theirs {
            let same = ours
                .get(name)
                .is_some_and(|ours| as_directus_sync(name, ours) == as_directus_sync(name, bytes));
            assert!(
                same,
                "{name}:\n{}",
                ours.get(name).map_or("".into(), |ours| String::from_utf8_lossy(ours))
            );
        }
        let more: Vec<_> = ours.keys().filter(|name| !theirs.contains_key(*name)).collect();
        assert!(more.is_empty(), "{more:?}");
    }
}

/// A file for comparison. Operations of the same key have no order of their own in directus-sync's files; and SQLite
/// makes text of a UUID field that is no key, whoever applies the schema.
fn as_directus_sync(name: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if name.ends_with("_uuid.json") {
        return text.replace(r#""type": "uuid""#, r#""type": "string""#).replace(r#""char""#, r#""varchar""#);
    }
    if !name.ends_with("operations.json") {
        return text;
    }
    let mut records: Vec<Value> = serde_json::from_str(&text).unwrap();
    records.sort_by_key(|record| (record["key"].to_string(), record["_syncId"].to_string()));
    format!("{records:#?}")
}

#[tokio::test]
async fn it_pushes_what_lockstep_pulled() {
    let (a, b) = pair_with_extension().await;
    project::fill(&a).await;
    let (cli, cache) = (Cli::new(), Cache::from_env().unwrap());
    pull(&cli, &a).await;
    directus_sync(&cache, &["push", "--preserve-ids", "all"], &b, &cli.files()).await;
    assert_alike(&a, &b).await;
    let report = cli.run(&["diff", "--json", "--exit-code"], &b).await.exits(0).json();
    assert_eq!(report["converged"], true, "{report:#}");
    assert_eq!(report["instance"]["state"], "extension");
    // Its own diff goes on to show the attachments of the administrator's policy as changed.
    let said = directus_sync(&cache, &["diff"], &b, &cli.files()).await;
    assert!(!said.contains("To create: ") && !said.contains("To delete: "), "{said}");
}

#[tokio::test]
async fn its_sync_ids_stay_when_lockstep_takes_over() {
    let (a, b) = pair_with_extension().await;
    project::fill(&a).await;
    let (theirs, ours, cache) = (Cli::new(), Cli::new(), Cache::from_env().unwrap());
    directus_sync(&cache, &["pull"], &a, &theirs.files()).await;
    let report = pull(&ours, &a).await;
    assert_eq!(report["instance"]["state"], "extension");
    let mapped = mapped(&a).await;
    for collection in COLLECTIONS {
        let mut expected = by_sync_id(&theirs.files(), collection);
        // Ids in texts and deep in options, which directus-sync leaves as they are, are SyncIDs as well.
        for record in expected.values_mut() {
            *record = mapped.iter().fold(record.clone(), |text, (local, sync)| text.replace(local, sync));
        }
        assert_eq!(by_sync_id(&ours.files(), collection), expected, "{collection}");
    }
    // What one tool put on an instance, the other finds there, but for these ids.
    directus_sync(&cache, &["push"], &b, &theirs.files()).await;
    push_is_empty(&theirs, &b, &[]).await;
    let report = push(&ours, &b, &[]).await;
    let once = json!({"created": 0, "updated": 1, "deleted": 0});
    assert_eq!(
        report["applied"]["collections"],
        json!({"operations": once, "permissions": once}),
        "{report:#}"
    );
    a.delete(&format!("/dashboards/{}", id::SALES), None).await.unwrap();
    pull(&ours, &a).await;
    push(&ours, &b, &[]).await;
    let names = texts(&rows(&b, "dashboards").await, "name");
    assert_eq!(names, BTreeSet::from(["Empty".to_owned()]));
}

/// Hooks of every kind, a replaced `fetch` and the functions of `restConfig`, as both tools run them.
const HOOKS: &str = "
const { readFlow, readPermissions, readSettings } = require('@directus/sdk');
const notOf = (prefix) => (query) => { query.filter = { ...query.filter, ...prefix }; return query; };
module.exports = {
  extends: ['./base.config.js'],
  directusConfig: {
    clientOptions: { globals: { fetch: async (input, init) => {
      const answer = await fetch(input, { ...init, headers: { ...init.headers, 'X-Firewall': 'open' } });
      if (answer.status >= 500) throw new Error(`${init.method} ${input}: ${answer.status}`);
      return answer;
    } } },
    restConfig: {
      onRequest: (request) => ({ ...request, headers: { ...request.headers, 'X-More': '1' } }),
      onResponse: async (data) => {
        const flows = Array.isArray(data) && data.length > 0 && data[0]?.accountability !== undefined;
        return flows ? data.map((flow) => ({ ...flow, description: `answered ${flow.name}` })) : data;
      },
    },
  },
  hooks: {
    flows: {
      onQuery: notOf({ name: { _nstarts_with: 'Test:' } }),
      onDump: (flows) => flows.map((flow) => { flow.name = `🧊 ${flow.name}`; return flow; }),
      onSave: async (flows) => flows.map((flow) => ({ ...flow, name: `🔥 ${flow.name}` })),
    },
    operations: {
      onQuery: notOf({ flow: { name: { _nstarts_with: 'Test:' } } }),
      onDump: async (operations, client) => {
        const settings = await client.request(readSettings());
        for (const operation of operations) {
          const flow = await client.request(readFlow(operation.flow, { fields: ['id', 'name'] }));
          operation.name = `${settings.project_name} ${flow.name}: ${operation.name}`;
        }
        return operations;
      },
    },
    policies: { onDump: (policies, client) => Promise.all(policies.map(async (policy) => {
      const filter = { policy: { name: { _eq: policy.name } } };
      const permissions = await client.request(readPermissions({ filter, limit: -1 }));
      return { ...policy, description: `${permissions.filter((one) => one.id).length} permissions` };
    })) },
    translations: { onSave: (all) => all.map((one) => ({ ...one, value: one.value.toUpperCase() })) },
    snapshot: { onSave: async (snapshot) => ({ ...snapshot, fields: snapshot.fields.map((field) => (
      field.meta ? { ...field, meta: { ...field.meta, note: 'noted' } } : field)) }) },
  },
};";

#[tokio::test]
async fn hooks_in_javascript_make_the_same_files() {
    let at = Directus::builder(VERSION).extension(true).start().await.unwrap();
    project::fill(&at).await;
    let test = json!({"name": "Test: nothing", "trigger": "manual", "status": "inactive", "options": {}});
    at.post("/flows", &test).await.unwrap();
    let cache = Cache::from_env().unwrap();
    let packages = Package::directus_sync().ensure(&cache).unwrap().join("node_modules");
    let place = || {
        let cli = Cli::new();
        std::fs::write(cli.dir().join("directus-sync.config.js"), HOOKS).unwrap();
        std::fs::write(cli.dir().join("base.config.js"), "module.exports = { specs: false };").unwrap();
        cli
    };
    let (theirs, ours, without_npm) = (place(), place(), place());
    for cli in [&theirs, &ours] {
        std::os::unix::fs::symlink(&packages, cli.dir().join("node_modules")).unwrap();
    }
    drop(directus_sync_in(&cache, &["pull"], &at, theirs.dir()).await);
    let mapped = mapped(&at).await;
    for cli in [&ours, &without_npm] {
        drop(cli.run(&["pull"], &at).await.exits(0));
        for collection in COLLECTIONS {
            let mut expected = by_sync_id(&theirs.files(), collection);
            for record in expected.values_mut() {
                *record = mapped.iter().fold(record.clone(), |text, (local, sync)| text.replace(local, sync));
            }
            assert_eq!(by_sync_id(&cli.files(), collection), expected, "{collection}");
        }
        let snapshot = |cli: &Cli| {
            let mut files = cli.files().files();
            files.retain(|name, _| name.starts_with("snapshot/"));
            files
        };
        assert!(snapshot(cli) == snapshot(&theirs), "{:?}", snapshot(cli).keys());
    }
    let flows = ours.files().records("flows");
    let marked = |flow: &Value| {
        let (name, told) = (flow["name"].as_str().unwrap(), flow["description"].as_str().unwrap());
        name.starts_with("🔥 🧊 ") && told.starts_with("answered ") && !name.contains("Test:")
    };
    assert!(!flows.is_empty() && flows.iter().all(marked), "{flows:#?}");
}

/// What directus-sync has recorded: local id and SyncID, where they differ.
async fn mapped(directus: &Directus) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for collection in COLLECTIONS {
        let rows =
            array(directus.get(&format!("/directus-extension-sync/table/{collection}")).await.unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        pairs.extend(rows.iter().map(|row| (text(&row["local_id"]), text(&row["sync_id"]))));
    }
    pairs.retain(|(local, sync)| local != sync && local.len() == 36);
    pairs
}

/// The records of a collection by SyncID, the attachments of policies as a set.
fn by_sync_id(dump: &Dump, collection: &str) -> BTreeMap<String, String> {
    let records = dump.records(collection).into_iter();
    records
        .map(|mut record| {
            if let Some(roles) = record.get_mut("roles").and_then(Value::as_array_mut) {
                roles.sort_by_key(Value::to_string);
            }
            (record["_syncId"].as_str().unwrap().to_owned(), format!("{record:#}"))
        })
        .collect()
}
