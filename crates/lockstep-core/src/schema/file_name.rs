//! Names of collections and fields as names of files: safe everywhere, and different even where case is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Longest name in bytes; leaves room for a suffix, `.json` and a temporary prefix within the usual 255.
const LONGEST: usize = 200;

/// Names that Windows keeps for devices, whatever their extension.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Gives each of `names` a file name, distinct when case is ignored: the plain name where it can be, else with
/// characters percent-encoded, else with `_2`, `_3`, …
///
/// Names are served in sorted order, so that the result does not depend on the order in which an instance lists them.
pub(crate) fn assign<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, String> {
    let distinct: BTreeSet<&str> = names.into_iter().collect();
    let mut taken = BTreeSet::new();
    distinct.into_iter().map(|name| (name, first_free(&safe(name), &mut taken))).collect()
}

/// The form in which two names are the same file where case does not count.
pub(crate) fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

fn first_free(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while !taken.insert(folded(&candidate)) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

/// Encodes what no file name may hold on some system, so that a name is one path segment and stays where it is put.
fn safe(name: &str) -> String {
    let name = shortened(name);
    if name.is_empty() {
        return "%00".into();
    }
    let last = name.chars().count() - 1;
    let device = DEVICES.contains(&folded(name.split('.').next().unwrap_or_default()).as_str());
    let mut encoded = String::with_capacity(name.len());
    for (index, character) in name.chars().enumerate() {
        let edge =
            (index == 0 && (character == '.' || device)) || (index == last && matches!(character, '.' | ' '));
        if edge || is_unsafe(character) {
            percent(character, &mut encoded);
        } else {
            encoded.push(character);
        }
    }
    encoded
}

fn is_unsafe(character: char) -> bool {
    character.is_control() || matches!(character, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

fn percent(character: char, out: &mut String) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        let _ = write!(out, "%{byte:02X}");
    }
}

/// Encoding can triple a name, so a name is cut by its encoded length in the worst case only when it is long.
fn shortened(name: &str) -> &str {
    let unsafe_count = name.chars().filter(|&character| is_unsafe(character)).count();
    if name.len() + 8 * unsafe_count + 8 <= LONGEST {
        return name;
    }
    let budget = if unsafe_count == 0 { LONGEST - 16 } else { LONGEST / 10 };
    let mut end = budget.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
