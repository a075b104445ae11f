//! What the `live` key of a configuration says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lockstep_core::merge::Policy;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::workers::NatsAddress;

/// What is written in a file, before profiles are looked up and anything is checked.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Written {
    /// The file of the journal, relative to the folder of the configuration; or an address of NATS, where several workers
    /// share it.
    #[serde(default = "journal")]
    pub journal: String,
    /// The instances, by the names that routes use.
    pub peers: BTreeMap<String, WrittenPeer>,
    /// What flows where.
    pub routes: Vec<WrittenRoute>,
    /// Where health, metrics and the status page are served; nowhere without it. Loopback only.
    #[serde(default)]
    pub listen: Option<String>,
    /// Seconds between two looks at the activity of a peer.
    #[serde(default = "poll")]
    pub poll: f64,
    /// Seconds between two reconciliations; 0 for one at the start only.
    #[serde(default = "reconcile")]
    pub reconcile: f64,
    /// How often a record is tried before it is a dead letter.
    #[serde(default = "attempts")]
    pub attempts: u32,
    /// How many records a request holds at most.
    #[serde(default = "batch")]
    pub batch: usize,
    /// Whether WebSockets are used where an instance has them.
    #[serde(default = "yes")]
    pub websocket: bool,
    /// Users (ids or email addresses) that are told of problems, by peer.
    #[serde(default)]
    pub notify: BTreeMap<String, Vec<String>>,
}

impl fmt::Debug for Written {
    /// Without the journal, whose address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written")
            .field("peers", &self.peers)
            .field("routes", &self.routes)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// One instance.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WrittenPeer {
    /// Its address.
    #[serde(default)]
    pub url: Option<String>,
    /// A static token there.
    #[serde(default)]
    pub token: Option<String>,
    /// The profile that has both.
    #[serde(default)]
    pub profile: Option<String>,
}

impl fmt::Debug for WrittenPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrittenPeer")
            .field("url", &self.url)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// One way from an instance to others.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WrittenRoute {
    /// The peer that is read.
    pub from: String,
    /// The peers that are written.
    pub to: OneOrMore,
    /// Whether changes of the targets flow back.
    #[serde(default)]
    pub mode: Mode,
    /// The collections.
    pub collections: Vec<WrittenCollection>,
    /// Who wins where both sides changed the same field.
    #[serde(default)]
    pub conflict: Policy,
    /// Whether files that records refer to go along.
    #[serde(default)]
    pub files: bool,
    /// Whether deletions go along.
    #[serde(default = "yes")]
    pub deletes: bool,
}

/// A name, or a list of names.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// A list.
    More(Vec<String>),
}

impl OneOrMore {
    /// As a list.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.clone()],
            Self::More(names) => names.clone(),
        }
    }
}

/// Which ways changes flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// From the source to the targets.
    #[default]
    #[serde(alias = "one-way")]
    One,
    /// Both ways.
    #[serde(alias = "two-way")]
    Both,
}

/// A collection of a route: its name, or more about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum WrittenCollection {
    /// All of it.
    Name(String),
    /// A part of it.
    Part(Part),
}

/// A part of a collection.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// Its name.
    pub collection: String,
    /// The fields; `*` for all.
    #[serde(default = "everything")]
    pub fields: Vec<String>,
    /// Only records that match.
    #[serde(default)]
    pub filter: Option<Value>,
}

impl WrittenCollection {
    /// Said in full.
    #[must_use]
    pub fn part(&self) -> Part {
        match self {
            Self::Name(name) => Part { collection: name.clone(), fields: everything(), filter: None },
            Self::Part(part) => part.clone(),
        }
    }
}

fn journal() -> String {
    "live.db".to_owned()
}
fn poll() -> f64 {
    5.0
}
fn reconcile() -> f64 {
    3600.0
}
fn attempts() -> u32 {
    8
}
fn batch() -> usize {
    200
}
fn yes() -> bool {
    true
}
fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// Where a journal is.
#[derive(Clone, Debug)]
pub enum JournalPlace {
    /// In a file, of one daemon.
    File(PathBuf),
    /// In NATS, of several workers.
    Nats(NatsAddress),
}

