//! How long the tools take to start and do nothing.

use std::error::Error;

use lockstep_testkit::npm::Package;

use super::measure::{Run, median_alone};
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
    let ours = median_alone(&bench.lockstep.version(bench.folder.path()), TIMES)?;
    let peer = if bench.with_peer { Some(peer(bench)?) } else { None };
    let goal = Goal { seconds: Some(GOAL), ..Goal::default() };
    let rows = vec![Row { what: "--version", ours, peer, goal }];
    Ok(Table { title: "Start".to_owned(), peer: "directus-sync", rows })
}

fn peer(bench: &Bench) -> Result<Run, Box<dyn Error>> {
    install(&bench.cache, &[Package::directus_sync()])?;
    median_alone(&DirectusSync::new(&bench.cache, &bench.folder.path().join("start"))?.version(), TIMES)
}
