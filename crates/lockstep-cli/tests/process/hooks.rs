//! Configuration in JavaScript and hooks, on the sandbox.

use std::sync::{Arc, Mutex};

use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::cli::At;
use lockstep_testkit::directus::ADMIN_TOKEN;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::place::Place;

fn at(sandbox: &Sandbox) -> At {
    At::new(sandbox.url(), sandbox.token())
}

/// An instance with the magazine of the demo, and a place with its dump.
async fn magazine() -> (Sandbox, Place) {
    let place = Place::new();
    drop(place.run(&["demo", "--dump-path", "directus-config"]).await.exits(0));
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    drop(place.cli.run(&["push", "--yes"], at(&sandbox)).await.exits(0));
    (sandbox, place)
}

fn names(place: &Place, collection: &str, field: &str) -> Vec<String> {
    let records = place.cli.files().records(collection);
    let mut names: Vec<_> =
        records.iter().map(|record| record[field].as_str().unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn records_are_changed_on_the_way_into_the_dump_and_out_of_it() {
    let (sandbox, place) = magazine().await;
    let before = names(&place, "flows", "name");
    let config = "
const change = (change) => (flows) => flows.map((flow) => { flow.name = change(flow.name); return flow; });
module.exports = { hooks: { flows: {
  onDump: change((name) => `dumped ${name}`),
  onSave: async (flows) => change((name) => `saved ${name}`)(flows),
  onLoad: change((name) => name.replace('saved dumped ', '')),
} } };";
    place.file("directus-sync.config.js", config);
    drop(place.cli.run(&["pull"], at(&sandbox)).await.exits(0));
    let expected: Vec<_> = before.iter().map(|name| format!("saved dumped {name}")).collect();
    assert_eq!(names(&place, "flows", "name"), expected);
    drop(place.cli.run(&["diff", "--exit-code"], at(&sandbox)).await.exits(0));
    drop(place.run(&["verify"]).await.exits(0).says("Whole"));
    place.file("directus-sync.config.js", "module.exports = {}");
    let diff = place.cli.run(&["diff", "--json"], at(&sandbox)).await.exits(0).json();
    assert_eq!(diff["collections"]["flows"]["update"], before.len(), "{diff}");
}

#[tokio::test]
async fn what_a_query_filters_out_is_not_in_the_dump() {
    let (sandbox, place) = magazine().await;
    let kept = names(&place, "flows", "name").first().unwrap().clone();
    let panels = place.cli.files().records("panels").len();
    let config = format!(
        "const name = {kept:?};
export default {{ hooks: {{
  flows: {{ onQuery: (query, client) => {{
    if (query.limit !== -1 || typeof client.request !== 'function') throw new Error('another query');
    query.filter = {{ ...query.filter, name: {{ _eq: name }} }};
    return query;
  }} }},
  operations: {{ onQuery: async (query) => ({{ ...query, filter: {{ flow: {{ name: {{ _eq: name }} }} }}, sort: ['-key'] }}) }},
  settings: {{ onQuery: (query) => ({{ ...query, fields: ['project_name', 'public_note'] }}) }},
  panels: {{ onQuery: (query) => ({{ ...query, filter: {{ id: {{ _null: true }} }} }}) }},
}} }};"
    );
    place.file("directus-sync.config.mjs", &config);
    drop(place.cli.run(&["pull"], at(&sandbox)).await.exits(0));
    assert_eq!(names(&place, "flows", "name"), std::slice::from_ref(&kept));
    let flow = place.cli.files().record("flows", "name", &kept)["_syncId"].clone();
    let operations = place.cli.files().records("operations");
    assert!(
        !operations.is_empty() && operations.iter().all(|operation| operation["flow"] == flow),
        "{operations:?}"
    );
    let settings = place.cli.files().records("settings")[0].as_object().unwrap().clone();
    assert_eq!(settings.keys().collect::<Vec<_>>(), ["project_name", "public_note", "_syncId"]);
    assert_eq!(place.cli.files().records("panels"), Vec::<Value>::new());
    // What left the dump is deleted, as it is tracked.
    let diff = place.cli.run(&["diff", "--json", "-o", "panels"], at(&sandbox)).await.exits(0).json();
    assert_eq!(diff["collections"]["panels"]["delete"], panels, "{diff}");
}

#[tokio::test]
async fn records_and_overrides_come_between_the_hooks() {
    let (sandbox, place) = magazine().await;
    let kept = names(&place, "flows", "name").first().unwrap().clone();
    let project = names(&place, "settings", "project_name").remove(0);
    let config = format!(
        "const told = (when) => (all) => {{ console.log(`${{when}} ${{all[0].project_name}}`); return all; }};
module.exports = {{
  records: {{ flows: {{ filter: {{ name: {{ _neq: 'Nothing' }} }} }} }},
  profiles: {{ a: {{
    overrides: [{{ collection: 'settings', set: {{ project_name: '${{PROJECT}}' }} }}],
    hooks: {{ flows: {{ onQuery: (query) => ({{ ...query, filter: {{ name: {{ _eq: {kept:?} }} }} }}) }} }},
  }} }},
  hooks: {{ settings: {{ onDump: told('dumped'), onSave: told('saved'), onLoad: told('loaded') }} }},
}};"
    );
    place.file("lockstep.config.js", &config);
    place.file(".env", "PROJECT=Staging\n");
    let ran = place.cli.run(&["push", "--yes", "--profile", "a"], at(&sandbox)).await.exits(0);
    assert!(ran.stderr.contains(&format!("loaded {project}")), "{ran}");
    assert!(ran.stdout.contains("${PROJECT}") && !ran.stdout.contains("Staging"), "{ran}");
    let ran = place.cli.run(&["pull", "--profile", "a"], at(&sandbox)).await.exits(0);
    assert!(ran.stderr.contains("dumped Staging"), "{ran}");
    assert!(ran.stderr.contains(&format!("saved {project}")), "{ran}");
    assert_eq!(names(&place, "settings", "project_name"), [project]);
    assert_eq!(names(&place, "flows", "name"), [kept]);
}

#[tokio::test]
async fn hooks_ask_the_instance() {
    let (sandbox, place) = magazine().await;
    let config = "
const { readFlow, readFlows, readSettings } = require('@directus/sdk');
module.exports = { hooks: { operations: { onDump: async (operations, client) => {
  const flows = await client.request(readFlows({ fields: ['id'], limit: -1 }));
  const settings = await client.request(readSettings());
  const nobody = await client.request(readFlow('00000000-0000-0000-0000-000000000000')).catch((e) => e);
  console.log('%d flows of %s, and %s', flows.length, settings.project_name, nobody.errors[0].extensions.code);
  for (const operation of operations) {
    const flow = await client.request(readFlow(operation.flow));
    operation.name = `${flow.name}: ${operation.name}`;
  }
  return operations;
} } } };";
    place.file("directus-sync.config.js", config);
    let ran = place.cli.run(&["pull"], at(&sandbox)).await.exits(0);
    assert!(ran.stderr.contains(" flows of ") && ran.stderr.contains("FORBIDDEN"), "{ran}");
    for operation in place.cli.files().records("operations") {
        let flow = place.cli.files().record("flows", "_syncId", operation["flow"].as_str().unwrap());
        let name = operation["name"].as_str().unwrap();
        assert!(name.starts_with(&format!("{}: ", flow["name"].as_str().unwrap())), "{name}");
    }
}

#[tokio::test]
async fn the_snapshot_has_hooks_of_its_own() {
    let (sandbox, place) = magazine().await;
    let config = "
const without = (field) => async (snapshot) => {
  snapshot.fields = snapshot.fields.filter((node) => node.field !== field);
  return snapshot;
};
module.exports = { hooks: { snapshot: { onSave: (s) => ({ ...s, fields: s.fields.map((f) => (f.field === 'title' ? { ...f, meta: { ...f.meta, note: 'saved' } } : f)) }), onLoad: without('slug') } } };";
    place.file("directus-sync.config.js", config);
    drop(place.cli.run(&["pull"], at(&sandbox)).await.exits(0));
    let files = place.cli.files().files();
    let title = files.iter().find(|(name, _)| name.ends_with("/title.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(title.1).unwrap()["meta"]["note"], "saved");
    let diff = place.cli.run(&["diff", "--json"], at(&sandbox)).await.exits(0).json();
    let changes = diff["schema"]["changes"].to_string();
    assert!(changes.contains("saved"), "{changes}");
}

#[tokio::test]
async fn hooks_of_parents_are_kept_and_the_childs_win() {
    let (sandbox, place) = magazine().await;
    place.file(
        "node_modules/tiny/package.json",
        r#"{"name": "tiny", "exports": {"import": "./m.mjs", "require": "./c.cjs"}}"#,
    );
    place.file("node_modules/tiny/m.mjs", "export const mark = (name) => `m ${name}`;");
    place.file("node_modules/tiny/c.cjs", "exports.mark = (name) => `c ${name}`;");
    let hook = |mark: &str| format!("(all) => all.map((one) => ({{ ...one, name: {mark}(one.name) }}))");
    place.file("directus-sync.config.js", &format!("const {{ mark }} = require('tiny'); module.exports = {{ extends: ['./a/parent.mjs'], hooks: {{ flows: {{ onSave: {} }} }} }}", hook("mark")));
    place.file("a/parent.mjs", &format!("import {{ mark }} from 'tiny';\nexport default {{ extends: ['../grand.json'], hooks: {{ flows: {{ onSave: () => null }}, dashboards: {{ onSave: {} }} }} }};", hook("mark")));
    place.file("grand.json", r#"{"extends": ["./great.cjs"], "specs": false}"#);
    place.file("great.cjs", &format!("module.exports = {{ hooks: {{ roles: {{ onSave: {} }}, dashboards: {{ onSave: () => null }} }} }}", hook("((n) => 'g ' + n)")));
    drop(place.cli.run(&["pull"], at(&sandbox)).await.exits(0));
    for (collection, mark) in [("flows", "c "), ("dashboards", "m "), ("roles", "g ")] {
        let names = names(&place, collection, "name");
        assert!(!names.is_empty() && names.iter().all(|name| name.starts_with(mark)), "{names:?}");
    }
}

#[tokio::test]
async fn what_goes_wrong_names_the_hook_and_leaves_the_dump_alone() {
    let (sandbox, place) = magazine().await;
    let before = place.cli.files().files();
    let long = "LOCKSTEP_HOOK_TIMEOUT gives more seconds";
    for (hook, told) in [
        (
            "flows: { onDump: (flows) => { flows.map((flow) => flow); } }",
            vec![
                "hooks.flows.onDump in directus-sync.config.js returned nothing; it has to return the records, an array",
            ],
        ),
        // As in the documentation of directus-sync: the function given to map returns nothing.
        (
            "flows: { onDump: (flows) => flows.map((flow) => { flow.status = 'inactive'; }) }",
            vec![
                "hooks.flows.onDump returned an array whose item 0 is nothing",
                "does a function given to map return it?",
            ],
        ),
        (
            "flows: { onSave: async (flows) => ({ flows }) }",
            vec!["returned an object; it has to return the records, an array"],
        ),
        (
            "flows: { onQuery: () => 'x' }",
            vec!["hooks.flows.onQuery", "returned a string; it has to return the query, an object"],
        ),
        (
            "flows: { onSave: (flows) => flows.map(({ _syncId, ...flow }) => flow) }",
            vec!["item 0 has no _syncId"],
        ),
        (
            "snapshot: { onSave: () => [] }",
            vec!["hooks.snapshot.onSave", "returned an array; it has to return the snapshot, an object"],
        ),
        (
            "snapshot: { onSave: (s) => ({ ...s, fields: 1 }) }",
            vec!["hooks.snapshot.onSave returned no snapshot"],
        ),
        (
            "flows: { onDump: (flows) => {\n  return flows.nothing.at(0); } }",
            vec![
                "hooks.flows.onDump in ./directus-sync.config.js: TypeError: cannot read property 'at' of undefined at ./directus-sync.config.js:2:",
            ],
        ),
        (
            "flows: { onDump: () => { for (;;) {} } }",
            vec!["hooks.flows.onDump in ./directus-sync.config.js: it did not end within 1 s", long],
        ),
        (
            "flows: { onDump: () => { const all = []; for (;;) all.push(new Array(1000).fill(1)); } }",
            vec![
                "hooks.flows.onDump in ./directus-sync.config.js: it needs more than the 64 MB",
                "LOCKSTEP_HOOK_MEMORY gives more megabytes",
            ],
        ),
        (
            "flows: { onDump: () => new Promise(() => {}) }",
            vec!["it waits for a promise that nothing can settle"],
        ),
        (
            "flows: { onDump: () => require('child_process') }",
            vec![
                "the module \"child_process\" of Node is not available here; there are assert",
                "at ./directus-sync.config.js:1:",
            ],
        ),
        (
            "flow: { onDump: (x) => x }",
            vec!["hooks.flow.onDump in", "there is no such hook", "did you mean flows?"],
        ),
        ("flows: { onPull: (x) => x }", vec!["there is no such hook", "onDump"]),
        ("snapshot: { onDump: (x) => x }", vec!["there is no such hook", "there are onSave, onLoad"]),
        ("flows: { onQuery: (q) => ({ ...q, filter: { nothing: { _eq: 1 } } }) }", vec!["nothing"]),
    ] {
        place.file("directus-sync.config.js", &format!("module.exports = {{ hooks: {{ {hook} }} }}"));
        // Filling memory takes as long as the machine likes.
        let seconds = if hook.contains("{ for (;;) {} }") { 1 } else { 120 };
        place.file(".env", &format!("LOCKSTEP_HOOK_TIMEOUT={seconds}\nLOCKSTEP_HOOK_MEMORY=64\n"));
        let ran = place.cli.run(&["pull"], at(&sandbox)).await;
        assert!(!ran.stderr.contains("panicked"), "{ran}");
        for told in told {
            assert!(ran.stderr.contains(told), "{hook}\n{told}\n{ran}");
        }
        assert!([1, 64].contains(&ran.code), "{ran}");
        assert_eq!(place.cli.files().files(), before, "{hook}");
    }
}

/// Refuses everything, and remembers what it was asked.
async fn gate() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    tokio::spawn(async move {
        'connections: while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                    // What is asked at once is given up when the first answer is a refusal.
                    continue 'connections;
                }
            }
            seen.lock().unwrap().push(String::from_utf8_lossy(&head).to_lowercase());
            let body =
                json!({"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}).to_string();
            let answer = format!(
                "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, asked)
}

#[tokio::test]
async fn headers_are_added_to_each_request() {
    let config = "
const add = (request) => ({ ...request, headers: { ...request.headers, 'Special-Access-Header': 'secret' } });
module.exports = { directusConfig: ";
    for (rest, more) in [
        ("{ restConfig: { onRequest: add } } };", ""),
        (
            "{ restConfig: { onRequest: async (o) => { await new Promise((r) => setTimeout(r, 1)); return add(o); } } } };",
            "",
        ),
        ("{ clientOptions: { globals: { fetch: (input, init) => fetch(input, add(init)) } } } };", ""),
        (
            "{ clientOptions: {}, restConfig: { onRequest: (o) => ({ ...add(o), headers: { ...add(o).headers, 'X-Url': 'b' } }) } } };",
            "x-url: b\r\n",
        ),
    ] {
        let (url, asked) = gate().await;
        let place = Place::new();
        place.file("directus-sync.config.js", &format!("{config}{rest}"));
        drop(place.cli.run(&["pull"], At::new(url, ADMIN_TOKEN)).await.exits(1));
        let asked = asked.lock().unwrap().clone();
        assert!(!asked.is_empty());
        for head in asked {
            assert!(head.contains("special-access-header: secret\r\n") && head.contains(more), "{head}");
            assert!(
                head.contains(&format!("authorization: bearer {}\r\n", ADMIN_TOKEN.to_lowercase())),
                "{head}"
            );
        }
    }
}

/// A configuration that reaches a sandbox only by its own `fetch`, which adds a header and sends elsewhere.
fn by_fetch(sandbox: &Sandbox) -> String {
    format!(
        "
const real = {:?};
const customFetch = async (input, init) => {{
  const url = String(input).replace('http://nowhere.invalid', real);
  const headers = {{ ...init.headers, 'Special-Access-Header': 'secret' }};
  const answer = await fetch(url, {{ ...init, headers }});
  if (answer.status >= 400) console.log(`${{answer.status}} ${{(await answer.clone().text()).length > 0}}`);
  return answer;
}};
module.exports = {{ directusConfig: {{ clientOptions: {{ globals: {{ fetch: customFetch }} }} }} }};",
        sandbox.url()
    )
}

#[tokio::test]
async fn a_replaced_fetch_gets_real_answers() {
    let (sandbox, place) = magazine().await;
    let direct = Place::new();
    drop(direct.cli.run(&["pull"], at(&sandbox)).await.exits(0));
    place.file("directus-sync.config.js", &by_fetch(&sandbox));
    let elsewhere = || At::new("http://nowhere.invalid".to_owned(), sandbox.token());
    drop(place.cli.run(&["pull"], elsewhere()).await.exits(0));
    let mut files = place.cli.files().files();
    files.retain(|name, _| name != ".lockstep-demo");
    assert_eq!(files, direct.cli.files().files());
    // Writes and uploads go through it as well.
    let target = Sandbox::start(Options::default()).await.unwrap();
    place.file("directus-sync.config.js", &by_fetch(&target));
    place.file("directus-config/seed/a.json", &json!({"collection": "directus_files", "data": [{"_sync_id": "f", "_file_path": "f.bin", "title": "F"}]}).to_string());
    std::fs::write(place.cli.dir().join("directus-config/seed/f.bin"), [0_u8, 255, 254, 13, 10, 0]).unwrap();
    let target_at = || At::new("http://nowhere.invalid".to_owned(), target.token());
    drop(place.cli.run(&["push", "--yes"], target_at()).await.exits(0));
    drop(place.cli.run(&["diff", "--exit-code"], target_at()).await.exits(0));
    drop(place.cli.run(&["seed", "push", "--yes"], target_at()).await.exits(0));
    let report = place.cli.run(&["seed", "push", "--yes", "--json"], target_at()).await.exits(0).json();
    assert_eq!(report["applied"]["collections"], json!({}), "{report:#}");
}

#[tokio::test]
async fn a_replaced_fetch_that_fails_is_told() {
    let hint = "GET /server/info: the request could not be sent";
    for (function, told) in [
        (
            "async () => { throw new Error('no') }",
            vec![hint, "globals.fetch in ./lockstep.config.cjs: Error: no at"],
        ),
        ("async () => {}", vec![hint, "globals.fetch in", "has to return a Response, as fetch does"]),
        (
            "(url, init) => fetch('http://127.0.0.1:9/', init)",
            vec!["cannot connect to", "fetch failed", "onnection refused"],
        ),
        (
            "async () => Response.json({ errors: [{ message: 'Firewall' }] }, { status: 403 })",
            vec!["(403)", "Firewall"],
        ),
        (
            "async () => new Response('<html>')",
            vec!["GET /server/info: the answer is an HTML page, not JSON"],
        ),
    ] {
        let (url, asked) = gate().await;
        let place = Place::new();
        let config = format!(
            "module.exports = {{ directusConfig: {{ clientOptions: {{ globals: {{ fetch: {function} }} }} }} }}"
        );
        place.file("lockstep.config.cjs", &config);
        let ran = place.cli.run(&["pull"], At::new(url, ADMIN_TOKEN)).await.exits(1);
        for told in told {
            assert!(ran.stderr.contains(told), "{function}: {told}\n{ran}");
        }
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_a_response_function_returns_is_the_answer() {
    let (sandbox, place) = magazine().await;
    let flows = names(&place, "flows", "name");
    let config = "
const { readFlows } = require('@directus/sdk');
const rest = {
  onRequest: (request) => ({ ...request, headers: { ...request.headers, 'X-Seen': 'yes' } }),
  onResponse: async (data, request) => {
    if (request.headers['x-seen'] === undefined && request.headers['X-Seen'] === undefined) throw new Error('no request');
    await null;
    if (!Array.isArray(data) || data[0]?.trigger === undefined) return data;
    return data.map((flow) => ({ ...flow, name: `seen ${flow.name}` }));
  },
};
module.exports = {
  directusConfig: { restConfig: rest },
  hooks: { flows: { onDump: async (flows, client) => {
    const [flow] = await client.request(readFlows({ limit: 1 }));
    console.log(`asked: ${flow.name}`);
    return flows;
  } } },
};";
    place.file("directus-sync.config.js", config);
    let ran = place.cli.run(&["pull"], at(&sandbox)).await.exits(0);
    assert!(ran.stderr.contains("asked: seen "), "{ran}");
    let expected: Vec<_> = flows.iter().map(|name| format!("seen {name}")).collect();
    assert_eq!(names(&place, "flows", "name"), expected);
    // A push works through it, answers without a body included.
    let target = Sandbox::start(Options::default()).await.unwrap();
    drop(place.cli.run(&["push", "--yes"], at(&target)).await.exits(2));
    for (function, told) in [
        ("() => {}", "restConfig.onResponse returned nothing; it has to return the answer"),
        (
            "() => { throw new Error('no') }",
            "restConfig.onResponse in ./directus-sync.config.js: Error: no at",
        ),
    ] {
        let config =
            format!("module.exports = {{ directusConfig: {{ restConfig: {{ onResponse: {function} }} }} }}");
        place.file("directus-sync.config.js", &config);
        let ran = place.cli.run(&["pull"], at(&sandbox)).await.exits(1);
        assert!(ran.stderr.contains(told), "{ran}");
    }
}

#[tokio::test]
async fn a_function_for_headers_that_fails_is_told() {
    for (function, told) in [
        ("() => {}", "directusConfig.restConfig.onRequest has to return the request, an object with headers"),
        (
            "() => { throw new Error('no') }",
            "directusConfig.restConfig.onRequest in ./lockstep.config.cjs: Error: no at ./lockstep.config.cjs:1:",
        ),
    ] {
        let (url, asked) = gate().await;
        let place = Place::new();
        let config =
            format!("module.exports = {{ directusConfig: {{ restConfig: {{ onRequest: {function} }} }} }}");
        place.file("lockstep.config.cjs", &config);
        let ran = place.cli.run(&["pull"], At::new(url, ADMIN_TOKEN)).await.exits(1);
        assert!(ran.stderr.contains(told), "{ran}");
        assert!(asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn scripts_print_to_stderr_and_see_the_environment_without_profiles_tokens() {
    let place = Place::new();
    place.file(".env", "LOCKSTEP_STAGING_TOKEN=hidden\nSHOWN=yes\n");
    place.file(
        "lockstep.config.js",
        "console.log(process.env.SHOWN, process.env.LOCKSTEP_STAGING_TOKEN); console.debug('not asked for');",
    );
    place.with_schema();
    let ran = place.run(&["schema", "hash", "dump"]).await.exits(0);
    assert!(ran.stderr.contains("yes undefined") && !ran.stderr.contains("not asked for"), "{ran}");
    assert_eq!(ran.stdout.trim().len(), 40, "{ran}");
}
