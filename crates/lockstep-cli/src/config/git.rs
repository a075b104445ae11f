//! Secrets in files that git tracks.

use std::path::Path;
use std::process::{Command, Stdio};

use secrecy::{ExposeSecret, SecretString};

use super::error::Warning;
use super::layer::{Layer, Origin};
use super::script;

/// A warning for each secret that a tracked file gives. Without git, or outside of a repository, there are none; git is
/// only asked when a file does give a secret.
pub(crate) fn tracked_secrets(layers: &[Layer]) -> Vec<Warning> {
    let secrets = layers.iter().filter_map(|layer| Some((secret_file(layer)?, layer)));
    let tracked = secrets.filter(|((path, _), _)| is_tracked(path));
    tracked.map(|((path, key), _)| Warning::SecretInGit { path: path.to_owned(), key }).collect()
}

/// The file and key of a layer's secret.
fn secret_file(layer: &Layer) -> Option<(&Path, &'static str)> {
    let (token, password) = (&layer.values.directus_token, &layer.values.directus_password);
    if token.is_none() && password.is_none() {
        return None;
    }
    match &layer.origin {
        Origin::DotEnv { variable, file } => Some((file, variable)),
        Origin::File(path) => {
            let stands = |secret: &&SecretString| stands_in(path, secret);
            let (token, password) = (token.as_ref().filter(stands), password.as_ref().filter(stands));
            let key = token.map(|_| "directusToken").or(password.map(|_| "directusPassword"));
            Some((path, key?))
        }
        _ => None,
    }
}

/// A script may take a secret from the environment: only one that it spells out is in the file.
fn stands_in(path: &Path, secret: &SecretString) -> bool {
    let spelled = |text: String| text.contains(secret.expose_secret());
    !script::is_script(path) || std::fs::read_to_string(path).is_ok_and(spelled)
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
