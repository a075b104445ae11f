//! What people and programs read: stdout has the result, stderr the rest.
//!
//! With `--json` stdout has exactly one document, whatever happens. Colours appear on terminals only.

mod checkup;
mod configuration;
mod failure;
mod helpers;
mod live;
mod plan;
mod printable;
mod progress;
mod schema;
mod secrets;
mod stores;
mod style;
mod values;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use clap::ColorChoice;
use lockstep_core::record::{LocalId, SyncId};
use lockstep_core::report::{
    ComparisonReport, Differences, InstanceInfo, PullReport, SchemaReport, VerifyReport,
};
use lockstep_core::schema::Finding;
use lockstep_directus::RequestEvent;
use lockstep_engine::{Linked, Recorded};
use lockstep_sandbox::{Answered, RequestLog};
use lockstep_script::{Console, Level};
use serde::Serialize;
use serde_json::json;

use crate::args::GlobalArgs;
use crate::commands::Failure;
use crate::config::Warning;

pub(crate) use failure::usage;
use printable::{line, printable};
pub(crate) use progress::Progress;
use style::{BAD, BOLD, DIM, GOOD, HINT, WARN};

/// Where output goes, and how much of it.
#[derive(Debug)]
pub(crate) struct Output {
    quiet: bool,
    json: bool,
    debug: bool,
}

/// The console of scripts.
#[derive(Debug)]
pub(crate) struct ScriptConsole {
    quiet: bool,
    debug: bool,
}

impl Console for ScriptConsole {
    fn print(&self, level: Level, text: &str) {
        let shown = match level {
            Level::Debug => self.debug,
            Level::Log => !self.quiet,
            Level::Warn | Level::Error => true,
        };
        for line in text.split('\n').filter(|_| shown) {
            let _ = writeln!(anstream::stderr(), "{}", printable(line));
        }
    }
}

