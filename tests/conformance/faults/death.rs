//! The server dies in the middle of a push, at one write or another, having done it or not.

use lockstep_testkit::proxy::{Fault, Rule};

use super::{Target, is_write};

/// How many of the writes of a push are the last one that the server sees.
const POINTS: usize = 4;

/// A small generator of numbers that look arbitrary and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// Method, path and ordinal (of those with the same method and path) of each write of a push to an empty instance.
async fn writes_of_a_push(target: &Target, more: &[&str]) -> Vec<(String, String, usize)> {
    target.lose_everything().await;
    let ran = target.push_with(more).await.exits(0);
    target.is_whole(&ran, &"a push without faults").await;
    let mut writes: Vec<(String, String, usize)> = Vec::new();
    for seen in target.writes() {
        let ordinal =
            1 + writes.iter().filter(|write| write.0 == seen.method && write.1 == seen.path).count();
        writes.push((seen.method, seen.path, ordinal));
    }
    writes
}

async fn dies_at_many_points(version: &str, seed: u64, more: &[&str]) {
    let target = Target::in_step(version).await;
    let mut writes = writes_of_a_push(&target, more).await;
    let mut numbers = Numbers(seed);
    for point in 0..POINTS.min(writes.len()) {
        let (method, path, ordinal) = writes.remove(numbers.below(writes.len()));
        assert!(is_write(&method, &path));
        let fault = if point % 2 == 0 { Fault::ApplyAndKill } else { Fault::Kill };
        let what = format!("{fault:?} at {method} {path} number {ordinal}");
        target.lose_everything().await;
        target.proxy.fault(Rule::new(fault).method(&method).path(&path).nth(ordinal));
        let ran = target.push_with(more).await;
        assert!(!target.proxy.is_alive(), "{what} was not met\n{ran}");
        target.recovers(ran, &what, more).await;
    }
}

#[tokio::test]
async fn at_many_points() {
    dies_at_many_points("11.17.4", 1, &[]).await;
}

#[tokio::test]
async fn at_other_points() {
    dies_at_many_points("11.17.4", 2, &["--state", "file"]).await;
}

#[tokio::test]
async fn at_many_points_on_10() {
    dies_at_many_points("10.13.1", 3, &[]).await;
}

#[tokio::test]
async fn at_many_points_on_12() {
    dies_at_many_points("12.4.0", 4, &[]).await;
}

/// Panels have no name to be recognized by, and here no id that the dump says.
#[tokio::test]
async fn after_panels_whose_ids_are_not_kept() {
    let none = ["--preserve-ids", "none"];
    let target = Target::in_step("11.17.4").await;
    for fault in [Fault::ApplyAndKill, Fault::DropAfter] {
        for collection in ["dashboards", "translations", "policies"] {
            target.lose(collection).await;
        }
        target.forget().await;
        target.proxy.clear();
        target.proxy.fault(Rule::new(fault.clone()).method("POST").path("/panels"));
        let ran = target.push_with(&none).await;
        target.recovers(ran, &format!("{fault:?} at POST /panels"), &none).await;
    }
}

/// The process of the server is killed, as when memory runs out, and comes back.
#[tokio::test]
async fn for_real() {
    let mut target = Target::in_step("11.17.4").await;
    target.lose_everything().await;
    let wait = Fault::Delay(std::time::Duration::from_secs(2));
    target.proxy.fault(Rule::new(wait).method("POST").path("/operations"));
    let run = {
        let (cli, proxy) = (&target.cli, &target.proxy);
        async move { cli.run(&["push", "--json"], proxy).await }
    };
    let ran = {
        let proxy = &target.proxy;
        let directus = &mut target.directus;
        let crash = async move {
            super::interrupt::until_seen(proxy, "POST", "/operations").await;
            directus.crash();
        };
        tokio::join!(run, crash).0
    };
    let ran = ran.exits(4);
    target.directus.restart().await.unwrap();
    target.recovers(ran, &"a crash", &[]).await;
}
