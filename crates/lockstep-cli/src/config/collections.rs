//! Names of system collections as people type them.

use lockstep_core::collection;
use lockstep_core::identity::PreserveIds;
use lockstep_core::nearest::nearest;

use super::error::ConfigError;
use super::layer::Origin;

/// Those whose ids the database counts up, so that they cannot be the same everywhere.
const COUNTED: [&str; 3] = ["permissions", "presets", "settings"];

/// The names of a list in canonical form: without prefix, sorted, each once; empty entries are dropped.
///
/// # Errors
/// A name that is no collection.
pub(crate) fn names(list: Vec<String>, origin: &Origin) -> Result<Vec<String>, ConfigError> {
    let entries = list.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    let mut names = entries.map(|name| canonical(name, origin)).collect::<Result<Vec<_>, _>>()?;
    names.sort();
    names.dedup();
    Ok(names)
}

fn canonical(name: &str, origin: &Origin) -> Result<String, ConfigError> {
    let short = name.strip_prefix("directus_").unwrap_or(name);
    if collection::names().contains(&short) {
        return Ok(short.to_owned());
    }
    let nearest = nearest(short, &collection::names());
    Err(ConfigError::UnknownCollection { name: name.to_owned(), origin: origin.clone(), nearest })
}

/// Is this list one of the words that stand for a whole answer?
pub(crate) fn is_keyword(list: &[String]) -> bool {
    list.iter().any(|name| matches!(name.trim(), "all" | "*" | "none"))
}

/// What `--preserve-ids` or `preserveIds` says; an empty list from nobody is the default, all; an empty list that
/// somebody gave is none.
///
/// # Errors
/// A name that is no collection, or one whose ids cannot be preserved; `none` next to something else.
pub(crate) fn preserve_ids(list: Vec<String>, origin: &Origin) -> Result<PreserveIds, ConfigError> {
    if *origin == Origin::Default {
        return Ok(PreserveIds::All);
    }
    let words: Vec<&str> = list.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
    let all = words.iter().any(|word| matches!(*word, "all" | "*"));
    match (all, words.contains(&"none"), words.len()) {
        (_, true, 2..) => Err(ConfigError::NoneAndMore { origin: origin.clone() }),
        (true, _, _) => Ok(PreserveIds::All),
        (_, true, _) | (_, _, 0) => Ok(PreserveIds::None),
        _ => preserved(names(list, origin)?, origin),
    }
}

fn preserved(names: Vec<String>, origin: &Origin) -> Result<PreserveIds, ConfigError> {
    match names.iter().find(|name| COUNTED.contains(&name.as_str())) {
        Some(name) => Err(ConfigError::NotPreservable { name: name.clone(), origin: origin.clone() }),
        None => Ok(PreserveIds::Only(names)),
    }
}
