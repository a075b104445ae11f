//! A run of the binary that goes on until it is ended.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::Lifetime;

/// A run that goes on, such as a daemon's. It is killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it; what it prints on both streams goes to the end of a file.
    pub(super) fn start(binary: &Path, log: PathBuf, set: impl FnOnce(&mut Command)) -> io::Result<Self> {
        let mut command = Lifetime::Tied.command(binary, "KILL");
        set(&mut command);
        let output = File::options().create(true).append(true).open(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        Ok(Self { child: Lifetime::Tied.spawn(command)?, log })
    }

    /// The exit code, if it ended by itself; -1 when a signal ended it.
    pub fn ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(status.code().unwrap_or(-1))
    }

    /// Ends it in the middle of whatever it does (SIGKILL).
    pub fn kill(self) {
        drop(self);
    }

    /// Asks it to end, as service managers do (SIGTERM); the exit code, -1 when the signal itself ended it.
    pub fn terminate(mut self) -> i32 {
        self.signal(Signal::TERM);
        self.child.wait().ok().and_then(|status| status.code()).unwrap_or(-1)
    }

    /// Stops it where it is, as a machine that swaps or is suspended does, until it is [resumed](Self::resume).
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself; it is still ours to wait for.
            let _ = kill_process(pid, signal);
        }
    }

    /// What this run and those before it in the same place have printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
