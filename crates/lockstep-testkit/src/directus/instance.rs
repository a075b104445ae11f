//! A server for the length of a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::database::Database;
use super::engine::Cluster;
use super::layout::Layout;
use super::{ADMIN_TOKEN, Answer, Db, Extension, Http, Setup, Template, server, template};
use crate::Error;
use crate::cache::Cache;
use crate::port::PortLease;
use crate::process::{Lifetime, end};

/// How a [`Directus`] is to be.
#[derive(Debug, Clone)]
pub struct Builder {
    setup: Setup,
}

/// A running Directus of one's own. Ended, and its folder deleted, when dropped; with `LOCKSTEP_KEEP` set in the
/// environment the folder stays, to look at.
#[derive(Debug)]
pub struct Directus {
    cache: Cache,
    layout: Layout,
    http: Http,
    process: Option<Child>,
    cluster: Option<Cluster>,
    // Held for what their ends do.
    folder: Option<TempDir>,
    _port: PortLease,
}

impl Builder {
    /// The fresh database to start with; [`Template::A`] unless told otherwise.
    pub fn template(mut self, template: Template) -> Self {
        self.setup.template = template;
        self
    }

    /// The kind of database; [`Db::Sqlite`] unless told otherwise.
    pub fn db(mut self, db: Db) -> Self {
        self.setup.db = db;
        self
    }

    /// The mapping extension that is installed, and checked to answer; `true` is that of directus-sync.
    pub fn extension(mut self, wanted: impl Into<Extension>) -> Self {
        self.setup.extension = wanted.into();
        self
    }

    /// Sets a variable of the server's environment, such as `MAX_PAYLOAD_SIZE`.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.setup.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts it, and waits until it is ready. What is not there yet is made first: the install takes minutes.
    ///
    /// # Errors
    /// [`Error::NodeMissing`] and [`Error::Install`] from the install, [`Error::Died`] and [`Error::NotReady`] with the
    /// end of the server's log, [`Error::Extension`], [`Error::ProgramMissing`], [`Error::Io`].
    pub async fn start(self) -> Result<Directus, Error> {
        let mut attempts_left = 3;
        loop {
            let started = Box::pin(self.attempt()).await;
            // Other programs do not know our leases.
            let retry = matches!(started, Err(Error::PortTaken { .. })) && attempts_left > 0;
            if !retry {
                return started;
            }
            attempts_left -= 1;
        }
    }

    async fn attempt(&self) -> Result<Directus, Error> {
        let setup = self.setup.clone();
        let mut directus = blocking(move || Directus::lay_out(setup)).await?;
        directus.boot().await?;
        Ok(directus)
    }
}

impl Directus {
    /// An instance of this version, for instance `"11.17.4"`.
    pub fn builder(version: &str) -> Builder {
        Builder { setup: Setup::new(version) }
    }

