//! Which instance, as whom, and secrets that everybody can read.

use std::process::Command;

use super::*;

fn connection(variables: &[(&str, &str)]) -> Result<Connection, ConfigError> {
    Place::new(&[]).resolve(Values::default(), variables)?.settings.connection()
}

const URL: (&str, &str) = ("DIRECTUS_URL", "http://a");
const TOKEN: (&str, &str) = ("DIRECTUS_TOKEN", "t0ken");
const EMAIL: (&str, &str) = ("DIRECTUS_ADMIN_EMAIL", "a@b.c");
const PASSWORD: (&str, &str) = ("DIRECTUS_ADMIN_PASSWORD", "pa$$w0rd");

#[test]
fn a_token_wins_over_email_and_password() {
    let Credentials::Token(token) = connection(&[URL, TOKEN, EMAIL, PASSWORD]).unwrap().credentials else {
        panic!("not the token")
    };
    assert_eq!(token.value.expose_secret(), "t0ken");
    assert_eq!(token.origin, Origin::Environment("DIRECTUS_TOKEN".into()));
}

#[test]
fn email_and_password_do_without_a_token() {
    let connection = connection(&[URL, ("DIRECTUS_TOKEN", ""), EMAIL, PASSWORD]).unwrap();
    assert!(!format!("{connection:?}").contains("pa$$w0rd"));
    let Credentials::Login { email, password } = connection.credentials else { panic!("not the login") };
    assert_eq!((email.value.as_str(), password.value.expose_secret()), ("a@b.c", "pa$$w0rd"));
}

#[test]
fn sources_may_be_mixed() {
    let place = Place::new(&[
        (".env", "DIRECTUS_ADMIN_PASSWORD=pa$$w0rd # no quotes"),
        (
            "lockstep.config.json",
            r#"{"directusUrl": " https://a.b/c ", "directusEmail": "f@g.h", "directusToken": ""}"#,
        ),
    ]);
    let connection = place.settings().connection().unwrap();
    assert_eq!(connection.url.value, "https://a.b/c");
    let Credentials::Login { email, password } = connection.credentials else { panic!("not the login") };
    assert_eq!((email.value.as_str(), password.value.expose_secret()), ("f@g.h", "pa$$w0rd"));
    assert_eq!(email.origin, place.file("lockstep.config.json"));
}

#[test]
fn what_is_missing_is_said() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
    let cases: [Case; 7] = [
        (&[TOKEN], "no Directus URL is given", "--directus-url"),
        (&[URL], "no way to log in is given", "--directus-token"),
        (
            &[URL, EMAIL],
            "an email is given (from the environment variable DIRECTUS_ADMIN_EMAIL), but",
            "--directus-password",
        ),
        (&[URL, PASSWORD], "a password is given", "--directus-email"),
        (&[("DIRECTUS_URL", "cms.example.com"), TOKEN], "\"cms.example.com\" (from the env", "http://"),
        (&[("DIRECTUS_URL", "http://"), TOKEN], "\"http://\" (from the env", "http://"),
        (&[("DIRECTUS_URL", "ftp://me:s3cret@host"), TOKEN], "\"…@host\" (from the env", "http://"),
    ];
    for (variables, message, hint) in cases {
        let error = connection(variables).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{error}");
    }
}

#[test]
fn a_malformed_dotenv_names_its_line_and_shows_no_secret() {
    let place = Place::new(&[(".env", "A=1\nDIRECTUS_TOKEN=\"s3cret\nB=1\n")]);
    let (message, hint) = place.error();
    assert_eq!(message, ".env:2: a quote is not closed");
    assert!(hint.unwrap().contains("NAME=value"));
}

fn git(place: &Place, arguments: &[&str]) {
    let mut git = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    let output = git.args(arguments).current_dir(place.folder.path()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
}

#[test]
fn secrets_in_tracked_files_are_warned_of() {
    let place = Place::new(&[
        ("directus-sync.config.json", r#"{"extends": ["./base.json"], "directusToken": "t"}"#),
        ("base.json", r#"{"directusPassword": "p"}"#),
        (".env", "DIRECTUS_TOKEN=t"),
        ("other.json", r#"{"directusUrl": "http://a"}"#),
    ]);
    assert_eq!(place.warnings(), [], "no repository");
    git(&place, &["init", "--quiet"]);
    git(&place, &["add", "base.json", "other.json"]);
    let secret = |file: &str, key: &str| Warning::SecretInGit { path: place.path(file), key: key.into() };
    assert_eq!(place.warnings(), [secret("base.json", "directusPassword")]);
    git(&place, &["add", "."]);
    let all = [
        secret(".env", "DIRECTUS_TOKEN"),
        secret("directus-sync.config.json", "directusToken"),
        secret("base.json", "directusPassword"),
    ];
    assert_eq!(place.warnings(), all);
    assert!(all[0].hint().unwrap().contains("environment"));
    let other = place.resolve_named(Values::default(), Some("other.json"), &[]).unwrap();
    assert_eq!(other.warnings, [secret(".env", "DIRECTUS_TOKEN")]);
}
