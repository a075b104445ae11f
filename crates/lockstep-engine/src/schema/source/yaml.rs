//! YAML as Directus reads and writes it: JSON values in another notation.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use lockstep_core::json::{Json, Key, Keys, Object, number};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

/// What is wrong with a text: line and column from 1 where the parser tells them, and why.
pub(super) type Misread = (Option<(usize, usize)>, String);

/// So deep brackets may be open; the parser takes time with the square of it.
const OPEN: usize = 1000;

/// Reads a document. Other than plain YAML says, no key may stand twice in an object: Directus refuses that as well.
pub(super) fn parse(bytes: &[u8]) -> Result<Json, Misread> {
    if let Some(place) = too_deep(bytes) {
        return Err((Some(place), DEEP.to_owned()));
    }
    let reader = Reader::default();
    reader.deserialize(yaml_serde::Deserializer::from_slice(bytes)).map_err(|error| {
        let at = error.location().map(|location| (location.line(), location.column()));
        let text = error.to_string();
        let reason = match text.split(" at line ").next().unwrap_or(&text) {
            reason if reason.contains("recursion limit") => DEEP,
            reason if reason.contains("repetition limit") => "its aliases stand for too much",
            reason if reason.contains("more than one document") => "more than one document",
            reason => reason,
        };
        (at, reason.to_owned())
    })
}

const DEEP: &str = "nested too deep";

/// Where brackets are opened and not closed, very often.
fn too_deep(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut open, mut line, mut begin) = (0_usize, 1, 0);
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            b'\n' => (line, begin) = (line + 1, place + 1),
            _ => {}
        }
        if open > OPEN {
            return Some((line, place + 1 - begin));
        }
    }
    None
}

/// Makes JSON of what JSON has, and refuses what only YAML has.
#[derive(Default)]
struct Reader(Keys);

impl<'de> DeserializeSeed<'de> for &Reader {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Reader {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value that JSON has")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number is a double")]
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number is a double")]
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number is a double")]
    fn visit_i128<E>(self, value: i128) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number is a double")]
    fn visit_u128<E>(self, value: u128) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(if value.is_finite() { Json::Number(value) } else { Json::Null })
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let (mut pairs, mut known) = (Vec::new(), HashSet::new());
        while let Some(key) = map.next_key_seed(Name(self))? {
            if key.as_str() == "<<" {
                return Err(A::Error::custom("merge keys (<<) are not supported: write the values out"));
            }
            if !known.insert(key.clone()) {
                return Err(A::Error::custom(format!("the key {} stands twice in one object", key.as_str())));
            }
            pairs.push((key, map.next_value_seed(self)?));
        }
        Ok(Json::Object(Object::new(pairs)))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Json, A::Error> {
        Err(A::Error::custom("a tag (!name) has no meaning in a schema"))
    }
}

