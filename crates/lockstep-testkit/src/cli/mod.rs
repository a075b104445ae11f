//! The `lockstep` binary as a user runs it, apart from whatever the machine has set up.
//!
//! A [`Cli`] has a working directory and a home of its own, an environment with nothing in it but `PATH`, and no
//! terminal. What it printed comes back as a [`Ran`], whose assertions show the whole run when they fail; the files
//! that it works with are a [`Dump`].
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lockstep_testkit::cli::Cli;
//! use lockstep_testkit::directus::Directus;
//!
//! let (source, target) = Directus::pair("11.17.4").await?;
//! let cli = Cli::new();
//! cli.run(&["pull"], &source).await.exits(0);
//! assert_eq!(cli.run(&["push", "--json"], &target).await.exits(0).json()["converged"], true);
//! assert!(cli.files().records("roles").is_empty());
//! # Ok(())
//! # }
//! ```

mod dump;
mod ran;
mod running;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::directus::{ADMIN_TOKEN, Directus};
use crate::proxy::Proxy;

pub use dump::Dump;
pub use ran::Ran;
pub use running::Running;

/// The variable with the path of the binary under test; `cargo xtask test` sets it.
pub const BINARY: &str = "LOCKSTEP_BIN";

/// The binary, with the place that it runs in.
#[derive(Debug)]
pub struct Cli {
    binary: PathBuf,
    place: TempDir,
    dump: PathBuf,
    variables: Vec<(String, String)>,
}

/// The server that a run is about, and the token that it uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    url: String,
    token: String,
}

impl At {
    /// A server by its URL, with a token of one's own.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self { url: url.into(), token: token.into() }
    }
}

impl From<&Directus> for At {
    /// As its administrator.
    fn from(directus: &Directus) -> Self {
        Self::new(directus.url(), directus.token())
    }
}

impl From<&Proxy> for At {
    /// As the administrator of the instance behind it.
    fn from(proxy: &Proxy) -> Self {
        Self::new(proxy.url(), ADMIN_TOKEN)
    }
}

impl From<&At> for At {
    fn from(at: &At) -> Self {
        at.clone()
    }
}

impl Default for Cli {
    fn default() -> Self {
        Self::new()
    }
}

impl Cli {
    /// The binary that [`BINARY`] names, with an empty working directory; the dump is where Lockstep has it by itself.
    ///
    /// # Panics
    /// When the variable is not set: these tests run by `cargo xtask test`.
    #[track_caller]
    pub fn new() -> Self {
        let Some(binary) = std::env::var_os(BINARY) else {
            panic!("{BINARY} is not set: run `cargo xtask test --only real`, or name the lockstep binary")
        };
        Self::of(binary)
    }

    /// Another program that takes the same arguments.
    ///
    /// # Panics
    /// When there is no place for a temporary directory.
    #[track_caller]
    pub fn of(binary: impl Into<PathBuf>) -> Self {
        let place = match TempDir::with_prefix("lockstep-cli-") {
            Ok(place) => place,
            Err(error) => panic!("no temporary directory: {error}"),
        };
        let dump = place.path().join("directus-config");
        Self { binary: binary.into(), place, dump, variables: Vec::new() }
    }

    /// The same with the dump somewhere else, such as the place of another [`Cli`]'s.
    #[must_use]
    pub fn dump(mut self, path: impl Into<PathBuf>) -> Self {
        self.dump = path.into();
        self
    }

    /// The same with a variable in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The working directory.
    pub fn dir(&self) -> &Path {
        self.place.path()
    }

    /// The files of the dump.
    pub fn files(&self) -> Dump {
        Dump::at(&self.dump)
    }

    /// Runs it to its end: `arguments`, with the dump path, URL and token added.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn run(&self, arguments: &[&str], at: impl Into<At>) -> Ran {
        let at = at.into();
        let dump = self.dump.display().to_string();
        let place = ["--dump-path", &dump, "--directus-url", &at.url, "--directus-token", &at.token];
        let all: Vec<&str> = arguments.iter().chain(&place).copied().collect();
        self.run_bare(&all).await
    }

    /// Runs it with these arguments only.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn run_bare(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command();
        command.args(arguments);
        let told = format!("lockstep {}", arguments.join(" "));
        // The server of a scripted fault may live on this very thread.
        match tokio::task::spawn_blocking(move || command.output()).await {
            Ok(Ok(output)) => Ran::new(told, &output),
            Ok(Err(error)) => panic!("{} cannot be started: {error}", self.binary.display()),
            Err(error) => panic!("{told}: {error}"),
        }
    }

    /// Starts it with these arguments only, to go on; what it prints is in [`Running::log`].
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let log = self.dir().join("running.log");
        let started = Running::start(&self.binary, log, |command| {
            self.place_in(command);
            command.args(arguments);
        });
        match started {
            Ok(running) => running,
            Err(error) => panic!("{} cannot be started: {error}", self.binary.display()),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        self.place_in(&mut command);
        command
    }

    fn place_in(&self, command: &mut Command) {
        command.env_clear().current_dir(self.dir()).stdin(Stdio::null());
        command.env("HOME", self.dir()).env("NO_COLOR", "1");
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::find_program;

    fn program(name: &str) -> Cli {
        Cli::of(find_program(name).unwrap())
    }

    #[tokio::test]
    async fn nothing_of_the_machine_gets_in() {
        let cli = program("env").env("EXTRA", "1");
        let ran = cli.run_bare(&[]).await.exits(0);
        let mut names: Vec<_> = ran.stdout.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        names.sort_unstable();
        assert_eq!(names, ["EXTRA", "HOME", "NO_COLOR", "PATH"]);
        assert!(ran.stdout.contains(&format!("HOME={}", cli.dir().display())));
    }

    #[tokio::test]
    async fn a_run_is_told_where_the_dump_and_the_server_are() {
        let cli = program("echo").dump("/d");
        let ran = cli.run(&["push", "--json"], At::new("http://h:1", "t")).await.exits(0);
        let told = "push --json --dump-path /d --directus-url http://h:1 --directus-token t\n";
        assert_eq!(ran.stdout, told);
    }

    #[test]
    fn what_goes_on_is_ended() {
        let cli = program("sh");
        let mut running =
            cli.start(&["-c", "trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.02; done"]);
        while !running.log().contains("up") {
            std::thread::yield_now();
        }
        assert_eq!(running.ended(), None);
        assert_eq!(running.terminate(), 7);
        assert_eq!(std::fs::read_to_string(cli.dir().join("running.log")).unwrap(), "up\nasked\n");
        let mut ended = cli.start(&["-c", "exit 3"]);
        while ended.ended().is_none() {
            std::thread::yield_now();
        }
        assert_eq!(ended.ended(), Some(3));
    }

    #[tokio::test]
    #[should_panic(expected = "lockstep -c exit 3")]
    async fn an_unexpected_exit_shows_the_run() {
        program("sh").run_bare(&["-c", "exit 3"]).await.exits(0);
    }
}
