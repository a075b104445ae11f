//! What is told of live replication.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use lockstep_live::Found;
use lockstep_live::journal::{Conflict, DeadLetter};
use lockstep_live::remotes::Imported;
use lockstep_live::setup::SetUp;
use lockstep_live::status::Status;
use lockstep_live::told::Told;
use lockstep_live::workers::NatsAddress;
use serde_json::{Value, json};

use super::printable::line;
use super::style::{self, BAD, BOLD, DIM, GOOD, HINT, WARN};
use super::{Output, print};
use crate::commands::Failure;

impl Output {
    /// How replication stands.
    pub(crate) fn live_status(&self, status: &Status) -> Result<(), Failure> {
        if self.json {
            return self.document(status);
        }
        let mut text = String::new();
        for (name, route) in &status.routes {
            let colour = match route.state.state.as_str() {
                "running" => GOOD,
                "halted" | "refused" => BAD,
                _ => WARN,
            };
            text +=
                &format!("{BOLD}{}{BOLD:#}  {colour}{}{colour:#}\n", arrow(name), line(&route.state.state));
            if let Some(error) = &route.state.error {
                text += &format!("  {BAD}{}{BAD:#}\n", line(error));
            }
            if let Some(worker) = &route.worker {
                text += &format!("  carried by {}\n", line(worker));
            }
            let queue = &route.queue;
            let count = |name: &str| {
                style::count(
                    usize::try_from(route.counts.get(name).copied().unwrap_or_default()).unwrap_or_default(),
                )
            };
            let waiting = match queue.waiting {
                0 => "nothing waits".to_owned(),
                waiting => format!("{} waiting, the oldest for {}", number(waiting), duration(queue.lag_ms)),
            };
            text += &format!("  {} tracked, {waiting}\n", number(queue.tracked));
            text += &format!(
                "  {} written, {} tries failed, {} conflicts\n",
                count("applied"),
                count("failed"),
                count("conflicts")
            );
            if queue.dead > 0 {
                text += &format!(
                    "  {WARN}{} dead letters{WARN:#}: `lockstep live dead-letters` lists them\n",
                    number(queue.dead)
                );
            }
            if queue.open_conflicts > 0 {
                text += &format!(
                    "  {WARN}{} conflicts to decide{WARN:#}: `lockstep live conflicts --open` lists them\n",
                    number(queue.open_conflicts)
                );
            }
        }
        for (name, peer) in &status.peers {
            text += &format!(
                "{BOLD}{}{BOLD:#}  {}  {}\n",
                line(name),
                line(&peer.url),
                peer_state(peer.connected, peer.websocket)
            );
            if let Some(error) = &peer.error {
                text += &format!("  {BAD}{}{BAD:#}\n", line(error));
            }
        }
        print(&text)
    }

