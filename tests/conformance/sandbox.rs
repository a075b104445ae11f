//! The clients that teams use, unmodified, on the sandbox: npm directus-sync and `@directus/sdk`.

use std::path::Path;
use std::process::{Command, Stdio};

use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::cache::Cache;
use lockstep_testkit::cli::{At, Cli, Dump};
use lockstep_testkit::npm;
use serde_json::Value;

async fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).await.unwrap()
}

fn at(sandbox: &Sandbox) -> At {
    At::new(sandbox.url(), sandbox.token())
}

fn cache() -> Cache {
    Cache::from_env().unwrap()
}

/// Runs a command to its end; it must succeed.
async fn succeeds(mut command: Command) -> String {
    command.stdin(Stdio::null()).current_dir(std::env::temp_dir());
    let output = tokio::task::spawn_blocking(move || (command.output(), command)).await.unwrap();
    let (output, command) = (output.0.unwrap(), output.1);
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text.into_owned()
}

async fn directus_sync(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let mut command = npm::directus_sync(&cache()).unwrap();
    command.args(arguments).args(["--directus-url", &sandbox.url(), "--directus-token", sandbox.token()]);
    succeeds(command).await
}

fn fixture() -> Dump {
    Dump::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dump-11.17.4"))
}

#[tokio::test]
async fn directus_sync_pushes_its_dump_and_lockstep_finds_it_done() {
    let (sandbox, cli) = (sandbox().await, Cli::new());
    cli.files().copy_from(&fixture());
    let path = cli.files().root().display().to_string();
    drop(directus_sync(&sandbox, &["push", "--dump-path", &path]).await);
    drop(cli.run(&["diff", "--exit-code"], at(&sandbox)).await.exits(0));
    sandbox.stop().await;
}

#[tokio::test]
async fn directus_sync_pulls_what_lockstep_pushed() {
    let (sandbox, cli) = (sandbox().await, Cli::new());
    cli.files().copy_from(&fixture());
    drop(cli.run(&["push", "--yes", "--state", "extension"], at(&sandbox)).await.exits(0));
    let pulled = tempfile::tempdir().unwrap();
    let path = pulled.path().display().to_string();
    drop(directus_sync(&sandbox, &["pull", "--dump-path", &path]).await);
    let theirs = Dump::at(pulled.path());
    for collection in ["flows", "operations", "permissions", "roles", "folders"] {
        assert_eq!(theirs.records(collection).len(), cli.files().records(collection).len(), "{collection}");
    }
    let said = directus_sync(&sandbox, &["diff", "--dump-path", &path]).await;
    assert!(!said.contains("Will create") && !said.contains("Will delete"), "{said}");
    sandbox.stop().await;
}

#[tokio::test]
async fn directus_sync_seeds_items() {
    let (sandbox, cli) = (sandbox().await, Cli::new());
    cli.files().copy_from(&fixture());
    drop(cli.run(&["push", "--yes", "--no-collections"], at(&sandbox)).await.exits(0));
    let seeds = tempfile::tempdir().unwrap();
    let seed = r#"[{"collection": "bench_001", "meta": {"insert_order": 1}, "data": [
        {"_sync_id": "one", "f0_string": "One", "f2_integer": 1},
        {"_sync_id": "two", "f0_string": "Two", "f4_json": {"a": [1]}}]}]"#;
    std::fs::write(seeds.path().join("seed.json"), seed).unwrap();
    let path = seeds.path().display().to_string();
    drop(directus_sync(&sandbox, &["seed", "push", "--seed-path", &path]).await);
    let again = directus_sync(&sandbox, &["seed", "diff", "--seed-path", &path]).await;
    assert!(!again.contains("Will create"), "{again}");
    let script = "const rows = await client.request(sdk.readItems('bench_001', {fields: ['f0_string', 'f4_json'], sort: ['id']}));
        console.log(JSON.stringify(rows));";
    let rows: Value = serde_json::from_str(&sdk(&sandbox, script).await).unwrap();
    assert_eq!(
        rows,
        serde_json::json!([
            {"f0_string": "One", "f4_json": null}, {"f0_string": "Two", "f4_json": {"a": [1]}}
        ])
    );
    sandbox.stop().await;
}

/// What a script prints that has a client of the SDK.
async fn sdk(sandbox: &Sandbox, script: &str) -> String {
    let sdk = npm::sdk(&cache()).unwrap();
    let program = format!(
        "import * as sdk from {};
         const client = sdk.createDirectus({:?}).with(sdk.staticToken({:?})).with(sdk.rest());
         {script}",
        serde_json::json!(sdk),
        sandbox.url(),
        sandbox.token()
    );
    let mut command = Command::new("node");
    command.args(["--input-type=module", "--eval", &program]);
    succeeds(command).await
}

#[tokio::test]
async fn the_sdk_reads_and_writes() {
    let sandbox = sandbox().await;
    let script = "
        await client.request(sdk.createCollection({collection: 'notes', meta: {}, schema: {}, fields: [
            {field: 'id', type: 'integer', schema: {is_primary_key: true, has_auto_increment: true}, meta: {}},
            {field: 'title', type: 'string', schema: {}, meta: {}}]}));
        await client.request(sdk.createItems('notes', [{title: 'a'}, {title: 'b'}, {title: 'c'}]));
        await client.request(sdk.updateItem('notes', 2, {title: 'B'}));
        await client.request(sdk.deleteItem('notes', 3));
        const rows = await client.request(sdk.readItems('notes', {filter: {title: {_neq: 'a'}}, fields: ['id', 'title']}));
        const [{count}] = await client.request(sdk.aggregate('notes', {aggregate: {count: '*'}}));
        const me = await client.request(sdk.readMe({fields: ['email', {role: ['name']}]}));
        let refused;
        try { await client.request(sdk.readItem('notes', 99)); } catch (error) { refused = error.errors[0].extensions.code; }
        console.log(JSON.stringify({rows, count: Number(count), me, refused}));";
    let said: Value = serde_json::from_str(&sdk(&sandbox, script).await).unwrap();
    assert_eq!(
        said,
        serde_json::json!({
            "rows": [{"id": 2, "title": "B"}],
            "count": 2,
            "me": {"email": "admin@example.com", "role": {"name": "Administrator"}},
            "refused": "FORBIDDEN",
        })
    );
    sandbox.stop().await;
}
