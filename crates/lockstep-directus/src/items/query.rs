//! The query of a read, as URL parameters or as a body.

use crate::Request;
use serde_json::{Map, Value, json};

/// Longer request lines than this are refused by some gateways.
const LONGEST_TARGET: usize = 2000;

/// Which items a list reads, and what of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    fields: Vec<String>,
    filter: Option<Value>,
    sort: Vec<String>,
    limit: Option<i64>,
    offset: Option<u64>,
    page: Option<u64>,
    meta: Vec<String>,
}

impl Query {
    /// Everything, as far as the server's default limit goes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads these fields only.
    #[must_use]
    pub fn fields<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.fields = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Reads items that match a filter rule.
    #[must_use]
    pub fn filter(mut self, filter: Value) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Sorts by these fields; a leading `-` turns the order.
    #[must_use]
    pub fn sort<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.sort = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Reads at most so many items; -1 for all, as far as the server allows.
    #[must_use]
    pub fn limit(mut self, limit: i64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Passes over so many items.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Reads the page of this number, from 1, of `limit` items each.
    #[must_use]
    pub fn page(mut self, page: u64) -> Self {
        self.page = Some(page);
        self
    }

    /// Asks for counts: `total_count`, `filter_count`.
    #[must_use]
    pub fn meta<S: Into<String>>(mut self, counts: impl IntoIterator<Item = S>) -> Self {
        self.meta = counts.into_iter().map(Into::into).collect();
        self
    }

    /// The request that reads `path` by this query.
    pub(crate) fn request(&self, path: &str) -> Request {
        let get = self.parameters().fold(Request::get(path), |get, (name, value)| get.query(name, value));
        if get.target().len() <= LONGEST_TARGET {
            return get;
        }
        Request::search(path).json(json!({"query": self.object()}))
    }

    fn object(&self) -> Map<String, Value> {
        self.parts().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn parameters(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.parts().into_iter().map(|(name, value)| match value {
            Value::Array(names) => {
                (name, names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
            }
            other => (name, other.to_string()),
        })
    }

    fn parts(&self) -> Vec<(&'static str, Value)> {
        let names = |names: &[String]| (!names.is_empty()).then(|| json!(names));
        [
            ("fields", names(&self.fields)),
            ("filter", self.filter.clone()),
            ("sort", names(&self.sort)),
            ("limit", self.limit.map(Value::from)),
            ("offset", self.offset.map(Value::from)),
            ("page", self.page.map(Value::from)),
            ("meta", names(&self.meta)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Method};

    #[test]
    fn a_short_query_stands_in_the_url() {
        let query = Query::new().fields(["id", "name"]).sort(["-id"]).limit(-1).meta(["total_count"]);
        let request = query.request("/items/a");
        assert_eq!(request.target(), "/items/a?fields=id%2Cname&sort=-id&limit=-1&meta=total_count");
        assert_eq!(request.method, Method::Get);
        assert_eq!(Query::new().request("/roles").target(), "/roles");
    }

    #[test]
    fn a_filter_is_json() {
        let request = Query::new().filter(json!({"id": {"_gt": 3}})).page(2).request("/a");
        assert_eq!(
            request.query,
            [("filter".into(), r#"{"id":{"_gt":3}}"#.into()), ("page".into(), "2".into())]
        );
    }

    #[test]
    fn a_long_query_is_a_search() {
        let keys: Vec<_> = (0..1000).collect();
        let request =
            Query::new().fields(["id"]).filter(json!({"id": {"_in": keys}})).limit(5).request("/roles");
        assert_eq!((request.method, request.target().as_str()), (Method::Search, "/roles"));
        let Body::Json(body) = request.body else { panic!("no body") };
        assert_eq!(body["query"]["limit"], 5);
        assert_eq!(body["query"]["fields"], json!(["id"]));
        assert_eq!(body["query"]["filter"]["id"]["_in"][999], 999);
    }
}
