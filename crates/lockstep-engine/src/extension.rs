//! Lockstep's own extension of Directus: the mapping endpoints that directus-sync knows, on the same table, with batch
//! routes that save requests. Two small files, carried in the binary.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lockstep_core::version::Version;
use serde::Deserialize;

use crate::dump::{self, DumpError};

/// The folder of the extension, and its name as a package.
pub const NAME: &str = "directus-extension-lockstep";
/// The name of the extension that answers on the same routes.
const PEER: &str = "directus-extension-sync";
/// What Directus reads last is written last.
const FILES: [(&str, &str); 2] = [
    ("index.js", include_str!("../extension/index.js")),
    (MANIFEST, include_str!("../extension/package.json")),
];
const MANIFEST: &str = "package.json";

/// An extension that is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its folder.
    pub folder: PathBuf,
    /// Its version.
    pub version: String,
    /// The version that was there before.
    pub before: Option<String>,
    /// A `package.json` that is missing where Directus probably runs: without one it loads no extension.
    pub missing_manifest: Option<PathBuf>,
}

/// Why the extension was not written.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// There is no place for it.
    #[error("there is no folder {}", .0.display())]
    NoFolder(PathBuf),
    /// Something else has its name.
    #[error("{} is there and is not the extension of Lockstep", .0.display())]
    NotOurs(PathBuf),
    /// A later Lockstep wrote a later version.
    #[error("{} is there in version {found}, which is newer than {ours}", folder.display())]
    Newer {
        /// Its folder.
        folder: PathBuf,
        /// Its version.
        found: String,
        /// The version that this program carries.
        ours: String,
    },
    /// The extension of directus-sync answers on the same routes.
    #[error("the extension of directus-sync is in {}, and answers on the same routes", .0.display())]
    Peer(PathBuf),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] DumpError),
    /// A folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl InstallError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoFolder(_) => {
                "name the folder that Directus loads extensions from: EXTENSIONS_PATH, or `extensions` where it runs"
            }
            Self::NotOurs(_) => "move it away, or name another folder",
            Self::Newer { .. } => "use the Lockstep that wrote it, or a newer one",
            Self::Peer(_) => {
                "remove it there, then run this again: its mappings stay in the database, and are used as they are"
            }
            Self::Write(error) => return error.hint(),
            Self::Read { .. } => return None,
        })
    }

    /// True if what is there shall not be touched.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NotOurs(_) | Self::Newer { .. } | Self::Peer(_))
    }
}

/// Writes the extension into the folder that an instance loads extensions from. An older version is replaced; nothing
/// else ever is.
///
/// # Errors
/// When the folder is none, or holds something that forbids it; nothing is written then.
pub fn install(extensions: &Path) -> Result<Installed, InstallError> {
    let above =
        |path: &Path| path.parent().is_some_and(|parent| parent.as_os_str().is_empty() || parent.is_dir());
    if !extensions.is_dir() && (extensions.exists() || !above(extensions)) {
        return Err(InstallError::NoFolder(extensions.to_owned()));
    }
    if let Some(peer) = peer(extensions)? {
        return Err(InstallError::Peer(peer));
    }
    let folder = extensions.join(NAME);
    let (ours, before) = (version(), present(&folder)?);
    if let Some(found) = before.as_deref().filter(|found| is_newer(found, &ours)) {
        return Err(InstallError::Newer { folder, found: found.to_owned(), ours });
    }
    for (name, text) in FILES {
        dump::write_file(&folder.join(name), text.as_bytes().to_vec())?;
    }
    Ok(Installed { folder, version: ours, before, missing_manifest: missing_manifest(extensions) })
}

/// The version that this program carries.
#[must_use]
pub fn version() -> String {
    let manifest: Option<Manifest> = serde_json::from_str(FILES[1].1).ok();
    manifest.and_then(|manifest| manifest.version).unwrap_or_default()
}

#[derive(Deserialize)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
}

fn manifest(folder: &Path) -> Option<Manifest> {
    serde_json::from_slice(&fs::read(folder.join(MANIFEST)).ok()?).ok()
}

/// The version in the folder, if it holds our extension; a folder that is empty holds nothing.
fn present(folder: &Path) -> Result<Option<String>, InstallError> {
    let is_empty = || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    match manifest(folder) {
        Some(Manifest { name: Some(name), version }) if name == NAME => Ok(Some(version.unwrap_or_default())),
        _ if !folder.exists() && !folder.is_symlink() || is_empty() => Ok(None),
        // Its first file came, and then the program was cut short.
        None if fs::read_to_string(folder.join(FILES[0].0)).is_ok_and(|text| text == FILES[0].1) => Ok(None),
        _ => Err(InstallError::NotOurs(folder.to_owned())),
    }
}

