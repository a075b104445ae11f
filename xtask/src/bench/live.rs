//! Live replication: how soon a change is on the other side, and how quickly many are. The daemon is the program itself;
//! memory is its own.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lockstep_testkit::directus::{ADMIN_TOKEN, Http, Template};
use lockstep_testkit::npm::Package;
use serde_json::{Value, json};

use super::measure::{Run, middle, peak_kib};
use super::report::{Goal, Row, Table};
use super::sandbox::Running;
use super::server::Server;
use super::{Bench, note};
use crate::install::install;

const VERSION: &str = "11.17.4";
/// Changes whose way is timed.
const CHANGES: usize = 31;
/// Seconds between two looks where there is no WebSocket.
const POLL: f64 = 0.5;
const ITEMS: usize = 10_000;
const ITEMS_OF_REAL: usize = 5_000;
const PENDING: usize = 5_000;
const TRACKED: usize = 100_000;
const BATCH: usize = 200;
/// So often it is asked whether a change has come.
const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(300);

/// The table of live replication.
///
/// # Errors
/// When an instance or the daemon fails.
pub(super) async fn measure(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    install(&bench.cache, &[Package::directus(VERSION)])?;
    let mut rows = Box::pin(real(bench)).await?;
    rows.extend(Box::pin(sandboxes(bench)).await?);
    Ok(Table { title: "Live replication".to_owned(), peer: "batch POST", rows })
}

/// Two real instances.
async fn real(bench: &Bench) -> Result<Vec<Row>, Box<dyn Error>> {
    note(&format!("live: two Directus {VERSION}"));
    let (a, b) = (
        Server::start(VERSION, Template::A, false).await?,
        Server::start(VERSION, Template::B, false).await?,
    );
    let (a, b) = (a.directus.http().clone(), b.directus.http().clone());
    let mut rows = Vec::new();
    for (what, websocket, seconds) in
        [("a change, by WebSocket", true, 0.3), ("a change, polled every 0.5 s", false, POLL + 0.3)]
    {
        let pair = Pair::new(bench, what, &a, &b, websocket).await?;
        let daemon = pair.daemon(bench)?;
        pair.came(1).await?;
        let mut runs = Vec::new();
        for number in 0..CHANGES {
            let name = format!("change {number}");
            let key = a.post("/items/speed?fields=id", &json!({"name": name})).await?["id"].clone();
            let start = Instant::now();
            pair.has(&key).await?;
            runs.push(Run {
                seconds: start.elapsed().as_secs_f64(),
                requests: 0,
                megabytes: daemon.megabytes(),
            });
        }
        let ours = middle(&runs).ok_or("nothing changed")?;
        let goal = Goal { seconds: Some(seconds), ..Goal::default() };
        rows.push(Row { what, ours, peer: None, goal });
    }
    note("live: a first copy between real instances, and a plain batch POST");
    let pair = Pair::new(bench, "copy", &a, &b, true).await?;
    fill(&a, ITEMS_OF_REAL).await?;
    let start = Instant::now();
    let daemon = pair.daemon(bench)?;
    pair.came(ITEMS_OF_REAL + 1).await?;
    let ours = Run { seconds: start.elapsed().as_secs_f64(), requests: 0, megabytes: daemon.megabytes() };
    drop(daemon);
    reset(&b).await?;
    let start = Instant::now();
    fill(&b, ITEMS_OF_REAL).await?;
    let peer =
        Run { seconds: start.elapsed().as_secs_f64(), requests: ITEMS_OF_REAL / BATCH, megabytes: 0.0 };
    let goal = Goal { faster: Some(0.5), megabytes: Some(150.0), ..Goal::default() };
    rows.push(Row { what: "first copy of 5,000 items, real", ours, peer: Some(peer), goal });
    Ok(rows)
}

/// Two sandboxes.
async fn sandboxes(bench: &Bench) -> Result<Vec<Row>, Box<dyn Error>> {
    note("live: two sandboxes");
    let folder = bench.folder.path().join("live-sandboxes");
    fs::create_dir_all(&folder)?;
    let (one, other) = (Running::start(bench, &folder)?, Running::start(bench, &folder)?);
    let http =
        |running: &Running| Ok::<_, Box<dyn Error>>(Http::new(running.url())?.with_token(Some(ADMIN_TOKEN)));
    let (a, b) = (http(&one)?, http(&other)?);
    let pair = Pair::new(bench, "sandboxes", &a, &b, true).await?;
    let mut rows = Vec::new();
    let mut there = 1;
    let mut timed = async |what, more: usize, goal: Goal, before: bool| -> Result<Row, Box<dyn Error>> {
        // Pending changes are those that came while nobody replicated.
        if before {
            fill(&a, more).await?;
        }
        let start = Instant::now();
        let daemon = pair.daemon(bench)?;
        if !before {
            fill(&a, more).await?;
        }
        there += more;
        pair.came(there).await?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(Row { what, ours: Run { seconds, requests: 0, megabytes: daemon.megabytes() }, peer: None, goal })
    };
    let goal = |seconds| Goal { seconds, megabytes: Some(150.0), ..Goal::default() };
    rows.push(timed("first copy of 10,000 items, sandbox", ITEMS - 1, goal(Some(10.0)), true).await?);
    rows.push(timed("5,000 pending changes, sandbox", PENDING, goal(Some(5.0)), true).await?);
    rows.push(
        timed("up to 100,000 items tracked, sandbox", TRACKED - ITEMS - PENDING, goal(None), false).await?,
    );
    Ok(rows)
}

