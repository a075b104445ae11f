//! The effective configuration: command line over environment over profile over configuration file over default.
//!
//! Every source is a [`Layer`] of [`Values`] that may or may not be given, with its [`Origin`]; [`resolve`] lays them
//! over each other into [`Settings`], in which each value still knows where it came from. Lists that several
//! sources give add up, as they do in npm `directus-sync` (observed: `-x a` on top of `excludeCollections: ["b"]`
//! excludes both). Nothing here reads the process environment or the process's working directory except
//! [`Environment::load`]: both are parameters, so that tests are hermetic.
//!
//! Warnings are values for the caller to print; errors say what is wrong in one sentence and have a [`ConfigError::hint`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lockstep_core::nearest::nearest;

mod collections;
mod discovery;
mod dotenv;
mod environment;
mod error;
mod extends;
mod file;
mod git;
pub(crate) mod keys;
mod layer;
mod merge;
mod script;
mod settings;
mod shown;
mod transforms;
mod variables;

#[cfg(test)]
mod tests;

use extends::Files;

pub(crate) use discovery::NAMES;

pub(crate) use environment::Environment;
pub(crate) use error::{ConfigError, Warning};
pub(crate) use layer::{Layer, Origin, SeedPath, StateChoice, Values};
pub(crate) use script::{Scripts, Surroundings};
#[cfg(test)]
pub(crate) use settings::Connection;
pub(crate) use settings::{Credentials, Settings, Sourced};
pub(crate) use shown::Shown;

/// Which configuration is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted<'a> {
    /// The configuration file that the command line names.
    pub(crate) file: Option<&'a Path>,
    /// The profile that the command line names.
    pub(crate) profile: Option<&'a str>,
    /// Whether this alone says which instance is meant, one of several: the environment then only has the token of the
    /// profile to tell.
    pub(crate) named: bool,
}

/// What [`resolve`] found: the settings, and what the user should hear about them.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The effective configuration.
    pub(crate) settings: Settings,
    /// Things that are probably not meant so; none of them stops a run.
    pub(crate) warnings: Vec<Warning>,
    /// The scripts among the configuration files.
    pub(crate) scripts: Scripts,
    /// The chosen profile, and who chose it.
    pub(crate) profile: Option<Sourced<String>>,
    /// All profiles, sorted.
    pub(crate) profiles: Vec<String>,
    /// The configuration files that were read, the strongest first.
    pub(crate) files: Vec<PathBuf>,
}

/// Resolves the configuration of a run in `directory` (absolute).
///
/// `typed` is what the command line gives, `wanted` the file and profile that it names. A connection is not required
/// here, see [`Settings::connection`].
///
/// # Errors
/// A configuration file that is missing, unreadable or wrong; a profile that there is not; a name that is no collection.
pub(crate) fn resolve(
    typed: Values,
    wanted: Wanted<'_>,
    environment: &Environment,
    directory: &Path,
    surroundings: Surroundings,
) -> Result<Resolved, ConfigError> {
    let mut warnings = Vec::new();
    let profile = wanted.profile.map(|name| (name, Origin::CommandLine)).or_else(|| environment.profile());
    let name = profile.as_ref().map(|(name, _)| *name);
    let mut scripts = Scripts::new(directory, surroundings, name);
    let files = match discovery::find(wanted.file, directory)? {
        Some(path) => extends::load(&path, name, environment, &mut scripts, &mut warnings)?,
        None => Files::default(),
    };
    let known: Vec<String> = files.profiles.into_iter().collect();
    if let Some((name, origin)) = profile.clone().filter(|_| files.profile.is_empty()) {
        return Err(ConfigError::UnknownProfile {
            name: name.to_owned(),
            origin,
            remedy: profiles(name, &known),
        });
    }
    let found = files.plain.iter().filter_map(|layer| match &layer.origin {
        Origin::File(path) => Some(path.clone()),
        _ => None,
    });
    let found = found.collect();
    let url_of_profile = files.profile.iter().find_map(|layer| layer.values.directus_url.clone());
    let mut layers = vec![Layer { origin: Origin::CommandLine, values: typed }];
    layers.extend(if wanted.named { environment.token(name) } else { environment.layers(name) });
    layers.extend(files.profile);
    layers.extend(files.plain);
    warnings.extend(git::tracked_secrets(&layers));
    let settings = Settings::from_layers(&layers, directory)?;
    warnings.extend(name.and_then(|name| settings.beats(name, url_of_profile.as_deref())));
    let profile = profile.map(|(name, origin)| Sourced { value: name.to_owned(), origin });
    Ok(Resolved { settings, warnings, scripts, profile, profiles: known, files: found })
}

/// Fills the variables in what is said of live replication.
///
/// # Errors
/// One that is not set.
pub(crate) fn fill_live(live: &mut serde_json::Value, environment: &Environment) -> Result<(), ConfigError> {
    variables::fill(live, "live", environment).map_err(|missing| {
        ConfigError::UnsetVariable(layer::Unset {
            key: "live",
            place: missing.place,
            path: PathBuf::from("the configuration file"),
            variable: missing.variable,
        })
    })
}

/// The names that a text of variables has, as far as it can be understood.
pub(crate) fn variable_names(text: &str) -> BTreeSet<String> {
    let line =
        |line: &str| dotenv::parse(line).map(BTreeMap::into_keys).into_iter().flatten().collect::<Vec<_>>();
    text.lines().flat_map(line).collect()
}

/// What to do about a profile that there is not.
fn profiles(name: &str, known: &[String]) -> String {
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    match (nearest(name, &names), known) {
        (Some(nearest), _) => format!("did you mean {nearest}?"),
        (None, []) => "profiles stand under \"profiles\" in the configuration file".to_owned(),
        (None, known) => format!("the profiles are {}", known.join(", ")),
    }
}
