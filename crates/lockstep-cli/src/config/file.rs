//! One configuration file, JSON or JavaScript: its keys and their types.

use std::path::Path;

use lockstep_core::nearest::nearest;
use lockstep_engine::dump::{Misread, misread};
use serde_json::{Map, Value};

use super::error::{ConfigError, Warning};
use super::layer::{SeedPath, StateChoice, Values};
use super::script::{self, Scripts};

/// All keys: those of directus-sync, then Lockstep's own.
const KEYS: [&str; 26] = [
    "extends",
    "debug",
    "directusUrl",
    "directusToken",
    "directusEmail",
    "directusPassword",
    "directusConfig",
    "sortJson",
    "dumpPath",
    "seedPath",
    "collectionsPath",
    "onlyCollections",
    "excludeCollections",
    "collections",
    "syncPolicyRoles",
    "preserveIds",
    "maxPushRetries",
    "snapshotPath",
    "snapshot",
    "split",
    "specsPath",
    "specs",
    "hooks",
    "state",
    "stateFile",
    "$schema",
];

/// What a file says.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    /// The parents, as written.
    pub(crate) extends: Vec<String>,
    /// The settings.
    pub(crate) values: Values,
}

/// Reads a configuration file.
///
/// # Errors
/// It cannot be read, is not JSON, is no object, or has a value of the wrong type.
pub(crate) fn read(
    path: &Path,
    scripts: &mut Scripts,
    warnings: &mut Vec<Warning>,
) -> Result<ConfigFile, ConfigError> {
    if script::is_script(path) {
        let value = scripts.load(path)?;
        return checked(path, of_object(path, value)?, warnings);
    }
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let keys = object(path, text.strip_prefix('\u{feff}').unwrap_or(&text))?;
    checked(path, keys, warnings)
}

fn checked(
    path: &Path,
    keys: Map<String, Value>,
    warnings: &mut Vec<Warning>,
) -> Result<ConfigFile, ConfigError> {
    let keys = Keys { path, keys };
    keys.check_hooks()?;
    warnings.extend(keys.unknown());
    warnings.extend(keys.without_effect()?);
    Ok(ConfigFile { extends: keys.strings("extends")?.unwrap_or_default(), values: keys.values()? })
}

