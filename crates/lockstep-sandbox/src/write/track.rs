//! What is recorded of a write: a row of the activity, and a revision with what the item was then.

use rusqlite::params;
use serde_json::Value;

use super::Item;
use crate::clock;
use crate::db::{Action, Session};
use crate::error::Answer;
use crate::query::values::{CONCEALED, text};
use crate::query::{self, Query};
use crate::schema::{Collection, Tracking};

/// Records that an item was created. Revisions of nested items since `first` become its children.
pub(crate) fn created(
    session: &mut Session<'_>,
    collection: &Collection,
    key: &Value,
    item: &Item,
    first: usize,
) -> Answer<()> {
    let Some(activity) = activity(session, collection, Action::Create, key)? else { return Ok(()) };
    if collection.tracking == Tracking::All {
        let item = Value::Object(kept(session, collection, concealed(collection, item)));
        let revision = revision(session, &collection.name, activity, key, &item, &item)?;
        let nested = session.revisions.drain(first..).collect();
        adopt(session, revision, nested)?;
    }
    Ok(())
}

/// Records that items were changed.
pub(crate) fn updated(
    session: &mut Session<'_>,
    collection: &Collection,
    keys: &[Value],
    changes: &Item,
    first: usize,
) -> Answer<()> {
    let mut activities = Vec::new();
    for key in keys {
        let Some(activity) = activity(session, collection, Action::Update, key)? else { return Ok(()) };
        activities.push((activity, key));
    }
    if collection.tracking != Tracking::All || changes.is_empty() {
        return Ok(());
    }
    let delta = Value::Object(kept(session, collection, concealed(collection, changes)));
    let mut nested: Vec<i64> = session.revisions.drain(first..).collect();
    for (activity, key) in activities {
        let query = Query { fields: vec!["*".into()], ..Query::default() };
        let read = session.elevated(|session| {
            query::read_keys(session, &collection.name, std::slice::from_ref(key), &query)
        });
        let Some(Value::Object(data)) = read?.pop() else { continue };
        let data = Value::Object(kept(session, collection, data));
        let revision = revision(session, &collection.name, activity, key, &data, &delta)?;
        adopt(session, revision, std::mem::take(&mut nested))?;
    }
    Ok(())
}

/// Records that items were deleted.
pub(crate) fn deleted(session: &mut Session<'_>, collection: &Collection, keys: &[Value]) -> Answer<()> {
    for key in keys {
        activity(session, collection, Action::Delete, key)?;
    }
    Ok(())
}

/// The activity's row; none where nothing is recorded.
pub(crate) fn activity(
    session: &Session<'_>,
    collection: &Collection,
    action: Action,
    key: &Value,
) -> Answer<Option<i64>> {
    let who = session.who;
    let instance = who.admin && who.user.is_none();
    if collection.tracking == Tracking::None || instance {
        return Ok(None);
    }
    session
        .db
        .prepare_cached(
            "insert into directus_activity (action, user, timestamp, ip, user_agent, collection, item, origin) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![action.name(), who.user, clock::now(), who.ip, who.agent, collection.name, text(key), who.origin])?;
    Ok(Some(session.db.last_insert_rowid()))
}

fn revision(
    session: &Session<'_>,
    collection: &str,
    activity: i64,
    key: &Value,
    data: &Value,
    delta: &Value,
) -> Answer<i64> {
    session
        .db
        .prepare_cached("insert into directus_revisions (activity, collection, item, data, delta) values (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![activity, collection, text(key), data.to_string(), delta.to_string()])?;
    Ok(session.db.last_insert_rowid())
}

fn adopt(session: &mut Session<'_>, parent: i64, nested: Vec<i64>) -> Answer<()> {
    for child in nested {
        session
            .db
            .prepare_cached("update directus_revisions set parent = ?1 where id = ?2")?
            .execute([parent, child])?;
    }
    session.revisions.push(parent);
    Ok(())
}

/// What a revision keeps of an item: its own values, and lists of items of the same collection; no other relations.
fn kept(session: &Session<'_>, collection: &Collection, item: Item) -> Item {
    let schema = &session.schema;
    let keeps = |field: &str| match schema.towards(&collection.name, field) {
        Some(relation) => relation.collection == collection.name,
        None => schema.from(&collection.name, field).is_none(),
    };
    item.into_iter().filter(|(field, _)| keeps(field)).collect()
}

/// Secrets stay out of the record.
fn concealed(collection: &Collection, item: &Item) -> Item {
    let secret = |name: &String| {
        collection
            .fields
            .get(name)
            .is_some_and(|field| field.has("conceal") || field.has("encrypt") || field.has("hash"))
    };
    item.iter()
        .map(|(name, value)| match secret(name) && !value.is_null() {
            true => (name.clone(), CONCEALED.into()),
            false => (name.clone(), value.clone()),
        })
        .collect()
}
