//! Random snapshots, compared by Lockstep and by the server: hash and diff are the same, byte for byte.

use fastrand::Rng;
use lockstep_core::json::{Json, Keys};
use lockstep_core::schema::lists::{self, Lists};
use lockstep_core::schema::{Mode, diff};
use lockstep_testkit::directus::{Db, Directus};
use serde_json::Value;

use super::mutation::{mutate, mutate_applicably};
use super::{parsed, snapshot};
use crate::stage::{major, on_every_version, project};

/// How many snapshots are compared, and in how many states of the server.
const CASES: usize = 25;
const STATES: usize = 6;

async fn random_snapshots_are_compared_as_the_server_does(version: &str) {
    on_a(Db::Sqlite, version).await;
}

#[expect(clippy::print_stdout, reason = "who sees it fail needs the seed")]
async fn on_a(db: Db, version: &str) {
    let seed = std::env::var("LOCKSTEP_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..));
    println!("LOCKSTEP_SEED={seed} repeats this run");
    let mut rng = Rng::with_seed(seed);
    let directus = Directus::builder(version).db(db).start().await.unwrap();
    project::schema(&directus).await;
    let (mut compared, mut by_lists) = (0, 0);
    for _ in 0..STATES {
        let current = snapshot(&directus).await;
        if let Some(of_lists) = of_lists(&directus, version).await {
            assert_eq!(of_lists, text(&parsed(&current).to_json()), "the lists say something else");
            by_lists += 1;
        }
        for _ in 0..CASES {
            let desired = mutate(&current, &mut rng);
            for mode in modes(version) {
                compared += usize::from(compare(&directus, &current, &desired, mode).await);
            }
        }
        walk(&directus, &current, &mut rng).await;
    }
    assert!(compared > CASES * STATES / 2, "most snapshots are accepted and differ: {compared}");
    assert_eq!(by_lists, if major(version) >= 11 { STATES } else { 0 }, "so often the lists were compared");
}

/// The snapshot that Lockstep makes of the server's lists, where it does.
async fn of_lists(directus: &Directus, version: &str) -> Option<String> {
    let version = version.split('-').next().unwrap().parse().unwrap();
    if !lists::tell_all(version) {
        return None;
    }
    let mut lists = Lists::default();
    for (path, list) in [
        ("/collections", &mut lists.collections),
        ("/fields", &mut lists.fields),
        ("/relations", &mut lists.relations),
    ] {
        *list = directus.get(path).await.unwrap().into();
    }
    let snapshot = lists.snapshot(version).unwrap().expect("of one time, and a database that they tell");
    Some(text(&snapshot.to_json()))
}

/// Merging came with 12.2.
fn modes(version: &str) -> Vec<Mode> {
    if major(version) >= 12 { vec![Mode::Mirror, Mode::Merge] } else { vec![Mode::Mirror] }
}

/// True if there was something to compare.
async fn compare(directus: &Directus, current: &Value, desired: &Value, mode: Mode) -> bool {
    let query = if mode == Mode::Merge { "?force=true&mode=merge" } else { "?force=true" };
    let answer = directus.request("POST", &format!("/schema/diff{query}"), Some(desired)).await.unwrap();
    if answer.status == 400 || answer.status == 500 {
        // What the server does not take for a snapshot is not to be compared.
        return false;
    }
    let native = diff(&parsed(current), &parsed(desired), mode).unwrap();
    let Some(native) = native else {
        assert_eq!(answer.status, 204, "the server sees a difference: {}", answer.body);
        return false;
    };
    assert_eq!(answer.status, 200, "the server sees no difference, Lockstep sees {}", native.to_value());
    let expected = Keys::default().parse(&answer.body["data"].to_string()).unwrap();
    assert_eq!(text(&native.to_json()), text(&expected));
    true
}

fn text(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap()
}

/// Takes the server to another state; where it refuses, it stays.
async fn walk(directus: &Directus, current: &Value, rng: &mut Rng) {
    let desired = mutate_applicably(current, rng);
    let answer = directus.request("POST", "/schema/diff?force=true", Some(&desired)).await.unwrap();
    if answer.status == 200 {
        directus.request("POST", "/schema/apply", Some(&answer.body["data"])).await.unwrap();
        directus.request("POST", "/utils/cache/clear?system=true", None).await.unwrap();
    }
}

on_every_version!(random_snapshots_are_compared_as_the_server_does);

mod random_snapshots_of_postgres_are_compared_as_the_server_does {
    use super::{Db, on_a};

    #[tokio::test]
    async fn on_11() {
        on_a(Db::Postgres, "11.17.4").await;
    }

    #[tokio::test]
    async fn on_12() {
        on_a(Db::Postgres, "12.4.0").await;
    }
}
