//! Beside Directus' own `d6s`, on Directus 12 with SQLite, within the limits of an unlicensed instance.
//!
//! The source is the same; each side has an empty target of its own in each round. `d6s` runs as it does by itself: mode `merge`.
//! It writes no API specifications, so Lockstep pulls without them here.

use std::error::Error;

use lockstep_testkit::directus::Template;
use lockstep_testkit::npm::Package;
use lockstep_testkit::project;

use super::measure::{Program, Run, middle, once};
use super::report::{Goal, Row, Table};
use super::server::Server;
use super::side::D6s;
use super::{Bench, note};
use crate::install::install;

const VERSION: &str = "12.4.0";

const ROUNDS: usize = 3;

/// What each side's steps took, in order.
#[derive(Default)]
struct Round {
    ours: Vec<Run>,
    peer: Vec<Run>,
}

/// The table beside the peer.
///
/// # Errors
/// When a tool or a server fails.
pub(super) async fn measure(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let peer = bench.with_peer.then(Package::directus_cli);
    install(&bench.cache, &std::iter::once(Package::directus(VERSION)).chain(peer).collect::<Vec<_>>())?;
    note(&format!("an instance of Directus {VERSION} with 3,570 records"));
    let source = Server::start(VERSION, Template::A, false).await?;
    project::large_core(&source.directus).await?;
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        rounds.push(Box::pin(round(bench, &source, number)).await?);
    }
    Ok(table(&rounds))
}

/// Everything once, both sides in turn, so that what else the machine does meanwhile falls on both.
async fn round(bench: &Bench, source: &Server, number: usize) -> Result<Round, Box<dyn Error>> {
    note(&format!("round {number} of {ROUNDS}: pull, diff, push, diff"));
    let folder = bench.folder.path().join(format!("core-{number}"));
    let ours = Server::start(VERSION, Template::B, false).await?;
    let program = |command, server| {
        let mut program = bench.lockstep.command(command, server, &folder.join("lockstep"))?;
        program.arguments.extend((command == "pull").then(|| "--no-specs".to_owned()));
        Ok::<_, Box<dyn Error>>(program)
    };
    let (peer, tool) = match bench.with_peer {
        true => {
            let peer = Server::start(VERSION, Template::B, false).await?;
            let tool = D6s::new(&bench.cache, &folder.join("d6s"), source, &peer)?;
            (Some(peer), Some(tool))
        }
        false => (None, None),
    };
    let mut round = Round::default();
    let steps = [
        ("pull", D6s::pull as fn(&D6s) -> Program),
        ("diff", D6s::diff),
        ("push", D6s::push),
        ("diff", D6s::diff),
    ];
    for (command, of_peer) in steps {
        let at = |target| if command == "pull" { source } else { target };
        round.ours.push(once(&program(command, at(&ours))?, at(&ours)).await?);
        if let (Some(peer), Some(tool)) = (&peer, &tool) {
            round.peer.push(once(&of_peer(tool), at(peer)).await?);
        }
    }
    Ok(round)
}

fn table(rounds: &[Round]) -> Table {
    let steps = [
        ("pull", 3.0),
        ("diff against an empty instance", 10.0),
        ("push into an empty instance", 1.3),
        ("diff of equals", 3.0),
    ];
    let row = |(step, (what, faster))| {
        let goal = Goal { faster: Some(faster), megabytes: Some(100.0), ..Goal::default() };
        let of =
            |side: fn(&Round) -> &Vec<Run>| middle(rounds.iter().filter_map(|round| side(round).get(step)));
        Some(Row { what, ours: of(|round| &round.ours)?, peer: of(|round| &round.peer), goal })
    };
    Table {
        title: format!("Beside d6s (@directus/cli 12.2.1), on Directus {VERSION} with SQLite"),
        peer: "d6s",
        rows: steps.into_iter().enumerate().filter_map(row).collect(),
    }
}
