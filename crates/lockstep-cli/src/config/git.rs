//! Secrets in files that git tracks.

use std::path::Path;
use std::process::{Command, Stdio};

use super::error::Warning;
use super::layer::{Layer, Origin};

/// A warning for each secret that a tracked file gives. Without git, or outside of a repository, there are none; git is
/// only asked when a file does give a secret.
pub(crate) fn tracked_secrets(layers: &[Layer]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for layer in layers.iter().filter(|layer| !layer.values.plain_secrets.is_empty()) {
        let (Origin::DotEnv { file: path, .. } | Origin::File(path)) = &layer.origin else { continue };
        if is_tracked(path) {
            let secret = |key: &String| Warning::SecretInGit { path: path.to_owned(), key: key.clone() };
            warnings.extend(layer.values.plain_secrets.iter().map(secret));
        }
    }
    warnings
}

fn is_tracked(path: &Path) -> bool {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return false };
    // a hook's variables would make git look into the repository of the hook instead of the file's
    let asked = Command::new("git")
        .args(["ls-files", "--error-unmatch", "--"])
        .arg(name)
        .current_dir(directory)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}
