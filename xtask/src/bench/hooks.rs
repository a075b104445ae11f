//! What hooks cost: 10,000 records pulled from a sandbox with hooks that change nothing, and without.

use std::error::Error;
use std::fs;

use lockstep_testkit::directus::{ADMIN_TOKEN, Http};
use serde_json::{Value, json};

use super::measure::{Program, Run, middle};
use super::report::{Goal, Row, Table};
use super::sandbox::Running;
use super::{Bench, note};

const TIMES: usize = 9;
const BATCH: usize = 500;
/// How many records of each collection; they and what the sandbox has by itself are 10,000.
const RECORDS: [(&str, usize); 3] = [("translations", 5_000), ("folders", 2_500), ("presets", 2_500)];

/// Two hooks of each collection, as the documentation of directus-sync has them.
const CONFIG: &str = "
const collections = ['dashboards', 'flows', 'folders', 'operations', 'panels', 'permissions', 'policies', 'presets',
  'roles', 'settings', 'translations'];
const hooks = { onDump: (records) => records.map((record) => ({ ...record })), onSave: async (records) => records };
module.exports = { hooks: Object.fromEntries(collections.map((name) => [name, hooks])) };
";

/// The table of the hooks.
///
/// # Errors
/// When the sandbox or a pull fails.
pub(super) async fn measure(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let (with, without) = (bench.folder.path().join("hooks"), bench.folder.path().join("no-hooks"));
    fs::create_dir_all(&with)?;
    fs::create_dir_all(&without)?;
    fs::write(with.join("lockstep.config.js"), CONFIG)?;
    fs::write(without.join("lockstep.config.js"), "module.exports = {};")?;
    let running = Running::start(bench, &without)?;
    note("10,000 records for hooks");
    fill(&Http::new(running.url())?.with_token(Some(ADMIN_TOKEN))).await?;
    let arguments = ["pull", "--quiet", "--no-specs", "-u", running.url(), "-t", ADMIN_TOKEN];
    let (hooked, plain) =
        (bench.lockstep.plain(&arguments, &with), bench.lockstep.plain(&arguments, &without));
    // In turns, so that the load of other work falls on both.
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        ours.push(timed(&hooked)?);
        peers.push(timed(&plain)?);
    }
    let (ours, peer) = middle(&ours).zip(middle(&peers)).ok_or("nothing was run")?;
    let added = Run { seconds: (ours.seconds - peer.seconds).max(0.0), ..ours };
    let goal = Goal { seconds: Some(0.5), ..Goal::default() };
    let rows = vec![
        Row { what: "pull", ours, peer: Some(peer), goal: Goal::default() },
        Row { what: "what the hooks add", ours: added, peer: None, goal },
    ];
    Ok(Table {
        title: "10,000 records with hooks on every collection, and without".to_owned(),
        peer: "no hooks",
        rows,
    })
}

fn timed(program: &Program) -> Result<Run, Box<dyn Error>> {
    let (seconds, megabytes) = program.time()?;
    Ok(Run { seconds, requests: 0, megabytes })
}

async fn fill(http: &Http) -> Result<(), Box<dyn Error>> {
    for (collection, count) in RECORDS {
        let numbers: Vec<usize> = (0..count).collect();
        for batch in numbers.chunks(BATCH) {
            let records: Vec<Value> = batch.iter().map(|number| record(collection, *number)).collect();
            http.post(&format!("/{collection}?fields=id"), &Value::Array(records)).await?;
        }
    }
    Ok(())
}

fn record(collection: &str, number: usize) -> Value {
    match collection {
        "translations" => {
            json!({"language": "en-US", "key": format!("key_{number}"), "value": "x".repeat(100)})
        }
        "folders" => json!({"name": format!("Folder {number}")}),
        _ => json!({"collection": "articles", "bookmark": format!("Bookmark {number}"), "icon": "bookmark",
            "layout_query": {"tabular": {"page": 1, "sort": ["-date"], "fields": ["title", "status", "author"]}},
            "layout_options": {"tabular": {"widths": {"title": 200, "status": 100}}},
            "filter": {"_and": [{"status": {"_eq": "published"}}]}}),
    }
}