/// What is to be done, complete.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// Where the journal is.
    pub journal: JournalPlace,
    /// The instances by name.
    pub peers: BTreeMap<String, PeerAddress>,
    /// What flows where: one for each pair of peers.
    pub edges: Vec<EdgeConfig>,
    /// Where health, metrics and the status page are served.
    pub listen: Option<SocketAddr>,
    /// Between two looks at the activity of a peer.
    pub poll: Duration,
    /// Between two reconciliations; none for one at the start only.
    pub reconcile: Option<Duration>,
    /// How often a record is tried.
    pub attempts: u32,
    /// How many records a request holds at most.
    pub batch: usize,
    /// Whether WebSockets are used.
    pub websocket: bool,
    /// Who is told of problems, by peer.
    pub notify: BTreeMap<String, Vec<String>>,
}

/// Where an instance is, and who we are there.
#[derive(Clone, Debug)]
pub struct PeerAddress {
    /// Its address.
    pub url: String,
    /// A static token.
    pub token: SecretString,
}

/// What flows between two peers.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Its name: `a>b`.
    pub name: String,
    /// The source.
    pub from: String,
    /// The target.
    pub to: String,
    /// Whether changes flow back.
    pub both_ways: bool,
    /// The collections, as they were named.
    pub collections: Vec<Part>,
    /// Who wins.
    pub policy: Policy,
    /// Whether files go along.
    pub files: bool,
    /// Whether deletions go along.
    pub deletes: bool,
}

impl LiveConfig {
    /// The same for one route alone, with nothing served.
    #[must_use]
    pub(crate) fn only(&self, edge: &EdgeConfig) -> Self {
        let is_of = |peer: &String| *peer == edge.from || *peer == edge.to;
        let mut one = self.clone();
        one.edges = vec![edge.clone()];
        one.peers.retain(|peer, _| is_of(peer));
        one.notify.retain(|peer, _| is_of(peer));
        one.listen = None;
        one
    }

    /// Reads the value of the `live` key. `profile` gives the address that a profile has.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn read(
        value: &Value,
        profile: impl Fn(&str) -> Result<PeerAddress, String>,
    ) -> Result<Self, Vec<String>> {
        let written: Written =
            serde_json::from_value(value.clone()).map_err(|error| vec![format!("live: {error}")])?;
        let mut problems = Vec::new();
        let mut peers = BTreeMap::new();
        for (name, peer) in &written.peers {
            match address(name, peer, &profile) {
                Ok(address) => drop(peers.insert(name.clone(), address)),
                Err(problem) => problems.push(problem),
            }
        }
        for (place, seconds) in [("poll", written.poll), ("reconcile", written.reconcile)] {
            if !seconds.is_finite() || seconds < 0.0 || (place == "poll" && seconds < 0.05) {
                problems.push(format!("live.{place}: {seconds} is no number of seconds"));
            }
        }
        for (place, zero) in [("attempts", written.attempts == 0), ("batch", written.batch == 0)] {
            problems.extend(zero.then(|| format!("live.{place}: must be at least 1")));
        }
        let listen = written.listen.as_deref().map(listen).transpose();
        let listen = listen.unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        for name in written.notify.keys().filter(|name| !written.peers.contains_key(*name)) {
            problems.push(format!("live.notify: there is no peer \"{name}\""));
        }
        let journal = match NatsAddress::read(&written.journal) {
            Ok(Some(address)) => JournalPlace::Nats(address),
            Ok(None) => JournalPlace::File(PathBuf::from(&written.journal)),
            Err(problem) => {
                problems.push(format!("live.journal: {problem}"));
                JournalPlace::File(PathBuf::new())
            }
        };
        let edges = edges(&written, &mut problems);
        if written.routes.is_empty() {
            problems.push("live.routes: there is no route".to_owned());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            journal,
            peers,
            edges,
            listen,
            poll: Duration::from_secs_f64(written.poll),
            reconcile: (written.reconcile > 0.0).then(|| Duration::from_secs_f64(written.reconcile)),
            attempts: written.attempts,
            batch: written.batch,
            websocket: written.websocket,
            notify: written.notify,
        })
    }
}

