//! The `lockstep` binary, built before it is used.

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// How the binary is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quickly.
    Dev,
    /// As it is delivered.
    Release,
}

#[derive(Debug, thiserror::Error)]
#[error("cargo could not build lockstep; it says why above")]
struct NotBuilt;

/// Builds the binary and says where it is.
///
/// # Errors
/// When it does not compile.
pub(crate) fn build(profile: Profile) -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo.args(["build", "--quiet", "--package", "lockstep-cli"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    if !cargo.status()?.success() {
        return Err(NotBuilt.into());
    }
    let name = format!("lockstep{}", std::env::consts::EXE_SUFFIX);
    let folder = if profile == Profile::Release { "release" } else { "debug" };
    Ok(target()?.join(folder).join(name))
}

/// Cargo's target folder: this program is in one of its own.
pub(crate) fn target() -> Result<PathBuf, Box<dyn Error>> {
    let this = std::env::current_exe()?;
    this.ancestors()
        .nth(2)
        .map(PathBuf::from)
        .ok_or_else(|| "this program is not in cargo's target folder".into())
}
