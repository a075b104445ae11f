//! `lockstep diff` and `lockstep push`.

use lockstep_core::report::{Differences, InstanceInfo};
use lockstep_engine::{Consent, Decision, Interrupt};

use super::{DIFFERENT, DONE, Failure, run_flow};
use crate::args::{Cli, CompareArgs, ConsentArgs, DiffArgs, PushArgs};
use crate::output::{Output, Progress};
use crate::session::Session;

pub(super) fn diff(cli: &Cli, arguments: &DiffArgs, output: &Output) -> Result<u8, Failure> {
    let session = open(cli, &arguments.compare, output)?;
    let progress = output.progress();
    let report = run_flow(lockstep_engine::diff(session.client, &session.options, &progress), None);
    progress.end();
    let report = report?;
    output.compared(&report, &session.options.paths.root)?;
    Ok(if arguments.exit_code && !report.converged { DIFFERENT } else { DONE })
}

pub(super) fn push(cli: &Cli, arguments: &PushArgs, output: &Output) -> Result<u8, Failure> {
    let session = open(cli, &arguments.compare, output)?;
    if arguments.preview {
        return super::preview::run(session, arguments.consent, output);
    }
    let progress = output.progress();
    let root = &session.options.paths.root;
    let asker = Asker { output, progress: &progress, consent: arguments.consent, root };
    let interrupt = Interrupt::default();
    let flow = lockstep_engine::push(session.client, &session.options, &progress, &asker, &interrupt);
    let report = run_flow(flow, Some(&interrupt));
    progress.end();
    let report = report?;
    output.pushed(&report)?;
    Ok(if report.converged { DONE } else { DIFFERENT })
}

fn open(cli: &Cli, arguments: &CompareArgs, output: &Output) -> Result<Session, Failure> {
    let mut session = Session::open(cli, output)?;
    session.options.schema_options = arguments.schema.options();
    session.options.prune = arguments.prune;
    Ok(session)
}

/// Shows the plan, and asks where there is somebody to ask.
pub(super) struct Asker<'a> {
    pub(super) output: &'a Output,
    pub(super) progress: &'a Progress,
    pub(super) consent: ConsentArgs,
    pub(super) root: &'a std::path::Path,
}

impl Consent for Asker<'_> {
    fn decide(&self, instance: &InstanceInfo, differences: &Differences, notices: &[String]) -> Decision {
        self.progress.pause(|| {
            let destructive = differences.is_destructive();
            let consented = self.consent.allow_destructive;
            let will_ask = self.output.can_ask() && (destructive && !consented || !self.consent.yes);
            self.output.plan(instance, differences, notices, self.root, will_ask || destructive);
            let (asks_for_word, word) = (destructive && !consented, "yes");
            match (will_ask, asks_for_word) {
                (false, true) => Decision::Refuse,
                // The one document on stdout is no place for a question.
                (false, false) if self.output.is_unanswered(self.consent.yes) => Decision::Unasked,
                (false, false) => Decision::Apply,
                (true, true) if self.output.ask_word("This destroys data. Type yes to go on: ", word) => {
                    Decision::Apply
                }
                (true, false) if self.output.ask("Apply these changes?") => Decision::Apply,
                (true, _) => Decision::Decline,
            }
        })
    }
}
