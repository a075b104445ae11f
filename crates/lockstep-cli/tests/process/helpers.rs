//! The helpers of directus-sync, with nothing installed.

use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::cli::{At, Ran};
use lockstep_testkit::directus::{ADMIN_TOKEN, Http};
use lockstep_testkit::proxy::{Fault, Proxy, Rule};
use serde_json::{Value, json};

use crate::place::Place;
use crate::terminal::typing_at as typing;

async fn sandbox() -> Sandbox {
    let options = Options { admin_token: Some(ADMIN_TOKEN.to_owned()), ..Options::default() };
    Sandbox::start(options).await.unwrap()
}

async fn helped(place: &Place, sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let all: Vec<&str> = ["helpers"].iter().chain(arguments).copied().collect();
    place.cli.run(&all, At::new(sandbox.url(), ADMIN_TOKEN)).await
}

async fn post(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    let answer = Http::new(&sandbox.url()).unwrap().request("POST", path, Some(&body)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["id"].clone()
}

#[tokio::test]
async fn untrack_forgets_one_record_of_any_store() {
    for state in ["extension", "table", "file"] {
        let (place, sandbox) = (Place::new(), sandbox().await);
        let at = || At::new(sandbox.url(), ADMIN_TOKEN);
        let id = post(&sandbox, "/roles", json!({"name": "Editor"})).await;
        let id = id.as_str().unwrap();
        drop(
            place
                .cli
                .run(&["state", "link", "roles", "of-the-dump", id, "--state", state], at())
                .await
                .exits(0),
        );
        let untrack = ["untrack", "--collection", "directus_roles", "--id", id, "--state", state];
        let ran = helped(&place, &sandbox, &untrack).await.exits(0);
        drop(ran.says("Untracked: ").says("of-the-dump").says(state));
        let ran = helped(&place, &sandbox, &untrack).await.exits(0);
        drop(ran.says("Nothing to untrack"));
        let shown = place.cli.run(&["state", "show", "--json", "--state", state], at()).await.exits(0).json();
        assert_eq!(shown["mappings"], json!([]));
    }
}

#[tokio::test]
async fn untrack_knows_seeds_and_names_what_is_none() {
    let (place, sandbox) = (Place::new(), sandbox().await);
    let mapping = json!({"local_id": "7", "sync_id": "first"});
    let http = Http::new(&sandbox.url()).unwrap();
    http.request("POST", "/directus-extension-sync/table/items::posts", Some(&mapping)).await.unwrap();
    let untrack = ["untrack", "--collection", "items::posts", "--id", "7", "--json"];
    let told = helped(&place, &sandbox, &untrack).await.exits(0).json();
    assert_eq!(
        told,
        json!({"state": "extension", "collection": "items::posts", "id": "7", "sync_id": "first"})
    );
    let ran = helped(&place, &sandbox, &["untrack", "--collection", "rolls", "--id", "7"]).await.exits(1);
    drop(ran.says("there is no collection rolls; did you mean roles?"));
    for arguments in [vec!["untrack", "--collection", "roles"], vec!["untrack", "--id", "7"]] {
        drop(helped(&place, &sandbox, &arguments).await.exits(64));
    }
}

/// A policy with three permissions of the same kind; gives their ids.
async fn thrice(sandbox: &Sandbox) -> Vec<i64> {
    let policy = post(sandbox, "/policies", json!({"name": "Editing"})).await;
    let mut ids = Vec::new();
    for fields in ["title", "title", "*"] {
        let rule =
            json!({"policy": policy, "collection": "directus_files", "action": "read", "fields": [fields]});
        ids.push(post(sandbox, "/permissions", rule).await.as_i64().unwrap());
    }
    ids
}

async fn permissions(sandbox: &Sandbox) -> Vec<i64> {
    let rows = Http::new(&sandbox.url()).unwrap().get("/permissions?limit=-1").await.unwrap();
    rows.as_array().unwrap().iter().filter_map(|row| row["id"].as_i64()).collect()
}

#[tokio::test]
async fn one_of_several_permissions_stays() {
    for (keep, stays) in [(vec![], 2), (vec!["--keep", "last"], 2), (vec!["--keep", "first"], 0)] {
        let (place, sandbox) = (Place::new(), sandbox().await);
        let ids = thrice(&sandbox).await;
        let remove: Vec<&str> = ["remove-permission-duplicates"].into_iter().chain(keep).collect();
        let ran = helped(&place, &sandbox, &remove).await.exits(0);
        let ran = ran.says("Editing · read · directus_files").says(&format!("(stays: {})", ids[stays]));
        drop(ran.says("not the same as the one that stays: fields").says("Deleted 2 permissions"));
        assert_eq!(permissions(&sandbox).await, [ids[stays]]);
        drop(helped(&place, &sandbox, &remove).await.exits(0).says("No duplicates"));
    }
    let (place, sandbox) = (Place::new(), sandbox().await);
    drop(helped(&place, &sandbox, &["remove-permission-duplicates", "--keep", "middle"]).await.exits(64));
}

#[tokio::test]
async fn in_a_terminal_somebody_is_asked() {
    let (place, sandbox) = (Place::new(), sandbox().await);
    let ids = thrice(&sandbox).await;
    let at = format!("-u {} -t {ADMIN_TOKEN}", sandbox.url());
    let remove = format!("helpers remove-permission-duplicates {at}");
    let asks = "Delete these permissions? [y/N]";
    drop(typing("n", &remove, &place).await.exits(3).says(asks).says("not applied: nothing was written"));
    assert_eq!(permissions(&sandbox).await, ids);
    drop(typing("y", &remove, &place).await.exits(0).says(asks).says("Deleted 2 permissions"));
    assert_eq!(permissions(&sandbox).await, ids[2..]);

    let last = ids[2].to_string();
    let link = ["state", "link", "permissions", "of-the-dump", &last];
    drop(place.cli.run(&link, At::new(sandbox.url(), ADMIN_TOKEN)).await.exits(0));
    let asks = "The table holds all 1 mapping now. Take it out of the extension? [y/N]";
    let moves = format!("state move --to table {at}");
    drop(typing("n", &moves, &place).await.exits(0).says(asks).says("still holds"));
    drop(typing("y", &moves, &place).await.exits(0).says(asks).says("Moved: 1 mapping"));
}

#[tokio::test]
async fn what_stood_for_a_permission_that_goes_stands_for_the_one_that_stays() {
    for state in ["extension", "table", "file"] {
        let (place, sandbox) = (Place::new(), sandbox().await);
        let ids = thrice(&sandbox).await;
        let at = || At::new(sandbox.url(), ADMIN_TOKEN);
        let first = ids[0].to_string();
        let link = ["state", "link", "permissions", "of-the-dump", &first, "--state", state];
        drop(place.cli.run(&link, at()).await.exits(0));
        let told =
            helped(&place, &sandbox, &["remove-permission-duplicates", "--json", "--state", state]).await;
        let told = told.exits(0).json();
        let gone = json!([first, ids[1].to_string()]);
        assert_eq!(
            (&told["deleted"][0]["ids"], &told["deleted"][0]["differing"]),
            (&gone, &json!(["fields"]))
        );
        let shown = place.cli.run(&["state", "show", "--json", "--state", state], at()).await.exits(0).json();
        let kept = json!([{"collection": "permissions", "sync_id": "of-the-dump", "id": ids[2].to_string()}]);
        assert_eq!(shown["mappings"], kept, "{state}");
    }
}

/// Waits without a token.
async fn waits(place: &Place, url: &str, more: &[&str]) -> Ran {
    let usual = ["helpers", "wait-server-ready", "--interval", "0.01", "-u", url];
    place.run(&usual.iter().chain(more).copied().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn it_waits_until_the_health_is_good_often_enough() {
    let sandbox = sandbox().await;
    let (place, proxy) = (Place::new(), Proxy::start(&sandbox.url()).await.unwrap());
    drop(waits(&place, &proxy.url(), &[]).await.exits(0).says("Ready: "));
    assert_eq!(proxy.requests().len(), 1);
    proxy.clear();
    // Good, then three that are not, then good again: the first does not count.
    for (nth, fault) in [
        (2, Fault::respond(503, r#"{"status":"error"}"#)),
        (3, Fault::respond(200, r#"{"status":"warn"}"#)),
        (4, Fault::DropBefore),
    ] {
        proxy.fault(Rule::new(fault).path("/server/health").nth(nth));
    }
    let told = waits(&place, &proxy.url(), &["--successes", "2", "--json"]).await.exits(0).json();
    assert_eq!((&told["looks"], proxy.requests().len()), (&json!(6), 6), "{:#?}", proxy.requests());
}

#[tokio::test]
async fn a_health_that_is_kept_secret_is_not_waited_for() {
    let sandbox = sandbox().await;
    let (place, proxy) = (Place::new(), Proxy::start(&sandbox.url()).await.unwrap());
    let forbidden = r#"{"errors":[{"message":"No.","extensions":{"code":"FORBIDDEN"}}]}"#;
    proxy.fault(Rule::new(Fault::respond(403, forbidden)).path("/server/health"));
    drop(waits(&place, &proxy.url(), &[]).await.exits(0).says("Ready: "));
}

#[tokio::test]
async fn it_gives_up_in_time_and_says_why() {
    let place = Place::new();
    let url = "http://127.0.0.1:9";
    let ran = waits(&place, url, &["--timeout", "0.2"]).await.exits(1);
    let ran = ran.says("http://127.0.0.1:9 was not ready within 0.2 s").says("because").says("--timeout");
    assert!(!ran.stderr.contains("panicked"), "{ran}");
    for wrong in [["--interval", "soon"], ["--timeout", "-1"], ["--successes", "0"]] {
        drop(waits(&place, url, &wrong).await.exits(64));
    }
    drop(place.run(&["helpers", "wait-server-ready"]).await.exits(64));
}
