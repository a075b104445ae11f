//! Where a schema comes from: an instance, a file, a dump, a git revision, standard input.

mod yaml;

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lockstep_core::json::Keys;
use lockstep_core::schema::{SchemaDiff, Snapshot, SnapshotError};

use super::flow::Goal;
use super::git::{self, GitError};
use crate::dump::{self, DumpError};

/// Where a schema is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An instance, by its URL.
    Instance(String),
    /// A file or folder as it is in a git revision. Without a path: that of the dump.
    Git {
        /// The revision: `main`, `HEAD~2`, `v1.2`.
        revision: String,
        /// The path, relative to the working directory.
        path: Option<PathBuf>,
    },
    /// A file, or a folder with a dump or the snapshot of one.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

/// A schema cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A file cannot be read.
    #[error("cannot read {name}")]
    Read {
        /// What was to be read.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file of a dump is not right.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// A file is no JSON.
    #[error(transparent)]
    Json(DumpError),
    /// A file has nothing in it.
    #[error("{name} is empty")]
    Empty {
        /// The file.
        name: String,
    },
    /// A file is no text that can be read.
    #[error("{name} is not UTF-8 text{}", if *.is_utf16 { ", but UTF-16" } else { "" })]
    NoText {
        /// The file.
        name: String,
        /// Whether it is text in another encoding.
        is_utf16: bool,
    },
    /// A file is no YAML.
    #[error("{name}{}: not valid YAML: {reason}", place(*.at))]
    Yaml {
        /// The file.
        name: String,
        /// Line and column, from 1, where the parser tells them.
        at: Option<(usize, usize)>,
        /// What is wrong there.
        reason: String,
    },
    /// A file holds something else.
    #[error("{name} is no schema snapshot: {source}")]
    NoSnapshot {
        /// The file.
        name: String,
        /// What is wrong.
        source: SnapshotError,
    },
    /// A folder holds no snapshot.
    #[error("there is no schema snapshot in {name}")]
    Nothing {
        /// The folder.
        name: String,
    },
    /// A file holds changes where a schema is needed.
    #[error("{name} holds a diff, not a schema")]
    Diff {
        /// The file.
        name: String,
    },
    /// Two schemas are to be read from standard input.
    #[error("standard input can be read only once")]
    Twice,
    /// Git could not give it.
    #[error(transparent)]
    Git(#[from] GitError),
}

fn place(at: Option<(usize, usize)>) -> String {
    at.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"))
}

impl SourceError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Dump(error) => error.hint(),
            Self::Git(error) => error.hint(),
            Self::Json(error @ DumpError::Json { unmerged: true, .. }) => error.hint(),
            Self::Json(_) | Self::Yaml { .. } => {
                Some("correct the file, or make a new one: `lockstep schema snapshot -O FILE`")
            }
            Self::NoSnapshot { source: SnapshotError::Duplicate { .. }, .. } => Some("remove one of the two"),
            Self::NoSnapshot { .. } => {
                Some("GET /schema/snapshot, `lockstep schema snapshot` and `lockstep pull` make one")
            }
            Self::Nothing { .. } => Some("give a snapshot file, a dump, or the snapshot folder of one"),
            Self::Empty { .. } => Some("give a snapshot file; `lockstep schema snapshot -O FILE` makes one"),
            Self::NoText { is_utf16: true, .. } => {
                Some("save it as UTF-8; `lockstep schema snapshot -O FILE` writes it so in every shell")
            }
            Self::NoText { .. } => Some("a schema is a JSON or YAML file, saved as UTF-8"),
            Self::Twice => Some("give one of the two as a file"),
            Self::Diff { .. } => Some("only `lockstep schema apply` takes a diff"),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(
                "give a file, a folder, git:REVISION, a URL, `instance` or `dump`; `lockstep pull` makes the dump",
            ),
            Self::Read { .. } => None,
        }
    }
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        let begins =
            |scheme: &str| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
        if begins("http://") || begins("https://") {
            return Ok(Self::Instance(text.to_owned()));
        }
        if let Some(rest) = text.strip_prefix("git:") {
            let (revision, path) = match rest.split_once(':') {
                Some((revision, path)) => (revision, Some(PathBuf::from(path))),
                None => (rest, None),
            };
            return Ok(Self::Git { revision: revision.to_owned(), path });
        }
        Ok(Self::Path(text.into()))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(url) => formatter.write_str(url),
            Self::Git { revision, path: None } => write!(formatter, "git:{revision}"),
            Self::Git { revision, path: Some(path) } => {
                write!(formatter, "git:{revision}:{}", path.display())
            }
            Self::Path(path) if path.as_os_str().is_empty() => formatter.write_str("a file without a name"),
            Self::Path(path) => write!(formatter, "{}", path.display()),
            Self::Stdin => formatter.write_str("standard input"),
        }
    }
}

