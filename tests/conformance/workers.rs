//! Workers that share routes, with their journals in a real NATS: the program itself, killed, paused and replaced, between
//! sandboxes behind proxies.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use lockstep_testkit::cli::{Cli, Running};
use lockstep_testkit::nats::Nats;
use lockstep_testkit::proxy::{Fault, Rule};
use serde_json::{Value, json};

use crate::stage::array;
use crate::stage::instance::Instance;

const PATIENCE: Duration = Duration::from_secs(120);
/// The hub and those that it is kept in step with.
const PEERS: [&str; 3] = ["hub", "north", "south"];

impl Instance {
    async fn rows(&self, collection: &str) -> Vec<Value> {
        array(self.http.get(&format!("/items/{collection}?limit=-1")).await.unwrap())
    }

    /// How often each author is there, with the score.
    async fn authors(&self) -> BTreeMap<String, Vec<Value>> {
        let mut authors: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for row in self.rows("authors").await {
            authors.entry(row["name"].as_str().unwrap().to_owned()).or_default().push(row["score"].clone());
        }
        authors
    }

    async fn create(&self, name: &str) {
        self.http.post("/items/authors", &json!({"name": name, "score": "0.00"})).await.unwrap();
    }

    /// What was ever written there.
    async fn activity(&self) -> usize {
        array(self.http.get("/activity?limit=-1&fields=id").await.unwrap()).len()
    }
}

struct Stage {
    peers: Vec<Instance>,
    nats: Nats,
    /// Each has a place of its own, as on a machine of its own. Workers end before their places go.
    workers: Vec<Option<Running>>,
    places: Vec<Cli>,
}

impl Stage {
    async fn new(workers: usize) -> Self {
        let mut peers = Vec::new();
        for _ in PEERS {
            peers.push(Instance::new().await);
        }
        let nats = Nats::start().unwrap();
        let route = |to: &str| json!({"from": "hub", "to": to, "mode": "both", "collections": ["authors"]});
        let addresses: serde_json::Map<String, Value> =
            PEERS.iter().zip(&peers).map(|(name, peer)| ((*name).to_owned(), peer.peer())).collect();
        let live = json!({
            "journal": nats.journal("test"), "poll": 0.2, "websocket": false, "attempts": 50,
            "peers": addresses, "routes": [route("north"), route("south")],
        });
        let places: Vec<Cli> = (0..workers).map(|_| Cli::new()).collect();
        for place in &places {
            std::fs::write(place.dir().join("lockstep.config.json"), json!({"live": live}).to_string())
                .unwrap();
        }
        let mut stage = Self { peers, nats, workers: Vec::new(), places };
        for number in 0..workers {
            let worker = stage.worker(number);
            stage.workers.push(Some(worker));
        }
        stage
    }

    fn worker(&self, number: usize) -> Running {
        let name = format!("worker-{number}");
        self.places[number].start(&["live", "run", "--worker", &name, "--json"])
    }

    async fn status(&self) -> Value {
        self.places[0].run_bare(&["live", "status", "--json"]).await.exits(0).json()
    }

    /// Which worker carries which route.
    async fn carriers(&self) -> BTreeMap<String, String> {
        let status = self.status().await;
        let routes = status["routes"].as_object().unwrap().iter();
        let carried =
            routes.filter_map(|(name, route)| Some((name.clone(), route["worker"].as_str()?.to_owned())));
        carried.collect()
    }