    /// One instance of each template, started side by side.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn pair(version: &str) -> Result<(Self, Self), Error> {
        let b = Self::builder(version).template(Template::B);
        tokio::try_join!(Self::builder(version).start(), b.start())
    }

    /// The base URL, without a slash at its end.
    pub fn url(&self) -> String {
        self.layout.url()
    }

    /// The administrator's static token.
    pub fn token(&self) -> &'static str {
        ADMIN_TOKEN
    }

    /// The Directus version; that of the API that it has, if it is the sandbox.
    pub fn version(&self) -> &str {
        self.layout.setup.version.trim_end_matches("-sandbox")
    }

    /// The server's process id; `None` while it is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// The folder that the server runs in.
    pub fn dir(&self) -> &Path {
        &self.layout.dir
    }

    /// The file of its database, if that is SQLite: for what no request can do. The server is to be stopped meanwhile.
    pub fn database_file(&self) -> Option<&Path> {
        match &self.layout.database {
            Database::Sqlite { file } => Some(file),
            Database::Server { .. } => None,
        }
    }

    /// What the server has printed so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.layout.log()).unwrap_or_default()
    }

    /// Requests as the administrator; [`Http::with_token`] makes others.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Stops the server. Its data stays for [`Directus::restart`].
    pub fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// Ends the server as a crash would, in the middle of whatever it does. Its database server, if any, goes on.
    pub fn crash(&mut self) {
        end_directus(self.process.take(), &self.layout.dir, Signal::KILL);
    }

    /// Starts the server again on the same port with the same data, after stopping it if it runs.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.stop();
        Box::pin(self.boot()).await
    }

    /// Restarts with a variable of the environment set.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn restart_with(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.layout.setup.env.insert(name.to_owned(), value.to_owned());
        self.layout.write_env()?;
        self.restart().await
    }

    /// Restarts with another mapping extension, or none. What the one before has stored stays in the database.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn restart_with_extension(&mut self, extension: Extension) -> Result<(), Error> {
        self.stop();
        let folder = self.layout.dir.join("extensions");
        fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
        self.layout.setup.extension = extension;
        self.layout.create(&self.cache)?;
        self.restart().await
    }

    /// Moves the instance to a newer version: its database is migrated, then the new server started on it. This is how
    /// a Directus 12 comes to have what its licence forbids to create.
    ///
    /// # Errors
    /// As [`Builder::start`]; [`Error::Program`] when the migration fails.
    pub async fn upgrade(&mut self, version: &str) -> Result<(), Error> {
        self.end(Signal::TERM);
        version.clone_into(&mut self.layout.setup.version);
        self.start_cluster()?;
        server::run(&self.cache, &self.layout, &["database", "migrate:latest"])?;
        Box::pin(self.boot()).await
    }

    /// [`Http::get`] as the administrator.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn get(&self, path: &str) -> Result<Value, Error> {
        self.http.get(path).await
    }

    /// [`Http::post`] as the administrator.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.http.post(path, body).await
    }

    /// [`Http::patch`] as the administrator.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.http.patch(path, body).await
    }

    /// [`Http::delete`] as the administrator.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn delete(&self, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        self.http.delete(path, body).await
    }

    /// [`Http::search`] as the administrator.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn search(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.http.search(path, body).await
    }

    /// [`Http::request`] as the administrator: any method, any status.
    ///
    /// # Errors
    /// [`Error::Http`] when there is no answer.
    pub async fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Error> {
        self.http.request(method, path, body).await
    }

    fn lay_out(setup: Setup) -> Result<Self, Error> {
        let cache = Cache::from_env()?;
        let origin = if setup.is_sandbox() { None } else { Some(template::ensure(&cache, &setup)?) };
        let folder = TempDir::with_prefix("lockstep-").map_err(Error::io("create", &std::env::temp_dir()))?;
        let dir = folder.path().canonicalize().map_err(Error::io("find", folder.path()))?;
        let port = PortLease::any(&cache)?;
        let database = Database::new(setup.db, &dir, beside(&dir))?;
        let layout = Layout { dir, port: port.number(), database, setup };
        let http = Http::new(&layout.url())?;
        let made =
            Self { cache, layout, http, process: None, cluster: None, folder: Some(folder), _port: port };
        made.layout.create(&made.cache)?;
        if let Some(origin) = origin {
            made.layout.database.copy_from(&origin)?;
        }
        Ok(made)
    }

    async fn boot(&mut self) -> Result<(), Error> {
        self.start_cluster()?;
        let process = self.process.insert(server::start(&self.cache, &self.layout, Lifetime::Tied)?);
        server::wait_ready(&self.layout, process).await
    }

    fn start_cluster(&mut self) -> Result<(), Error> {
        if self.cluster.is_none() {
            self.cluster = self.layout.database.start(Lifetime::Tied)?;
        }
        Ok(())
    }

    fn end(&mut self, signal: Signal) {
        end_directus(self.process.take(), &self.layout.dir, signal);
        if let Some(cluster) = self.cluster.take() {
            // What does not stop in order has been killed.
            let _ = cluster.stop();
        }
    }
}

impl Drop for Directus {
    fn drop(&mut self) {
        self.end(Signal::KILL);
        if std::env::var_os("LOCKSTEP_KEEP").is_some() {
            self.folder.take().map(TempDir::keep);
        } else {
            // What is left behind lies in the folder for temporary files.
            let _ = self.layout.database.remove();
        }
    }
}

fn end_directus(process: Option<Child>, dir: &Path, signal: Signal) {
    if let Some(mut process) = process {
        end(process.id(), dir, signal, Duration::from_secs(10));
        let _ = process.wait();
    }
}

/// The folder for a database server: not within the instance's, which only its owner, possibly not the server's, may enter.
fn beside(dir: &Path) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push("-database");
    name.into()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_cancelled) => unreachable!("a blocking task is not cancelled once it runs"),
        },
    }
}
