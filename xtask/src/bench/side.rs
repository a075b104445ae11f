//! The command lines of the tools.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockstep_testkit::cache::Cache;
use lockstep_testkit::npm;

use super::measure::Program;
use super::server::Server;

/// Our side.
#[derive(Debug, Clone)]
pub(super) struct Lockstep {
    binary: PathBuf,
}

/// npm directus-sync.
#[derive(Debug, Clone)]
pub(super) struct DirectusSync {
    program: Program,
}

/// npm @directus/cli. It has a name for each instance, and reads the token from a variable with that name.
#[derive(Debug, Clone)]
pub(super) struct D6s {
    program: Program,
}

impl Lockstep {
    pub(super) fn new(binary: PathBuf) -> Self {
        Self { binary }
    }

    /// `pull`, `diff` or `push` with the dump in this folder.
    pub(super) fn command(
        &self,
        command: &str,
        server: &Server,
        folder: &Path,
    ) -> Result<Program, Box<dyn Error>> {
        fs::create_dir_all(folder)?;
        let (url, token) = (server.directus.url(), server.directus.token());
        let mut arguments = words(&[command, "--quiet", "--directus-url", &url, "--directus-token", token]);
        if command == "push" {
            arguments.push("--yes".to_owned());
        }
        Ok(Program { path: self.binary.clone(), arguments, variables: Vec::new(), folder: folder.to_owned() })
    }

    /// Anything in a folder.
    pub(super) fn plain(&self, arguments: &[&str], folder: &Path) -> Program {
        let arguments = words(arguments);
        Program { path: self.binary.clone(), arguments, variables: Vec::new(), folder: folder.to_owned() }
    }

    /// What does nothing but start.
    pub(super) fn version(&self, folder: &Path) -> Program {
        self.plain(&["--version"], folder)
    }
}

impl DirectusSync {
    pub(super) fn new(cache: &Cache, folder: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(Self { program: program(&npm::directus_sync(cache)?, folder)? })
    }

    /// `pull`, `diff` or `push`.
    pub(super) fn command(&self, command: &str, server: &Server) -> Program {
        let (url, token) = (server.directus.url(), server.directus.token());
        with(&self.program, &[command, "--directus-url", &url, "--directus-token", token])
    }

    /// What does nothing but start.
    pub(super) fn version(&self) -> Program {
        with(&self.program, &["--version"])
    }
}

impl D6s {
    /// With the profiles `source` and `target`.
    pub(super) fn new(
        cache: &Cache,
        folder: &Path,
        source: &Server,
        target: &Server,
    ) -> Result<Self, Box<dyn Error>> {
        let mut program = program(&npm::d6s(cache)?, folder)?;
        program.arguments.push("--no-interactive".to_owned());
        program.variables = [("source", source), ("target", target)]
            .map(|(name, server)| (token_variable(name), server.directus.token().to_owned()))
            .to_vec();
        // It keeps credentials in the home folder, which is not its to touch.
        program.variables.push(("HOME".to_owned(), folder.display().to_string()));
        for (name, server) in [("source", source), ("target", target)] {
            with(&program, &["profile", "add", name, "--url", &server.directus.url()]).time()?;
        }
        Ok(Self { program })
    }

    pub(super) fn pull(&self) -> Program {
        with(&self.program, &["sync", "pull", "--from", "source"])
    }

    pub(super) fn diff(&self) -> Program {
        with(&self.program, &["sync", "diff", "--to", "target"])
    }

    pub(super) fn push(&self) -> Program {
        with(&self.program, &["sync", "push", "--to", "target", "--yes"])
    }
}

fn token_variable(profile: &str) -> String {
    format!("DIRECTUS_{}_TOKEN", profile.to_uppercase())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A command of the testkit's as a program to be measured.
fn program(command: &Command, folder: &Path) -> Result<Program, Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let arguments = command.get_args().map(|argument| argument.display().to_string()).collect();
    let path = command.get_program().into();
    Ok(Program { path, arguments, variables: Vec::new(), folder: folder.to_owned() })
}

fn with(program: &Program, arguments: &[&str]) -> Program {
    let mut program = program.clone();
    program.arguments.extend(words(arguments));
    program
}
