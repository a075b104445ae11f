//! Both sides of every rule of the configuration, on files in a temporary folder and an injected environment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;

mod connection;
mod files;
mod precedence;
mod profiles;
mod reference;

struct Silence;

impl lockstep_script::Console for Silence {
    fn print(&self, _: lockstep_script::Level, _: &str) {}
}

/// A working directory with files in it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self { folder: TempDir::new().unwrap() };
        for (name, content) in files {
            let path = place.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str) -> Origin {
        Origin::File(self.path(name))
    }

    fn resolve(&self, typed: Values, variables: &[(&str, &str)]) -> Result<Resolved, ConfigError> {
        self.resolve_named(typed, None, variables)
    }

    fn resolve_named(
        &self,
        typed: Values,
        named: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Resolved, ConfigError> {
        let wanted = Wanted { file: named.map(Path::new), ..Wanted::default() };
        self.resolve_wanted(typed, wanted, variables)
    }

    fn with_profile(&self, profile: &str, variables: &[(&str, &str)]) -> Result<Resolved, ConfigError> {
        let wanted = Wanted { profile: Some(profile), ..Wanted::default() };
        self.resolve_wanted(Values::default(), wanted, variables)
    }

    fn resolve_wanted(
        &self,
        typed: Values,
        wanted: Wanted<'_>,
        variables: &[(&str, &str)],
    ) -> Result<Resolved, ConfigError> {
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let environment = Environment::new(variables, self.folder.path())?;
        let surroundings =
            Surroundings { environment: environment.all(), console: Arc::new(Silence), fetch: None };
        resolve(typed, wanted, &environment, self.folder.path(), surroundings)
    }

    fn settings(&self) -> Settings {
        self.resolve(Values::default(), &[]).unwrap().settings
    }

    fn warnings(&self) -> Vec<Warning> {
        self.resolve(Values::default(), &[]).unwrap().warnings
    }

    /// The error's sentence without the temporary folder, and its hint.
    fn error(&self) -> (String, Option<String>) {
        let error = self.resolve(Values::default(), &[]).unwrap_err();
        (self.relative(&error.to_string()), error.hint())
    }

    fn relative(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

/// A place with one configuration file.
fn with_config(json: &str) -> Place {
    Place::new(&[("directus-sync.config.json", json)])
}
