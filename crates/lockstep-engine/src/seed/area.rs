//! Whose records they are: seeds that people write, or content that is pulled and pushed.

use std::path::PathBuf;

use lockstep_core::content::FILES;

use crate::error::EngineError;

/// The commands that work on seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Area {
    /// `lockstep seed`.
    #[default]
    Seed,
    /// `lockstep content`, and `lockstep copy`.
    Content,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Command {
    Pull,
    Diff,
    Push,
}

impl Area {
    /// What reports call a command.
    pub(super) fn command(self, command: Command) -> &'static str {
        match (self, command) {
            (Self::Seed, Command::Pull) => "seed pull",
            (Self::Seed, Command::Diff) => "seed diff",
            (Self::Seed, Command::Push) => "seed push",
            (Self::Content, Command::Pull) => "content pull",
            (Self::Content, Command::Diff) => "content diff",
            (Self::Content, Command::Push) => "content push",
        }
    }

    /// How records of a collection come along.
    pub(super) fn remedy(self, collection: &str) -> String {
        match self {
            Self::Seed => format!("pull {collection} as well"),
            Self::Content if collection == FILES => "they do with --with-files".to_owned(),
            Self::Content if collection.starts_with("directus_") => format!("choose {collection} as well"),
            Self::Content => format!("choose {collection} as well, or all of them by --with-related"),
        }
    }

    /// None of the paths is there.
    pub(super) fn nothing(self, paths: &[PathBuf]) -> EngineError {
        match self {
            Self::Seed => EngineError::NoSeeds(paths.to_vec()),
            Self::Content => EngineError::NoContent(paths.to_vec()),
        }
    }
}
