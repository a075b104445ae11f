//! Taking over from the data-sync extension: each instance has its remotes in a collection of its own.

use std::collections::BTreeMap;

use lockstep_directus::items::{self, Endpoint, Query};
use lockstep_directus::{Auth, Client, ClientOptions, ErrorKind};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::error::LiveError;

/// The collection of the extension. Source: the extension, see `docs/live.md`.
const REMOTES: &str = "data_sync_remote_sources";

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// The value of the `live` key; tokens are placeholders.
    pub live: Value,
    /// The variables of the placeholders, with their values: for a file that nobody commits, never for a screen.
    pub variables: BTreeMap<String, String>,
    /// What could not be taken over, and why.
    pub notices: Vec<String>,
}

/// Reads the remotes of instances, each given with its address and a token.
///
/// # Errors
/// When an instance cannot be read.
pub async fn import(instances: &[(String, String, SecretString)]) -> Result<Imported, LiveError> {
    let mut imported = Imported::default();
    let mut names: BTreeMap<String, String> =
        instances.iter().map(|(name, url, _)| (normal(url), name.clone())).collect();
    let (mut peers, mut routes) = (Map::new(), Vec::new());
    for (name, url, _) in instances {
        peers.insert(name.clone(), peer(name, url));
    }
    for (name, url, token) in instances {
        let failed = |source| LiveError::Peer { peer: name.clone(), source };
        let client =
            Client::new(url, Auth::Token(token.clone()), ClientOptions::default()).map_err(failed)?;
        let query = Query::new().fields(["status", "url", "api_key", "schema"]).limit(-1);
        let page = match items::list(&client, &Endpoint::of(REMOTES), &query).await {
            Ok(page) => page,
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => {
                imported.notices.push(format!("{name} has no {REMOTES}"));
                continue;
            }
            Err(error) => return Err(failed(error)),
        };
        for remote in page.data {
            let text = |field: &str| remote.get(field).and_then(Value::as_str).unwrap_or_default();
            let to = normal(text("url"));
            if text("status") != "published" {
                imported.notices.push(format!("{name}: the remote {to} is not published"));
                continue;
            }
            let collections = match collections(remote.get("schema")) {
                Ok(collections) => collections,
                Err(why) => {
                    imported.notices.push(format!("{name}: the remote {to}: {why}"));
                    continue;
                }
            };
            let new = format!("peer{}", names.len() + 1);
            let other = names.entry(to.clone()).or_insert(new).clone();
            peers.entry(other.clone()).or_insert_with(|| peer(&other, &to));
            if !text("api_key").is_empty() {
                imported.variables.entry(variable(&other)).or_insert_with(|| text("api_key").to_owned());
            }
            routes.push((name.clone(), other, collections));
        }
    }
    imported.live = json!({"journal": "./live.db", "peers": peers, "routes": joined(routes)});
    Ok(imported)
}

fn normal(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

fn variable(peer: &str) -> String {
    let name: String =
        peer.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("LOCKSTEP_{name}_TOKEN")
}

fn peer(name: &str, url: &str) -> Value {
    json!({"url": normal(url), "token": format!("${{{}}}", variable(name))})
}

/// The collections of a remote; the field is JSON, or JSON as text.
fn collections(schema: Option<&Value>) -> Result<Vec<Value>, String> {
    let parsed;
    let list = match schema {
        Some(Value::Array(list)) => list,
        Some(Value::String(text)) => {
            parsed = serde_json::from_str::<Vec<Value>>(text)
                .map_err(|error| format!("its schema is no JSON: {error}"))?;
            &parsed
        }
        _ => return Err("it has no schema".to_owned()),
    };
    let usable = |entry: &Value| entry["collection"].is_string() && entry["fields"].is_array();
    if list.is_empty() || !list.iter().all(usable) {
        return Err("its schema is no list of collections with fields".to_owned());
    }
    Ok(list
        .iter()
        .map(|entry| json!({"collection": entry["collection"], "fields": entry["fields"]}))
        .collect())
}

/// Two peers that name each other with the same collections are one route of both ways.
fn joined(found: Vec<(String, String, Vec<Value>)>) -> Vec<Value> {
    let mut routes: Vec<(String, String, Vec<Value>, bool)> = Vec::new();
    for (from, to, collections) in found {
        let back =
            routes.iter_mut().find(|(of, at, theirs, _)| *of == to && *at == from && *theirs == collections);
        match back {
            Some((_, _, _, both)) => *both = true,
            None => routes.push((from, to, collections, false)),
        }
    }
    let route = |(from, to, collections, both): (String, String, Vec<Value>, bool)| json!({"from": from, "to": to, "mode": if both { "both" } else { "one" }, "collections": collections});
    routes.into_iter().map(route).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_name_each_other_are_one_route() {
        let posts = vec![json!({"collection": "posts", "fields": ["title"]})];
        let routes = joined(vec![
            ("a".into(), "b".into(), posts.clone()),
            ("b".into(), "a".into(), posts.clone()),
            ("a".into(), "c".into(), posts),
        ]);
        assert_eq!(routes.len(), 2);
        assert_eq!((&routes[0]["mode"], &routes[1]["mode"]), (&json!("both"), &json!("one")));
    }

    #[test]
    fn the_schema_may_be_text() {
        let list = json!([{"collection": "posts", "fields": ["title"], "x": 1}]);
        assert_eq!(collections(Some(&list)).unwrap(), collections(Some(&json!(list.to_string()))).unwrap());
        for bad in [json!(null), json!("["), json!([]), json!([{"collection": "posts"}])] {
            assert!(collections(Some(&bad)).is_err(), "{bad}");
        }
        assert_eq!(variable("my-peer"), "LOCKSTEP_MY_PEER_TOKEN");
    }
}
