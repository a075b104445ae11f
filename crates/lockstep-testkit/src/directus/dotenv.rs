//! The `.env` file of an instance.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The lines of a `.env` file, in the order of the names, quoted so that dotenv reads back exactly the values.
pub(super) fn render(variables: &BTreeMap<String, String>) -> String {
    let mut file = String::new();
    for (name, value) in variables {
        let _infallible = writeln!(file, "{name}={}", quoted(value));
    }
    file
}

fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@,+%".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    // dotenv has no escape for the quote itself: the first kind that the value does not contain is taken.
    let quote = ['\'', '`', '"'].into_iter().find(|quote| !value.contains(*quote)).unwrap_or('\'');
    format!("{quote}{value}{quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_when_dotenv_needs_it() {
        let values = ["./data.db", "", "two words", "it's", "a#b", "'`"];
        let named =
            values.iter().enumerate().map(|(n, value)| (format!("V{n}"), (*value).to_owned())).collect();
        let expected = "V0=./data.db\nV1=''\nV2='two words'\nV3=`it's`\nV4='a#b'\nV5=\"'`\"\n";
        assert_eq!(render(&named), expected);
    }
}
