//! One instance: the connection, what its user sees of the schema, and how its clock goes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use futures::future::{try_join, try_join4};
use lockstep_core::content::Model;
use lockstep_core::json::{Json, Object};
use lockstep_core::schema::Snapshot;
use lockstep_directus::{Auth, Client, ClientOptions, Error, ErrorKind, Request, RetryPolicy, server};
use serde_json::{Value, json};

use crate::config::PeerAddress;
use crate::error::LiveError;

/// The most rows that are asked for at once.
const PAGE: usize = 1000;

/// A connected instance.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) model: Model,
    snapshot: Snapshot,
    /// The most rows that the server gives at once.
    pub(crate) page: usize,
    /// What the user may do: `collection` and `action` to `full`, `partial` or `none`; none for an administrator.
    rights: Option<Value>,
    /// How far its clock is ahead of ours, in milliseconds.
    ahead: AtomicI64,
}

/// Connects to a peer that may be away: only what cannot be had otherwise ends it.
pub(crate) fn client(address: &PeerAddress) -> Result<Client, Error> {
    let retry = RetryPolicy { attempts: 2, base: Duration::from_millis(100), cap: Duration::from_secs(5) };
    let options = ClientOptions {
        retry,
        read_timeout: Duration::from_secs(60),
        write_timeout: Duration::from_secs(120),
        ..ClientOptions::default()
    };
    Client::new(&address.url, Auth::Token(address.token.clone()), options)
}

impl Peer {
    /// Reads what the instance is.
    pub(crate) async fn connect(name: &str, address: &PeerAddress) -> Result<Arc<Self>, LiveError> {
        let failed = |source| LiveError::Peer { peer: name.to_owned(), source };
        let client = client(address).map_err(failed)?;
        let info = server::info(&client).await.map_err(failed)?;
        let (collections, fields, relations, clock) = try_join4(
            list(&client, "/collections"),
            list(&client, "/fields"),
            list(&client, "/relations"),
            clock(&client),
        )
        .await
        .map_err(failed)?;
        let rights = rights(&client).await.map_err(failed)?;
        let version = info.version.clone().unwrap_or_else(|| "11.0.0".to_owned());
        let known: Vec<&Value> = collections.iter().filter(|entry| !is_system(entry)).collect();
        let of_tables = |entry: &&Value| !is_system(entry);
        let document = json!({
            "version": 1, "directus": version, "vendor": null,
            "collections": known,
            "fields": fields.iter().filter(of_tables).collect::<Vec<_>>(),
            "relations": relations.iter().filter(of_tables).collect::<Vec<_>>(),
        });
        let unreadable = |error: lockstep_core::schema::SnapshotError| {
            LiveError::Refused(vec![format!("peer {name}: its schema cannot be read: {error}")])
        };
        let snapshot = Snapshot::from_value(document).map_err(unreadable)?;
        let page =
            info.query_limit_max.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let peer = Self {
            name: name.to_owned(),
            client,
            model: Model::new(snapshot.clone()),
            snapshot,
            page: page.unwrap_or(PAGE).min(PAGE),
            rights,
            ahead: AtomicI64::new(clock),
        };
        Ok(Arc::new(peer))
    }

    /// The type of a field; empty if it has none of that name.
    pub(crate) fn field_type(&self, collection: &str, field: &str) -> &str {
        self.snapshot
            .field(collection, field)
            .and_then(|field| field.get("type"))
            .and_then(Json::as_str)
            .unwrap_or_default()
    }

    /// Whether the database counts this key.
    pub(crate) fn counts(&self, collection: &str, key: &str) -> bool {
        let column = |name: &str| {
            self.snapshot.field(collection, key).and_then(|field| field.get("schema")?.get(name).cloned())
        };
        let counted = column("has_auto_increment").and_then(|value| value.as_bool()) == Some(true);
        counted
            || column("default_value").and_then(|value| value.as_str().map(|text| text.contains("nextval")))
                == Some(true)
    }

