//! What is wrong with the command line, the environment or a configuration file: exit code 64, and nothing is sent.

use std::process::Command;

use crate::fake::Fake;
use crate::place::Place;

/// Each command line, and what is said of it.
async fn says(place: &Place, cases: &[(&[&str], &str)]) {
    for (arguments, expected) in cases {
        let all: Vec<&str> = ["diff"].iter().chain(*arguments).copied().collect();
        assert_eq!(place.refuses(64, &all).await.trim_end(), *expected, "{arguments:?}");
    }
}

#[tokio::test]
async fn an_instance_that_is_not_named_well() {
    let place = Place::new();
    let form = "  hint: give the instance's URL as https://host[:port][/path]";
    let cases: [(&[&str], &str); 5] = [
        (
            &[],
            "error: no Directus URL is given\n  hint: give --directus-url, set DIRECTUS_URL (a .env file will do), or \
             \"directusUrl\" in the configuration file",
        ),
        (
            &["-u", "localhost:8055", "-t", "x"],
            "error: \"localhost:8055\" (from the command line) is not a URL of a Directus instance\n  hint: it has to \
             begin with http:// or https://, for example https://cms.example.com",
        ),
        (
            &["-u", "http://admin:s3cret@h", "-t", "x"],
            &format!("error: the URL of an instance must not contain a user name or password\n{form}"),
        ),
        (
            &["-u", "http://h/admin?a=1", "-t", "x"],
            &format!("error: the URL of an instance must not have a query (?) or a fragment (#)\n{form}"),
        ),
        (
            &["-u", "http://h:port", "-t", "x"],
            &format!("error: the URL of an instance cannot be read: invalid port number\n{form}"),
        ),
    ];
    says(&place, &cases).await;
}

#[tokio::test]
async fn nobody_to_log_in_as() {
    let place = Place::new();
    let cases: [(&[&str], &str); 4] = [
        (
            &["-u", "http://h"],
            "error: no way to log in is given: neither a token nor an email and password\n  hint: give \
             --directus-token (DIRECTUS_TOKEN, \"directusToken\"), or --directus-email and --directus-password \
             (DIRECTUS_ADMIN_EMAIL and DIRECTUS_ADMIN_PASSWORD)",
        ),
        (
            &["-u", "http://h", "-e", "a@b.c"],
            "error: an email is given (from the command line), but no password\n  hint: give --directus-password, \
             set DIRECTUS_ADMIN_PASSWORD, or use a token instead",
        ),
        (
            &["-u", "http://h", "-p", "s3cret"],
            "error: a password is given (from the command line), but no email\n  hint: give --directus-email, set \
             DIRECTUS_ADMIN_EMAIL, or use a token instead",
        ),
        (
            &["-u", "http://h", "-t", "s3\ncret"],
            "error: the access token has characters that cannot be sent, such as line breaks\n  hint: look for line \
             breaks or stray characters in the token and the headers",
        ),
    ];
    says(&place, &cases).await;
}

#[tokio::test]
async fn collections_that_there_are_not() {
    let place = Place::new();
    let all = "the collections are dashboards, flows, folders, operations, panels, permissions, policies, presets, \
               roles, settings and translations";
    let unknown = |name: &str, hint: &str| {
        format!(
            "error: \"{name}\" (from the command line) is not a collection that is synced\n  hint: {hint}{all}"
        )
    };
    let at = ["-u", "http://h", "-t", "x"];
    for (option, name, hint) in [
        ("-o", "rolls", "did you mean roles? "),
        ("-x", "directus_flow", "did you mean flows? "),
        ("--preserve-ids", "dashbords", "did you mean dashboards? "),
        ("-o", "users", ""),
    ] {
        let arguments: Vec<&str> = at.into_iter().chain([option, name]).collect();
        says(&place, &[(&arguments, &unknown(name, hint))]).await;
    }
    let presets = "error: the ids of presets cannot be preserved (from the command line): the database counts them\n  \
                   hint: only dashboards, flows, folders, operations, panels, policies, roles and translations have \
                   ids that can be the same on every instance";
    says(&place, &[(&["-u", "http://h", "-t", "x", "--preserve-ids", "presets"], presets)]).await;
}

