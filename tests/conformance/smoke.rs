//! The ground that all other conformance tests stand on: the servers start, and are what they are said to be.

use lockstep_testkit::Error;
use lockstep_testkit::directus::{Db, Directus};
use serde_json::{Value, json};

async fn admin_role(directus: &Directus) -> Result<Value, Error> {
    Ok(directus.get("/users/me?fields=role").await?["role"].take())
}

async fn assert_version(directus: &Directus, version: &str) -> Result<(), Error> {
    assert_eq!(directus.get("/server/info").await?["version"], json!(version));
    Ok(())
}

/// Two templates share nothing that a bootstrap makes up.
async fn assert_pair(version: &str) -> Result<(), Error> {
    let (a, b) = Directus::pair(version).await?;
    assert_version(&a, version).await?;
    assert_version(&b, version).await?;
    assert_ne!(admin_role(&a).await?, admin_role(&b).await?);
    if !version.starts_with("10.") {
        let project = "/settings?fields=project_id";
        let (of_a, of_b) = (a.get(project).await?, b.get(project).await?);
        assert!(of_a["project_id"].is_string());
        assert_ne!(of_a, of_b);
    }
    Ok(())
}

#[tokio::test]
async fn directus_10_starts_as_two_different_projects() -> Result<(), Error> {
    assert_pair("10.13.1").await
}

#[tokio::test]
async fn directus_11_starts_as_two_different_projects() -> Result<(), Error> {
    assert_pair("11.17.4").await
}

#[tokio::test]
async fn directus_12_starts_as_two_different_projects() -> Result<(), Error> {
    assert_pair("12.4.0").await
}

#[tokio::test]
async fn the_extension_answers_on_every_version() -> Result<(), Error> {
    for version in lockstep_testkit::directus::VERSIONS {
        let directus = Directus::builder(version).extension(true).start().await?;
        assert_eq!(directus.get("/directus-extension-sync/table/roles").await?, json!([]));
    }
    Ok(())
}

#[tokio::test]
async fn directus_on_postgres_keeps_its_data_over_a_restart() -> Result<(), Error> {
    Box::pin(keeps_its_data_over_a_restart(Db::Postgres)).await
}

#[tokio::test]
async fn directus_on_mysql_keeps_its_data_over_a_restart() -> Result<(), Error> {
    Box::pin(keeps_its_data_over_a_restart(Db::Mysql)).await
}

async fn keeps_its_data_over_a_restart(db: Db) -> Result<(), Error> {
    let mut directus = Directus::builder("11.17.4").db(db).start().await?;
    let role = directus.post("/roles", &json!({ "name": "Editor" })).await?["id"].take();
    directus.restart().await?;
    directus.crash();
    directus.restart().await?;
    let path = format!("/roles/{}?fields=name", role.as_str().unwrap_or_default());
    assert_eq!(directus.get(&path).await?, json!({ "name": "Editor" }));
    Ok(())
}

#[tokio::test]
async fn the_environment_of_a_test_reaches_the_server() -> Result<(), Error> {
    let mut directus = Directus::builder("11.17.4").env("QUERY_LIMIT_MAX", "50").start().await?;
    let limit = |info: Value| info["queryLimit"]["max"].clone();
    assert_eq!(limit(directus.get("/server/info").await?), json!(50));
    directus.restart_with("QUERY_LIMIT_MAX", "70").await?;
    assert_eq!(limit(directus.get("/server/info").await?), json!(70));
    Ok(())
}

#[tokio::test]
async fn an_11_becomes_a_12_with_what_it_has() -> Result<(), Error> {
    let mut directus = Directus::builder("11.17.4").start().await?;
    directus.post("/roles", &json!({ "name": "Editor" })).await?;
    directus.upgrade("12.4.0").await?;
    assert_version(&directus, "12.4.0").await?;
    let roles =
        directus.search("/roles", &json!({ "query": { "filter": { "name": { "_eq": "Editor" } } } })).await?;
    assert_eq!(roles.as_array().map(Vec::len), Some(1));
    Ok(())
}
