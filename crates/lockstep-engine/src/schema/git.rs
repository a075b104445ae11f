//! Files as they are in a git revision, read by the git that is installed.

use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use lockstep_core::schema::RelPath;

/// Git could not give what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is no git.
    #[error("git cannot be run")]
    NoGit(#[source] io::Error),
    /// The working directory is in no repository.
    #[error("this folder is in no git repository")]
    NoRepository,
    /// The revision does not exist.
    #[error("git knows no revision {revision}")]
    Revision {
        /// What was asked for, in quotes.
        revision: String,
    },
    /// The path is not in the repository.
    #[error("{} is outside of the git repository", path.display())]
    Outside {
        /// The path.
        path: PathBuf,
    },
    /// The revision has nothing at the path.
    #[error("{} is not in the revision {revision}", path.display())]
    Path {
        /// The revision.
        revision: String,
        /// The path.
        path: PathBuf,
    },
    /// Git failed.
    #[error("git failed: {0}")]
    Failed(String),
}

impl GitError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoRepository => Some("run it inside the repository, or give a file instead"),
            Self::NoGit(_) => Some("install git, or give a file instead"),
            Self::Revision { .. } => {
                Some("check the name; a shallow clone has few revisions: git fetch --unshallow")
            }
            Self::Path { .. } | Self::Outside { .. } => {
                Some("give the path behind the revision: git:REVISION:PATH, relative to this folder")
            }
            Self::Failed(_) => None,
        }
    }
}

/// What a revision has at a path.
#[derive(Debug)]
pub(super) enum Found {
    /// A file.
    File(Vec<u8>),
    /// A folder: its files with their path inside it.
    Folder(Vec<(String, Vec<u8>)>),
}

/// Reads a file or folder of a revision; `path` is relative to the working directory.
pub(super) fn read(revision: &str, path: &Path) -> Result<Found, GitError> {
    let prefix = run(&["rev-parse", "--show-prefix"], &[]).map_err(|error| match error {
        GitError::Failed(reason) if reason.contains("not a git repository") => GitError::NoRepository,
        other => other,
    })?;
    let commit = format!("{revision}^{{commit}}");
    let commit =
        run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit], &[]).map_err(|error| {
            match error {
                GitError::Failed(_) => GitError::Revision { revision: format!("{revision:?}") },
                other => other,
            }
        })?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let prefix = String::from_utf8_lossy(&prefix);
    let path_text = inside_repository(Path::new(prefix.trim_end_matches(['\n', '\r'])), path)
        .ok_or_else(|| GitError::Outside { path: path.to_owned() })?;
    let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", &commit, "--"];
    arguments.extend(Some(path_text.as_str()).filter(|path| !path.is_empty()));
    let listed = run(&arguments, &[])?;
    let entries = entries(&listed);
    if entries.is_empty() {
        return Err(GitError::Path { revision: revision.to_owned(), path: path.to_owned() });
    }
    let ids: Vec<&str> = entries.iter().map(|(id, _)| *id).collect();
    let mut contents = blobs(&ids)?;
    if let [(_, name)] = entries.as_slice()
        && *name == path_text
    {
        return Ok(Found::File(contents.pop().unwrap_or_default()));
    }
    let folder = if path_text.is_empty() { String::new() } else { format!("{path_text}/") };
    let inside = |name: &str| name.strip_prefix(&folder).unwrap_or(name).to_owned();
    Ok(Found::Folder(entries.iter().map(|(_, name)| inside(name)).zip(contents).collect()))
}

/// The path from the top of the repository, as git writes it; `prefix` is that of the working directory. None if it is
/// outside. The path need not exist now, so nothing but its text counts.
fn inside_repository(prefix: &Path, path: &Path) -> Option<String> {
    let relative = if path.is_absolute() {
        let here = std::env::current_dir().ok()?;
        let top = here.ancestors().nth(prefix.components().count())?;
        let inside = |path: &Path| plain(path)?.strip_prefix(top).ok().map(Path::to_owned);
        // The way to the repository may lead through a link.
        inside(path).or_else(|| inside(&path.canonicalize().ok()?))?
    } else {
        prefix.join(path)
    };
    let parts: Vec<_> =
        plain(&relative)?.iter().map(|part| part.to_str().map(str::to_owned)).collect::<Option<_>>()?;
    Some(parts.join("/"))
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => plain.pop().then_some(())?,
            part => plain.push(part),
        }
    }
    Some(plain)
}

/// The files of a folder that a snapshot consists of; the folder is a dump, or the snapshot folder of one.
pub(super) fn snapshot_files(name: &str, files: Vec<(String, Vec<u8>)>) -> Vec<(RelPath, PathBuf, Vec<u8>)> {
    let nested = files.iter().any(|(path, _)| path.starts_with("snapshot/"));
    let own = |path: &str| -> Option<RelPath> {
        let path = if nested { path.strip_prefix("snapshot/")? } else { path };
        RelPath::new(path).filter(|path| path.role().is_some())
    };
    files
        .into_iter()
        .filter_map(|(path, bytes)| Some((own(&path)?, PathBuf::from(format!("{name}/{path}")), bytes)))
        .collect()
}

/// Object ids and paths of files; links and submodules are none.
fn entries(listed: &[u8]) -> Vec<(&str, &str)> {
    let text = std::str::from_utf8(listed).unwrap_or_default();
    let entry = |line: &'_ str| -> Option<(usize, usize)> {
        let (head, _) = line.split_once('\t')?;
        head.starts_with("100").then_some(())?;
        Some((head.rfind(' ')? + 1, head.len()))
    };
    text.split('\0')
        .filter_map(|line| {
            let (begin, end) = entry(line)?;
            Some((&line[begin..end], &line[end + 1..]))
        })
        .collect()
}

/// The contents of objects, in one run of git.
fn blobs(ids: &[&str]) -> Result<Vec<Vec<u8>>, GitError> {
    let output = run(&["cat-file", "--batch"], &ids.iter().map(|id| format!("{id}\n")).collect::<Vec<_>>())?;
    let broken = || GitError::Failed("cat-file answered something else".to_owned());
    let (mut rest, mut contents) = (output.as_slice(), Vec::with_capacity(ids.len()));
    for _ in ids {
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or_else(broken)?;
        let head = String::from_utf8_lossy(&rest[..end]);
        let size: usize = head.rsplit(' ').next().and_then(|size| size.parse().ok()).ok_or_else(broken)?;
        let content = rest.get(end + 1..end + 1 + size).ok_or_else(broken)?;
        contents.push(content.to_vec());
        rest = rest.get(end + 2 + size..).unwrap_or_default();
    }
    Ok(contents)
}

fn run(arguments: &[&str], input: &[String]) -> Result<Vec<u8>, GitError> {
    let mut child = Command::new("git")
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(GitError::NoGit)?;
    let stdin = child.stdin.take();
    let input = input.concat();
    // Git answers while it still reads, so both have to go on at the same time.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                // A git that ends early says why by its status.
                let _ = stdin.write_all(input.as_bytes());
            }
        });
        child.wait_with_output()
    });
    let output = output.map_err(GitError::NoGit)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("no reason given").trim_start_matches("fatal: ");
    Err(GitError::Failed(said.to_owned()))
}
