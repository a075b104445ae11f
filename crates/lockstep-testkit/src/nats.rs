//! A NATS server with JetStream on a port of the loopback interface, from Debian's package.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::Error;
use crate::cache::Cache;
use crate::debian::Package;
use crate::port::PortLease;
use crate::process::{Lifetime, find_program, wait_until};

const PACKAGE: Package = Package { name: "NATS", package: "nats-server" };

/// A server with a folder of its own. It is killed when it is dropped.
#[derive(Debug)]
pub struct Nats {
    program: PathBuf,
    folder: TempDir,
    port: PortLease,
    process: Option<Child>,
}

impl Nats {
    /// Starts one.
    ///
    /// # Errors
    /// When it is not installed and cannot be, or does not start.
    pub fn start() -> Result<Self, Error> {
        // Not every PATH has what Debian puts there.
        let find = |program: &str| {
            let there = PathBuf::from("/usr/sbin").join(program);
            find_program(program).or_else(|| there.exists().then_some(there))
        };
        let program = PACKAGE.program("nats-server", find)?;
        let folder = tempfile::tempdir().map_err(Error::io("make", "a temporary folder".as_ref()))?;
        let port = PortLease::any(&Cache::from_env()?)?;
        let mut server = Self { program, folder, port, process: None };
        server.resume()?;
        Ok(server)
    }

    /// An address for `live.journal`.
    #[must_use]
    pub fn journal(&self, name: &str) -> String {
        format!("nats://127.0.0.1:{}/{name}", self.port.number())
    }

    /// Ends it in the middle of whatever it does; what it has stored stays.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again, on the same port and with what it has stored.
    ///
    /// # Errors
    /// When it does not start.
    pub fn resume(&mut self) -> Result<(), Error> {
        self.kill();
        let mut command = Lifetime::Tied.command(&self.program, "KILL");
        command.args(["--jetstream", "--addr", "127.0.0.1", "--port", &self.port.number().to_string()]);
        command.arg("--store_dir").arg(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Lifetime::Tied.spawn(command).map_err(Error::io("run", &self.program))?);
        let answers = || TcpStream::connect(("127.0.0.1", self.port.number())).is_ok();
        wait_until(Duration::from_secs(20), answers).then_some(()).ok_or_else(|| Error::Program {
            what: self.program.display().to_string(),
            tail: "it does not listen".to_owned(),
        })
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}