fn of_object(path: &Path, value: Value) -> Result<Map<String, Value>, ConfigError> {
    match value {
        Value::Object(keys) => Ok(keys),
        other => Err(ConfigError::NotAnObject { path: path.to_owned(), found: described(&other) }),
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

struct Keys<'a> {
    path: &'a Path,
    keys: Map<String, Value>,
}

impl Keys<'_> {
    fn values(&self) -> Result<Values, ConfigError> {
        Ok(Values {
            debug: self.flag("debug")?,
            directus_url: self.string("directusUrl")?,
            directus_token: self.string("directusToken")?.map(Into::into),
            directus_email: self.string("directusEmail")?,
            directus_password: self.string("directusPassword")?.map(Into::into),
            sort_json: self.flag("sortJson")?,
            dump_path: self.string("dumpPath")?.map(Into::into),
            collections_path: self.string("collectionsPath")?.map(Into::into),
            snapshot_path: self.string("snapshotPath")?.map(Into::into),
            specs_path: self.string("specsPath")?.map(Into::into),
            seed_path: self.seed_path()?,
            collections: self.flag("collections")?,
            snapshot: self.flag("snapshot")?,
            split: self.flag("split")?,
            specs: self.flag("specs")?,
            sync_policy_roles: self.flag("syncPolicyRoles")?,
            only_collections: self.strings("onlyCollections")?,
            exclude_collections: self.strings("excludeCollections")?,
            preserve_ids: self.preserve_ids()?,
            max_push_retries: self.count("maxPushRetries")?,
            state: self.state()?,
            state_file: self.string("stateFile")?.map(Into::into),
        })
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        match self.keys.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong(key, "true or false", other)),
        }
    }

    fn string(&self, key: &str) -> Result<Option<String>, ConfigError> {
        match self.keys.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(key, "a string", other)),
        }
    }

    fn strings(&self, key: &str) -> Result<Option<Vec<String>>, ConfigError> {
        match self.keys.get(key) {
            None => Ok(None),
            Some(Value::Array(items)) => self.items(key, items).map(Some),
            Some(other) => Err(self.wrong(key, "an array of strings", other)),
        }
    }

    fn items(&self, key: &str, items: &[Value]) -> Result<Vec<String>, ConfigError> {
        let item = |(index, item): (usize, &Value)| match item {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.wrong(&format!("{key}[{index}]"), "a string", other)),
        };
        items.iter().enumerate().map(item).collect()
    }

    fn count(&self, key: &str) -> Result<Option<u32>, ConfigError> {
        let Some(value) = self.keys.get(key) else { return Ok(None) };
        let count = match value {
            Value::Number(number) => number.as_u64().and_then(|count| u32::try_from(count).ok()),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        count.map(Some).ok_or_else(|| self.wrong(key, "a whole number from 0", value))
    }

    fn seed_path(&self) -> Result<Option<SeedPath>, ConfigError> {
        let key = "seedPath";
        match self.keys.get(key) {
            None => Ok(None),
            Some(Value::String(path)) => Ok(Some(SeedPath::One(path.into()))),
            Some(Value::Array(items)) => {
                let paths = self.items(key, items)?;
                Ok(Some(SeedPath::Many(paths.into_iter().map(Into::into).collect())))
            }
            Some(other) => Err(self.wrong(key, "a string or an array of strings", other)),
        }
    }

    fn preserve_ids(&self) -> Result<Option<Vec<String>>, ConfigError> {
        let key = "preserveIds";
        match self.keys.get(key) {
            None => Ok(None),
            Some(Value::Array(items)) => self.items(key, items).map(Some),
            Some(Value::String(word)) if matches!(word.as_str(), "all" | "*" | "none") => {
                Ok(Some(vec![word.clone()]))
            }
            Some(other) => Err(self.wrong(key, "an array of collections, \"all\", \"*\" or \"none\"", other)),
        }
    }

    fn state(&self) -> Result<Option<StateChoice>, ConfigError> {
        let key = "state";
        let Some(value) = self.keys.get(key) else { return Ok(None) };
        let choice = match value.as_str() {
            Some("auto") => StateChoice::Auto,
            Some("extension") => StateChoice::Extension,
            Some("table") => StateChoice::Table,
            Some("file") => StateChoice::File,
            _ => return Err(self.wrong(key, "\"auto\", \"extension\", \"table\" or \"file\"", value)),
        };
        Ok(Some(choice))
    }

    fn unknown(&self) -> impl Iterator<Item = Warning> {
        let unknown = self.keys.keys().filter(|key| !KEYS.contains(&key.as_str()));
        unknown.map(|key| Warning::UnknownKey {
            path: self.path.to_owned(),
            key: key.clone(),
            nearest: nearest(key, &KEYS),
        })
    }

    /// `directusConfig` holds options of the JavaScript SDK: functions, and little else.
    fn without_effect(&self) -> Result<Vec<Warning>, ConfigError> {
        let options = match self.keys.get("directusConfig") {
            None => return Ok(Vec::new()),
            Some(Value::Object(options)) => options,
            Some(other) => return Err(self.wrong("directusConfig", "an object", other)),
        };
        let path = || self.path.to_owned();
        let warning = |(name, value): (&String, &Value)| {
            let key = format!("directusConfig.{name}");
            match (name.as_str(), value) {
                ("clientOptions" | "restConfig", Value::Object(inner)) if inner.is_empty() => Ok(None),
                // Of a script only what is no function is left here.
                ("clientOptions" | "restConfig", Value::Object(_)) if script::is_script(self.path) => {
                    Ok(None)
                }
                ("clientOptions" | "restConfig", Value::Object(_)) => {
                    Ok(Some(Warning::NoEffect { path: path(), key }))
                }
                ("clientOptions" | "restConfig", other) => Err(self.wrong(&key, "an object", other)),
                _ => {
                    let nearest = nearest(name, &["clientOptions", "restConfig"]);
                    Ok(Some(Warning::UnknownKey { path: path(), key, nearest }))
                }
            }
        };
        options.iter().filter_map(|option| warning(option).transpose()).collect()
    }

    /// Hooks are functions; those of scripts are not among the keys any more.
    fn check_hooks(&self) -> Result<(), ConfigError> {
        let hooks = match self.keys.get("hooks") {
            None => return Ok(()),
            Some(Value::Object(hooks)) => hooks,
            Some(other) => return Err(self.wrong("hooks", "an object", other)),
        };
        let given = |value: &Value| !value.as_object().is_some_and(Map::is_empty);
        if script::is_script(self.path) {
            let wrong = hooks.iter().find_map(|(subject, value)| {
                let (name, found) = match value {
                    Value::Object(inner) => inner.iter().find(|(_, value)| !value.is_null())?,
                    other => return Some((format!("hooks.{subject}"), "an object of functions", other)),
                };
                Some((format!("hooks.{subject}.{name}"), "a function", found))
            });
            return wrong.map_or(Ok(()), |(key, expected, found)| Err(self.wrong(&key, expected, found)));
        }
        match hooks.iter().find(|(_, value)| given(value)) {
            None => Ok(()),
            Some((name, _)) => {
                Err(ConfigError::HooksInJson { path: self.path.to_owned(), key: format!("hooks.{name}") })
            }
        }
    }

    fn wrong(&self, key: &str, expected: &'static str, found: &Value) -> ConfigError {
        let found = match found {
            Value::String(_) if is_secret(key) => "a string".to_owned(),
            other => described(other),
        };
        ConfigError::WrongType { path: self.path.to_owned(), key: key.to_owned(), expected, found }
    }
}

fn is_secret(key: &str) -> bool {
    matches!(key, "directusToken" | "directusPassword")
}

/// A JSON value in a sentence: its kind, and short texts and booleans themselves.
fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(_) => "a number".into(),
        Value::String(text) if text.chars().count() <= 40 => format!("the string {value}"),
        Value::String(_) => "a string".into(),
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
    }
}
