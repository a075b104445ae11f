//! Which file counts, what it extends, and what may be in it.

use super::*;

#[test]
fn the_first_file_that_exists_counts() {
    let own = ("lockstep.config.json", r#"{"dumpPath": "own"}"#);
    let peer = ("directus-sync.config.json", r#"{"dumpPath": "peer"}"#);
    let js = ("directus-sync.config.js", "module.exports = { dumpPath: 'js' }");
    let cjs = ("directus-sync.config.cjs", "module.exports = { dumpPath: 'cjs' }");
    let own_js = ("lockstep.config.mjs", "export default { dumpPath: 'own-js' }");
    assert_eq!(Place::new(&[own, peer, js, cjs]).settings().dump_path.value.file_name().unwrap(), "own");
    assert_eq!(Place::new(&[peer]).settings().dump_path.value.file_name().unwrap(), "peer");
    let own_cjs = ("lockstep.config.cjs", "module.exports = { dumpPath: 'own-cjs' }");
    let mjs = ("directus-sync.config.mjs", "export default { dumpPath: 'mjs' }");
    for (files, name) in [
        (&[peer, js, cjs, mjs][..], "js"),
        (&[peer, cjs, mjs], "cjs"),
        (&[peer, mjs], "mjs"),
        (&[own, own_js, js], "own-js"),
        (&[own, own_js, own_cjs], "own-cjs"),
    ] {
        assert_eq!(Place::new(files).settings().dump_path.value.file_name().unwrap(), name);
    }
}

#[test]
fn a_named_file_counts_alone() {
    let place = Place::new(&[
        ("lockstep.config.json", r#"{"dumpPath": "found"}"#),
        ("conf/prod.json", "\u{feff}{\"dumpPath\": \"named\", \"$schema\": \"x\"}"),
        ("conf/prod.mjs", "export default { dumpPath: 'module' }"),
    ]);
    let named = |name| place.resolve_named(Values::default(), Some(name), &[]);
    assert_eq!(named("conf/prod.json").unwrap().settings.dump_path.value, place.path("named"));
    assert_eq!(named("conf/prod.json").unwrap().warnings, []);
    assert_eq!(named("conf/prod.mjs").unwrap().settings.dump_path.value, place.path("module"));
    let (message, hint) = Place::new(&[
        ("lockstep.config.json", r#"{"extends": ["./base.ts"]}"#),
        ("base.ts", "export default { dumpPath: 'ts' }"),
    ])
    .error();
    assert_eq!(message, "base.ts is a configuration in TypeScript, which Lockstep does not read");
    assert!(hint.unwrap().contains("JavaScript"));
    let error = named("conf/pord.json").unwrap_err();
    assert_eq!(place.relative(&error.to_string()), "the configuration file conf/pord.json does not exist");
    let error = named("conf").unwrap_err();
    assert_eq!(place.relative(&error.to_string()), "conf cannot be read");
}

/// child -> (first -> grand), second: the child is strongest, then the first parent with its own parents.
#[test]
fn parents_are_laid_under_their_children() {
    let place = Place::new(&[
        (
            "directus-sync.config.json",
            r#"{"extends": ["conf/first.json", "./second.json"], "excludeCollections": ["roles"]}"#,
        ),
        (
            "conf/first.json",
            r#"{"extends": ["../grand.json"], "snapshotPath": "first", "seedPath": ["first"]}"#,
        ),
        (
            "grand.json",
            r#"{"snapshotPath": "grand", "specsPath": "grand", "excludeCollections": ["flows"], "seedPath": ["grand"]}"#,
        ),
        (
            "second.json",
            r#"{"snapshotPath": "second", "specsPath": "second", "dumpPath": "second", "seedPath": "second",
                "excludeCollections": ["panels"]}"#,
        ),
    ]);
    let settings = place.settings();
    let name = |path: &Sourced<PathBuf>| path.value.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(name(&settings.snapshot_path), "first");
    assert_eq!(settings.snapshot_path.origin, place.file("conf/first.json"));
    assert_eq!(name(&settings.specs_path), "grand");
    assert_eq!(name(&settings.dump_path), "second");
    assert_eq!(settings.exclude_collections.value, ["flows", "panels", "roles"]);
    // arrays are concatenated, the weakest first; a string does not join them
    assert_eq!(settings.seed_path.value, [place.path("grand"), place.path("first")]);
}

#[test]
fn loops_and_shared_parents_count_once() {
    let place = Place::new(&[
        (
            "lockstep.config.json",
            r#"{"extends": ["./a.json", "./b.json", "./lockstep.config.json"], "seedPath": ["0"]}"#,
        ),
        ("a.json", r#"{"extends": ["./base.json"], "seedPath": ["a"]}"#),
        ("b.json", r#"{"extends": ["./x/../base.json"], "seedPath": ["b"]}"#),
        ("base.json", r#"{"extends": ["./a.json"], "seedPath": ["base"]}"#),
    ]);
    let expected = ["b", "base", "a", "0"].map(|name| place.path(name));
    assert_eq!(place.settings().seed_path.value, expected);
    assert_eq!(place.warnings(), []);
}

#[test]
fn a_missing_parent_is_skipped_with_a_warning() {
    let place = with_config(r#"{"extends": ["./no.json", "./no.js", "./base.json"]}"#);
    let skipped = |parent: &str| Warning::MissingParent {
        path: place.path("directus-sync.config.json"),
        parent: parent.into(),
    };
    assert_eq!(place.warnings(), [skipped("./no.json"), skipped("./no.js"), skipped("./base.json")]);
    assert_eq!(
        place.relative(&place.warnings()[0].to_string()),
        "directus-sync.config.json: extends \"./no.json\", which does not exist and is skipped"
    );
}

#[test]
fn files_of_both_kinds_extend_each_other_and_functions_are_kept() {
    let place = Place::new(&[
        (
            "lockstep.config.js",
            "module.exports = { extends: ['./base.json', './more.mjs'], hooks: { flows: { onDump: (x) => x } } }",
        ),
        ("base.json", r#"{"dumpPath": "base", "extends": ["./deep.cjs"]}"#),
        (
            "deep.cjs",
            "module.exports = { dumpPath: 'deep', specs: process.env.SPECS !== 'no', hooks: { flows: { onDump: (x) => x, onSave: (x) => x } } }",
        ),
        ("more.mjs", "export default { snapshot: false, hooks: { roles: { onLoad: (x) => x } } };"),
    ]);
    let resolved = place.resolve(Values::default(), &[("SPECS", "no")]).unwrap();
    assert_eq!(resolved.settings.dump_path.value, place.path("base"));
    assert!(!resolved.settings.specs.value && !resolved.settings.snapshot.value);
    let (_, functions) = resolved.scripts.into_parts().unwrap();
    let files: Vec<_> = functions
        .values()
        .map(|f| (f.path.as_str(), f.file.file_name().unwrap().to_str().unwrap()))
        .collect();
    assert_eq!(
        files,
        [
            ("hooks.flows.onDump", "lockstep.config.js"),
            ("hooks.flows.onSave", "deep.cjs"),
            ("hooks.roles.onLoad", "more.mjs")
        ]
    );
}

/// Texts of scripts are filled in as those of JSON are; what a script took from elsewhere does not stand in it.
#[test]
fn scripts_have_profiles_and_variables() {
    let place = Place::new(&[
        (
            "lockstep.config.js",
            "module.exports = { extends: ['./base.js'], dumpPath: '${FOLDER}/plain', snapshotPath: `${1 + 1}`, \
             directusConfig: { restConfig: { credentials: 'include' } }, \
             hooks: { flows: { onDump: (x) => x, onLoad: (x) => x } }, \
             profiles: { a: { dumpPath: '${FOLDER}/a' }, b: { specsPath: '${NO}', hooks: { flows: { onSave: (x) => x } } } } }",
        ),
        ("base.js", "module.exports = { profiles: { a: { hooks: { flows: { onDump: (x) => x } } } } }"),
    ]);
    let functions = |resolved: Resolved| -> Vec<(String, String)> {
        let (_, functions) = resolved.scripts.into_parts().unwrap();
        let file = |function: &lockstep_script::Function| {
            function.file.file_name().unwrap().to_str().unwrap().to_owned()
        };
        let mut functions: Vec<_> = functions.iter().map(|(place, f)| (place.clone(), file(f))).collect();
        functions.sort();
        functions
    };
    let variables = [("FOLDER", "x")];
    let plain = place.resolve(Values::default(), &variables).unwrap();
    assert_eq!(plain.settings.dump_path.value, place.path("x/plain"));
    assert_eq!(plain.settings.snapshot_path.value, place.path("x/plain/2"));
    assert_eq!((plain.profiles.clone(), plain.files.len()), (vec!["a".into(), "b".into()], 2));
    assert_eq!(plain.warnings, []);
    let pair = |place: &str, file: &str| (place.to_owned(), file.to_owned());
    let own = |moment: &str| pair(&format!("hooks.flows.{moment}"), "lockstep.config.js");
    assert_eq!(functions(plain), [own("onDump"), own("onLoad")]);
    let of_profile = place.with_profile("a", &variables).unwrap();
    assert_eq!(of_profile.settings.dump_path.value, place.path("x/a"));
    assert_eq!(functions(of_profile), [pair("hooks.flows.onDump", "base.js"), own("onLoad")]);
    let error = place.with_profile("b", &variables).unwrap_err();
    assert!(error.to_string().contains("\"profiles.b.specsPath\" refers to the variable NO"), "{error}");
}

#[test]
fn mistakes_in_javascript_are_told() {
    for (script, told) in [
        ("module.exports = {", "./lockstep.config.js: SyntaxError"),
        (
            "module.exports = { dumpPath: 1 }",
            "lockstep.config.js: \"dumpPath\" must be a string, but is a number",
        ),
        ("module.exports = []", "lockstep.config.js: a configuration must be an object, but is an array"),
        (
            "module.exports = { hooks: { flows: { onDump: 'x' } } }",
            "\"hooks.flows.onDump\" must be a function, but is the string \"x\"",
        ),
        (
            "module.exports = { hooks: { flows: 1 } }",
            "\"hooks.flows\" must be an object of functions, but is a number",
        ),
    ] {
        let (message, _) = Place::new(&[("lockstep.config.js", script)]).error();
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn wrong_types_name_key_file_and_expectation() {
    let cases = [
        (r#"{"debug": "yes"}"#, "\"debug\" must be true or false, but is the string \"yes\""),
        (r#"{"directusUrl": 1}"#, "\"directusUrl\" must be a string, but is a number"),
        (r#"{"directusToken": ["t0ken"]}"#, "\"directusToken\" must be a string, but is an array"),
        (r#"{"dumpPath": null}"#, "\"dumpPath\" must be a string, but is null"),
        (r#"{"split": {}}"#, "\"split\" must be true or false, but is an object"),
        (
            r#"{"extends": "./a.json"}"#,
            "\"extends\" must be an array of strings, but is the string \"./a.json\"",
        ),
        (r#"{"extends": ["a", false]}"#, "\"extends[1]\" must be a string, but is false"),
        (
            r#"{"onlyCollections": "roles"}"#,
            "\"onlyCollections\" must be an array of strings, but is the string \"roles\"",
        ),
        (
            r#"{"preserveIds": "roles"}"#,
            "\"preserveIds\" must be an array of collections, \"all\", \"*\" or \"none\", but is",
        ),
        (r#"{"maxPushRetries": -1}"#, "\"maxPushRetries\" must be a whole number from 0, but is a number"),
        (r#"{"seedPath": [1]}"#, "\"seedPath[0]\" must be a string, but is a number"),
        (r#"{"seedPath": 1}"#, "\"seedPath\" must be a string or an array of strings, but is a number"),
        (
            r#"{"state": "database"}"#,
            "\"state\" must be \"auto\", \"extension\", \"table\" or \"file\", but is the string",
        ),
        (r#"{"directusConfig": []}"#, "\"directusConfig\" must be an object, but is an array"),
        (
            r#"{"directusConfig": {"restConfig": 1}}"#,
            "\"directusConfig.restConfig\" must be an object, but is a number",
        ),
        (r#"{"hooks": true}"#, "\"hooks\" must be an object, but is true"),
    ];
    for (json, expected) in cases {
        let (message, _) = with_config(json).error();
        let message = message.strip_prefix("directus-sync.config.json: ").unwrap();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn what_is_not_json_has_a_line_and_a_column() {
    let (message, _) = with_config("{\n  \"debug\": tru,\n}").error();
    assert_eq!(message, "directus-sync.config.json:2:15: not valid JSON: expected true, false or null");
    let (message, _) = with_config("[]").error();
    assert_eq!(message, "directus-sync.config.json: a configuration must be an object, but is an array");
}

#[test]
fn hooks_cannot_be_in_json() {
    for json in ["{\"hooks\": {}}", "{\"hooks\": {\"flows\": {}}}"] {
        assert_eq!(with_config(json).warnings(), [], "{json}");
    }
    let (message, hint) = with_config(r#"{"hooks": {"flows": {"onLoad": "x => x"}}}"#).error();
    assert!(
        message.starts_with("directus-sync.config.json: \"hooks.flows\" is given, but hooks are functions")
    );
    assert!(hint.unwrap().contains("lockstep.config.js"));
}

#[test]
fn what_means_nothing_is_a_warning() {
    let place = with_config(
        r#"{"dumpPaht": "x", "prune": true, "directusConfig": {"clientOptions": {},
            "restConfig": {"credentials": "include"}, "restconfig": {}}}"#,
    );
    let warnings: Vec<String> = place.warnings().iter().map(|w| place.relative(&w.to_string())).collect();
    let file = "directus-sync.config.json";
    assert_eq!(
        warnings,
        [
            format!("{file}: unknown key \"dumpPaht\" is ignored, did you mean \"dumpPath\"?"),
            format!("{file}: unknown key \"prune\" is ignored"),
            format!(
                "{file}: \"directusConfig.restConfig\" has no effect: what it configures are functions of the JavaScript SDK"
            ),
            format!(
                "{file}: unknown key \"directusConfig.restconfig\" is ignored, did you mean \"restConfig\"?"
            ),
        ]
    );
}

#[test]
fn variables_are_filled_in_at_any_depth() {
    let place = with_config(
        r#"{"dumpPath": "./${FOLDER}/${NAME}", "seedPath": ["${NAME}", "$${NAME}"], "directusPassword": "pa$$w0rd"}"#,
    );
    let variables = [("FOLDER", "a"), ("NAME", "b")];
    let settings = place.resolve(Values::default(), &variables).unwrap().settings;
    assert_eq!(settings.dump_path.value, place.path("a/b"));
    assert_eq!(settings.seed_path.value, [place.path("b"), place.path("${NAME}")]);
    let error = place.resolve(Values::default(), &variables[..1]).unwrap_err();
    assert_eq!(
        place.relative(&error.to_string()),
        "directus-sync.config.json: \"dumpPath\" refers to the variable NAME, which is not set"
    );
    assert!(error.hint().unwrap().contains("$${"));
    let (message, _) = with_config(r#"{"seedPath": ["a", "${NO}"]}"#).error();
    assert!(message.contains("\"seedPath[1]\" refers to the variable NO"), "{message}");
}

/// What is not needed is not asked for; `.env` may say it, and set to nothing is set.
#[test]
fn a_variable_of_the_connection_is_needed_with_the_connection_only() {
    let place = Place::new(&[
        (".env", "FROM_FILE=http://file\nEMPTY="),
        ("lockstep.config.json", r#"{"directusUrl": "${FROM_FILE}", "directusToken": "${TOKEN}"}"#),
        ("other.json", r#"{"directusUrl": "http://h", "directusToken": "${EMPTY}"}"#),
    ]);
    let error = place.settings().connection().unwrap_err();
    assert_eq!(
        place.relative(&error.to_string()),
        "lockstep.config.json: \"directusToken\" refers to the variable TOKEN, which is not set"
    );
    let with = |variable| place.resolve(Values::default(), &[variable]).unwrap().settings.connection();
    assert_eq!(with(("TOKEN", "t")).unwrap().url.value, "http://file");
    assert!(with(("DIRECTUS_TOKEN", "t")).is_ok());
    let other = place.resolve_named(Values::default(), Some("other.json"), &[]).unwrap().settings;
    assert!(matches!(other.connection(), Err(ConfigError::MissingCredentials)));
}

#[test]
fn what_is_lockstep_s_own_is_checked_strictly() {
    let cases = [
        (r#"{"profiles": []}"#, "\"profiles\" must be an object, but is an array"),
        (r#"{"profiles": {"a": 1}}"#, "\"profiles.a\" must be an object, but is a number"),
        (
            r#"{"profiles": {"a": {"directusURL": "x"}}}"#,
            "\"profiles.a.directusURL\" is not a key, did you mean \"directusUrl\"?",
        ),
        (
            r#"{"profiles": {"a": {"split": 1}}}"#,
            "\"profiles.a.split\" must be true or false, but is a number",
        ),
        (
            r#"{"profiles": {"a": {"extends": []}}}"#,
            "\"profiles.a.extends\" is given, but it is a key of the whole file",
        ),
        (
            r#"{"records": {"flow": {}}}"#,
            "\"records.flow\" is not a system collection, did you mean \"flows\"?",
        ),
        (
            r#"{"records": {"flows": {"filtr": {}}}}"#,
            "\"records.flows.filtr\" is not a key, did you mean \"filter\"?",
        ),
        (
            r#"{"records": {"flows": {"filter": []}}}"#,
            "\"records.flows.filter\" must be an object, but is an array",
        ),
        (
            r#"{"records": {"flows": {"ignoreFields": [1]}}}"#,
            "\"records.flows.ignoreFields[0]\" must be a string, but is a number",
        ),
        (r#"{"overrides": [{"collection": "flows"}]}"#, "\"overrides[0].set\" is missing"),
        (
            r#"{"overrides": [{"collection": 1, "set": {}}]}"#,
            "\"overrides[0].collection\" must be the name of a system collection, but is a number",
        ),
    ];
    for (json, expected) in cases {
        let (message, _) = with_config(json).error();
        assert_eq!(message, format!("directus-sync.config.json: {expected}"));
    }
}
