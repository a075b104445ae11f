//! `lockstep demo`: two sandboxes, a project, and how they are brought in step; each step is checked.

use std::path::Path;

use lockstep_core::report::ComparisonReport;
use lockstep_directus::{Client, Request};
use lockstep_engine::{Interrupt, Options};
use lockstep_sandbox::Sandbox;
use lockstep_sandbox::sample::{Edition, Step, id, steps};
use serde_json::json;

use super::sandbox::{Always, Unseen, client, of_dump, runtime};
use super::{DONE, ERROR, Failure};
use crate::args::DemoArgs;
use crate::output::Output;

/// Records per request.
const BATCH: usize = 500;

/// What a folder has that a demo made, and may replace.
const MARK: &str = ".lockstep-demo";

pub(super) fn run(arguments: &DemoArgs, output: &Output) -> Result<u8, Failure> {
    claim(&arguments.dump_path)?;
    runtime()?.block_on(tell(&arguments.dump_path, output))
}

/// Takes a folder that is empty or a demo's own; another may be somebody's project.
fn claim(folder: &Path) -> Result<(), Failure> {
    let mark = folder.join(MARK);
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty && !mark.exists() {
        return Err(Failure::NotADemo { folder: folder.to_owned() });
    }
    let write =
        || std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&mark, "made by lockstep demo\n"));
    write().map_err(|source| Failure::Write { path: mark.clone(), source })
}

async fn tell(dump: &Path, output: &Output) -> Result<u8, Failure> {
    output.story("Two instances in this program: a studio, where people work, and a public one. No Directus is needed.");
    let studio = Sandbox::start(lockstep_sandbox::Options::default()).await?;
    let public = Sandbox::start(lockstep_sandbox::Options::default()).await?;
    output
        .story("The studio gets a project: a magazine with a shop, its roles, rules, flows and dashboards.");
    fill(&client(&studio)?).await?;
    let options = of_dump(dump);
    output.story("lockstep pull: what the studio holds, as files. Nothing is written to the studio.");
    pull(&studio, &options, output).await?;
    output.story("lockstep diff: what a push would change in the public instance, which is empty.");
    diff(&public, &options, output).await?;
    output.story("lockstep push: done, and compared again.");
    let first = push(&public, &options, output).await?;
    output.story("In the studio a flow gets another name, a panel goes, and a field is added.");
    change(&client(&studio)?).await?;
    output.story("lockstep pull and diff: the files follow, and the difference is just that.");
    pull(&studio, &options, output).await?;
    diff(&public, &options, output).await?;
    output.story("lockstep push: the panel may go, because Lockstep brought it there.");
    let second = push(&public, &options, output).await?;
    let last = lockstep_engine::diff(client(&public)?, &options, &Unseen).await?;
    studio.stop().await;
    public.stop().await;
    let in_step = first.converged && second.converged && last.converged;
    output.told(in_step, dump)?;
    Ok(if in_step { DONE } else { ERROR })
}

async fn pull(sandbox: &Sandbox, options: &Options, output: &Output) -> Result<(), Failure> {
    let report = lockstep_engine::pull(client(sandbox)?, options, &Unseen).await?;
    if output.tells_steps() { output.pulled(&report, &options.paths.root, None) } else { Ok(()) }
}

async fn diff(sandbox: &Sandbox, options: &Options, output: &Output) -> Result<(), Failure> {
    let report = lockstep_engine::diff(client(sandbox)?, options, &Unseen).await?;
    if output.tells_steps() { output.compared(&report, &options.paths.root) } else { Ok(()) }
}

async fn push(sandbox: &Sandbox, options: &Options, output: &Output) -> Result<ComparisonReport, Failure> {
    let report =
        lockstep_engine::push(client(sandbox)?, options, &Unseen, &Always, &Interrupt::default()).await?;
    if output.tells_steps() {
        output.pushed(&report)?;
    }
    Ok(report)
}

async fn fill(client: &Client) -> Result<(), Failure> {
    for step in steps(Edition::of(lockstep_sandbox::VERSION)) {
        match step {
            Step::Batch(path, records) => {
                for batch in records.chunks(BATCH) {
                    send(client, Request::post(path).json(batch.to_vec().into())).await?;
                }
            }
            Step::Each(path, records) => {
                for record in records {
                    send(client, Request::post(path).json(record)).await?;
                }
            }
            Step::Patch(path, record) => send(client, Request::patch(path).json(record)).await?,
        }
    }
    Ok(())
}

async fn change(client: &Client) -> Result<(), Failure> {
    let flow = format!("/flows/{}", id("sample/flow/tell"));
    send(client, Request::patch(flow).json(json!({ "name": "Tell everybody" }))).await?;
    let panel = format!("/panels/{}", id("sample/dashboard/newsroom/proofs"));
    send(client, Request::delete(panel)).await?;
    let field =
        json!({ "field": "subtitle", "type": "string", "meta": { "interface": "input" }, "schema": {} });
    send(client, Request::post("/fields/articles").json(field)).await
}

async fn send(client: &Client, request: Request) -> Result<(), Failure> {
    client.send(&request).await?;
    Ok(())
}
