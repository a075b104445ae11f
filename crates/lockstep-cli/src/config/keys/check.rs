//! Values of a configuration file against their description.

use std::path::Path;

use lockstep_core::collection;
use lockstep_core::nearest::nearest;
use serde_json::{Map, Value};

use super::{KEYS, Key, Kind, Role, of_profile};
use crate::config::error::{ConfigError, Warning};
use crate::config::script;

/// Checks all keys of a file.
///
/// # Errors
/// A value of the wrong type; a key that is unknown where only Lockstep's own are; one that is missing.
pub(crate) fn check(
    path: &Path,
    keys: &Map<String, Value>,
    warnings: &mut Vec<Warning>,
) -> Result<(), ConfigError> {
    let mut checker = Checker { path, warnings };
    checker.unknown_keys(keys);
    for key in KEYS {
        if let Some(value) = keys.get(key.name) {
            checker.value(key.name, &key.kind, value)?;
        }
    }
    Ok(())
}

/// What a value has to be, with an article.
fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Flag => "true or false",
        Kind::Text | Kind::Secret | Kind::Path => "a string",
        Kind::Paths => "a string or an array of strings",
        Kind::Count => "a whole number from 0",
        Kind::Texts | Kind::Collections => "an array of strings",
        Kind::PreservedIds => "an array of collections, \"all\", \"*\" or \"none\"",
        Kind::OneOf(_, words) => words,
        Kind::Collection => "the name of a system collection",
        Kind::Items(_) => "an array of objects",
        Kind::Object(_)
        | Kind::ByCollection(_)
        | Kind::Profiles
        | Kind::Filter
        | Kind::ByPath
        | Kind::Hooks
        | Kind::Live
        | Kind::SdkOptions => "an object",
    }
}

/// A JSON value in a sentence: its kind, and short texts and booleans themselves.
pub(crate) fn described(value: &Value) -> String {
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

struct Checker<'a> {
    path: &'a Path,
    warnings: &'a mut Vec<Warning>,
}

