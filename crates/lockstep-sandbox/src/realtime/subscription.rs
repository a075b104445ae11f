//! Subscriptions: what of a collection somebody wants to be told.

use serde_json::{Map, Value, json};

use super::message::{called, failed, refused, text, told, uid};
use crate::api::identify;
use crate::api::request::Client;
use crate::db::{Action, Event, Session};
use crate::error::{Answer, ApiError};
use crate::query::{self, Query};
use crate::server::Instance;
use crate::structure::{collections, fields};

/// More than these nobody has in one connection.
const MOST: usize = 500;

/// A subscription.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    uid: Option<Value>,
    collection: String,
    /// Only this action; none for all.
    event: Option<String>,
    /// Only the item with this key, if it is a text: a number in a request does not match, on the real one neither.
    item: Option<String>,
    query: Query,
}

/// The subscriptions of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subscriptions(Vec<Subscription>);

impl Subscriptions {
    /// True if an event may concern one of them.
    pub(crate) fn concern(&self, event: &Event) -> bool {
        self.0.iter().any(|it| it.wants(event))
    }

    /// Adds one that was accepted; it takes the place of the one with its uid.
    pub(crate) fn add(&mut self, subscription: Subscription) {
        if let Some(uid) = &subscription.uid {
            self.0.retain(|it| it.uid.as_ref() != Some(uid));
        }
        self.0.push(subscription);
    }

    /// True if there is room for no more.
    pub(crate) fn full(&self) -> bool {
        self.0.len() >= MOST
    }

    /// Removes the one with this uid, or all.
    pub(crate) fn remove(&mut self, uid: Option<&Value>) {
        match uid.map(text) {
            Some(uid) => self.0.retain(|it| it.uid.as_ref().map(text) != Some(uid.clone())),
            None => self.0.clear(),
        }
    }

    /// What is to be told of an event.
    pub(crate) fn messages(&self, instance: &Instance, client: &Client, event: &Event) -> Answer<Vec<Value>> {
        let who = identify(instance, client)?;
        instance.db.read(&who, |session| {
            let mut messages = Vec::new();
            for it in self.0.iter().filter(|it| it.wants(event)) {
                match it.tell(session, event) {
                    Ok(told) => messages.extend(told),
                    Err(error) => messages.extend(failed("subscribe", &error)),
                }
            }
            Ok(messages)
        })
    }
}

/// Takes a message that subscribes; gives the subscription and the answer, or what is wrong.
pub(crate) fn subscribe(
    instance: &Instance,
    client: &Client,
    message: &Value,
) -> Answer<Result<(Subscription, Value), Option<Value>>> {
    let wrong = |what: &str| Ok(Err(Some(refused("subscribe", "INVALID_PAYLOAD", what, None))));
    let Some(collection) = message.get("collection").and_then(Value::as_str) else {
        let received = called(message.get("collection"));
        return wrong(&format!(
            "Validation error: Invalid input: expected string, received {received} at \"collection\""
        ));
    };
    let event = match message.get("event") {
        None => None,
        Some(Value::String(event)) if matches!(event.as_str(), "create" | "update" | "delete") => {
            Some(event.clone())
        }
        Some(_) => {
            let one = |name: &str| format!("Invalid input: expected \"{name}\" at \"event\"");
            let what = [one("create"), one("update"), one("delete")].join(" or ");
            return wrong(&format!("Validation error: {what}"));
        }
    };
    let parameters = match message.get("query") {
        None => Map::new(),
        Some(Value::Object(query)) => query.clone(),
        Some(other) => {
            let received = called(Some(other));
            return wrong(&format!(
                "Validation error: Invalid input: expected record, received {received} at \"query\""
            ));
        }
    };
    let who = identify(instance, client)?;
    let done = instance.db.read(&who, |session| {
        let known = session.schema.collections.contains_key(collection);
        if !known && !who.admin {
            let what = "The provided collection does not exists or is not accessible.";
            return Ok(Err(Some(refused("subscribe", "INVALID_COLLECTION", what, uid(message)))));
        }
        if known && !visible(session, collection)? {
            return Err(ApiError::forbidden(None));
        }
        let it = Subscription {
            uid: uid(message).map(|uid| text(uid).into()),
            collection: collection.into(),
            event,
            item: message.get("item").map(text),
            query: Query::parse(&parameters)?,
        };
        if !known && it.event.is_none() {
            // The real one says nothing at all.
            return Ok(Err(None));
        }
        let content = if it.event.is_some() { json!({"event": "init"}) } else { it.init(session)? };
        let answer = told("subscription", content, it.uid.as_ref());
        Ok(Ok((it, answer)))
    });
    Ok(done.unwrap_or_else(|error| Err(failed("subscribe", &error))))
}

