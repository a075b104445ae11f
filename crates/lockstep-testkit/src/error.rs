//! What can go wrong around a real Directus, each with the remedy or the evidence in the sentence.

use std::io;
use std::path::{Path, PathBuf};

/// Why a real Directus, or one of the npm peers, is not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The binary under test is not named.
    #[error("{variable} does not name the lockstep binary")]
    NoBinary {
        /// The variable of the environment that names it.
        variable: &'static str,
    },
    /// Node.js or npm is not installed.
    #[error("`{program}` is not in PATH: install Node.js 20 or newer with npm to run a real Directus")]
    NodeMissing {
        /// `node` or `npm`.
        program: &'static str,
    },
    /// No folder to keep things in could be worked out.
    #[error("no cache folder: set LOCKSTEP_CACHE (or XDG_CACHE_HOME, or HOME)")]
    NoCacheFolder,
    /// `npm install` failed, and failed again.
    #[error("npm could not install {package}; the end of {}:\n{tail}", log.display())]
    Install {
        /// The npm package with its version.
        package: String,
        /// The whole output.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// A program that should succeed did not.
    #[error("{what} failed; its output ends:\n{tail}")]
    Program {
        /// The program and what it was asked to do.
        what: String,
        /// The last lines of its output.
        tail: String,
    },
    /// The server ended before it was ready.
    #[error("Directus {version} ended while starting; the end of {}:\n{tail}", log.display())]
    Died {
        /// The Directus version.
        version: String,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server did not become ready in time.
    #[error("Directus {version} was not ready after {seconds} s; the end of {}:\n{tail}", log.display())]
    NotReady {
        /// The Directus version.
        version: String,
        /// How long was waited.
        seconds: u64,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The port belongs to someone else.
    #[error("port {port} is used by another program: choose another one")]
    PortTaken {
        /// The port in question.
        port: u16,
    },
    /// The named instance exists with another setup than the one asked for.
    #[error("port {port} holds {present}, not {wanted}: use `reset` to replace it, or another port")]
    OtherInstance {
        /// The port in question.
        port: u16,
        /// The setup that is there.
        present: String,
        /// The setup that was asked for.
        wanted: String,
    },
    /// A program that is no part of this is not installed, and could not be.
    #[error("{name}'s program `{program}` was not found: install the package `{package}`")]
    ProgramMissing {
        /// What people call it.
        name: &'static str,
        /// The program.
        program: String,
        /// The Debian package with it.
        package: &'static str,
    },
    /// A database server did not become ready, or did not stop, in time.
    #[error("{name} in {} did not {action} in time", dir.display())]
    Database {
        /// What people call it.
        name: &'static str,
        /// `start` or `stop`.
        action: &'static str,
        /// The folder of its data, with its log.
        dir: PathBuf,
    },
    /// The extension is in place but does not answer as it should.
    #[error("the extension directus-extension-sync does not answer: HTTP {status}: {body}")]
    Extension {
        /// The HTTP status of its route.
        status: u16,
        /// What was answered.
        body: String,
    },
    /// The server refused a request of a test.
    #[error("{method} {path} answered HTTP {status}: {body}")]
    Refused {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
        /// The HTTP status.
        status: u16,
        /// What was answered.
        body: String,
    },
    /// A request got no answer at all.
    #[error("no answer from {url}")]
    Http {
        /// The URL that was asked.
        url: String,
        /// What the HTTP client says.
        source: reqwest::Error,
    },
    /// The browser did not do what it was told.
    #[error("the browser failed at {command}: {why}")]
    Browser {
        /// What it was told: a method of the DevTools protocol.
        command: String,
        /// What went wrong.
        why: String,
    },
    /// A file or a process could not be handled.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// Names what was tried on `path` when an IO error occurred: `fs::write(p, b).map_err(Error::io("write", p))`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// The last lines of a log; empty when it cannot be read.
pub(crate) fn tail(log: &Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    last_lines(&text, 30)
}

/// The last `count` lines of `text`.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_end_of_a_log_is_its_last_lines() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
        assert_eq!(last_lines("", 2), "");
    }
}
