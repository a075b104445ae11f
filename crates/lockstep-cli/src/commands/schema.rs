//! `lockstep schema`.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use lockstep_core::schema::{Severity, Snapshot, diff, lint};
use lockstep_engine::schema::{
    self as engine, Goal, SchemaComparison, SchemaOptions, Source, apply_to, check_scope, compare_instance,
};
use lockstep_engine::{EngineError, dump};
use secrecy::SecretString;

use super::compare::Asker;
use super::{DIFFERENT, DONE, ERROR, Failure, run_flow};
use crate::args::schema::{
    ApplyArgs, DUMP, Export, Format, INSTANCE, SchemaCommand, SchemaDiffArgs, WritingArgs,
};
use crate::args::{Cli, SchemaArgs};
use crate::output::Output;
use crate::session::SchemaSession;

pub(super) fn run(cli: &Cli, arguments: &SchemaArgs, output: &Output) -> Result<u8, Failure> {
    let session = SchemaSession::open(cli, output)?;
    match &arguments.command {
        SchemaCommand::Snapshot(arguments) => {
            let (snapshot, scope) = (read(&session, &arguments.schema, false)?, arguments.names.scope());
            check_scope(&scope, [&snapshot])?;
            let snapshot = snapshot.part(&scope);
            write(&snapshot, &arguments.writing, output)?;
            Ok(DONE)
        }
        SchemaCommand::Diff(arguments) => compare(&session, arguments, output),
        SchemaCommand::Apply(arguments) => apply(&session, arguments, output),
        SchemaCommand::Hash { schema } => {
            output.schema_hash(&read(&session, schema, true)?.hash())?;
            Ok(DONE)
        }
        SchemaCommand::Lint { schema } => {
            let findings = lint(&read(&session, schema, false)?);
            output.linted(&findings)?;
            let refused = findings.iter().any(|finding| finding.severity == Severity::Error);
            Ok(if refused { ERROR } else { DONE })
        }
        SchemaCommand::Normalize { schema, writing } => {
            write(&read(&session, schema, false)?.normalized(), writing, output)?;
            Ok(DONE)
        }
    }
}

/// Where a schema is that was named on the command line; none for the configured instance.
fn source(session: &SchemaSession<'_>, text: &str) -> Option<Source> {
    match text {
        INSTANCE => None,
        DUMP => Some(Source::Path(session.snapshot().to_owned())),
        text => Some(text.parse().unwrap_or_else(|never: Infallible| match never {})),
    }
}

/// The instance that a text names, if it names one.
fn instance(source: Option<&Source>) -> Option<Option<&str>> {
    match source {
        None => Some(None),
        Some(Source::Instance(url)) => Some(Some(url)),
        Some(_) => None,
    }
}

/// A schema that was named. `whole`: of an instance as the server itself sees it, with the tables of sync tools.
fn read(session: &SchemaSession<'_>, text: &str, whole: bool) -> Result<Snapshot, Failure> {
    match source(session, text) {
        None => of_instance(session, None, whole),
        Some(Source::Instance(url)) => of_instance(session, Some(&url), whole),
        Some(source) => Ok(source.read(session.snapshot())?),
    }
}

fn of_instance(session: &SchemaSession<'_>, url: Option<&str>, whole: bool) -> Result<Snapshot, Failure> {
    let client = session.connect(url, None)?;
    match whole {
        true => run_flow(engine::whole_snapshot(client), None),
        false => run_flow(engine::snapshot(client), None),
    }
}

/// The schema that is wanted, which may be that of another instance.
fn desired(session: &SchemaSession<'_>, text: &str, token: Option<&SecretString>) -> Result<Goal, Failure> {
    let source = source(session, text);
    if let Some(url) = instance(source.as_ref()) {
        return run_flow(engine::snapshot(session.connect(url, token)?), None).map(Goal::Snapshot);
    }
    let source = source.unwrap_or(Source::Stdin);
    Ok(source.read_goal(session.snapshot())?)
}

