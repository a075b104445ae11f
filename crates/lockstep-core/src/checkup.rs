//! What an examination of an instance and a dump found.

use serde::Serialize;

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, and something about it is worth knowing.
    Note,
    /// Something that a run needs does not work.
    Bad,
    /// It could not be looked at, because of what was found before.
    Skipped,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: `connection`, `version`, ….
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// The same in a sentence.
    pub says: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Check {
    /// Something as it should be.
    #[must_use]
    pub fn good(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Good, says: says.into(), remedy: None }
    }

    /// Something worth knowing, and what could be done.
    #[must_use]
    pub fn note(name: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Note, says: says.into(), remedy: Some(remedy.into()) }
    }

    /// Something that does not work, and what to do.
    #[must_use]
    pub fn bad(name: &'static str, says: impl Into<String>, remedy: Option<String>) -> Self {
        Self { name, verdict: Verdict::Bad, says: says.into(), remedy }
    }

    /// Something that could not be looked at.
    #[must_use]
    pub fn skipped(name: &'static str) -> Self {
        Self { name, verdict: Verdict::Skipped, says: "not looked at".into(), remedy: None }
    }
}

/// The result of `doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkup {
    /// `doctor`.
    pub command: &'static str,
    /// The instance.
    pub url: String,
    /// In the order in which it was looked at.
    pub checks: Vec<Check>,
    /// False if something does not work.
    pub healthy: bool,
}

impl Checkup {
    /// The result of these checks.
    #[must_use]
    pub fn new(url: String, checks: Vec<Check>) -> Self {
        let healthy = checks.iter().all(|check| check.verdict != Verdict::Bad);
        Self { command: "doctor", url, checks, healthy }
    }
}
