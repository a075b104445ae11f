//! JSON files, read with line and column, and written byte for byte as JavaScript would.

use std::io;
use std::path::Path;

use lockstep_core::json::{Json, Keys, compare_keys, number};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use serde_json::{Map, Value};

use super::error::DumpError;

/// The bytes of a dump file: `JSON.stringify(value, null, 2)` and a newline.
///
/// Integers beyond 2^53 are written in full, where JavaScript would round them.
#[must_use]
pub fn canonical(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let formatter = JavaScript(PrettyFormatter::with_indent(b"  "));
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        .expect("a JSON value with text keys is written to memory");
    bytes.push(b'\n');
    bytes
}

/// A value to be written with the keys of all objects sorted, at any depth: as JavaScript lists the keys of an object that
/// was filled in sorted order, so array indices first, by number, then the others by UTF-16 code unit.
#[derive(Debug)]
pub struct Sorted<'a, T>(pub &'a T);

impl Serialize for Sorted<'_, Value> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => Sorted(fields).serialize(serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            other => other.serialize(serializer),
        }
    }
}

impl Serialize for Sorted<'_, Map<String, Value>> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs: Vec<_> = self.0.iter().collect();
        pairs.sort_by(|(left, _), (right, _)| compare_keys(left, right));
        serializer.collect_map(pairs.into_iter().map(|(key, value)| (key, Sorted(value))))
    }
}

/// Reads a JSON file; a byte order mark is skipped.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Value, DumpError> {
    let bytes = without_mark(bytes);
    serde_json::from_slice(bytes).map_err(|error| not_json(path, bytes, &error))
}

/// Reads the JSON file at a path.
pub(crate) fn parse_file(path: &Path) -> Result<Value, DumpError> {
    let failed = |source| DumpError::Read { path: path.to_owned(), source };
    parse(path, &std::fs::read(path).map_err(failed)?)
}

/// Reads a JSON file of a schema, as [`parse`] does; what is read with the same keys shares them.
pub(crate) fn parse_compact(keys: &Keys, path: &Path, bytes: &[u8]) -> Result<Json, DumpError> {
    let bytes = without_mark(bytes);
    // The parser's own message about text that is no text has a place.
    let text = std::str::from_utf8(bytes).map_err(|_| match serde_json::from_slice::<Value>(bytes) {
        Err(error) => not_json(path, bytes, &error),
        Ok(_) => not_json(path, bytes, &serde::de::Error::custom("not UTF-8")),
    })?;
    parse_text(keys, path, text)
}

/// [`parse_compact`] of what is known to be text.
pub(crate) fn parse_text(keys: &Keys, path: &Path, text: &str) -> Result<Json, DumpError> {
    keys.parse(text).map_err(|error| not_json(path, text.as_bytes(), &error))
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

fn not_json(path: &Path, bytes: &[u8], error: &serde_json::Error) -> DumpError {
    let Misread { line, column, reason } = misread(bytes, error);
    let unmerged = bytes.split(|&byte| byte == b'\n').any(|line| line.starts_with(b"<<<<<<< "));
    DumpError::Json { path: path.to_owned(), line, column, reason, unmerged }
}

/// Where and why a text is no JSON, for a person with an editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// In a few words.
    pub reason: String,
}

/// What a parser says of these bytes: it counts the end of a line as the beginning of the next, and has words of its
/// own.
#[must_use]
pub fn misread(bytes: &[u8], error: &serde_json::Error) -> Misread {
    let (mut line, mut column) = (error.line(), error.column());
    if column == 0 && line > 1 {
        line -= 1;
        column = bytes.split(|&byte| byte == b'\n').nth(line - 1).map_or(0, <[u8]>::len);
    }
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let reason = match text {
        _ if bytes.trim_ascii().is_empty() => "the file is empty",
        text if text.starts_with("EOF while parsing") => "the file ends too early",
        "expected ident" => "expected true, false or null",
        "recursion limit exceeded" => "nested too deep",
        text => text,
    };
    Misread { line: line.max(1), column: column.max(1), reason: reason.to_owned() }
}

/// Two spaces as the standard formatter, numbers as JavaScript.
struct JavaScript<'a>(PrettyFormatter<'a>);

impl Formatter for JavaScript<'_> {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(number(value).as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}
