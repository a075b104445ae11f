//! Private PostgreSQL clusters: one per instance, on the loopback interface, without a socket file, without fsync.
//!
//! PostgreSQL's programs refuse to run as root, so for root they run as the user `postgres` that the package made, and
//! the clusters lie where that user can reach them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, geteuid};

use crate::Error;
use crate::cache::Cache;
use crate::error::last_lines;
use crate::process::{Lifetime, end, find_program, wait_until};

/// The name of database, user and password.
pub(super) const NAME: &str = "directus";

/// A running cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    dir: PathBuf,
    process: Child,
}

/// The folder for the clusters that stay.
pub(super) fn home(cache: &Cache) -> PathBuf {
    if geteuid().is_root() { "/var/cache/lockstep".into() } else { cache.root().join("postgres") }
}

/// A new cluster that trusts whoever reaches its port, with an empty database.
pub(super) fn create_cluster(dir: &Path, port: u16) -> Result<(), Error> {
    let options =
        ["--no-sync", "--username", NAME, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "-D"];
    give_folder(dir)?;
    run(unprivileged(Command::new(binaries()?.join("initdb"))).args(options).arg(dir))?;
    let cluster = Cluster::start(dir, port, Lifetime::Tied)?;
    let address = ["--host", "127.0.0.1", "--port", &port.to_string(), "--username", NAME, NAME];
    run(Command::new(binaries()?.join("createdb")).args(address))?;
    cluster.stop()
}

/// Copies the folder of a stopped cluster, with its owner and modes.
pub(super) fn copy_cluster(origin: &Path, copy: &Path) -> Result<(), Error> {
    run(Command::new("cp").arg("-a").arg(origin).arg(copy))
}

impl Cluster {
    /// Starts the server of the cluster in `dir` and waits until it accepts connections.
    pub(super) fn start(dir: &Path, port: u16, lifetime: Lifetime) -> Result<Self, Error> {
        let mut command = unprivileged(lifetime.command(&binaries()?.join("postgres"), "INT"));
        command.arg("-D").arg(dir).args(["-p", &port.to_string()]).args(settings());
        let log =
            fs::File::options().create(true).append(true).open(log(dir)).map_err(Error::io("open", dir))?;
        let also = log.try_clone().map_err(Error::io("open", dir))?;
        command.current_dir(dir).stdin(Stdio::null()).stdout(also).stderr(log);
        let process = lifetime.spawn(command).map_err(Error::io("start PostgreSQL in", dir))?;
        let mut cluster = Self { dir: dir.to_owned(), process };
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
        end_server(self.process.id(), &self.dir);
        self.process.wait().map(drop).map_err(Error::io("stop PostgreSQL in", &self.dir))
    }

    fn wait_ready(&mut self, port: u16) -> Result<(), Error> {
        let program = binaries()?.join("pg_isready");
        let ready = || {
            let mut command = Command::new(&program);
            command.args(["--quiet", "--host", "127.0.0.1", "--port", &port.to_string()]);
            command.status().is_ok_and(|status| status.success())
        };
        let mut ended = false;
        wait_until(Duration::from_secs(60), || {
            ended = self.process.try_wait().is_ok_and(|status| status.is_some());
            ended || ready()
        });
        let answers = !ended && ready();
        answers.then_some(()).ok_or_else(|| Error::Postgres { action: "start", dir: self.dir.clone() })
    }
}

/// Ends the server with this process id if it still serves `dir`: connections are cut, data is flushed.
pub(super) fn end_server(pid: u32, dir: &Path) {
    end(pid, dir, Signal::INT, Duration::from_secs(20));
}

fn log(dir: &Path) -> PathBuf {
    dir.join("server.log")
}

/// Durability is of no use to a database that lives as long as a test.
fn settings() -> impl Iterator<Item = &'static str> {
    ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=50", "shared_buffers=32MB"]
        .into_iter()
        .chain(["fsync=off", "synchronous_commit=off", "full_page_writes=off"])
        .flat_map(|setting| ["-c", setting])
}

/// Makes the empty folder of a cluster, owned by the user that the server runs as.
fn give_folder(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    if geteuid().is_root() { run(Command::new("chown").arg("postgres:").arg(dir)) } else { Ok(()) }
}

/// The same command, run as the user `postgres` when we are root.
fn unprivileged(command: Command) -> Command {
    if !geteuid().is_root() {
        return command;
    }
    let mut outer = Command::new("setpriv");
    outer.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
    outer.arg(command.get_program()).args(command.get_args());
    outer
}

/// The folder of PostgreSQL's server programs. Root on Debian gets them installed.
fn binaries() -> Result<PathBuf, Error> {
    if let Some(found) = find_binaries() {
        return Ok(found);
    }
    if geteuid().is_root() && find_program("apt-get").is_some() {
        let arguments = ["install", "--yes", "--no-install-recommends", "postgresql"];
        run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    find_binaries().ok_or(Error::PostgresMissing)
}

fn find_binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest =
        versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).max();
    newest.or_else(|| Some(find_program("initdb")?.canonicalize().ok()?.parent()?.to_owned()))
}

fn run(command: &mut Command) -> Result<(), Error> {
    let what = format!("{} {}", command.get_program().display(), arguments(command));
    let output =
        command.stdin(Stdio::null()).output().map_err(Error::io("run", command.get_program().as_ref()))?;
    let text = String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or_else(|| Error::Program { what, tail: last_lines(&text, 20) })
}

fn arguments(command: &Command) -> String {
    command.get_args().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
