//! Errors, told once: what happened, why, what to do.

use std::error::Error as _;
use std::io::Write;

use lockstep_engine::EngineError;
use serde_json::{Value, json};

use super::printable::line;
use super::style::{BAD, BOLD, HINT};
use super::{Output, document_of, plan, schema};
use crate::args::exit_code;
use crate::commands::Failure;

impl Output {
    /// Tells a failure, and gives the exit code.
    pub(crate) fn failure(&self, failure: &Failure) -> u8 {
        let code = failure.exit_code();
        if self.json {
            // Nothing else can be told when stdout is closed.
            let _ = self.document(&document(failure, code));
        }
        let _ = anstream::stderr().write_all(text(failure).as_bytes());
        code
    }
}

/// Tells what clap has to say: help, the version, or what is wrong with a command line. Gives the exit code.
pub(crate) fn usage(error: &clap::Error, json: bool) -> u8 {
    let code = exit_code(error);
    if json && code != 0 {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let message = text.split("\n\n").next().unwrap_or_default().trim();
        let error = json!({"message": message, "causes": [], "hint": null, "exit_code": code});
        // A closed stream leaves nobody to tell.
        let _ = document_of(&json!({"error": error}));
    }
    let _ = error.print();
    code
}

fn text(failure: &Failure) -> String {
    let mut text = format!("{BAD}error{BAD:#}: {}\n", line(&failure.to_string()));
    for cause in causes(failure) {
        text += &format!("  because {}\n", line(&cause));
    }
    if let Failure::Engine(EngineError::Problems(problems)) = failure {
        for problem in problems {
            let (problem, hint) = (line(&problem.to_string()), line(&problem.hint()));
            text += &format!("  {BOLD}-{BOLD:#} {problem}\n    {HINT}hint{HINT:#}: {hint}\n");
        }
    }
    if let Failure::Engine(EngineError::Unfit(misfits)) = failure {
        for misfit in misfits {
            text += &format!("  {BOLD}-{BOLD:#} {}\n", line(&misfit.to_string()));
        }
    }
    if let Failure::Engine(EngineError::Lint(findings)) = failure {
        text += &schema::findings(findings);
    }
    if let Failure::Engine(EngineError::Partly { applied, source }) = failure {
        let uncertain = match source.may_have_been_applied() {
            true => "; the last request may have been carried out as well",
            false => "",
        };
        text += &format!("  applied before: {}{uncertain}\n", plan::applied(applied));
    }
    if let Some(hint) = failure.hint() {
        text += &format!("  {HINT}hint{HINT:#}: {}\n", line(&hint));
    }
    text
}

/// The chain of causes, each told once.
fn causes(failure: &Failure) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut told = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            told.clone_from(&text);
            causes.push(text);
        }
        cause = error.source();
    }
    causes
}

fn document(failure: &Failure, code: u8) -> Value {
    let mut error = json!({
        "message": failure.to_string(),
        "causes": causes(failure),
        "hint": failure.hint(),
        "exit_code": code,
    });
    match failure {
        Failure::Engine(EngineError::Problems(problems)) => {
            error["problems"] = problems
                .iter()
                .map(|problem| json!({"message": problem.to_string(), "hint": problem.hint()}))
                .collect();
        }
        Failure::Engine(EngineError::Partly { applied, source }) => {
            error["applied"] = json!(applied);
            error["uncertain"] = json!(source.may_have_been_applied());
        }
        Failure::Engine(EngineError::Unfit(misfits)) => {
            let told = |it: &lockstep_core::content::Misfit| json!({"name": it.name, "reason": it.reason});
            error["misfits"] = misfits.iter().map(told).collect();
        }
        Failure::Engine(EngineError::Lint(findings)) => error["findings"] = json!(findings),
        Failure::Engine(EngineError::Refused(differences)) => error["differences"] = json!(differences),
        _ => {}
    }
    json!({"error": error})
}
