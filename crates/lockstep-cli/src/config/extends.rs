//! A configuration file and those that it extends.
//!
//! Files become layers in the order of their strength: a file, then its first parent with all of that one's parents,
//! then its second parent, and so on. Each file counts once, where it is met first, which also cuts loops.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::discovery::joined;
use super::environment::Environment;
use super::error::{ConfigError, Warning};
use super::file;
use super::layer::{Layer, Origin};
use super::script::Scripts;

/// A configuration file and its parents, as layers.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// The chosen profile, as each file has it; strongest first.
    pub(crate) profile: Vec<Layer>,
    /// What the files say outside of profiles; strongest first.
    pub(crate) plain: Vec<Layer>,
    /// The names of all profiles, sorted.
    pub(crate) profiles: BTreeSet<String>,
}

/// The layers of a configuration file and its parents.
///
/// # Errors
/// Any of the files is unreadable or wrong. A parent that does not exist is only a warning.
pub(crate) fn load(
    path: &Path,
    profile: Option<&str>,
    environment: &Environment,
    scripts: &mut Scripts,
    warnings: &mut Vec<Warning>,
) -> Result<Files, ConfigError> {
    let (met, files) = (HashSet::new(), Files::default());
    let mut family = Family { met, files, profile, environment, scripts, warnings };
    family.add(path)?;
    Ok(family.files)
}

struct Family<'a> {
    met: HashSet<PathBuf>,
    files: Files,
    profile: Option<&'a str>,
    environment: &'a Environment,
    scripts: &'a mut Scripts,
    warnings: &'a mut Vec<Warning>,
}

impl Family<'_> {
    fn add(&mut self, path: &Path) -> Result<(), ConfigError> {
        if !self.met.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned())) {
            return Ok(());
        }
        let read = file::read(path, self.profile, self.environment, self.scripts, self.warnings)?;
        self.files.plain.push(Layer { origin: Origin::File(path.to_owned()), values: read.values });
        if let (Some(name), Some(values)) = (self.profile, read.profile) {
            let origin = Origin::Profile { name: name.to_owned(), file: path.to_owned() };
            self.files.profile.push(Layer { origin, values });
        }
        self.files.profiles.extend(read.profiles);
        for parent in read.extends {
            self.add_parent(&parent, path)?;
        }
        Ok(())
    }

    fn add_parent(&mut self, parent: &str, child: &Path) -> Result<(), ConfigError> {
        let path = joined(child.parent().unwrap_or(Path::new("")), Path::new(parent));
        if path.exists() {
            return self.add(&path);
        }
        self.warnings.push(Warning::MissingParent { path: child.to_owned(), parent: parent.to_owned() });
        Ok(())
    }
}