/// Colours as the user wants them, on both streams.
pub(crate) fn choose_colours(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

impl Output {
    /// As the command line says.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        Self { quiet: global.quiet, json: global.json, debug: global.shows_requests() }
    }

    /// A progress display; silent where nobody watches.
    pub(crate) fn progress(&self) -> Progress {
        Progress::new(!self.quiet && !self.debug && io::stderr().is_terminal())
    }

    /// What is told of each request with `--debug`.
    #[expect(clippy::unused_self, reason = "where it goes is this type's business")]
    pub(crate) fn request_log(&self) -> impl Fn(&RequestEvent) + Send + Sync + 'static {
        |event: &RequestEvent| {
            let status = event.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let attempt =
                if event.attempt > 1 { format!(", attempt {}", event.attempt) } else { String::new() };
            let error = event.error.as_ref().map(|error| format!(": {}", line(error))).unwrap_or_default();
            let (method, path) = (event.method.as_str(), line(&event.path));
            let (ms, sent, received) = (event.elapsed.as_millis(), event.bytes_sent, event.bytes_received);
            // A closed stream leaves nobody to tell; so everywhere below.
            let _ = writeln!(
                anstream::stderr(),
                "{DIM}{method} {path}{DIM:#} {status} {ms} ms, {sent} B sent, {received} B received{attempt}{error}"
            );
        }
    }

    /// What is told of each request that a sandbox answers, with `--debug`.
    pub(crate) fn answered(&self) -> Option<RequestLog> {
        self.debug.then(|| {
            RequestLog::new(|answered: &Answered| {
                let (method, path) = (line(&answered.method), line(&answered.path));
                let ms = answered.elapsed.as_millis();
                let _ =
                    writeln!(anstream::stderr(), "{DIM}{method} {path}{DIM:#} {} {ms} ms", answered.status);
            })
        })
    }

    /// A text for another program, as it is.
    #[expect(clippy::unused_self, reason = "where it goes is this type's business")]
    pub(crate) fn raw(&self, text: &str) -> Result<(), Failure> {
        told(io::stdout().lock().write_all(text.as_bytes()))
    }

    /// Where something was written.
    pub(crate) fn written(&self, path: &Path, what: &str) -> Result<(), Failure> {
        if self.json {
            return self.document(&json!({"written": path.display().to_string()}));
        }
        print(&format!("Written into {}: {what}\n", style::path(path)))
    }

    /// Where scripts of the user print: stderr, whatever they print; stdout is the result's.
    pub(crate) fn script_console(&self) -> ScriptConsole {
        ScriptConsole { quiet: self.quiet, debug: self.debug }
    }

    /// Something about the configuration that is probably not meant so.
    pub(crate) fn warn(&self, warning: &Warning) {
        let hint = warning.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let warning = printable(&warning.to_string());
        let _ = writeln!(anstream::stderr(), "{WARN}warning{WARN:#}: {warning}{hint}");
    }

    /// The result of a pull.
    /// `example` is the file with the names of the secrets that were extracted.
    pub(crate) fn pulled(
        &self,
        report: &PullReport,
        root: &Path,
        example: Option<&Path>,
    ) -> Result<(), Failure> {
        if self.json {
            return self.document(report);
        }
        self.notices(&report.notices);
        secrets::tell(&report.secrets, example);
        let mut text = format!(
            "{BOLD}Pulled {}{BOLD:#} (Directus {}) into {}\n",
            report.instance.url,
            report.instance.version,
            style::path(root)
        );
        let records: usize = report.collections.values().sum();
        if !report.collections.is_empty() {
            let counts: Vec<_> =
                report.collections.iter().map(|(name, count)| format!("{name} {count}")).collect();
            text += &format!("  {} records: {}\n", style::count(records), counts.join(", "));
        }
        if let Some(collections) = report.schema_collections {
            text += &format!("  schema of {}\n", style::counted(collections, "collection"));
        }
        text += &format!(
            "  {} written, {} unchanged, {} removed\n",
            style::counted(report.written.len(), "file"),
            style::count(report.unchanged),
            style::count(report.removed.len())
        );
        text += &format!("  {}\n", style::effort(report.requests, report.duration_ms));
        print(&text)
    }

    /// The result of a diff.
    pub(crate) fn compared(&self, report: &ComparisonReport, root: &Path) -> Result<(), Failure> {
        if self.json {
            return self.document(report);
        }
        self.notices(&report.notices);
        let effort = style::effort(report.requests, report.duration_ms);
        let text = plan::render(&report.instance, &report.differences, root);
        print(&format!("{text}{DIM}{effort}{DIM:#}\n"))
    }

    /// The plan of a push, before it is applied.
    pub(crate) fn plan(
        &self,
        instance: &InstanceInfo,
        differences: &Differences,
        notices: &[String],
        root: &Path,
        matters: bool,
    ) {
        if self.json || self.quiet && !matters {
            return;
        }
        self.notices(notices);
        // A plan that cannot be shown must not be agreed to, but then the question cannot be read either.
        let _ = print(&plan::render(instance, differences, root));
    }

    /// The result of a push.
    pub(crate) fn pushed(&self, report: &ComparisonReport) -> Result<(), Failure> {
        if self.json {
            return self.document(report);
        }
        let effort = style::effort(report.requests, report.duration_ms);
        let applied = report.applied.as_ref().filter(|applied| !applied.is_empty());
        let mut text = String::new();
        match (applied, &report.residue) {
            (None, _) => {
                self.notices(&report.notices);
                let what = match report.command {
                    "push" | "seed push" | "content push" => "Nothing to push",
                    "copy" => "Nothing to copy",
                    _ => "Nothing to apply",
                };
                text += &format!("{GOOD}{what}{GOOD:#}: {} already has all of it\n", report.instance.url);
            }
            (Some(applied), residue) => {
                text += &format!("{BOLD}Applied{BOLD:#} {}\n", plan::applied(applied));
                match residue {
                    None => {
                        text += &format!("{GOOD}In step{GOOD:#}: a second comparison finds no difference\n");
                    }
                    Some(residue) => {
                        text += &format!("{WARN}Not in step{WARN:#}: a second comparison still finds\n");
                        text += &plan::body(residue);
                    }
                }
            }
        }
        print(&format!("{text}{DIM}{effort}{DIM:#}\n"))
    }

    /// Where a sandbox is.
    pub(crate) fn sandbox(
        &self,
        url: &str,
        token: &str,
        exposed: bool,
        ready: Duration,
    ) -> Result<(), Failure> {
        if exposed {
            let _ = writeln!(
                anstream::stderr(),
                "{WARN}warning{WARN:#}: others than this machine can reach the sandbox; it is made for trying, not for guarding data"
            );
        }
        if self.json {
            return self
                .document(&json!({ "url": url, "token": token, "version": lockstep_sandbox::VERSION }));
        }
        let ms = ready.as_millis();
        let text = format!(
            "{BOLD}Sandbox{BOLD:#} (as Directus {}) ready in {ms} ms\n  url    {url}\n  token  {token}\n",
            lockstep_sandbox::VERSION
        );
        print(&format!("{text}{DIM}It is for trying and testing, no CMS. Ctrl-C stops it.{DIM:#}\n"))
    }

    /// Whether a dump is whole.
    pub(crate) fn verified(&self, verified: &VerifyReport, root: &Path) -> Result<(), Failure> {
        if self.json {
            return self.document(verified);
        }
        let report = &verified.push;
        self.notices(&report.notices);
        let applied = report.applied.as_ref().map(plan::applied).unwrap_or_default();
        let dump = style::path(root);
        let mut text = match &report.residue {
            None if !verified.stray_names.is_empty() => format!(
                "{WARN}Not whole{WARN:#}: records of {dump} speak of what its schema does not have\n{}",
                plan::stray_names(&verified.stray_names)
            ),
            None => {
                format!("{GOOD}Whole{GOOD:#}: {dump} brings an empty instance to what it says\n  {applied}\n")
            }
            Some(residue) => format!(
                "{WARN}Not whole{WARN:#}: {dump} does not bring an empty instance to what it says; a second comparison finds\n{}",
                plan::body(residue)
            ),
        };
        text += &format!("{DIM}{}{DIM:#}\n", style::effort(report.requests, report.duration_ms));
        print(&text)
    }

    /// What a push would do to a target, and what came of it on a copy.
    pub(crate) fn previewed(
        &self,
        report: &ComparisonReport,
        target: &str,
        root: &Path,
        consented: bool,
    ) -> Result<(), Failure> {
        if self.json {
            return self.document(report);
        }
        if report.differences.is_empty() {
            return print(&format!(
                "{GOOD}Nothing to push{GOOD:#}: {target} already holds what the dump says\n"
            ));
        }
        self.plan(&report.instance, &report.differences, &report.notices, root, false);
        let applied = report.applied.as_ref().map(plan::applied).unwrap_or_default();
        let mut text = format!("{BOLD}Applied to a copy:{BOLD:#} {applied}\n");
        text += &match &report.residue {
            None => format!("{GOOD}In step{GOOD:#}: a second comparison of the copy finds no difference\n"),
            Some(residue) => format!(
                "{WARN}Not in step{WARN:#}: a second comparison of the copy still finds\n{}",
                plan::body(residue)
            ),
        };
        if report.differences.has_lossy_schema() {
            text +=
                "Not tried: whether the items of the target fit the changes marked lossy; a copy has none\n";
        }
        if report.differences.is_destructive() && !consented {
            text += &format!("The push itself needs {BOLD}--allow-destructive{BOLD:#}, or a typed yes\n");
        }
        print(&format!("{text}{DIM}{target} was only read.{DIM:#}\n"))
    }

    /// Something to know before the result.
    pub(crate) fn notice(&self, text: &str) {
        self.notices(&[text.to_owned()]);
    }

    /// How a story ended.
    pub(crate) fn told(&self, in_step: bool, dump: &Path) -> Result<(), Failure> {
        let dump = style::path(dump);
        if self.json {
            return self.document(&json!({ "converged": in_step, "dump": dump }));
        }
        print(&match in_step {
            true => format!("\n{GOOD}In step{GOOD:#}. The dump stays to be looked at: {dump}\n"),
            false => format!("\n{WARN}Not in step{WARN:#}; the dump is in {dump}\n"),
        })
    }

    /// True if each step of a story is told, and not only how it ended.
    pub(crate) fn tells_steps(&self) -> bool {
        !self.json
    }

    /// A line of a story.
    pub(crate) fn story(&self, text: &str) {
        if !self.quiet && !self.json {
            let _ = writeln!(anstream::stdout(), "\n{BOLD}{text}{BOLD:#}");
        }
    }

    /// What leads from one schema to another.
    pub(crate) fn schema_compared(&self, report: &SchemaReport, names: (&str, &str)) -> Result<(), Failure> {
        if self.json {
            return self.document(report);
        }
        self.notices(&lockstep_engine::schema::schema_notices(report));
        print(&schema::text(report, names))
    }

    /// The same for a comment on a pull request.
    #[expect(clippy::unused_self, reason = "where it goes is this type's business")]
    pub(crate) fn schema_markdown(&self, report: &SchemaReport, names: (&str, &str)) -> Result<(), Failure> {
        print(&schema::markdown(report, names, &lockstep_engine::schema::schema_notices(report)))
    }

    /// One document, whatever the options say.
    pub(crate) fn schema_document(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.document(value)
    }

    /// The hash of a schema.
    pub(crate) fn schema_hash(&self, hash: &str) -> Result<(), Failure> {
        if self.json { self.document(&json!({"hash": hash})) } else { print(&format!("{hash}\n")) }
    }

    /// What is wrong with a schema.
    pub(crate) fn linted(&self, findings: &[Finding]) -> Result<(), Failure> {
        if self.json {
            self.document(&json!({"findings": findings}))
        } else {
            print(&schema::findings(findings))
        }
    }

    /// What is wrong with the desired schema of a comparison that was shown.
    #[expect(clippy::unused_self, reason = "where it goes is this type's business")]
    pub(crate) fn schema_errors(&self, errors: &[Finding]) {
        let title = match errors.len() {
            1 => "the desired schema has an error".to_owned(),
            count => format!("the desired schema has {count} errors"),
        };
        let text = format!("{BAD}error{BAD:#}: {title}\n{}", schema::findings(errors));
        let _ = anstream::stderr().write_all(text.as_bytes());
    }

    /// Text that is the result, as it is.
    #[expect(clippy::unused_self, reason = "where it goes is this type's business")]
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        told(io::stdout().lock().write_all(text.as_bytes()))
    }

    /// What a store holds.
    pub(crate) fn recorded(&self, recorded: &Recorded) -> Result<(), Failure> {
        if self.json {
            let mappings: Vec<_> = recorded
                .mappings
                .iter()
                .map(|(collection, sync_id, id)| json!({"collection": collection, "sync_id": sync_id, "id": id}))
                .collect();
            return self.document(&json!({"state": recorded.store, "mappings": mappings}));
        }
        let mut text = format!(
            "{BOLD}{} recorded{BOLD:#} in the {}\n",
            style::counted(recorded.mappings.len(), "mapping"),
            recorded.store
        );
        for (collection, sync_id, id) in &recorded.mappings {
            let (collection, sync_id, id) = (line(collection), line(sync_id.as_str()), line(id.as_str()));
            let same = sync_id == id;
            text += &match same {
                true => format!("  {collection}  {sync_id}\n"),
                false => format!("  {collection}  {sync_id}  is  {id}\n"),
            };
        }
        print(&text)
    }

    /// A mapping that was made.
    pub(crate) fn linked(
        &self,
        linked: &Linked,
        collection: &str,
        sync_id: &SyncId,
        id: &LocalId,
    ) -> Result<(), Failure> {
        if self.json {
            return self.document(&json!({
                "state": linked.store, "collection": collection, "sync_id": sync_id, "id": id, "before": linked.before,
                "displaced": linked.displaced,
            }));
        }
        let before = linked.before.as_ref().filter(|before| *before != id);
        let before = before.map(|before| format!(" (it was {before})")).unwrap_or_default();
        let displaced = linked.displaced.as_ref();
        let displaced =
            displaced.map(|other| format!("\n  {other} stood for it before, and stands for nothing now"));
        print(&format!(
            "{GOOD}Linked{GOOD:#}: {sync_id} of {collection} is {id}{before}, recorded in the {}{}\n",
            linked.store,
            displaced.unwrap_or_default()
        ))
    }

    /// True if there is somebody to ask.
    pub(crate) fn can_ask(&self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// True if there is somebody to ask, who did not say yes beforehand, and `--json` forbids to ask.
    pub(crate) fn is_unanswered(&self, yes: bool) -> bool {
        self.json && !yes && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// A question that is answered by yes or no; no answer is no.
    pub(crate) fn ask(&self, question: &str) -> bool {
        let answer = self.answer(&format!("{BOLD}{question}{BOLD:#} [y/N] "));
        matches!(answer.to_lowercase().as_str(), "y" | "yes")
    }

    /// A question that any text answers.
    pub(crate) fn ask_text(&self, question: &str) -> String {
        self.answer(&format!("{BOLD}{question}{BOLD:#}"))
    }

    /// A question that only a certain word answers.
    pub(crate) fn ask_word(&self, question: &str, word: &str) -> bool {
        self.answer(&format!("{WARN}{question}{WARN:#}")) == word
    }

    #[expect(clippy::unused_self, reason = "where it goes is this type's business")]
    fn answer(&self, question: &str) -> String {
        let mut stderr = anstream::stderr();
        let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
        let mut answer = String::new();
        let _ = io::stdin().lock().read_line(&mut answer);
        answer.trim().to_owned()
    }

    fn notices(&self, notices: &[String]) {
        for notice in notices {
            let _ = writeln!(anstream::stderr(), "{HINT}note{HINT:#}: {}", printable(notice));
        }
    }

    #[expect(clippy::unused_self, reason = "where it goes is this type's business")]
    fn document(&self, value: &impl Serialize) -> Result<(), Failure> {
        document_of(value)
    }
}

fn document_of(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Print(error.into()))?;
    told(writeln!(io::stdout().lock(), "{}", printable::json(text)))
}

fn print(text: &str) -> Result<(), Failure> {
    told(anstream::stdout().write_all(text.as_bytes()))
}

/// `lockstep diff | head` is no error.
fn told(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(Failure::Print),
    }
}
