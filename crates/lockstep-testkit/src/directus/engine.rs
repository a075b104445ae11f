//! Private database servers: one per instance, on the loopback interface, without durability.
//!
//! What the kinds of server have in common is here; what each is called and told, is its [`Engine`]. Their programs refuse
//! to run as root, so for root they run as the user that the package made, and the data lies where that user can reach it.

mod mariadb;
mod postgres;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, geteuid};

pub(super) use mariadb::MariaDb;
pub(super) use postgres::Postgres;

use crate::Error;
use crate::cache::Cache;
use crate::debian::Package;
use crate::process::{Lifetime, end, run, wait_until};

/// The name of database, user and password.
pub(super) const NAME: &str = "directus";

/// A kind of database server: how it is found, made, served and asked.
pub(super) trait Engine: fmt::Debug + Sync {
    /// What people call it.
    fn name(&self) -> &'static str;
    /// What Directus calls it (`DB_CLIENT`).
    fn client(&self) -> &'static str;
    /// The Debian package with its server.
    fn package(&self) -> &'static str;
    /// The user that the package made for it.
    fn user(&self) -> &'static str;
    /// What makes it stop at once and in good order, with the signal's name as in `KILL`.
    fn stops_at(&self) -> (Signal, &'static str);
    /// The file of one of its programs, if it is installed.
    fn program(&self, name: &str) -> Option<PathBuf>;
    /// The server's program, by whose presence it is told whether it is installed.
    fn server(&self) -> &'static str;
    /// A program and its arguments that fill the empty folder `dir`.
    fn fill(&self, dir: &Path) -> (&'static str, Vec<String>);
    /// The arguments with which the server serves `dir`, trusting whoever reaches the port.
    fn serve(&self, dir: &Path, port: u16) -> Vec<String>;
    /// A program and its arguments that succeed when the server takes connections.
    fn ask(&self, port: u16) -> (&'static str, Vec<String>);
    /// A program and its arguments that create the database [`NAME`].
    fn create(&self, port: u16) -> (&'static str, Vec<String>);
}

/// A running server.
#[derive(Debug)]
pub(super) struct Cluster {
    engine: &'static dyn Engine,
    dir: PathBuf,
    process: Child,
}

/// The folder for the data that stays.
pub(super) fn home(cache: &Cache) -> PathBuf {
    if geteuid().is_root() { "/var/cache/lockstep".into() } else { cache.root().join("databases") }
}

/// New data for a server, with an empty database.
pub(super) fn create_cluster(engine: &'static dyn Engine, dir: &Path, port: u16) -> Result<(), Error> {
    give_folder(engine, dir)?;
    let (program, arguments) = engine.fill(dir);
    run(unprivileged(engine, Command::new(find(engine, program)?)).args(arguments))?;
    let cluster = Cluster::start(engine, dir, port, Lifetime::Tied)?;
    let (program, arguments) = engine.create(port);
    run(Command::new(find(engine, program)?).args(arguments))?;
    cluster.stop()
}

/// Copies the folder of a stopped server, with its owner and modes.
pub(super) fn copy_cluster(origin: &Path, copy: &Path) -> Result<(), Error> {
    run(Command::new("cp").arg("-a").arg(origin).arg(copy))
}

impl Cluster {
    /// Starts the server of the data in `dir` and waits until it accepts connections.
    pub(super) fn start(
        engine: &'static dyn Engine,
        dir: &Path,
        port: u16,
        lifetime: Lifetime,
    ) -> Result<Self, Error> {
        let program = find(engine, engine.server())?;
        let mut command = unprivileged(engine, lifetime.command(&program, engine.stops_at().1));
        command.args(engine.serve(dir, port));
        let log =
            fs::File::options().create(true).append(true).open(log(dir)).map_err(Error::io("open", dir))?;
        let also = log.try_clone().map_err(Error::io("open", dir))?;
        command.current_dir(dir).stdin(Stdio::null()).stdout(also).stderr(log);
        let process = lifetime.spawn(command).map_err(Error::io("start a database in", dir))?;
        let mut cluster = Self { engine, dir: dir.to_owned(), process };
        match cluster.wait_ready(port) {
            Ok(()) => Ok(cluster),
            Err(error) => {
                cluster.stop()?;
                Err(error)
            }
        }
    }

    /// The id of the server's process.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Stops the server in good order.
    pub(super) fn stop(mut self) -> Result<(), Error> {
        end_server(self.engine, self.process.id(), &self.dir);
        self.process.wait().map(drop).map_err(Error::io("stop the database in", &self.dir))
    }

    fn wait_ready(&mut self, port: u16) -> Result<(), Error> {
        let (program, arguments) = self.engine.ask(port);
        let program = find(self.engine, program)?;
        let ready = || {
            let mut command = Command::new(&program);
            command.args(&arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let mut ended = false;
        wait_until(Duration::from_secs(60), || {
            ended = self.process.try_wait().is_ok_and(|status| status.is_some());
            ended || ready()
        });
        let answers = !ended && ready();
        answers.then_some(()).ok_or_else(|| Error::Database {
            name: self.engine.name(),
            action: "start",
            dir: self.dir.clone(),
        })
    }
}

/// Ends the server with this process id if it still serves `dir`: connections are cut, data is flushed.
pub(super) fn end_server(engine: &dyn Engine, pid: u32, dir: &Path) {
    end(pid, dir, engine.stops_at().0, Duration::from_secs(20));
}

fn log(dir: &Path) -> PathBuf {
    dir.join("server.log")
}

/// Makes the empty folder for the data, owned by the user that the server runs as.
fn give_folder(engine: &dyn Engine, dir: &Path) -> Result<(), Error> {
    // The package comes first: it makes the user.
    find(engine, engine.server())?;
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    if !geteuid().is_root() {
        return Ok(());
    }
    run(Command::new("chown").arg(format!("{}:", engine.user())).arg(dir))
}

/// The same command, run as the user of the package when we are root.
fn unprivileged(engine: &dyn Engine, command: Command) -> Command {
    if !geteuid().is_root() {
        return command;
    }
    let mut outer = Command::new("setpriv");
    outer.arg(format!("--reuid={}", engine.user())).arg(format!("--regid={}", engine.user()));
    outer.args(["--clear-groups", "--"]).arg(command.get_program()).args(command.get_args());
    outer
}

/// One of the engine's programs.
fn find(engine: &dyn Engine, program: &str) -> Result<PathBuf, Error> {
    let package = Package { name: engine.name(), package: engine.package() };
    // Clients may be there without a server.
    package.program(engine.server(), |name| engine.program(name))?;
    package.program(program, |name| engine.program(name))
}
