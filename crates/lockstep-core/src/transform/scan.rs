//! Secrets in records, found by the name of the place and by the look of the value.
//!
//! It looks for what people put into flows, panels and settings: tokens, passwords, keys, headers of authorization. A
//! secret is never part of what is returned but [`extracted`].

use serde::Serialize;
use serde_json::Value;

use super::Path;
use crate::collection::Collection;
use crate::placeholder;
use crate::record::{CONCEALED, Fields};

/// What a secret looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `Bearer …`, `Basic …`
    Authorization,
    /// A password in a URL, or a token in its query.
    Url,
    /// A token whose first letters say whose it is.
    Token,
    /// A signed token (JWT).
    Jwt,
    /// A private key.
    PrivateKey,
    /// A value in a place that is called like a secret.
    Named,
}

impl Kind {
    /// In a few words, with an article.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Authorization => "credentials of a header",
            Self::Url => "credentials in a URL",
            Self::Token => "a token",
            Self::Jwt => "a signed token",
            Self::PrivateKey => "a private key",
            Self::Named => "a secret",
        }
    }
}

/// A secret in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place.
    pub path: Path,
    /// What it looks like.
    pub kind: Kind,
    /// The part of the text that is the secret: from, to, in bytes.
    pub(super) span: (usize, usize),
}

/// The first letters of tokens, and how long these are at least.
const PREFIXES: [(&str, usize); 22] = [
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 40),
    ("glpat-", 20),
    ("sk_live_", 20),
    ("sk_test_", 20),
    ("rk_live_", 20),
    ("whsec_", 20),
    ("sk-", 32),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xapp-", 20),
    ("AKIA", 20),
    ("ASIA", 20),
    ("AIza", 35),
    ("SG.", 40),
    ("npm_", 30),
    ("hf_", 30),
    ("dop_v1_", 40),
];

/// Addresses that are a secret by themselves.
const ADDRESSES: [&str; 4] = [
    "https://hooks.slack.com/services/",
    "https://discord.com/api/webhooks/",
    "https://discordapp.com/api/webhooks/",
    "https://api.telegram.org/bot",
];

/// Words that call a place a secret.
const STRONG: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "credential",
    "credentials",
];
/// Words that do so where the value looks random.
const WEAK: [&str; 6] = ["token", "auth", "bearer", "signature", "key", "pwd"];

/// Collections whose texts are conditions, rights and words for people.
const WITHOUT: [&str; 4] = ["permissions", "translations", "folders", "policies"];

/// The secrets of a record, besides the fields that the registry knows as such.
#[must_use]
pub fn found(collection: &Collection, fields: &Fields) -> Vec<Found> {
    let mut all = Vec::new();
    if WITHOUT.contains(&collection.name) {
        return all;
    }
    for (name, value) in fields.iter().filter(|(name, _)| !collection.is_secret(name)) {
        let path = Path::of_field(name);
        let identity = collection.natural_key.contains(&name.as_str()) || name == "_syncId";
        let reference = collection.references.iter().any(|reference| reference.path == name);
        if !identity && !reference {
            walk(value, &path, None, &mut all);
        }
    }
    all
}

/// `called` is the name that a place has from beside it: the header of a value.
fn walk(value: &Value, path: &Path, called: Option<&str>, all: &mut Vec<Found>) {
    match value {
        Value::String(text) => {
            let name = called.unwrap_or(path.last());
            all.extend(secret(name, text).map(|(kind, span)| Found { path: path.clone(), kind, span }));
        }
        Value::Array(items) => {
            let name = called.or(Some(path.last())).filter(|name| name.parse::<usize>().is_err());
            let places = items.iter().enumerate();
            places.for_each(|(index, item)| walk(item, &path.then(&index.to_string()), name, all));
        }
        Value::Object(fields) => {
            let beside = ["header", "name", "key"].iter().find_map(|key| fields.get(*key)?.as_str());
            for (name, value) in fields {
                walk(value, &path.then(name), beside.filter(|_| name == "value"), all);
            }
        }
        _ => {}
    }
}

fn secret(name: &str, text: &str) -> Option<(Kind, (usize, usize))> {
    let whole = (0, text.len());
    let known = text.is_empty() || text == CONCEALED || text.contains("{{") || is_placeholder(text);
    if known {
        return None;
    }
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----") {
        return Some((Kind::PrivateKey, whole));
    }
    if let Some(span) = authorization(text) {
        return Some((Kind::Authorization, span));
    }
    if let Some(span) = url(text) {
        return Some((Kind::Url, span));
    }
    if let Some(found) = token(text) {
        return Some(found);
    }
    let named = match strength(name) {
        Strength::Strong => text.len() >= 4 && is_word(text) && !is_plain_name(text),
        Strength::Weak => text.len() >= 12 && is_word(text) && is_random(text),
        Strength::None => false,
    };
    named.then_some((Kind::Named, whole))
}

fn is_placeholder(text: &str) -> bool {
    placeholder::is_marked(text)
}

/// `Bearer x` and the like, the whole text.
fn authorization(text: &str) -> Option<(usize, usize)> {
    let (scheme, rest) = text.split_once(' ')?;
    let known = ["bearer", "basic", "token", "apikey"].contains(&scheme.to_lowercase().as_str());
    let start = scheme.len() + 1;
    (known && rest.len() >= 6 && is_word(rest) && is_random(rest)).then_some((start, text.len()))
}

