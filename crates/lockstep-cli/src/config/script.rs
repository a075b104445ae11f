//! Configuration files in JavaScript: evaluated by the embedded engine, their functions kept for the run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use lockstep_script::{Console, Engine, Fetch, Function, Options};
use serde_json::Value;

use super::error::ConfigError;

/// What the environment may say about hooks: seconds, and megabytes.
const TIMEOUT: &str = "LOCKSTEP_HOOK_TIMEOUT";
const MEMORY: &str = "LOCKSTEP_HOOK_MEMORY";

/// The endings of configuration files that are scripts.
pub(super) fn is_script(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    matches!(ending.as_deref(), Some("js" | "cjs" | "mjs"))
}

/// A file in TypeScript would have to be compiled first.
pub(super) fn refuse_typescript(path: &Path) -> Result<(), ConfigError> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    match ending.as_deref() {
        Some("ts" | "cts" | "mts") => Err(ConfigError::TypeScript { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// What scripts get of the world.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// All that they see of the environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where they print.
    pub(crate) console: Arc<dyn Console>,
    /// What sends what they fetch.
    pub(crate) fetch: Option<Arc<dyn Fetch>>,
}

/// The scripts of a run. The engine starts with the first file.
pub(crate) struct Scripts {
    directory: PathBuf,
    surroundings: Surroundings,
    profile: Option<String>,
    engine: Option<Arc<Engine>>,
    functions: IndexMap<String, Function>,
    of_profile: IndexMap<String, Function>,
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts").field("functions", &self.functions).finish_non_exhaustive()
    }
}

impl Scripts {
    /// The functions of this profile win over those outside of profiles; those of other profiles do not count.
    pub(crate) fn new(directory: &Path, surroundings: Surroundings, profile: Option<&str>) -> Self {
        Self {
            directory: directory.canonicalize().unwrap_or_else(|_| directory.to_owned()),
            surroundings,
            profile: profile.map(str::to_owned),
            engine: None,
            functions: IndexMap::new(),
            of_profile: IndexMap::new(),
        }
    }

    /// The engine and the functions by their place; none if no file is a script.
    pub(crate) fn into_parts(self) -> Option<(Arc<Engine>, IndexMap<String, Function>)> {
        let mut functions = self.of_profile;
        for (place, function) in self.functions {
            functions.entry(place).or_insert(function);
        }
        Some((self.engine?, functions))
    }

    /// Evaluates a file. Its functions are added to those of stronger files, which win.
    ///
    /// # Errors
    /// When it fails, or the engine cannot be started.
    pub(super) fn load(&mut self, path: &Path) -> Result<Value, ConfigError> {
        let failed = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let engine = self.engine(path)?;
        let path_given = path.canonicalize().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let loaded = runtime.block_on(engine.load(&path_given)).map_err(ConfigError::Script)?;
        let profile = self.profile.as_ref().map(|name| format!("profiles.{name}."));
        for (place, function) in loaded.functions {
            if let Some(place) = profile.as_ref().and_then(|profile| place.strip_prefix(profile)) {
                self.of_profile.entry(place.to_owned()).or_insert(function);
            } else if !place.starts_with("profiles.") {
                self.functions.entry(place).or_insert(function);
            }
        }
        Ok(loaded.value)
    }

    fn engine(&mut self, path: &Path) -> Result<Arc<Engine>, ConfigError> {
        if let Some(engine) = &self.engine {
            return Ok(engine.clone());
        }
        let mut options = Options::new(&self.directory, self.surroundings.console.clone());
        options.environment = seen(&self.surroundings.environment);
        options.fetch = self.surroundings.fetch.clone();
        if let Some(seconds) = self.limit(TIMEOUT)? {
            options.timeout = Duration::from_secs(seconds);
        }
        if let Some(megabytes) = self.limit(MEMORY)? {
            options.memory_limit = usize::try_from(megabytes << 20).unwrap_or(usize::MAX);
        }
        let engine = Engine::start(options)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Ok(self.engine.insert(Arc::new(engine)).clone())
    }

    fn limit(&self, name: &'static str) -> Result<Option<u64>, ConfigError> {
        let value = self.surroundings.environment.get(name).filter(|value| !value.trim().is_empty());
        let number = |value: &String| {
            let number = value.trim().parse().ok().filter(|number| (1..=1_000_000).contains(number));
            number.ok_or_else(|| ConfigError::Limit { name, value: value.clone() })
        };
        value.map(number).transpose()
    }
}

/// The environment without the credentials of profiles: a script sees those of its own run only, as `DIRECTUS_TOKEN`.
fn seen(environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let secret = |name: &str| {
        name.starts_with("LOCKSTEP_") && ["_TOKEN", "_PASSWORD"].iter().any(|ending| name.ends_with(ending))
    };
    environment.iter().filter(|(name, _)| !secret(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_profiles_are_not_seen() {
        let names = [
            "HOME",
            "DIRECTUS_TOKEN",
            "LOCKSTEP_STAGING_TOKEN",
            "LOCKSTEP_PROD_PASSWORD",
            "LOCKSTEP_HOOK_TIMEOUT",
        ];
        let environment = names.map(|name| (name.to_owned(), String::new())).into();
        let seen: Vec<String> = seen(&environment).into_keys().collect();
        assert_eq!(seen, ["DIRECTUS_TOKEN", "HOME", "LOCKSTEP_HOOK_TIMEOUT"]);
    }
}