fn is_newer(found: &str, ours: &str) -> bool {
    let number = |text: &str| text.parse::<Version>().ok();
    number(found).zip(number(ours)).is_some_and(|(found, ours)| found > ours)
}

/// Where the extension of directus-sync is: in a folder of any name, where Directus 10 looked first (there the folder's
/// name is the route), or installed by npm beside the folder of extensions.
fn peer(extensions: &Path) -> Result<Option<PathBuf>, InstallError> {
    let modules = extensions.parent().map(|parent| parent.join("node_modules").join(PEER));
    let legacy = extensions.join("endpoints").join(PEER);
    let known = modules.into_iter().chain([legacy]).find(|folder| folder.exists());
    if known.is_some() || !extensions.exists() {
        return Ok(known);
    }
    let failed = |source| InstallError::Read { path: extensions.to_owned(), source };
    for entry in fs::read_dir(extensions).map_err(failed)? {
        let folder = entry.map_err(failed)?.path();
        if manifest(&folder).is_some_and(|manifest| manifest.name.as_deref() == Some(PEER)) {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// Directus runs where its folder of extensions is, unless it is set up otherwise.
fn missing_manifest(extensions: &Path) -> Option<PathBuf> {
    let home = extensions.canonicalize().ok()?.parent()?.to_owned();
    let manifest = home.join(MANIFEST);
    (!manifest.exists()).then_some(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &Path, name: &str, version: &str) {
        fs::create_dir_all(folder).unwrap();
        let text = serde_json::json!({"name": name, "version": version}).to_string();
        fs::write(folder.join(MANIFEST), text).unwrap();
    }

    #[test]
    fn the_files_agree_about_name_and_version() {
        let manifest: serde_json::Value = serde_json::from_str(FILES[1].1).unwrap();
        assert_eq!(manifest["name"], NAME);
        assert_eq!(manifest["directus:extension"]["path"], FILES[0].0);
        assert!(version().parse::<Version>().is_ok());
        for line in [format!("const NAME = '{NAME}';"), format!("const VERSION = '{}';", version())] {
            assert!(FILES[0].1.contains(&line), "{line}");
        }
    }

    #[test]
    fn it_is_written_again_and_over_older_ones() {
        let home = tempfile::tempdir().unwrap();
        let extensions = home.path().join("extensions");
        let first = install(&extensions).unwrap();
        assert_eq!((first.before, first.version.clone()), (None, version()));
        assert_eq!(first.missing_manifest, Some(home.path().canonicalize().unwrap().join(MANIFEST)));
        fs::write(home.path().join(MANIFEST), "{}").unwrap();
        let again = install(&extensions).unwrap();
        assert_eq!((again.before, again.missing_manifest), (Some(version()), None));
        package(&first.folder, NAME, "0.9.0");
        fs::write(first.folder.join("index.js"), "old").unwrap();
        assert_eq!(install(&extensions).unwrap().before.as_deref(), Some("0.9.0"));
        for (name, text) in FILES {
            assert_eq!(fs::read_to_string(first.folder.join(name)).unwrap(), text);
        }
    }

    #[test]
    fn a_half_written_one_is_completed() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(NAME);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(FILES[0].0), FILES[0].1).unwrap();
        assert_eq!(install(home.path()).unwrap().before, None);
        assert!(folder.join(MANIFEST).is_file());
    }

    #[test]
    fn what_is_not_ours_stays() {
        let home = tempfile::tempdir().unwrap();
        let extensions = home.path().join("extensions");
        assert!(matches!(install(&home.path().join("no/extensions")), Err(InstallError::NoFolder(_))));
        let folder = extensions.join(NAME);
        package(&folder, "something-else", "1.0.0");
        assert!(matches!(install(&extensions), Err(InstallError::NotOurs(_))));
        package(&folder, NAME, "99.0.0");
        assert!(matches!(install(&extensions), Err(InstallError::Newer { .. })));
        assert!(!folder.join("index.js").exists());
    }

    #[test]
    fn it_does_not_go_beside_that_of_directus_sync() {
        for place in [
            "extensions/sync",
            "extensions/endpoints/directus-extension-sync",
            "node_modules/directus-extension-sync",
        ] {
            let home = tempfile::tempdir().unwrap();
            let extensions = home.path().join("extensions");
            fs::create_dir(&extensions).unwrap();
            package(&home.path().join(place), PEER, "3.0.6");
            let error = install(&extensions).unwrap_err();
            assert!(error.is_refusal() && error.to_string().contains(place), "{error}");
            assert!(!extensions.join(NAME).exists());
        }
    }
}
