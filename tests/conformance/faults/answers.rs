//! One request of a push goes wrong, in each way that there is, for each kind of what a push writes.

use std::time::Duration;

use lockstep_testkit::proxy::{Fault, Rule};

use super::Target;

/// Those that a push cannot get around; all others it does.
const REFUSALS: [&str; 3] = ["413", "413 always", "500"];

/// What happens to a request, and to how many of them.
type Case = (&'static str, Fault, usize);

/// Those that are decided by what kind of record is written.
fn telling() -> Vec<Case> {
    let kept = ["the answer is lost", "the request is lost", "the answer is cut off", "413 always", "500"];
    all().into_iter().filter(|(name, ..)| kept.contains(name)).collect()
}

fn all() -> Vec<Case> {
    let gateway = |status| Fault::respond(status, "<html><body>gateway</body></html>");
    let wait = |status| gateway(status).header("Retry-After", "0");
    vec![
        ("the answer is lost", Fault::DropAfter, 1),
        ("the request is lost", Fault::DropBefore, 1),
        ("the answer is cut off", Fault::TruncateBody(3), 1),
        ("502", gateway(502), 1),
        ("504", gateway(504), 1),
        ("503, try again", wait(503), 1),
        ("429 three times", wait(429), 3),
        ("413", gateway(413), 1),
        ("413 always", gateway(413), usize::MAX),
        ("500", Fault::respond(500, r#"{"errors":[{"message":"boom"}]}"#), 1),
        ("slow", Fault::Delay(Duration::from_millis(700)), 1),
    ]
}

/// Records of `lost` are gone; the request that brings them back meets each fault.
async fn meets(faults: Vec<Case>, version: &str, method: &str, path: &str, lost: &[&str]) {
    let target = Target::in_step(version).await;
    for (name, fault, times) in faults {
        for collection in lost {
            lose(&target, collection).await;
        }
        target.proxy.clear();
        target.proxy.fault(Rule::new(fault).method(method).path(path).first(times));
        let ran = target.push().await;
        let met = target.writes().iter().filter(|seen| seen.fault.is_some()).count();
        assert!(ran.code == 0 || REFUSALS.contains(&name), "{name}: a push completes by itself\n{ran}");
        assert!(met > 0, "{name}: no {method} {path} was sent\n{ran}\n{:#?}", target.writes());
        target.recovers(ran, &format!("{method} {path}, {name}"), &[]).await;
    }
}

async fn lose(target: &Target, what: &str) {
    match what {
        "schema" => drop(target.directus.delete("/collections/articles", None).await.unwrap()),
        "state" => target.forget().await,
        collection => target.lose(collection).await,
    }
}

#[tokio::test]
async fn records_with_ids_of_ours() {
    meets(all(), "11.17.4", "POST", "/folders", &["folders"]).await;
}

#[tokio::test]
async fn flows() {
    meets(telling(), "11.17.4", "POST", "/flows", &["flows"]).await;
}

#[tokio::test]
async fn operations() {
    meets(telling(), "11.17.4", "POST", "/operations", &["flows"]).await;
}

#[tokio::test]
async fn permissions() {
    meets(all(), "11.17.4", "POST", "/permissions", &["permissions"]).await;
}

#[tokio::test]
async fn permissions_on_10() {
    meets(telling(), "10.13.1", "POST", "/permissions", &["permissions"]).await;
}

#[tokio::test]
async fn presets() {
    meets(telling(), "11.17.4", "POST", "/presets", &["presets"]).await;
}

#[tokio::test]
async fn policies_on_12() {
    meets(telling(), "12.4.0", "POST", "/policies", &["policies"]).await;
}

#[tokio::test]
async fn links_of_the_second_pass() {
    meets(telling(), "11.17.4", "PATCH", "/", &["flows", "folders"]).await;
}

#[tokio::test]
async fn the_table_of_mappings() {
    meets(telling(), "11.17.4", "POST", "/collections", &["state", "translations"]).await;
}

#[tokio::test]
async fn the_rows_of_mappings() {
    meets(all(), "11.17.4", "POST", "/items/lockstep_state", &["state", "translations"]).await;
}

#[tokio::test]
async fn the_schema() {
    meets(all(), "11.17.4", "POST", "/schema/apply", &["schema"]).await;
}

#[tokio::test]
async fn the_schema_on_10() {
    meets(telling(), "10.13.1", "POST", "/schema/apply", &["schema"]).await;
}

#[tokio::test]
async fn the_schema_on_12() {
    meets(telling(), "12.4.0", "POST", "/schema/apply", &["schema"]).await;
}
