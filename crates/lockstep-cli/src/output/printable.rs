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
        assert_eq!(line("Editor\n- everything\u{1b}[2K\u{202e}x"), "Editor - everything\u{fffd}[2K\u{fffd}x");
    }
}
