//! The effective configuration of a run.

use std::path::{Path, PathBuf};

use lockstep_core::identity::PreserveIds;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::collections;
use super::discovery::joined;
use super::error::{ConfigError, Warning};
use super::layer::{Layer, Origin, SeedPath, StateChoice, Unset, Values};
use super::merge::{concatenated, first, lists};
use super::transforms::{OverrideValues, RecordsValues};

/// A value and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub(crate) value: T,
    /// Its source.
    pub(crate) origin: Origin,
}

impl<T> Sourced<T> {
    /// A value nobody gave.
    pub(crate) fn default_of(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// The same origin with another value.
    ///
    /// # Errors
    /// What `change` refuses.
    pub(crate) fn try_map<U, E>(
        self,
        change: impl FnOnce(T, &Origin) -> Result<U, E>,
    ) -> Result<Sourced<U>, E> {
        Ok(Sourced { value: change(self.value, &self.origin)?, origin: self.origin })
    }
}

/// Everything that a run can be told in more than one place, decided.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Show every request.
    pub(crate) debug: Sourced<bool>,
    /// Sort the keys of written JSON.
    pub(crate) sort_json: Sourced<bool>,
    /// The folder of the dump, absolute.
    pub(crate) dump_path: Sourced<PathBuf>,
    /// The folder of the collections, absolute.
    pub(crate) collections_path: Sourced<PathBuf>,
    /// The folder of the schema snapshot, absolute.
    pub(crate) snapshot_path: Sourced<PathBuf>,
    /// The folder of the API specifications, absolute.
    pub(crate) specs_path: Sourced<PathBuf>,
    /// Seed folders or files, absolute.
    pub(crate) seed_path: Sourced<Vec<PathBuf>>,
    /// The folder of content, absolute.
    pub(crate) content_path: Sourced<PathBuf>,
    /// Do the system collections take part?
    pub(crate) collections: Sourced<bool>,
    /// Does the schema take part?
    pub(crate) snapshot: Sourced<bool>,
    /// Is the snapshot split into files?
    pub(crate) split: Sourced<bool>,
    /// Are API specifications written?
    pub(crate) specs: Sourced<bool>,
    /// Do the attachments of policies to roles take part?
    pub(crate) sync_policy_roles: Sourced<bool>,
    /// Only these collections, sorted; empty: all. See [`Settings::takes_part`].
    pub(crate) only_collections: Sourced<Vec<String>>,
    /// Not these collections, sorted.
    pub(crate) exclude_collections: Sourced<Vec<String>>,
    /// Whose ids are kept.
    pub(crate) preserve_ids: Sourced<PreserveIds>,
    /// Accepted for compatibility; 0 is no limit.
    pub(crate) max_push_retries: Sourced<u32>,
    /// Where the target's mappings are.
    pub(crate) state: Sourced<StateChoice>,
    /// The file of the mappings, absolute; `None`: beside the dump.
    pub(crate) state_file: Option<Sourced<PathBuf>>,
    /// What is said of records, strongest first.
    pub(crate) records: Vec<(RecordsValues, Origin)>,
    /// The overrides, weakest first.
    pub(crate) overrides: Vec<(OverrideValues, Origin)>,
    /// Why they cannot be used.
    pub(crate) unset: Option<Unset>,
    /// What is replicated live, as it is written.
    pub(crate) live_written: Option<Value>,
    pub(super) live: Needed<Value>,
    pub(super) url: Needed<String>,
    pub(super) token: Needed<SecretString>,
    pub(super) email: Needed<String>,
    pub(super) password: Needed<SecretString>,
}

/// A value that is not always needed, so that a variable may be missing in it.
pub(super) type Needed<T> = Option<Result<Sourced<T>, Unset>>;

/// Which instance, as whom.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// `http://` or `https://`, without spaces around it.
    pub(crate) url: Sourced<String>,
    /// As whom.
    pub(crate) credentials: Credentials,
}

/// How to log in.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    /// A static token; email and password are then ignored, unless only they are typed.
    Token(Sourced<SecretString>),
    /// Email and password.
    Login {
        /// The email.
        email: Sourced<String>,
        /// The password.
        password: Sourced<SecretString>,
    },
}

impl Credentials {
    /// What they are and where they come from, without a secret.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Token(token) => format!("the token of {}", token.origin),
            Self::Login { email, password } => {
                format!("{} with the password of {}", email.value, password.origin)
            }
        }
    }
}

