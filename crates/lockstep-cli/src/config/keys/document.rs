//! The reference of all keys, for `docs/configuration.md`.

use super::{KEYS, Key, Kind, Role};

/// The reference in Markdown.
pub(crate) fn reference() -> String {
    let mut text = "# Keys of a configuration file\n\n\
        <!-- Written by `lockstep config reference`; a test compares it. -->\n\n\
        How files are found and laid over each other stands in the [guide](guide.md#configuration). A string may hold \
        `${VARIABLE}`.\n\nA profile may have all keys but `$schema`, `extends` and `profiles`.\n\n\
        | key | value | default | elsewhere | |\n|---|---|---|---|---|\n"
        .to_owned();
    KEYS.iter().for_each(|key| add(&mut text, "", key));
    text
}

fn add(text: &mut String, place: &str, key: &Key) {
    let name = format!("{place}{}", key.name);
    let required = if key.role == Role::Required { " Required." } else { "" };
    let default = key.default.map(|default| format!("`{default}`")).unwrap_or_default();
    let elsewhere: Vec<_> = key
        .option
        .map(|option| format!("`--{option}`"))
        .into_iter()
        .chain(key.variable.map(|variable| format!("`{variable}`")))
        .collect();
    *text += &format!(
        "| `{name}` | {} | {default} | {} | {}{required} |\n",
        value(&key.kind),
        elsewhere.join(", "),
        key.about
    );
    let (place, keys) = match &key.kind {
        Kind::ByCollection(Kind::Object(keys)) => (format!("{name}.<collection>."), *keys),
        Kind::Items(Kind::Object(keys)) => (format!("{name}[]."), *keys),
        _ => return,
    };
    keys.iter().for_each(|key| add(text, &place, key));
}

fn value(kind: &Kind) -> String {
    match kind {
        Kind::Flag => "true or false".into(),
        Kind::Text => "text".into(),
        Kind::Secret => "text, a secret".into(),
        Kind::Path => "path".into(),
        Kind::Paths => "path, or list of paths".into(),
        Kind::Count => "whole number".into(),
        Kind::Texts => "list of texts".into(),
        Kind::Collection => "collection".into(),
        Kind::Collections => "list of collections".into(),
        Kind::PreservedIds => "list of collections, `\"all\"` or `\"none\"`".into(),
        Kind::OneOf(words, _) => {
            words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Filter => "filter".into(),
        Kind::ByPath => "values by path".into(),
        Kind::Items(_) => "list of objects".into(),
        Kind::ByCollection(_) => "object by collection".into(),
        Kind::Profiles => "object by name".into(),
        Kind::Object(_) | Kind::Hooks | Kind::SdkOptions | Kind::Live => "object".into(),
    }
}
