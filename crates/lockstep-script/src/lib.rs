//! JavaScript configuration files and hooks, in an embedded engine (QuickJS): nothing has to be installed.
//!
//! An [`Engine`] is one JavaScript world on a thread of its own. [`Engine::load`] evaluates a file, CommonJS or ES
//! module, and gives what it exports as JSON and its functions by their place; [`Engine::call`] calls one of them and
//! awaits its promise. Scripts find the globals and modules of Node that configurations use ([`MODULES`]), read files,
//! and change nothing. What they ask of the world goes through traits that the caller implements: [`Client`] for
//! requests to the instance, [`Fetch`] for others, [`Console`] for what they print.
//!
//! A script has a limit of memory and of time; a loop without end, a promise that nobody can settle and a recursion
//! without end are errors that name the function and the line. Nothing here knows of syncing.

mod clock;
mod engine;
mod error;
mod modules;
mod outside;
mod realm;
mod worker;

pub use engine::{Engine, Function, Loaded, Options, Returned};
pub use error::{Place, ScriptError, ScriptErrorKind};
pub use modules::MODULES;
pub use outside::{
    Client, ClientError, Console, Fetch, FetchError, Future, Level, Request, WebAnswer, WebRequest,
};
