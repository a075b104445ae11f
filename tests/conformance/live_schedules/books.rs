//! What users wrote, and whether all of it can be accounted for.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_live::journal::Journal;
use serde_json::{Value, json};

use super::side::Side;
use super::users::{WRITTEN, key};
use crate::stage::array;

/// What users wrote. Each name and each value is a word of its own.
#[derive(Default)]
pub(super) struct Books {
    words: usize,
    /// The last value of each side, by collection, name and field.
    last: BTreeMap<(String, String, String), [Option<Value>; 2]>,
    created: BTreeSet<(String, String)>,
    deleted: BTreeSet<(String, String)>,
    /// Posts by title and tags by code.
    links: BTreeSet<(String, String)>,
}

impl Books {
    /// A word that nobody has used.
    pub(super) fn word(&mut self) -> String {
        self.words += 1;
        format!("v{}", self.words)
    }

    pub(super) fn created(&mut self, at: usize, collection: &str, name: &str, fields: &[&str], item: &Value) {
        self.created.insert((collection.to_owned(), name.to_owned()));
        for field in fields {
            self.wrote(at, collection, name, field, &item[*field]);
        }
    }

    pub(super) fn wrote(&mut self, at: usize, collection: &str, name: &str, field: &str, value: &Value) {
        let cell = (collection.to_owned(), name.to_owned(), field.to_owned());
        self.last.entry(cell).or_default()[at] = Some(value.clone());
    }

    pub(super) fn deleted(&mut self, at: usize, collection: &str, name: &str) {
        self.deleted.insert((collection.to_owned(), name.to_owned()));
        // What they wrote before is gone by their own will.
        for ((_, _, _), last) in
            self.last.iter_mut().filter(|((of, named, _), _)| of == collection && named == name)
        {
            last[at] = None;
        }
    }

    pub(super) fn linked(&mut self, title: &str, code: &str) {
        self.links.insert((title.to_owned(), code.to_owned()));
    }

    pub(super) fn is_linked(&self, title: &str, code: &str) -> bool {
        self.links.contains(&(title.to_owned(), code.to_owned()))
    }

    fn is_deleted(&self, collection: &str, name: &str) -> bool {
        self.deleted.contains(&(collection.to_owned(), name.to_owned()))
    }

    /// Both sides are equal: each record is there once, and each value is there, or came to the other side before it was
    /// written over, or is among the conflicts.
    pub(super) async fn accounted(&self, sides: &[Side; 2], journal: &Journal) {
        assert_eq!(journal.dead_letters().unwrap(), []);
        let held = rows(&sides[0]).await;
        for (collection, name) in &self.created {
            let count = held.iter().filter(|(of, named, _)| of == collection && named == name).count();
            let is_gone = count == 0 && self.is_deleted(collection, name);
            if count != 1 && !is_gone {
                panic!("{collection} {name} is there {count} times\n{}", story(sides, name).await);
            }
        }
        let links = links(&sides[0]).await;
        for (title, code) in &self.links {
            let count = links.iter().filter(|link| link.0 == *title && link.1 == *code).count();
            let is_gone = self.is_deleted("posts", title) || self.is_deleted("tags", code);
            assert!(
                count == 1 || (count == 0 && is_gone),
                "{title} has the tag {code} {count} times: {links:?}"
            );
        }
        let conflicts = serde_json::to_string(&journal.conflicts(false, usize::MAX).unwrap()).unwrap();
        let mut came = Vec::new();
        for side in sides {
            came.push(revisions(side).await.iter().map(Value::to_string).collect::<String>());
        }
        for ((collection, name, field), last) in &self.last {
            let row = held.iter().find(|(of, named, _)| of == collection && named == name);
            let stays = row.map_or(&Value::Null, |(_, _, row)| &row[field.as_str()]);
            for (at, value) in last.iter().enumerate().filter_map(|(at, value)| Some((at, value.as_ref()?))) {
                // In quotes, also where it is in a list.
                let word = json!(value.as_str().or(value[0].as_str())).to_string();
                let told = stays == value || conflicts.contains(&word) || came[1 - at].contains(&word);
                if !told {
                    let story = story(sides, name).await;
                    panic!(
                        "{collection} {name}.{field}: {value} of side {at} is gone without a word; there is {stays}, \
                         written was {last:?}\n{story}"
                    );
                }
            }
            let one_of_them = last.iter().flatten().any(|value| stays == value);
            let all_told = last.iter().flatten().all(|value| {
                let word = json!(value.as_str().or(value[0].as_str())).to_string();
                conflicts.contains(&word)
            });
            assert!(
                row.is_none() || one_of_them || all_told,
                "{collection} {name}.{field} is {stays}, written was {last:?}\n{}",
                story(sides, name).await
            );
        }
    }
}

