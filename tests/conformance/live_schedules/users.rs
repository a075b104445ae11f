//! What users do meanwhile, at the instances themselves.

use serde_json::{Value, json};

use super::Schedule;

/// Collections that records are written to, by their label, which stays, and the fields that change.
pub(super) const WRITTEN: [(&str, &str, &[&str]); 3] =
    [("authors", "name", &["note"]), ("posts", "title", &["body", "labels"]), ("tags", "code", &["label"])];

impl Schedule {
    /// A write of a user at one of the instances itself.
    pub(super) async fn write(&mut self, at: usize) {
        let kind = self.rng.usize(0..7);
        if kind == 6 {
            return self.link(at).await;
        }
        let (collection, label, fields) = WRITTEN[[0, 0, 1, 1, 1, 2][kind]];
        let side = &self.sides[at];
        let known = side.rows(collection).await;
        if known.len() < 3 || self.rng.f32() < 0.35 {
            let name = self.books.word();
            let mut item = json!({label: name});
            for field in fields {
                item[*field] = value(field, &self.books.word());
            }
            if collection == "posts" {
                let authors = side.rows("authors").await;
                item["author"] = self.rng.choice(&authors).map_or(Value::Null, |author| author["id"].clone());
            }
            // Replication may have deleted what it refers to.
            if side.done("POST", &format!("/items/{collection}"), Some(&item)).await.is_some() {
                self.books.created(at, collection, &name, fields, &item);
            }
            return;
        }
        let Some(row) = self.rng.choice(&known) else { return };
        let name = row[label].as_str().unwrap();
        let path = format!("/items/{collection}/{}", key(collection, row));
        if self.rng.f32() < 0.06 {
            if side.done("DELETE", &path, None).await.is_some() {
                self.books.deleted(at, collection, name);
            }
            return;
        }
        let Some(field) = self.rng.choice(fields) else { return };
        let change = json!({*field: value(field, &self.books.word())});
        // Replication may have deleted it meanwhile.
        if side.done("PATCH", &path, Some(&change)).await.is_some() {
            self.books.wrote(at, collection, name, field, &change[*field]);
        }
    }

    /// A user gives a post a tag that it does not have.
    async fn link(&mut self, at: usize) {
        let side = &self.sides[at];
        let (posts, tags) = (side.rows("posts").await, side.rows("tags").await);
        let (Some(post), Some(tag)) = (self.rng.choice(&posts), self.rng.choice(&tags)) else { return };
        let (title, code) = (post["title"].as_str().unwrap(), tag["code"].as_str().unwrap());
        if self.books.is_linked(title, code) {
            return;
        }
        let link = json!({"posts_id": post["id"], "tags_code": code});
        if side.done("POST", "/items/posts_tags", Some(&link)).await.is_some() {
            self.books.linked(title, code);
        }
    }
}

/// How a word is written to a field.
fn value(field: &str, word: &str) -> Value {
    if field == "labels" { json!([word]) } else { json!(word) }
}

/// The key of a row, as text.
pub(super) fn key(collection: &str, row: &Value) -> String {
    let key = &row[if collection == "tags" { "code" } else { "id" }];
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}
