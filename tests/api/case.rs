//! A case file as data: read from its text, and written back to it when real Directus has filled in the answers.
//!
//! ```text
//! # What the file is about. `own instance` on a line of its own keeps other files away from it.
//!
//! ### what the step shows
//! POST /items/notes?fields=id
//! as: none
//! pick: data.id
//!
//! {"title": "Hello"}
//!
//! => 200
//! {"data": {"id": 1}}
//!
//! let note = data.id
//! ```
//!
//! A step begins with `###`. Its request is one line, then options (in lower case, see [`Step::option`]) and headers
//! (capitalised), then after an empty line the body. `=>` starts the expected answer: its status, headers as `< name:
//! value`, and the body, as JSON or as lines that begin with `|`.

use std::fmt::Write;

use serde_json::Value;

use crate::pretty::pretty;

/// A file of cases.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    /// The comment at the top of the file, as written.
    pub(crate) head: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// One request and what it is answered with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// Where it begins, counted from 1.
    pub(crate) line: usize,
    pub(crate) title: String,
    pub(crate) notes: Vec<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Options and headers, in their order.
    pub(crate) lines: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) expected: Option<Expected>,
    /// What later steps call parts of the answer: name and path.
    pub(crate) lets: Vec<(String, String)>,
}

/// An answer, or what one is expected to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expected {
    pub(crate) status: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    Text(String),
}

impl Case {
    /// Reads a file; the error says where it is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lines: Vec<&str> = text.lines().collect();
        let starts: Vec<usize> = (0..lines.len()).filter(|n| lines[*n].starts_with("### ")).collect();
        let head = &lines[..starts.first().copied().unwrap_or(lines.len())];
        let ends = starts.iter().skip(1).copied().chain([lines.len()]);
        let steps = starts.iter().zip(ends).map(|(start, end)| {
            let step = Step::parse(&lines[*start..end], start + 1);
            step.map_err(|problem| format!("line {}: {problem}", start + 1))
        });
        Ok(Self { head: trimmed(head), steps: steps.collect::<Result<_, _>>()? })
    }

    /// Whether no other file may touch the instance that this one runs on.
    pub(crate) fn wants_own_instance(&self) -> bool {
        self.head.iter().any(|line| line == "# own instance")
    }

    /// The file's text.
    pub(crate) fn text(&self) -> String {
        let mut text = self.head.join("\n");
        for step in &self.steps {
            let _infallible = write!(text, "\n\n{}", step.text());
        }
        text.push('\n');
        text
    }
}

impl Step {
    fn parse(lines: &[&str], line: usize) -> Result<Self, String> {
        let title = lines[0].trim_start_matches("### ").to_owned();
        let mut rest = lines[1..].iter().copied().skip_while(|line| line.is_empty()).peekable();
        let mut notes = Vec::new();
        while let Some(note) = rest.next_if(|line| line.starts_with('#')) {
            notes.push(note.to_owned());
        }
        let request = rest.next().ok_or("a step needs a request")?;
        let (method, path) = request.split_once(' ').unwrap_or((request, ""));
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("not a request: {request}"));
        }
        let mut options = Vec::new();
        while let Some(option) = rest.next_if(|line| is_option(line)) {
            let (name, value) = option.split_once(':').unwrap_or((option, ""));
            options.push((name.to_owned(), value.trim().to_owned()));
        }
        let rest: Vec<&str> = rest.collect();
        let answer = rest.iter().position(|line| line.starts_with("=> ")).unwrap_or(rest.len());
        let (mut lets, mut body, mut answered) = (Vec::new(), Vec::new(), Vec::new());
        for (n, line) in rest.iter().enumerate() {
            match line.strip_prefix("let ").and_then(|line| line.split_once(" = ")) {
                Some((name, path)) => lets.push((name.to_owned(), path.to_owned())),
                None if n < answer => body.push(*line),
                None => answered.push(*line),
            }
        }
        let (method, path, body) = (method.to_owned(), path.to_owned(), trimmed(&body).join("\n"));
        let expected = Expected::parse(&trimmed(&answered))?;
        Ok(Self { line, title, notes, method, path, lines: options, body, expected, lets })
    }

    fn text(&self) -> String {
        let mut blocks = Vec::new();
        let request = format!("{} {}", self.method, self.path).trim_end().to_owned();
        let options = self.lines.iter().map(|(name, value)| format!("{name}: {value}").trim_end().to_owned());
        let first = [format!("### {}", self.title)];
        let request = first.into_iter().chain(self.notes.iter().cloned()).chain([request]).chain(options);
        blocks.push(request.collect::<Vec<_>>().join("\n"));
        if !self.body.is_empty() {
            blocks.push(self.body.clone());
        }
        blocks.extend(self.expected.as_ref().map(Expected::text));
        if !self.lets.is_empty() {
            let lets = self.lets.iter().map(|(name, path)| format!("let {name} = {path}"));
            blocks.push(lets.collect::<Vec<_>>().join("\n"));
        }
        blocks.join("\n\n")
    }

    /// The value of an option:
    ///
    /// - `as`: a token, or `none`, instead of the administrator's token
    /// - `pick`, `except`: paths (`data.*.id`) that alone are compared, or are not
    /// - `where`: `field = a, b*`, the rows of `data` that are compared
    /// - `differs`: why the sandbox answers otherwise, in the words of `docs/sandbox.md`
    /// - `unordered`: paths of lists whose order is the server's own business
    /// - `show`: headers of the answer that are compared
    /// - `size`: instead of a body, a JSON one of so many bytes
    /// - `multipart`: the body is a form; its lines are described in the module `form`
    /// - `bytes`: the answer's body is compared byte by byte, as text
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.lines.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The items of an option that is a list.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.option(name).into_iter().flat_map(|list| list.split(',').map(str::trim))
    }

    /// The headers to send.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &(String, String)> {
        self.lines.iter().filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()))
    }
}

