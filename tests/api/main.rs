//! What the API of Directus does, as cases in readable files: `cases/*.http`.
//!
//! The files hold what the real server answered; the sandbox must answer the same. Whoever adds a case writes the
//! request and has the real server fill in the answer:
//!
//! ```text
//! LOCKSTEP_BLESS=1 LOCKSTEP_CASES=filters cargo test -p lockstep-tests --test api real
//! ```
//!
//! Where the sandbox answers otherwise by design, the step has a line `differs: why`, and `docs/sandbox.md` says the same.
//!
//! `LOCKSTEP_CASES` is a list of parts of file names; without it all files are run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod case;
mod form;
mod mask;
mod pretty;
mod run;
mod send;
mod shape;
mod socket;
mod target;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use case::Case;
use run::{Mode, Outcome, run};
use target::Kind;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/api/cases");

#[tokio::test]
async fn real_directus_answers_as_the_cases_say() {
    all_files_on(Kind::Real).await;
}

#[tokio::test]
async fn the_sandbox_answers_as_the_cases_say() {
    all_files_on(Kind::Sandbox).await;
}

/// The reasons of the lines `differs` are the first words of what `docs/sandbox.md` lists.
#[test]
fn what_differs_by_design_is_documented() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/sandbox.md")).unwrap();
    let (_, differences) = text.split_once("\n## Where it differs\n").unwrap();
    let documented = |reason: &str| differences.lines().any(|line| line.starts_with(&format!("- {reason}")));
    for file in all_files() {
        let case = Case::parse(&fs::read_to_string(&file).unwrap()).unwrap();
        for step in &case.steps {
            if let Some(reason) = step.option("differs") {
                let place = format!("{}.http, line {}", name(&file), step.line);
                assert!(
                    !reason.is_empty() && documented(reason),
                    "{place}: docs/sandbox.md has no \"- {reason}\""
                );
            }
        }
    }
}

async fn all_files_on(kind: Kind) {
    let bless = std::env::var_os("LOCKSTEP_BLESS").is_some_and(|value| value == "1");
    assert!(!bless || kind == Kind::Real, "only the real server says what is right");
    let mode = if bless { Mode::Bless } else { Mode::Compare };
    let mut shared = None;
    let mut report = Report::default();
    for file in files() {
        let mut case = Case::parse(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|problem| panic!("{}: {problem}", file.display()));
        let outcome = if case.wants_own_instance() || !kind.is_slow_to_start() {
            let target = kind.start().await.unwrap();
            let outcome = run(&mut case, &target, mode).await;
            target.stop().await;
            outcome
        } else {
            if shared.is_none() {
                shared = Some(kind.start().await.unwrap());
            }
            run(&mut case, shared.as_ref().unwrap(), mode).await
        };
        if bless {
            fs::write(&file, case.text()).unwrap();
        }
        report.add(&file, outcome);
    }
    if let Some(target) = shared {
        target.stop().await;
    }
    report.check();
}

/// The files that were asked for, in the order of their names.
fn files() -> Vec<PathBuf> {
    let wanted = std::env::var("LOCKSTEP_CASES").unwrap_or_default();
    let mut files = all_files();
    files.retain(|file| wanted.split(',').any(|part| name(file).contains(part.trim())));
    assert!(!files.is_empty(), "no case file is called like {wanted}");
    files
}

fn all_files() -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|file| file.extension().is_some_and(|extension| extension == "http")).collect();
    files.sort();
    files
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// How all files went.
#[derive(Default)]
struct Report {
    summary: String,
    failures: String,
}

impl Report {
    fn add(&mut self, file: &Path, outcome: Outcome) {
        let as_written = outcome.steps - outcome.failures.len();
        let _infallible =
            writeln!(self.summary, "{}: {as_written} of {} steps as written", name(file), outcome.steps);
        for failure in outcome.failures {
            let _infallible = writeln!(self.failures, "\ntests/api/cases/{}.http, {failure}", name(file));
        }
    }

    /// Says everything at once: one difference often explains the next.
    fn check(&self) {
        assert!(self.failures.is_empty(), "{}\n{}", self.failures, self.summary);
    }
}
