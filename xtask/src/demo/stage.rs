//! Where the demo runs `lockstep`, and how it talks.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anstream::println;
use anstyle::{AnsiColor, Style};
use lockstep_testkit::directus::Directus;

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const COMMAND: Style = Style::new().bold();

#[derive(Debug, thiserror::Error)]
#[error("`{command}` ended with {status}, expected exit code {expected}")]
struct WrongEnd {
    command: String,
    status: ExitStatus,
    expected: i32,
}

/// The binary and the folder that it is called in, which outlives the demo.
#[derive(Debug)]
pub(super) struct Stage {
    binary: PathBuf,
    folder: PathBuf,
}

impl Stage {
    /// An empty folder; what an earlier demo left there is gone.
    pub(super) fn new(binary: PathBuf, folder: PathBuf) -> io::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self { binary, folder })
    }

    /// Where the dump is, as Lockstep has it by itself.
    pub(super) fn dump(&self) -> PathBuf {
        self.folder.join("directus-config")
    }

    /// Runs `lockstep` against an instance as a user would, the token being in the environment.
    ///
    /// # Errors
    /// When it does not end with the expected code.
    pub(super) async fn lockstep(
        &self,
        arguments: &[&str],
        at: &Directus,
        expected: i32,
    ) -> Result<(), Box<dyn Error>> {
        let command = format!("lockstep {} -u {}", arguments.join(" "), at.url());
        println!("\n{COMMAND}$ {command}{COMMAND:#}");
        io::stdout().flush()?;
        let mut process = hermetic(&self.binary, &self.folder);
        process.args(arguments).args(["-u", &at.url()]).env("DIRECTUS_TOKEN", at.token());
        // Its output goes to the same terminal; Ctrl-C is heard meanwhile.
        let status = tokio::task::spawn_blocking(move || process.status()).await??;
        if status.code() == Some(expected) {
            return Ok(());
        }
        Err(WrongEnd { command, status, expected }.into())
    }
}

/// The binary with nothing in its environment that would tell it what to do.
fn hermetic(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(folder);
    let told = |name: &str| name.starts_with("DIRECTUS_") || name.starts_with("LOCKSTEP_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(told)) {
        command.env_remove(name);
    }
    command
}

/// Begins a part of the story.
pub(super) fn chapter(title: &str) {
    println!("\n{TITLE}{title}\n{}{TITLE:#}", "─".repeat(title.chars().count()));
}

/// Says what comes next.
pub(super) fn say(sentence: &str) {
    println!("\n{sentence}");
}
