//! YAML in the form of the real one: a list stands below its key, further in.

/// The text, with every list that belongs to a key two places further in.
pub(crate) fn indented(text: &str) -> String {
    let mut shifted = String::with_capacity(text.len() + text.len() / 4);
    // Where the lists begin that the line is in, and where a text of several lines does.
    let (mut lists, mut block): (Vec<usize>, Option<usize>) = (Vec::new(), None);
    let mut key: Option<usize> = None;
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        let at = line.len() - content.len();
        if block.is_some_and(|start| content.is_empty() || at > start) {
            shifted.push_str(&" ".repeat(if content.is_empty() { 0 } else { 2 * lists.len() }));
            shifted.extend([line, "\n"]);
            continue;
        }
        let is_item = content == "-" || content.starts_with("- ");
        lists.retain(|list| at > *list || at == *list && is_item);
        if is_item && key == Some(at) && !lists.contains(&at) {
            lists.push(at);
        }
        shifted.push_str(&" ".repeat(2 * lists.len()));
        shifted.extend([line, "\n"]);
        // The key of an item stands behind its dashes.
        let inner = content.trim_start_matches("- ");
        let inner_at = at + content.len() - inner.len();
        key = inner.ends_with(':').then_some(inner_at);
        let ends =
            |marks: &[&str]| marks.iter().any(|mark| inner.ends_with(mark) || inner == mark.trim_start());
        block = ends(&[": |", ": |-", ": |+", ": >", ": >-", ": >+"]).then_some(inner_at);
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stand_below_their_keys() {
        let text = "a:\n- b: 1\n  c:\n  - x\n  - y\n  d: |-\n    e:\n    - no\n- f\ng: []\n";
        let expected =
            "a:\n  - b: 1\n    c:\n      - x\n      - y\n    d: |-\n      e:\n      - no\n  - f\ng: []\n";
        assert_eq!(indented(text), expected);
        assert_eq!(indented("- a\n- b\n"), "- a\n- b\n");
    }
}