impl Expected {
    fn parse(lines: &[String]) -> Result<Option<Self>, String> {
        let Some((status, rest)) = lines.split_first() else { return Ok(None) };
        let status = status.trim_start_matches("=> ").to_owned();
        let shown = rest.iter().take_while(|line| line.starts_with("< "));
        let split = |line: &String| {
            let (name, value) = line[2..].split_once(": ").unwrap_or((&line[2..], ""));
            (name.to_owned(), value.to_owned())
        };
        let headers: Vec<_> = shown.map(split).collect();
        let body = &rest[headers.len()..];
        let body = if body.is_empty() {
            Body::Empty
        } else if body.iter().all(|line| line.starts_with('|')) {
            let unquoted = body.iter().map(|line| line.strip_prefix("| ").unwrap_or(&line[1..]));
            Body::Text(unquoted.collect::<Vec<_>>().join("\n"))
        } else {
            let parsed = serde_json::from_str(&body.join("\n"));
            Body::Json(parsed.map_err(|error| format!("the expected answer: {error}"))?)
        };
        Ok(Some(Self { status, headers, body }))
    }

    /// As in a case file.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("=> {}", self.status);
        for (name, value) in &self.headers {
            let _infallible = write!(text, "\n< {name}: {value}");
        }
        match &self.body {
            Body::Empty => {}
            Body::Json(body) => text.extend(["\n", pretty(body).as_str()]),
            Body::Text(body) => {
                for line in body.split('\n') {
                    text.extend(["\n|", if line.is_empty() { "" } else { " " }, line]);
                }
            }
        }
        text
    }
}

fn is_option(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    line.contains(':')
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
}

fn trimmed(lines: &[&str]) -> Vec<String> {
    let start = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(start, |last| last + 1);
    lines[start..end].iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = "\
# Notes.
# own instance

### one is made
# For a reason.
POST /items/notes?fields=id
as: none
Content-Type: text/plain

{\"title\": \"a\"}

=> 200
< content-type: application/json
{\"data\": {\"id\": 1}}

let note = data.id

### and is gone

DELETE /items/notes/{{note}}

=> 204

### and said as text
GET /notes
=> 200
| a
|
| b
";

    #[test]
    fn a_file_is_read_and_written_back() {
        let case = Case::parse(FILE).unwrap();
        assert!(case.wants_own_instance());
        let step = &case.steps[0];
        assert_eq!((step.method.as_str(), step.path.as_str()), ("POST", "/items/notes?fields=id"));
        assert_eq!(step.option("as"), Some("none"));
        assert_eq!(step.headers().count(), 1);
        assert_eq!(step.lets, [("note".to_owned(), "data.id".to_owned())]);
        let expected = step.expected.as_ref().unwrap();
        assert_eq!(
            (expected.status.as_str(), &expected.body),
            ("200", &Body::Json(json!({"data": {"id": 1}})))
        );
        assert_eq!(case.steps[1].expected.as_ref().unwrap().body, Body::Empty);
        assert_eq!(case.steps[2].expected.as_ref().unwrap().body, Body::Text("a\n\nb".into()));
        let again = Case::parse(&case.text()).unwrap();
        assert_eq!(again.text(), case.text());
    }

    #[test]
    fn what_is_no_request_is_named_with_its_line() {
        assert_eq!(Case::parse("# x\n\n### a\nget /x"), Err("line 3: not a request: get /x".into()));
    }
}
