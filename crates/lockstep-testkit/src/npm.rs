//! npm packages at pinned versions: Directus itself and the peers that Lockstep is compared with.
//!
//! Each is installed once into the cache. An install counts only when its marker file is there, which is written last;
//! a half install is done again.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;
use crate::cache::Cache;
use crate::error::tail;
use crate::process::find_program;

const MARKER: &str = ".lockstep-installed";

/// npm 12 runs the install scripts of no package but those allowed here: the native parts, and the binary of Node 22.
const MANIFEST: &str = r#"{
  "name": "lockstep-peer",
  "private": true,
  "allowScripts": { "argon2": true, "isolated-vm": true, "node": true, "sharp": true, "sqlite3": true }
}
"#;

/// One install: a package at a version, with what it needs beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    name: &'static str,
    version: String,
    beside: &'static [&'static str],
}

impl Package {
    /// Directus, with the SQLite driver: an optional dependency of Directus, of the version that it names itself (another
    /// one would be compiled a second time), but here it is not optional.
    pub fn directus(version: &str) -> Self {
        let with_5 = version.starts_with("10.") || version.starts_with("11.");
        let beside: &[&str] = if with_5 { &["sqlite3@5.1.7"] } else { &["sqlite3@6.0.1"] };
        Self { name: "directus", version: version.to_owned(), beside }
    }

    /// The server extension of directus-sync, which keeps its id map.
    pub fn extension_sync() -> Self {
        Self { name: "directus-extension-sync", version: "3.0.6".to_owned(), beside: &[] }
    }

    /// The command line tool directus-sync.
    pub fn directus_sync() -> Self {
        Self { name: "directus-sync", version: "3.4.1".to_owned(), beside: &[] }
    }

    /// Directus' own command line tool `d6s`, with the Node 22 that it needs.
    pub fn directus_cli() -> Self {
        Self { name: "@directus/cli", version: "12.2.1".to_owned(), beside: &["node@22", "@directus/sdk@25"] }
    }

    /// Where it is, or will be, installed.
    pub fn dir(&self, cache: &Cache) -> PathBuf {
        let name = self.name.trim_start_matches('@').replace('/', "-");
        cache.npm(&format!("{name}-{}", self.version))
    }

    /// The output of `npm install`.
    pub fn log(&self, cache: &Cache) -> PathBuf {
        self.dir(cache).join("install.log")
    }

    /// Whether a complete install of the right version is there.
    pub fn is_installed(&self, cache: &Cache) -> bool {
        let dir = self.dir(cache);
        dir.join(MARKER).is_file() && self.version_in(&dir).as_ref() == Some(&self.version)
    }

    /// Installs it unless that is done. Minutes the first time; another process that installs the same is waited for.
    ///
    /// # Errors
    /// [`Error::NodeMissing`]; [`Error::Install`] when npm failed twice; [`Error::Io`].
    pub fn ensure(&self, cache: &Cache) -> Result<PathBuf, Error> {
        let dir = self.dir(cache);
        if self.is_installed(cache) {
            return Ok(dir);
        }
        let npm = program("npm")?;
        program("node")?;
        let _lock = cache.lock(&format!("npm-{}", dir.file_name().unwrap_or_default().display()))?;
        if !self.is_installed(cache) {
            self.install(&npm, cache)?;
        }
        Ok(dir)
    }

    fn install(&self, npm: &Path, cache: &Cache) -> Result<(), Error> {
        let (dir, log) = (self.dir(cache), self.log(cache));
        start_afresh(&dir)?;
        for _attempt in 1..=2 {
            if self.npm_install(npm, &dir, &log)? && self.version_in(&dir).as_ref() == Some(&self.version) {
                let marker = dir.join(MARKER);
                return fs::write(&marker, "").map_err(Error::io("write", &marker));
            }
        }
        Err(Error::Install { package: self.to_string(), tail: tail(&log), log })
    }

