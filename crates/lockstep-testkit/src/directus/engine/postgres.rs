//! PostgreSQL: without a socket file, without fsync.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::{Engine, NAME};
use crate::process::find_program;

/// PostgreSQL, in the newest version that is installed.
#[derive(Debug)]
pub(in crate::directus) struct Postgres;

impl Engine for Postgres {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn client(&self) -> &'static str {
        "pg"
    }

    fn package(&self) -> &'static str {
        "postgresql"
    }

    fn user(&self) -> &'static str {
        "postgres"
    }

    fn stops_at(&self) -> (Signal, &'static str) {
        (Signal::INT, "INT")
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let newest = versions
            .map(|version| version.path().join("bin"))
            .filter(|bin| bin.join("initdb").is_file())
            .max()
            .or_else(|| Some(find_program("initdb")?.canonicalize().ok()?.parent()?.to_owned()));
        newest.map(|bin| bin.join(name)).filter(|program| program.is_file())
    }

    fn server(&self) -> &'static str {
        "postgres"
    }

    fn fill(&self, dir: &Path) -> (&'static str, Vec<String>) {
        let options =
            ["--no-sync", "--username", NAME, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "-D"];
        let mut arguments = options.map(str::to_owned).to_vec();
        arguments.push(dir.display().to_string());
        ("initdb", arguments)
    }

    fn serve(&self, dir: &Path, port: u16) -> Vec<String> {
        let settings = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=50",
            "shared_buffers=32MB",
            // Durability is of no use to a database that lives as long as a test.
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ];
        let own = ["-D".to_owned(), dir.display().to_string(), "-p".to_owned(), port.to_string()];
        own.into_iter()
            .chain(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting.to_owned()]))
            .collect()
    }

    fn ask(&self, port: u16) -> (&'static str, Vec<String>) {
        ("pg_isready", address(port, &["--quiet"]))
    }

    fn create(&self, port: u16) -> (&'static str, Vec<String>) {
        ("createdb", address(port, &["--username", NAME, NAME]))
    }
}

fn address(port: u16, more: &[&str]) -> Vec<String> {
    let port = port.to_string();
    ["--host", "127.0.0.1", "--port", &port].iter().chain(more).map(|&argument| argument.to_owned()).collect()
}
