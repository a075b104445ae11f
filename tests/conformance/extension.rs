//! Lockstep's own extension on real servers: npm directus-sync works with it unmodified, it goes on with what the other
//! extension has stored, and it saves requests.

use std::collections::BTreeMap;

use lockstep_testkit::cache::Cache;
use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::{Directus, Extension, Http, Template};
use lockstep_testkit::proxy::{Fault, Proxy, Rule};
use serde_json::{Value, json};

use crate::peer::directus_sync;
use crate::stage::portrait::assert_alike;
use crate::stage::project::{self, id};
use crate::stage::{array, on_every_real_version, on_real_11_and_12, pull, push, push_is_empty, row, rows};

const BASE: &str = "/directus-extension-sync";

on_every_real_version!(its_routes_are_those_of_directus_sync, it_goes_on_with_what_the_other_has_stored);
on_every_real_version!(mappings_survive_the_removal_of_the_extension, permissions_that_are_there_twice);
on_real_11_and_12!(directus_sync_works_with_it);

async fn pair(version: &str, extension: Extension) -> (Directus, Directus) {
    let a = Directus::builder(version).extension(extension).start();
    let b = Directus::builder(version).extension(extension).template(Template::B).start();
    tokio::try_join!(a, b).unwrap()
}

/// All mappings by table.
async fn tables(directus: &Directus) -> BTreeMap<String, Vec<(String, String)>> {
    let answer = directus.http().request("GET", &format!("{BASE}/tables"), None).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pairs = |rows: &Value| {
        let mut pairs: Vec<_> =
            array(rows.clone()).iter().map(|row| (text(&row["sync_id"]), text(&row["local_id"]))).collect();
        pairs.sort();
        pairs
    };
    answer.body.as_object().unwrap().iter().map(|(table, rows)| (table.clone(), pairs(rows))).collect()
}

/// Each route of directus-sync's extension answers the same from both.
async fn its_routes_are_those_of_directus_sync(version: &str) {
    let theirs = Directus::builder(version).extension(Extension::DirectusSync).start();
    let ours = Directus::builder(version).extension(Extension::Lockstep).start();
    let (theirs, ours) = tokio::try_join!(theirs, ours).unwrap();
    let asked = [
        ("GET", "/table/roles", Value::Null),
        ("GET", "/table/roles/sync_id/none", Value::Null),
        ("POST", "/table/roles", json!({"local_id": 7, "sync_id": "s7"})),
        ("POST", "/table/roles", json!({"local_id": "7", "sync_id": "s8"})),
        ("POST", "/table/items::notes", json!({"local_id": "7", "sync_id": "s7"})),
        ("GET", "/table/roles", Value::Null),
        ("GET", "/table/items%3A%3Anotes", Value::Null),
        ("GET", "/table/roles/sync_id/s7", Value::Null),
        ("GET", "/table/roles/local_id/7", Value::Null),
        ("DELETE", "/table/roles/local_id/none", Value::Null),
        ("DELETE", "/table/roles/sync_id/s7", Value::Null),
        ("GET", "/table/roles", Value::Null),
    ];
    for (method, path, body) in asked {
        let body = (!body.is_null()).then_some(&body);
        let of = async |directus: &Directus| {
            let answer = directus.http().request(method, &format!("{BASE}{path}"), body).await.unwrap();
            (answer.status, without_times(answer.body))
        };
        assert_eq!(of(&ours).await, of(&theirs).await, "{method} {path}");
    }
    let made =
        ours.http().request("POST", &format!("{BASE}/table/roles"), Some(&json!({"local_id": "x"}))).await;
    assert_eq!(made.unwrap().body["sync_id"].as_str().unwrap().len(), 36);
    only_for_administrators(&ours).await;
    duplicates(&ours).await;
}

