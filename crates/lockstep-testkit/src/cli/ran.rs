//! One run of the binary: what it printed and how it ended.

use std::fmt;
use std::process::Output;

use serde_json::Value;

/// One run of the binary. Its `Display` is what a person needs to see when an assertion about it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The command line.
    pub command: String,
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it printed as its result.
    pub stdout: String,
    /// What it told on the way.
    pub stderr: String,
}

impl Ran {
    pub(super) fn new(command: String, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Self { command, code, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// The run, if it ended with this code.
    ///
    /// # Panics
    /// If not, with all that it printed.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(self.code == code, "expected exit code {code}\n{self}");
        self
    }

    /// The one JSON document on stdout.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(document) => document,
            Err(error) => panic!("stdout is no JSON document: {error}\n{self}"),
        }
    }

    /// The run, if what it printed contains this text, on either stream.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "nothing says {text:?}\n{self}");
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        writeln!(f, "$ {command}\nexit code {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