    /// Fields without which a record cannot be created.
    pub(crate) fn required(&self, collection: &str) -> Vec<String> {
        let flag = |field: &Object, group: &str, key: &str| {
            field.get(group).and_then(|group| group.get(key)).and_then(Json::as_bool)
        };
        let is_null = |field: &Object| {
            field.get("schema").and_then(|schema| schema.get("default_value")).is_none_or(Json::is_null)
        };
        let needed = |field: &&Object| {
            let not_null = flag(field, "schema", "is_nullable") == Some(false) && is_null(field);
            not_null && flag(field, "schema", "has_auto_increment") != Some(true)
                || flag(field, "meta", "required") == Some(true) && is_null(field)
        };
        let fields = self.snapshot.fields_of(collection).filter(needed);
        fields.filter_map(|field| field.get("field").and_then(Json::as_str)).map(str::to_owned).collect()
    }

    /// The alias fields of a collection that go through a junction, each with that.
    pub(crate) fn junctions(&self, collection: &str) -> Vec<(String, String)> {
        let text = |entry: &Object, key: &str| entry.get(key).and_then(Json::as_str).map(str::to_owned);
        let meta = |entry: &Object, key: &str| {
            entry.get("meta").and_then(|meta| meta.get(key)).and_then(Json::as_str).map(str::to_owned)
        };
        let through = self.snapshot.relations().iter().filter(|relation| {
            text(relation, "related_collection").as_deref() == Some(collection)
                && meta(relation, "junction_field").is_some()
        });
        through
            .filter_map(|relation| Some((meta(relation, "one_field")?, text(relation, "collection")?)))
            .collect()
    }

    /// What the user must not do although a route needs it.
    pub(crate) fn lacks(&self, collection: &str, actions: &[&str]) -> Vec<String> {
        let Some(rights) = &self.rights else { return Vec::new() };
        let lacks = |action: &&&str| {
            let access = rights.pointer(&format!("/{collection}/{action}/access")).and_then(Value::as_str);
            access != Some("full")
        };
        let missing: Vec<&str> = actions.iter().filter(lacks).copied().collect();
        if missing.is_empty() {
            return Vec::new();
        }
        vec![format!(
            "peer {}: its user may not {} everything of {collection}; `lockstep live setup {}` grants it",
            self.name,
            missing.join(", "),
            self.name
        )]
    }

    /// A moment of its clock by ours, in milliseconds since 1970.
    pub(crate) fn moment(&self, timestamp: &str) -> Option<i64> {
        let moment: jiff::Timestamp = timestamp.parse().ok()?;
        Some(moment.as_millisecond() - self.ahead.load(Ordering::Relaxed))
    }

    pub(crate) fn failed(&self, source: Error) -> LiveError {
        LiveError::Peer { peer: self.name.clone(), source }
    }
}

fn is_system(entry: &Value) -> bool {
    entry["collection"].as_str().is_some_and(|name| name.starts_with("directus_"))
}

async fn list(client: &Client, path: &str) -> Result<Vec<Value>, Error> {
    match client.send(&Request::get(path)).await?.data()? {
        Value::Array(entries) => Ok(entries),
        _ => Ok(Vec::new()),
    }
}

/// How far the clock of a server is ahead. Its answers tell whole seconds, so that half a second is what can be known.
async fn clock(client: &Client) -> Result<i64, Error> {
    let before = SystemTime::now();
    let answer = client.send(&Request::get("/server/ping")).await?;
    let after = SystemTime::now();
    let millis = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or_default()
    };
    let Some(date) = answer.date else { return Ok(0) };
    let ahead = millis(date) + 500 - (millis(before) + millis(after)) / 2;
    // Within what the header can tell, the clocks are the same.
    Ok(if ahead.abs() <= 1000 { 0 } else { ahead })
}

/// What the user may do; none for an administrator, and on 10, where nobody tells.
async fn rights(client: &Client) -> Result<Option<Value>, Error> {
    let (globals, mine) = (Request::get("/policies/me/globals"), Request::get("/permissions/me"));
    match try_join(client.send(&globals), client.send(&mine)).await {
        Ok((globals, mine)) => {
            let admin = globals.data()?.get("admin_access").and_then(Value::as_bool) == Some(true);
            Ok(if admin { None } else { Some(mine.data()?) })
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Peers by name.
pub(crate) type Peers = BTreeMap<String, Arc<Peer>>;