/// Two instances and a folder for a daemon between them.
struct Pair<'a> {
    folder: PathBuf,
    target: &'a Http,
}

impl<'a> Pair<'a> {
    async fn new(
        bench: &Bench,
        name: &str,
        a: &Http,
        b: &'a Http,
        websocket: bool,
    ) -> Result<Self, Box<dyn Error>> {
        for http in [a, b] {
            reset(http).await?;
        }
        a.post("/items/speed", &json!({"name": "first"})).await?;
        let folder = bench.folder.path().join(format!("live-{}", name.replace([' ', ','], "-")));
        fs::create_dir_all(&folder)?;
        let peer = |http: &Http| json!({"url": http.base(), "token": ADMIN_TOKEN});
        let live = json!({
            "peers": {"a": peer(a), "b": peer(b)}, "poll": POLL, "websocket": websocket,
            "routes": [{"from": "a", "to": "b", "collections": ["speed"]}],
        });
        fs::write(folder.join("lockstep.config.json"), json!({"live": live}).to_string())?;
        Ok(Self { folder, target: b })
    }

    fn daemon(&self, bench: &Bench) -> Result<Daemon, Box<dyn Error>> {
        Daemon::of(bench, &self.folder)
    }

    async fn came(&self, count: usize) -> Result<(), Box<dyn Error>> {
        came(self.target, count).await
    }

    /// Waits until an item is on the target.
    async fn has(&self, key: &Value) -> Result<(), Box<dyn Error>> {
        let path = format!("/items/speed?fields=id&filter[id][_eq]={}", key.as_str().unwrap_or_default());
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.target.get(&path).await?.as_array().is_some_and(|items| !items.is_empty()) {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        Err("the item did not come".into())
    }
}

/// Waits until so many items are there.
pub(super) async fn came(http: &Http, count: usize) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let counted = http.get("/items/speed?aggregate[count]=*").await?;
        let found = &counted[0]["count"];
        let found = found.as_u64().or_else(|| found.as_str()?.parse().ok()).unwrap_or_default();
        if found >= count as u64 {
            return Ok(());
        }
        tokio::time::sleep(4 * LOOK).await;
    }
    Err("the items did not come".into())
}

/// A running daemon. It is killed when it is dropped.
pub(super) struct Daemon(Child);

impl Daemon {
    /// One by the configuration in a folder.
    pub(super) fn of(bench: &Bench, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let arguments = ["live", "run", "--quiet"];
        let mut command = Command::new(bench.lockstep.plain(&arguments, folder).path);
        let command = command.args(arguments).current_dir(folder);
        Ok(Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub(super) fn megabytes(&self) -> f64 {
        peak_kib(self.0.id()).unwrap_or_default() as f64 * 1024.0 / 1e6
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An empty collection of items.
pub(super) async fn reset(http: &Http) -> Result<(), Box<dyn Error>> {
    // It is not there the first time.
    let _ = http.delete("/collections/speed", None).await;
    let text = |name: &str| json!({"field": name, "type": "text", "schema": {}, "meta": {}});
    let key = json!({"field": "id", "type": "uuid", "meta": {"special": ["uuid"]}, "schema": {"is_primary_key": true}});
    let fields = [key, text("name"), text("body"), text("status"), text("note")];
    let collection = json!({"collection": "speed", "schema": {}, "meta": {}, "fields": fields});
    http.post("/collections", &collection).await?;
    Ok(())
}

pub(super) async fn fill(http: &Http, count: usize) -> Result<(), Box<dyn Error>> {
    let numbers: Vec<usize> = (0..count).collect();
    for part in numbers.chunks(BATCH) {
        let items: Vec<Value> = part
            .iter()
            .map(|number| json!({"name": format!("Item {number}"), "body": "x".repeat(200), "status": "draft"}))
            .collect();
        http.post("/items/speed?fields=id", &Value::Array(items)).await?;
    }
    Ok(())
}
