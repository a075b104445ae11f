//! One request on its way through: the instance, who asks, and what.

use serde_json::{Map, Value};

use super::request::Request;
use crate::access::Who;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::query::Query;
use crate::server::Instance;

/// A request, and whose it is.
pub(crate) struct Call<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) who: &'a Who,
    pub(crate) request: &'a Request,
}

impl Call<'_> {
    /// Reads in the database.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut Session<'_>) -> Answer<T>) -> Answer<T> {
        self.instance.db.read(self.who, work)
    }

    /// Writes, all or nothing.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Session<'_>) -> Answer<T>) -> Answer<T> {
        self.instance.db.write(self.who, work)
    }

    /// Changes tables, all or nothing.
    pub(crate) fn alter<T>(&self, work: impl FnOnce(&mut Session<'_>) -> Answer<T>) -> Answer<T> {
        self.instance.db.alter(self.who, work)
    }

    /// The query of the address.
    pub(crate) fn query(&self) -> Answer<Query> {
        Query::parse(&self.request.params)
    }

    /// The body as an object.
    pub(crate) fn object(&self) -> Answer<Map<String, Value>> {
        match &self.request.body {
            Value::Object(map) => Ok(map.clone()),
            _ => Err(ApiError::payload("\"value\" must be of type object")),
        }
    }

    /// The rest of the path behind its first `skipped` parts, as the real one names it in refusals.
    pub(crate) fn below(&self, skipped: usize) -> String {
        let mut rest = self.request.path.as_str();
        for _ in 0..skipped {
            rest = rest.get(1..).and_then(|text| text.find('/').map(|at| &text[at..])).unwrap_or("/");
        }
        rest.to_owned()
    }

    /// The address is none.
    pub(crate) fn no_route<T>(&self) -> Answer<T> {
        Err(ApiError::no_route(&self.request.path))
    }
}
