//! A dump of one version of Directus on another: it is made to fit, except where the access rules have another shape.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::{Directus, Template};
use serde_json::{Value, json};

use crate::stage::portrait::{of, schema};
use crate::stage::project::{self, id};
use crate::stage::{pull, push, push_is_empty, row, rows, texts};

/// An instance of one version with the project, and a fresh one of another.
async fn pair(of: &str, to: &str) -> (Directus, Directus) {
    let a = Directus::builder(of).start();
    let b = Directus::builder(to).template(Template::B).start();
    let (a, b) = tokio::try_join!(a, b).unwrap();
    project::fill(&a).await;
    (a, b)
}

async fn refused(cli: &Cli, b: &Directus, more: &[&str]) {
    let before = (of(b).await, schema(b).await);
    for command in ["diff", "push"] {
        let arguments: Vec<&str> = [command].iter().chain(more).copied().collect();
        drop(cli.run(&arguments, b).await.exits(3).says(b.version()));
    }
    assert_eq!((of(b).await, schema(b).await), before, "nothing was written");
}

/// Takes away what a Directus 12 without a licence does not allow.
pub(crate) async fn without_custom_rules(a: &Directus) {
    let permissions = rows(a, "permissions").await;
    let custom = permissions.iter().filter(|row| row["action"] == "share" || row["action"] == "update");
    let ids: Vec<Value> = custom.map(|row| row["id"].clone()).collect();
    a.delete("/permissions", Some(&json!(ids))).await.unwrap();
}

/// The project of the first is on the second, and a second push finds nothing.
pub(crate) async fn crosses(cli: &Cli, a: &Directus, b: &Directus) -> Value {
    pull(cli, a).await;
    let report = push(cli, b, &[]).await;
    for collection in
        ["folders", "roles", "policies", "flows", "operations", "dashboards", "panels", "translations"]
    {
        assert_eq!(
            texts(&rows(a, collection).await, "id").len(),
            rows(b, collection).await.len(),
            "{collection}"
        );
    }
    let check = row(b, "operations", id::CHECK).await.unwrap();
    assert_eq!((&check["resolve"], &check["reject"]), (&json!(id::CALL), &json!(id::CALL_BY_TEMPLATE)));
    assert_eq!(b.get("/settings?fields=project_name").await.unwrap(), json!({"project_name": "Newsroom"}));
    assert!(b.get("/items/articles").await.is_ok());
    push_is_empty(cli, b, &[]).await;
    report
}

fn notices(report: &Value) -> String {
    report["notices"].to_string()
}

#[tokio::test]
async fn from_11_to_12() {
    let (a, b) = pair("11.17.4", "12.4.0").await;
    without_custom_rules(&a).await;
    let report = crosses(&Cli::new(), &a, &b).await;
    assert!(notices(&report).contains("indexes of system collections stay"), "{report:#}");
}

#[tokio::test]
async fn from_12_to_11_without_what_11_does_not_know() {
    let (a, b) = pair("12.4.0", "11.17.4").await;
    let report = crosses(&Cli::new(), &a, &b).await;
    assert!(
        notices(&report).contains("this Directus does not know meta.autosave_revision_interval, meta.status"),
        "{report:#}"
    );
    // Fields of records that only 12 has are named as well.
    assert!(notices(&report).contains("settings: this Directus does not know"), "{report:#}");
}

#[tokio::test]
async fn from_10_to_11_never_with_access_rules() {
    let (a, b) = pair("10.13.1", "11.17.4").await;
    a.patch("/settings", &json!({"public_registration_role": null})).await.unwrap();
    let cli = Cli::new();
    pull(&cli, &a).await;
    refused(&cli, &b, &[]).await;
    refused(&cli, &b, &["--force"]).await;
    refused(&cli, &b, &["--force", "-o", "flows,roles"]).await;
    // All the rest can be had.
    let rest = ["--force", "-x", "roles,policies,permissions,presets"];
    push(&cli, &b, &rest).await;
    assert_eq!(rows(&b, "operations").await.len(), 4);
    assert!(row(&b, "roles", id::EDITOR).await.is_none());
    push_is_empty(&cli, &b, &rest).await;
}
