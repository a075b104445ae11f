//! "Did you mean …?"

/// The candidate that is most like `word`, when one is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = |candidate: &&'a str| (strsim::levenshtein(&word, &candidate.to_lowercase()), *candidate);
    let (distance, candidate) = candidates.iter().map(near).min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + word.chars().count() / 3).then_some(candidate)
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