impl Source {
    /// Reads the schema of anything but an instance. `dump` is where a git revision is expected to have the dump.
    ///
    /// # Errors
    /// When there is none, or it is not right: with file, place, and what was expected.
    pub fn read(&self, dump: &Path) -> Result<Snapshot, SourceError> {
        match self.read_goal(dump)? {
            Goal::Snapshot(snapshot) => Ok(snapshot),
            Goal::Diff(_) => Err(SourceError::Diff { name: self.to_string() }),
        }
    }

    /// [`Source::read`], which also takes a file with changes that were computed before: `{hash, diff}`.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn read_goal(&self, dump: &Path) -> Result<Goal, SourceError> {
        let name = self.to_string();
        match self {
            Self::Stdin => {
                let mut bytes = Vec::new();
                let read = io::stdin().lock().read_to_end(&mut bytes);
                read.map_err(|source| SourceError::Read { name: name.clone(), source })?;
                of_bytes(&name, &bytes)
            }
            Self::Path(path) if path.is_dir() => {
                of_folder(path)?.map(Goal::Snapshot).ok_or(SourceError::Nothing { name })
            }
            Self::Path(path) => {
                let bytes =
                    std::fs::read(path).map_err(|source| SourceError::Read { name: name.clone(), source })?;
                of_bytes(&name, &bytes)
            }
            Self::Git { revision, path } => match git::read(revision, path.as_deref().unwrap_or(dump))? {
                git::Found::File(bytes) => of_bytes(&name, &bytes),
                git::Found::Folder(files) => {
                    let files = git::snapshot_files(&name, files);
                    let snapshot = dump::of_files(Path::new(&name), files.into_iter().map(Ok))?;
                    snapshot.map(Goal::Snapshot).ok_or(SourceError::Nothing { name })
                }
            },
            Self::Instance(_) => Err(SourceError::Nothing { name }),
        }
    }
}

/// The snapshot in a folder that is a dump, or the snapshot folder of one.
fn of_folder(path: &Path) -> Result<Option<Snapshot>, SourceError> {
    let nested = path.join("snapshot");
    let directory = if nested.is_dir() { &nested } else { path };
    Ok(dump::read_directory(directory)?)
}

/// The snapshot in a file of JSON or YAML. JSON is YAML as well, so what does not look like JSON is read as YAML.
fn of_bytes(name: &str, bytes: &[u8]) -> Result<Goal, SourceError> {
    let text = text_of(name, bytes)?;
    let begins = text.trim_ascii_start().bytes().next();
    let is_json = Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let json = if is_json || matches!(begins, Some(b'{' | b'[' | b'<')) {
        dump::parse_text(&Keys::default(), Path::new(name), text).map_err(SourceError::Json)?
    } else {
        yaml::parse(text.as_bytes()).map_err(|(at, reason)| SourceError::Yaml {
            name: name.to_owned(),
            at,
            reason,
        })?
    };
    let no_snapshot = |source| SourceError::NoSnapshot { name: name.to_owned(), source };
    let inner = json.get("data").unwrap_or(&json);
    if inner.get("hash").is_some() && inner.get("diff").is_some() {
        let diff = SchemaDiff::from_value(json).map_err(|source| no_snapshot(source.into()))?;
        return diff.map(Goal::Diff).ok_or_else(|| SourceError::Nothing { name: name.to_owned() });
    }
    Snapshot::from_value(json).map(Goal::Snapshot).map_err(no_snapshot)
}

