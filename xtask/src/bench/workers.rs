//! Workers that share routes: what it costs that their journals are in NATS, and how soon one takes over from another.
//! Everything runs on this machine, NATS and four sandboxes included.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lockstep_testkit::directus::{ADMIN_TOKEN, Http};
use lockstep_testkit::nats::Nats;
use serde_json::json;

use super::live::{Daemon, came, fill, reset};
use super::measure::Run;
use super::report::{Goal, Row, Table};
use super::sandbox::Running;
use super::{Bench, note};

/// Items of a first copy.
const ITEMS: usize = 10_000;
/// Targets of the routes that are shared.
const TARGETS: usize = 4;

/// The table of workers.
///
/// # Errors
/// When a sandbox, NATS or a worker fails.
pub(super) async fn measure(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    note("workers: NATS and five sandboxes");
    let stage = Stage::new(bench)?;
    let mut rows = Vec::new();
    let file = stage.copy(&[Journal::File], 1, ITEMS).await?;
    let nats = stage.copy(&[Journal::Nats("copy")], 1, ITEMS).await?;
    let row = |what, ours, peer| Row { what, ours, peer: Some(peer), goal: Goal::default() };
    rows.push(row("first copy of 10,000 items, journal in NATS / in a file", nats, file));
    let one = stage.copy(&[Journal::Nats("one")], TARGETS, ITEMS / TARGETS).await?;
    let two = stage.copy(&[Journal::Nats("two"); 2], TARGETS, ITEMS / TARGETS).await?;
    rows.push(row("2,500 items to each of four targets, two workers / one", two, one));
    let seconds = stage.takeover().await?;
    let ours = Run { seconds, requests: 0, megabytes: 0.0 };
    rows.push(Row {
        what: "from SIGKILL of a worker to the next change on the target",
        ours,
        peer: None,
        goal: Goal { seconds: Some(12.0), ..Goal::default() },
    });
    Ok(Table { title: "Workers".to_owned(), peer: "the other", rows })
}

/// Where journals are.
#[derive(Clone, Copy)]
enum Journal {
    File,
    /// Under this name.
    Nats(&'static str),
}

struct Stage<'a> {
    bench: &'a Bench,
    nats: Nats,
    /// The source first.
    sandboxes: Vec<(Running, Http)>,
}

impl<'a> Stage<'a> {
    fn new(bench: &'a Bench) -> Result<Self, Box<dyn Error>> {
        let mut sandboxes = Vec::new();
        let folder = bench.folder.path().join("workers-sandboxes");
        fs::create_dir_all(&folder)?;
        for _ in 0..=TARGETS {
            let running = Running::start(bench, &folder)?;
            let http = Http::new(running.url())?.with_token(Some(ADMIN_TOKEN));
            sandboxes.push((running, http));
        }
        Ok(Self { bench, nats: Nats::start()?, sandboxes })
    }

    /// A folder with a configuration for routes to so many targets.
    fn place(&self, name: &str, journal: Journal, targets: usize) -> Result<PathBuf, Box<dyn Error>> {
        let folder = self.bench.folder.path().join(format!("workers-{name}"));
        fs::create_dir_all(&folder)?;
        let peers: serde_json::Map<String, serde_json::Value> = self.sandboxes[..=targets]
            .iter()
            .enumerate()
            .map(|(number, (_, http))| {
                (format!("p{number}"), json!({"url": http.base(), "token": ADMIN_TOKEN}))
            })
            .collect();
        let to: Vec<String> = (1..=targets).map(|number| format!("p{number}")).collect();
        let live = json!({
            "journal": match journal {
                Journal::File => "./live.db".to_owned(),
                Journal::Nats(name) => self.nats.journal(name),
            },
            "peers": peers, "poll": 0.5,
            "routes": [{"from": "p0", "to": to, "collections": ["speed"]}],
        });
        fs::write(folder.join("lockstep.config.json"), json!({"live": live}).to_string())?;
        Ok(folder)
    }

    /// The time until so many items are on each of the targets; one worker for each journal that is named.
    async fn copy(&self, workers: &[Journal], targets: usize, items: usize) -> Result<Run, Box<dyn Error>> {
        for (_, http) in &self.sandboxes {
            reset(http).await?;
        }
        fill(&self.sandboxes[0].1, items).await?;
        let mut daemons = Vec::new();
        let start = Instant::now();
        for (number, journal) in workers.iter().enumerate() {
            let name = match journal {
                Journal::File => format!("file-{number}"),
                Journal::Nats(name) => format!("{name}-{number}"),
            };
            daemons.push(Daemon::of(self.bench, &self.place(&name, *journal, targets)?)?);
        }
        for (_, http) in &self.sandboxes[1..=targets] {
            came(http, items).await?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let megabytes = daemons.iter().map(Daemon::megabytes).fold(0.0, f64::max);
        Ok(Run { seconds, requests: 0, megabytes })
    }

    /// The time from the death of a worker to the next change on the target.
    async fn takeover(&self) -> Result<f64, Box<dyn Error>> {
        for (_, http) in &self.sandboxes {
            reset(http).await?;
        }
        let source = &self.sandboxes[0].1;
        fill(source, 1).await?;
        let journal = Journal::Nats("takeover");
        let first = Daemon::of(self.bench, &self.place("takeover-0", journal, 1)?)?;
        came(&self.sandboxes[1].1, 1).await?;
        let _second = Daemon::of(self.bench, &self.place("takeover-1", journal, 1)?)?;
        // It is there, and finds that there is nothing to do.
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(first);
        let start = Instant::now();
        fill(source, 1).await?;
        came(&self.sandboxes[1].1, 2).await?;
        Ok(start.elapsed().as_secs_f64())
    }
}
