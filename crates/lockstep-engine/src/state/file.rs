//! A file beside the dump, meant to be committed: the mappings of every instance that was pushed to, by URL.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lockstep_core::identity::Mappings;
use serde::{Deserialize, Serialize};

use super::chunk::Chunk;
use crate::dump;
use crate::error::EngineError;

/// The version of the format.
const FORMAT: u32 = 1;

/// The file of mappings, and the instance in it that a run is about.
#[derive(Debug)]
pub(crate) struct FileStore {
    path: PathBuf,
    url: String,
    contents: Contents,
}

#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    version: u32,
    instances: BTreeMap<String, InstanceMappings>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct InstanceMappings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    #[serde(default)]
    collections: BTreeMap<String, Chunk>,
}

impl FileStore {
    /// Reads the file; where there is none, nothing is known.
    pub(crate) fn read(path: PathBuf, url: &str) -> Result<(Self, Mappings), EngineError> {
        let contents = match fs::read(&path) {
            Ok(bytes) => parse(&path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Contents { version: FORMAT, instances: BTreeMap::new() }
            }
            Err(error) => return Err(failed(&path, &error)),
        };
        let mut mappings = Mappings::default();
        if let Some(instance) = contents.instances.get(url) {
            for (collection, chunk) in &instance.collections {
                mappings.extend(collection, chunk.clone().mappings());
            }
        }
        Ok((Self { path, url: url.to_owned(), contents }, mappings))
    }

    /// Refuses mappings of another project. Copies of a database share the id, so it can refuse but not identify.
    pub(crate) fn check_project(&mut self, project_id: Option<&str>) -> Result<(), EngineError> {
        let Some(project_id) = project_id else { return Ok(()) };
        let recorded =
            self.contents.instances.get(&self.url).and_then(|instance| instance.project_id.as_deref());
        if recorded.is_some_and(|recorded| recorded != project_id) {
            return Err(EngineError::StateFile {
                path: self.path.clone(),
                reason: format!(
                    "its mappings of {} belong to another project than the one that runs there now",
                    self.url
                ),
                hint: "remove the entry of this URL from the file: records are then matched anew",
            });
        }
        self.contents.instances.entry(self.url.clone()).or_default().project_id = Some(project_id.to_owned());
        Ok(())
    }

    /// Makes the file hold these mappings for the instance; those of other instances stay.
    pub(crate) fn write(&mut self, mappings: &Mappings) -> Result<(), EngineError> {
        let instance = self.contents.instances.entry(self.url.clone()).or_default();
        instance.collections =
            mappings.collections().map(|name| (name.to_owned(), Chunk::of(mappings.of(name)))).collect();
        self.save()
    }

    /// Takes the mappings of the instance out of the file, and the file away where it held no others.
    pub(crate) fn remove(&mut self) -> Result<(), EngineError> {
        self.contents.instances.remove(&self.url);
        if !self.contents.instances.is_empty() {
            return self.save();
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&self.path, &error)),
            _ => Ok(()),
        }
    }

    fn save(&self) -> Result<(), EngineError> {
        let mut text = serde_json::to_string_pretty(&self.contents)
            .map_err(|error| failed(&self.path, &error.into()))?;
        text.push('\n');
        Ok(dump::write_file(&self.path, text.into_bytes())?)
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Contents, EngineError> {
    let wrong = |reason: String| EngineError::StateFile {
        path: path.to_owned(),
        reason,
        hint: "restore the file from version control, or remove it: records are then matched anew",
    };
    let contents: Contents = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
    match contents.version {
        FORMAT => Ok(contents),
        other => Err(wrong(format!("format {other} is not known (this version knows {FORMAT})"))),
    }
}

fn failed(path: &Path, error: &io::Error) -> EngineError {
    EngineError::StateFile {
        path: path.to_owned(),
        reason: error.to_string(),
        hint: "check the path and its permissions, or name another one with --state-file",
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::record::{LocalId, SyncId};

    use super::*;

    fn mappings(pairs: &[(&str, &str)]) -> Mappings {
        let mut mappings = Mappings::default();
        mappings.extend("roles", pairs.iter().map(|(s, l)| (SyncId::from(*s), LocalId::from(*l))));
        mappings
    }

    #[test]
    fn each_instance_has_its_own_mappings() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/lockstep-state.json");
        let open = |url: &str| FileStore::read(path.clone(), url).unwrap();
        let one = mappings(&[("a", "a"), ("b", "1")]);
        let other = mappings(&[("a", "2")]);
        open("http://one").0.write(&one).unwrap();
        open("http://other").0.write(&other).unwrap();
        assert_eq!((open("http://one").1, open("http://other").1), (one, other));
        assert!(open("http://third").1.is_empty());
        open("http://one").0.remove().unwrap();
        assert!(open("http://one").1.is_empty() && !open("http://other").1.is_empty());
        open("http://other").0.remove().unwrap();
        assert!(!path.exists());
        open("http://other").0.remove().unwrap();
    }

    #[test]
    fn another_project_at_the_same_url_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let open = || FileStore::read(path.clone(), "http://one").unwrap().0;
        let mut store = open();
        store.check_project(Some("p1")).unwrap();
        store.write(&mappings(&[("a", "a")])).unwrap();
        assert!(open().check_project(Some("p1")).is_ok());
        assert!(open().check_project(None).is_ok());
        let error = open().check_project(Some("p2")).unwrap_err();
        assert!(error.to_string().contains("another project"), "{error}");
    }

    #[test]
    fn a_file_that_is_none_is_refused_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        for text in ["<<<<<<< HEAD", r#"{"version": 99, "instances": {}}"#] {
            fs::write(&path, text).unwrap();
            assert!(FileStore::read(path.clone(), "http://one").is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
