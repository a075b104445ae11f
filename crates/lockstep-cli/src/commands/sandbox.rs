//! `lockstep sandbox`: an instance in this program, until it is told to stop.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use lockstep_core::collection::COLLECTIONS;
use lockstep_core::identity::PreserveIds;
use lockstep_core::report::{ComparisonReport, Differences, Event, InstanceInfo, Observer};
use lockstep_core::schema::Layout;
use lockstep_core::transform::Transforms;
use lockstep_directus::{Auth, Client, ClientOptions};
use lockstep_engine::dump::DumpPaths;
use lockstep_engine::hooks::HookSet;
use lockstep_engine::schema::SchemaOptions;
use lockstep_engine::{Consent, Decision, Interrupt, Options, StateChoice, Unset};
use lockstep_sandbox::{Data, Mappings, Sandbox};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{DIFFERENT, DONE, Failure};
use crate::args::SandboxArgs;
use crate::args::sandbox::MappingRoutes;
use crate::output::Output;

/// How long what is under way may take when the sandbox is told to stop.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn run(arguments: &SandboxArgs, output: &Output) -> Result<u8, Failure> {
    let started = Instant::now();
    if arguments.version != lockstep_sandbox::VERSION {
        return Err(Failure::SandboxVersion { wanted: arguments.version.clone() });
    }
    let is_new = !std::fs::metadata(&arguments.data).is_ok_and(|file| file.len() > 0);
    if arguments.from.is_some() && !is_new {
        return Err(Failure::NotNew { data: arguments.data.clone() });
    }
    if arguments.admin_token.as_ref().is_some_and(|token| token.expose_secret().is_empty()) {
        return Err(Failure::NoToken);
    }
    let exposed = |secret: &SecretString| secret.expose_secret().to_owned();
    let options = lockstep_sandbox::Options {
        listen: arguments.listen,
        data: match arguments.data.as_os_str() == "memory" {
            true => Data::Memory,
            false => Data::File(arguments.data.clone()),
        },
        admin_token: arguments.admin_token.as_ref().map(exposed),
        admin_password: arguments.admin_password.as_ref().map(exposed),
        log: output.answered(),
        mappings: match arguments.extension {
            _ if arguments.no_extension => Mappings::Off,
            MappingRoutes::DirectusSync => Mappings::DirectusSync,
            MappingRoutes::Lockstep => Mappings::Lockstep,
        },
        ..lockstep_sandbox::Options::default()
    };
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let sandbox = Sandbox::start(options).await?;
        let mut code = DONE;
        if let Some(dump) = &arguments.from {
            let report = fill(&sandbox, &of_dump(dump)).await?;
            if !report.converged {
                output.pushed(&report)?;
                code = DIFFERENT;
            }
        }
        // Who reads that it runs may stop it at once.
        let stop = Stop::listen().map_err(Failure::Runtime)?;
        output.sandbox(
            &sandbox.url(),
            sandbox.token(),
            !arguments.listen.ip().is_loopback(),
            started.elapsed(),
        )?;
        stop.told().await;
        sandbox.stop().await;
        Ok(code)
    });
    // A request that does not end is not waited for.
    runtime.shutdown_timeout(PATIENCE);
    done
}

/// A runtime that a sandbox and a flow share.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Failure::Runtime)
}

/// A connection to a sandbox.
pub(super) fn client(sandbox: &Sandbox) -> Result<Client, Failure> {
    let auth = Auth::Token(SecretString::from(sandbox.token().to_owned()));
    Ok(Client::new(&sandbox.url(), auth, ClientOptions::default())?)
}

/// Pushes a dump into a sandbox, whatever that destroys in it.
pub(super) async fn fill(sandbox: &Sandbox, options: &Options) -> Result<ComparisonReport, Failure> {
    Ok(lockstep_engine::push(client(sandbox)?, options, &Unseen, &Always, &Interrupt::default()).await?)
}

/// All of a dump.
pub(super) fn of_dump(root: &Path) -> Options {
    Options {
        paths: DumpPaths::new(root),
        scope: COLLECTIONS.iter().map(|collection| collection.name).collect(),
        schema: true,
        schema_options: SchemaOptions::default(),
        layout: Layout::Split,
        specs: false,
        attach_roles: true,
        preserve: PreserveIds::default(),
        sort_json: false,
        prune: false,
        state: StateChoice::Auto,
        state_file: root.join("lockstep-state.json"),
        variables: BTreeMap::new(),
        unset: Unset::Literal,
        transforms: Transforms::default(),
        extract_secrets: false,
        hooks: HookSet::default(),
    }
}

/// The signals that end what runs until it is told to stop, caught from its making on.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(super) async fn told(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Nobody watches.
pub(super) struct Unseen;

impl Observer for Unseen {
    fn event(&self, _event: Event) {}
}

/// Nobody is asked: a sandbox has nothing to lose.
pub(super) struct Always;

impl Consent for Always {
    fn decide(&self, _instance: &InstanceInfo, _differences: &Differences, _notices: &[String]) -> Decision {
        Decision::Apply
    }
}
