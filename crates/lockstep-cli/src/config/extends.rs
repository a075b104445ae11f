//! A configuration file and those that it extends.
//!
//! Files become layers in the order of their strength: a file, then its first parent with all of that one's parents,
//! then its second parent, and so on. Each file counts once, where it is met first, which also cuts loops.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::discovery::joined;
use super::error::{ConfigError, Warning};
use super::file;
use super::layer::{Layer, Origin};
use super::script::Scripts;

/// The layers of a configuration file and its parents, strongest first.
///
/// # Errors
/// Any of the files is unreadable or wrong. A parent that does not exist is only a warning.
pub(crate) fn load(
    path: &Path,
    scripts: &mut Scripts,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Layer>, ConfigError> {
    let mut family = Family { met: HashSet::new(), layers: Vec::new(), scripts, warnings };
    family.add(path)?;
    Ok(family.layers)
}

struct Family<'a> {
    met: HashSet<PathBuf>,
    layers: Vec<Layer>,
    scripts: &'a mut Scripts,
    warnings: &'a mut Vec<Warning>,
}

impl Family<'_> {
    fn add(&mut self, path: &Path) -> Result<(), ConfigError> {
        if !self.met.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned())) {
            return Ok(());
        }
        let file = file::read(path, self.scripts, self.warnings)?;
        self.layers.push(Layer { origin: Origin::File(path.to_owned()), values: file.values });
        for parent in file.extends {
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
