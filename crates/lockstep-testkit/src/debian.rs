//! Programs of Debian's packages: root gets them installed, others are told by an error what to install.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::geteuid;

use crate::Error;
use crate::cache::Cache;
use crate::process::{find_program, run};

/// A package with a program that a test needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    /// What people call what is in it.
    pub(crate) name: &'static str,
    /// What Debian calls it.
    pub(crate) package: &'static str,
}

impl Package {
    /// The program that `find` finds; before it is missed, the package is installed if that may be.
    pub(crate) fn program(
        self,
        program: &str,
        find: impl Fn(&str) -> Option<PathBuf>,
    ) -> Result<PathBuf, Error> {
        if find(program).is_none() && geteuid().is_root() && find_program("apt-get").is_some() {
            self.install()?;
        }
        let Self { name, package } = self;
        find(program).ok_or_else(|| Error::ProgramMissing { name, program: program.to_owned(), package })
    }

    fn install(self) -> Result<(), Error> {
        // Others of us wait instead of being refused.
        let _lock = Cache::from_env()?.lock("apt-get")?;
        let install = || apt_get(&["install", "--yes", "--no-install-recommends", self.package]);
        // A machine that has not asked for long knows of no packages, or of those that are gone.
        install().or_else(|_| {
            apt_get(&["update"])?;
            install()
        })
    }
}

fn apt_get(arguments: &[&str]) -> Result<(), Error> {
    run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_installed() {
        let package = Package { name: "Shell", package: "none-of-this-name" };
        assert_eq!(package.program("sh", find_program).unwrap(), find_program("sh").unwrap());
    }

    #[test]
    fn who_misses_it_is_told_what_to_install() {
        let error = Error::ProgramMissing { name: "X", program: "y".to_owned(), package: "z" };
        assert_eq!(error.to_string(), "X's program `y` was not found: install the package `z`");
    }
}
