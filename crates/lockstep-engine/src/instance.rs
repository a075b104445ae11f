//! An instance as source and target: who it is, and its rows, complete.

use std::collections::{HashMap, HashSet};

use futures::future::{join, try_join, try_join_all};
use lockstep_core::collection::{Collection, Key};
use lockstep_core::identity::InstanceRows;
use lockstep_core::identity::specials::CurrentUser;
use lockstep_core::record::{Fields, LocalId, Row};
use lockstep_core::version::Version;
use lockstep_directus::items::{self, Endpoint, Query};
use lockstep_directus::{Client, Error as DirectusError, ErrorKind, collections, policies, server, users};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::EngineError;

/// A connected instance whose user is an administrator.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// The connection.
    pub(crate) client: Client,
    /// Its version.
    pub(crate) version: Version,
    /// Who the commands run as.
    pub(crate) user: CurrentUser,
    /// The most rows that the server sends at once; none if it does not limit them.
    page: Option<u64>,
}

/// The rows of an instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadRows {
    /// By collection.
    pub(crate) rows: InstanceRows,
    /// How many permissions exist that the server did not show.
    pub(crate) hidden_permissions: u64,
}

impl Instance {
    /// Asks an instance who it is.
    ///
    /// # Errors
    /// When it is no Directus, too old, or the user is no administrator.
    pub(crate) async fn connect(client: Client) -> Result<Self, EngineError> {
        let url = client.url().to_owned();
        let not_directus = |source: DirectusError| match source.kind() {
            ErrorKind::NotDirectus | ErrorKind::NotFound | ErrorKind::Decode => {
                EngineError::NotDirectus { url: url.clone(), source }
            }
            _ => source.into(),
        };
        client.sign_in().await.map_err(not_directus)?;
        // All at once: which of these a server answers is known with its version only, and each wait is a way there and back.
        // What is wrong with the server is told before what is wrong with the user, and without waiting for that.
        let server = async {
            let info = server::info(&client).await.map_err(not_directus)?;
            let text = info.version.as_ref().ok_or_else(|| EngineError::NoVersion { url: url.clone() })?;
            let too_old = || EngineError::TooOld { url: url.clone(), version: text.clone() };
            let version: Version = text.parse().map_err(|_| too_old())?;
            if version < Version::OLDEST { Err(too_old()) } else { Ok((version, info)) }
        };
        let user = async { Ok(join(users::me(&client, &ME), policies::my_globals(&client)).await) };
        let ((version, info), (me, globals)) = try_join(server, user).await?;
        let (me, administrator) = match version.has_policies() {
            true => (me?, globals?.get("admin_access").and_then(Value::as_bool).unwrap_or(false)),
            false => before_policies(&client).await?,
        };
        let id = me.get("id").and_then(LocalId::from_value);
        let user = me.get("email").and_then(Value::as_str).unwrap_or("behind the token").to_owned();
        let Some(id) = id.filter(|_| administrator) else {
            return Err(EngineError::NoAdministrator { url, user });
        };
        let role = me.pointer("/role/id").and_then(LocalId::from_value);
        let page =
            info.query_limit_max.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
        Ok(Self { client, version, user: CurrentUser { id, role }, page })
    }

    /// The most rows that the server sends at once; none if it does not limit them.
    pub(crate) fn page(&self) -> Option<u64> {
        self.page
    }

