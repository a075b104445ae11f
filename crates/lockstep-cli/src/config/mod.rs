//! The effective configuration: command line over environment over configuration file over default.
//!
//! Every source is a [`Layer`] of [`Values`] that may or may not be given, with its [`Origin`]; [`resolve`] lays them
//! over each other into [`Settings`], in which each value still knows where it came from. Lists that several
//! sources give add up, as they do in npm `directus-sync` (observed: `-x a` on top of `excludeCollections: ["b"]`
//! excludes both). Nothing here reads the process environment or the process's working directory except
//! [`Environment::load`]: both are parameters, so that tests are hermetic.
//!
//! Warnings are values for the caller to print; errors say what is wrong in one sentence and have a [`ConfigError::hint`].

use std::path::Path;

mod collections;
mod discovery;
mod dotenv;
mod environment;
mod error;
mod extends;
mod file;
mod git;
mod layer;
mod merge;
mod script;
mod settings;

#[cfg(test)]
mod tests;

pub(crate) use environment::Environment;
pub(crate) use error::{ConfigError, Warning};
pub(crate) use layer::{Layer, Origin, SeedPath, StateChoice, Values};
pub(crate) use script::{Scripts, Surroundings};
#[cfg(test)]
pub(crate) use settings::{Connection, Sourced};
pub(crate) use settings::{Credentials, Settings};

/// What [`resolve`] found: the settings, and what the user should hear about them.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The effective configuration.
    pub(crate) settings: Settings,
    /// Things that are probably not meant so; none of them stops a run.
    pub(crate) warnings: Vec<Warning>,
    /// The scripts among the configuration files.
    pub(crate) scripts: Scripts,
}

/// Resolves the configuration of a run in `directory` (absolute).
///
/// `typed` is what the command line gives, `config_path` the configuration file that it names. A connection is not
/// required here, see [`Settings::connection`].
///
/// # Errors
/// A configuration file that is missing, unreadable or wrong; a name that is no collection.
pub(crate) fn resolve(
    typed: Values,
    config_path: Option<&Path>,
    environment: &Environment,
    directory: &Path,
    surroundings: Surroundings,
) -> Result<Resolved, ConfigError> {
    let mut warnings = Vec::new();
    let mut scripts = Scripts::new(directory, surroundings);
    let files = match discovery::find(config_path, directory)? {
        Some(path) => extends::load(&path, &mut scripts, &mut warnings)?,
        None => Vec::new(),
    };
    let mut layers = vec![Layer { origin: Origin::CommandLine, values: typed }];
    layers.extend(environment.layers());
    layers.extend(files);
    warnings.extend(git::tracked_secrets(&layers));
    let settings = Settings::from_layers(&layers, directory)?;
    Ok(Resolved { settings, warnings, scripts })
}
