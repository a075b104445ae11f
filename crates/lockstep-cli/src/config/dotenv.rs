//! The `.env` file, read as npm's `dotenv` (which directus-sync uses) reads it, so that the same file means the same.
//!
//! Observed: values need no quotes, also with spaces or `$` in them (nothing is expanded: a password may contain `$`);
//! `#` begins a comment unless quoted; `'`, `"` and `` ` `` quote, also over several lines; only in double quotes
//! `\n` and `\r` are characters; `export NAME=value` and `NAME: value` are fine. Rust's `dotenvy` expands and is stricter.
//! What npm's `dotenv` skips silently, an unfinished quote or a line that is no assignment, is an error here.

use std::collections::BTreeMap;

/// Why a file is not understood. Never says what the line holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// From 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) problem: &'static str,
}

/// The variables of a file; of two with one name the last counts.
///
/// # Errors
/// The first line that is not understood.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, String>, Malformed> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut variables = BTreeMap::new();
    let (mut rest, mut line) = (text.as_str(), 1);
    while !rest.is_empty() {
        let (statement, length) = statement(rest).map_err(|problem| Malformed { line, problem })?;
        variables.extend(statement);
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    Ok(variables)
}

type Statement = Option<(String, String)>;

/// The statement at the start of `text` and its length in bytes, line end included.
fn statement(text: &str) -> Result<(Statement, usize), &'static str> {
    let line = text.split_inclusive('\n').next().unwrap_or_default();
    let content = line.trim();
    let content = content.strip_prefix("export ").map_or(content, str::trim_start);
    if content.is_empty() || content.starts_with('#') {
        return Ok((None, line.len()));
    }
    let end = content.find(|c| !is_name(c)).unwrap_or(content.len());
    let (name, rest) = content.split_at(end);
    let value = rest.trim_start().strip_prefix('=').or_else(|| rest.strip_prefix(": "));
    match value.map(str::trim_start) {
        Some(value) if !name.is_empty() => {
            // `value` ends the trimmed line, but when quoted it may go on in the next ones
            let start = line.trim_end().len() - value.len();
            let (value, length) = self::value(&text[start..], value)?;
            Ok((Some((name.to_owned(), value)), start + length))
        }
        // a bare name, which Docker takes as "pass this variable on"
        None if !name.is_empty() && rest.is_empty() => Ok((None, line.len())),
        _ => Err("not an assignment"),
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// The value at the start of `text`, whose first line is `line` (trimmed), and its length up to the next line.
fn value(text: &str, line: &str) -> Result<(String, usize), &'static str> {
    let plain = || {
        let value = line.split('#').next().unwrap_or_default().trim_end();
        (value.to_owned(), line_end(text, 0))
    };
    let Some(quote) = line.chars().next().filter(|c| matches!(c, '\'' | '"' | '`')) else {
        return Ok(plain());
    };
    let Some(length) = closing(&text[1..], quote) else { return Err("a quote is not closed") };
    let (quoted, after) = (&text[1..=length], length + 2);
    let end = line_end(text, after);
    let trailing = text[after..end].trim();
    if !trailing.is_empty() && !trailing.starts_with('#') {
        return Ok(plain());
    }
    let value =
        if quote == '"' { quoted.replace("\\n", "\n").replace("\\r", "\r") } else { quoted.to_owned() };
    Ok((value, end))
}

/// Where the quote is closed; a backslash protects it.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut protected = false;
    text.char_indices().find_map(|(index, c)| {
        let found = c == quote && !protected;
        protected = c == '\\' && !protected;
        found.then_some(index)
    })
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |end| from + end + 1)
}

#[cfg(test)]
mod tests {
    use super::{Malformed, parse};

    /// What npm's `dotenv` 16.6.1 was observed to make of each.
    #[test]
    fn means_what_it_means_to_npm_dotenv() {
        let cases = [
            ("N=a b c", "a b c"),
            ("N=pa$$wo$rd", "pa$$wo$rd"),
            ("N=x # c", "x"),
            ("N=x#y", "x"),
            ("N='s # q' # z", "s # q"),
            ("N=\"d\\nq\"", "d\nq"),
            ("export N=g", "g"),
            ("N: colon", "colon"),
            ("N=", ""),
            ("N=`b`", "b"),
            ("  N  =  m  ", "m"),
            ("N='multi\nline'\nM=1", "multi\nline"),
            ("N=a=b", "a=b"),
            ("N='x'y", "'x'y"),
            ("N=\\n", "\\n"),
            ("N=\"a\\tb\\\"c\"", "a\\tb\\\"c"),
            ("# c\r\n\r\nN=1\r\nM=2", "1"),
            ("N=1\nN=2", "2"),
            ("BARE\nN=1", "1"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap().get("N").map(String::as_str), Some(expected), "{text}");
        }
    }

    #[test]
    fn names_the_malformed_line() {
        let cases = [
            ("A=1\nno assignment here", 2, "not an assignment"),
            ("A='1\n2'\n\n=x", 4, "not an assignment"),
            ("# c\nA=\"open\nB=1", 2, "a quote is not closed"),
        ];
        for (text, line, problem) in cases {
            assert_eq!(parse(text), Err(Malformed { line, problem }), "{text}");
        }
    }
}