    /// That replication begins.
    pub(crate) fn live_begins(&self, status: &Status, listen: Option<SocketAddr>) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        let mut text = String::new();
        for name in status.routes.keys() {
            text += &format!("{GOOD}Replicating{GOOD:#} {}\n", arrow(name));
        }
        for (name, peer) in status.peers.iter().filter(|(_, peer)| !peer.connected) {
            text += &format!(
                "{WARN}{} is away{WARN:#} ({}): what it misses waits for it\n",
                line(name),
                line(&peer.url)
            );
        }
        if let Some(address) = listen {
            text += &format!("Status, health and metrics: http://{address}\n");
        }
        print(&(text + "Ctrl-C ends it; nothing is lost, it goes on where it was\n"))
    }

    /// That a worker begins.
    pub(crate) fn worker_begins(
        &self,
        name: &str,
        nats: &NatsAddress,
        routes: usize,
        listen: Option<SocketAddr>,
    ) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        let mut text = format!(
            "{GOOD}Worker{GOOD:#} {}: shares {} with the others in {}\n",
            line(name),
            style::counted(routes, "route"),
            line(&nats.to_string())
        );
        if let Some(address) = listen {
            text += &format!("Status, health and metrics of what it carries: http://{address}\n");
        }
        print(&(text + "Ctrl-C ends it; another worker goes on where it was\n"))
    }

    /// Where what happens is told: lines of JSON on stdout, or lines for people on stderr.
    pub(crate) fn live_log(&self) -> Arc<dyn Fn(&Told) + Send + Sync> {
        let (json, quiet) = (self.json, self.quiet);
        Arc::new(move |told| {
            if json {
                let text = serde_json::to_string(told).unwrap_or_default();
                // Who does not listen any more is not told.
                let _ = writeln!(anstream::stdout(), "{text}");
            } else if !quiet {
                let text = match told {
                    Told::Route { at, route, state, error } => {
                        let error =
                            error.as_deref().map(|error| format!(": {}", line(error))).unwrap_or_default();
                        format!("{DIM}{at}{DIM:#} {} {state}{error}", arrow(route))
                    }
                    Told::Peer { at, peer, connected, websocket, error } => {
                        let error =
                            error.as_deref().map(|error| format!(": {}", line(error))).unwrap_or_default();
                        format!(
                            "{DIM}{at}{DIM:#} {} {}{error}",
                            line(peer),
                            peer_state(*connected, *websocket)
                        )
                    }
                    Told::Lease { at, route, held, reason } => {
                        let what = if *held { "taken" } else { "given up" };
                        let reason =
                            reason.as_deref().map(|reason| format!(": {}", line(reason))).unwrap_or_default();
                        format!("{DIM}{at}{DIM:#} {} {what}{reason}", arrow(route))
                    }
                    Told::Nats { at, connected, error } => {
                        let error =
                            error.as_deref().map(|error| format!(": {}", line(error))).unwrap_or_default();
                        let what = if *connected { "answers" } else { "does not answer" };
                        format!("{DIM}{at}{DIM:#} NATS {what}{error}")
                    }
                    Told::Applied { at, route, applied, failed } => {
                        let failed = if *failed > 0 {
                            format!(", {WARN}{failed} failed{WARN:#}")
                        } else {
                            String::new()
                        };
                        format!("{DIM}{at}{DIM:#} {} {applied} written{failed}", arrow(route))
                    }
                };
                let _ = writeln!(anstream::stderr(), "{text}");
            }
        })
    }

    /// That everything fits.
    pub(crate) fn live_checked(&self, status: &Status) -> Result<(), Failure> {
        if self.json {
            return self.document(status);
        }
        let mut text = String::new();
        for (name, peer) in &status.peers {
            let state = if peer.connected {
                format!("{GOOD}answers{GOOD:#}")
            } else {
                format!("{WARN}is away{WARN:#}; it was not looked at")
            };
            text += &format!("{BOLD}{}{BOLD:#}  {}  {state}\n", line(name), line(&peer.url));
        }
        for name in status.routes.keys() {
            text += &format!("{}  fits as far as its peers answer\n", arrow(name));
        }
        print(&text)
    }

    /// Conflicts.
    pub(crate) fn live_conflicts(&self, conflicts: &[Conflict]) -> Result<(), Failure> {
        if self.json {
            return self.document(&conflicts);
        }
        if conflicts.is_empty() {
            return print("No conflicts\n");
        }
        let mut text = String::new();
        for conflict in conflicts {
            let decision = &conflict.decision;
            let field =
                decision.field.as_deref().map(|field| format!(".{}", line(field))).unwrap_or_default();
            let key =
                if conflict.source_key.is_empty() { &conflict.target_key } else { &conflict.source_key };
            let outcome = match decision.winner {
                Some(side) => format!("the {} won", format!("{side:?}").to_lowercase()),
                None if conflict.open => {
                    format!("{WARN}nobody won{WARN:#}: save the right value again on one side")
                }
                None => "agreed since".to_owned(),
            };
            text += &format!(
                "{BOLD}{} {}{field}{BOLD:#}  {}  {outcome}\n",
                line(&conflict.collection),
                line(key),
                arrow(&conflict.edge)
            );
            text += &format!("  source {}\n  target {}\n", short(&decision.source), short(&decision.target));
        }
        print(&text)
    }

    /// Dead letters.
    pub(crate) fn dead_letters(&self, letters: &[DeadLetter]) -> Result<(), Failure> {
        if self.json {
            return self.document(&letters);
        }
        if letters.is_empty() {
            return print("No dead letters\n");
        }
        let mut text = String::new();
        for letter in letters {
            text += &format!(
                "{BOLD}{} {}{BOLD:#}  {}  {} tries\n  {BAD}{}{BAD:#}\n",
                line(&letter.collection),
                line(&letter.key),
                arrow(&letter.edge),
                letter.tries,
                line(&letter.error)
            );
        }
        text +=
            &format!("{HINT}hint{HINT:#}: when the reason is gone, `lockstep live retry` tries them again\n");
        print(&text)
    }

    /// Dead letters that were brought back.
    pub(crate) fn retried(&self, count: usize) -> Result<(), Failure> {
        if self.json {
            return self.document(&json!({"retried": count}));
        }
        print(&match count {
            0 => "Nothing to try again\n".to_owned(),
            count => format!(
                "{GOOD}{}{GOOD:#} will be tried again by the daemon\n",
                style::counted(count, "record")
            ),
        })
    }

    /// What a reconciliation would look at.
    pub(crate) fn found(&self, found: &[Found]) -> Result<(), Failure> {
        if self.json {
            return self.document(&found);
        }
        let mut text = String::new();
        for found in found {
            let differs = match found.marked {
                0 => format!("{GOOD}in step{GOOD:#}"),
                marked => format!("{WARN}{} to look at{WARN:#}", style::count(marked)),
            };
            text += &format!(
                "{}  {}  {} read, {differs}\n",
                arrow(&found.edge),
                line(&found.collection),
                style::count(found.read)
            );
        }
        print(&text)
    }

    /// Routes that will be reconciled.
    pub(crate) fn ordered(&self, routes: &[String]) -> Result<(), Failure> {
        if self.json {
            return self.document(&json!({"ordered": routes}));
        }
        let names: Vec<String> = routes.iter().map(|name| arrow(name)).collect();
        print(&format!(
            "{GOOD}Ordered{GOOD:#}: the daemon looks at everything of {} again\n",
            names.join(", ")
        ))
    }

    /// The user that was made on a peer.
    pub(crate) fn set_up(&self, peer: &str, made: &SetUp) -> Result<(), Failure> {
        let rights: Vec<Value> = made
            .rights
            .iter()
            .map(|(collection, actions)| json!({"collection": collection, "actions": actions}))
            .collect();
        if self.json {
            return self
                .document(&json!({"peer": peer, "user": made.user, "token": made.token, "rights": rights}));
        }
        let mut text =
            format!("{GOOD}Set up{GOOD:#}: the user {} of {}\n", lockstep_live::setup::EMAIL, line(peer));
        for (collection, actions) in &made.rights {
            text += &format!("  {}  {}\n", line(collection), actions.join(", "));
        }
        text += &format!("Its token, shown this once:\n\n  {}\n\n", made.token);
        text += "Put it where the configuration takes the token of this peer from, such as .env; the one before is no longer valid\n";
        print(&text)
    }

    /// A configuration that was read from the data-sync extension.
    pub(crate) fn imported(&self, imported: &Imported, env: Option<&Path>) -> Result<(), Failure> {
        for notice in &imported.notices {
            self.notice(notice);
        }
        let names: Vec<&str> = imported.variables.keys().map(String::as_str).collect();
        match env {
            Some(path) if !names.is_empty() => {
                self.notice(&format!("{} went into {}", names.join(", "), style::path(path)));
            }
            None if !names.is_empty() => {
                self.notice(&format!(
                    "the tokens of {} were not written anywhere; --env .env does that",
                    names.join(", ")
                ));
            }
            _ => {}
        }
        self.document(&json!({"live": imported.live}))
    }
}

fn arrow(route: &str) -> String {
    line(&route.replace('>', " → ")).to_string()
}

fn peer_state(connected: bool, websocket: bool) -> &'static str {
    match (connected, websocket) {
        (false, _) => "away",
        (true, true) => "answers, WebSocket",
        (true, false) => "answers, polled",
    }
}

fn number(count: u64) -> String {
    style::count(usize::try_from(count).unwrap_or(usize::MAX))
}

fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..120_000 => format!("{} s", milliseconds / 1000),
        _ => format!("{} min", milliseconds / 60_000),
    }
}

fn short(value: &Value) -> String {
    const LONGEST: usize = 160;
    let text = if value.is_null() { "nothing".to_owned() } else { value.to_string() };
    let text = line(&text).to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
