//! The text of a module, and which kind it is.

use std::path::Path;

use super::package;

/// A kind of module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `module.exports`, `require`.
    CommonJs,
    /// `export`, `import`.
    Module,
    /// A JSON document.
    Json,
    /// One that the engine brings.
    Own,
}

impl Format {
    /// The name that the JavaScript side knows it by.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CommonJs => "commonjs",
            Self::Module => "module",
            Self::Json => "json",
            Self::Own => "own",
        }
    }

    /// The kind of a file: by its ending, by the `type` of its package, else by what is written in it.
    pub(crate) fn of(path: &Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("mjs") => Self::Module,
            Some("cjs") => Self::CommonJs,
            Some("json") => Self::Json,
            _ => match package::type_of(path).as_deref() {
                Some("module") => Self::Module,
                Some("commonjs") => Self::CommonJs,
                _ if read(path).is_ok_and(|text| is_module(&text)) => Self::Module,
                _ => Self::CommonJs,
            },
        }
    }
}

/// Reads a file as text, without a byte order mark, and with a comment in place of a `#!` line.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    };
    let bytes = std::fs::read(path).map_err(told)?;
    let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    if text.contains('\0') {
        return Err("the file is no text".to_owned());
    }
    Ok(match text.strip_prefix("#!") {
        Some(rest) => format!("//{rest}"),
        None => text,
    })
}

/// A CommonJS module as the function that it is. It begins in the first line of the file, so that lines stay right.
pub(crate) fn wrapped(text: &str) -> String {
    format!("{WRAPPER}{text}\n}})")
}

/// What stands before the text of a CommonJS module.
const WRAPPER: &str = "(function (exports, require, module, __filename, __dirname) {";

/// Whether a text has statements that only ES modules have. Comments and templates are passed over.
pub(crate) fn is_module(text: &str) -> bool {
    let mut lines = Lines { rest: text, comment: false, template: false };
    std::iter::from_fn(|| lines.next()).any(is_module_statement)
}

/// Lines of code, without those inside of comments and templates.
struct Lines<'a> {
    rest: &'a str,
    comment: bool,
    template: bool,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        while !self.rest.is_empty() {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            let inside = self.comment || self.template;
            self.pass(line);
            if !inside {
                return Some(line.trim_start());
            }
        }
        None
    }

    /// Follows comments and templates to the end of a line.
    fn pass(&mut self, line: &str) {
        let mut text = line;
        let mut quote = None;
        while let Some(character) = text.chars().next() {
            let step = match (self.comment, self.template, quote, character) {
                (true, ..) if text.starts_with("*/") => {
                    self.comment = false;
                    2
                }
                (true, ..) => character.len_utf8(),
                (_, true, _, '\\') | (_, _, Some(_), '\\') => {
                    1 + text[1..].chars().next().map_or(0, char::len_utf8)
                }
                (_, true, ..) => {
                    self.template = character != '`';
                    character.len_utf8()
                }
                (_, _, Some(open), _) => {
                    quote = Some(open).filter(|open| *open != character);
                    character.len_utf8()
                }
                (_, _, None, '\'' | '"') => {
                    quote = Some(character);
                    1
                }
                (_, _, None, '`') => {
                    self.template = true;
                    1
                }
                _ if text.starts_with("//") => return,
                _ if text.starts_with("/*") => {
                    self.comment = true;
                    2
                }
                _ => character.len_utf8(),
            };
            text = &text[step..];
        }
    }
}

fn is_module_statement(line: &str) -> bool {
    let after = |word: &str| {
        let rest = line.strip_prefix(word)?;
        rest.starts_with(|c: char| c.is_whitespace() || "{*'\"".contains(c)).then(|| rest.trim_start())
    };
    if let Some(rest) = after("export") {
        let words = ["default", "const", "let", "var", "function", "class", "async"];
        return rest.starts_with(['{', '*']) || words.iter().any(|word| rest.starts_with(word));
    }
    after("import").is_some_and(|rest| {
        rest.starts_with(['\'', '"', '{', '*']) || rest.split_whitespace().any(|word| word == "from")
    })
}