fn compare(session: &SchemaSession<'_>, arguments: &SchemaDiffArgs, output: &Output) -> Result<u8, Failure> {
    let options = arguments.scope.options();
    let current = source(session, &arguments.current);
    if current == Some(Source::Stdin) && source(session, &arguments.desired) == current {
        return Err(engine::SourceError::Twice.into());
    }
    let named = instance(current.as_ref());
    let token = arguments.desired_token.as_ref();
    // Two files are read at the same time: large ones take longer to read than to compare.
    let (current, wanted) = match named {
        Some(_) => (None, desired(session, &arguments.desired, token)),
        None => std::thread::scope(|scope| {
            let reading = scope.spawn(|| current.as_ref().map(|current| current.read(session.snapshot())));
            let wanted = desired(session, &arguments.desired, token);
            (reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), wanted)
        }),
    };
    let Goal::Snapshot(wanted) = wanted? else {
        return Err(engine::SourceError::Diff { name: arguments.desired.clone() }.into());
    };
    let current = current.transpose()?;
    if arguments.format == Format::Directus {
        if !options.scope.is_everything() {
            return Err(Failure::ScopeOfServer);
        }
        let current = match (current, named) {
            (Some(current), _) => current,
            (None, url) => of_instance(session, url.flatten(), true)?,
        };
        return as_directus(current, wanted, &options, arguments.exit_code, output);
    }
    let comparison = match (current, named) {
        (Some(current), _) => engine::compare(current, wanted, &options)?,
        (None, url) => {
            run_flow(compare_instance(session.connect(url.flatten(), None)?, wanted, &options), None)?
        }
    };
    tell(&comparison, arguments, output)?;
    if !comparison.report.errors.is_empty() {
        output.schema_errors(&comparison.report.errors);
        return Ok(ERROR);
    }
    Ok(if arguments.exit_code && comparison.diff.is_some() { DIFFERENT } else { DONE })
}

fn tell(comparison: &SchemaComparison, arguments: &SchemaDiffArgs, output: &Output) -> Result<(), Failure> {
    let names = (arguments.current.as_str(), arguments.desired.as_str());
    match arguments.format {
        Format::Markdown => output.schema_markdown(&comparison.report, names),
        Format::Json => output.schema_document(&comparison.report),
        Format::Text | Format::Directus => output.schema_compared(&comparison.report, names),
    }
}

/// As the server compares: nothing is made to fit, and nothing left out.
fn as_directus(
    current: Snapshot,
    wanted: Snapshot,
    options: &SchemaOptions,
    exit_code: bool,
    output: &Output,
) -> Result<u8, Failure> {
    let found = diff(&current, &wanted, options.mode).map_err(|error| EngineError::Adapt(error.into()))?;
    if let Some(diff) = &found {
        output.schema_document(&diff.to_json())?;
    }
    let code = if exit_code && found.is_some() { DIFFERENT } else { DONE };
    // The process ends here, and taking a large schema apart takes as long as comparing it.
    std::mem::forget((current, wanted, found));
    Ok(code)
}

fn apply(session: &SchemaSession<'_>, arguments: &ApplyArgs, output: &Output) -> Result<u8, Failure> {
    let goal = desired(session, &arguments.desired, arguments.desired_token.as_ref())?;
    let client = session.connect(None, None)?;
    let progress = output.progress();
    let root = PathBuf::from(&arguments.desired);
    let asker = Asker { output, progress: &progress, consent: arguments.consent, root: &root };
    let options = arguments.scope.options();
    let report = run_flow(apply_to(client, goal, &options, arguments.force, &progress, &asker), None);
    progress.end();
    let report = report?;
    output.pushed(&report)?;
    Ok(if report.converged { DONE } else { DIFFERENT })
}

fn write(snapshot: &Snapshot, writing: &WritingArgs, output: &Output) -> Result<(), Failure> {
    let of_name = writing.output.as_ref().and_then(|path| path.extension()).is_some_and(|extension| {
        extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
    });
    let yaml = writing.export.map_or(of_name, |export| export == Export::Yaml);
    let text = engine::to_text(snapshot, yaml);
    match &writing.output {
        None => output.text(&text),
        // Where there is no ordinary file, such as a pipe, or no folder for one, the system says what happens.
        Some(path) if !can_be_replaced(path) => {
            std::fs::write(path, text).map_err(|source| Failure::Write { path: path.clone(), source })
        }
        Some(path) => Ok(dump::write_file(path, text.into_bytes()).map_err(EngineError::from)?),
    }
}

/// True where a file is, or can be made, that another one may take the place of.
fn can_be_replaced(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let there = std::fs::symlink_metadata(path);
    there.map_or_else(|_| folder.is_none_or(Path::is_dir), |file| file.is_file())
}
