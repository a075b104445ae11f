//! A read that fails ends a run before anything is written, on the instance or in the dump.

use lockstep_testkit::cli::{At, Ran};
use lockstep_testkit::proxy::{Fault, Rule};
use serde_json::json;

use super::Target;

fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        ("dropped", Fault::DropBefore),
        ("cut off", Fault::TruncateBody(30)),
        (
            "500",
            Fault::respond(
                500,
                r#"{"errors":[{"message":"boom","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#,
            ),
        ),
        ("HTML", Fault::respond(200, "<!doctype html><title>Sign in</title>")),
        ("empty", Fault::respond(200, "")),
        ("other JSON", Fault::respond(200, r#"{"ok":true}"#)),
        (
            "forbidden",
            Fault::respond(403, r#"{"errors":[{"message":"No.","extensions":{"code":"FORBIDDEN"}}]}"#),
        ),
        (
            "fewer rows than counted",
            Fault::respond(
                200,
                &json!({"data": [], "meta": {"total_count": 3, "filter_count": 3}}).to_string(),
            ),
        ),
    ]
}

async fn every_command_is_harmless(path: &str, among: &[&str]) {
    let target = Target::in_step("11.17.4").await;
    // A push would have something to write, a pull something to change.
    target.lose("translations").await;
    let dump = target.cli.files().files();
    for (name, fault) in faults().into_iter().filter(|(name, _)| among.is_empty() || among.contains(name)) {
        for command in ["pull", "diff", "push"] {
            target.proxy.clear();
            target.proxy.fault(Rule::new(fault.clone()).path(path));
            let ran = target.cli.run(&[command, "--json"], &target.proxy).await;
            let what = format!("{command}, {path} {name}");
            failed(&ran, &what);
            assert!(target.writes().is_empty(), "{what}\n{ran}\n{:#?}", target.writes());
            assert_eq!(target.cli.files().files(), dump, "{what}: the dump is what it was");
        }
    }
    target.proxy.clear();
    assert_eq!(target.push().await.exits(0).json()["converged"], true);
}

#[track_caller]
fn failed(ran: &Ran, what: &str) {
    assert!(ran.code == 1, "{what}\n{ran}");
    let error = &ran.json()["error"];
    assert!(error["message"].is_string() && error["exit_code"] == 1, "{what}\n{ran}");
    assert!(ran.stderr.starts_with("error: "), "{what}\n{ran}");
}

#[tokio::test]
async fn of_records() {
    every_command_is_harmless("/roles", &[]).await;
}

#[tokio::test]
async fn of_permissions() {
    every_command_is_harmless("/permissions", &["dropped", "HTML", "other JSON"]).await;
}

#[tokio::test]
async fn of_who_it_is() {
    every_command_is_harmless("/server/info", &["dropped", "500", "HTML", "other JSON", "forbidden"]).await;
    every_command_is_harmless("/users/me", &["500", "HTML", "forbidden", "other JSON"]).await;
}

#[tokio::test]
async fn of_mappings() {
    every_command_is_harmless("/items/lockstep_state", &["dropped", "500", "HTML", "other JSON"]).await;
}

/// The administrator's access ends between two requests.
#[tokio::test]
async fn after_the_token_went() {
    let target = Target::in_step("11.17.4").await;
    let ran = target.cli.run(&["push", "--json"], &At::new(target.proxy.url(), "gone")).await;
    failed(&ran, "a token that is none");
}