/// A key, which JavaScript takes as text whatever it is.
struct Name<'a>(&'a Reader);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Key, E> {
        Ok(self.0.0.key(text))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Key, E> {
        Ok(self.0.0.key(if flag { "true" } else { "false" }))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Key, E> {
        Ok(self.0.0.key(&value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Key, E> {
        Ok(self.0.0.key(&value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Key, E> {
        Ok(self.0.0.key(&number(value)))
    }

    fn visit_unit<E>(self) -> Result<Key, E> {
        Ok(self.0.0.key("null"))
    }
}

/// Writes a document. A text stands in quotes wherever any reader of YAML could take it for something else: Directus takes
/// 2020-01-01 for a date and 1_000 for a number, others take yes for true.
pub(super) fn write(value: &Json) -> String {
    let mut text = String::new();
    match value {
        Json::Object(object) if !object.is_empty() => map(&mut text, object, 0),
        Json::Array(items) if !items.is_empty() => list(&mut text, items, 0),
        other => flat(&mut text, other, 2),
    }
    text
}

/// The pairs of an object; the first stands where the text is.
fn map(text: &mut String, object: &Object, indent: usize) {
    for (place, (key, value)) in object.iter().enumerate() {
        if place > 0 {
            spaces(text, indent);
        }
        // A longer key is none for a parser unless it is said to be one.
        let long = key.as_str().len() > 200;
        let in_list = if long { indent + 2 } else { indent };
        if long {
            *text += "? ";
        }
        scalar(text, key.as_str());
        if long {
            text.push('\n');
            spaces(text, indent);
        }
        text.push(':');
        match value {
            Json::Object(object) if !object.is_empty() => {
                text.push('\n');
                spaces(text, indent + 2);
                map(text, object, indent + 2);
            }
            Json::Array(items) if !items.is_empty() => {
                text.push('\n');
                spaces(text, in_list);
                list(text, items, in_list);
            }
            other => {
                text.push(' ');
                flat(text, other, indent + 2);
            }
        }
    }
}

fn list(text: &mut String, items: &[Json], indent: usize) {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            spaces(text, indent);
        }
        *text += "- ";
        match item {
            Json::Object(object) if !object.is_empty() => map(text, object, indent + 2),
            Json::Array(items) if !items.is_empty() => list(text, items, indent + 2),
            other => flat(text, other, indent + 2),
        }
    }
}

/// What stands behind its key or dash, and the end of the line.
fn flat(text: &mut String, value: &Json, indent: usize) {
    match value {
        Json::Null => *text += "null",
        Json::Bool(flag) => *text += if *flag { "true" } else { "false" },
        Json::Number(value) => *text += &number(*value),
        Json::Array(_) => *text += "[]",
        Json::Object(_) => *text += "{}",
        Json::String(value) if is_block(value) => {
            *text += if value.ends_with('\n') { "|" } else { "|-" };
            for line in value.strip_suffix('\n').unwrap_or(value).split('\n') {
                text.push('\n');
                if !line.is_empty() {
                    spaces(text, indent);
                    *text += line;
                }
            }
        }
        Json::String(value) => scalar(text, value),
    }
    text.push('\n');
}

/// Several lines that can be written as they are.
fn is_block(value: &str) -> bool {
    value.contains('\n')
        && value.starts_with(|first: char| !first.is_whitespace())
        && !value.ends_with("\n\n")
        && value.chars().all(|c| c == '\n' || is_printable(c))
        && value.split('\n').all(|line| !line.ends_with(' '))
}

fn scalar(text: &mut String, value: &str) {
    if is_plain(value) {
        *text += value;
    } else if value.chars().all(is_printable) {
        text.push('\'');
        *text += &value.replace('\'', "''");
        text.push('\'');
    } else {
        text.push('"');
        for c in value.chars() {
            match c {
                '"' | '\\' => text.extend(['\\', c]),
                '\n' => *text += "\\n",
                '\t' => *text += "\\t",
                '\r' => *text += "\\r",
                c if is_printable(c) => text.push(c),
                // Memory is all that is written to.
                c if u32::from(c) <= 0xFFFF => drop(write!(text, "\\u{:04X}", u32::from(c))),
                c => drop(write!(text, "\\U{:08X}", u32::from(c))),
            }
        }
        text.push('"');
    }
}

/// A text that is nothing else for any reader.
fn is_plain(value: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let mut chars = value.trim_start_matches(['_', '$', '/']).chars();
    let word = chars.next().is_some_and(char::is_alphabetic);
    (word || is_version(value))
        && !WORDS.contains(&value.to_ascii_lowercase().as_str())
        && !value.ends_with([' ', ':'])
        && !value.contains(": ")
        && !value.contains(" #")
        && value.chars().all(is_printable)
}

/// Three numbers are no number, and no date.
fn is_version(value: &str) -> bool {
    value.split('.').count() == 3
        && value.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

fn spaces(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n(' ', count));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Keys::default().parse(text).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let texts = [
            "2020-01-01",
            "2020-01-01T00:00:00Z",
            "1_000",
            "0o17",
            "yes",
            "",
            "-",
            "?",
            "a: b",
            "a #b",
            "it's",
            "\"q\"",
            " lead",
            "trail ",
            "two\nlines",
            "two\nlines\n",
            "a\n\n  b\n",
            "a \nb",
            "x\n\n\n",
            "\n",
            "\tt",
            "a\tb\nc",
            "cr\r\n",
            "\u{85}",
            "\u{2028}",
            "\0",
            "\u{1b}[31m",
            "\u{feff}",
            "😀",
            "---",
            "...",
            "<",
            "=",
            "1e3",
            ".inf",
            "_1",
            "0_",
            "1.2.3",
            "a:",
            "[x",
            "{x",
            "\u{7f}",
            "a\n---\nb",
            "a\n# b\n",
            "%x",
            "| x",
            "!x",
            "\u{ffff}",
        ];
        let long = "k".repeat(3000);
        let mut values: Vec<Json> = texts.iter().map(|text| Json::from(*text)).collect();
        values.extend(
            ["1e21", "1e20", "-0.5", "123456789012345678901234567890", "5e-324", "null", "true"].map(json),
        );
        values.push(Json::Array(vec![Json::Array(vec![
            json("[]"),
            json("{}"),
            json("[[1], {\"a\": [2]}]"),
        ])]));
        let pairs = texts.iter().copied().chain([long.as_str()]);
        let mut object = Object::default();
        for text in pairs {
            object.insert(text, Json::Array(vec![Json::from(text), json(r#"{"a": {"b": [1]}, "c": 1}"#)]));
        }
        values.push(Json::Object(object));
        for value in values.iter().cloned().chain([Json::Array(values.clone())]) {
            let text = write(&value);
            assert_eq!(parse(text.as_bytes()), Ok(value), "{text}");
        }
    }

    #[test]
    fn it_looks_like_this() {
        let value = json(
            r#"{"version": 1, "directus": "11.17.4", "a": [{"b": "x y", "c": {"d": "yes", "e": "2020-01-01"}}, [1, 2]],
                "note": "two\nlines", "empty": [], "it's": "a: b"}"#,
        );
        let expected = "version: 1\ndirectus: 11.17.4\na:\n- b: x y\n  c:\n    d: 'yes'\n    e: '2020-01-01'\n- - 1\n  - 2\n\
                        note: |-\n  two\n  lines\nempty: []\nit's: 'a: b'\n";
        assert_eq!(write(&value), expected);
    }

    #[test]
    fn what_has_no_meaning_in_a_schema_is_told() {
        let told = |text: &str| parse(text.as_bytes()).unwrap_err().1;
        assert_eq!(told("a:\n  b: 1\n  b: 2"), "a: the key b stands twice in one object");
        assert_eq!(told("10: 1\n'10': 2"), "the key 10 stands twice in one object");
        assert_eq!(
            told("x: &x {a: 1}\ny: {<<: *x}"),
            "y: merge keys (<<) are not supported: write the values out"
        );
        assert_eq!(told("a: !foo 1"), "a: a tag (!name) has no meaning in a schema");
        assert_eq!(told("a: &a [*a]"), "nested too deep");
        assert_eq!(told(&format!("a: {}", "[".repeat(1_000_000))), "nested too deep");
        assert_eq!(told(&"- ".repeat(100_000)), "nested too deep");
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x]\n".to_owned();
        for (name, before) in ('b'..='m').zip('a'..) {
            bomb += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 8].join(","));
        }
        assert_eq!(told(&bomb), "its aliases stand for too much");
    }
}
