//! Why a script failed, for a person with an editor.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptErrorKind {
    /// The script threw, or cannot be read or understood.
    Thrown,
    /// It took longer than it may.
    Timeout,
    /// It took more memory than it may.
    Memory,
    /// It waits for something that cannot happen any more.
    NeverSettles,
    /// What it fetched could not be sent, and it let that pass to its caller.
    NotConnected,
    /// What it fetched got no answer, and it let that pass to its caller.
    Unanswered,
    /// The engine has ended.
    Stopped,
}

/// Where in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the working directory where it is below it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A script failed. `Display` is one sentence: the function, its file, what happened, and where.
#[derive(Debug, thiserror::Error)]
pub struct ScriptError {
    kind: ScriptErrorKind,
    function: Option<String>,
    file: String,
    message: String,
    frames: Vec<Place>,
    #[source]
    cause: Option<Box<Cause>>,
}

const FETCH_FAILED: &str = "fetch failed";
/// The code of what could not be sent.
pub(crate) const NOT_CONNECTED: &str = "ECONNREFUSED";
/// The code of what got no answer.
pub(crate) const UNANSWERED: &str = "ECONNRESET";

/// What a thrown error names as its cause.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Cause {
    message: String,
    #[source]
    cause: Option<Box<Cause>>,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(function) = &self.function {
            write!(f, "{function} in ")?;
        }
        write!(f, "{}: {}", self.file, self.message)?;
        match self.place() {
            Some(place) => write!(f, " at {place}"),
            None => Ok(()),
        }
    }
}

impl ScriptError {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ScriptErrorKind {
        self.kind
    }

    /// The function that was called, as `hooks.flows.onDump`; none while the file was loaded.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        self.function.as_deref()
    }

    /// The file that was loaded, or that the function is from; relative to the working directory.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What was thrown: the kind of the error and its message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it was thrown, as far as that is in a file.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.frames.first()
    }

    /// Who called whom, the innermost first.
    #[must_use]
    pub fn frames(&self) -> &[Place] {
        &self.frames
    }

    pub(crate) fn new(kind: ScriptErrorKind, subject: &Subject, message: String) -> Self {
        let (function, file) = (subject.function.clone(), subject.file.clone());
        Self { kind, function, file, message, frames: Vec::new(), cause: None }
    }

    pub(crate) fn timeout(subject: &Subject, limit: Duration) -> Self {
        let message = format!("it did not end within {}", seconds(limit));
        Self::new(ScriptErrorKind::Timeout, subject, message)
    }

    pub(crate) fn memory(subject: &Subject, limit: usize) -> Self {
        let message = format!("it needs more than the {} MB of memory that it may have", limit >> 20);
        Self::new(ScriptErrorKind::Memory, subject, message)
    }

    pub(crate) fn never_settles(subject: &Subject) -> Self {
        let message =
            "it waits for a promise that nothing can settle: no timer runs, and no request is under way";
        Self::new(ScriptErrorKind::NeverSettles, subject, message.to_owned())
    }

    pub(crate) fn stopped(subject: &Subject) -> Self {
        Self::new(ScriptErrorKind::Stopped, subject, "the script engine has ended".to_owned())
    }

    /// Of what the engine told about what was thrown.
    pub(crate) fn thrown(subject: &Subject, told: &str, frames: &Frames<'_>) -> Self {
        let thrown: Thrown = serde_json::from_str(told).unwrap_or_default();
        let mut error = Self::new(ScriptErrorKind::Thrown, subject, thrown.sentence());
        // The constructor of an error class is no place where something went wrong.
        let made = format!("at {} (", thrown.name);
        let stack = thrown.stack.trim_start();
        let stack = if stack.starts_with(&made) {
            stack.split_once('\n').map_or("", |(_, rest)| rest)
        } else {
            stack
        };
        error.frames = frames.of(stack);
        error.kind = thrown.kind();
        error.cause = thrown.cause.map(|cause| Box::new(Cause::of(*cause)));
        error
    }

    /// With the place where the script was when it was ended.
    pub(crate) fn at(mut self, frames: Vec<Place>) -> Self {
        self.frames = frames;
        self
    }

    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.message == "InternalError: out of memory"
    }

    /// The engine throws null where there is no memory for an error; a script may do so too.
    pub(crate) fn or_memory(self, limit: usize) -> Self {
        if self.message != "null was thrown" {
            return self;
        }
        let limit = limit >> 20;
        let message = format!("it needs more than the {limit} MB of memory that it may have, or throws null");
        Self { kind: ScriptErrorKind::Memory, message, ..self }
    }
}

fn seconds(limit: Duration) -> String {
    if limit.subsec_millis() == 0 {
        format!("{} s", limit.as_secs())
    } else {
        format!("{:.1} s", limit.as_secs_f64())
    }
}

/// What a script is run for.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) function: Option<String>,
    pub(crate) file: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Thrown {
    name: String,
    message: String,
    stack: String,
    code: String,
    cause: Option<Box<Thrown>>,
}

impl Thrown {
    /// What `fetch` throws has a cause with a code, as in Node.
    fn kind(&self) -> ScriptErrorKind {
        match self.cause.as_ref().map(|cause| cause.code.as_str()) {
            Some(NOT_CONNECTED) if self.message == FETCH_FAILED => ScriptErrorKind::NotConnected,
            Some(UNANSWERED) if self.message == FETCH_FAILED => ScriptErrorKind::Unanswered,
            _ => ScriptErrorKind::Thrown,
        }
    }

    fn sentence(&self) -> String {
        match (self.name.as_str(), self.message.as_str()) {
            ("", "") => "something was thrown".to_owned(),
            ("" | "DirectusError", message) => message.to_owned(),
            (name, "") => name.to_owned(),
            (name, message) => format!("{name}: {message}"),
        }
    }
}

impl Cause {
    fn of(thrown: Thrown) -> Self {
        let message = thrown.sentence();
        Self { message, cause: thrown.cause.map(|cause| Box::new(Self::of(*cause))) }
    }
}

/// Reads stacks: which frames are in files, and where.
pub(crate) struct Frames<'a> {
    /// The working directory.
    pub(crate) directory: &'a Path,
    /// How many columns the first line of a file is shifted by.
    pub(crate) shift: &'a dyn Fn(&Path) -> u32,
}

impl Frames<'_> {
    /// Lines look like `at name (file:line:column)` or `at file:line:column`.
    pub(crate) fn of(&self, stack: &str) -> Vec<Place> {
        stack.lines().filter_map(|line| self.place(line.trim().strip_prefix("at ")?)).collect()
    }

    fn place(&self, frame: &str) -> Option<Place> {
        let place = frame.rfind('(').map_or(frame, |start| frame[start + 1..].trim_end_matches(')'));
        let (rest, column) = place.rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        let (line, column): (u32, u32) = (line.parse().ok()?, column.parse().ok()?);
        if !file.starts_with('/') {
            return None;
        }
        let shift = if line == 1 { (self.shift)(Path::new(file)) } else { 0 };
        Some(Place {
            file: shown(Path::new(file), self.directory),
            line,
            column: column.saturating_sub(shift).max(1),
        })
    }
}

/// A path for people: below the working directory relative to it.
pub(crate) fn shown(path: &Path, directory: &Path) -> String {
    match path.strip_prefix(directory) {
        Ok(below) => PathBuf::from(".").join(below).display().to_string(),
        Err(_) => path.display().to_string(),
    }
}
