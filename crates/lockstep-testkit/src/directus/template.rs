//! The fresh databases that instances are copies of: made once by `directus bootstrap`, two per version and database.

use std::fs;
use std::path::Path;

use super::database::Database;
use super::engine::Cluster;
use super::layout::Layout;
use super::{Extension, Setup, engine, server};
use crate::Error;
use crate::cache::Cache;
use crate::process::Lifetime;

/// Written last, so that a half-made template is made again; its content changes when what is in a template does.
const MARKER: &str = ".lockstep-template";
const RECIPE: &str = "1";

/// The database of the template that `setup` names, made first if there is none. Takes seconds then, and minutes if this
/// version of Directus must be installed.
pub(super) fn ensure(cache: &Cache, setup: &Setup) -> Result<Database, Error> {
    let name = format!("{}-{}-{}", setup.version, setup.db, setup.template);
    let dir = cache.template(&name);
    let database = Database::new(setup.db, &dir, engine::home(cache).join(format!("template-{name}")))?;
    let _lock = cache.lock(&format!("template-{name}"))?;
    if is_made(&dir) && database.exists() {
        return Ok(database);
    }
    let plain = Setup { extension: Extension::None, env: Default::default(), ..setup.clone() };
    make(cache, &Layout { dir, port: 8055, database: database.clone(), setup: plain })?;
    Ok(database)
}

fn is_made(dir: &Path) -> bool {
    fs::read_to_string(dir.join(MARKER)).is_ok_and(|recipe| recipe == RECIPE)
}

fn make(cache: &Cache, layout: &Layout) -> Result<(), Error> {
    layout.database.remove()?;
    layout.create(cache)?;
    layout.database.create()?;
    let running = layout.database.start(Lifetime::Tied)?;
    let made = server::run(cache, layout, &["bootstrap"]);
    running.map_or(Ok(()), Cluster::stop)?;
    made?;
    let marker = layout.dir.join(MARKER);
    fs::write(&marker, RECIPE).map_err(Error::io("write", &marker))
}
