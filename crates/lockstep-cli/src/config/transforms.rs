//! `records` and `overrides`, as files say them, and the rules that they make.

use std::path::PathBuf;

use lockstep_core::collection::{self, Collection, Key};
use lockstep_core::nearest::nearest;
use lockstep_core::transform::{CollectionRules, Filter, Override, Path, Transforms};
use serde_json::{Map, Value};

use super::error::ConfigError;
use super::settings::Settings;

/// What one source says of the records of one collection.
#[derive(Debug, Clone)]
pub(crate) struct RecordsValues {
    /// Without prefix.
    pub(crate) collection: String,
    /// A filter of Directus.
    pub(crate) filter: Option<Value>,
    /// Fields that take no part.
    pub(crate) ignore: Vec<String>,
    /// Where it stands, with dots.
    pub(crate) place: String,
    /// In which file.
    pub(crate) path: PathBuf,
}

/// One of the overrides of a source.
#[derive(Debug, Clone)]
pub(crate) struct OverrideValues {
    /// As written.
    pub(crate) collection: String,
    /// Which records.
    pub(crate) matches: Option<Value>,
    /// Path, value, and the value as written, variables and all.
    pub(crate) set: Vec<(String, Value, Value)>,
    /// Where it stands, with dots and indexes.
    pub(crate) place: String,
    /// In which file.
    pub(crate) path: PathBuf,
}

/// The `records` of a checked file.
pub(crate) fn records(path: &std::path::Path, place: &str, keys: &Map<String, Value>) -> Vec<RecordsValues> {
    let of = |(name, value): (&String, &Value)| RecordsValues {
        collection: name.strip_prefix("directus_").unwrap_or(name).to_owned(),
        filter: value.get("filter").cloned(),
        ignore: texts(value.get("ignoreFields")),
        place: format!("{place}records.{name}"),
        path: path.to_owned(),
    };
    keys.get("records").and_then(Value::as_object).into_iter().flatten().map(of).collect()
}

/// The `overrides` of a checked file; `written` has them as they were before their variables were filled in.
pub(crate) fn overrides(
    path: &std::path::Path,
    place: &str,
    keys: &Map<String, Value>,
    written: &Map<String, Value>,
) -> Vec<OverrideValues> {
    let list = |keys: &Map<String, Value>| keys.get("overrides").and_then(Value::as_array).cloned();
    let (filled, written) = (list(keys).unwrap_or_default(), list(written).unwrap_or_default());
    let of = |(index, (filled, written)): (usize, (Value, Value))| {
        let set = |value: &Value| value.get("set").and_then(Value::as_object).cloned().unwrap_or_default();
        let written = set(&written);
        let as_written = |path: &String, value: &Value| written.get(path).unwrap_or(value).clone();
        OverrideValues {
            collection: filled["collection"].as_str().unwrap_or_default().to_owned(),
            matches: filled.get("match").cloned(),
            set: set(&filled)
                .into_iter()
                .map(|(path, value)| {
                    let written = as_written(&path, &value);
                    (path, value, written)
                })
                .collect(),
            place: format!("{place}overrides[{index}]"),
            path: path.to_owned(),
        }
    };
    filled.into_iter().zip(written).enumerate().map(of).collect()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Settings {
    /// The rules for records.
    ///
    /// # Errors
    /// One that cannot be followed, or refers to a variable that is not set.
    pub(crate) fn transforms(&self) -> Result<Transforms, ConfigError> {
        if let Some(unset) = &self.unset {
            return Err(ConfigError::UnsetVariable(unset.clone()));
        }
        let mut transforms = Transforms::default();
        for (values, _) in &self.records {
            let wrong = |key: &str, problem: String| values.wrong(key, problem);
            let collection =
                Collection::named(&values.collection).ok_or_else(|| wrong("", "is no collection".into()))?;
            let rules: &mut CollectionRules = transforms.records.entry(collection.name).or_default();
            if let (Some(filter), None) = (&values.filter, &rules.filter) {
                let place = format!("{}: {}.filter", shown(&values.path), values.place);
                let parsed = Filter::parse(filter);
                let parsed = parsed.map_err(|error| wrong(&within("filter", &error.at), error.problem))?;
                rules.filter = Some((parsed, place));
            }
            for field in &values.ignore {
                check_ignored(collection, field).map_err(|problem| wrong("ignoreFields", problem))?;
                let place = format!("{}: {}.ignoreFields", shown(&values.path), values.place);
                rules.ignored.push((field.clone(), place));
            }
        }
        for (values, _) in &self.overrides {
            transforms.overrides.push(values.parsed()?);
        }
        Ok(transforms)
    }
}

impl RecordsValues {
    fn wrong(&self, key: &str, problem: String) -> ConfigError {
        ConfigError::Transform { path: self.path.clone(), key: within(&self.place, key), problem }
    }
}

impl OverrideValues {
    fn parsed(&self) -> Result<Override, ConfigError> {
        let wrong = |key: &str, problem: String| {
            let key = within(&self.place, key);
            ConfigError::Transform { path: self.path.clone(), key, problem }
        };
        let unknown = || {
            let short = self.collection.strip_prefix("directus_").unwrap_or(&self.collection);
            let nearest = nearest(short, &collection::names()).map(str::to_owned);
            let key = format!("{}.collection", self.place);
            ConfigError::NotACollection { path: self.path.clone(), key, nearest }
        };
        let collection = Collection::named(&self.collection).ok_or_else(unknown)?;
        let matches = match &self.matches {
            Some(filter) => {
                let parsed = Filter::parse(filter);
                Some(parsed.map_err(|error| wrong(&within("match", &error.at), error.problem))?)
            }
            None if collection.key == Key::Singleton => None,
            None => return Err(wrong("match", "is missing: it says which records are meant".into())),
        };
        let mut set = Vec::new();
        for (path, value, written) in &self.set {
            let key = format!("set.{path}");
            let parsed = Path::parse(path).ok_or_else(|| wrong(&key, "is no path".into()))?;
            if parsed.field() == "_syncId" || collection.ignores(parsed.field()) {
                return Err(wrong(&key, "cannot be set: it is no part of a dump".into()));
            }
            set.push((parsed, value.clone(), written.clone()));
        }
        let place = format!("{}: {}", shown(&self.path), self.place);
        Ok(Override { collection: collection.name, matches, set, place })
    }
}

/// What records are recognized by has to be there.
fn check_ignored(collection: &Collection, field: &str) -> Result<(), String> {
    let name = collection.name;
    if field.contains(['.', '[']) {
        return Err(format!("names {field}, but only whole fields can be ignored"));
    }
    if matches!(field, "id" | "_syncId") || collection.natural_key.contains(&field) {
        return Err(format!("names {field}, by which records of {name} are recognized"));
    }
    Ok(())
}

fn within(place: &str, key: &str) -> String {
    if key.is_empty() { place.to_owned() } else { format!("{place}.{key}") }
}

/// The file's name: its folder is known.
fn shown(path: &std::path::Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
