//! The order of records in a file: always the same, whatever the locale and whatever the server's order.

use std::cmp::Ordering;

use serde_json::Value;

use crate::collection::Collection;
use crate::record::Record;

/// Sorts records as they stand in a file: by the collection's own order, ties by SyncID.
///
/// The order of characters is the one that directus-sync's files have for the characters of ids and names (`_`, `-`,
/// other signs, digits, letters whatever their case), so that taking over its dump moves nothing.
pub fn sort(collection: &Collection, records: &mut [Record]) {
    records.sort_by_cached_key(|record| SortKey(key(collection, record), record.sync_id.to_string()));
}

fn key(collection: &Collection, record: &Record) -> String {
    let part = |name: &&str| record.fields.get(*name).and_then(Value::as_str).unwrap_or("null").to_owned();
    collection.file_order.iter().map(part).collect::<Vec<_>>().join("-")
}

#[derive(PartialEq, Eq)]
struct SortKey(String, String);

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0).then_with(|| compare(&self.1, &other.1))
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn compare(one: &str, other: &str) -> Ordering {
    // Most keys begin alike, and only what is behind that decides.
    let alike = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let (mine, theirs) = (behind(one, alike), behind(other, alike));
    mine.chars().map(weight).cmp(theirs.chars().map(weight)).then_with(|| one.cmp(other))
}

/// The text from the character on that this byte is in.
fn behind(text: &str, byte: usize) -> &str {
    &text[text.floor_char_boundary(byte)..]
}

fn weight(c: char) -> (u8, char) {
    match c {
        '_' => (0, c),
        '-' => (1, c),
        // Nearly all there are, and quicker to tell.
        '0'..='9' => (3, c),
        'a'..='z' | 'A'..='Z' => (4, c.to_ascii_lowercase()),
        _ if c.is_alphabetic() => (4, c.to_lowercase().next().unwrap_or(c)),
        _ if c.is_numeric() => (3, c),
        _ => (2, c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn specials_come_first_and_case_comes_last() {
        let mut words = ["b", "B", "a-c", "a_b", "_sync", "9", "a", "ab", "A"];
        words.sort_by(|a, b| compare(a, b));
        assert_eq!(words, ["_sync", "9", "A", "a", "a_b", "a-c", "ab", "B", "b"]);
    }

    #[test]
    fn characters_that_begin_with_the_same_byte_are_told_apart() {
        let mut words = ["caf\u{e9}s", "caf\u{e8}", "CAF\u{c8}-1", "caf\u{e9}", "caf"];
        words.sort_by(|a, b| compare(a, b));
        assert_eq!(words, ["caf", "caf\u{e8}", "CAF\u{c8}-1", "caf\u{e9}", "caf\u{e9}s"]);
    }

    #[test]
    fn ties_are_broken_by_sync_id() {
        let record = |key: &str, id: &str| Record {
            sync_id: id.into(),
            fields: json!({"key": key}).as_object().unwrap().clone().into(),
        };
        let mut records = [record("op_1", "a"), record("op_0", "c"), record("op_0", "b")];
        sort(Collection::named("operations").unwrap(), &mut records);
        assert_eq!(records.map(|record| record.sync_id.to_string()), ["b", "c", "a"]);
    }
}
