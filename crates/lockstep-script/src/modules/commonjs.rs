//! Which names a CommonJS module exports, for `import { name }` of it: read from its text, as Node does.

use std::collections::BTreeSet;
use std::path::Path;

use super::resolve::{Way, resolve};
use super::source::{Format, read};

/// So many modules are followed that export all of another one.
const DEEPEST: usize = 8;

/// The names that a CommonJS module seems to export, without `default`.
pub(crate) fn exported(path: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(path, &mut names, DEEPEST);
    names.remove("default");
    names
}

fn collect(path: &Path, names: &mut BTreeSet<String>, depth: usize) {
    let Ok(text) = read(path) else { return };
    names.extend(names_in(&text));
    for request in all_of(&text) {
        let found = resolve(&request, path, Way::Require).ok();
        if let Some(found) = found.filter(|found| found.format == Format::CommonJs && depth > 0) {
            collect(Path::new(&found.name), names, depth - 1);
        }
    }
}

/// The names that a text gives to `exports`.
fn names_in(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("exports") {
        let rest = &text[at + "exports".len()..];
        if let Some(rest) = rest.strip_prefix('.') {
            let name = identifier(rest);
            if assigns(&rest[name.len()..]) {
                names.insert(name.to_owned());
            }
        } else if let Some((name, rest)) = rest.strip_prefix('[').and_then(quoted) {
            if rest.strip_prefix(']').is_some_and(assigns) {
                names.insert(name.to_owned());
            }
        } else if let Some((name, _)) =
            rest.trim_start().strip_prefix(',').map(str::trim_start).and_then(quoted)
        {
            if text[..at].trim_end_matches("module.").ends_with("defineProperty(") {
                names.insert(name.to_owned());
            }
        } else if let Some(object) = rest.trim_start().strip_prefix('=').map(str::trim_start) {
            names.extend(object.strip_prefix('{').into_iter().flat_map(keys));
        }
    }
    names.retain(|name| !name.is_empty() && name != "__esModule");
    names
}

/// The modules whose names a text exports as well: `module.exports = require('x')`, `__exportStar(require('x'), exports)`.
fn all_of(text: &str) -> Vec<String> {
    let marks = ["module.exports = require(", "module.exports=require(", "__exportStar(require("];
    let after =
        marks.iter().flat_map(|mark| text.match_indices(mark).map(|(at, _)| &text[at + mark.len()..]));
    after.filter_map(|rest| quoted(rest).map(|(name, _)| name.to_owned())).collect()
}

fn assigns(rest: &str) -> bool {
    rest.trim_start().strip_prefix('=').is_some_and(|rest| !rest.starts_with('='))
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len());
    &text[..end]
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// The keys of an object, as far as it is plain: `a`, `a: 1`, `get a() {`, `'a': 1`.
fn keys(object: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let (mut depth, mut start) = (0_usize, true);
    let mut text = object;
    while let Some(character) = text.chars().next() {
        let mut step = character.len_utf8();
        match character {
            '}' if depth == 0 => break,
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => start = true,
            '/' if text.starts_with("//") => step = text.find('\n').unwrap_or(text.len()),
            '/' if text.starts_with("/*") => step = text.find("*/").map_or(text.len(), |end| end + 2),
            '\'' | '"' | '`' => {
                let end = text[1..].find(character).map_or(text.len(), |end| end + 2);
                if start && depth == 0 && character != '`' {
                    keys.push(text[1..end.max(2) - 1].to_owned());
                    start = false;
                }
                step = end;
            }
            _ if start && depth == 0 && !character.is_whitespace() => {
                let name = identifier(text);
                step = name.len().max(step);
                let rest = text[step..].trim_start();
                let getter = name == "get" && !rest.starts_with([',', ':', '(', '}']);
                if !getter {
                    keys.push(name.to_owned());
                    start = false;
                }
            }
            _ => {}
        }
        text = &text[step..];
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_text() {
        for (text, expected) in [
            ("exports.a = 1; module.exports.b = 2; exports['c-d'] = 3;", vec!["a", "b", "c-d"]),
            ("if (exports.a === 1) {} exports.b == 2", vec![]),
            (
                "Object.defineProperty(exports, \"__esModule\", {value: true}); Object.defineProperty(exports, 'x', {})",
                vec!["x"],
            ),
            (
                "module.exports = { a, b: 1, c() {}, get d() { return {x: 1} }, 'e': [1, 2], ...f }",
                vec!["a", "b", "c", "d", "e"],
            ),
            ("0 && (module.exports = {\n  one,\n  two, // three,\n  four\n});", vec!["four", "one", "two"]),
            ("module.exports = function () {}", vec![]),
        ] {
            let names: Vec<_> = names_in(text).into_iter().collect();
            assert_eq!(names, expected, "{text}");
        }
    }

    #[test]
    fn modules_that_are_exported_whole_are_followed() {
        assert_eq!(all_of("module.exports = require('./lib')"), ["./lib"]);
        assert_eq!(all_of("__exportStar(require(\"./a\"), exports);"), ["./a"]);
    }
}