    /// Reads collections whole, children with their parents where one request gives both.
    ///
    /// # Errors
    /// When one of them could not be read completely.
    pub(crate) async fn read(&self, collections: &[&'static Collection]) -> Result<ReadRows, EngineError> {
        let brought = |parent: &Collection| {
            let child = parent.brings.filter(|_| self.page.is_none())?;
            collections.iter().copied().find(|collection| collection.name == child)
        };
        let children: HashSet<_> = collections.iter().filter_map(|it| Some(brought(it)?.name)).collect();
        let parts = collections.iter().filter(|collection| !children.contains(collection.name));
        let parts = parts.map(async |collection| match brought(collection) {
            Some(child) => self.family(collection, child).await,
            None => {
                let (rows, hidden) = self.collection(collection).await?;
                Ok(ReadRows {
                    rows: InstanceRows::from([(collection.name, rows)]),
                    hidden_permissions: hidden,
                })
            }
        });
        let mut read = ReadRows::default();
        for part in try_join_all(parts).await? {
            read.rows.extend(part.rows);
            read.hidden_permissions += part.hidden_permissions;
        }
        Ok(read)
    }

    /// The rows of a collection and of its children. Each parent tells how many children it has; where that is not what came,
    /// both are read by themselves.
    async fn family(
        &self,
        parent: &'static Collection,
        child: &'static Collection,
    ) -> Result<ReadRows, EngineError> {
        let list = child.name;
        let query = Query::new().meta(["filter_count"]).limit(-1).fields([
            "*".to_owned(),
            format!("{list}.*"),
            format!("count({list})"),
        ]);
        let request = items::request_list(&Endpoint::of(&parent.system_name()), &query)
            .query(format!("deep[{list}][_limit]"), "-1");
        let page: PageOfRows = self.client.send(&request).await?.parse()?;
        let (parents, children) = match taken_apart(page, parent, child) {
            Some(both) => both,
            None => {
                let both = try_join(self.collection(parent), self.collection(child)).await?;
                (both.0.0, both.1.0)
            }
        };
        let rows = InstanceRows::from([(parent.name, parents), (child.name, children)]);
        Ok(ReadRows { rows, hidden_permissions: 0 })
    }

    /// The rows of one collection, and how many of its permissions are hidden.
    pub(crate) async fn collection(
        &self,
        collection: &'static Collection,
    ) -> Result<(Vec<Row>, u64), EngineError> {
        let endpoint = Endpoint::of(&collection.system_name());
        if collection.key == Key::Singleton {
            let mut item = items::singleton(&self.client, &endpoint).await?;
            if item.get("id").is_none_or(Value::is_null) {
                // Before the first write there is no row, and only what has a default is sent.
                for field in collections::stored_fields(&self.client, &collection.system_name()).await? {
                    item.entry(field).or_insert(Value::Null);
                }
            }
            return Ok((Row::from_server(collection, item).into_iter().collect(), 0));
        }
        // The server neither limits nor pages permissions, and appends rows of its own.
        if collection.name == "permissions" {
            let mut page = self.page_of(&endpoint, collection, None, 1).await?;
            page.data.iter_mut().for_each(restore_role);
            let rows: Vec<_> =
                page.data.into_iter().filter_map(|f| Row::from_server(collection, f)).collect();
            let found = rows.len() as u64;
            let incomplete = || EngineError::Incomplete { collection: "permissions", expected: 0, found };
            let hidden = page.meta.total_count.ok_or_else(incomplete)?.saturating_sub(found);
            return Ok((rows, hidden));
        }
        let (mut rows, attachments) =
            try_join(self.paged(&endpoint, collection), self.attachments(collection)).await?;
        if let (Some(field), Some(mut attachments)) = (collection.attachments, attachments) {
            for row in &mut rows {
                let of_row = attachments.remove(row.id.as_str()).unwrap_or_default();
                row.fields.insert(field.to_owned(), Value::Array(of_row));
            }
        }
        Ok((rows, 0))
    }

    /// All rows. Where the server limits queries they are read page by page (it does not compare UUIDs, so a page cannot
    /// begin after an id). Each page tells how many rows there are: where that changes meanwhile, rows may have been
    /// skipped, and everything is read again.
    async fn paged(&self, endpoint: &Endpoint, collection: &Collection) -> Result<Vec<Row>, EngineError> {
        let mut found = 0;
        for _ in 0..PAGED_READS {
            match self.all_pages(endpoint, collection).await? {
                Ok(rows) => return Ok(rows),
                Err(rows) => found = rows,
            }
        }
        let expected =
            self.page_of(endpoint, collection, self.page, 1).await?.meta.filter_count.unwrap_or_default();
        Err(EngineError::Incomplete { collection: collection_name(collection), expected, found })
    }

    /// All rows, or how many came if they are not all.
    async fn all_pages(
        &self,
        endpoint: &Endpoint,
        collection: &Collection,
    ) -> Result<Result<Vec<Row>, u64>, EngineError> {
        let (mut rows, mut expected): (Vec<Row>, Option<u64>) = (Vec::new(), None);
        for number in 1.. {
            let page = self.page_of(endpoint, collection, self.page, number).await?;
            let (came, count) = (page.data.len(), page.meta.filter_count);
            rows.extend(page.data.into_iter().filter_map(|fields| Row::from_server(collection, fields)));
            let found = rows.len() as u64;
            if count.is_none() || expected.is_some_and(|expected| Some(expected) != count) {
                return Ok(Err(found));
            }
            expected = count;
            if Some(found) == expected {
                break;
            }
            if came == 0 || self.page.is_none() {
                return Ok(Err(found));
            }
        }
        let ids: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let complete = ids.len() == rows.len();
        Ok(if complete { Ok(rows) } else { Err(ids.len() as u64) })
    }

    async fn page_of(
        &self,
        endpoint: &Endpoint,
        collection: &Collection,
        limit: Option<u64>,
        number: u64,
    ) -> Result<PageOfRows, EngineError> {
        let nested = collection.attachments.filter(|_| self.page.is_none());
        // A count is a query of its own. Permissions are counted with those that are hidden.
        let count = if collection.name == "permissions" { "total_count" } else { "filter_count" };
        let mut query = Query::new().meta([count]);
        query = match limit {
            Some(limit) => query.limit(i64::try_from(limit).unwrap_or(i64::MAX)).page(number).sort(["id"]),
            None => query.limit(-1),
        };
        if let Some(field) = nested {
            let parts = ["id", "role", "user", "sort"].map(|part| format!("{field}.{part}"));
            query = query.fields(std::iter::once("*".to_owned()).chain(parts));
        }
        if let Some(field) = collection.only_null {
            query = query.filter(json!({field: {"_null": true}}));
        }
        let merges = collection.name == "permissions" && !self.version.has_policies();
        if merges {
            query = query.fields(["*", "role", ROLE_APART]);
        }
        let mut request = items::request_list(endpoint, &query);
        if merges {
            request = request.query("alias[role]", "id").query(format!("alias[{ROLE_APART}]"), "role");
        }
        if let Some(field) = nested {
            request = request.query(format!("deep[{field}][_limit]"), "-1");
        }
        for field in collection.lists_of_children() {
            request = request.query(format!("deep[{field}][_limit]"), "0");
        }
        let mut page: PageOfRows = self.client.send(&request).await?.parse()?;
        for field in collection.lists_of_children() {
            // Nothing is said of them, rather than that there are none.
            page.data.iter_mut().for_each(|row| _ = row.shift_remove(field));
        }
        Ok(page)
    }

    /// Where the server limits rows, it limits nested ones as well: then attachments are read by themselves.
    async fn attachments(&self, collection: &Collection) -> Result<Option<Attachments>, EngineError> {
        if collection.attachments.is_none() || self.page.is_none() {
            return Ok(None);
        }
        let mut by_policy = Attachments::new();
        for row in self.paged(&Endpoint::of("directus_access"), &ACCESS).await? {
            let mut fields = row.fields;
            if let Some(Value::String(policy)) = fields.shift_remove("policy") {
                fields.insert("id".to_owned(), row.id.to_value(Key::Uuid));
                by_policy.entry(policy).or_default().push(Value::Object(fields));
            }
        }
        Ok(Some(by_policy))
    }
}

/// Directus 10 merges permissions of the same role, collection and action into one without an id, as far as they look
/// like that: with the id in place of the role they do not, and the role comes under this name.
const ROLE_APART: &str = "lockstep_role";

fn restore_role(permission: &mut Fields) {
    if let Some(role) = permission.shift_remove(ROLE_APART) {
        permission.insert("role".to_owned(), role);
    }
}

/// How often a paged read is begun when rows come or go meanwhile.
const PAGED_READS: usize = 3;

type Attachments = HashMap<String, Vec<Value>>;

/// Access rows are read as parts of policies; they are no collection of a dump.
static ACCESS: Collection = Collection::plain("access");

fn collection_name(collection: &Collection) -> &'static str {
    Collection::named(collection.name).map_or("access", |collection| collection.name)
}

