//! What is wrong with the server, or with what it thinks of us: exit code 1, nothing is written anywhere.

use lockstep_testkit::directus::ADMIN_TOKEN;
use serde_json::json;

use crate::fake::Fake;
use crate::place::Place;
use crate::schema;

const ROOT: &str =
    "hint: check that the URL is the root of the Directus API, with the path prefix if it has one";

fn error(message: &str, code: &str) -> String {
    format!(r#"{{"errors":[{{"message":"{message}","extensions":{{"code":"{code}"}}}}]}}"#)
}

/// Each command says the same of a server that answers so.
async fn says(answers: &[(&str, u16, &str)], expected: &str) {
    let (place, fake) = (Place::with_dump(), Fake::answering(answers).await);
    for command in ["pull", "diff", "push"] {
        let told = place.refuses_at(&fake, 1, &[command]).await;
        assert_eq!(told.trim_end(), expected, "{command}, {answers:?}");
    }
}

#[tokio::test]
async fn nobody_is_there() {
    let place = Place::with_dump();
    let expected = "error: cannot connect to http://127.0.0.1:9\n  because Connection refused (os error 111)\n  \
                    hint: check the URL, and that the instance is running and can be reached from here\n";
    let at = ["-u", "http://127.0.0.1:9", "-t", "s3cret"];
    let run = async |command| {
        let arguments: Vec<&str> = [command].into_iter().chain(at).collect();
        assert_eq!(place.refuses(1, &arguments).await, expected);
    };
    tokio::join!(run("pull"), run("diff"), run("push"));
    let told = place.refuses(1, &["diff", "-u", "http://no-such-host.invalid", "-t", "s3cret"]).await;
    assert!(told.starts_with("error: cannot connect to http://no-such-host.invalid\n"), "{told}");
}

#[tokio::test]
async fn another_kind_of_server() {
    for (status, body, reason) in [
        (200, "<!doctype html><h1>It works!</h1>", "the answer is an HTML page, not JSON"),
        (200, "It works!", "the answer is plain text, not JSON"),
        (200, "", "the answer does not describe a Directus server"),
        (200, "[]", "the answer has no \"data\", as Directus answers have"),
        (200, r#"{"data":[]}"#, "the answer does not describe a Directus server"),
        (404, "<h1>No</h1>", "refused, and the answer is an HTML page, not an error of Directus (404)"),
        (404, r#"{"error":"not found"}"#, "not found (404)"),
    ] {
        let expected = format!(
            "error: <url> does not answer as a Directus instance does\n  because GET /server/info: {reason}\n  {ROOT}"
        );
        says(&[("/", status, body)], &expected).await;
    }
}

#[tokio::test]
async fn a_path_that_is_not_that_of_the_api() {
    let route = error("Route /cms/server/info doesn't exist.", "ROUTE_NOT_FOUND");
    let expected = format!(
        "error: <url> does not answer as a Directus instance does\n  because GET /server/info: Route /cms/server/info \
         doesn't exist (404 ROUTE_NOT_FOUND)\n  {ROOT}"
    );
    says(&[("/server/info", 404, &route)], &expected).await;
}

#[tokio::test]
async fn a_directus_that_is_too_old() {
    for version in ["10.12.1", "9.26.0"] {
        let info = format!(r#"{{"data":{{"version":"{version}"}}}}"#);
        let expected = format!(
            "error: <url> runs Directus {version}; Lockstep needs 10.13.0 or later\n  hint: upgrade the instance"
        );
        says(&[("/server/info", 200, &info)], &expected).await;
    }
}

#[tokio::test]
async fn who_we_are_is_not_enough() {
    let told = "<url> does not take the token of the command line\n  because GET /server/info: ";
    let credentials = "hint: check the token, or the email and password";
    let administrator = "hint: use the token, or email and password, of an administrator";
    let (bad, expired) =
        (error("Invalid user credentials.", "INVALID_CREDENTIALS"), error("Token expired.", "TOKEN_EXPIRED"));
    for (path, status, body, expected) in [
        (
            "/server/info",
            401,
            bad.as_str(),
            format!("{told}Invalid user credentials (401 INVALID_CREDENTIALS)\n  {credentials}"),
        ),
        (
            "/server/info",
            401,
            &expired,
            format!(
                "{told}Token expired (401 TOKEN_EXPIRED)\n  hint: use a static token, or log in with email and password"
            ),
        ),
        (
            "/server/info",
            200,
            r#"{"data":{"project":{}}}"#,
            format!("<url> does not tell its version, as it does to administrators\n  {administrator}"),
        ),
        (
            "/policies/me/globals",
            200,
            r#"{"data":{"admin_access":false}}"#,
            format!("the user admin@example.com of <url> is no administrator\n  {administrator}"),
        ),
    ] {
        says(&[(path, status, body)], &format!("error: {expected}")).await;
    }
}

#[tokio::test]
async fn a_login_that_fails() {
    let place = Place::with_dump();
    let bad = error("Invalid user credentials.", "INVALID_CREDENTIALS");
    let fake = Fake::answering(&[("/auth/login", 401, &bad)]).await;
    let told = place.refuses(1, &["diff", "-u", &fake.url(), "-e", "a@b.c", "-p", "s3cret"]).await;
    assert_eq!(
        told,
        format!(
            "error: {} does not take a@b.c with the password of the command line\n  because POST /auth/login: Invalid user \
             credentials (401 INVALID_CREDENTIALS)\n  hint: check the token, or the email and password\n",
            fake.url()
        )
    );
    let logins = fake.requests().iter().filter(|seen| seen.path == "/auth/login").count();
    assert_eq!((fake.requests().len(), logins), (2, 2), "one request in each of two runs");
}

/// What is typed is meant: a file that goes with the folder has no say in it.
#[tokio::test]
async fn a_login_that_is_typed_where_a_file_has_a_token() {
    let place = Place::with_dump();
    place.file(".env", "DIRECTUS_TOKEN=of-the-file\n");
    let bad = error("Invalid user credentials.", "INVALID_CREDENTIALS");
    let fake = Fake::answering(&[("/auth/login", 401, &bad), ("/server/info", 401, &bad)]).await;
    let told = place.refuses(1, &["diff", "-u", &fake.url(), "-e", "a@b.c", "-p", "s3cret"]).await;
    assert!(told.contains("does not take a@b.c with the password of the command line"), "{told}");
    // Without a password the address alone is no login.
    for arguments in [&["diff", "-u", &fake.url()][..], &["diff", "-u", &fake.url(), "-e", "a@b.c"]] {
        let told = place.refuses(1, arguments).await;
        assert!(told.contains("does not take the token of DIRECTUS_TOKEN in "), "{told}");
        assert!(!told.contains("of-the-file"), "{told}");
    }
}

/// Its token expires, a second login gives another one: the user notices nothing.
#[tokio::test]
async fn a_login_that_expires() {
    let place = Place::with_dump();
    let expired = error("Token expired.", "TOKEN_EXPIRED");
    let login = r#"{"data":{"access_token":"t0ken","expires":900000}}"#;
    let fake = Fake::empty().await;
    let relay = Fake::before(&fake, &[("/auth/login", 200, login)], ("/roles", 401, &expired)).await;
    let ran =
        place.run(&["diff", "-u", &relay.url(), "-e", "a@b.c", "-p", "s3cret", "--debug"]).await.exits(0);
    let logins = relay.requests().iter().filter(|seen| seen.path == "/auth/login").count();
    assert_eq!(logins, 2, "{ran}");
    for secret in ["s3cret", "t0ken", ADMIN_TOKEN] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{ran}");
    }
}

/// A push whose dump has another schema than the instance is refused with these words, after the instance answered so.
async fn says_of_schemas(exit_code: i32, (status, body): (u16, &str), expected: &str) {
    let place = Place::with_dump();
    place.schema(&schema::wider());
    let current = schema::answer(&schema::current());
    let fake = Fake::answering(&[("/schema/snapshot", 200, &current), ("/schema/diff", status, body)]).await;
    let told = place.refuses_at(&fake, exit_code, &["push", "--quiet"]).await;
    assert_eq!(told, expected, "{status} {body}");
    assert_eq!(fake.comparisons(), 2, "one in each of two runs");
}

#[tokio::test]
async fn a_server_that_does_not_let_us() {
    let forbidden = error("You don't have permission to access this.", "FORBIDDEN");
    let expected = |request: &str| {
        format!(
            "error: {request}: You don't have permission to access this (403 FORBIDDEN)\n  hint: check that it exists \
             and that the user has administrator access"
        )
    };
    says(&[("/schema/snapshot", 403, &forbidden)], &expected("GET /schema/snapshot")).await;
    says_of_schemas(1, (403, &forbidden), &format!("{}\n", expected("POST /schema/diff"))).await;
}

#[tokio::test]
async fn a_schema_that_is_none() {
    let (hint, snapshot) = ("hint: check the log of the instance", "the instance sent a schema");
    for (body, expected) in [
        (
            r#"{"data":{"a":1}}"#,
            format!(
                "{snapshot} that cannot be understood\n  because collections: expected an array, found nothing\n  \
                 {hint}"
            ),
        ),
        (
            r#"{"data":{"directus":"11.17.4","collections":[{}],"fields":[],"relations":[]}}"#,
            format!(
                "{snapshot} that cannot be understood\n  because collections[0].collection: expected a name, found \
                 nothing\n  {hint}"
            ),
        ),
        (
            r#"{"data":{"collections""#,
            format!(
                "the schema that the instance sent is no JSON\n  because EOF while parsing an object at line 1 column \
                 22\n  {hint}"
            ),
        ),
        ("<h1>Busy</h1>", format!("GET /schema/snapshot: the answer is an HTML page, not JSON\n  {ROOT}")),
        ("", format!("GET /schema/snapshot: the answer is empty, not JSON\n  {ROOT}")),
    ] {
        says(&[("/schema/", 200, body)], &format!("error: {expected}")).await;
    }
}

#[tokio::test]
async fn a_comparison_of_schemas_that_is_none() {
    let hint = "hint: check the log of the instance";
    for (body, expected) in [
        (
            r#"{"data":{"a":1}}"#,
            format!(
                "error: the instance sent a comparison of schemas that cannot be understood\n  because diff: expected \
                 an object with collections, fields and relations, found null\n  {hint}\n"
            ),
        ),
        (
            r#"{"data":{"hash""#,
            format!(
                "error: the comparison of schemas that the instance sent is no JSON\n  because EOF while parsing an \
                 object at line 1 column 15\n  {hint}\n"
            ),
        ),
        (
            "<h1>Busy</h1>",
            format!("error: POST /schema/diff: the answer is an HTML page, not JSON\n  {ROOT}\n"),
        ),
    ] {
        says_of_schemas(1, (200, body), &expected).await;
    }
}

/// What it would be told to do is not what it takes it for, so it is told nothing.
#[tokio::test]
async fn a_server_that_compares_schemas_differently() {
    let expected = |place: &str| {
        format!(
            "error: the instance compares the schemas differently, and nothing was written: {place}\n  hint: somebody \
             may be changing the schema: try again; if it stays so, please report it\n"
        )
    };
    let none = expected("the instance sees no difference");
    says_of_schemas(3, (204, ""), &none).await;
    says_of_schemas(3, (200, r#"{"data":null}"#), &none).await;

    let own = schema::widening();
    let mut meanwhile = own.clone();
    meanwhile["hash"] = json!("0123");
    let hash = own["hash"].as_str().unwrap();
    let place = format!("the schema has the hash {hash} here and 0123 there");
    says_of_schemas(3, (200, &schema::answer(&meanwhile)), &expected(&place)).await;

    let mut longer = own.clone();
    longer["diff"]["fields"][0]["diff"][0]["rhs"] = json!(301);
    let title = |length| {
        format!(
            r#"{{"collection":"articles","field":"title","diff":[{{"kind":"E","path":["schema","max_length"],"lhs":255,"rhs":{length}}}]}}"#
        )
    };
    let place = format!("here {}, there {}", title(300), title(301));
    says_of_schemas(3, (200, &schema::answer(&longer)), &expected(&place)).await;

    let mut more = own;
    more["diff"]["relations"] = json!([{"collection": "articles", "field": "body", "related_collection": "texts",
        "diff": [{"kind": "D", "lhs": {}}]}]);
    let place = r#"here nothing, there {"collection":"articles","field":"body","related_collection":"texts","diff":[{"kind":"D","lhs":{}}]}"#;
    says_of_schemas(3, (200, &schema::answer(&more)), &expected(place)).await;
}