#[tokio::test]
async fn a_configuration_file_with_a_mistake() {
    let place = Place::new();
    let none = "error: the configuration file nowhere.json does not exist\n  hint: check --config-path; it is \
                relative to the working directory";
    says(&place, &[(&["-c", "nowhere.json"], none)]).await;
    for (text, expected) in [
        (r#"{"dumpPath": 5}"#, ": \"dumpPath\" must be a string, but is a number"),
        (
            r#"{"onlyCollections": ["roles", 1]}"#,
            ": \"onlyCollections[1]\" must be a string, but is a number",
        ),
        (r#"{"split": "yes"}"#, ": \"split\" must be true or false, but is the string \"yes\""),
        (
            r#"{"extends": "a.json"}"#,
            ": \"extends\" must be an array of strings, but is the string \"a.json\"",
        ),
        (
            r#"{"state": "here"}"#,
            ": \"state\" must be \"auto\", \"extension\", \"table\" or \"file\", but is the string \"here\"",
        ),
        ("[]", ": a configuration must be an object, but is an array"),
        ("{\n  \"split\": tru\n}", ":2:14: not valid JSON: expected true, false or null"),
        ("{\"split\": true,}", ":1:16: not valid JSON: trailing comma"),
        ("{\"split\"", ":1:8: not valid JSON: the file ends too early"),
        ("\n", ":1:1: not valid JSON: the file is empty"),
    ] {
        place.file("lockstep.config.json", text);
        says(&place, &[(&[], &format!("error: lockstep.config.json{expected}"))]).await;
    }
}

#[tokio::test]
async fn an_env_file_with_a_mistake() {
    let place = Place::new();
    let hint = "  hint: a line is NAME=value, a comment that begins with #, or empty";
    for (text, expected) in [
        ("DIRECTUS_URL=http://h\ns3cret on its own\n", "error: .env:2: not an assignment"),
        ("DIRECTUS_TOKEN=\"s3cret\n", "error: .env:1: a quote is not closed"),
    ] {
        place.file(".env", text);
        says(&place, &[(&[], &format!("{expected}\n{hint}"))]).await;
    }
}

#[tokio::test]
async fn what_is_only_odd_is_a_warning() {
    let (place, fake) = (Place::with_dump(), Fake::empty().await);
    // Each file extends the other.
    place.file(
        "lockstep.config.json",
        r#"{"extends": ["b.json"], "directusToken": "t0p-s3cret", "dumpPth": "x"}"#,
    );
    place.file("b.json", r#"{"extends": ["lockstep.config.json", "nowhere.json"], "specs": false}"#);
    for arguments in [&["init", "--quiet"][..], &["add", "--all"]] {
        let git = Command::new("git").args(arguments).current_dir(place.cli.dir()).status();
        assert!(git.unwrap().success());
    }
    let ran = place.run(&["diff", "-u", &fake.url()]).await.exits(0);
    assert_eq!(
        place.told(&ran.stderr),
        "warning: lockstep.config.json: unknown key \"dumpPth\" is ignored, did you mean \"dumpPath\"?\n\
         warning: b.json: extends \"nowhere.json\", which does not exist and is skipped\n\
         warning: lockstep.config.json holds a secret (directusToken) and is tracked by git (give it by the \
         environment or an untracked .env file instead, and replace it: it stays in the history)\n"
    );
}

#[tokio::test]
async fn wrong_usage_is_one_document_too() {
    let place = Place::new();
    for (arguments, message) in [
        (&["diff", "--json", "--nope"][..], "unexpected argument '--nope' found"),
        (&["difff", "--json"], "unrecognized subcommand 'difff'"),
        (&["state", "link", "--json", "roles"], "the following required arguments were not provided:"),
    ] {
        let ran = place.run(arguments).await.exits(64);
        let error = &ran.json()["error"];
        assert!(error["message"].as_str().unwrap().starts_with(message), "{ran}");
        assert!(error["exit_code"] == 64 && ran.stderr.starts_with(&format!("error: {message}")), "{ran}");
    }
    assert!(place.run(&["--json"]).await.exits(64).json()["error"].is_object());
    assert_eq!(place.run(&["--version", "--json"]).await.exits(0).stderr, "");
}
