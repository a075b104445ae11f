//! Profiles: over the file, under the environment; merged by name; others stay out of it.

use super::*;

/// Three files, each with a part of the profile.
fn family() -> Place {
    Place::new(&[
        (
            "lockstep.config.json",
            r#"{"extends": ["conf/base.json"], "directusUrl": "http://file", "specsPath": "file",
                "profiles": {"staging": {"directusUrl": "http://staging", "excludeCollections": ["presets"]},
                             "prod": {"directusUrl": "${NOT_SET}", "maxPushRetries": "${NOT_SET}"}}}"#,
        ),
        (
            "conf/base.json",
            r#"{"extends": ["../grand.json"], "excludeCollections": ["panels"], "snapshotPath": "base",
                "profiles": {"staging": {"directusUrl": "http://of-base", "snapshotPath": "of-base"}}}"#,
        ),
        (
            "grand.json",
            r#"{"dumpPath": "grand", "specs": true,
                "profiles": {"staging": {"specs": false, "snapshotPath": "of-grand", "specsPath": "of-grand"},
                             "eu-west": {"directusEmail": "a@b.c", "directusPassword": "p"}}}"#,
        ),
    ])
}

#[test]
fn a_profile_wins_over_every_file_and_is_merged_through_extends() {
    let place = family();
    let Resolved { settings, profile, profiles, files, .. } = place.with_profile("staging", &[]).unwrap();
    let Some(Ok(url)) = &settings.url else { panic!("no url") };
    let origin = |file: &str| Origin::Profile { name: "staging".into(), file: place.path(file) };
    assert_eq!((url.value.as_str(), &url.origin), ("http://staging", &origin("lockstep.config.json")));
    assert_eq!(settings.snapshot_path.value, place.path("grand/of-base"));
    assert_eq!(settings.snapshot_path.origin, origin("conf/base.json"));
    assert_eq!(settings.specs_path.value, place.path("grand/of-grand"));
    assert!(!settings.specs.value);
    assert_eq!(settings.exclude_collections.value, ["panels", "presets"]);
    assert_eq!(profile.unwrap().origin, Origin::CommandLine);
    assert_eq!(profiles, ["eu-west", "prod", "staging"]);
    assert_eq!(files.len(), 3);

    let without = place.settings();
    let Some(Ok(url)) = &without.url else { panic!("no url") };
    assert_eq!(url.value, "http://file");
    assert_eq!(without.specs_path.value, place.path("grand/file"));
    assert_eq!(without.snapshot_path.value, place.path("grand/base"));
    assert!(without.specs.value);
    assert_eq!(without.exclude_collections.value, ["panels"]);
}

#[test]
fn the_environment_and_the_command_line_win_over_a_profile() {
    let place = family();
    let variables = [("DIRECTUS_URL", "http://me:s3cret@real"), ("LOCKSTEP_PROFILE", "staging")];
    let resolved = place.resolve(Values::default(), &variables).unwrap();
    let Some(Ok(url)) = &resolved.settings.url else { panic!("no url") };
    assert_eq!(url.origin, Origin::Environment("DIRECTUS_URL".into()));
    let told: Vec<String> = resolved.warnings.iter().map(ToString::to_string).collect();
    let expected = "the environment variable DIRECTUS_URL wins over the \"directusUrl\" of the profile staging: this \
                    run is about …@real";
    assert_eq!(told, [expected]);
    assert_eq!(resolved.profile.unwrap().origin, Origin::Environment("LOCKSTEP_PROFILE".into()));

    let typed = Values { directus_url: Some("http://typed".into()), ..Values::default() };
    let resolved = place.resolve(typed, &variables).unwrap();
    let Some(Ok(url)) = &resolved.settings.url else { panic!("no url") };
    assert_eq!((url.value.as_str(), resolved.warnings), ("http://typed", vec![]));
}

#[test]
fn the_token_of_a_profile_wins_over_that_of_everything() {
    let place = Place::new(&[
        (".env", "LOCKSTEP_EU_WEST_TOKEN=of-profile\nLOCKSTEP_PROFILE=eu-west"),
        (
            "lockstep.config.json",
            r#"{"directusUrl": "http://h", "directusToken": "of-file",
                "profiles": {"eu-west": {"directusToken": "of-profile-in-file"},
                             "login": {"directusEmail": "a@b.c", "directusPassword": "p"}}}"#,
        ),
    ]);
    let token =
        |resolved: Result<Resolved, ConfigError>| match resolved.unwrap().settings.connection().unwrap() {
            Connection { credentials: Credentials::Token(token), .. } => {
                token.value.expose_secret().to_owned()
            }
            Connection { credentials: Credentials::Login { .. }, .. } => "login".to_owned(),
        };
    let real = ("DIRECTUS_TOKEN", "of-environment");
    assert_eq!(token(place.resolve(Values::default(), &[real])), "of-profile");
    let own = ("LOCKSTEP_EU_WEST_TOKEN", "of-real");
    assert_eq!(token(place.resolve(Values::default(), &[real, own])), "of-real");
    assert_eq!(token(place.with_profile("login", &[real])), "of-environment");
    // The file's token is not that of a profile with a login of its own.
    assert_eq!(token(place.with_profile("login", &[])), "login");
}

#[test]
fn an_unknown_profile_has_a_nearest() {
    let place = family();
    let error = place.with_profile("stagin", &[]).unwrap_err();
    assert_eq!(error.to_string(), "there is no profile \"stagin\" (from the command line)");
    assert_eq!(error.hint().as_deref(), Some("did you mean staging?"));
    let error = place.with_profile("something", &[]).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("the profiles are eu-west, prod, staging"));
    let error = Place::new(&[]).with_profile("staging", &[]).unwrap_err();
    assert!(error.hint().unwrap().contains("\"profiles\""));
    let error = place.with_profile("prod", &[]).unwrap_err();
    assert_eq!(
        place.relative(&error.to_string()),
        "lockstep.config.json: \"profiles.prod.maxPushRetries\" refers to the variable NOT_SET, which is not set"
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let place = Place::new(&[(
        "lockstep.config.json",
        r#"{"directusUrl": "https://me:s3cret@h", "directusToken": "s3cret", "directusPassword": "s3cret",
            "overrides": [{"collection": "flows", "match": {"name": "X"}, "set": {"options.url": "${HOOK}"}}]}"#,
    )]);
    let resolved = place.resolve(Values::default(), &[("HOOK", "s3cret")]).unwrap();
    let shown = resolved.settings.shown();
    assert!(!format!("{shown:?}").contains("s3cret"), "{shown:#?}");
    let value = |name: &str| shown.iter().find(|shown| shown.key.name == name).unwrap().value.clone();
    assert_eq!((value("directusToken"), value("directusUrl")), ("**********".into(), "…@h".into()));
}
