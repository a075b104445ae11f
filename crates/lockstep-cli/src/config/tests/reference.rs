//! What is written from the description of the keys, and whether all of it takes part.

use super::*;
use crate::config::keys::{self, Kind, Role};

/// A file of the documentation, which `LOCKSTEP_BLESS=1` writes anew.
fn is_current(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("LOCKSTEP_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/{name} is stale: run the tests once with LOCKSTEP_BLESS=1");
}

#[test]
fn the_json_schema_is_current() {
    is_current("schema/lockstep.config.schema.json", &format!("{:#}\n", keys::json_schema()));
}

#[test]
fn the_reference_is_current() {
    is_current("configuration.md", &keys::reference());
}

/// A file with all keys, in a profile where that is possible.
#[test]
fn every_key_is_read_and_shown() {
    let value = |kind: &Kind| match kind {
        Kind::Flag => "true",
        Kind::Count => "3",
        Kind::Texts | Kind::Collections | Kind::PreservedIds => r#"["roles"]"#,
        Kind::OneOf(..) => r#""table""#,
        Kind::Items(_) => r#"[{"collection": "settings", "set": {"project_name": "x"}}]"#,
        Kind::ByCollection(_) => r#"{"roles": {"ignoreFields": ["icon"]}}"#,
        Kind::Hooks | Kind::SdkOptions | Kind::Live => "{}",
        _ => r#""x""#,
    };
    let keys: Vec<String> =
        keys::of_profile().map(|key| format!("\"{}\": {}", key.name, value(&key.kind))).collect();
    let place = with_config(&format!(r#"{{"profiles": {{"p": {{{}}}}}}}"#, keys.join(", ")));
    let Resolved { settings, warnings, .. } = place.with_profile("p", &[]).unwrap();
    assert_eq!(warnings, []);
    let shown = settings.shown();
    for key in keys::of_profile().filter(|key| !matches!(key.kind, Kind::Hooks | Kind::SdkOptions)) {
        let shown = shown.iter().find(|shown| shown.key.name == key.name);
        let origin = shown.map(|shown| &shown.origin);
        assert!(matches!(origin, Some(Origin::Profile { .. })), "{} is read from {origin:?}", key.name);
    }
}

#[test]
fn defaults_are_what_the_reference_says() {
    let place = Place::new(&[]);
    for shown in place.settings().shown() {
        let Some(default) = shown.key.default else { continue };
        let expected: serde_json::Value = serde_json::from_str(default).unwrap();
        let found = match &shown.value {
            serde_json::Value::String(path) if path.starts_with('/') => {
                let path = place.relative(path);
                let in_dump = path.strip_prefix("directus-config/").filter(|_| !default.contains('/'));
                in_dump.unwrap_or(&path).to_owned().into()
            }
            serde_json::Value::Array(paths) if matches!(shown.key.kind, Kind::Paths) => {
                place.relative(paths[0].as_str().unwrap()).into()
            }
            other => other.clone(),
        };
        let plain = expected.as_str().and_then(|path| path.strip_prefix("./")).map(Into::into);
        assert_eq!(found, plain.unwrap_or(expected), "{}", shown.key.name);
    }
    assert!(keys::KEYS.iter().all(|key| key.role != Role::Required && !key.about.is_empty()));
}
