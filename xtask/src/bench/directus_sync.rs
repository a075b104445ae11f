//! Beside npm directus-sync, on Directus 11 with SQLite.
//!
//! Each side has a source and an empty target of its own, filled with the same data; the peer's have its extension. A
//! second pull is compared, because the peer's first one writes its mappings.

use std::error::Error;

use lockstep_testkit::directus::Template;
use lockstep_testkit::npm::Package;
use lockstep_testkit::project;

use super::measure::{Run, median, once};
use super::report::{Goal, Row, Table};
use super::server::Server;
use super::side::DirectusSync;
use super::{Bench, note};
use crate::install::install;

const VERSION: &str = "11.17.4";

/// Requests that Lockstep may make to read, and to write.
const READ: usize = 20;
const WRITE: usize = 150;
/// One more per mapping table where the peer's extension is the store.
const TABLES: usize = 11;
const MEGABYTES: f64 = 100.0;

/// What both sides do, in this order.
struct Session {
    pull: Run,
    diff: Run,
    push: Run,
    again: Run,
}

/// The table beside the peer, and the one of Lockstep with the peer's extension as its store.
///
/// # Errors
/// When a tool or a server fails, or when a push did not bring everything.
pub(super) async fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    install(&bench.cache, &packages(bench))?;
    let ours = lockstep(bench, "plain", false).await?;
    let with_extension = lockstep(bench, "extension", true).await?;
    let peer = if bench.with_peer { Some(Box::pin(directus_sync(bench)).await?) } else { None };
    Ok(vec![beside(&ours.session, peer.as_ref()), on_extension(&with_extension)])
}

fn packages(bench: &Bench) -> Vec<Package> {
    let peer = bench.with_peer.then(Package::directus_sync);
    [Package::directus(VERSION), Package::extension_sync()].into_iter().chain(peer).collect()
}

/// What Lockstep did, and how many mappings the extension holds now.
struct Ours {
    session: Session,
    mappings: usize,
}

async fn lockstep(bench: &Bench, name: &str, extension: bool) -> Result<Ours, Box<dyn Error>> {
    let (source, target) = Box::pin(instances(bench, extension)).await?;
    let folder = bench.folder.path().join(name);
    let program = |command, server| bench.lockstep.command(command, server, &folder);
    note(&format!("lockstep, {name}: pull, diff, push, push"));
    once(&program("pull", &source)?, &source).await?;
    let pull = median(&program("pull", &source)?, &source, 5).await?;
    let diff = median(&program("diff", &target)?, &target, 5).await?;
    let push = once(&program("push", &target)?, &target).await?;
    let again = median(&program("push", &target)?, &target, 5).await?;
    same(&source, &target).await?;
    let mappings = if extension { target.mappings().await? } else { 0 };
    Ok(Ours { session: Session { pull, diff, push, again }, mappings })
}

async fn directus_sync(bench: &Bench) -> Result<Session, Box<dyn Error>> {
    let (source, target) = Box::pin(instances(bench, true)).await?;
    let tool = DirectusSync::new(&bench.cache, &bench.folder.path().join("directus-sync"))?;
    note("directus-sync: first pull, which writes mappings");
    let first = once(&tool.command("pull", &source), &source).await?;
    note(&format!(
        "directus-sync: it took {:.0} s and {} requests; second pull",
        first.seconds, first.requests
    ));
    let pull = once(&tool.command("pull", &source), &source).await?;
    note("directus-sync: diff against an empty instance");
    let diff = once(&tool.command("diff", &target), &target).await?;
    note("directus-sync: push into it");
    let push = once(&tool.command("push", &target), &target).await?;
    note("directus-sync: second push");
    let again = once(&tool.command("push", &target), &target).await?;
    same(&source, &target).await?;
    Ok(Session { pull, diff, push, again })
}

async fn instances(bench: &Bench, extension: bool) -> Result<(Server, Server), Box<dyn Error>> {
    note(&format!("two instances of Directus {VERSION}, one of them filled at scale {}", bench.scale));
    let source = Server::start(VERSION, Template::A, extension).await?;
    project::large(&source.directus, bench.scale).await?;
    Ok((source, Server::start(VERSION, Template::B, extension).await?))
}

#[derive(Debug, thiserror::Error)]
#[error("the push did not bring everything: {collection} has {there} rows, not {here}")]
struct NotSame {
    collection: &'static str,
    here: usize,
    there: usize,
}

/// Figures of a push that left something out would be worth nothing.
async fn same(source: &Server, target: &Server) -> Result<(), Box<dyn Error>> {
    for collection in ["folders", "flows", "operations", "permissions", "panels", "presets", "translations"] {
        let (here, there) = (source.rows(collection).await?, target.rows(collection).await?);
        if here != there {
            return Err(NotSame { collection, here, there }.into());
        }
    }
    Ok(())
}

fn beside(ours: &Session, peer: Option<&Session>) -> Table {
    let row = |what, of: fn(&Session) -> Run, goal| Row { what, ours: of(ours), peer: peer.map(of), goal };
    let read =
        Goal { faster: Some(25.0), requests: Some(READ), megabytes: Some(MEGABYTES), ..Goal::default() };
    let write =
        Goal { faster: Some(30.0), requests: Some(WRITE), megabytes: Some(MEGABYTES), ..Goal::default() };
    let memory = Goal { faster: None, requests: None, megabytes: Some(MEGABYTES), ..Goal::default() };
    Table {
        title: format!("Beside directus-sync 3.4.1, on Directus {VERSION} with SQLite"),
        peer: "directus-sync",
        rows: vec![
            row("second pull", |session| session.pull, read),
            row("diff against an empty instance", |session| session.diff, read),
            row("push into an empty instance", |session| session.push, write),
            row("second push", |session| session.again, memory),
        ],
    }
}

fn on_extension(ours: &Ours) -> Table {
    let row = |what, ours, requests| {
        let goal =
            Goal { faster: None, requests: Some(requests), megabytes: Some(MEGABYTES), ..Goal::default() };
        Row { what, ours, peer: None, goal }
    };
    Table {
        title: "Lockstep with the extension of directus-sync as its store".to_owned(),
        peer: "directus-sync",
        rows: vec![
            row("pull", ours.session.pull, READ + TABLES),
            row("diff against an empty instance", ours.session.diff, READ + TABLES),
            row("push into an empty instance", ours.session.push, WRITE + ours.mappings),
        ],
    }
}
