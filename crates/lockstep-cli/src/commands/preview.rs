//! `lockstep push --preview`: the target's configuration is copied into a sandbox, and the push is done there.

use lockstep_core::report::ComparisonReport;
use lockstep_directus::Client;
use lockstep_engine::schema::{Goal, SchemaOptions, apply_to};
use lockstep_engine::{Configuration, Interrupt, Options, StateChoice, configuration, copy_store};
use lockstep_sandbox::{Copied, Sandbox};

use super::sandbox::{Always, Unseen, client, runtime};
use super::{DIFFERENT, DONE, Failure};
use crate::args::ConsentArgs;
use crate::output::Output;
use crate::session::Session;

pub(super) fn run(session: Session, consent: ConsentArgs, output: &Output) -> Result<u8, Failure> {
    let target = session.client.url().to_owned();
    let report = runtime()?.block_on(preview(session.client, &session.options, output))?;
    output.previewed(&report, &target, &session.options.paths.root, consent.allow_destructive)?;
    Ok(if report.converged { DONE } else { DIFFERENT })
}

async fn preview(target: Client, options: &Options, output: &Output) -> Result<ComparisonReport, Failure> {
    let found = configuration(target.clone()).await?;
    if !found.version.has_policies() {
        return Err(Failure::Copy {
            reason: format!(
                "the sandbox has roles and policies as Directus 11 has them, the target is a {}",
                found.version
            ),
        });
    }
    if found.hidden_permissions > 0 {
        output.notice(&format!(
            "the target does not show {} permissions without a licence; the copy does not have them",
            found.hidden_permissions
        ));
    }
    // The plan is the target's own: a copy has no items, so it cannot tell what would be lost.
    let mut report = lockstep_engine::diff(target.clone(), options, &Unseen).await?;
    let sandbox = Sandbox::start(lockstep_sandbox::Options::default()).await?;
    let done = Box::pin(push(&sandbox, target, found, options)).await;
    sandbox.stop().await;
    let done = done?;
    report.command = "preview";
    report.applied = done.applied;
    report.residue = done.residue;
    report.converged = done.converged;
    report.requests += done.requests;
    report.duration_ms += done.duration_ms;
    Ok(report)
}

async fn push(
    sandbox: &Sandbox,
    target: Client,
    found: Configuration,
    options: &Options,
) -> Result<ComparisonReport, Failure> {
    let goal = Goal::Snapshot(found.snapshot);
    apply_to(client(sandbox)?, goal, &SchemaOptions::default(), false, &Unseen, &Always).await?;
    let copied = Copied {
        rows: found.rows.into_iter().map(|(name, rows)| (name.to_owned(), rows)).collect(),
        user: found.user,
        role: found.role,
    };
    sandbox.take_over(&copied).map_err(|error| Failure::Copy { reason: error.message })?;
    copy_store(target, client(sandbox)?, options).await?;
    let options = Options { state: StateChoice::Table, ..options.clone() };
    Ok(lockstep_engine::push(client(sandbox)?, &options, &Unseen, &Always, &Interrupt::default()).await?)
}
