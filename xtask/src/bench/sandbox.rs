//! The sandbox beside a real Directus: the same dump pushed into both and pulled from them, the same items paged through.
//!
//! Memory is the sandbox's own, not that of the program that asks it.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use lockstep_testkit::directus::{ADMIN_TOKEN, Http, Template};
use lockstep_testkit::npm::Package;
use lockstep_testkit::project;
use serde_json::{Value, json};

use super::measure::{Program, Run, middle, once, peak_kib};
use super::report::{Goal, Row, Table};
use super::server::Server;
use super::{Bench, note};
use crate::install::install;

const VERSION: &str = "11.17.4";
const ITEMS: usize = 10_000;
const PAGE: usize = 500;
const TIMES: usize = 5;
const MEGABYTES: f64 = 100.0;

/// What is done with both.
struct Done {
    ready: Run,
    push: Run,
    pull: Run,
    paged: Run,
}

/// The table of the sandbox.
///
/// # Errors
/// When one of the two fails.
pub(super) async fn measure(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    install(&bench.cache, &[Package::directus(VERSION)])?;
    note(&format!("Directus {VERSION}, filled at scale {}", bench.scale));
    let source = Server::start(VERSION, Template::A, false).await?;
    project::large(&source.directus, bench.scale).await?;
    let folder = bench.folder.path().join("sandbox");
    once(&bench.lockstep.command("pull", &source, &folder)?, &source).await?;
    drop(source);
    note("the sandbox: start, push, pull, items");
    let ours = sandbox(bench, &folder).await?;
    let peer = if bench.with_peer { Some(Box::pin(real(bench, &folder)).await?) } else { None };
    let of_peer = |part: fn(&Done) -> Run| peer.as_ref().map(part);
    let goal = |seconds| Goal { seconds: Some(seconds), megabytes: Some(MEGABYTES), ..Goal::default() };
    let rows = vec![
        Row { what: "ready", ours: ours.ready, peer: None, goal: goal(0.1) },
        Row { what: "push into it", ours: ours.push, peer: of_peer(|done| done.push), goal: goal(2.0) },
        Row { what: "pull from it", ours: ours.pull, peer: of_peer(|done| done.pull), goal: goal(0.3) },
        Row {
            what: "10,000 items by pages",
            ours: ours.paged,
            peer: of_peer(|done| done.paged),
            goal: Goal::default(),
        },
    ];
    Ok(Table {
        title: format!("The sandbox as a server, and Directus {VERSION} with SQLite"),
        peer: "Directus",
        rows,
    })
}

/// A running sandbox.
pub(super) struct Running {
    child: Child,
    url: String,
    ready: f64,
}

impl Running {
    pub(super) fn start(bench: &Bench, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let start = Instant::now();
        let program = bench.lockstep.plain(&["sandbox", "--json", "--admin-token", ADMIN_TOKEN], folder);
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().ok_or("the sandbox has no output")?);
        while !said.trim_end().ends_with('}') && lines.read_line(&mut said)? > 0 {}
        let ready = start.elapsed().as_secs_f64();
        let told: Value = serde_json::from_str(&said)?;
        let url = told["url"].as_str().ok_or("the sandbox does not say where it is")?.to_owned();
        Ok(Self { child, url, ready })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn megabytes(&self) -> f64 {
        peak_kib(self.child.id()).unwrap_or_default() as f64 * 1024.0 / 1e6
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn sandbox(bench: &Bench, folder: &Path) -> Result<Done, Box<dyn Error>> {
    let (mut ready, mut pushes) = (Vec::new(), Vec::new());
    let mut running = Running::start(bench, folder)?;
    for time in 0..TIMES {
        if time > 0 {
            running = Running::start(bench, folder)?;
        }
        ready.push(Run { seconds: running.ready, requests: 0, megabytes: running.megabytes() });
        pushes.push(timed(&program(bench, "push", &running.url, folder), &running).await?);
    }
    let mut pulls = Vec::new();
    for _ in 0..TIMES {
        pulls.push(timed(&program(bench, "pull", &running.url, folder), &running).await?);
    }
    let seconds = page_through(&Http::new(&running.url)?).await?;
    let paged = Run { seconds, requests: ITEMS / PAGE, megabytes: running.megabytes() };
    let nothing = "nothing was run";
    Ok(Done {
        ready: middle(&ready).ok_or(nothing)?,
        push: middle(&pushes).ok_or(nothing)?,
        pull: middle(&pulls).ok_or(nothing)?,
        paged,
    })
}

async fn timed(program: &Program, running: &Running) -> Result<Run, Box<dyn Error>> {
    let program = program.clone();
    let (seconds, _) =
        tokio::task::spawn_blocking(move || program.time().map_err(|error| error.to_string())).await??;
    Ok(Run { seconds, requests: 0, megabytes: running.megabytes() })
}

fn program(bench: &Bench, command: &str, url: &str, folder: &Path) -> Program {
    let mut arguments = vec![command, "--quiet", "--state", "table", "--directus-url", url];
    arguments.extend(["--directus-token", ADMIN_TOKEN]);
    if command == "push" {
        arguments.push("--yes");
    }
    bench.lockstep.plain(&arguments, folder)
}

async fn real(bench: &Bench, folder: &Path) -> Result<Done, Box<dyn Error>> {
    note("the same with a real one");
    let server = Server::start(VERSION, Template::B, false).await?;
    let url = server.directus.url();
    let push = once(&program(bench, "push", &url, folder), &server).await?;
    let pulled = folder.join("pulled");
    fs::create_dir_all(&pulled)?;
    let pull = once(&program(bench, "pull", &url, &pulled), &server).await?;
    let seconds = page_through(&Http::new(&url)?).await?;
    let paged = Run { seconds, requests: ITEMS / PAGE, megabytes: 0.0 };
    Ok(Done { ready: Run { seconds: 0.0, requests: 0, megabytes: 0.0 }, push, pull, paged })
}

/// Makes items, and reads them page by page: the seconds that the reading takes.
async fn page_through(http: &Http) -> Result<f64, Box<dyn Error>> {
    let collection = json!({ "collection": "paged", "meta": {}, "schema": {}, "fields": [
        { "field": "id", "type": "integer", "meta": {}, "schema": { "is_primary_key": true, "has_auto_increment": true } },
        { "field": "title", "type": "string", "meta": {}, "schema": {} },
        { "field": "body", "type": "text", "meta": {}, "schema": {} },
        { "field": "data", "type": "json", "meta": { "special": ["cast-json"] }, "schema": {} },
    ] });
    http.post("/collections", &collection).await?;
    for batch in 0..ITEMS / PAGE {
        let item = |number: usize| json!({ "title": format!("Item {number}"), "body": "x".repeat(200), "data": [number] });
        let items: Vec<Value> = (batch * PAGE..(batch + 1) * PAGE).map(item).collect();
        http.post("/items/paged?fields=id", &Value::Array(items)).await?;
    }
    let start = Instant::now();
    let mut seen = 0;
    for page in 1..=ITEMS / PAGE {
        let rows = http.get(&format!("/items/paged?sort=id&limit={PAGE}&page={page}")).await?;
        seen += rows.as_array().map_or(0, Vec::len);
    }
    let seconds = start.elapsed().as_secs_f64();
    if seen == ITEMS { Ok(seconds) } else { Err(format!("{seen} items of {ITEMS} were read").into()) }
}
