//! Random writes on both sides of a two-way route between real servers, while the daemon (the program itself) is killed,
//! servers are restarted, connections are cut and answers lost; then quiet, and both sides must be equal, with every
//! write accounted for. A seed makes the whole schedule, but not when which of two processes is how far:
//! `LOCKSTEP_SEED` in the environment asks for another one.

mod books;
mod side;
mod users;

use std::time::{Duration, Instant};

use fastrand::Rng;
use lockstep_live::journal::Journal;
use lockstep_live::status::Status;
use lockstep_testkit::cli::{Cli, Running};
use lockstep_testkit::directus::Template;
use lockstep_testkit::proxy::{Fault, Rule};
use serde_json::json;
use tokio::task::LocalSet;

use books::Books;
use side::Side;

use crate::stage::live_users;

const STEPS: usize = 30;
/// So long it may take until both sides are equal again.
const PATIENCE: Duration = Duration::from_secs(150);

/// What goes wrong, each of it once in a schedule, in any order.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Kill,
    KillAgain,
    Restart,
    LosePost,
    LosePatch,
    Drop,
    Unavailable,
    Cut,
    Truncate,
}

const TROUBLES: [Trouble; 9] = [
    Trouble::Kill,
    Trouble::KillAgain,
    Trouble::Restart,
    Trouble::LosePost,
    Trouble::LosePatch,
    Trouble::Drop,
    Trouble::Unavailable,
    Trouble::Cut,
    Trouble::Truncate,
];

struct Schedule {
    sides: [Side; 2],
    // Ended before its folder goes.
    daemon: Option<Running>,
    cli: Cli,
    config: String,
    rng: Rng,
    books: Books,
}

impl Schedule {
    async fn new(version: &str, seed: u64) -> Self {
        let (a, b) = tokio::join!(Side::new(version, Template::A), Side::new(version, Template::B));
        let (sides, cli, mut rng) = ([a, b], Cli::new(), Rng::with_seed(seed));
        let mut live = json!({
            "poll": 0.3, "websocket": false, "attempts": 50, "batch": rng.usize(1..20),
            "peers": {"a": {"url": sides[0].directus.url(), "token": "-"}, "b": {"url": sides[1].directus.url(), "token": "-"}},
            "routes": [{
                "from": "a", "to": "b", "mode": "both", "conflict": "newest",
                "collections": ["authors", "tags", "posts"],
            }],
        });
        let config = live_users(&cli, &mut live).await;
        for (peer, side) in ["a", "b"].into_iter().zip(&sides) {
            live["peers"][peer]["url"] = json!(side.proxy.url());
        }
        std::fs::write(&config, json!({"live": live}).to_string()).unwrap();
        Self { sides, daemon: None, cli, config, rng, books: Books::default() }
    }

    fn start(&mut self) {
        self.daemon = Some(self.cli.start(&["live", "run", "--json", "-c", &self.config]));
    }

    fn journal(&self) -> Option<Journal> {
        Journal::visit(&self.cli.dir().join("live.db")).ok()
    }

    fn status(&self) -> Status {
        self.journal().and_then(|journal| Status::read(&journal).ok()).unwrap_or_default()
    }

    /// Nothing waits, and the first comparison of this run of the daemon is through.
    fn is_quiet(&self) -> bool {
        let routes = self.status().routes;
        let is_quiet = |edge: &str| routes[edge].queue.waiting == 0 && routes[edge].state.ready;
        !routes.is_empty() && routes.keys().all(|edge| is_quiet(edge))
    }

