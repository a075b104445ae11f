//! The environment and the `.env` file of the working directory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::dotenv;
use super::error::ConfigError;
use super::keys;
use super::layer::{Layer, Origin, Values};

/// The variable that names the profile.
pub(crate) const PROFILE: &str = "LOCKSTEP_PROFILE";

/// The variables of a run; the real environment wins over the `.env` file. Of those that stand for options, an empty one
/// counts as unset.
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

    /// A variable, as it is.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let of_file = || self.file.as_ref().and_then(|(_, variables)| variables.get(name));
        self.real.get(name).or_else(of_file).map(String::as_str)
    }

    /// All variables; the real environment wins over the `.env` file.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let of_file = self.file.iter().flat_map(|(_, variables)| variables);
        of_file.chain(&self.real).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The profile that the environment names.
    pub(crate) fn profile(&self) -> Option<(&str, Origin)> {
        let (value, origin) = self.option(Cow::Borrowed(PROFILE))?;
        Some((value.trim(), origin))
    }

    /// A layer per variable that is set, strongest first: the token of the profile says more than one for everything.
    pub(crate) fn layers(&self, profile: Option<&str>) -> Vec<Layer> {
        let of_profile = profile.map(|name| (Cow::Owned(token_of(name)), "directusToken"));
        let plain = keys::variables().map(|(key, variable)| (Cow::Borrowed(variable), key.name));
        let plain: Vec<_> = plain.collect();
        let options = of_profile.into_iter().chain(plain);
        options.filter_map(|(variable, key)| self.layer(variable, key)).collect()
    }

    /// The layer of the token of a profile.
    pub(crate) fn token(&self, profile: Option<&str>) -> Vec<Layer> {
        let variable = profile.map(|name| Cow::Owned(token_of(name)));
        variable.and_then(|variable| self.layer(variable, "directusToken")).into_iter().collect()
    }

    fn layer(&self, variable: Cow<'static, str>, key: &str) -> Option<Layer> {
        let (value, origin) = self.option(variable.clone())?;
        let value = value.to_owned();
        let mut values = Values::default();
        match key {
            "directusUrl" => values.directus_url = Some(value),
            "directusEmail" => values.directus_email = Some(value),
            "directusToken" => values.directus_token = Some(value.into()),
            _ => values.directus_password = Some(value.into()),
        }
        let is_secret = matches!(key, "directusToken" | "directusPassword");
        values.plain_secrets.extend(is_secret.then(|| variable.into_owned()));
        Some(Layer { origin, values })
    }

    /// A variable that stands for an option.
    fn option(&self, variable: Cow<'static, str>) -> Option<(&str, Origin)> {
        if let Some(value) = filled(&self.real, &variable) {
            return Some((value, Origin::Environment(variable)));
        }
        let (file, variables) = self.file.as_ref()?;
        let value = filled(variables, &variable)?;
        Some((value, Origin::DotEnv { variable, file: file.clone() }))
    }
}

fn filled<'a>(variables: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
}

/// The variable with the token of a profile: `LOCKSTEP_EU_WEST_TOKEN` for `eu-west`.
pub(crate) fn token_of(profile: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("LOCKSTEP_{}_TOKEN", profile.chars().map(plain).collect::<String>())
}