/// What is read of a file: text without a byte order mark, and some of it.
fn text_of<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, SourceError> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if text.trim_ascii().is_empty() {
        return Err(SourceError::Empty { name: name.to_owned() });
    }
    let is_utf16 = match text {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => true,
        [first, 0, third, 0, ..] | [0, first, 0, third, ..] => first.is_ascii() && third.is_ascii(),
        _ => false,
    };
    let readable = std::str::from_utf8(text).ok().filter(|text| !is_utf16 && !text.contains('\0'));
    readable.ok_or_else(|| SourceError::NoText { name: name.to_owned(), is_utf16 })
}

/// A schema as the text of a file.
#[must_use]
pub fn to_text(snapshot: &Snapshot, yaml: bool) -> String {
    if yaml {
        return yaml::write(&snapshot.to_json());
    }
    // As the server's own export does.
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    let written = serde::Serialize::serialize(snapshot, &mut serializer);
    written.map(|()| String::from_utf8_lossy(&bytes).into_owned() + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_by_how_they_are_written() {
        let cases = [
            ("-", Source::Stdin),
            ("https://a.example.com/x", Source::Instance("https://a.example.com/x".into())),
            ("git:HEAD~2", Source::Git { revision: "HEAD~2".into(), path: None }),
            ("git:main:cms/dump", Source::Git { revision: "main".into(), path: Some("cms/dump".into()) }),
            ("./a.json", Source::Path("./a.json".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    fn snapshot_of(name: &str, text: &str) -> Snapshot {
        match of_bytes(name, text.as_bytes()).unwrap() {
            Goal::Snapshot(snapshot) => snapshot,
            Goal::Diff(_) => panic!("a diff"),
        }
    }

    const YAML: &str = "version: 1\ndirectus: 11.17.4\nvendor: sqlite\ncollections: []\nfields:\n  - collection: a\n    field: b\n    meta:\n      options:\n        10: ten\n        9: yes\n      note: null\nrelations: []\n";

    #[test]
    fn yaml_is_read_as_the_server_reads_it() {
        let snapshot = snapshot_of("s.yaml", YAML);
        let options = snapshot.field("a", "b").unwrap().get("meta").unwrap().get("options").unwrap();
        assert_eq!(serde_json::to_string(options).unwrap(), r#"{"9":"yes","10":"ten"}"#);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let snapshot = snapshot_of("s.yaml", YAML);
        for yaml in [true, false] {
            assert_eq!(snapshot_of("s", &to_text(&snapshot, yaml)), snapshot);
        }
    }

    #[test]
    fn errors_name_file_place_and_expectation() {
        let told = |name: &str, text: &str| of_bytes(name, text.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            told("s.json", "{\"version\": 1,\n  \"x\": tr}"),
            "s.json:2:10: not valid JSON: expected true, false or null"
        );
        assert_eq!(
            told("s.yaml", "a: [1\nb: 2"),
            "s.yaml:2:2: not valid YAML: did not find expected ',' or ']'"
        );
        assert_eq!(
            told("s.json", r#"{"directus": "11.0.0"}"#),
            "s.json is no schema snapshot: collections: expected an array, found nothing"
        );
        assert_eq!(
            told(
                "s.json",
                r#"{"version": 3, "directus": "11.0.0", "collections": [], "fields": [], "relations": []}"#
            ),
            "s.json is no schema snapshot: version: expected version 1 or 2 of the snapshot format, found the number 3"
        );
        assert!(matches!(
            of_bytes("d.json", br#"{"hash": "x", "diff": {"collections": []}}"#),
            Ok(Goal::Diff(_))
        ));
        assert_eq!(told("s.json", " \n"), "s.json is empty");
        assert_eq!(told("s.json", "{\0"), "s.json is not UTF-8 text");
        let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(
            of_bytes("s.json", &utf16).unwrap_err().to_string(),
            "s.json is not UTF-8 text, but UTF-16"
        );
    }
}
