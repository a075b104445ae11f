//! One configuration file, JSON or JavaScript: read, its variables filled in, checked, and taken apart.

use std::path::Path;

use lockstep_engine::dump::{Misread, misread};
use serde_json::{Map, Value};

use super::environment::Environment;
use super::error::{ConfigError, Warning};
use super::keys::{self, Kind, Role};
use super::layer::{SeedPath, StateChoice, Unset, Values};
use super::script::{self, Scripts};
use super::{transforms, variables};

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    /// The parents, as written.
    pub(crate) extends: Vec<String>,
    /// The settings.
    pub(crate) values: Values,
    /// Those of the chosen profile, if the file has it.
    pub(crate) profile: Option<Values>,
    /// The names of all its profiles.
    pub(crate) profiles: Vec<String>,
}

/// Reads a configuration file. Of its profiles only `profile` has its variables filled in.
///
/// # Errors
/// It cannot be read, is neither JSON nor JavaScript, is no object, has a value of the wrong type, or refers to a variable
/// that is not set.
pub(crate) fn read(
    path: &Path,
    profile: Option<&str>,
    environment: &Environment,
    scripts: &mut Scripts,
    warnings: &mut Vec<Warning>,
) -> Result<ConfigFile, ConfigError> {
    script::refuse_typescript(path)?;
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    if script::is_script(path) {
        let keys = of_object(path, scripts.load(path)?)?;
        return understood(path, keys, Some(&text), profile, environment, warnings);
    }
    let keys = object(path, text.strip_prefix('\u{feff}').unwrap_or(&text))?;
    understood(path, keys, None, profile, environment, warnings)
}

fn of_object(path: &Path, value: Value) -> Result<Map<String, Value>, ConfigError> {
    match value {
        Value::Object(keys) => Ok(keys),
        other => Err(ConfigError::NotAnObject { path: path.to_owned(), found: keys::described(&other) }),
    }
}

fn object(path: &Path, text: &str) -> Result<Map<String, Value>, ConfigError> {
    let path = || path.to_owned();
    match serde_json::from_str(text) {
        Ok(value) => of_object(&path(), value),
        Err(error) => {
            let Misread { line, column, reason: problem } = misread(text.as_bytes(), &error);
            Err(ConfigError::NotJson { path: path(), line, column, problem })
        }
    }
}

/// What the keys of a file say, wherever they came from; `script` is the text of a file in JavaScript.
fn understood(
    path: &Path,
    mut keys: Map<String, Value>,
    script: Option<&str>,
    profile: Option<&str>,
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<ConfigFile, ConfigError> {
    let written = keys.clone();
    let mut profiles = match keys.shift_remove("profiles") {
        Some(Value::Object(profiles)) => profiles,
        None => Map::new(),
        Some(other) => {
            keys.insert("profiles".into(), other);
            Map::new()
        }
    };
    let unset = fill(path, "", &mut keys, environment)?;
    let mut unset_of_profile = Vec::new();
    for (name, keys) in profiles.iter_mut().filter_map(|(name, keys)| Some((name, keys.as_object_mut()?))) {
        if Some(name.as_str()) == profile {
            unset_of_profile = fill(path, &format!("profiles.{name}."), keys, environment)?;
        } else {
            // What cannot be filled in cannot be checked.
            keys.retain(|_, value| !variables::refers(value));
        }
    }
    let names: Vec<String> = profiles.keys().cloned().collect();
    if !profiles.is_empty() {
        keys.insert("profiles".into(), Value::Object(profiles));
    }
    keys::check(path, &keys, warnings)?;
    let part = |value: &Value, keys: &[&str]| -> Option<Map<String, Value>> {
        keys.iter().try_fold(value, |value, key| value.get(key))?.as_object().cloned()
    };
    let file = Part { path, place: String::new(), keys: &keys, written: &written };
    let mut values = Values { unset, ..file.values() };
    values.plain_secrets = plain_secrets(&written, script);
    let of_profile = |name: &str| {
        let (all, written) = (Value::Object(keys.clone()), Value::Object(written.clone()));
        let keys = part(&all, &["profiles", name])?;
        let written = part(&written, &["profiles", name])?;
        let place = format!("profiles.{name}.");
        Some(Part { path, place, keys: &keys, written: &written }.values())
    };
    let profile = profile.and_then(of_profile).map(|values| Values { unset: unset_of_profile, ..values });
    Ok(ConfigFile { extends: file.strings("extends").unwrap_or_default(), values, profile, profiles: names })
}

/// Fills in the variables of each key. A key that is not always needed is left out where that is not possible.
fn fill(
    path: &Path,
    place: &str,
    keys: &mut Map<String, Value>,
    environment: &Environment,
) -> Result<Vec<Unset>, ConfigError> {
    let mut unset = Vec::new();
    for (name, value) in keys.iter_mut() {
        let Err(missing) = variables::fill(value, &format!("{place}{name}"), environment) else { continue };
        let key = keys::key(name);
        let missing = Unset {
            key: key.map_or("", |key| key.name),
            place: missing.place,
            path: path.to_owned(),
            variable: missing.variable,
        };
        match key {
            Some(key) if key.role == Role::OnDemand => unset.push(missing),
            // An unknown key is only told of.
            None => {}
            Some(_) => return Err(ConfigError::UnsetVariable(missing)),
        }
    }
    keys.retain(|name, _| !unset.iter().any(|unset| unset.key == name));
    Ok(unset)
}

/// Keys of secrets whose value stands in the file itself, those of profiles among them. A script may take a secret from
/// elsewhere: only one that it spells out is in the file.
fn plain_secrets(written: &Map<String, Value>, script: Option<&str>) -> Vec<String> {
    let stands = |value: &Value| match (value.as_str(), script) {
        (Some(""), _) => false,
        (Some(secret), Some(script)) => script.contains(secret),
        _ => true,
    };
    let secrets = |place: &str, keys: &Map<String, Value>| -> Vec<String> {
        let names = keys::KEYS.iter().filter(|key| matches!(key.kind, Kind::Secret)).map(|key| key.name);
        let plain =
            |name: &&str| keys.get(*name).is_some_and(|value| stands(value) && !variables::refers(value));
        names.filter(plain).map(|name| format!("{place}{name}")).collect()
    };
    let profiles = written.get("profiles").and_then(Value::as_object).into_iter().flatten();
    let of_profiles = profiles
        .filter_map(|(name, keys)| Some(secrets(&format!("profiles.{name}."), keys.as_object()?)))
        .flatten();
    // One is enough to be told of.
    secrets("", written).into_iter().take(1).chain(of_profiles).collect()
}

/// Checked keys: of a file, or of a profile in it.
struct Part<'a> {
    path: &'a Path,
    place: String,
    keys: &'a Map<String, Value>,
    written: &'a Map<String, Value>,
}