fn without_times(mut body: Value) -> Value {
    let rows = match &mut body {
        Value::Array(rows) => rows.iter_mut().collect(),
        row => vec![row],
    };
    for row in rows {
        if let Some(time) = row.get_mut("created_at") {
            assert!(!time.is_null());
            *time = "then".into();
        }
    }
    body
}

async fn only_for_administrators(directus: &Directus) {
    let user = json!({"email": "somebody@example.com", "token": "of-somebody"});
    directus.post("/users", &user).await.unwrap();
    for token in ["", "of-somebody"] {
        let http = Http::new(&directus.url()).unwrap().with_token((!token.is_empty()).then_some(token));
        for (method, path) in [
            ("GET", "/info"),
            ("GET", "/tables"),
            ("GET", "/table/roles"),
            ("PATCH", "/mappings"),
            ("DELETE", "/helpers/permissions/duplicates"),
        ] {
            let answer = http.request(method, &format!("{BASE}{path}"), None).await.unwrap();
            assert!(matches!(answer.status, 401 | 403), "{method} {path}: {}", answer.status);
        }
    }
}

/// Permissions of the same holder, collection and action.
async fn duplicates(directus: &Directus) {
    let (holders, holder) =
        if directus.version().starts_with("10.") { ("/roles", "role") } else { ("/policies", "policy") };
    let id = directus.post(holders, &json!({"name": "Twice"})).await.unwrap()["id"].clone();
    let rule = json!({holder: id, "collection": "directus_files", "action": "read", "fields": ["*"]});
    for _ in 0..3 {
        directus.post("/permissions", &rule).await.unwrap();
    }
    let path = format!("{BASE}/helpers/permissions/duplicates");
    let of = async |body: Option<&Value>| directus.http().request("DELETE", &path, body).await.unwrap().body;
    let deleted = of(Some(&json!({"keep": "first"}))).await["deletedPermissions"].clone();
    assert_eq!(
        (&deleted[0][holder], deleted[0]["ids"].as_array().map(Vec::len)),
        (&id, Some(2)),
        "{deleted}"
    );
    assert_eq!(of(None).await, json!({"deletedPermissions": []}));
}

/// A push that was recorded through the one extension is known through the other, on the same database.
async fn it_goes_on_with_what_the_other_has_stored(version: &str) {
    let a = Directus::builder(version).start();
    let b = Directus::builder(version).extension(Extension::DirectusSync).template(Template::B).start();
    let (a, mut b) = tokio::try_join!(a, b).unwrap();
    project::fill(&a).await;
    let (cli, extension) = (Cli::new(), ["--state", "extension", "--preserve-ids", "none"]);
    pull(&cli, &a).await;
    let with_theirs = push(&cli, &b, &extension).await;
    let shown = cli.run(&["state", "show", "--json"], &b).await.exits(0).json();
    b.restart_with_extension(Extension::Lockstep).await.unwrap();
    assert_eq!(cli.run(&["state", "show", "--json"], &b).await.exits(0).json(), shown);
    push_is_empty(&cli, &b, &extension).await;
    a.delete(&format!("/dashboards/{}", id::EMPTY), None).await.unwrap();
    pull(&cli, &a).await;
    push(&cli, &b, &extension).await;
    assert_alike(&a, &b).await;

    // And back: what ours has stored, the other one knows.
    let shown = cli.run(&["state", "show", "--json"], &b).await.exits(0).json();
    b.restart_with_extension(Extension::DirectusSync).await.unwrap();
    assert_eq!(cli.run(&["state", "show", "--json"], &b).await.exits(0).json(), shown);

    let fresh = Directus::builder(version)
        .extension(Extension::Lockstep)
        .template(Template::B)
        .start()
        .await
        .unwrap();
    let with_ours = push(&cli, &fresh, &extension).await;
    let mapped: usize = tables(&fresh).await.values().map(Vec::len).sum();
    let (with_theirs, with_ours) =
        (with_theirs["requests"].as_u64().unwrap(), with_ours["requests"].as_u64().unwrap());
    assert!(
        with_ours + mapped as u64 <= with_theirs,
        "{with_ours} requests, {with_theirs} with theirs, {mapped} mappings"
    );
}

