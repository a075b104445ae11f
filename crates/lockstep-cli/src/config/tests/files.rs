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
    for (files, name) in
        [(&[peer, js, cjs, own_js][..], "own-js"), (&[peer, js, cjs], "js"), (&[peer, cjs], "cjs")]
    {
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