impl Part<'_> {
    fn values(&self) -> Values {
        Values {
            debug: self.flag("debug"),
            directus_url: self.string("directusUrl"),
            directus_token: self.string("directusToken").map(Into::into),
            directus_email: self.string("directusEmail"),
            directus_password: self.string("directusPassword").map(Into::into),
            sort_json: self.flag("sortJson"),
            dump_path: self.string("dumpPath").map(Into::into),
            collections_path: self.string("collectionsPath").map(Into::into),
            snapshot_path: self.string("snapshotPath").map(Into::into),
            specs_path: self.string("specsPath").map(Into::into),
            seed_path: self.seed_path(),
            content_path: self.string("contentPath").map(Into::into),
            collections: self.flag("collections"),
            snapshot: self.flag("snapshot"),
            split: self.flag("split"),
            specs: self.flag("specs"),
            sync_policy_roles: self.flag("syncPolicyRoles"),
            only_collections: self.strings("onlyCollections"),
            exclude_collections: self.strings("excludeCollections"),
            preserve_ids: self.strings("preserveIds").or(self.string("preserveIds").map(|word| vec![word])),
            max_push_retries: self.keys.get("maxPushRetries").and_then(keys::count),
            state: self.state(),
            state_file: self.string("stateFile").map(Into::into),
            records: transforms::records(self.path, &self.place, self.keys),
            overrides: transforms::overrides(self.path, &self.place, self.keys, self.written),
            live: self.keys.get("live").cloned(),
            live_written: self.written.get("live").cloned(),
            unset: Vec::new(),
            plain_secrets: Vec::new(),
        }
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.keys.get(key)?.as_bool()
    }

    fn string(&self, key: &str) -> Option<String> {
        Some(self.keys.get(key)?.as_str()?.to_owned())
    }

    fn strings(&self, key: &str) -> Option<Vec<String>> {
        let items = self.keys.get(key)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn seed_path(&self) -> Option<SeedPath> {
        let several = self.strings("seedPath").map(|paths| paths.into_iter().map(Into::into).collect());
        several.map(SeedPath::Many).or(self.string("seedPath").map(|path| SeedPath::One(path.into())))
    }

    fn state(&self) -> Option<StateChoice> {
        match self.keys.get("state")?.as_str()? {
            "extension" => Some(StateChoice::Extension),
            "table" => Some(StateChoice::Table),
            "file" => Some(StateChoice::File),
            _ => Some(StateChoice::Auto),
        }
    }
}
