//! Instances to work with by hand: one per port, kept in the cache, running until stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::database::Database;
use super::layout::Layout;
use super::{Db, Extension, Setup, Template, engine, server, template};
use crate::Error;
use crate::cache::Cache;
use crate::process::{Lifetime, end, runs_in};

/// What is asked of a named instance; what is `None` is as it is, or as usual.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The Directus version; the last 11 unless told otherwise.
    pub version: Option<String>,
    /// The database; SQLite unless told otherwise.
    pub db: Option<Db>,
    /// The fresh database to start with; A unless told otherwise.
    pub template: Option<Template>,
    /// The mapping extension. None asks for nothing: an instance that has one keeps it.
    pub extension: Extension,
}

/// A named instance that runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// What it is.
    pub setup: Setup,
    /// Where it answers.
    pub url: String,
    /// The server's process id.
    pub pid: u32,
    /// What the server prints.
    pub log: PathBuf,
    /// Whether it ran before it was asked for.
    pub already: bool,
}

/// What is written down about an instance, beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    setup: Setup,
    pid: Option<u32>,
    /// The process of the database server; it was called so when there was one kind only.
    #[serde(alias = "postgres")]
    database: Option<u32>,
}

/// A port with its folder; nobody else works on it while this lives.
struct Place<'a> {
    cache: &'a Cache,
    port: u16,
    dir: PathBuf,
    _lock: crate::cache::Lock,
}

impl Wish {
    /// The setup that fulfils the wish and otherwise is `present`, or the usual one.
    fn over(&self, present: Option<&Setup>) -> Setup {
        let mut setup = present.cloned().unwrap_or_else(|| Setup::new("11.17.4"));
        setup.version = self.version.clone().unwrap_or(setup.version);
        setup.db = self.db.unwrap_or(setup.db);
        setup.template = self.template.unwrap_or(setup.template);
        if self.extension != Extension::None {
            setup.extension = self.extension;
        }
        setup
    }
}

/// Makes the instance run: started again with its data if it exists, else as a copy of a fresh database. Does nothing if
/// it runs.
///
/// # Errors
/// [`Error::OtherInstance`] when the port holds one that is not as wished; [`Error::PortTaken`]; those of
/// [`Builder::start`](super::Builder::start).
pub async fn up(cache: &Cache, port: u16, wish: &Wish) -> Result<Running, Error> {
    let place = Place::enter(cache, port)?;
    let Some(record) = place.record() else { return place.make(wish.over(None)).await };
    let setup = wish.over(Some(&record.setup));
    if setup != record.setup {
        let (present, wanted) = (record.setup.to_string(), setup.to_string());
        return Err(Error::OtherInstance { port, present, wanted });
    }
    match record.pid.filter(|pid| runs_in(*pid, &place.dir)) {
        Some(pid) => Ok(place.running(setup, pid, true)),
        None => {
            place.end(&record);
            place.start(setup).await
        }
    }
}

/// What the instance is, or would be made to be, if the wish were fulfilled.
///
/// # Errors
/// [`Error::Io`].
pub fn wanted(cache: &Cache, port: u16, wish: &Wish) -> Result<Setup, Error> {
    let record = Place::enter(cache, port)?.record();
    Ok(wish.over(record.as_ref().map(|record| &record.setup)))
}

/// Stops the instance, if it is ours and runs; its data stays. Says whether there was anything to stop.
///
/// # Errors
/// [`Error::Io`].
pub fn down(cache: &Cache, port: u16) -> Result<bool, Error> {
    let place = Place::enter(cache, port)?;
    let Some(record) = place.record() else { return Ok(false) };
    let ran = place.end(&record);
    place.write(&Record { pid: None, database: None, ..record })?;
    Ok(ran)
}

/// Gives the instance a fresh database again, changed as wished, and starts it.
///
/// # Errors
/// As [`up`], but never [`Error::OtherInstance`].
pub async fn reset(cache: &Cache, port: u16, wish: &Wish) -> Result<Running, Error> {
    let place = Place::enter(cache, port)?;
    let record = place.record();
    if let Some(record) = &record {
        place.end(record);
        place.database(&record.setup)?.remove()?;
    }
    place.make(wish.over(record.as_ref().map(|record| &record.setup))).await
}

/// The ports that have an instance, running or not, in order.
///
/// # Errors
/// [`Error::Io`] when the folder of instances cannot be read.
pub fn ports(cache: &Cache) -> Result<Vec<u16>, Error> {
    let dir = cache.instances();
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&dir).map_err(Error::io("read", &dir))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut ports: Vec<u16> = names.collect();
    ports.sort_unstable();
    Ok(ports)
}