/// All records that users write to, by collection and name.
async fn rows(side: &Side) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (collection, label, _) in WRITTEN {
        for row in side.rows(collection).await {
            all.push((collection.to_owned(), row[label].as_str().unwrap_or_default().to_owned(), row));
        }
    }
    all
}

/// The names of records by their keys.
fn names(rows: &[(String, String, Value)], collection: &str) -> BTreeMap<String, String> {
    let of = rows.iter().filter(|(of, _, _)| of == collection);
    of.map(|(_, name, row)| (key(collection, row), name.clone())).collect()
}

async fn links(side: &Side) -> Vec<(String, String)> {
    let titles = names(&rows(side).await, "posts");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let links = side.rows("posts_tags").await;
    let title = |link: &Value| titles.get(&text(&link["posts_id"])).cloned().unwrap_or_default();
    links.iter().map(|link| (title(link), text(&link["tags_code"]))).collect()
}

/// What an instance holds, in words that do not depend on counted keys.
pub(super) async fn state(side: &Side) -> Vec<String> {
    let rows = rows(side).await;
    let authors = names(&rows, "authors");
    let mut state: Vec<String> = rows
        .iter()
        .map(|(collection, name, row)| {
            let author = row["author"].as_i64().and_then(|key| authors.get(&key.to_string()));
            let own = if collection == "authors" { &Value::Null } else { &row["id"] };
            let fields = ["note", "body", "labels", "label"].map(|field| row[field].to_string());
            format!("{collection} {name} {own} {author:?} {fields:?}")
        })
        .collect();
    state.extend(links(side).await.iter().map(|(title, code)| format!("{title:?} has {code:?}")));
    state
}

async fn revisions(side: &Side) -> Vec<Value> {
    array(side.directus.get("/revisions?limit=-1").await.unwrap())
}

/// What was done to a record on both sides, for whoever has to find out why.
async fn story(sides: &[Side; 2], name: &str) -> String {
    let mut lines = Vec::new();
    for (at, side) in sides.iter().enumerate() {
        let revisions = revisions(side).await;
        let activity = array(side.directus.get("/activity?limit=-1").await.unwrap());
        let named = format!("\"{name}\"");
        let of = |row: &&Value| row["data"].to_string().contains(&named);
        let keys: Vec<&Value> = revisions.iter().filter(of).map(|row| &row["item"]).collect();
        for entry in activity.iter().filter(|entry| keys.contains(&&entry["item"])) {
            let revision = revisions.iter().find(|revision| revision["activity"] == entry["id"]);
            let delta = revision.map_or(&Value::Null, |revision| &revision["delta"]);
            let (when, id, action, item) =
                (&entry["timestamp"], &entry["id"], &entry["action"], &entry["item"]);
            let (collection, user) = (&entry["collection"], &entry["user"]);
            lines.push(format!("{when} side {at} #{id} {action} {collection} {item} by {user} {delta}"));
        }
    }
    lines.sort();
    lines.join("\n")
}