/// What directus-sync's extension has stored goes where Lockstep needs no extension; then that is removed.
async fn mappings_survive_the_removal_of_the_extension(version: &str) {
    let a = Directus::builder(version).start();
    let b = Directus::builder(version).extension(Extension::DirectusSync).template(Template::B).start();
    let (a, mut b) = tokio::try_join!(a, b).unwrap();
    project::fill(&a).await;
    let cli = Cli::new();
    pull(&cli, &a).await;
    push(&cli, &b, &["--preserve-ids", "none"]).await;
    // Of a seed, which no dump knows.
    let seed = json!({"local_id": "1", "sync_id": "first"});
    b.http().request("POST", &format!("{BASE}/table/items::articles"), Some(&seed)).await.unwrap();
    let shown = cli.run(&["state", "show", "--json"], &b).await.exits(0).json();
    assert!(shown["mappings"].to_string().contains("items::articles"), "{shown:#}");
    let to = if version.starts_with("10.") { "file" } else { "table" };
    let moved = cli.run(&["state", "move", "--to", to, "--yes", "--json"], &b).await.exits(0).json();
    assert_eq!((&moved["from"], &moved["emptied"]), (&json!("extension"), &json!(true)), "{moved}");
    let left = array(b.http().request("GET", &format!("{BASE}/table/permissions"), None).await.unwrap().body);
    assert!(left.is_empty(), "{left:#?}");

    b.restart_with_extension(Extension::None).await.unwrap();
    let after = cli.run(&["state", "show", "--json"], &b).await.exits(0).json();
    assert_eq!((&after["state"], &after["mappings"]), (&json!(to), &shown["mappings"]));
    push_is_empty(&cli, &b, &["--preserve-ids", "none"]).await;
    a.delete(&format!("/dashboards/{}", id::EMPTY), None).await.unwrap();
    pull(&cli, &a).await;
    push(&cli, &b, &["--preserve-ids", "none"]).await;
    assert_alike(&a, &b).await;
}

/// One of several permissions of the same holder, collection and action stays; nothing has to be installed for it.
async fn permissions_that_are_there_twice(version: &str) {
    let directus = Directus::builder(version).start().await.unwrap();
    let (holders, holder) =
        if version.starts_with("10.") { ("/roles", "role") } else { ("/policies", "policy") };
    let id = directus.post(holders, &json!({"name": "Twice"})).await.unwrap()["id"].clone();
    let rule = json!({holder: id, "collection": "directus_files", "action": "read", "fields": ["*"]});
    let mut ids = Vec::new();
    for _ in 0..3 {
        let made = directus.post("/permissions", &rule).await.unwrap()["id"].clone();
        ids.push(made.to_string());
    }
    let cli = Cli::new();
    let first = ids[0].clone();
    drop(cli.run(&["state", "link", "permissions", "of-the-dump", &first], &directus).await.exits(0));
    let remove = ["helpers", "remove-permission-duplicates", "--json"];
    let told = cli.run(&remove, &directus).await.exits(0).json();
    let group = json!({
        holder: id, "collection": "directus_files", "action": "read", "kept": ids[2], "ids": ids[..2], "differing": [],
    });
    assert_eq!(told, json!({"deleted": [group], "hidden": 0}));
    let left: Vec<_> = rows(&directus, "permissions").await.iter().map(|row| row["id"].to_string()).collect();
    assert_eq!(left, ids[2..]);
    let shown = cli.run(&["state", "show", "--json"], &directus).await.exits(0).json();
    let kept = json!([{"collection": "permissions", "sync_id": "of-the-dump", "id": ids[2]}]);
    assert_eq!(shown["mappings"], kept);
    // And without a login it is known to be ready.
    let ready = [
        "helpers",
        "wait-server-ready",
        "--timeout",
        "30",
        "--successes",
        "2",
        "--interval",
        "0.1",
        "-u",
        &directus.url(),
    ];
    drop(cli.run_bare(&ready).await.exits(0).says("Ready: "));
}