/// Parents and their children, if all of them came.
fn taken_apart(page: PageOfRows, parent: &Collection, child: &Collection) -> Option<(Vec<Row>, Vec<Row>)> {
    let list = child.name;
    let expected = page.meta.filter_count?;
    let (mut parents, mut children) = (Vec::new(), Vec::new());
    for mut fields in page.data {
        let Some(Value::Array(of_parent)) = fields.shift_remove(list) else { return None };
        let count = items::counted(&fields.shift_remove(&format!("{list}_count"))?)?;
        if count != of_parent.len() as u64 {
            return None;
        }
        for fields in of_parent {
            let Value::Object(fields) = fields else { return None };
            children.extend(Row::from_server(child, fields));
        }
        parents.extend(Row::from_server(parent, fields));
    }
    (parents.len() as u64 == expected).then_some((parents, children))
}

/// What is asked of the user that the client is.
const ME: [&str; 3] = ["id", "email", "role.id"];

/// The user, and whether it is an administrator, of a Directus that has no policies: the role says it there.
async fn before_policies(client: &Client) -> Result<(Value, bool), EngineError> {
    let [id, email, role] = ME;
    let me = users::me(client, &[id, email, role, "role.admin_access"]).await?;
    let administrator = me.pointer("/role/admin_access").and_then(Value::as_bool).unwrap_or(false);
    Ok((me, administrator))
}