impl<'a> Place<'a> {
    fn enter(cache: &'a Cache, port: u16) -> Result<Self, Error> {
        let lock = cache.lock(&format!("instance-{port}"))?;
        Ok(Self { cache, port, dir: cache.instances().join(port.to_string()), _lock: lock })
    }

    /// What was written down; `None` too when the making of the instance was interrupted.
    fn record(&self) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.record_file()).ok()?).ok()
    }

    fn write(&self, record: &Record) -> Result<(), Error> {
        let file = self.record_file();
        let text = serde_json::to_vec_pretty(record).map_err(std::io::Error::other);
        text.and_then(|text| fs::write(&file, text)).map_err(Error::io("write", &file))
    }

    fn record_file(&self) -> PathBuf {
        self.dir.join("instance.json")
    }

    fn database(&self, setup: &Setup) -> Result<Database, Error> {
        Database::new(setup.db, &self.dir, engine::home(self.cache).join(format!("instance-{}", self.port)))
    }

    fn layout(&self, setup: Setup) -> Result<Layout, Error> {
        let database = self.database(&setup)?;
        Ok(Layout { dir: self.dir.clone(), port: self.port, database, setup })
    }

    async fn make(&self, setup: Setup) -> Result<Running, Error> {
        let origin = template::ensure(self.cache, &setup)?;
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).map_err(Error::io("remove", &self.dir))?;
        }
        let layout = self.layout(setup.clone())?;
        layout.create(self.cache)?;
        layout.database.remove()?;
        layout.database.copy_from(&origin)?;
        self.start(setup).await
    }

    async fn start(&self, setup: Setup) -> Result<Running, Error> {
        let layout = self.layout(setup.clone())?;
        layout.write_env()?;
        let mut record = Record { setup: setup.clone(), pid: None, database: None };
        self.write(&record)?;
        if let Some(cluster) = layout.database.start(Lifetime::Detached)? {
            record.database = Some(cluster.pid());
            self.write(&record)?;
        }
        let started = self.start_server(&layout, &mut record).await;
        if started.is_err() {
            self.end(&record);
        }
        Ok(self.running(setup, started?, false))
    }

    async fn start_server(&self, layout: &Layout, record: &mut Record) -> Result<u32, Error> {
        let mut process = server::start(self.cache, layout, Lifetime::Detached)?;
        record.pid = Some(process.id());
        self.write(record)?;
        server::wait_ready(layout, &mut process).await?;
        Ok(process.id())
    }

    /// Ends what runs of the instance, by the recorded ids, and only what is seen to run in its folders.
    fn end(&self, record: &Record) -> bool {
        let server = record.pid.is_some_and(|pid| stop(pid, &self.dir));
        let database = match (record.database, self.database(&record.setup)) {
            (Some(pid), Ok(Database::Server { engine, data, .. })) => {
                let runs = runs_in(pid, &data);
                engine::end_server(engine, pid, &data);
                runs
            }
            _ => false,
        };
        server || database
    }

    fn running(&self, setup: Setup, pid: u32, already: bool) -> Running {
        let (url, log) = (format!("http://127.0.0.1:{}", self.port), self.dir.join("directus.log"));
        Running { setup, url, pid, log, already }
    }
}

fn stop(pid: u32, dir: &Path) -> bool {
    let runs = runs_in(pid, dir);
    end(pid, dir, Signal::TERM, Duration::from_secs(10));
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_changes_only_what_it_names() {
        let usual = Wish::default().over(None);
        assert_eq!(usual.to_string(), "Directus 11.17.4 (sqlite, template a)");
        let present = Setup { version: "12.4.0".into(), extension: Extension::DirectusSync, ..usual };
        assert_eq!(Wish::default().over(Some(&present)), present);
        let wish = Wish { template: Some(Template::B), db: Some(Db::Postgres), ..Wish::default() };
        let wished = wish.over(Some(&present)).to_string();
        assert_eq!(wished, "Directus 12.4.0 (postgres, template b, with the extension)");
    }

    #[test]
    fn only_folders_called_by_a_port_are_instances() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path());
        assert_eq!(ports(&cache).unwrap(), Vec::<u16>::new());
        for name in ["9000", "8055", "notes"] {
            fs::create_dir_all(cache.instances().join(name)).unwrap();
        }
        assert_eq!(ports(&cache).unwrap(), [8055, 9000]);
        assert!(!down(&cache, 8055).unwrap(), "nothing is recorded, so nothing is stopped");
    }
}
