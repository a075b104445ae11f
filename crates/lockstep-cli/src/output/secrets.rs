//! Secrets that a pull found: where they are, never what they are.

use std::io::Write;
use std::path::Path;

use lockstep_core::report::FoundSecret;

use super::printable::line;
use super::style::{self, HINT, WARN};

/// So many are told one by one.
const TOLD: usize = 20;

/// Tells of secrets that are in the dump now, and of those that are in no file.
pub(super) fn tell(secrets: &[FoundSecret], example: Option<&Path>) {
    let mut stderr = anstream::stderr();
    let left: Vec<_> = secrets.iter().filter(|found| found.variable.is_none()).collect();
    for found in left.iter().take(TOLD) {
        // A closed stream leaves nobody to tell; so below.
        let _ = writeln!(
            stderr,
            "{WARN}warning{WARN:#}: {}.json: \"{}\": {} looks like {}",
            found.collection,
            line(&found.label),
            line(&found.path),
            found.kind.text()
        );
    }
    if left.len() > TOLD {
        let _ = writeln!(stderr, "{WARN}warning{WARN:#}: and {} more", style::count(left.len() - TOLD));
    }
    match example {
        None if !left.is_empty() => {
            let _ = writeln!(
                stderr,
                "  {HINT}hint{HINT:#}: lockstep pull --extract-secrets writes ${{VARIABLE}} in their place"
            );
        }
        Some(_) if !left.is_empty() => {
            let _ = writeln!(
                stderr,
                "  {HINT}hint{HINT:#}: inside of code no placeholder can stand: use {{{{$env.NAME}}}}"
            );
        }
        _ => {}
    }
    let Some(example) = example else { return };
    for found in secrets {
        if let Some(variable) = &found.variable {
            let (label, path) = (line(&found.label), line(&found.path));
            let _ = writeln!(
                stderr,
                "{HINT}note{HINT:#}: {}.json: \"{label}\": {path} is ${{{variable}}} now",
                found.collection
            );
        }
    }
    let _ = writeln!(
        stderr,
        "{HINT}note{HINT:#}: the names are in {}: put the values into .env or the environment of a push",
        style::path(example)
    );
}
