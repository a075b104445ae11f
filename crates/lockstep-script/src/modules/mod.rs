//! Modules: which file a name means, what kind of module it is, and those that the engine brings itself.

mod commonjs;
mod loader;
mod own;
mod package;
mod resolve;
mod source;

pub(crate) use loader::{Importer, Namer};
pub use own::MODULES;
pub(crate) use own::source_of as own_source;
pub(crate) use resolve::{Found, Way, located, resolve};
pub(crate) use source::{read, wrapped};
