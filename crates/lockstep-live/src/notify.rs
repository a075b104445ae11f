//! Notifications: users are told once of each problem, not of each try.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_directus::Request;
use lockstep_directus::items::{self, Endpoint, Query};
use serde_json::{Value, json};

use crate::error::LiveError;
use crate::journal::Journal;
use crate::peer::Peer;

/// Tells users of a peer of what they were not told yet.
///
/// # Errors
/// When the journal cannot be written. A peer that does not take a notification is asked again later.
pub(crate) async fn tell(peer: &Peer, users: &[String], journal: &Journal) -> Result<(), LiveError> {
    let beginning = format!("told {} ", peer.name);
    let told: BTreeSet<String> = journal.notes(&beginning)?.into_keys().collect();
    let problems = problems(journal)?;
    for gone in told.iter().filter(|key| !problems.contains_key(*key)) {
        journal.note(&format!("{beginning}{gone}"), None)?;
    }
    let new: Vec<(&String, &Problem)> = problems.iter().filter(|(key, _)| !told.contains(*key)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let Ok(recipients) = recipients(peer, users).await else { return Ok(()) };
    for (key, problem) in new {
        let notifications: Vec<Value> = recipients
            .iter()
            .map(|user| {
                json!({
                    "recipient": user, "subject": problem.subject, "message": problem.message,
                    "collection": problem.collection, "item": problem.item,
                })
            })
            .collect();
        let sent = peer.client.send(&Request::post("/notifications").json(Value::Array(notifications))).await;
        // An answer that was lost counts as told: twice would be worse than a note in the status.
        if sent.is_ok() || sent.is_err_and(|error| error.may_have_been_applied()) {
            journal.note(&format!("{beginning}{key}"), Some("1"))?;
        }
    }
    Ok(())
}

struct Problem {
    subject: String,
    message: String,
    collection: Option<String>,
    item: Option<String>,
}

fn problems(journal: &Journal) -> Result<BTreeMap<String, Problem>, LiveError> {
    let mut problems = BTreeMap::new();
    for letter in journal.dead_letters()? {
        problems.insert(
            format!("dead {} {} {:?} {}", letter.edge, letter.collection, letter.side, letter.key),
            Problem {
                subject: format!(
                    "Lockstep: {} {} cannot be replicated ({})",
                    letter.collection, letter.key, letter.edge
                ),
                message: letter.error,
                collection: Some(letter.collection),
                item: Some(letter.key),
            },
        );
    }
    for (edge, reason) in journal.notes("halt ")? {
        let subject = format!("Lockstep: route {edge} is halted");
        problems.insert(
            format!("halt {edge}"),
            Problem { subject, message: reason, collection: None, item: None },
        );
    }
    for conflict in journal.conflicts(true, 100)? {
        let field = conflict.decision.field.map(|field| format!(".{field}")).unwrap_or_default();
        problems.insert(
            format!("conflict {}", conflict.id),
            Problem {
                subject: format!(
                    "Lockstep: {}{field} differs on both sides ({})",
                    conflict.collection, conflict.edge
                ),
                message: "Both sides changed it; the side whose value is saved again wins.".to_owned(),
                collection: Some(conflict.collection),
                item: Some(conflict.source_key),
            },
        );
    }
    Ok(problems)
}

/// The ids of users who are given by id or email address.
async fn recipients(peer: &Peer, users: &[String]) -> Result<Vec<Value>, lockstep_directus::Error> {
    let (addresses, ids): (Vec<&String>, Vec<&String>) = users.iter().partition(|user| user.contains('@'));
    let mut found: Vec<Value> = ids.into_iter().map(|id| Value::from(id.as_str())).collect();
    if !addresses.is_empty() {
        let query = Query::new().fields(["id"]).filter(json!({"email": {"_in": addresses}}));
        let page = items::list(&peer.client, &Endpoint::of("directus_users"), &query).await?;
        found.extend(page.data.into_iter().filter_map(|user| user.get("id").cloned()));
    }
    Ok(found)
}
