//! `lockstep init`: a first configuration. Nothing that is there is overwritten, and nothing secret is written.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{DONE, Failure};
use crate::args::{Cli, InitArgs};
use crate::config::{Environment, NAMES, keys};
use crate::output::Output;

const CONFIG: &str = "lockstep.config.json";
/// What editors complete and check the configuration with.
const SCHEMA: &str = "lockstep.config.schema.json";
/// Where Directus is when it runs on one's own machine.
const LOCAL: &str = "http://localhost:8055";

/// What became of a file.
pub(crate) struct Written {
    /// The file.
    pub(crate) path: PathBuf,
    /// In a few words.
    pub(crate) what: &'static str,
}

pub(super) fn run(cli: &Cli, arguments: &InitArgs, output: &Output) -> Result<u8, Failure> {
    let directory = std::env::current_dir().map_err(Failure::Directory)?;
    if let Some(name) = NAMES.iter().find(|name| directory.join(name).exists()).filter(|_| !arguments.force) {
        return Err(Failure::Configured { path: directory.join(name) });
    }
    let url = url(cli, &directory, output)?;
    let written = [
        config(&directory.join(CONFIG), &url)?,
        schema(&directory.join(SCHEMA))?,
        dotenv(&directory.join(".env"))?,
        gitignore(&directory.join(".gitignore"))?,
    ];
    output.initialized(&url, &written)?;
    Ok(DONE)
}

/// The instance: what was typed, else what the environment says, else what somebody answers.
fn url(cli: &Cli, directory: &Path, output: &Output) -> Result<String, Failure> {
    let environment = Environment::load(directory)?;
    let known = cli.global.directus_url.clone().or(environment.variable("DIRECTUS_URL").map(str::to_owned));
    let known = known.filter(|url| !url.trim().is_empty());
    let url = known.unwrap_or_else(|| match output.can_ask() {
        true => output.ask_text(&format!("Where is Directus? [{LOCAL}] ")),
        false => String::new(),
    });
    let url = url.trim();
    // A password in a URL is a secret.
    let without_user = match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    };
    Ok(if without_user.is_empty() { LOCAL.to_owned() } else { without_user })
}

fn config(path: &Path, url: &str) -> Result<Written, Failure> {
    let keys = json!({"$schema": format!("./{SCHEMA}"), "directusUrl": url, "dumpPath": "./directus-config"});
    let existed = path.exists();
    fs::write(path, format!("{keys:#}\n")).map_err(|source| failed(path, source))?;
    Ok(Written { path: path.to_owned(), what: if existed { "replaced" } else { "written" } })
}

/// Written anew each time: it belongs to this version.
fn schema(path: &Path) -> Result<Written, Failure> {
    fs::write(path, format!("{:#}\n", keys::json_schema())).map_err(|source| failed(path, source))?;
    Ok(Written { path: path.to_owned(), what: "for editors, so that they know the keys" })
}

/// A place for the token, which nobody else may read.
fn dotenv(path: &Path) -> Result<Written, Failure> {
    let text = "# Secrets of this folder; never commit this file.\n# An administrator's static token:\nDIRECTUS_TOKEN=\n";
    let what = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(|source| failed(path, source))?;
            "written, with a place for the token"
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => "left as it is: it was there",
        Err(source) => return Err(failed(path, source)),
    };
    Ok(Written { path: path.to_owned(), what })
}

fn gitignore(path: &Path) -> Result<Written, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(source) => return Err(failed(path, source)),
    };
    let ignores = |line: &str| matches!(line.trim(), ".env" | "/.env" | ".env*" | "*.env" | "**/.env");
    if text.lines().any(ignores) {
        return Ok(Written { path: path.to_owned(), what: "left as it is: it names .env" });
    }
    let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let mut file =
        OpenOptions::new().append(true).create(true).open(path).map_err(|source| failed(path, source))?;
    file.write_all(format!("{line_end}.env\n").as_bytes()).map_err(|source| failed(path, source))?;
    Ok(Written { path: path.to_owned(), what: "names .env now, so that git leaves it out" })
}

fn failed(path: &Path, source: io::Error) -> Failure {
    Failure::Write { path: path.to_owned(), source }
}
