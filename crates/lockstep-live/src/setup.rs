//! A user of its own for replication: with the rights that the routes need, and no more.

use lockstep_directus::items::{self, Endpoint, Query};
use lockstep_directus::{Client, Error};
use serde_json::{Value, json};

use crate::config::LiveConfig;
use crate::error::LiveError;
use crate::peer::Peer;
use crate::{rights, shape};

/// What the user, its policy and its role are called.
pub const NAME: &str = "Lockstep Live";
/// The address of the user; nobody is written there. Directus takes only addresses under a real top-level domain.
pub const EMAIL: &str = "lockstep-live@example.com";

/// What was set up.
#[derive(Debug)]
pub struct SetUp {
    /// The token of the user: shown once.
    pub token: String,
    /// The id of the user.
    pub user: String,
    /// What it may do: collection and actions.
    pub rights: Vec<(String, Vec<&'static str>)>,
}

/// Makes the user of a peer, or gives it a new token and the rights that are missing. The configuration must have the token
/// of an administrator there.
///
/// # Errors
/// When a peer cannot be read or written.
pub async fn set_up(config: &LiveConfig, name: &str, token: String) -> Result<SetUp, LiveError> {
    let address = config
        .peers
        .get(name)
        .ok_or_else(|| LiveError::Refused(vec![format!("there is no peer \"{name}\"")]))?;
    let peer = Peer::connect(name, address).await?;
    let mut rights: Vec<(String, Vec<&'static str>)> = Vec::new();
    for edge in config.edges.iter().filter(|edge| edge.from == name || edge.to == name) {
        // Both sides are this one: only names and fields matter here.
        let shapes = shape::shapes(edge, &peer, &peer).map_err(LiveError::Refused)?;
        let writes = edge.to == name || edge.both_ways;
        for (collection, actions) in rights::of_collections(edge, &shapes, writes) {
            match rights.iter_mut().find(|(known, _)| known == collection) {
                Some((_, known)) => {
                    known.extend(actions);
                    known.sort_unstable();
                    known.dedup();
                }
                None => rights.push((collection.to_owned(), actions.to_vec())),
            }
        }
    }
    rights.extend(rights::SYSTEM.map(|system| (system.to_owned(), vec!["read"])));
    if config.notify.contains_key(name) {
        rights.push(("directus_notifications".to_owned(), vec!["create"]));
        rights.push(("directus_users".to_owned(), vec!["read"]));
    }
    let user = grant(&peer.client, &rights, &token).await.map_err(|error| peer.failed(error))?;
    Ok(SetUp { token, user, rights })
}

async fn grant(
    client: &Client,
    rights: &[(String, Vec<&'static str>)],
    token: &str,
) -> Result<String, Error> {
    let named = json!({"name": {"_eq": NAME}});
    let policies = items::list(
        client,
        &Endpoint::of("directus_policies"),
        &Query::new().fields(["id"]).filter(named.clone()),
    )
    .await;
    // Before 11 there are no policies: the role has the rights.
    let (holder, field) = match policies {
        Ok(page) => (page.data.into_iter().next().and_then(|row| row.get("id").cloned()), "policy"),
        Err(_) => {
            let roles = Query::new().fields(["id"]).filter(named);
            let page = items::list(client, &Endpoint::of("directus_roles"), &roles).await?;
            (page.data.into_iter().next().and_then(|row| row.get("id").cloned()), "role")
        }
    };
    let collection = if field == "policy" { "directus_policies" } else { "directus_roles" };
    let holder = match holder {
        Some(holder) => holder,
        None => {
            let new = json!({"name": NAME, "icon": "sync_alt", "admin_access": false, "app_access": false});
            first(&items::create_many(client, &Endpoint::of(collection), &[new], &["id"]).await?)
        }
    };
    let known =
        Query::new().fields(["collection", "action"]).filter(json!({field: {"_eq": holder}})).limit(-1);
    let known = items::list(client, &Endpoint::of("directus_permissions"), &known).await?.data;
    let has = |collection: &str, action: &str| {
        known.iter().any(|row| {
            row.get("collection") == Some(&json!(collection)) && row.get("action") == Some(&json!(action))
        })
    };
    let missing: Vec<Value> = rights
        .iter()
        .flat_map(|(collection, actions)| actions.iter().map(move |action| (collection, *action)))
        .filter(|(collection, action)| !has(collection, action))
        .map(|(collection, action)| {
            json!({field: holder, "collection": collection, "action": action, "fields": ["*"], "permissions": {}, "validation": {}})
        })
        .collect();
    if !missing.is_empty() {
        items::create_many(client, &Endpoint::of("directus_permissions"), &missing, &["id"]).await?;
    }
    user(client, &holder, field, token).await
}

async fn user(client: &Client, holder: &Value, field: &str, token: &str) -> Result<String, Error> {
    let users = Endpoint::of("directus_users");
    let query = Query::new().fields(["id"]).filter(json!({"email": {"_eq": EMAIL}}));
    let found = items::list(client, &users, &query).await?.data;
    let id = match found.first().and_then(|row| row.get("id").cloned()) {
        Some(id) => {
            items::update_many(
                client,
                &users,
                &[json!({"id": id, "token": token, "status": "active"})],
                &["id"],
            )
            .await?;
            id
        }
        None => {
            let mut new = json!({"email": EMAIL, "first_name": "Lockstep", "last_name": "Live", "status": "active", "token": token});
            if field == "role" {
                new["role"] = holder.clone();
            }
            first(&items::create_many(client, &users, &[new], &["id"]).await?)
        }
    };
    if field == "policy" {
        let access = Endpoint::of("directus_access");
        let both = json!({"_and": [{"user": {"_eq": id}}, {"policy": {"_eq": holder}}]});
        let attached = items::list(client, &access, &Query::new().fields(["id"]).filter(both)).await?.data;
        if attached.is_empty() {
            items::create_many(client, &access, &[json!({"user": id, "policy": holder})], &["id"]).await?;
        }
    }
    Ok(id.as_str().unwrap_or_default().to_owned())
}

fn first(answers: &[Value]) -> Value {
    answers.first().and_then(|row| row.get("id").cloned()).unwrap_or_default()
}
