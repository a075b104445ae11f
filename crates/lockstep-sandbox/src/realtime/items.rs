//! Items, read and written by messages.

use serde_json::{Map, Value, json};

use super::message::{called, failed, refused, told, uid};
use crate::api::batch::items;
use crate::api::identify;
use crate::api::request::Client;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::query::{self, Query};
use crate::server::Instance;
use crate::write;

/// What may be done.
const ACTIONS: [&str; 4] = ["create", "read", "update", "delete"];

/// What a message asks for.
struct Asked<'a> {
    collection: &'a str,
    key: String,
    singleton: bool,
    action: &'a str,
    id: Option<&'a Value>,
    ids: Option<&'a Vec<Value>>,
    data: Option<&'a Value>,
    query: Query,
    /// True if the message has a query.
    queried: bool,
}

/// Answers a message.
pub(crate) fn answer(instance: &Instance, client: &Client, message: &Value) -> Answer<Option<Value>> {
    let who = identify(instance, client)?;
    let uid = uid(message);
    let wrong = |code: &str, what: &str| Ok(Some(refused("items", code, what, uid)));
    let Some(collection) = message.get("collection").and_then(Value::as_str) else {
        let received = called(message.get("collection"));
        let what = format!(
            "Validation error: Invalid input: expected string, received {received} at \"collection\""
        );
        return Ok(Some(refused("items", "INVALID_PAYLOAD", &what, None)));
    };
    let action = message.get("action").and_then(Value::as_str).filter(|it| ACTIONS.contains(it));
    let Some(action) = action else {
        let each = ACTIONS.map(|it| format!("Invalid input: expected \"{it}\" at \"action\"")).join(" or ");
        return Ok(Some(refused("items", "INVALID_PAYLOAD", &format!("Validation error: {each}"), None)));
    };
    let found = instance.db.read(&who, |session| {
        let found = session.schema.collections.get(collection).filter(|it| !it.system);
        Ok(found.map(|it| (it.key.clone(), it.singleton)))
    })?;
    let Some((key, singleton)) = found else {
        return wrong("INVALID_COLLECTION", "The provided collection does not exists or is not accessible.");
    };
    let parameters = message.get("query").and_then(Value::as_object).cloned();
    let done = Query::parse(&parameters.clone().unwrap_or_default()).and_then(|query| {
        let asked = Asked {
            collection,
            key,
            singleton,
            action,
            id: message.get("id").filter(|id| !id.is_null()),
            ids: message.get("ids").and_then(Value::as_array),
            data: message.get("data"),
            query,
            queried: parameters.is_some(),
        };
        asked.carried_out(instance, &who)
    });
    Ok(match done {
        Ok(content) => Some(told("items", content, uid)),
        // That one is told with its uid.
        Err(error) if error.code == "INVALID_PAYLOAD" && error.details.is_empty() => {
            Some(refused("items", error.code, &error.message, uid))
        }
        Err(error) => failed("items", &error),
    })
}

impl Asked<'_> {
    fn carried_out(&self, instance: &Instance, who: &crate::access::Who) -> Answer<Value> {
        let db = &instance.db;
        match self.action {
            "create" => {
                let (list, several) = match self.data {
                    Some(Value::Array(list)) => (items(list.clone())?, true),
                    _ => (vec![self.object()?], false),
                };
                let keys = db.write(who, |session| write::create(session, self.collection, list))?;
                db.read(who, |session| match keys.first() {
                    Some(key) if !several => {
                        Ok(json!({"data": query::read_one(session, self.collection, key, &self.query)?}))
                    }
                    _ => Ok(json!({"data": self.among(session, &keys)?})),
                })
            }
            "read" => db.read(who, |session| {
                let data = match (self.id, self.ids) {
                    (Some(id), _) => query::read_one(session, self.collection, id, &self.query)?,
                    (_, Some(ids)) => self.among(session, ids)?,
                    _ if self.singleton => query::read_singleton(session, self.collection, &self.query)?,
                    _ => query::read(session, self.collection, &self.query)?.into(),
                };
                self.content(session, data)
            }),
            "update" => self.updated(instance, who),
            _ => {
                let data = db.write(who, |session| {
                    let (keys, told) = match (self.id, self.ids) {
                        (Some(id), _) => (vec![id.clone()], id.clone()),
                        (_, Some(ids)) => (ids.clone(), ids.clone().into()),
                        _ if self.queried => {
                            let keys = self.found(session)?;
                            (keys.clone(), keys.into())
                        }
                        _ => return Err(lacking()),
                    };
                    write::delete(session, self.collection, &keys)?;
                    Ok(told)
                })?;
                Ok(json!({"data": data}))
            }
        }
    }

    fn updated(&self, instance: &Instance, who: &crate::access::Who) -> Answer<Value> {
        let db = &instance.db;
        let keys = db.write(who, |session| match (self.id, self.ids, self.data) {
            (Some(id), ..) => {
                write::update(session, self.collection, std::slice::from_ref(id), &self.object()?)
            }
            (_, Some(ids), _) => write::update(session, self.collection, ids, &self.object()?),
            _ if self.singleton => {
                write::upsert_singleton(session, self.collection, self.object()?).map(|key| vec![key])
            }
            (_, _, Some(Value::Array(list))) => {
                write::update_each(session, self.collection, items(list.clone())?)
            }
            _ => {
                let keys = self.found(session)?;
                write::update(session, self.collection, &keys, &self.object()?)
            }
        })?;
        db.read(who, |session| match (self.id, keys.first()) {
            (Some(_), Some(key)) => {
                Ok(json!({"data": query::read_one(session, self.collection, key, &Query::default())?}))
            }
            (Some(_), None) => Ok(json!({})),
            _ if self.singleton && self.ids.is_none() => {
                Ok(json!({"data": query::read_singleton(session, self.collection, &self.query)?}))
            }
            _ => {
                let data = self.among(session, &keys)?;
                self.content(session, data)
            }
        })
    }

    fn object(&self) -> Answer<Map<String, Value>> {
        match self.data {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map.clone()),
            Some(_) => Err(ApiError::payload("\"data\" must be an object")),
        }
    }

    fn among(&self, session: &mut Session<'_>, keys: &[Value]) -> Answer<Value> {
        let mut wanted = vec![json!({&self.key: {"_in": keys}})];
        wanted.extend(self.query.filter.clone());
        let limit = self.query.limit.or(i64::try_from(keys.len()).ok());
        let query = Query { filter: Some(json!({"_and": wanted})), limit, ..self.query.clone() };
        Ok(query::read(session, self.collection, &query)?.into())
    }

    fn found(&self, session: &mut Session<'_>) -> Answer<Vec<Value>> {
        let query = Query { fields: vec![self.key.clone()], ..self.query.clone() };
        let found = query::read(session, self.collection, &query)?;
        Ok(found.into_iter().filter_map(|item| item.get(&self.key).cloned()).collect())
    }

    fn content(&self, session: &mut Session<'_>, data: Value) -> Answer<Value> {
        let mut content = json!({"data": data});
        if let Some(meta) = query::meta(session, self.collection, &self.query)? {
            content["meta"] = meta;
        }
        Ok(content)
    }
}

fn lacking() -> ApiError {
    ApiError::new(400, "INVALID_PAYLOAD", "Either 'ids', 'id' or 'query' is required for a DELETE request.")
}