impl Settings {
    /// Lays `layers` (strongest first) over each other; relative paths are relative to `directory`, also those that
    /// a configuration file elsewhere gives, as in directus-sync.
    ///
    /// # Errors
    /// A name that is no collection, or whose ids cannot be preserved.
    pub(crate) fn from_layers(layers: &[Layer], directory: &Path) -> Result<Self, ConfigError> {
        let dump_path = path_or(layers, directory, |v| &v.dump_path, "./directus-config");
        let in_dump = dump_path.value.clone();
        let state_file = first(layers, |v| v.state_file.clone()).map(|file| absolute(file, directory));
        Ok(Self {
            debug: flag(layers, |v| v.debug, false),
            sort_json: flag(layers, |v| v.sort_json, false),
            collections_path: path_or(layers, &in_dump, |v| &v.collections_path, "collections"),
            snapshot_path: path_or(layers, &in_dump, |v| &v.snapshot_path, "snapshot"),
            specs_path: path_or(layers, &in_dump, |v| &v.specs_path, "specs"),
            seed_path: seed_path(layers, directory),
            content_path: path_or(layers, directory, |v| &v.content_path, "./directus-config/content"),
            dump_path,
            collections: flag(layers, |v| v.collections, true),
            snapshot: flag(layers, |v| v.snapshot, true),
            split: flag(layers, |v| v.split, true),
            specs: flag(layers, |v| v.specs, true),
            sync_policy_roles: flag(layers, |v| v.sync_policy_roles, true),
            only_collections: concatenated(layers, |v| v.only_collections.clone(), |_| false)
                .try_map(collections::names)?,
            exclude_collections: concatenated(layers, |v| v.exclude_collections.clone(), |_| false)
                .try_map(collections::names)?,
            preserve_ids: concatenated(layers, |v| v.preserve_ids.clone(), collections::is_keyword)
                .try_map(collections::preserve_ids)?,
            max_push_retries: first(layers, |v| v.max_push_retries).unwrap_or(Sourced::default_of(20)),
            state: state(layers, state_file.as_ref()),
            state_file,
            records: with_origin(layers, |v| &v.records).collect(),
            overrides: overrides(layers),
            unset: needed::<()>(layers, "records", |_| None)
                .or(needed(layers, "overrides", |_| None))
                .and_then(Result::err),
            live_written: layers.iter().find_map(|layer| layer.values.live_written.clone()),
            live: needed(layers, "live", |v| v.live.clone()),
            url: needed(layers, "directusUrl", |v| filled(v.directus_url.as_deref())),
            token: needed(&with_login(layers), "directusToken", |v| filled_secret(v.directus_token.as_ref())),
            email: needed(layers, "directusEmail", |v| filled(v.directus_email.as_deref())),
            password: needed(layers, "directusPassword", |v| filled_secret(v.directus_password.as_ref())),
        })
    }

    /// A warning where the environment says another URL than the profile that was asked for.
    pub(crate) fn beats(&self, profile: &str, url: Option<&str>) -> Option<Warning> {
        let of_profile = url?.trim();
        let Some(Ok(Sourced { value, origin })) = &self.url else { return None };
        let by_environment = matches!(origin, Origin::Environment(_) | Origin::DotEnv { .. });
        (by_environment && value != of_profile).then(|| Warning::ProfileBeaten {
            origin: origin.clone(),
            profile: profile.to_owned(),
            url: without_user(value),
        })
    }

    /// What is replicated live.
    ///
    /// # Errors
    /// When no file says it, or a variable in it is not set.
    pub(crate) fn live(&self) -> Result<&Value, ConfigError> {
        match &self.live {
            Some(Ok(live)) => Ok(&live.value),
            Some(Err(unset)) => Err(ConfigError::UnsetVariable(unset.clone())),
            None => Err(ConfigError::NoLive),
        }
    }

    /// Does a collection (without the `directus_` prefix) take part?
    pub(crate) fn takes_part(&self, collection: &str) -> bool {
        let names = |list: &Sourced<Vec<String>>| list.value.iter().any(|name| name == collection);
        let only = self.only_collections.value.is_empty() || names(&self.only_collections);
        self.collections.value && only && !names(&self.exclude_collections)
    }

    /// Which instance, where it does not matter as whom.
    ///
    /// # Errors
    /// No URL or one that is none; a variable in it that is not set.
    pub(crate) fn url(&self) -> Result<Sourced<String>, ConfigError> {
        let url = self.url.clone().transpose().map_err(ConfigError::UnsetVariable)?;
        url.ok_or(ConfigError::MissingUrl)?.try_map(checked_url)
    }

    /// Which instance, as whom.
    ///
    /// # Errors
    /// No URL or one that is none, no way to log in.
    pub(crate) fn connection(&self) -> Result<Connection, ConfigError> {
        let url = self.url()?;
        // Who types an email address, and has a password, does not mean a token from elsewhere.
        let by_password = is_typed(&self.email) && self.password.is_some() && !is_typed(&self.token);
        let token = self.token.clone().filter(|_| !by_password);
        if let Some(token) = token.transpose().map_err(ConfigError::UnsetVariable)? {
            return Ok(Connection { url, credentials: Credentials::Token(token) });
        }
        let email = self.email.clone().transpose().map_err(ConfigError::UnsetVariable)?;
        let password = self.password.clone().transpose().map_err(ConfigError::UnsetVariable)?;
        let credentials = match (email, password) {
            (Some(email), Some(password)) => Credentials::Login { email, password },
            (Some(email), None) => return Err(ConfigError::MissingPassword { origin: email.origin }),
            (None, Some(password)) => return Err(ConfigError::MissingEmail { origin: password.origin }),
            (None, None) => return Err(ConfigError::MissingCredentials),
        };
        Ok(Connection { url, credentials })
    }
}

