//! The flows of Lockstep: dump and instance as source and target, stores, executor.
//!
//! `core` decides, `directus` speaks, and this crate carries out: [`pull`] reads an instance into a dump,
//! [`diff`] compares, [`push`] compares, asks for consent, writes, and compares again.

mod aliases;
mod assets;
mod beside;
mod compare;
mod configuration;
mod content;
mod creating;
mod desired;
mod doctor;
pub mod dump;
mod dumped;
mod error;
mod executor;
pub mod extension;
pub mod helpers;
pub mod hooks;
mod instance;
mod licence;
mod link;
mod moving;
mod names;
mod options;
mod pull;
mod push;
pub mod schema;
pub mod seed;
mod selection;
mod specs;
mod state;
mod transform;

pub use configuration::{Configuration, configuration, copy_store};
pub use doctor::examine;
pub use error::EngineError;
pub use link::{Linked, Recorded, link, recorded};
pub use moving::{Copied, Moved, move_store};
pub use names::stray_names;
pub use options::{Interrupt, Options, StateChoice, Unset};
pub use pull::pull;
pub use push::{Consent, Decision, diff, push};
