//! Random writes on both sides of a two-way route while everything goes wrong that can; then quiet, and both sides must be
//! equal, with every write accounted for. A seed makes the whole schedule.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use lockstep_directus::items::{self, Endpoint};
use lockstep_live::Initial;
use lockstep_live::journal::Journal;
use lockstep_testkit::proxy::{Fault, Gate, Rule};
use serde_json::{Value, json};

use crate::stage::{Daemon, Stage, rows, until};

const COLLECTIONS: [&str; 4] = ["authors", "tags", "posts", "posts_tags"];
const STEPS: usize = 60;

/// The last value that each side wrote to a field of a record, by a name that does not depend on keys.
type Written = BTreeMap<(String, &'static str), [Option<String>; 2]>;

struct Schedule {
    stage: Stage,
    rng: Rng,
    written: Written,
    daemon: Option<Daemon>,
    /// Counts names and values, so that each is there once.
    count: usize,
}

impl Schedule {
    async fn new(seed: u64) -> Self {
        let stage = Stage::new(2).await;
        let (rng, written) = (Rng::with_seed(seed), Written::new());
        Self { stage, rng, written, daemon: None, count: 0 }
    }

    async fn start(&mut self) {
        let routes = json!([{
            "from": "a", "to": "b", "mode": "both", "conflict": "newest", "collections": ["posts", "authors", "tags"],
        }]);
        let config = self.stage.config(routes, |config| {
            config["batch"] = json!(self.rng.usize(1..20));
            config["attempts"] = json!(50);
        });
        // A peer may be away just now; what does not fit would be an error of the test.
        self.daemon = Some(Daemon::start(config, Initial::Refuse).await.unwrap());
    }

    fn value(&mut self) -> String {
        self.count += 1;
        format!("v{}", self.count)
    }

    /// A write of a user, at the instance itself.
    async fn write(&mut self) {
        let side = self.rng.usize(0..2);
        let client = self.stage.instances[side].client.clone();
        let collection = ["posts", "posts", "authors"][self.rng.usize(0..3)];
        let known = rows(&client, collection).await;
        let (label, field) = if collection == "posts" { ("title", "body") } else { ("name", "note") };
        if known.is_empty() || self.rng.f32() < 0.4 {
            let name = self.value();
            let value = self.value();
            let mut item = json!({label: name, field: value});
            if collection == "posts" {
                let authors = rows(&client, "authors").await;
                if let Some(author) = self.rng.choice(&authors) {
                    item["author"] = author["id"].clone();
                }
                if let Some(parent) = self.rng.choice(&known) {
                    item["parent"] = parent["id"].clone();
                }
            }
            self.written.entry((name, field)).or_default()[side] = Some(value);
            // Somebody else may have deleted what it refers to.
            let _ = items::create_many(&client, &Endpoint::of(collection), &[item], &["id"]).await;
            return;
        }
        let Some(row) = self.rng.choice(&known).cloned() else { return };
        let name = row[label].as_str().unwrap_or_default().to_owned();
        if self.rng.f32() < 0.08 {
            let keys = [row["id"].clone()];
            if items::delete_many(&client, &Endpoint::of(collection), &keys).await.is_ok() {
                // What they wrote before is gone by their own will.
                self.written.entry((name, field)).or_default()[side] = None;
            }
            return;
        }
        let value = self.value();
        let (keys, change) = ([row["id"].clone()], json!({field: value}));
        let done = items::update_keys(&client, &Endpoint::of(collection), &keys, &change, &["id"]).await;
        // Replication may have deleted it meanwhile.
        if done.is_ok_and(|changed| !changed.is_empty()) {
            self.written.entry((name, field)).or_default()[side] = Some(value);
        }
    }

    async fn trouble(&mut self) {
        let side = self.rng.usize(0..2);
        let number = self.rng.usize(1..4);
        match self.rng.usize(0..8) {
            0 | 1 => {
                if let Some(daemon) = self.daemon.take() {
                    daemon.kill(&self.stage.journal()).await;
                }
                self.start().await;
            }
            2 => {
                self.stage.instances[side]
                    .proxy
                    .fault(Rule::new(Fault::DropAfter).method("POST").nth(number));
            }
            3 => self.stage.instances[side]
                .proxy
                .fault(Rule::new(Fault::DropAfter).method("PATCH").nth(number)),
            4 => self.stage.instances[side].proxy.fault(Rule::new(Fault::DropBefore).nth(number)),
            5 => self.stage.instances[side].proxy.fault(Rule::new(Fault::respond(503, "<html>")).nth(number)),
            6 => self.stage.instances[side].proxy.kill().await,
            _ => self.stage.instances[side].proxy.fault(Rule::new(Fault::TruncateBody(20)).nth(number)),
        }
        for instance in &self.stage.instances {
            if !instance.proxy.is_alive() && self.rng.bool() {
                instance.proxy.revive().await.unwrap();
            }
        }
    }

    async fn run(mut self, seed: u64) {
        self.start().await;
        // Before that nobody could tell which records with counted keys are the same.
        self.stage.ready().await;
        for _ in 0..STEPS {
            self.write().await;
            if self.rng.f32() < 0.15 {
                self.trouble().await;
            }
            tokio::time::sleep(Duration::from_millis(self.rng.u64(0..30))).await;
        }
        for instance in &self.stage.instances {
            instance.proxy.clear();
            if !instance.proxy.is_alive() {
                instance.proxy.revive().await.unwrap();
            }
        }
        // Deletions of a random schedule may be many; here they are meant.
        let journal = Journal::visit(&self.stage.journal()).unwrap();
        journal.order("a>b", true).unwrap();
        if let Some(daemon) = self.daemon.take() {
            daemon.kill(&self.stage.journal()).await;
        }
        self.start().await;
        self.stage.alike(&COLLECTIONS, true).await;
        self.accounted(seed, &journal).await;
        let before = self.activity().await;
        // After quiet no echo: so many looks later there is no more activity.
        let daemon = self.daemon.take().unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(self.activity().await, before, "seed {seed}: echoes");
        daemon.stop().await;
    }

    async fn activity(&self) -> Vec<usize> {
        let mut counts = Vec::new();
        for instance in &self.stage.instances {
            let all = rows(&instance.client, "directus_activity").await;
            counts.push(all.iter().filter(|entry| entry["action"] != "login").count());
        }
        counts
    }

    /// What was done to a record on either side, for whoever has to find out why.
    async fn story(&self, name: &str) -> String {
        let mut lines = Vec::new();
        for (side, instance) in self.stage.instances.iter().enumerate() {
            let activity = rows(&instance.client, "directus_activity").await;
            let revisions = rows(&instance.client, "directus_revisions").await;
            let named = format!("\"{name}\"");
            let is_of = |row: &&Value| row["data"].to_string().contains(&named);
            let keys: Vec<&Value> = revisions.iter().filter(is_of).map(|row| &row["item"]).collect();
            for entry in activity.iter().filter(|entry| keys.contains(&&entry["item"])) {
                let revision = revisions.iter().find(|revision| revision["activity"] == entry["id"]);
                let delta = revision.map(|revision| &revision["delta"]);
                lines.push(format!(
                    "{} side {side} #{} {} {} {}",
                    entry["timestamp"],
                    entry["id"],
                    entry["action"],
                    entry["item"],
                    delta.unwrap_or(&Value::Null)
                ));
            }
        }
        lines.sort();
        lines.join("\n")
    }

    /// Each record is there once; what only one side wrote is there; what both wrote is the last of one of them.
    async fn accounted(&self, seed: u64, journal: &Journal) {
        let client = &self.stage.instances[0].client;
        let letters = journal.dead_letters().unwrap();
        assert_eq!(letters, [], "seed {seed}");
        let mut held: BTreeMap<(String, &str), Vec<Value>> = BTreeMap::new();
        for (collection, label, field) in [("posts", "title", "body"), ("authors", "name", "note")] {
            for row in rows(client, collection).await {
                let name = row[label].as_str().unwrap().to_owned();
                held.entry((name, field)).or_default().push(row[field].clone());
            }
        }
        for (name, values) in &held {
            assert_eq!(values.len(), 1, "seed {seed}: {name:?} is there more than once");
        }
        let conflicts = serde_json::to_string(&journal.conflicts(false, usize::MAX).unwrap()).unwrap();
        let mut came = Vec::new();
        for instance in &self.stage.instances {
            came.push(Value::Array(rows(&instance.client, "directus_revisions").await).to_string());
        }
        for (name, last) in &self.written {
            let Some(values) = held.get(&(name.0.clone(), name.1)) else { continue };
            let is_in_conflicts = |value: &String| conflicts.contains(&format!("\"{value}\""));
            let stayed = last.iter().flatten().any(|value| values[0] == json!(value));
            assert!(
                stayed || last.iter().flatten().all(is_in_conflicts),
                "seed {seed}: {name:?} is {values:?}, written was {last:?}"
            );
            // What did not stay came to the other side before it was written over, or is among the conflicts.
            for (side, value) in
                last.iter().enumerate().filter_map(|(side, value)| Some((side, value.as_ref()?)))
            {
                let quoted = format!("\"{value}\"");
                let told = values[0] == json!(value)
                    || conflicts.contains(&quoted)
                    || came[1 - side].contains(&quoted);
                assert!(
                    told,
                    "seed {seed}: {name:?}: {value} of {side} is gone without a word; {last:?} {values:?}\n{}",
                    self.story(&name.0).await
                );
            }
        }
    }
}

async fn seeds(numbers: std::ops::Range<u64>) {
    for seed in numbers {
        Box::pin(Schedule::new(seed).await.run(seed)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_from_0() {
    seeds(0..10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_from_10() {
    seeds(10..20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_from_20() {
    seeds(20..30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_from_30() {
    seeds(30..40).await;
}

/// Those that `cargo xtask soak` asks for (`LOCKSTEP_SEEDS`, as `40..340`), or one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_of_the_environment() {
    let wanted = std::env::var("LOCKSTEP_SEEDS").unwrap_or_else(|_| "40..41".to_owned());
    let (from, to) = wanted.split_once("..").unwrap();
    seeds(from.parse().unwrap()..to.parse().unwrap()).await;
}

/// A creation with a counted key whose answer was lost is found again.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_duplicate() {
    let mut schedule = Schedule::new(0).await;
    let (a, b) = (schedule.stage.instances[0].client.clone(), schedule.stage.instances[1].client.clone());
    schedule.stage.instances[1]
        .proxy
        .fault(Rule::new(Fault::DropAfter).method("POST").path("/items/authors").nth(1));
    schedule.start().await;
    for name in ["x", "x", "y"] {
        crate::stage::create(&a, "authors", json!({"name": name})).await;
    }
    until("they came", || async { rows(&b, "authors").await.len() >= 3 }).await;
    schedule.stage.alike(&["authors"], true).await;
    assert_eq!(rows(&b, "authors").await.len(), 3);
}

/// A server may go on with a request whose connection broke, and finish after it was asked for the first time.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_creation_is_not_made_again() {
    let mut schedule = Schedule::new(0).await;
    let (a, b) = (schedule.stage.instances[0].client.clone(), schedule.stage.instances[1].client.clone());
    let gate = Gate::default();
    schedule.stage.instances[1]
        .proxy
        .fault(Rule::new(Fault::Late(gate.clone())).method("POST").path("/items/authors").nth(1));
    schedule.start().await;
    schedule.stage.ready().await;
    crate::stage::create(&a, "authors", json!({"name": "late"})).await;
    // Whether it is there: a creation of authors. What changed is asked for all the time, and is no such question.
    let asked = || {
        let requests = schedule.stage.instances[1].proxy.requests();
        requests.iter().filter(|seen| seen.path.contains("activity") && seen.path.contains("create")).count()
    };
    until("it was asked whether it is there", || async { asked() > 1 }).await;
    gate.open();
    schedule.stage.alike(&["authors"], true).await;
    assert_eq!(rows(&b, "authors").await.len(), 1);
}
