//! What the command line says of itself: completions, man pages.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{DONE, Failure};
use crate::args::Cli;
use crate::output::Output;

/// `lockstep completions`.
pub(super) fn completions(shell: Shell, output: &Output) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lockstep", &mut script);
    output.raw(&String::from_utf8_lossy(&script))?;
    Ok(DONE)
}

/// `lockstep man`.
pub(super) fn pages(folder: &Path, output: &Output) -> Result<u8, Failure> {
    let failed = |source| Failure::Write { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    let page = folder.join("lockstep-push.1");
    output.written(folder, &format!("the man pages of all commands; read one by: man {}", page.display()))?;
    Ok(DONE)
}
