//! The folder outside the checkout where installs, database templates and named instances are kept.
//!
//! `$LOCKSTEP_CACHE`, else `$XDG_CACHE_HOME/lockstep`, else `~/.cache/lockstep`. Deleting it loses nothing but time.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::Error;

/// The cache folder.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// While this lives, no other process does the same work. Released when dropped, also by a crash.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Cache {
    /// The cache folder that the environment names.
    ///
    /// # Errors
    /// [`Error::NoCacheFolder`] when none of the three variables is set.
    pub fn from_env() -> Result<Self, Error> {
        Self::resolve(|name| std::env::var_os(name)).ok_or(Error::NoCacheFolder)
    }

    /// A cache at a folder of the caller's choice.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn resolve(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let folder = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        folder("LOCKSTEP_CACHE")
            .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("lockstep")))
            .or_else(|| Some(folder("HOME")?.join(".cache/lockstep")))
            .map(Self::at)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of an npm install, such as `directus-11.17.4`.
    pub(crate) fn npm(&self, name: &str) -> PathBuf {
        self.root.join("npm").join(name)
    }

    /// The folder of a database template, such as `11.17.4-sqlite-a`.
    pub(crate) fn template(&self, name: &str) -> PathBuf {
        self.root.join("templates").join(name)
    }

    /// The folder that holds one folder per named instance, each called by its port.
    pub(crate) fn instances(&self) -> PathBuf {
        self.root.join("instances")
    }

    /// Waits until no other process holds the lock of this name, then holds it.
    pub(crate) fn lock(&self, name: &str) -> Result<Lock, Error> {
        let path = self.lock_path(name)?;
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(Lock { _file: file })
    }

    /// Holds the lock of this name, unless another process, or this one, does.
    pub(crate) fn try_lock(&self, name: &str) -> Result<Option<Lock>, Error> {
        let path = self.lock_path(name)?;
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        Ok(file.try_lock().is_ok().then_some(Lock { _file: file }))
    }

    fn lock_path(&self, name: &str) -> Result<PathBuf, Error> {
        let dir = self.root.join("locks");
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        Ok(dir.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_with(set: &[(&str, &str)]) -> Option<PathBuf> {
        let find =
            |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Cache::resolve(find).map(|cache| cache.root)
    }

    #[test]
    fn the_first_variable_that_is_set_names_the_folder() {
        let all = [("LOCKSTEP_CACHE", "/l"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(root_with(&all), Some("/l".into()));
        assert_eq!(root_with(&all[1..]), Some("/x/lockstep".into()));
        assert_eq!(root_with(&all[2..]), Some("/h/.cache/lockstep".into()));
        assert_eq!(root_with(&[("LOCKSTEP_CACHE", ""), ("HOME", "/h")]), Some("/h/.cache/lockstep".into()));
        assert_eq!(root_with(&[]), None);
    }

    #[test]
    fn a_lock_is_held_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path());
        let held = cache.try_lock("x").unwrap();
        assert!(held.is_some());
        assert!(cache.try_lock("x").unwrap().is_none());
        drop(held);
        assert!(cache.try_lock("x").unwrap().is_some());
    }
}
