//! "Did you mean …?"

/// The candidate that is most like `word`, when one is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = |candidate: &&'a str| (distance(&word, &candidate.to_lowercase()), *candidate);
    let (distance, candidate) = candidates.iter().map(near).min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + word.chars().count() / 3).then_some(candidate)
}

/// The Levenshtein distance in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_probably_meant() {
        let names = ["roles", "policies", "permissions", "presets"];
        let cases = [
            ("role", Some("roles")),
            ("Roles", Some("roles")),
            ("polices", Some("policies")),
            ("permisions", Some("permissions")),
            ("users", None),
            ("webhooks", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, &names), expected, "{word}");
        }
    }
}