fn is_typed<T>(value: &Needed<T>) -> bool {
    matches!(value, Some(Ok(value)) if value.origin == Origin::CommandLine)
}

fn flag(layers: &[Layer], pick: impl Fn(&Values) -> Option<bool>, otherwise: bool) -> Sourced<bool> {
    first(layers, pick).unwrap_or(Sourced::default_of(otherwise))
}

fn path_or(
    layers: &[Layer],
    base: &Path,
    pick: impl Fn(&Values) -> &Option<PathBuf>,
    otherwise: &str,
) -> Sourced<PathBuf> {
    let path = first(layers, |v| pick(v).clone()).unwrap_or(Sourced::default_of(otherwise.into()));
    absolute(path, base)
}

fn absolute(path: Sourced<PathBuf>, base: &Path) -> Sourced<PathBuf> {
    Sourced { value: joined(base, &path.value), origin: path.origin }
}

fn seed_path(layers: &[Layer], directory: &Path) -> Sourced<Vec<PathBuf>> {
    let whole = |path: &SeedPath| !matches!(path, SeedPath::Many(_));
    let list = lists(layers, |v| {
        v.seed_path.as_ref().map(|path| match path {
            SeedPath::One(one) => (vec![one.clone()], whole(path)),
            SeedPath::Many(many) | SeedPath::Typed(many) => (many.clone(), whole(path)),
        })
    });
    let list = list.unwrap_or(Sourced::default_of(vec!["./directus-config/seed".into()]));
    let value = list.value.iter().map(|path| joined(directory, path)).collect();
    Sourced { value, origin: list.origin }
}

/// Naming a file means the file, unless something else is said explicitly.
fn state(layers: &[Layer], file: Option<&Sourced<PathBuf>>) -> Sourced<StateChoice> {
    match (first(layers, |v| v.state), file) {
        (Some(choice), _) => choice,
        (None, Some(file)) => Sourced { value: StateChoice::File, origin: file.origin.clone() },
        (None, None) => Sourced::default_of(StateChoice::Auto),
    }
}

/// The value of the strongest layer that gives one, or wants to.
fn needed<T>(layers: &[Layer], key: &str, pick: impl Fn(&Values) -> Option<T>) -> Needed<T> {
    layers.iter().find_map(|layer| {
        let unset = layer.values.unset.iter().find(|unset| unset.key == key);
        let value = pick(&layer.values).map(|value| Ok(Sourced { value, origin: layer.origin.clone() }));
        value.or(unset.map(|unset| Err(unset.clone())))
    })
}

/// The layers that may give a token: with a login of its own, a profile does not take that of the file.
fn with_login(layers: &[Layer]) -> Vec<Layer> {
    let of_profile = |layer: &Layer| matches!(layer.origin, Origin::Profile { .. });
    let has_login = |layer: &Layer| {
        let unset = layer.values.unset.iter().any(|unset| unset.key == "directusPassword");
        layer.values.directus_password.is_some() || unset
    };
    let hidden = layers.iter().any(|layer| of_profile(layer) && has_login(layer));
    let kept = layers.iter().filter(|layer| !hidden || !matches!(layer.origin, Origin::File(_)));
    kept.cloned().collect()
}

fn with_origin<'a, T: Clone + 'a>(
    layers: &'a [Layer],
    pick: impl Fn(&Values) -> &Vec<T> + 'a,
) -> impl Iterator<Item = (T, Origin)> + 'a {
    layers.iter().flat_map(move |layer| {
        let of_layer: Vec<_> =
            pick(&layer.values).iter().map(|value| (value.clone(), layer.origin.clone())).collect();
        of_layer
    })
}

/// The weakest source first, each in its own order: what comes later wins.
fn overrides(layers: &[Layer]) -> Vec<(OverrideValues, Origin)> {
    layers.iter().rev().flat_map(|layer| with_origin(std::slice::from_ref(layer), |v| &v.overrides)).collect()
}

fn filled(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn filled_secret(value: Option<&SecretString>) -> Option<SecretString> {
    value.filter(|value| !value.expose_secret().is_empty()).cloned()
}

fn checked_url(url: String, origin: &Origin) -> Result<String, ConfigError> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match host {
        Some(host) if !host.is_empty() && !url.contains(char::is_whitespace) => Ok(url),
        _ => Err(ConfigError::InvalidUrl { url: without_user(&url), origin: origin.clone() }),
    }
}

/// A URL may carry a password before the `@`: it is never shown.
pub(super) fn without_user(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => url.to_owned(),
    }
}