    async fn until<F: Future<Output = bool>>(&self, what: &str, condition: impl Fn() -> F) {
        let asked = async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, asked).await.is_err() {
            let logs: Vec<String> = self.workers.iter().flatten().map(Running::log).collect();
            panic!("not in time: {what}\n{}", logs.join("\n---\n"));
        }
    }

    /// Waits until all peers hold the same.
    async fn alike(&self) {
        self.until("all peers are alike", || async {
            let hub = self.peers[0].authors().await;
            self.peers[1].authors().await == hub && self.peers[2].authors().await == hub
        })
        .await;
    }

    /// Waits until both routes are carried, and nothing waits.
    async fn quiet(&self) {
        self.until("nothing waits", || async {
            let status = self.status().await;
            let mut routes = status["routes"].as_object().unwrap().values();
            routes.all(|route| route["state"] == "running" && route["waiting"] == 0 && route["dead"] == 0)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_is_replaced() {
    let mut stage = Stage::new(2).await;
    stage.peers[0].create("first").await;
    stage.alike().await;
    // Each has one route.
    stage
        .until("the routes are shared", || async {
            let carriers = stage.carriers().await;
            carriers.len() == 2 && carriers["hub>north"] != carriers["hub>south"]
        })
        .await;
    let dying = stage.carriers().await["hub>north"].clone();
    let number = usize::from(dying == "worker-1");
    stage.workers[number].take().unwrap().kill();
    for name in ["second", "third"] {
        stage.peers[0].create(name).await;
        stage.peers[1].create(&format!("{name} of north")).await;
    }
    stage.alike().await;
    assert!(stage.peers[2].authors().await.values().all(|scores| scores.len() == 1));
    let carriers = stage.carriers().await;
    assert!(carriers.values().all(|worker| *worker != dying), "{carriers:?}");
    // Orders reach whoever has the route.
    stage.quiet().await;
    let before = stage.peers[1].activity().await;
    drop(stage.places[0].run_bare(&["live", "reconcile"]).await.exits(0));
    stage.quiet().await;
    assert_eq!(stage.peers[1].activity().await, before, "nothing was written twice");
    // The one that ends as it should gives its routes back at once.
    stage.workers[number] = Some(stage.worker(number));
    let other = stage.workers[1 - number].take().unwrap();
    assert_eq!(other.terminate(), 0);
    stage.peers[2].create("last").await;
    stage.alike().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_too_long_writes_nothing_more() {
    let mut stage = Stage::new(1).await;
    stage.peers[0].create("first").await;
    stage.alike().await;
    stage.quiet().await;
    // As if its machine had been suspended: it wakes up and believes that the routes are its own.
    stage.workers[0].as_ref().unwrap().pause();
    stage.places.push(Cli::new());
    std::fs::copy(
        stage.places[0].dir().join("lockstep.config.json"),
        stage.places[1].dir().join("lockstep.config.json"),
    )
    .unwrap();
    let second = stage.worker(1);
    stage.workers.push(Some(second));
    stage.peers[0].create("second").await;
    stage.alike().await;
    stage.quiet().await;
    let routes = |worker: &str, carriers: &BTreeMap<String, String>| {
        carriers.values().filter(|carrier| *carrier == worker).count()
    };
    assert_eq!(routes("worker-1", &stage.carriers().await), 2);
    let paused = stage.workers[0].as_ref().unwrap();
    let told_before = paused.log().len();
    paused.resume();
    stage
        .until("it has learnt that they are not", || async {
            paused.log()[told_before..].matches("\"held\":false").count() >= 2
        })
        .await;
    stage.peers[1].create("third").await;
    stage.alike().await;
    assert!(stage.peers[0].authors().await.values().all(|scores| scores.len() == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_grows_is_taken_over_from_its_snapshot() {
    let mut stage = Stage::new(1).await;
    // So much that a snapshot is worth it.
    let long = "x".repeat(4_000);
    for part in 0..4 {
        let authors: Vec<Value> =
            (0..200).map(|number| json!({"name": format!("{part}-{number} {long}")})).collect();
        stage.peers[0].http.post("/items/authors", &json!(authors)).await.unwrap();
    }
    stage.alike().await;
    stage.quiet().await;
    let counts = || async {
        let mut counts = Vec::new();
        for peer in &stage.peers {
            counts.push(peer.activity().await);
        }
        counts
    };
    let before = counts().await;
    let status = stage.status().await;
    assert_eq!(status["routes"]["hub>north"]["tracked"], 800);
    stage.workers[0].take().unwrap().kill();
    let again = stage.worker(0);
    stage.until("it is carried again", || async { again.log().matches("\"held\":true").count() >= 4 }).await;
    stage.quiet().await;
    assert_eq!(counts().await, before, "nothing had to be written again");
    assert_eq!(stage.status().await["routes"]["hub>north"]["tracked"], 800);
    stage.workers[0] = Some(again);
    stage.peers[1].create("after").await;
    stage.alike().await;
}

/// Random writes at all peers while workers are killed and paused, NATS is killed, and answers are lost.
async fn schedule(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let mut stage = Stage::new(3).await;
    stage.quiet().await;
    let mut created = Vec::new();
    for step in 0..36 {
        let at = rng.usize(0..3);
        let known = stage.peers[at].rows("authors").await;
        if known.is_empty() || rng.f32() < 0.6 {
            let name = format!("seed {seed} step {step}");
            stage.peers[at].create(&name).await;
            created.push(name);
        } else {
            let row = rng.choice(&known).unwrap();
            let change = json!({"score": format!("{step}.00")});
            stage.peers[at].http.patch(&format!("/items/authors/{}", row["id"]), &change).await.unwrap();
        }
        match step % 6 {
            1 => {
                let number = rng.usize(0..3);
                drop(stage.workers[number].take());
                let again = stage.worker(number);
                stage.workers[number] = Some(again);
            }
            3 => {
                let fault = [Fault::DropAfter, Fault::DropBefore, Fault::respond(503, "<html>")]
                    [rng.usize(0..3)]
                .clone();
                let method = ["POST", "PATCH"][rng.usize(0..2)];
                stage.peers[rng.usize(0..3)].proxy.fault(Rule::new(fault).method(method).nth(1));
            }
            5 if step == 17 => {
                stage.nats.kill();
                stage.nats.resume().unwrap();
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(rng.u64(0..400))).await;
    }
    for peer in &stage.peers {
        peer.proxy.clear();
    }
    stage.alike().await;
    stage.quiet().await;
    stage.alike().await;
    let held = stage.peers[0].authors().await;
    for name in &created {
        assert_eq!(held.get(name).map(Vec::len), Some(1), "seed {seed}: {name}");
    }
    assert_eq!(held.len(), created.len(), "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_workers_come_and_go() {
    // Another one may be asked for.
    let seed = std::env::var("LOCKSTEP_SEED").ok().and_then(|seed| seed.parse().ok());
    schedule(seed.unwrap_or(1)).await;
}
