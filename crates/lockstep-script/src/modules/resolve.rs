//! Which file a name means, as in Node: relative paths, packages in `node_modules`, `exports`.

use std::path::{Component, Path, PathBuf};

use super::own::{self, MODULES, Own, SDK};
use super::package::Package;
use super::source::Format;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `require`.
    Require,
    /// `import`.
    Import,
}

impl Way {
    fn conditions(self) -> [&'static str; 3] {
        match self {
            Self::Require => ["require", "node", "default"],
            Self::Import => ["import", "node", "default"],
        }
    }
}

/// A module that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its kind.
    pub(crate) format: Format,
    /// Its file, or the name of one of the engine's own.
    pub(crate) name: String,
}

const ENDINGS: [&str; 4] = ["js", "json", "cjs", "mjs"];

/// The module that a file is.
///
/// # Errors
/// Says why there is none, in a sentence.
pub(crate) fn located(path: &Path) -> Result<Found, String> {
    if !path.is_file() {
        return Err(format!("there is no file {}", path.display()));
    }
    let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("ts" | "mts" | "cts" | "tsx") => Err(format!(
            "{} is TypeScript, which is not read: compile it to JavaScript first",
            path.display()
        )),
        Some("node") => Err(format!("{} is machine code, which is not run", path.display())),
        _ => Ok(Found { format: Format::of(&path), name: path.display().to_string() }),
    }
}

/// The module that a name means in a file.
///
/// # Errors
/// Says why there is none, in a sentence.
pub(crate) fn resolve(request: &str, from: &Path, way: Way) -> Result<Found, String> {
    match own::lookup(request) {
        Own::Here(name) => return Ok(own_module(name)),
        Own::Missing => return Err(missing(request)),
        Own::No => {}
    }
    let folder = from.parent().unwrap_or(Path::new("/"));
    if request == "." || request == ".." || request.starts_with("./") || request.starts_with("../") {
        return file_or_folder(&joined(folder, request))
            .ok_or_else(|| not_found(request))
            .and_then(|p| located(&p));
    }
    if let Some(path) =
        request.strip_prefix("file:").and_then(|_| url::Url::parse(request).ok()?.to_file_path().ok())
    {
        return file_or_folder(&path).ok_or_else(|| not_found(request)).and_then(|path| located(&path));
    }
    if request.starts_with('/') {
        return file_or_folder(Path::new(request))
            .ok_or_else(|| not_found(request))
            .and_then(|p| located(&p));
    }
    if request.starts_with('#') {
        return internal(request, from, way);
    }
    match installed(request, folder, way) {
        Some(found) => found.and_then(|path| located(&path)),
        None if request == SDK => Ok(own_module(SDK)),
        None => Err(format!("cannot find the package {request:?}: is it installed?")),
    }
}

fn own_module(name: &str) -> Found {
    Found { format: Format::Own, name: name.to_owned() }
}

fn missing(request: &str) -> String {
    format!("the module {request:?} of Node is not available here; there are {}", MODULES.join(", "))
}

fn not_found(request: &str) -> String {
    format!("cannot find the module {request:?}")
}

fn joined(folder: &Path, request: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for component in Path::new(request).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

fn file_or_folder(path: &Path) -> Option<PathBuf> {
    file(path).or_else(|| path.is_dir().then(|| folder(path)).flatten())
}

fn file(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_owned());
    }
    let with_ending = |ending: &&str| {
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        Some(PathBuf::from(name)).filter(|path| path.is_file())
    };
    ENDINGS.iter().find_map(with_ending)
}

fn folder(path: &Path) -> Option<PathBuf> {
    let main = Package::in_folder(path)
        .and_then(|package| package.main().map(|main| path.join(main)))
        .and_then(|main| file(&main).or_else(|| file(&main.join("index"))));
    main.or_else(|| file(&path.join("index")))
}

/// A package in a `node_modules` of this folder or one above it; none if it is in none of them.
fn installed(request: &str, folder: &Path, way: Way) -> Option<Result<PathBuf, String>> {
    let (name, subpath) = split(request);
    // A package may ask for itself by its name.
    let itself = Package::around(&folder.join("file"))
        .filter(|package| package.name() == Some(name) && package.export(".", &[]).is_some());
    if let Some(package) = itself {
        return Some(in_package(&package, request, &subpath, way));
    }
    let home =
        folder.ancestors().map(|above| above.join("node_modules").join(name)).find(|home| home.is_dir())?;
    Some(match Package::in_folder(&home) {
        Some(package) => in_package(&package, request, &subpath, way),
        None => file_or_folder(&home.join(subpath.trim_start_matches("./")))
            .ok_or_else(|| format!("the package {request:?} in {} has no package.json", home.display())),
    })
}

fn in_package(package: &Package, request: &str, subpath: &str, way: Way) -> Result<PathBuf, String> {
    let home = &package.folder;
    match package.export(subpath, &way.conditions()) {
        Some(Ok(target)) => {
            let path = joined(home, &target);
            file(&path).ok_or_else(|| {
                format!(
                    "the package {request:?} names {target} as its module, which is not in {}",
                    home.display()
                )
            })
        }
        Some(Err(())) => Err(format!("the package in {} does not export {subpath:?}", home.display())),
        None if subpath == "." => folder(home).ok_or_else(|| not_found(request)),
        None => file_or_folder(&joined(home, subpath)).ok_or_else(|| not_found(request)),
    }
}

fn internal(request: &str, from: &Path, way: Way) -> Result<Found, String> {
    let package = Package::around(from).ok_or_else(|| not_found(request))?;
    let target = package.import(request, &way.conditions()).ok_or_else(|| not_found(request))?;
    let path = if target.starts_with("./") {
        file(&joined(&package.folder, &target)).ok_or_else(|| not_found(request))?
    } else {
        return resolve(&target, from, way);
    };
    located(&path)
}

/// `@scope/name/sub` as `@scope/name` and `./sub`; `.` for the package itself.
fn split(request: &str) -> (&str, String) {
    let slashes = if request.starts_with('@') { 2 } else { 1 };
    match request.match_indices('/').nth(slashes - 1) {
        Some((at, _)) => (&request[..at], format!(".{}", &request[at..])),
        None => (request, ".".to_owned()),
    }
}