/// npm directus-sync, unmodified, from one instance with our extension to another.
async fn directus_sync_works_with_it(version: &str) {
    let (a, b) = pair(version, Extension::Lockstep).await;
    project::fill(&a).await;
    let (theirs, cache) = (Cli::new(), Cache::from_env().unwrap());
    directus_sync(&cache, &["pull"], &a, &theirs.files()).await;
    let of_a = tables(&a).await;
    assert!(of_a["dashboards"].len() == 2 && of_a["permissions"].len() > 3, "{of_a:#?}");
    directus_sync(&cache, &["push", "--preserve-ids", "all"], &b, &theirs.files()).await;
    let of_b = tables(&b).await;
    let sync_ids = |tables: &BTreeMap<String, Vec<(String, String)>>, table: &str| -> Vec<String> {
        tables[table].iter().map(|(sync_id, _)| sync_id.clone()).collect()
    };
    for table in ["dashboards", "permissions", "roles", "operations"] {
        assert_eq!(sync_ids(&of_a, table), sync_ids(&of_b, table), "{table}");
    }
    let said = directus_sync(&cache, &["diff"], &b, &theirs.files()).await;
    assert!(!said.contains("To create: ") && !said.contains("To delete: "), "{said}");

    // A deletion, which goes by the mappings, and ours after theirs.
    a.delete(&format!("/dashboards/{}", id::EMPTY), None).await.unwrap();
    directus_sync(&cache, &["pull"], &a, &theirs.files()).await;
    directus_sync(&cache, &["push", "--preserve-ids", "all"], &b, &theirs.files()).await;
    let left = array(b.get("/dashboards").await.unwrap());
    assert_eq!(left.len(), 1, "{left:#?}");
    push_is_empty(&theirs, &b, &[]).await;
    assert!(row(&b, "dashboards", id::EMPTY).await.is_none());
}

/// A request of many mappings goes wrong; the push completes by itself, and each mapping is there once.
#[tokio::test]
async fn a_batch_that_is_lost_is_sent_again() {
    let directus = Directus::builder("11.17.4").extension(Extension::Lockstep).start().await.unwrap();
    project::fill(&directus).await;
    let (cli, proxy) = (Cli::new(), Proxy::start(&directus.url()).await.unwrap());
    pull(&cli, &directus).await;
    push(&cli, &directus, &[]).await;
    let whole = tables(&directus).await;
    let too_large = r#"{"errors":[{"message":"request entity too large"}]}"#;
    for (name, fault) in [
        ("the answer is lost", Fault::DropAfter),
        ("the request is lost", Fault::DropBefore),
        ("502", Fault::respond(502, "<html>")),
        ("too large", Fault::respond(413, too_large)),
    ] {
        let all = whole.iter().flat_map(|(table, pairs)| {
            pairs.iter().map(move |(sync_id, _)| json!({"table": table, "sync_id": sync_id}))
        });
        let forget = json!({"delete": all.collect::<Vec<_>>()});
        let forgot = directus.http().request("PATCH", &format!("{BASE}/mappings"), Some(&forget)).await;
        assert_eq!(forgot.unwrap().status, 200);
        assert!(tables(&directus).await.is_empty());
        proxy.clear();
        proxy.fault(Rule::new(fault).method("PATCH").path(&format!("{BASE}/mappings")).first(1));
        let ran = cli.run(&["push", "--json"], &proxy).await.exits(0);
        let met = proxy.requests().iter().filter(|seen| seen.fault.is_some()).count();
        assert_eq!(met, 1, "{name}\n{ran}");
        assert_eq!(tables(&directus).await, whole, "{name}\n{ran}");
    }
}
