//! Command line over environment over configuration file over default.

use super::*;
use lockstep_core::identity::PreserveIds;

fn strings(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn the_url_comes_from_the_strongest_source() {
    let typed = || Values { directus_url: Some("http://typed".into()), ..Values::default() };
    let place = Place::new(&[
        (".env", "DIRECTUS_URL=http://dotenv\nDIRECTUS_TOKEN=t"),
        ("directus-sync.config.json", r#"{"directusUrl": "http://file"}"#),
    ]);
    let bare = Place::new(&[
        ("directus-sync.config.json", r#"{"directusUrl": "http://file", "directusToken": "t"}"#),
        ("lockstep.config.json.bak", "{"),
    ]);
    let real = [("DIRECTUS_URL", "http://real")];
    let empty = [("DIRECTUS_URL", " ")];
    let dotenv = Origin::DotEnv { variable: "DIRECTUS_URL".into(), file: place.path(".env") };
    let file = bare.file("directus-sync.config.json");
    type Case<'a> = (&'a Place, Values, &'a [(&'a str, &'a str)], &'a str, Origin);
    let cases: [Case; 6] = [
        (&place, typed(), &real, "http://typed", Origin::CommandLine),
        (&place, Values::default(), &real, "http://real", Origin::Environment("DIRECTUS_URL".into())),
        (&place, Values::default(), &empty, "http://dotenv", dotenv.clone()),
        (
            &place,
            Values { directus_url: Some(String::new()), ..Values::default() },
            &[],
            "http://dotenv",
            dotenv,
        ),
        (&bare, Values::default(), &real, "http://real", Origin::Environment("DIRECTUS_URL".into())),
        (&bare, Values::default(), &[], "http://file", file),
    ];
    for (place, typed, variables, expected, origin) in cases {
        let settings = place.resolve(typed, variables).unwrap().settings;
        let url = settings.connection().unwrap().url;
        assert_eq!((url.value.as_str(), url.origin), (expected, origin));
    }
}

#[test]
fn paths_come_from_the_strongest_source() {
    let place = with_config(r#"{"dumpPath": "./file", "specsPath": "api", "seedPath": ["a", "/b"]}"#);
    let typed = Values { dump_path: Some("typed/./x/..".into()), ..Values::default() };
    let settings = place.resolve(typed, &[]).unwrap().settings;
    assert_eq!(
        (settings.dump_path.value, settings.dump_path.origin),
        (place.path("typed"), Origin::CommandLine)
    );
    assert_eq!(settings.specs_path.value, place.path("typed/api"));
    assert_eq!(settings.specs_path.origin, place.file("directus-sync.config.json"));
    assert_eq!(settings.snapshot_path.value, place.path("typed/snapshot"));
    assert_eq!(settings.snapshot_path.origin, Origin::Default);
    assert_eq!(settings.seed_path.value, [place.path("a"), PathBuf::from("/b")]);

    let settings = place.settings();
    assert_eq!(settings.dump_path.value, place.path("file"));
    assert_eq!(settings.collections_path.value, place.path("file/collections"));
}

#[test]
fn the_defaults() {
    let place = Place::new(&[]);
    let Resolved { settings, warnings, .. } = place.resolve(Values::default(), &[]).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(settings.dump_path.value, place.path("directus-config"));
    assert_eq!(settings.seed_path.value, [place.path("directus-config/seed")]);
    let on = [
        &settings.collections,
        &settings.snapshot,
        &settings.split,
        &settings.specs,
        &settings.sync_policy_roles,
    ];
    assert!(on.iter().all(|flag| flag.value && flag.origin == Origin::Default));
    assert!(!settings.debug.value && !settings.sort_json.value);
    assert_eq!(settings.preserve_ids.value, PreserveIds::All);
    assert_eq!(settings.max_push_retries.value, 20);
    assert_eq!(settings.state.value, StateChoice::Auto);
    assert!(settings.state_file.is_none());
    assert!(settings.takes_part("roles") && settings.takes_part("settings"));
}

#[test]
fn a_flag_of_the_file_holds_unless_one_is_typed() {
    let place = with_config(
        r#"{"collections": false, "snapshot": false, "split": false, "specs": false, "syncPolicyRoles": false,
            "debug": true, "sortJson": true, "maxPushRetries": "7"}"#,
    );
    let settings = place.settings();
    let off = [
        &settings.collections,
        &settings.snapshot,
        &settings.split,
        &settings.specs,
        &settings.sync_policy_roles,
    ];
    assert!(off.iter().all(|flag| !flag.value));
    assert!(settings.debug.value && settings.sort_json.value);
    assert_eq!(settings.max_push_retries.value, 7);
    assert!(!settings.takes_part("roles"));

    let typed =
        Values { split: Some(true), debug: Some(false), max_push_retries: Some(0), ..Values::default() };
    let settings = place.resolve(typed, &[]).unwrap().settings;
    assert!(settings.split.value && !settings.debug.value);
    assert_eq!((settings.max_push_retries.value, settings.split.origin), (0, Origin::CommandLine));
}

#[test]
fn lists_of_several_sources_add_up() {
    let place = with_config(r#"{"onlyCollections": ["roles", "flows"], "excludeCollections": ["flows"]}"#);
    let typed = Values {
        only_collections: strings(&["directus_policies", " panels", ""]),
        exclude_collections: strings(&["panels"]),
        ..Values::default()
    };
    let settings = place.resolve(typed, &[]).unwrap().settings;
    assert_eq!(settings.only_collections.value, ["flows", "panels", "policies", "roles"]);
    assert_eq!(settings.exclude_collections.value, ["flows", "panels"]);
    let both = Origin::Several(vec![Origin::CommandLine, place.file("directus-sync.config.json")]);
    assert_eq!(settings.only_collections.origin, both);
    let takes_part =
        ["roles", "policies", "flows", "panels", "presets"].map(|name| settings.takes_part(name));
    assert_eq!(takes_part, [true, true, false, false, false]);
}

#[test]
fn preserved_ids() {
    let only = |names: &[&str]| PreserveIds::Only(strings(names).unwrap());
    let cases = [
        (None, None, PreserveIds::All),
        (Some(&["roles"][..]), None, only(&["roles"])),
        (Some(&["*"]), None, PreserveIds::All),
        (Some(&["none"]), None, PreserveIds::None),
        (None, Some(r#""none""#), PreserveIds::None),
        (None, Some(r#""all""#), PreserveIds::All),
        (None, Some(r#""*""#), PreserveIds::All),
        (None, Some(r#"["panels", "directus_roles"]"#), only(&["panels", "roles"])),
        (None, Some("[]"), PreserveIds::None),
        (Some(&["roles"]), Some(r#"["panels"]"#), only(&["panels", "roles"])),
        (Some(&["roles"]), Some(r#""all""#), only(&["roles"])),
        (Some(&["none"]), Some(r#"["panels"]"#), PreserveIds::None),
        (Some(&["all"]), Some(r#""none""#), PreserveIds::All),
    ];
    for (typed, file, expected) in cases {
        let json = file.map_or("{}".to_owned(), |value| format!(r#"{{"preserveIds": {value}}}"#));
        let typed = Values { preserve_ids: typed.and_then(strings), ..Values::default() };
        let settings = with_config(&json).resolve(typed, &[]).unwrap().settings;
        assert_eq!(settings.preserve_ids.value, expected, "{json}");
    }
}

#[test]
fn a_state_file_means_a_file() {
    let cases = [
        ("{}", None, None, StateChoice::Auto),
        (r#"{"state": "table"}"#, None, None, StateChoice::Table),
        (r#"{"state": "table"}"#, Some(StateChoice::Extension), None, StateChoice::Extension),
        (r#"{"stateFile": "ids.json"}"#, None, Some("ids.json"), StateChoice::File),
        (r#"{"stateFile": "ids.json", "state": "auto"}"#, None, Some("ids.json"), StateChoice::Auto),
    ];
    for (json, typed, file, expected) in cases {
        let place = with_config(json);
        let settings = place.resolve(Values { state: typed, ..Values::default() }, &[]).unwrap().settings;
        assert_eq!(settings.state.value, expected, "{json}");
        assert_eq!(settings.state_file.map(|f| f.value), file.map(|name| place.path(name)), "{json}");
    }
}

#[test]
fn names_that_are_no_collection() {
    let cases = [
        (
            r#"{"onlyCollections": ["role"]}"#,
            "\"role\" (from directus-sync.config.json) is not a collection",
            "did you mean roles? ",
        ),
        (r#"{"excludeCollections": ["directus_users"]}"#, "\"directus_users\" (from", "the collections are"),
        (r#"{"preserveIds": ["flowz"]}"#, "\"flowz\" (from", "did you mean flows? "),
        (
            r#"{"preserveIds": ["permissions"]}"#,
            "the ids of permissions cannot be preserved",
            "only dashboards",
        ),
        (r#"{"preserveIds": ["none", "roles"]}"#, "\"none\" cannot be combined", "give either"),
    ];
    for (json, message, hint) in cases {
        let (found, found_hint) = with_config(json).error();
        assert!(found.starts_with(message), "{found}");
        assert!(found_hint.unwrap().starts_with(hint), "{json}");
    }
    let typed = Values { only_collections: strings(&["polices"]), ..Values::default() };
    let error = Place::new(&[]).resolve(typed, &[]).unwrap_err();
    assert_eq!(error.to_string(), "\"polices\" (from the command line) is not a collection that is synced");
}
