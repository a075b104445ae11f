//! Which collections a schema command is about.

/// Patterns of names of collections: `*` stands for any characters, `?` for one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    only: Vec<String>,
    exclude: Vec<String>,
}

impl Scope {
    /// What matches one of `only` (all, if there is none) and none of `exclude`.
    #[must_use]
    pub fn new(only: Vec<String>, exclude: Vec<String>) -> Self {
        Self { only, exclude }
    }

    /// True if nothing is left out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.exclude.is_empty()
    }

    /// True for a collection that takes part.
    #[must_use]
    pub fn has(&self, collection: &str) -> bool {
        let matched = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, collection));
        (self.only.is_empty() || matched(&self.only)) && !matched(&self.exclude)
    }

    /// The patterns that match none of these names: most likely misspelled.
    #[must_use]
    pub fn unmatched<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Vec<&str> {
        let all = self.only.iter().chain(&self.exclude).map(String::as_str);
        all.filter(|pattern| !names.clone().any(|name| matches(pattern, name))).collect()
    }
}

/// The last `*` that was met takes as much as is needed for the rest to fit.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut of, mut star) = (0, 0, None);
    while of < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(&expected) if expected == '?' || expected == name[of] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                of = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(only: &[&str], exclude: &[&str]) -> Scope {
        let owned = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Scope::new(owned(only), owned(exclude))
    }

    #[test]
    fn patterns_match_whole_names() {
        let cases = [
            ("blog_*", "blog_posts", true),
            ("blog_*", "my_blog_posts", false),
            ("*_i18n", "posts_i18n", true),
            ("*a*b", "xaayb", true),
            ("*a*b", "xaay", false),
            ("page?", "pages", true),
            ("page?", "page", false),
            ("pages", "pages", true),
            ("", "pages", false),
            ("**", "", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn excluding_wins() {
        let scope = scope(&["blog_*", "pages"], &["*_drafts"]);
        assert!(scope.has("blog_posts") && scope.has("pages"));
        assert!(!scope.has("blog_drafts") && !scope.has("users"));
        assert!(super::Scope::default().has("anything"));
        assert_eq!(scope.unmatched(["pages", "blog_posts"].into_iter()), ["*_drafts"]);
    }
}
