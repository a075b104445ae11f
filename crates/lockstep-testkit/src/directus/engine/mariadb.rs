//! MariaDB, which Directus takes for MySQL: without the settings of the machine, without durability.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::{Engine, NAME};
use crate::process::find_program;

/// MariaDB, as Debian packages it.
#[derive(Debug)]
pub(in crate::directus) struct MariaDb;

impl Engine for MariaDb {
    fn name(&self) -> &'static str {
        "MariaDB"
    }

    fn client(&self) -> &'static str {
        "mysql"
    }

    fn package(&self) -> &'static str {
        "mariadb-server"
    }

    fn user(&self) -> &'static str {
        "mysql"
    }

    fn stops_at(&self) -> (Signal, &'static str) {
        (Signal::TERM, "TERM")
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        // The server is where only root looks for programs.
        find_program(name).or_else(|| Some(Path::new("/usr/sbin").join(name)).filter(|file| file.is_file()))
    }

    fn server(&self) -> &'static str {
        "mariadbd"
    }

    fn fill(&self, dir: &Path) -> (&'static str, Vec<String>) {
        let mut arguments = ["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]
            .map(str::to_owned)
            .to_vec();
        arguments.extend(folders(dir));
        arguments.extend(STORAGE.map(str::to_owned));
        ("mariadb-install-db", arguments)
    }

    fn serve(&self, dir: &Path, port: u16) -> Vec<String> {
        let settings = [
            "--bind-address=127.0.0.1",
            // Beside the data: a path to there may be too long for a socket.
            "--socket=server.sock",
            "--pid-file=server.pid",
            // Whoever reaches the port is trusted.
            "--skip-grant-tables",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_general_ci",
            "--max-connections=50",
            "--innodb-buffer-pool-size=64M",
        ];
        let mut arguments = vec!["--no-defaults".to_owned()];
        arguments.extend(folders(dir));
        arguments.push(format!("--port={port}"));
        arguments.extend(settings.into_iter().chain(STORAGE).map(str::to_owned));
        arguments
    }

    fn ask(&self, port: u16) -> (&'static str, Vec<String>) {
        ("mariadb-admin", address(port, &["ping"]))
    }

    fn create(&self, port: u16) -> (&'static str, Vec<String>) {
        ("mariadb-admin", address(port, &["create", NAME]))
    }
}

/// A server that starts deletes what it takes for its own leftovers among the temporary tables: in a folder that several share
/// these are tables that another one is working with.
fn folders(dir: &Path) -> [String; 2] {
    [format!("--datadir={}", dir.display()), format!("--tmpdir={}", dir.display())]
}

/// Small files, as each instance has a copy; durability is of no use to a database that lives as long as a test.
const STORAGE: [&str; 4] = [
    "--innodb-log-file-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
];

fn address(port: u16, more: &[&str]) -> Vec<String> {
    let port = format!("--port={port}");
    let own = ["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=root", &port];
    own.iter().chain(more).map(|&argument| argument.to_owned()).collect()
}
