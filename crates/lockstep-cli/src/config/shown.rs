//! The effective configuration for people: each key with its value and where that came from.

use std::path::PathBuf;

use lockstep_core::identity::PreserveIds;
use lockstep_core::record::CONCEALED;
use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, Role};
use super::layer::{Origin, StateChoice, Unset};
use super::settings::{Needed, Settings, Sourced, without_user};
use super::variables;

/// A key as it holds for a run.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The key.
    pub(crate) key: &'static Key,
    /// Its value, secrets concealed; null if it has none.
    pub(crate) value: Value,
    /// Where it came from.
    pub(crate) origin: Origin,
    /// The variable that is missing in it.
    pub(crate) unset: Option<Unset>,
}

impl Settings {
    /// All keys but those that are about files, in the order of the reference.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        KEYS.iter().filter(|key| key.role != Role::OfFile).filter_map(|key| self.shown_key(key)).collect()
    }

    fn shown_key(&self, key: &'static Key) -> Option<Shown> {
        let plain = |(value, origin)| Some(Shown { key, value, origin, unset: None });
        let needed = |shown: (Value, Origin, Option<Unset>)| {
            let (value, origin, unset) = shown;
            Some(Shown { key, value, origin, unset })
        };
        match key.name {
            "directusUrl" => needed(given(&self.url, |url| json!(without_user(url)))),
            "directusToken" => needed(given(&self.token, |_| json!(CONCEALED))),
            "directusEmail" => needed(given(&self.email, |email| json!(email))),
            "directusPassword" => needed(given(&self.password, |_| json!(CONCEALED))),
            "dumpPath" => plain(path(&self.dump_path)),
            "collectionsPath" => plain(path(&self.collections_path)),
            "snapshotPath" => plain(path(&self.snapshot_path)),
            "specsPath" => plain(path(&self.specs_path)),
            "seedPath" => plain(of(&self.seed_path, |paths| json!(paths))),
            "contentPath" => plain(path(&self.content_path)),
            "collections" => plain(flag(&self.collections)),
            "onlyCollections" => plain(of(&self.only_collections, |names| json!(names))),
            "excludeCollections" => plain(of(&self.exclude_collections, |names| json!(names))),
            "syncPolicyRoles" => plain(flag(&self.sync_policy_roles)),
            "preserveIds" => plain(of(&self.preserve_ids, |preserve| match preserve {
                PreserveIds::All => json!("all"),
                PreserveIds::None => json!("none"),
                PreserveIds::Only(names) => json!(names),
            })),
            "records" => needed(self.shown_records()),
            "overrides" => needed(self.shown_overrides()),
            "snapshot" => plain(flag(&self.snapshot)),
            "split" => plain(flag(&self.split)),
            "specs" => plain(flag(&self.specs)),
            "sortJson" => plain(flag(&self.sort_json)),
            "state" => plain(of(&self.state, |choice| {
                json!(match choice {
                    StateChoice::Auto => "auto",
                    StateChoice::Extension => "extension",
                    StateChoice::Table => "table",
                    StateChoice::File => "file",
                })
            })),
            "stateFile" => plain(match &self.state_file {
                Some(file) => path(file),
                None => (Value::Null, Origin::Default),
            }),
            "live" => needed(given(&self.live, |_| without_tokens(self.live_written.as_ref()))),
            "debug" => plain(flag(&self.debug)),
            "maxPushRetries" => plain(of(&self.max_push_retries, |count| json!(count))),
            _ => None,
        }
    }

    fn shown_records(&self) -> (Value, Origin, Option<Unset>) {
        let mut all: Map<String, Value> = Map::new();
        for (of_collection, _) in &self.records {
            let shown = all.entry(of_collection.collection.clone()).or_insert_with(|| json!({}));
            if let Some(filter) = of_collection.filter.as_ref().filter(|_| shown.get("filter").is_none()) {
                shown["filter"] = filter.clone();
            }
            let mut ignored: Vec<Value> = of_collection.ignore.iter().map(|field| json!(field)).collect();
            if !ignored.is_empty() {
                ignored.extend(shown["ignoreFields"].as_array().into_iter().flatten().cloned());
                shown["ignoreFields"] = Value::Array(ignored);
            }
        }
        let origins = self.records.iter().map(|(_, origin)| origin);
        (Value::Object(all), several(origins), self.unset_of("records"))
    }

    /// As written: a value that a variable supplies may be a secret.
    fn shown_overrides(&self) -> (Value, Origin, Option<Unset>) {
        let shown = self.overrides.iter().map(|(rule, _)| {
            let set: Map<String, Value> =
                rule.set.iter().map(|(path, _, written)| (path.clone(), written.clone())).collect();
            json!({"collection": rule.collection, "match": rule.matches, "set": set})
        });
        let origins = self.overrides.iter().rev().map(|(_, origin)| origin);
        (shown.collect(), several(origins), self.unset_of("overrides"))
    }

    fn unset_of(&self, key: &str) -> Option<Unset> {
        self.unset.clone().filter(|unset| unset.key == key)
    }
}

/// As written, tokens concealed unless they are placeholders.
fn without_tokens(live: Option<&Value>) -> Value {
    let mut live = live.cloned().unwrap_or_default();
    let peers = live.get_mut("peers").and_then(Value::as_object_mut);
    for token in peers.into_iter().flatten().filter_map(|(_, peer)| peer.get_mut("token")) {
        if !variables::refers(token) {
            *token = json!(CONCEALED);
        }
    }
    live
}

fn of<T>(sourced: &Sourced<T>, show: impl Fn(&T) -> Value) -> (Value, Origin) {
    (show(&sourced.value), sourced.origin.clone())
}

fn flag(sourced: &Sourced<bool>) -> (Value, Origin) {
    of(sourced, |flag| json!(flag))
}

fn path(sourced: &Sourced<PathBuf>) -> (Value, Origin) {
    of(sourced, |path| json!(path))
}

fn given<T>(needed: &Needed<T>, show: impl Fn(&T) -> Value) -> (Value, Origin, Option<Unset>) {
    match needed {
        None => (Value::Null, Origin::Default, None),
        Some(Ok(sourced)) => (show(&sourced.value), sourced.origin.clone(), None),
        Some(Err(unset)) => (Value::Null, Origin::File(unset.path.clone()), Some(unset.clone())),
    }
}

fn several<'a>(origins: impl Iterator<Item = &'a Origin>) -> Origin {
    let mut met: Vec<Origin> = Vec::new();
    for origin in origins {
        if !met.contains(origin) {
            met.push(origin.clone());
        }
    }
    match <[Origin; 1]>::try_from(met) {
        Ok([origin]) => origin,
        Err(met) if met.is_empty() => Origin::Default,
        Err(met) => Origin::Several(met),
    }
}