fn address(
    name: &str,
    peer: &WrittenPeer,
    profile: &impl Fn(&str) -> Result<PeerAddress, String>,
) -> Result<PeerAddress, String> {
    let of = |what: &str| format!("live.peers.{name}: {what}");
    match (&peer.profile, &peer.url, &peer.token) {
        (Some(named), None, None) => profile(named).map_err(|problem| of(&problem)),
        (Some(_), _, _) => Err(of("say either a profile, or url and token")),
        (None, Some(url), Some(token)) if !token.is_empty() => {
            Ok(PeerAddress { url: url.clone(), token: SecretString::from(token.clone()) })
        }
        (None, None, _) => Err(of("url is missing")),
        (None, _, _) => Err(of("token is missing; `lockstep live setup` makes one")),
    }
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    let text = text.replace("localhost", "127.0.0.1");
    let address: SocketAddr = text
        .parse()
        .map_err(|_| format!("live.listen: \"{text}\" is no address; it looks like 127.0.0.1:9188"))?;
    if !address.ip().is_loopback() {
        return Err(format!(
            "live.listen: {address} can be reached from outside; only loopback addresses are served"
        ));
    }
    Ok(address)
}

fn edges(written: &Written, problems: &mut Vec<String>) -> Vec<EdgeConfig> {
    let mut edges: Vec<EdgeConfig> = Vec::new();
    for (number, route) in written.routes.iter().enumerate() {
        let place = format!("live.routes[{number}]");
        let known = |name: &String, place: &str| {
            let names: Vec<&str> = written.peers.keys().map(String::as_str).collect();
            (!written.peers.contains_key(name)).then(|| match lockstep_core::nearest::nearest(name, &names) {
                Some(near) => format!("{place}: there is no peer \"{name}\"; did you mean \"{near}\"?"),
                None => format!("{place}: there is no peer \"{name}\""),
            })
        };
        problems.extend(known(&route.from, &format!("{place}.from")));
        let targets = route.to.list();
        if targets.is_empty() {
            problems.push(format!("{place}.to: there is no target"));
        }
        if route.collections.is_empty() {
            problems.push(format!("{place}.collections: there is no collection"));
        }
        let parts: Vec<Part> = route.collections.iter().map(WrittenCollection::part).collect();
        let mut seen = BTreeSet::new();
        for part in &parts {
            if !seen.insert(&part.collection) {
                problems.push(format!("{place}.collections: {} is named twice", part.collection));
            }
        }
        for to in targets {
            problems.extend(known(&to, &format!("{place}.to")));
            if to == route.from {
                problems.push(format!("{place}: a route from \"{to}\" to itself"));
                continue;
            }
            edges.push(EdgeConfig {
                name: format!("{}>{to}", route.from),
                from: route.from.clone(),
                to,
                both_ways: route.mode == Mode::Both,
                collections: parts.clone(),
                policy: route.conflict,
                files: route.files,
                deletes: route.deletes,
            });
        }
    }
    rings(&edges, problems);
    let mut names = BTreeSet::new();
    for edge in &edges {
        if !names.insert(&edge.name) {
            problems.push(format!(
                "live.routes: more than one route from {} to {}; put their collections into one",
                edge.from, edge.to
            ));
        }
    }
    edges
}

