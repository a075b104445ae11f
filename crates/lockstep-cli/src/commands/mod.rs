//! One file per command.

mod compare;
mod config;
mod content;
mod copy;
mod demo;
mod doctor;
mod extension;
mod helpers;
mod init;
mod live;
mod manual;
mod preview;
mod pull;
mod sandbox;
mod schema;
mod seed;
mod state;
mod verify;

use std::path::PathBuf;

pub(crate) use init::Written;
use lockstep_engine::extension::InstallError;
use lockstep_engine::schema::SourceError;
use lockstep_engine::{EngineError, Interrupt};
use lockstep_live::LiveError;

use crate::args::{Cli, Command};
use crate::config::ConfigError;
use crate::output::Output;

/// Done, or no changes.
pub(crate) const DONE: u8 = 0;
/// An error; nothing was written to the instance.
pub(crate) const ERROR: u8 = 1;
/// Differences, where asked for; or all applied, and something left.
pub(crate) const DIFFERENT: u8 = 2;
/// Refused for safety; nothing was written.
pub(crate) const REFUSED: u8 = 3;
/// Partly applied.
pub(crate) const PARTLY: u8 = 4;
/// Interrupted.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The flow.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The server's own form knows no scope.
    #[error("--format directus is what the server would answer, and the server knows no scope")]
    ScopeOfServer,
    /// A schema cannot be read.
    #[error(transparent)]
    Schema(#[from] SourceError),
    /// A result cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The client cannot be set up.
    #[error(transparent)]
    Client(#[from] lockstep_directus::Error),
    /// A sandbox cannot be started.
    #[error(transparent)]
    Sandbox(#[from] lockstep_sandbox::StartError),
    /// Another version than the sandbox has.
    #[error("the sandbox is a Directus {}, and cannot be a {wanted}", lockstep_sandbox::VERSION)]
    SandboxVersion {
        /// The version asked for.
        wanted: String,
    },
    /// A folder that is not a demo's to replace.
    #[error("{} is no folder of a demo, and not empty", folder.display())]
    NotADemo {
        /// The folder.
        folder: PathBuf,
    },
    /// A configuration that is there already.
    #[error("{} is there already, and nothing was written", path.display())]
    Configured {
        /// The file.
        path: PathBuf,
    },
    /// A database that is no new one was to begin with a dump.
    #[error("{} has content already", data.display())]
    NotNew {
        /// The file.
        data: PathBuf,
    },
    /// A token that nobody could use.
    #[error("--admin-token is empty")]
    NoToken,
    /// A copy of the target cannot be made.
    #[error("the copy of the target cannot be made: {reason}")]
    Copy {
        /// Why.
        reason: String,
    },
    /// The options of one instance where two take part.
    #[error("-u, -t, -e and -p are about one instance, and a copy has two")]
    OneOfTwo,
    /// A URL without a token.
    #[error("there is no token for the URL of --{side}")]
    NoPeerToken {
        /// The option that has the URL.
        side: &'static str,
        /// The variable of the environment that may have the token.
        variable: String,
    },
    /// A move from a store to itself.
    #[error("--from and --to name the same store")]
    SameStore,
    /// Live replication.
    #[error(transparent)]
    Live(#[from] lockstep_live::LiveError),
    /// A profile that logs in.
    #[error("the profile {profile} logs in by email and password; replication needs a static token")]
    NeedsToken {
        /// The profile.
        profile: String,
    },
    /// The extension cannot be written.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// There is no working directory.
    #[error("the working directory cannot be read")]
    Directory(#[source] std::io::Error),
    /// The runtime cannot be started.
    #[error("cannot start")]
    Runtime(#[source] std::io::Error),
    /// A result cannot be printed.
    #[error("cannot print the result")]
    Print(#[source] std::io::Error),
}

impl Failure {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Client(error) => error.hint().map(str::to_owned),
            Self::ScopeOfServer => {
                Some("use another format, or leave --schema-only and --schema-exclude out".to_owned())
            }
            Self::Live(error) => error.hint(),
            Self::NeedsToken { .. } => Some("`lockstep live setup` makes a user with one".to_owned()),
            Self::Schema(error) => error.hint().map(str::to_owned),
            Self::Install(error) => error.hint().map(str::to_owned),
            Self::NotADemo { .. } => Some("choose an empty folder by --dump-path; a demo replaces what is there".to_owned()),
            Self::Configured { .. } => Some(
                "Lockstep reads it as it is (lockstep config show); --force writes ./lockstep.config.json anyway".to_owned(),
            ),
            Self::NotNew { .. } => Some("leave --from out, or push the dump to it: --from is what a new one begins with".to_owned()),
            Self::OneOfTwo => Some("name them by --from and --to, and give tokens by --from-token and --to-token".to_owned()),
            Self::NoPeerToken { side, variable } => Some(format!("set {variable}, give --{side}-token, or name a profile")),
            Self::SameStore => Some("name another store, or leave --from out".to_owned()),
            Self::NoToken => Some("leave it out for a random one".to_owned()),
            Self::SandboxVersion { .. } => Some("leave --version out".to_owned()),
            Self::Copy { .. } => Some("the target has to be a Directus 11 or 12 on any database; push shows its plan without --preview, too".to_owned()),
            Self::Sandbox(lockstep_sandbox::StartError::Database(_)) => {
                Some("it may be in use by another sandbox, in a folder that is not there, or no database of SQLite".to_owned())
            }
            Self::Sandbox(lockstep_sandbox::StartError::Listen { .. }) => {
                Some("choose another --listen; port 0 takes a free one".to_owned())
            }
            Self::Directory(_) | Self::Runtime(_) | Self::Print(_) | Self::Write { .. } => None,
        }
    }

    /// The exit code: one table.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Client(_)
            | Self::ScopeOfServer
            | Self::SandboxVersion { .. }
            | Self::SameStore
            | Self::OneOfTwo
            | Self::NoPeerToken { .. }
            | Self::NeedsToken { .. }
            | Self::NoToken => crate::args::EXIT_USAGE,
            Self::Live(LiveError::Refused(_) | LiveError::Halted(_)) => REFUSED,
            Self::Live(_) => ERROR,
            Self::Engine(error) => engine_exit_code(error),
            Self::NotADemo { .. } | Self::NotNew { .. } | Self::Configured { .. } => REFUSED,
            Self::Install(error) if error.is_refusal() => REFUSED,
            Self::Schema(_)
            | Self::Install(_)
            | Self::Sandbox(_)
            | Self::Copy { .. }
            | Self::Directory(_)
            | Self::Runtime(_)
            | Self::Print(_)
            | Self::Write { .. } => ERROR,
        }
    }
}

fn engine_exit_code(error: &EngineError) -> u8 {
    match error {
        EngineError::Refused(_)
        | EngineError::Declined
        | EngineError::Unasked
        | EngineError::CannotApply { .. }
        | EngineError::Disagreement { .. }
        | EngineError::OtherSchema { .. }
        | EngineError::Misfit(_)
        | EngineError::Unfit(_)
        | EngineError::Lint(_)
        | EngineError::AccessMismatch { .. }
        | EngineError::SeveralStores(_)
        | EngineError::StoresDisagree { .. }
        | EngineError::Licence(_) => REFUSED,
        EngineError::Interrupted | EngineError::InterruptedInTime => INTERRUPTED,
        EngineError::Partly { source, .. } if matches!(**source, EngineError::Interrupted) => INTERRUPTED,
        EngineError::Partly { .. } | EngineError::MoveCut { .. } => PARTLY,
        _ => ERROR,
    }
}

/// Runs the command that was typed, and gives its exit code.
///
/// # Errors
/// When it did not do what it was asked for.
pub(crate) fn run(cli: &Cli, output: &Output) -> Result<u8, Failure> {
    match &cli.command {
        Command::Pull(pull) => pull::run(cli, pull, output),
        Command::Diff(diff) => compare::diff(cli, diff, output),
        Command::Push(push) => compare::push(cli, push, output),
        Command::Init(init) => init::run(cli, init, output),
        Command::Config(config) => config::run(cli, config, output),
        Command::Schema(arguments) => schema::run(cli, arguments, output),
        Command::Seed(seed) => seed::run(cli, seed, output),
        Command::Content(content) => content::run(cli, content, output),
        Command::Copy(copy) => copy::run(cli, copy, output),
        Command::State(state) => state::run(cli, state, output),
        Command::Sandbox(sandbox) => sandbox::run(sandbox, output),
        Command::Demo(demo) => demo::run(demo, output),
        Command::Verify(verify) => verify::run(cli, verify, output),
        Command::Doctor(_) => doctor::run(cli, output),
        Command::Completions { shell } => manual::completions(*shell, output),
        Command::Man { folder } => manual::pages(folder, output),
        Command::Live(arguments) => live::run(cli, arguments, output),
        Command::Extension(arguments) => extension::run(arguments, output),
        Command::Helpers(arguments) => helpers::run(cli, arguments, output),
    }
}

/// Runs a flow to its end, or until the user has enough of it.
fn run_flow<T>(
    flow: impl Future<Output = Result<T, EngineError>>,
    interrupt: Option<&Interrupt>,
) -> Result<T, Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    runtime.block_on(async {
        let mut flow = std::pin::pin!(flow);
        let mut patience = u32::from(interrupt.is_some());
        loop {
            tokio::select! {
                result = &mut flow => return Ok(result?),
                signal = tokio::signal::ctrl_c() => {
                    // The first one lets what is under way end, so that what was written can be told.
                    let (Some(interrupt), 1, Ok(())) = (interrupt, patience, signal) else {
                        return Err(EngineError::Interrupted.into());
                    };
                    interrupt.raise();
                    patience = 0;
                }
            }
        }
    })
}
