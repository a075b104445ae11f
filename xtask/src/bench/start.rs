//! How long the tools take to start and do nothing.

use std::error::Error;

use lockstep_testkit::npm::Package;

use super::measure::{Program, Run, middle};
use super::report::{Goal, Row, Table};
use super::side::DirectusSync;
use super::{Bench, note};
use crate::install::install;

const TIMES: usize = 20;
/// Of Lockstep, in seconds.
const GOAL: f64 = 0.020;

/// The table of starts.
///
/// # Errors
/// When a tool does not start.
pub(super) fn measure(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    note("starts");
    let ours = median(&bench.lockstep.version(bench.folder.path()))?;
    let peer = if bench.with_peer { Some(peer(bench)?) } else { None };
    let goal = Goal { seconds: Some(GOAL), ..Goal::default() };
    let rows = vec![Row { what: "--version", ours, peer, goal }];
    Ok(Table { title: "Start".to_owned(), peer: "directus-sync", rows })
}

fn peer(bench: &Bench) -> Result<Run, Box<dyn Error>> {
    install(&bench.cache, &[Package::directus_sync()])?;
    median(&DirectusSync::new(&bench.cache, &bench.folder.path().join("start"))?.version())
}

fn median(program: &Program) -> Result<Run, Box<dyn Error>> {
    let mut runs = Vec::new();
    for _ in 0..TIMES {
        let (seconds, megabytes) = program.time()?;
        runs.push(Run { seconds, requests: 0, megabytes });
    }
    middle(&runs).ok_or_else(|| "nothing was run".into())
}
