//! Which mapping extension an instance has.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::cache::Cache;
use crate::npm::Package;

/// A server extension that keeps mappings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", from = "Recorded")]
pub enum Extension {
    /// None.
    #[default]
    None,
    /// directus-extension-sync of npm.
    DirectusSync,
    /// Lockstep's own, as `lockstep extension install` writes it.
    Lockstep,
}

/// As it was written down; there was one extension once.
#[derive(Deserialize)]
#[serde(untagged)]
enum Recorded {
    Present(bool),
    Named(Named),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Named {
    None,
    DirectusSync,
    Lockstep,
}

impl From<Recorded> for Extension {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Present(present) => present.into(),
            Recorded::Named(Named::None) => Self::None,
            Recorded::Named(Named::DirectusSync) => Self::DirectusSync,
            Recorded::Named(Named::Lockstep) => Self::Lockstep,
        }
    }
}

/// Where only one was thought of, it is that of directus-sync.
impl From<bool> for Extension {
    fn from(present: bool) -> Self {
        if present { Self::DirectusSync } else { Self::None }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::DirectusSync => "directus-sync",
            Self::Lockstep => "lockstep",
        })
    }
}

impl Extension {
    /// Puts it into the folder that an instance runs in.
    pub(super) fn add(self, cache: &Cache, dir: &Path) -> Result<(), Error> {
        let extensions = dir.join("extensions");
        match self {
            Self::None => Ok(()),
            Self::DirectusSync => add_of_npm(cache, &extensions),
            Self::Lockstep => match lockstep_engine::extension::install(&extensions) {
                Ok(_) => Ok(()),
                Err(error) => {
                    Err(Error::Io { action: "write", path: extensions, source: std::io::Error::other(error) })
                }
            },
        }
    }
}

/// A local extension is a folder with its `package.json` and its built code.
fn add_of_npm(cache: &Cache, extensions: &Path) -> Result<(), Error> {
    const NAME: &str = "directus-extension-sync";
    let package = Package::extension_sync().ensure(cache)?.join("node_modules").join(NAME);
    let home = extensions.join(NAME);
    fs::create_dir_all(home.join("dist")).map_err(Error::io("create", &home))?;
    for file in ["package.json", "dist/index.js"] {
        fs::copy(package.join(file), home.join(file)).map_err(Error::io("copy", &package.join(file)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_before_there_were_two_is_understood() {
        for (text, extension) in [
            ("true", Extension::DirectusSync),
            ("false", Extension::None),
            (r#""lockstep""#, Extension::Lockstep),
            (r#""directus-sync""#, Extension::DirectusSync),
        ] {
            assert_eq!(serde_json::from_str::<Extension>(text).unwrap(), extension);
        }
        assert_eq!(serde_json::to_string(&Extension::Lockstep).unwrap(), r#""lockstep""#);
    }
}
