//! The body of a step that says `multipart`: a form, one part after the other.
//!
//! ```text
//! title = A text
//! file = @notes.txt text/plain
//! | The content of a file,
//! | line by line.
//! ```

use reqwest::multipart::{Form, Part};

/// The form that the lines describe; the error names a line that is not understood.
pub(crate) fn form(body: &str) -> Result<Form, String> {
    let mut form = Form::new();
    let mut lines = body.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, value) = line.split_once(" = ").ok_or_else(|| format!("not a part of a form: {line}"))?;
        let Some((file, kind)) = value.strip_prefix('@').and_then(|file| file.split_once(' ')) else {
            form = form.text(name.to_owned(), value.to_owned());
            continue;
        };
        let mut content = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
            content.push(line.strip_prefix("| ").unwrap_or(&line[1..]));
        }
        let part = Part::text(content.join("\n")).file_name(file.to_owned()).mime_str(kind);
        form = form.part(name.to_owned(), part.map_err(|error| format!("{line}: {error}"))?);
    }
    Ok(form)
}