impl Checker<'_> {
    fn value(&mut self, place: &str, kind: &Kind, value: &Value) -> Result<(), ConfigError> {
        match (kind, value) {
            (Kind::Flag, Value::Bool(_))
            | (Kind::Text | Kind::Secret | Kind::Path | Kind::Paths | Kind::Collection, Value::String(_)) => {
                Ok(())
            }
            (Kind::Texts | Kind::Paths | Kind::Collections | Kind::PreservedIds, Value::Array(items)) => {
                self.items(place, &Kind::Text, items)
            }
            (Kind::PreservedIds, Value::String(word)) if matches!(word.as_str(), "all" | "*" | "none") => {
                Ok(())
            }
            (Kind::OneOf(words, _), Value::String(word)) if words.contains(&word.as_str()) => Ok(()),
            (Kind::Count, value) if count(value).is_some() => Ok(()),
            (Kind::Items(kind), Value::Array(items)) => self.items(place, kind, items),
            (Kind::Object(keys), Value::Object(fields)) => self.object(place, keys, fields),
            (Kind::ByCollection(kind), Value::Object(fields)) => self.by_collection(place, kind, fields),
            (Kind::Profiles, Value::Object(profiles)) => self.profiles(place, profiles),
            (Kind::Filter | Kind::ByPath | Kind::Live, Value::Object(_)) => Ok(()),
            (Kind::Hooks, Value::Object(hooks)) => self.hooks(place, hooks),
            (Kind::SdkOptions, Value::Object(options)) => self.sdk_options(place, options),
            (kind, value) => Err(self.wrong(place, kind, value)),
        }
    }

    fn items(&mut self, place: &str, kind: &Kind, items: &[Value]) -> Result<(), ConfigError> {
        items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| self.value(&format!("{place}[{index}]"), kind, item))
    }

    fn object(&mut self, place: &str, keys: &[Key], fields: &Map<String, Value>) -> Result<(), ConfigError> {
        let names: Vec<_> = keys.iter().map(|key| key.name).collect();
        self.refuse_unknown(place, fields, &names)?;
        if let Some(key) =
            keys.iter().find(|key| key.role == Role::Required && !fields.contains_key(key.name))
        {
            let (path, key) = (self.path.to_owned(), format!("{place}.{}", key.name));
            return Err(ConfigError::MissingKey { path, key });
        }
        self.known_keys(place, keys.iter(), fields)
    }

    fn known_keys<'k>(
        &mut self,
        place: &str,
        keys: impl Iterator<Item = &'k Key>,
        fields: &Map<String, Value>,
    ) -> Result<(), ConfigError> {
        for key in keys {
            if let Some(value) = fields.get(key.name) {
                self.value(&format!("{place}.{}", key.name), &key.kind, value)?;
            }
        }
        Ok(())
    }

    fn by_collection(
        &mut self,
        place: &str,
        kind: &Kind,
        fields: &Map<String, Value>,
    ) -> Result<(), ConfigError> {
        let known = collection::names();
        for (name, value) in fields {
            let short = name.strip_prefix("directus_").unwrap_or(name);
            let place = format!("{place}.{name}");
            if !known.contains(&short) {
                let nearest = nearest(short, &known).map(str::to_owned);
                return Err(ConfigError::NotACollection { path: self.path.to_owned(), key: place, nearest });
            }
            self.value(&place, kind, value)?;
        }
        Ok(())
    }

    /// Keys that are Lockstep's own are refused when unknown: a typing error would sync something else than is meant.
    fn profiles(&mut self, place: &str, profiles: &Map<String, Value>) -> Result<(), ConfigError> {
        for (name, profile) in profiles {
            let place = format!("{place}.{name}");
            let Value::Object(fields) = profile else {
                return Err(self.wrong(&place, &Kind::Profiles, profile));
            };
            if let Some(key) =
                KEYS.iter().find(|key| key.role == Role::OfFile && fields.contains_key(key.name))
            {
                let (path, key) = (self.path.to_owned(), format!("{place}.{}", key.name));
                return Err(ConfigError::NotInProfile { path, key });
            }
            let names: Vec<_> = of_profile().map(|key| key.name).collect();
            self.refuse_unknown(&place, fields, &names)?;
            self.known_keys(&place, of_profile(), fields)?;
        }
        Ok(())
    }

    fn refuse_unknown(
        &self,
        place: &str,
        fields: &Map<String, Value>,
        names: &[&'static str],
    ) -> Result<(), ConfigError> {
        match fields.keys().find(|name| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(ConfigError::UnknownKey {
                path: self.path.to_owned(),
                key: format!("{place}.{name}"),
                nearest: nearest(name, names).map(str::to_owned),
            }),
        }
    }

    /// directus-sync ignores them, so a file of its own may hold some.
    fn unknown_keys(&mut self, keys: &Map<String, Value>) {
        let names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
        for key in keys.keys().filter(|name| !names.contains(&name.as_str())) {
            let nearest = nearest(key, &names);
            self.warnings.push(Warning::UnknownKey { path: self.path.to_owned(), key: key.clone(), nearest });
        }
    }

    /// Hooks are functions; those of scripts are not among the keys any more.
    fn hooks(&mut self, place: &str, hooks: &Map<String, Value>) -> Result<(), ConfigError> {
        if script::is_script(self.path) {
            return hooks.iter().try_for_each(|(subject, value)| {
                let place = format!("{place}.{subject}");
                let Value::Object(inner) = value else {
                    return Err(self.not(&place, "an object of functions", value));
                };
                if subject == "collections" {
                    return self.hooks(&place, inner);
                }
                match inner.iter().find(|(_, value)| !value.is_null()) {
                    None => Ok(()),
                    Some((name, value)) => Err(self.not(&format!("{place}.{name}"), "a function", value)),
                }
            });
        }
        let given = |value: &Value| !value.as_object().is_some_and(Map::is_empty);
        match hooks.iter().find(|(_, value)| given(value)) {
            None => Ok(()),
            Some((name, _)) => {
                Err(ConfigError::HooksInJson { path: self.path.to_owned(), key: format!("{place}.{name}") })
            }
        }
    }

    /// They are options of the JavaScript SDK: functions, and little else.
    fn sdk_options(&mut self, place: &str, options: &Map<String, Value>) -> Result<(), ConfigError> {
        for (name, value) in options {
            let key = format!("{place}.{name}");
            let path = self.path.to_owned();
            match (name.as_str(), value) {
                ("clientOptions" | "restConfig", Value::Object(inner)) if inner.is_empty() => {}
                // Of a script only what is no function is left here.
                ("clientOptions" | "restConfig", Value::Object(_)) if script::is_script(self.path) => {}
                ("clientOptions" | "restConfig", Value::Object(_)) => {
                    self.warnings.push(Warning::NoEffect { path, key });
                }
                ("clientOptions" | "restConfig", other) => {
                    return Err(self.wrong(&key, &Kind::SdkOptions, other));
                }
                _ => {
                    let nearest = nearest(name, &["clientOptions", "restConfig"]);
                    self.warnings.push(Warning::UnknownKey { path, key, nearest });
                }
            }
        }
        Ok(())
    }

    fn wrong(&self, place: &str, kind: &Kind, found: &Value) -> ConfigError {
        self.not(place, expected(kind), found)
    }

    fn not(&self, place: &str, expected: &'static str, found: &Value) -> ConfigError {
        let (path, key) = (self.path.to_owned(), place.to_owned());
        ConfigError::WrongType { path, key, expected, found: described(found) }
    }
}

/// A whole number from 0, also as text.
pub(crate) fn count(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|count| u32::try_from(count).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