/// A password before the `@`, a token in the query, an address that is one by itself.
fn url(text: &str) -> Option<(usize, usize)> {
    if ADDRESSES.iter().any(|address| text.starts_with(address) && text.len() > address.len() + 8)
        && is_word(text)
    {
        return Some((0, text.len()));
    }
    let (scheme, rest) = text.split_once("://")?;
    if !is_word(text) || scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') {
        return None;
    }
    let start = scheme.len() + 3;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((user, _)) = authority.rsplit_once('@')
        && let Some((name, password)) = user.split_once(':').filter(|(_, password)| !password.is_empty())
    {
        let from = start + name.len() + 1;
        return Some((from, from + password.len()));
    }
    let query = rest.find('?').map(|place| start + place + 1)?;
    let mut from = query;
    for part in text[query..].split(['&', '#']) {
        if let Some((name, value)) = part.split_once('=') {
            let random = value.len() >= 8 && is_random(value);
            if random && !matches!(strength(name), Strength::None) {
                return Some((from + name.len() + 1, from + part.len()));
            }
        }
        from += part.len() + 1;
    }
    None
}

/// A token by its first letters or its form, also inside of code.
fn token(text: &str) -> Option<(Kind, (usize, usize))> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut from = 0;
    for word in text.split(|c: char| !is_part(c)) {
        let span = (from, from + word.len());
        // A split consumes one character, which may be of several bytes.
        from = text[span.1..].chars().next().map_or(span.1, |c| span.1 + c.len_utf8());
        let known = PREFIXES.iter().any(|(prefix, length)| word.starts_with(prefix) && word.len() >= *length);
        if known && is_random(word) {
            return Some((Kind::Token, span));
        }
        if is_jwt(word) {
            return Some((Kind::Jwt, span));
        }
    }
    None
}

fn is_jwt(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3 && parts[0].starts_with("eyJ") && parts[1].starts_with("eyJ") && parts[2].len() >= 16
}

enum Strength {
    Strong,
    Weak,
    None,
}

fn strength(name: &str) -> Strength {
    let words = words(name);
    let joined: Vec<String> = words.windows(2).map(<[String]>::concat).collect();
    let is = |known: &[&str]| words.iter().chain(&joined).any(|word| known.contains(&word.as_str()));
    // The name of a key, and what everybody may know.
    if is(&["public", "publickey", "tokentype", "type", "keyname", "tokenname", "field", "fields"]) {
        return Strength::None;
    }
    if is(&STRONG) {
        return Strength::Strong;
    }
    // `key` alone is the name of something.
    if is(&WEAK) && words != ["key"] { Strength::Weak } else { Strength::None }
}

/// `x-apiKey_v2` is `x`, `api`, `key`, `v2`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut lower_before = false;
    for c in name.chars() {
        let starts = c.is_uppercase() && lower_before || words.is_empty();
        if !c.is_alphanumeric() {
            words.push(String::new());
        } else {
            if starts {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        lower_before = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// One word: no sentence and no code.
fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || "\"'`<>(){}".contains(c))
}

/// The name of a field or a constant: `access_token`, `hidden`, `none`.
fn is_plain_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-') && text.len() <= 16
}

/// Letters and digits mixed, and many different ones: what a machine made.
fn is_random(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let upper = text.chars().filter(char::is_ascii_uppercase).count();
    let lower = text.chars().filter(char::is_ascii_lowercase).count();
    let mixed = [digits, upper, lower].iter().filter(|count| **count > 0).count() >= 2;
    mixed && !text.contains('/') && entropy(text) >= 2.5 || text.len() >= 20 && mixed && entropy(text) >= 3.3
}

/// Bits per character.
fn entropy(text: &str) -> f64 {
    let mut counts = std::collections::BTreeMap::new();
    text.chars().for_each(|c| *counts.entry(c).or_insert(0_u32) += 1);
    let length = f64::from(counts.values().sum::<u32>());
    -counts.values().map(|count| f64::from(*count) / length).map(|share| share * share.log2()).sum::<f64>()
}

/// The text with a placeholder in place of the secret; none where that would not be recognized as one again (code).
#[must_use]
pub fn extracted(text: &str, found: &Found, variable: &str) -> Option<String> {
    let (from, to) = found.span;
    let replaced = format!("{}${{{variable}}}{}", text.get(..from)?, text.get(to..)?);
    placeholder::is_marked(&replaced).then_some(replaced)
}

/// What the variable of a secret may be called: `FLOWS_NOTIFY_EDITORS_AUTHORIZATION`.
#[must_use]
pub fn variable_name(collection: &Collection, label: &str, fields: &Fields, path: &Path) -> String {
    let beside = || {
        let text = path.to_string();
        let around = Path::parse(text.rsplit_once('.')?.0)?;
        let around = around.get(fields)?;
        ["header", "name", "key"].iter().find_map(|key| around.get(key)?.as_str())
    };
    let last = match path.last() {
        "value" => beside().unwrap_or("value"),
        last => last,
    };
    let singular = collection.name.strip_suffix('s').unwrap_or(collection.name);
    let parts = [singular, label, last].map(|part| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let plain: String = part.chars().map(plain).collect();
        plain.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
    });
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("_")
}