    fn npm_install(&self, npm: &Path, dir: &Path, log: &Path) -> Result<bool, Error> {
        let out = File::options().create(true).append(true).open(log).map_err(Error::io("open", log))?;
        let err = out.try_clone().map_err(Error::io("open", log))?;
        let mut command = Command::new(npm);
        command
            .args(["install", "--no-audit", "--no-fund", "--save-exact"])
            .arg(self.to_string())
            .args(self.beside);
        if let (None, Some(headers)) = (std::env::var_os("npm_config_nodedir"), node_headers()) {
            command.env("npm_config_nodedir", headers);
        }
        command.current_dir(dir).stdin(Stdio::null()).stdout(out).stderr(err);
        Ok(command.status().map_err(Error::io("run", npm))?.success())
    }

    fn version_in(&self, dir: &Path) -> Option<String> {
        let manifest = fs::read(dir.join("node_modules").join(self.name).join("package.json")).ok()?;
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).ok()?;
        Some(manifest.get("version")?.as_str()?.to_owned())
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

/// directus-sync, installed when it was not, as a command that wants arguments.
///
/// # Errors
/// As [`Package::ensure`].
pub fn directus_sync(cache: &Cache) -> Result<Command, Error> {
    let dir = Package::directus_sync().ensure(cache)?;
    let mut command = Command::new(program("node")?);
    command.arg(dir.join("node_modules/.bin/directus-sync"));
    Ok(command)
}

/// The entry file of `@directus/sdk`, which directus-sync brings, as a URL that a module imports.
///
/// # Errors
/// As [`Package::ensure`].
pub fn sdk(cache: &Cache) -> Result<String, Error> {
    let dir = Package::directus_sync().ensure(cache)?;
    Ok(format!("file://{}", dir.join("node_modules/@directus/sdk/dist/index.js").display()))
}

/// Directus' own tool `d6s` on its Node 22, installed when it was not, as a command that wants arguments.
///
/// # Errors
/// As [`Package::ensure`].
pub fn d6s(cache: &Cache) -> Result<Command, Error> {
    let dir = Package::directus_cli().ensure(cache)?;
    let mut command = Command::new(dir.join("node_modules/node/bin/node"));
    command.arg(dir.join("node_modules/.bin/d6s"));
    Ok(command)
}

/// `node` or `npm` in PATH.
pub(crate) fn program(name: &'static str) -> Result<PathBuf, Error> {
    find_program(name).ok_or(Error::NodeMissing { program: name })
}

/// Where node-gyp finds the headers of the Node that is installed: native modules then build without a download.
fn node_headers() -> Option<PathBuf> {
    let prefix = find_program("node")?.canonicalize().ok()?.parent()?.parent()?.to_owned();
    prefix.join("include/node/node.h").is_file().then_some(prefix)
}

fn start_afresh(dir: &Path) -> Result<(), Error> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(Error::io("clear", dir))?;
    }
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let manifest = dir.join("package.json");
    fs::write(&manifest, MANIFEST).map_err(Error::io("write", &manifest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pretend_install(package: &Package, cache: &Cache, version: &str) {
        let home = package.dir(cache).join("node_modules").join(package.name);
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join("package.json"), format!(r#"{{"version":"{version}"}}"#)).unwrap();
    }

    #[test]
    fn an_install_counts_with_marker_and_right_version_only() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path());
        let package = Package::directus("11.17.4");
        assert!(!package.is_installed(&cache));
        pretend_install(&package, &cache, "11.17.4");
        assert!(!package.is_installed(&cache), "a half install has no marker");
        fs::write(package.dir(&cache).join(MARKER), "").unwrap();
        assert!(package.is_installed(&cache));
        assert_eq!(package.ensure(&cache).unwrap(), dir.path().join("npm/directus-11.17.4"));
        pretend_install(&package, &cache, "11.17.3");
        assert!(!package.is_installed(&cache));
    }

    #[test]
    fn a_scoped_package_has_a_flat_folder() {
        let folder = Package::directus_cli().dir(&Cache::at("/c"));
        assert_eq!(folder, Path::new("/c/npm/directus-cli-12.2.1"));
    }
}
