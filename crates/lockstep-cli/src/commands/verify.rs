//! `lockstep verify`: a dump into an empty sandbox, to see whether it is whole.

use lockstep_core::report::{ComparisonReport, VerifyReport};
use lockstep_engine::{StateChoice, Unset};
use lockstep_sandbox::Sandbox;

use super::sandbox::{fill, runtime};
use super::{DIFFERENT, DONE, Failure};
use crate::args::{Cli, VerifyArgs};
use crate::output::Output;
use crate::session;

pub(super) fn run(cli: &Cli, _arguments: &VerifyArgs, output: &Output) -> Result<u8, Failure> {
    let mut options = session::without_instance(cli, output)?;
    // What the dump's own target knows has nothing to do with an empty instance.
    options.state = StateChoice::Table;
    // Nobody is going to use them there.
    options.unset = Unset::Literal;
    let report = runtime()?.block_on(async {
        let sandbox = Sandbox::start(lockstep_sandbox::Options::default()).await?;
        let report = fill(&sandbox, &options).await;
        sandbox.stop().await;
        report
    })?;
    let stray_names = lockstep_engine::stray_names(&options)?;
    let whole = report.converged && stray_names.is_empty();
    let push = ComparisonReport { command: "verify", converged: whole, ..report };
    output.verified(&VerifyReport { push, stray_names }, &options.paths.root)?;
    Ok(if whole { DONE } else { DIFFERENT })
}
