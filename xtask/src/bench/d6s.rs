//! Beside Directus' own `d6s`, on Directus 12 with SQLite and with PostgreSQL, within the limits of an unlicensed instance.
//!
//! The source is the same; each side has an empty target of its own in each round. `d6s` runs as it does by itself: mode `merge`.
//! It writes no API specifications, so Lockstep pulls without them here.
//!
//! What is quick is done several times in a round, in turn. Servers have worked before they are measured: one that has just
//! started is slower, and the peer's diff tries all its writes on the server, so that its push would find it warm and ours
//! cold.

use std::error::Error;

use lockstep_testkit::directus::{Db, Template};
use lockstep_testkit::npm::Package;
use lockstep_testkit::project;
use serde_json::{Value, json};

use super::measure::{Program, Run, middle, once};
use super::report::{Goal, Row, Table};
use super::server::Server;
use super::side::D6s;
use super::{Bench, note};
use crate::install::install;

const VERSION: &str = "12.4.0";

const ROUNDS: usize = 3;
/// How often [`SEVERAL`] records of each kind come and go before an instance is measured.
const WARMING: usize = 6;
const SEVERAL: usize = 200;

/// What both do in a round.
struct Step {
    what: &'static str,
    command: &'static str,
    of_peer: fn(&D6s) -> Program,
    /// How often.
    times: usize,
    /// How many times faster than the peer it is to be.
    faster: f64,
}

/// In this order.
const STEPS: [Step; 4] = [
    Step { what: "pull", command: "pull", of_peer: D6s::pull, times: 5, faster: 3.0 },
    Step {
        what: "diff against an empty instance",
        command: "diff",
        of_peer: D6s::diff,
        times: 1,
        faster: 10.0,
    },
    Step { what: "push into an empty instance", command: "push", of_peer: D6s::push, times: 1, faster: 1.3 },
    Step { what: "diff of equals", command: "diff", of_peer: D6s::diff, times: 5, faster: 3.0 },
];

/// What each side's steps took: in the order of [`STEPS`], those of all rounds.
#[derive(Default)]
struct Runs {
    ours: [Vec<Run>; STEPS.len()],
    peer: [Vec<Run>; STEPS.len()],
}

/// The tables beside the peer, one for each database.
///
/// # Errors
/// When a tool or a server fails.
pub(super) async fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let peer = bench.with_peer.then(Package::directus_cli);
    install(&bench.cache, &std::iter::once(Package::directus(VERSION)).chain(peer).collect::<Vec<_>>())?;
    let mut tables = Vec::new();
    for (db, name) in [(Db::Sqlite, "SQLite"), (Db::Postgres, "PostgreSQL")] {
        tables.push(Box::pin(measure_on(bench, db, name)).await?);
    }
    Ok(tables)
}

async fn measure_on(bench: &Bench, db: Db, name: &str) -> Result<Table, Box<dyn Error>> {
    note(&format!("an instance of Directus {VERSION} on {name} with 3,570 records"));
    let source = worked(db, Template::A).await?;
    project::large_core(&source.directus).await?;
    read(&source, 3 * WARMING).await?;
    let mut runs = Runs::default();
    for number in 1..=ROUNDS {
        note(&format!("{name}, round {number} of {ROUNDS}: pull, diff, push, diff"));
        Box::pin(round(bench, db, &source, &format!("core-{name}-{number}"), &mut runs)).await?;
    }
    Ok(table(name, &runs))
}

/// Everything once, both sides in turn, so that what else the machine does meanwhile falls on both.
async fn round(
    bench: &Bench,
    db: Db,
    source: &Server,
    name: &str,
    runs: &mut Runs,
) -> Result<(), Box<dyn Error>> {
    let folder = bench.folder.path().join(name);
    let ours = worked(db, Template::B).await?;
    let program = |command, server| {
        let mut program = bench.lockstep.command(command, server, &folder.join("lockstep"))?;
        program.arguments.extend((command == "pull").then(|| "--no-specs".to_owned()));
        Ok::<_, Box<dyn Error>>(program)
    };
    let peer = match bench.with_peer {
        true => {
            let peer = worked(db, Template::B).await?;
            let tool = D6s::new(&bench.cache, &folder.join("d6s"), source, &peer)?;
            Some((peer, tool))
        }
        false => None,
    };
    for (place, step) in STEPS.iter().enumerate() {
        let at = |target| if step.command == "pull" { source } else { target };
        for _ in 0..step.times {
            runs.ours[place].push(once(&program(step.command, at(&ours))?, at(&ours)).await?);
            if let Some((peer, tool)) = &peer {
                runs.peer[place].push(once(&(step.of_peer)(tool), at(peer)).await?);
            }
        }
    }
    Ok(())
}

/// An instance that has created, read and deleted records before.
async fn worked(db: Db, template: Template) -> Result<Server, Box<dyn Error>> {
    let server = Server::start_on(db, VERSION, template, false).await?;
    let at = &server.directus;
    let policy = at.post("/policies", &json!({"name": "Warming"})).await?["id"].clone();
    let kinds: [(&str, &dyn Fn(usize) -> Value); 3] = [
        ("/folders", &|number| json!({"name": format!("Warming {number}")})),
        (
            "/translations",
            &|number| json!({"language": "en-US", "key": format!("warming_{number}"), "value": "x"}),
        ),
        (
            "/permissions",
            &|number| json!({"policy": policy, "collection": format!("c{number}"), "action": "read", "fields": ["*"]}),
        ),
    ];
    for _ in 0..WARMING {
        for (path, record) in kinds {
            let records: Vec<_> = (0..SEVERAL).map(record).collect();
            let created = at.post(path, &json!(records)).await?;
            read(&server, 1).await?;
            let ids = created.as_array().into_iter().flatten().map(|record| &record["id"]);
            // The server appends permissions of its own, which have none.
            let ids: Vec<_> = ids.filter(|id| !id.is_null()).collect();
            at.delete(path, Some(&json!(ids))).await?;
        }
    }
    at.delete("/policies", Some(&json!([policy]))).await?;
    Ok(server)
}

/// Reads everything several times.
async fn read(server: &Server, times: usize) -> Result<(), Box<dyn Error>> {
    for _ in 0..times {
        server.directus.get("/schema/snapshot").await?;
        for collection in [
            "settings",
            "folders",
            "translations",
            "roles",
            "policies",
            "permissions",
            "dashboards",
            "panels",
        ] {
            server.directus.get(&format!("/{collection}?limit=-1")).await?;
        }
    }
    Ok(())
}

fn table(database: &str, runs: &Runs) -> Table {
    let row = |(place, step): (usize, &Step)| {
        let goal = Goal { faster: Some(step.faster), megabytes: Some(100.0), ..Goal::default() };
        Some(Row { what: step.what, ours: middle(&runs.ours[place])?, peer: middle(&runs.peer[place]), goal })
    };
    Table {
        title: format!("Beside d6s (@directus/cli 12.2.1), on Directus {VERSION} with {database}"),
        peer: "d6s",
        rows: STEPS.iter().enumerate().filter_map(row).collect(),
    }
}
