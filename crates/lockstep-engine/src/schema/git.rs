//! Files as they are in a git revision, read by the git that is installed.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockstep_core::schema::RelPath;

/// Git could not give what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is no git.
    #[error("git cannot be run")]
    NoGit(#[source] io::Error),
    /// The revision does not exist, or this is no repository.
    #[error("git does not know the revision {revision}: {reason}")]
    Revision {
        /// What was asked for.
        revision: String,
        /// What git said.
        reason: String,
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
            Self::NoGit(_) => Some("install git, or give a file instead"),
            Self::Revision { .. } => {
                Some("check the name; a shallow clone has few revisions: git fetch --unshallow")
            }
            Self::Path { .. } => {
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
    let commit = format!("{revision}^{{commit}}");
    let commit =
        run(&["rev-parse", "--verify", "--end-of-options", &commit], &[]).map_err(|error| match error {
            GitError::Failed(reason) => GitError::Revision { revision: revision.to_owned(), reason },
            other => other,
        })?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let text = path.to_string_lossy();
    let path_text = text.trim_end_matches('/');
    let path_text = path_text.strip_prefix("./").unwrap_or(path_text);
    let listed = run(&["ls-tree", "-r", "-z", &commit, "--", path_text], &[])?;
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
    let prefix = format!("{path_text}/");
    let inside = |name: &str| name.strip_prefix(&prefix).unwrap_or(name).to_owned();
    Ok(Found::Folder(entries.iter().map(|(_, name)| inside(name)).zip(contents).collect()))
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