/// Each collection must reach each peer by one way only: on a second way its records would come back as new ones.
fn rings(edges: &[EdgeConfig], problems: &mut Vec<String>) {
    let collections: BTreeSet<&str> =
        edges.iter().flat_map(|edge| edge.collections.iter().map(|part| part.collection.as_str())).collect();
    for collection in collections {
        let mut group: BTreeMap<&str, &str> = BTreeMap::new();
        fn root<'a>(group: &BTreeMap<&'a str, &'a str>, mut name: &'a str) -> &'a str {
            while let Some(next) = group.get(name) {
                name = next;
            }
            name
        }
        for edge in
            edges.iter().filter(|edge| edge.collections.iter().any(|part| part.collection == collection))
        {
            let (from, to) = (root(&group, &edge.from), root(&group, &edge.to));
            if from == to && edge.from != edge.to {
                problems.push(format!(
                    "live.routes: {collection} goes round in a ring that {} to {} closes; leave that out, or use \"mode\": \"both\" on one route",
                    edge.from, edge.to
                ));
            } else {
                group.insert(from, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Result<LiveConfig, Vec<String>> {
        LiveConfig::read(value, |name| Err(format!("there is no profile \"{name}\"")))
    }

    fn with(routes: Value) -> Value {
        let peer = |port| json!({"url": format!("http://127.0.0.1:{port}"), "token": "t"});
        json!({"peers": {"a": peer(1), "b": peer(2), "c": peer(3)}, "routes": routes})
    }

    #[test]
    fn a_route_to_several_peers_is_an_edge_for_each() {
        let config = read(&with(json!([
            {"from": "a", "to": ["b", "c"], "mode": "both", "collections": ["posts", {"collection": "tags", "fields": ["name"]}]}
        ])))
        .unwrap();
        let names: Vec<_> = config.edges.iter().map(|edge| (edge.name.as_str(), edge.both_ways)).collect();
        assert_eq!(names, [("a>b", true), ("a>c", true)]);
        assert_eq!(config.edges[0].collections[0].fields, ["*"]);
        assert_eq!((config.edges[0].policy, config.edges[0].deletes), (Policy::Newest, true));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let posts = json!(["posts"]);
        for (routes, expected) in [
            (json!([]), vec!["there is no route"]),
            (json!([{"from": "a", "to": "a", "collections": posts}]), vec!["to itself"]),
            (json!([{"from": "a", "to": "d", "collections": []}]), vec!["no collection", "no peer \"d\""]),
            (
                json!([{"from": "a", "to": "b", "collections": posts}, {"from": "b", "to": "a", "collections": posts}]),
                vec!["posts goes round in a ring that b to a closes"],
            ),
            (
                json!([{"from": "a", "to": ["b", "c"], "collections": posts}, {"from": "c", "to": "b", "collections": posts}]),
                vec!["ring that c to b closes"],
            ),
            (
                json!([{"from": "a", "to": "b", "collections": ["posts", "posts"]}]),
                vec!["posts is named twice"],
            ),
            (json!([{"from": "a", "to": "b", "mode": "sideways", "collections": posts}]), vec!["sideways"]),
        ] {
            let problems = read(&with(routes.clone())).unwrap_err();
            for part in expected {
                assert!(problems.iter().any(|problem| problem.contains(part)), "{routes} {problems:?}");
            }
        }
        let mut value = with(json!([{"from": "a", "to": "b", "collections": posts}]));
        value["listen"] = json!("0.0.0.0:80");
        value["peers"]["a"] = json!({"profile": "live"});
        value["peers"]["b"] = json!({"url": "http://x"});
        value["notify"] = json!({"x": []});
        let problems = read(&value).unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:?}");
        value["typo"] = json!(1);
        assert!(read(&value).unwrap_err()[0].contains("typo"));
    }

    #[test]
    fn a_token_is_not_shown() {
        let peer = WrittenPeer { url: None, token: Some("s3cret".to_owned()), profile: None };
        assert!(!format!("{peer:?}").contains("s3cret"));
    }
}
