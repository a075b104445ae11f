//! Relations between collections.

use serde_json::Value;

use crate::{Client, Error, Request};

/// `GET /relations`: all of them, those of the server's own collections among them.
pub fn request_all() -> Request {
    Request::get("/relations")
}

/// The fields that people added to system collections to list records of their own (one-to-many, many-to-many):
/// collection and field.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn added_lists(client: &Client) -> Result<Vec<(String, String)>, Error> {
    Ok(added_lists_of(&client.send(&request_all()).await?.data()?))
}

fn added_lists_of(relations: &Value) -> Vec<(String, String)> {
    let added =
        relations.as_array().into_iter().flatten().filter(|relation| relation["meta"]["system"] != true);
    let list = |relation: &Value| {
        let collection = relation["meta"]["one_collection"].as_str()?;
        let field = relation["meta"]["one_field"].as_str()?;
        collection.starts_with("directus_").then(|| (collection.to_owned(), field.to_owned()))
    };
    added.filter_map(list).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn relation(collection: &str, one: Option<&str>, one_field: Option<&str>, system: Option<bool>) -> Value {
        json!({"collection": collection, "field": "f", "related_collection": one, "meta": {
            "one_collection": one, "one_field": one_field, "system": system,
        }})
    }

    #[test]
    fn lists_of_system_collections_are_those_that_people_added() {
        let untracked =
            json!({"collection": "raw", "field": "f", "related_collection": "directus_roles", "meta": null});
        let relations = [
            relation("notes", Some("directus_roles"), Some("notes"), None),
            relation("notes", Some("directus_users"), None, None),
            relation("pages", Some("notes"), Some("pages"), None),
            relation("blocks", None, None, None),
            relation("directus_permissions", Some("directus_policies"), Some("permissions"), Some(true)),
            untracked,
        ];
        assert_eq!(added_lists_of(&json!(relations)), [("directus_roles".to_owned(), "notes".to_owned())]);
    }
}
