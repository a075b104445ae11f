//! `cargo xtask demo`: what Lockstep is for, shown on two real servers.
//!
//! A story in chapters. Each command is what a user would type, printed before its output; each step checks that the
//! instances are what it says, so that the demo is also a test.

mod stage;

use std::error::Error;

use lockstep_testkit::cache::Cache;
use lockstep_testkit::directus::Directus;
use lockstep_testkit::npm::Package;
use lockstep_testkit::project;
use serde_json::{Value, json};

use crate::binary::{self, Profile};
use crate::install::install;
use crate::interrupt::{Interrupted, interrupted};
use stage::{Stage, chapter, say};

const VERSION: &str = "11.17.4";

/// The exit code of a diff that finds something.
const DIFFERENT: i32 = 2;

#[derive(Debug, thiserror::Error)]
#[error("{url} does not hold {what}")]
struct Missing {
    url: String,
    what: &'static str,
}

/// Runs `cargo xtask demo`.
///
/// # Errors
/// The first step that did not do what it should.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // The servers, and the folders that they run in, go when the story is dropped.
        tokio::select! {
            told = tell() => told,
            () = interrupted() => Err(Interrupted.into()),
        }
    })
}

async fn tell() -> Result<(), Box<dyn Error>> {
    chapter("What it takes");
    let stage = prepare()?;
    let (studio, public) = Box::pin(start()).await?;
    chapter("From one instance to files, from files to another");
    first_sync(&stage, &studio, &public).await?;
    chapter("Something changes");
    change(&studio).await?;
    second_sync(&stage, &studio, &public).await?;
    drop((studio, public));
    say("That was all. Both servers are stopped; the dump stays to be looked at:");
    println!("  {}", stage.dump().display());
    Ok(())
}

fn prepare() -> Result<Stage, Box<dyn Error>> {
    say("Directus from npm. The first time this takes minutes; after that it is in the cache.");
    install(&Cache::from_env()?, &[Package::directus(VERSION)])?;
    say("Lockstep itself, built by cargo.");
    Ok(Stage::new(binary::build(Profile::Dev)?, binary::target()?.join("demo"))?)
}

async fn start() -> Result<(Directus, Directus), Box<dyn Error>> {
    say("Two instances, set up apart from each other, so that no id of the one is an id of the other.");
    let (studio, public) = Directus::pair(VERSION).await?;
    println!("  studio  {}  where people work", studio.url());
    println!("  public  {}  what the world sees", public.url());
    say("The studio gets a project: a magazine with a shop, its roles, rules, flows and dashboards.");
    project::sample(&studio).await?;
    Ok((studio, public))
}

async fn first_sync(stage: &Stage, studio: &Directus, public: &Directus) -> Result<(), Box<dyn Error>> {
    say(
        "Pull writes what the studio holds into files. It changes nothing on the server. (The token is in the environment,\nas DIRECTUS_TOKEN.)",
    );
    stage.lockstep(&["pull"], studio, 0).await?;
    say("The public instance is empty: diff shows what a push would do.");
    stage.lockstep(&["diff", "--exit-code"], public, DIFFERENT).await?;
    say("Push does it, then compares again.");
    stage.lockstep(&["push", "--yes", "--quiet"], public, 0).await?;
    holds(public, "/operations?limit=-1&fields=id", "the operations", |rows| {
        rows.as_array().map(Vec::len) == Some(14)
    })
    .await?;
    say("So nothing is left to do.");
    stage.lockstep(&["diff", "--exit-code"], public, 0).await
}

/// A flow gets another name, a panel goes, a permission says something else.
async fn change(studio: &Directus) -> Result<(), Box<dyn Error>> {
    say(
        "In the studio somebody renames a flow, deletes a panel and lets the newsroom see published articles only.",
    );
    let flow = find(studio, "flows", &json!({ "name": { "_eq": "Tell the newsroom" } }), "the flow").await?;
    studio.patch(&format!("/flows/{}", key(&flow)), &json!({ "name": "Tell everybody" })).await?;
    let panel = find(studio, "panels", &json!({ "name": { "_eq": "À relire" } }), "the panel").await?;
    studio.delete(&format!("/panels/{}", key(&panel)), None).await?;
    let permission = find(studio, "permissions", &newsroom_reads_articles(), "the permission").await?;
    let rule = json!({ "permissions": { "status": { "_eq": "published" } } });
    studio.patch(&format!("/permissions/{}", key(&permission)), &rule).await?;
    Ok(())
}

async fn second_sync(stage: &Stage, studio: &Directus, public: &Directus) -> Result<(), Box<dyn Error>> {
    say("Pull again: only the files of what changed are written.");
    stage.lockstep(&["pull"], studio, 0).await?;
    say("Now the diff is those three things.");
    stage.lockstep(&["diff", "--exit-code"], public, DIFFERENT).await?;
    say("Push. The panel may go, because Lockstep brought it there.");
    stage.lockstep(&["push", "--yes", "--quiet"], public, 0).await?;
    arrived(public).await?;
    say("And the two are in step again.");
    stage.lockstep(&["diff", "--exit-code"], public, 0).await
}

async fn arrived(public: &Directus) -> Result<(), Box<dyn Error>> {
    let named = |name: &str| json!({ "name": { "_eq": name } });
    find(public, "flows", &named("Tell everybody"), "the new name of the flow").await?;
    holds(public, "/panels?limit=-1&fields=name", "one panel less", |rows| {
        !rows.to_string().contains("À relire")
    })
    .await?;
    let permission = find(public, "permissions", &newsroom_reads_articles(), "the permission").await?;
    let right = permission["permissions"]["status"]["_eq"] == "published";
    right.then_some(()).ok_or_else(|| missing(public, "the permission's rule"))
}

fn newsroom_reads_articles() -> Value {
    json!({ "_and": [
        { "policy": { "name": { "_eq": "Newsroom basics" } } },
        { "collection": { "_eq": "articles" } },
        { "action": { "_eq": "read" } },
    ] })
}

/// The record that the filter finds; `what` names it when there is none.
async fn find(
    directus: &Directus,
    collection: &str,
    filter: &Value,
    what: &'static str,
) -> Result<Value, Box<dyn Error>> {
    let query = json!({ "query": { "filter": filter, "limit": 1 } });
    let rows = directus.search(&format!("/{collection}"), &query).await?;
    // The server adds permissions of its own, which have no id.
    let found = rows.as_array().and_then(|rows| rows.iter().find(|row| !row["id"].is_null()));
    found.cloned().ok_or_else(|| missing(directus, what))
}

fn missing(directus: &Directus, what: &'static str) -> Box<dyn Error> {
    Missing { url: directus.url(), what }.into()
}

fn key(record: &Value) -> String {
    record["id"].as_str().map_or_else(|| record["id"].to_string(), str::to_owned)
}

async fn holds(
    directus: &Directus,
    path: &str,
    what: &'static str,
    is_right: impl Fn(&Value) -> bool,
) -> Result<(), Box<dyn Error>> {
    let answer = directus.get(path).await?;
    is_right(&answer).then_some(()).ok_or_else(|| missing(directus, what))
}