#[derive(Deserialize)]
struct PageOfRows {
    data: Vec<Fields>,
    #[serde(default)]
    meta: Counts,
}

#[derive(Default, Deserialize)]
struct Counts {
    #[serde(default)]
    total_count: Option<u64>,
    #[serde(default)]
    filter_count: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(data: Value, count: u64) -> Option<(usize, usize)> {
        let [flows, operations] = ["flows", "operations"].map(|name| Collection::named(name).unwrap());
        let page = serde_json::from_value(json!({"data": data, "meta": {"filter_count": count}})).unwrap();
        let (flows, operations) = taken_apart(page, flows, operations)?;
        assert!(flows.iter().all(|flow| !flow.fields.contains_key("operations_count")));
        Some((flows.len(), operations.len()))
    }

    #[test]
    fn children_count_only_if_all_of_them_came() {
        let flow = |operations: Value, count: Value| json!({"id": "f", "operations": operations, "operations_count": count});
        let operation = json!({"id": "o", "flow": "f"});
        for (flows, count, came) in [
            (json!([]), 0, Some((0, 0))),
            (json!([flow(json!([operation]), json!(1))]), 1, Some((1, 1))),
            (json!([flow(json!([operation]), json!("1"))]), 1, Some((1, 1))),
            (json!([flow(json!([operation]), json!(2))]), 1, None),
            (json!([flow(json!([operation]), json!(1))]), 2, None),
            (json!([flow(json!(["o"]), json!(1))]), 1, None),
            (json!([{"id": "f", "operations": [operation]}]), 1, None),
            (json!([{"id": "f"}]), 1, None),
        ] {
            assert_eq!(apart(flows.clone(), count), came, "{flows} {count}");
        }
    }
}