    /// The daemon does not end by itself, whatever happens.
    fn goes_on(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            let ended = daemon.ended();
            assert!(ended.is_none(), "the daemon ended with {ended:?}:\n{}", self.log());
        }
    }

    /// The end of what the daemon said.
    fn log(&self) -> String {
        let log = self.daemon.as_ref().map(Running::log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    async fn trouble(&mut self, trouble: Trouble) {
        let at = self.rng.usize(0..2);
        let rule = match trouble {
            Trouble::Kill | Trouble::KillAgain => {
                self.daemon.take().unwrap().kill();
                // The world goes on meanwhile, or does not.
                for _ in 0..self.rng.usize(0..3) {
                    let at = self.rng.usize(0..2);
                    self.write(at).await;
                }
                return self.start();
            }
            Trouble::Restart => {
                if self.rng.bool() {
                    self.sides[at].directus.crash();
                } else {
                    self.sides[at].directus.stop();
                }
                for _ in 0..3 {
                    self.write(1 - at).await;
                }
                return self.sides[at].directus.restart().await.unwrap();
            }
            Trouble::Cut => return self.sides[at].proxy.kill().await,
            Trouble::LosePost => Rule::new(Fault::DropAfter).method("POST"),
            Trouble::LosePatch => Rule::new(Fault::DropAfter).method("PATCH"),
            Trouble::Drop => Rule::new(Fault::DropBefore),
            Trouble::Unavailable => Rule::new(Fault::respond(503, "<html>")),
            Trouble::Truncate => Rule::new(Fault::TruncateBody(20)),
        };
        self.sides[at].proxy.fault(rule.nth(self.rng.usize(1..4)));
    }

    async fn run(mut self) {
        self.start();
        // Before that nobody could tell which records with counted keys are the same.
        self.until("it is ready", async |schedule| schedule.is_quiet()).await;
        let mut troubles = TROUBLES.to_vec();
        self.rng.shuffle(&mut troubles);
        for step in 0..STEPS {
            let at = self.rng.usize(0..2);
            self.write(at).await;
            if step % 3 == 2
                && let Some(trouble) = troubles.pop()
            {
                self.trouble(trouble).await;
            } else {
                self.revive(false).await;
            }
            self.goes_on();
            tokio::time::sleep(Duration::from_millis(self.rng.u64(0..200))).await;
        }
        self.revive(true).await;
        for side in &self.sides {
            side.proxy.clear();
        }
        // Deletions of a random schedule may be many; here they are meant.
        let order = ["live", "reconcile", "--allow-destructive", "-c", &self.config];
        drop(self.cli.run_bare(&order).await.exits(0));
        self.daemon.take().unwrap().kill();
        for side in &self.sides {
            side.proxy.clear();
        }
        self.start();
        let same = async |schedule: &Self| {
            let looked = schedule.sides.iter().all(|side| side.polls() >= 3);
            looked && schedule.is_quiet() && schedule.differences().await.is_empty()
        };
        self.until("both sides are equal", same).await;
        // After quiet no echo: so many looks later nobody has written anything.
        let before = (self.sides[0].newest().await, self.sides[1].newest().await);
        let polls = self.sides.each_ref().map(Side::polls);
        let looked = async |schedule: &Self| {
            schedule.sides.iter().zip(&polls).all(|(side, before)| side.polls() >= before + 4)
        };
        self.until("they were looked at again", looked).await;
        let after = (self.sides[0].newest().await, self.sides[1].newest().await);
        assert_eq!(after, before, "echoes\n{}", self.log());
        assert!(self.is_quiet(), "{:#?}", self.status());
        let journal = self.journal().unwrap();
        self.books.accounted(&self.sides, &journal).await;
        let ended = self.daemon.take().unwrap().terminate();
        assert_eq!(ended, 0);
    }

    /// Lets servers be reached again, by chance or surely.
    async fn revive(&mut self, surely: bool) {
        for side in &self.sides {
            if !side.proxy.is_alive() && (surely || self.rng.f32() < 0.3) {
                side.proxy.revive().await.unwrap();
            }
        }
    }

    async fn until(&mut self, what: &str, condition: impl AsyncFn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self).await {
            self.goes_on();
            if start.elapsed() > PATIENCE {
                let letters = self.journal().map(|journal| journal.dead_letters());
                let (differences, status) = (self.differences().await, self.status());
                panic!("not in time: {what}\n{differences:#?}\n{status:#?}\n{letters:#?}\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// What only one side has, in words that do not depend on counted keys.
    async fn differences(&self) -> Vec<String> {
        let (mut a, b) = tokio::join!(books::state(&self.sides[0]), books::state(&self.sides[1]));
        let mut only = Vec::new();
        for line in b {
            match a.iter().position(|other| *other == line) {
                Some(at) => drop(a.swap_remove(at)),
                None => only.push(format!("b: {line}")),
            }
        }
        only.extend(a.iter().map(|line| format!("a: {line}")));
        only
    }
}

async fn schedule(version: &'static str, seed: u64) {
    let seed = std::env::var("LOCKSTEP_SEED").map_or(seed, |wanted| wanted.parse().unwrap());
    let run = async move { Box::pin(Schedule::new(version, seed).await.run()).await };
    // By itself, so that whatever fails in it can be said with its seed.
    let local = LocalSet::new();
    let ended = local.run_until(async { tokio::task::spawn_local(run).await }).await;
    assert!(ended.is_ok(), "seed {seed} on {version}: see above");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_10() {
    schedule("10.13.1", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_11() {
    schedule("11.17.4", 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_11_with_another_seed() {
    schedule("11.17.4", 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_12() {
    schedule("12.4.0", 4).await;
}