/// True if somebody may be told of a collection: what is deleted is told by key, whatever item it was, and the model is
/// told whole.
fn visible(session: &Session<'_>, collection: &str) -> Answer<bool> {
    let of_model = matches!(collection, "directus_collections" | "directus_fields" | "directus_relations");
    if of_model && !session.who.admin {
        return Ok(false);
    }
    Ok(crate::access::rule(session, collection, "read")?.is_some())
}

impl Subscription {
    fn wants(&self, event: &Event) -> bool {
        self.collection == event.collection
            && self.event.as_deref().is_none_or(|wanted| wanted == event.action.name())
            && self.item.as_ref().is_none_or(|item| event.keys.iter().any(|key| key.as_str() == Some(item)))
    }

    /// What there is when it begins.
    fn init(&self, session: &mut Session<'_>) -> Answer<Value> {
        let data = match (self.collection.as_str(), &self.item) {
            ("directus_collections", Some(item)) => collections::read_one(session, item)?,
            ("directus_collections", None) => collections::read_all(session)?.into(),
            ("directus_fields", None) => fields::read_all(session, None)?.into(),
            ("directus_fields" | "directus_relations", Some(_)) => {
                let what =
                    format!("Cannot subscribe to a specific item in the {} collection", self.collection);
                return Err(ApiError::payload(what));
            }
            ("directus_extensions", _) => {
                return Err(ApiError::payload("\"directus_extensions\" is currently not supported."));
            }
            ("directus_relations", None) => return Ok(json!({"event": "init"})),
            (_, Some(item)) => {
                query::read_one(session, &self.collection, &item.as_str().into(), &self.query)?
            }
            (_, None) => query::read(session, &self.collection, &self.query)?.into(),
        };
        self.content(session, "init", data)
    }

    /// The messages of an event: one for each that was created, one for all that were changed or deleted.
    fn tell(&self, session: &mut Session<'_>, event: &Event) -> Answer<Vec<Value>> {
        let name = event.action.name();
        let groups: Vec<Vec<Value>> = match event.action {
            Action::Create => event.keys.iter().map(|key| vec![key.clone()]).collect(),
            Action::Update | Action::Delete => vec![event.keys.clone()],
        };
        let mut messages = Vec::new();
        for keys in groups {
            if self.item.as_ref().is_some_and(|item| !keys.iter().any(|key| key.as_str() == Some(item))) {
                continue;
            }
            let data = match (&self.item, event.action) {
                (Some(item), Action::Delete) => item.as_str().into(),
                (None, Action::Delete) => keys.into(),
                (Some(item), _) => {
                    query::read_one(session, &self.collection, &item.as_str().into(), &self.query)?
                }
                (None, _) => self.changed(session, &keys)?,
            };
            if data.as_array().is_some_and(Vec::is_empty) {
                continue;
            }
            let content = self.content(session, name, data)?;
            messages.push(told("subscription", content, self.uid.as_ref()));
        }
        Ok(messages)
    }

    /// The items with these keys, as they are now, if they fit the query.
    fn changed(&self, session: &mut Session<'_>, keys: &[Value]) -> Answer<Value> {
        if self.collection == "directus_collections" {
            let names: Vec<String> = keys.iter().map(text).collect();
            return names.iter().map(|name| collections::read_one(session, name)).collect();
        }
        let key = session.schema.collection(&self.collection)?.key.clone();
        let mut wanted = vec![json!({key: {"_in": keys}})];
        wanted.extend(self.query.filter.clone());
        let limit = self.query.limit.or(i64::try_from(keys.len()).ok());
        let query = Query { filter: Some(json!({"_and": wanted})), limit, ..self.query.clone() };
        Ok(query::read(session, &self.collection, &query)?.into())
    }

    fn content(&self, session: &mut Session<'_>, event: &str, data: Value) -> Answer<Value> {
        let mut content = json!({"event": event, "data": data});
        if let Some(meta) = query::meta(session, &self.collection, &self.query)? {
            content["meta"] = meta;
        }
        Ok(content)
    }
}
