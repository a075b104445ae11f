//! Texts that come from elsewhere (an instance, a dump, a server's error) as they may be shown.
//!
//! What would steer the terminal, or change the order in which a reader sees the letters, is made visible.

/// A text of several lines.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if steers(c) && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// A text that stays on its line: a name cannot pretend to be another line of a plan.
pub(super) fn line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if steers(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A JSON document: of what steers, JSON by itself only escapes the control characters of ASCII. The rest can stand
/// in strings only, where an escape means the same.
pub(super) fn json(text: String) -> String {
    let raw = |c: char| steers(c) && c != '\n';
    if !text.contains(raw) {
        return text;
    }
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        if raw(c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
        escaped
    })
}

/// Control characters, and those that turn the direction of writing.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\u{7}b\tc\n\u{9b}2J"), "a\u{fffd}b\tc\n\u{fffd}2J");
        assert_eq!(json("[\n\"\u{9b}2J\"\n]".to_owned()), "[\n\"\\u009b2J\"\n]");
        assert_eq!(line("Editor\n- everything\u{1b}[2K\u{202e}x"), "Editor - everything\u{fffd}[2K\u{fffd}x");
    }
}
