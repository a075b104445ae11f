//! Placeholders: `${NAME}` stands for the value of a variable, `$${` for `${` itself.
//!
//! A configuration file is read with all of its placeholders. A dump holds texts of all kinds, the code of a flow among
//! them, in which `${name}` is JavaScript: there a text counts only if [`is_marked`], and what an instance holds is
//! [`escaped`] where it would be taken for one.

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    /// `$${`
    Escape,
    Variable(&'a str),
}

/// Words before a placeholder that say how a secret is sent.
const SCHEMES: [&str; 6] = ["Bearer", "Basic", "Token", "ApiKey", "Api-Key", "Key"];

/// The text with the values of its variables.
///
/// # Errors
/// The name of the first variable that `lookup` does not know.
pub fn filled<'v>(text: &str, lookup: impl Fn(&str) -> Option<&'v str>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    for part in parts(text) {
        filled.push_str(match part {
            Part::Text(text) => text,
            Part::Escape => "${",
            Part::Variable(name) => lookup(name).ok_or_else(|| name.to_owned())?,
        });
    }
    Ok(filled)
}

/// The names of the variables in a text, in its order.
pub fn variables(text: &str) -> impl Iterator<Item = &str> {
    parts(text).filter_map(|part| match part {
        Part::Variable(name) => Some(name),
        _ => None,
    })
}

/// True if a text of a record is one with placeholders: nothing but one, or one within a single word without quotes and
/// brackets (an address), or behind a word such as `Bearer`. Code and sentences never are.
#[must_use]
pub fn is_marked(text: &str) -> bool {
    // Most texts have no dollar sign, which is found out more quickly.
    if !text.contains('$') || !text.contains("${") {
        return false;
    }
    let word = match text.split_once(' ') {
        Some((scheme, word)) if SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) => word,
        _ => text,
    };
    // An escape is a placeholder that was one: what is behind it is judged with it.
    let mut bare = word.to_owned();
    while bare.contains("$${") {
        bare = bare.replace("$${", "${");
    }
    let plain = |text: &str| !text.contains(|c: char| c.is_whitespace() || "`'\"(){}<>;\\".contains(c));
    let mut any = false;
    let all_plain = parts(&bare).all(|part| match part {
        Part::Text(text) => plain(text),
        Part::Variable(_) => {
            any = true;
            true
        }
        Part::Escape => false,
    });
    any && all_plain
}

/// A text of an instance as a dump has it, so that it means itself; none if it does already.
#[must_use]
pub fn escaped(text: &str) -> Option<String> {
    is_marked(text).then(|| text.replace("${", "$${"))
}

/// True for what a variable may be called.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, length) = match (rest.strip_prefix("$${"), variable(rest)) {
            (Some(_), _) => (Part::Escape, 3),
            (None, Some(name)) => (Part::Variable(name), name.len() + 3),
            (None, None) => {
                let length = next(rest);
                (Part::Text(&rest[..length]), length)
            }
        };
        rest = &rest[length..];
        Some(part)
    })
}

/// The name of the placeholder at the start of a text.
fn variable(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix("${")?.split_once('}')?;
    is_name(name).then_some(name)
}

/// Where the next part may begin.
fn next(text: &str) -> usize {
    let starts = text.char_indices().skip(1).filter(|(_, c)| *c == '$').map(|(place, _)| place);
    let mut starts = starts.filter(|place| {
        let rest = &text[*place..];
        rest.starts_with("$${") || variable(rest).is_some()
    });
    starts.next().unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<&'static str> {
        match name {
            "A" => Some("1"),
            "EMPTY" => Some(""),
            _ => None,
        }
    }

    #[test]
    fn variables_are_filled_in_and_the_rest_stays() {
        for (text, expected) in [
            ("${A}", Ok("1")),
            ("x${A}y${A}", Ok("x1y1")),
            ("[${EMPTY}]", Ok("[]")),
            ("$${A}", Ok("${A}")),
            ("$$${A}", Ok("$${A}")),
            ("pa$$w0rd$", Ok("pa$$w0rd$")),
            ("${}${1}${a b}${", Ok("${}${1}${a b}${")),
            ("${B}", Err("B")),
        ] {
            let filled = filled(text, lookup);
            assert_eq!(filled.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn code_and_sentences_are_not_marked() {
        for text in ["${KEY}", "Bearer ${KEY}", "basic ${K}", "https://${H}/x?token=${T}&a=1", "$${KEY}"] {
            assert!(is_marked(text), "{text}");
        }
        for text in [
            "`${base}/x`",
            "return `${a}`;",
            "fetch(${A})",
            "The price is ${PRICE}",
            "Price ${PRICE}",
            "{{ ${A} }}",
            "${a}\n${b}",
            "$A",
            "${}",
            "",
        ] {
            assert!(!is_marked(text), "{text}");
        }
    }

    #[test]
    fn what_an_instance_holds_comes_back_as_it_was() {
        for text in
            ["${KEY}", "$${KEY}", "$$${KEY}", "Bearer ${KEY}", "a${b}c", "plain", "`${a}`", "${", "$${"]
        {
            let dumped = escaped(text).unwrap_or_else(|| text.to_owned());
            let pushed = if is_marked(&dumped) { filled(&dumped, |_| None) } else { Ok(dumped.clone()) };
            assert_eq!(pushed.as_deref(), Ok(text), "{dumped}");
        }
    }
}
