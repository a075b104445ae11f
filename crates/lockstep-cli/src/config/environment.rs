//! The environment and the `.env` file of the working directory.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::dotenv;
use super::error::ConfigError;
use super::layer::{Layer, Origin, Values};

const URL: &str = "DIRECTUS_URL";
const TOKEN: &str = "DIRECTUS_TOKEN";
const EMAIL: &str = "DIRECTUS_ADMIN_EMAIL";
const PASSWORD: &str = "DIRECTUS_ADMIN_PASSWORD";
const VARIABLES: [&str; 4] = [URL, TOKEN, EMAIL, PASSWORD];

/// The variables that Lockstep listens to; the real environment wins over the `.env` file, and empty counts as unset.
#[derive(Default)]
pub(crate) struct Environment {
    real: BTreeMap<String, String>,
    file: Option<(PathBuf, BTreeMap<String, String>)>,
}

impl Environment {
    /// An environment of given variables and the `.env` file of `directory`, if there is one.
    ///
    /// # Errors
    /// A `.env` that cannot be read or understood.
    pub(crate) fn new(real: BTreeMap<String, String>, directory: &Path) -> Result<Self, ConfigError> {
        let path = directory.join(".env");
        let text = match std::fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
                return Ok(Self { real, file: None });
            }
            Err(source) => return Err(ConfigError::Unreadable { path, source }),
        };
        match dotenv::parse(&text) {
            Ok(variables) => Ok(Self { real, file: Some((path, variables)) }),
            Err(error) => Err(ConfigError::DotEnv { path, line: error.line, problem: error.problem }),
        }
    }

    /// The environment of this process and the `.env` file of `directory`.
    ///
    /// # Errors
    /// As [`Environment::new`].
    pub(crate) fn load(directory: &Path) -> Result<Self, ConfigError> {
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self::new(std::env::vars_os().filter_map(text).collect(), directory)
    }

    /// The variables of the `.env` file, whatever their names.
    pub(crate) fn of_file(&self) -> impl Iterator<Item = (&String, &String)> {
        self.file.iter().flat_map(|(_, variables)| variables)
    }

    /// All variables; the real environment wins over the `.env` file.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let real = self.real.iter();
        self.of_file().chain(real).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// A layer per variable that is set, strongest first.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let real = VARIABLES.iter().filter_map(|name| layer(name, Origin::Environment(name), &self.real));
        let file = self.file.iter().flat_map(|(path, variables)| {
            let origin = |variable| Origin::DotEnv { variable, file: path.clone() };
            VARIABLES.iter().filter_map(move |name| layer(name, origin(name), variables))
        });
        real.chain(file).collect()
    }
}

fn layer(name: &str, origin: Origin, variables: &BTreeMap<String, String>) -> Option<Layer> {
    let value = variables.get(name).filter(|value| !value.trim().is_empty())?.clone();
    let mut values = Values::default();
    match name {
        URL => values.directus_url = Some(value),
        TOKEN => values.directus_token = Some(value.into()),
        EMAIL => values.directus_email = Some(value),
        _ => values.directus_password = Some(value.into()),
    }
    Some(Layer { origin, values })
}
