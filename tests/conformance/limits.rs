//! Servers that are told to send little at a time, or to take little.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::{Directus, Template};
use serde_json::{Value, json};

use crate::stage::portrait::assert_alike;
use crate::stage::project::{self, post};
use crate::stage::{on_real_11_and_12, pull, push, push_is_empty, rows};

/// More records of each kind than a page has.
async fn many(a: &Directus) {
    let texts =
        (0..130).map(|n| json!({"language": "en-US", "key": format!("key {n}"), "value": "x".repeat(200)}));
    post(a, "/translations", texts.collect()).await;
    let folders = (0..70).map(|n| json!({"name": format!("Folder {n}")}));
    post(a, "/folders", folders.collect()).await;
    let roles = post(a, "/roles", (0..60).map(|n| json!({"name": format!("Role {n}")})).collect()).await;
    let attached: Vec<Value> =
        roles.as_array().unwrap().iter().map(|role| json!({"role": role["id"], "sort": 1})).collect();
    let roles = json!({"create": attached, "update": [], "delete": []});
    let policy = post(a, "/policies", json!({"name": "Of all", "roles": roles})).await["id"].clone();
    let permission =
        |n: u32| json!({"policy": policy, "collection": format!("c{n}"), "action": "read", "fields": ["*"]});
    post(a, "/permissions", (0..80).map(permission).collect()).await;
    let preset =
        |n: u32| json!({"collection": "articles", "bookmark": format!("b {n}"), "layout": "tabular"});
    post(a, "/presets", (0..60).map(preset).collect()).await;
}

async fn pages_of_fifty_are_read_to_the_end(version: &str) {
    let limited =
        |template| Directus::builder(version).template(template).env("QUERY_LIMIT_MAX", "50").start();
    let (a, b) = tokio::try_join!(limited(Template::A), limited(Template::B)).unwrap();
    project::fill(&a).await;
    many(&a).await;
    let cli = Cli::new();
    pull(&cli, &a).await;
    assert_eq!(cli.files().records("translations").len(), 133);
    assert_eq!(cli.files().record("policies", "name", "Of all")["roles"].as_array().unwrap().len(), 60);
    push(&cli, &b, &[]).await;
    assert_alike(&a, &b).await;
    push_is_empty(&cli, &b, &[]).await;
    // What is read page by page is all there is: nothing of it is taken for gone, and what is gone goes.
    a.delete("/translations", Some(&json!([first(&rows(&a, "translations").await)]))).await.unwrap();
    pull(&cli, &a).await;
    let report = push(&cli, &b, &[]).await;
    assert_eq!(
        report["applied"]["collections"],
        json!({"translations": {"created": 0, "updated": 0, "deleted": 1}})
    );
}

fn first(rows: &[Value]) -> Value {
    rows.iter().find(|row| row["value"].as_str().unwrap().starts_with("xxx")).unwrap()["id"].clone()
}

async fn batches_are_halved_until_they_fit(version: &str) {
    let a = Directus::builder(version).start();
    let b = Directus::builder(version).template(Template::B).env("MAX_PAYLOAD_SIZE", "20kb").start();
    let (a, b) = tokio::try_join!(a, b).unwrap();
    project::fill(&a).await;
    many(&a).await;
    let cli = Cli::new();
    pull(&cli, &a).await;
    push(&cli, &b, &[]).await;
    assert_alike(&a, &b).await;
    push_is_empty(&cli, &b, &[]).await;
}

on_real_11_and_12!(pages_of_fifty_are_read_to_the_end, batches_are_halved_until_they_fit);
