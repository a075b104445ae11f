//! Placeholders in records: filled in by a push, kept by a pull.

use serde_json::Value;

use super::Path;
use crate::placeholder;
use crate::record::Fields;

/// A variable that is not set, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The place in the record.
    pub path: Path,
    /// The variable.
    pub variable: String,
}

/// A text that is no longer what it was in the dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The place in the record.
    pub path: Path,
    /// What the dump has there.
    pub text: String,
}

/// Fills in the placeholders of a record, apart from the places in `skipped`. What refers to a variable that is not set
/// stays as it is.
pub fn supply<'v>(
    fields: &mut Fields,
    lookup: &impl Fn(&str) -> Option<&'v str>,
    skipped: &[Path],
) -> (Vec<Replaced>, Vec<Missing>) {
    let mut texts = Vec::new();
    marked(fields, &mut texts);
    let (mut replaced, mut missing) = (Vec::new(), Vec::new());
    for path in texts.into_iter().filter(|path| !skipped.iter().any(|skipped| skipped.covers(path))) {
        let Some(Value::String(text)) = path.get_mut(fields) else { continue };
        match placeholder::filled(text, lookup) {
            Ok(value) => {
                let before = std::mem::replace(text, value);
                if placeholder::variables(&before).next().is_some() {
                    replaced.push(Replaced { path, text: before });
                }
            }
            Err(variable) => missing.push(Missing { path, variable }),
        }
    }
    (replaced, missing)
}

/// True if a record has a text with placeholders: most have none, and this is found out without looking at places.
#[must_use]
pub fn has_placeholders(fields: &Fields) -> bool {
    fields.values().any(is_marked)
}

fn is_marked(value: &Value) -> bool {
    match value {
        Value::String(text) => placeholder::is_marked(text),
        Value::Array(items) => items.iter().any(is_marked),
        Value::Object(fields) => has_placeholders(fields),
        _ => false,
    }
}

/// The places of all texts with placeholders.
fn marked(fields: &Fields, found: &mut Vec<Path>) {
    for (name, value) in fields.iter().filter(|(_, value)| is_marked(value)) {
        texts(value, &Path::of_field(name), &mut |path, text| {
            if placeholder::is_marked(text) {
                found.push(path.clone());
            }
        });
    }
}

/// Shows all texts of a value with their places.
pub(super) fn texts(value: &Value, path: &Path, show: &mut impl FnMut(&Path, &str)) {
    match value {
        Value::String(text) => show(path, text),
        Value::Array(items) => {
            let places = items.iter().enumerate();
            places.for_each(|(index, item)| texts(item, &path.then(&index.to_string()), show));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, value)| texts(value, &path.then(name), show)),
        _ => {}
    }
}

/// Puts the placeholders of the old dump back where the instance holds their values, or where these are not known, and
/// where what the instance holds is a secret (the places in `secrets`). Other texts that would be taken for
/// placeholders are escaped. Gives the places where the instance holds another value than the placeholder's, and whether
/// the placeholder was kept.
pub fn keep<'v>(
    fields: &mut Fields,
    old: Option<&Fields>,
    lookup: &impl Fn(&str) -> Option<&'v str>,
    secrets: &[Path],
    skipped: &impl Fn(&Path) -> bool,
) -> Vec<(Path, bool)> {
    let mut others = Vec::new();
    for (name, value) in fields.iter_mut() {
        let old = old.and_then(|old| old.get(name));
        let mut keeper = Keeper { lookup, secrets, skipped, others: &mut others };
        keeper.value(value, old, &Path::of_field(name));
    }
    others
}

struct Keeper<'a, L, K> {
    lookup: &'a L,
    secrets: &'a [Path],
    skipped: &'a K,
    others: &'a mut Vec<(Path, bool)>,
}

impl<'v, L, K> Keeper<'_, L, K>
where
    L: Fn(&str) -> Option<&'v str>,
    K: Fn(&Path) -> bool,
{
    fn value(&mut self, value: &mut Value, old: Option<&Value>, path: &Path) {
        if (self.skipped)(path) {
            return;
        }
        match value {
            Value::String(text) => self.text(text, old.and_then(Value::as_str), path),
            Value::Array(items) => {
                let old = old.and_then(Value::as_array);
                for (index, item) in items.iter_mut().enumerate() {
                    let old = old.and_then(|old| counterpart(item, index, old));
                    self.value(item, old, &path.then(&index.to_string()));
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    self.value(value, old.and_then(|old| old.get(name)), &path.then(name));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &mut String, old: Option<&str>, path: &Path) {
        let with_variables =
            |old: &&str| placeholder::is_marked(old) && placeholder::variables(old).next().is_some();
        if let Some(old) = old.filter(with_variables) {
            let same = placeholder::filled(old, self.lookup).ok().map(|value| value == *text);
            let kept = same.unwrap_or(true) || self.secrets.contains(path);
            if same == Some(false) {
                self.others.push((path.clone(), kept));
            }
            if kept {
                old.clone_into(text);
                return;
            }
        }
        if let Some(escaped) = placeholder::escaped(text) {
            *text = escaped;
        }
    }
}

/// The item of the old list that this one was: of the same name, else at the same place.
fn counterpart<'a>(item: &Value, index: usize, old: &'a [Value]) -> Option<&'a Value> {
    let named = ["header", "name", "key"].iter().find_map(|key| {
        let name = item.get(key)?;
        old.iter().find(|old| old.get(key) == Some(name))
    });
    named.or_else(|| old.get(index))
}
