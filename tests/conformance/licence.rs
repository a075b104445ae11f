//! Directus 12 without a licence: what it would refuse in the middle is refused before the first write, and what it
//! hides is not taken for gone.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::{Directus, Template};
use serde_json::{Value, json};

use crate::stage::portrait::{of, schema};
use crate::stage::project::{self, collection, field, id, post};
use crate::stage::{array, pull, push, push_is_empty, rows};
use crate::versions::without_custom_rules;

#[tokio::test]
async fn what_exceeds_it_is_refused_before_the_first_write() {
    let a = Directus::builder("11.17.4").start();
    let b = Directus::builder("12.4.0").template(Template::B).start();
    let (a, b) = tokio::try_join!(a, b).unwrap();
    project::fill(&a).await;
    // With those of the project 26 collections and 6 active flows.
    let tables: Vec<_> =
        (0..24).map(|n| collection(&format!("table_{n}"), vec![field("text", "text", json!({}))])).collect();
    post(&a, "/collections", json!(tables)).await;
    let flow = |n: u32| json!({"name": format!("Flow {n}"), "status": "active", "trigger": "webhook"});
    post(&a, "/flows", (0..4).map(flow).collect()).await;
    let cli = Cli::new();
    pull(&cli, &a).await;
    let before = (of(&b).await, schema(&b).await);
    let ran = cli.run(&["push", "--force", "--allow-destructive"], &b).await.exits(3);
    drop(
        ran.says("26 collections, 25 allowed")
            .says("6 active flows, 5 allowed")
            .says("2 custom permission rules"),
    );
    assert_eq!((of(&b).await, schema(&b).await), before, "nothing was written");

    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    cli.run(&["schema", "apply", "s.json", "--yes"], &b).await.exits(3).says("26 collections, 25 allowed");
    cli.run(&["schema", "diff", "instance", "s.json", "--format", "directus"], &b).await.exits(0);
    assert_eq!(schema(&b).await, before.1, "nothing was written");

    // One by one it gets small enough.
    a.delete("/collections/table_0", None).await.unwrap();
    pull(&cli, &a).await;
    let ran = cli.run(&["push", "--force"], &b).await.exits(3).says("6 active flows");
    assert!(!ran.stderr.contains("collections, 25"), "{ran}");
    a.patch(&format!("/flows/{}", id::NOTIFY), &json!({"status": "inactive"})).await.unwrap();
    without_custom_rules(&a).await;
    pull(&cli, &a).await;
    push(&cli, &b, &["--force"]).await;
    push_is_empty(&cli, &b, &["--force"]).await;
    assert_eq!(rows(&b, "flows").await.len(), 7);
}

#[tokio::test]
async fn a_recommended_rule_is_written_and_one_that_was_changed_is_refused_before_the_first_write() {
    let b = Directus::builder("12.4.0").start().await.unwrap();
    let policy = json!({"id": id::GUESTS, "_syncId": id::GUESTS, "name": "Guests", "roles": []});
    let rule = |item: &str, fields: &[&str]| {
        json!({"_syncId": item, "policy": id::GUESTS, "collection": "directus_files", "action": "delete",
            "permissions": {"uploaded_by": {"_eq": "$CURRENT_USER"}}, "fields": fields})
    };
    let cli = Cli::new();
    pull(&cli, &b).await;
    let before = (of(&b).await, schema(&b).await);
    cli.files().edit("policies", |records| records.push(policy));
    cli.files().edit("permissions", |records| records.push(rule(id::NOTIFY, &["title"])));
    cli.run(&["push", "--yes"], &b)
        .await
        .exits(3)
        .says("1 custom permission rules (Guests · delete · directus_files), none allowed");
    assert_eq!((of(&b).await, schema(&b).await), before, "nothing was written");

    cli.files().edit("permissions", |records| records.pop().map(drop).unwrap_or_default());
    cli.files().edit("permissions", |records| records.push(rule(id::NOTIFY, &["*"])));
    push(&cli, &b, &[]).await;
    push_is_empty(&cli, &b, &[]).await;
    assert_eq!(count(&b).await, 1);
}

/// How many permissions there are, those that are not shown among them.
async fn count(directus: &Directus) -> u64 {
    let answer = directus.request("GET", "/permissions?limit=1&meta=total_count", None).await.unwrap();
    answer.body["meta"]["total_count"].as_u64().unwrap()
}

#[tokio::test]
async fn permissions_that_it_hides_are_neither_deleted_nor_created_again() {
    let mut b = Directus::builder("11.17.4").start().await.unwrap();
    project::fill(&b).await;
    let cli = Cli::new();
    pull(&cli, &b).await;
    push(&cli, &b, &[]).await;
    let (before, dumped) = (count(&b).await, cli.files().records("permissions"));
    b.upgrade("12.4.0").await.unwrap();
    assert_eq!(before - rows(&b, "permissions").await.len() as u64, 2, "two are hidden");

    // A pull says so, and keeps what the old dump has.
    let report = pull(&cli, &b).await;
    assert!(report["notices"].to_string().contains("hides 2 permissions"), "{report:#}");
    assert_eq!(sync_ids(&cli.files().records("permissions")), sync_ids(&dumped));
    let fresh = Cli::new();
    pull(&fresh, &b).await;
    assert_eq!(fresh.files().records("permissions").len(), dumped.len() - 2);

    // A push of either writes none.
    for cli in [&cli, &fresh] {
        push_is_empty(cli, &b, &[]).await;
        push_is_empty(cli, &b, &["--prune"]).await;
        assert_eq!(count(&b).await, before);
    }
    let hidden = ["share", "update"];
    cli.files()
        .edit("permissions", |records| records.retain(|r| !hidden.contains(&r["action"].as_str().unwrap())));
    push_is_empty(&cli, &b, &["--allow-destructive"]).await;
    assert_eq!(count(&b).await, before);
    // Others change and come all the same.
    cli.files().edit("permissions", |records| {
        let mut new = records[0].clone();
        new["collection"] = json!("authors");
        new["action"] = json!("create");
        new["_syncId"] = json!("11111111-1111-4111-8111-111111111111");
        new["policy"] = json!(id::GUESTS);
        records.push(new);
    });
    let report = cli.run(&["push", "--json"], &b).await.exits(0).json();
    assert_eq!(array(report["collections"]["permissions"]["withheld"].clone()).len(), 1, "{report:#}");
    assert_eq!(count(&b).await, before, "its policy may have hidden ones");
}

fn sync_ids(records: &[Value]) -> Vec<&str> {
    let mut ids: Vec<_> = records.iter().map(|record| record["_syncId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}
