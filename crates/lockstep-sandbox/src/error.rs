//! What the instance refuses, in the words and codes of the real one.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// A refused request: the status, the code and the message that clients act on.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// `extensions.code`.
    pub code: &'static str,
    /// What a person reads.
    pub message: String,
    /// What else stands in `extensions`.
    pub details: Box<Map<String, Value>>,
    /// What else is wrong with the same request.
    pub also: Vec<ApiError>,
}

/// The result of everything that a request asks for.
pub(crate) type Answer<T> = Result<T, ApiError>;

impl ApiError {
    /// An error of which nothing more is to be told.
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: Box::default(), also: Vec::new() }
    }

    /// The same, telling more.
    pub(crate) fn saying(self, key: &str, value: impl Into<Value>) -> Self {
        self.with(key, value)
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.into(), value.into());
        self
    }

    /// Something that may not be done, or is not there: the two are not told apart.
    pub fn forbidden(reason: Option<&str>) -> Self {
        match reason {
            Some(reason) => Self::new(403, "FORBIDDEN", reason).with("reason", reason),
            None => Self::new(403, "FORBIDDEN", "You don't have permission to access this."),
        }
    }

    /// An item or collection that may not be accessed or does not exist.
    pub fn no_collection(name: &str) -> Self {
        Self::forbidden(Some(&format!(
            "You don't have permission to access collection \"{name}\" or it does not exist. Queried in root."
        )))
    }

    /// A body that cannot be taken.
    pub fn payload(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::new(400, "INVALID_PAYLOAD", format!("Invalid payload. {reason}.")).with("reason", reason)
    }

    /// A query that cannot be understood.
    pub fn query(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::new(400, "INVALID_QUERY", format!("Invalid query. {reason}.")).with("reason", reason)
    }

    /// A value that a column or rule does not take.
    pub fn validation(field: &str, kind: &str, message: impl Into<String>) -> Self {
        Self::new(400, "FAILED_VALIDATION", message)
            .with("field", field)
            .with("path", Vec::<Value>::new())
            .with("type", kind)
    }

    /// A value that another record has already.
    pub fn not_unique(collection: &str, field: &str, value: Value) -> Self {
        let shown = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let message = format!(
            "Value \"{shown}\" for field \"{field}\" in collection \"{collection}\" has to be unique."
        );
        Self::new(400, "RECORD_NOT_UNIQUE", message)
            .with("collection", collection)
            .with("field", field)
            .with("value", value)
    }

    /// A reference to nothing, or something that is still referred to.
    pub fn foreign_key(collection: Option<&str>, field: Option<&str>, value: Option<&str>) -> Self {
        let mut message = "Invalid foreign key".to_owned();
        if let Some(value) = value {
            let _ = write!(message, " \"{value}\"");
        }
        if let Some(field) = field {
            let _ = write!(message, " for field \"{field}\"");
        }
        if let Some(collection) = collection {
            let _ = write!(message, " in collection \"{collection}\"");
        }
        Self::new(400, "INVALID_FOREIGN_KEY", message + ".")
            .with("collection", collection)
            .with("field", field)
            .with("value", value)
    }

    /// A column that takes no null was given none.
    pub fn not_null(collection: &str, field: &str) -> Self {
        Self::new(
            400,
            "NOT_NULL_VIOLATION",
            format!("Value for field \"{field}\" in collection \"{collection}\" can't be null."),
        )
        .with("collection", collection)
        .with("field", field)
    }

    /// A text or number that a column cannot hold.
    pub fn too_long(collection: &str, field: &str, value: &str) -> Self {
        Self::new(
            400,
            "VALUE_TOO_LONG",
            format!("Value \"{value}\" for field \"{field}\" in collection \"{collection}\" is too long."),
        )
        .with("collection", collection)
        .with("field", field)
        .with("value", value)
    }

    /// A wrong name or password.
    pub fn credentials() -> Self {
        Self::new(401, "INVALID_CREDENTIALS", "Invalid user credentials.")
    }

    /// A token that nobody has.
    pub fn token() -> Self {
        Self::new(401, "INVALID_CREDENTIALS", "Invalid user credentials.")
    }

    /// An address where nothing is.
    pub fn no_route(path: &str) -> Self {
        Self::new(404, "ROUTE_NOT_FOUND", format!("Route {path} doesn't exist.")).with("path", path)
    }

    /// A method that a route does not know.
    pub fn method(allowed: &[&str], current: &str) -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", "Invalid method")
            .with("allowed", allowed.iter().map(|it| Value::from(*it)).collect::<Vec<_>>())
            .with("current", current)
    }

    /// A body above the limit.
    pub fn too_large() -> Self {
        Self::payload("request entity too large")
    }

    /// A request that cannot be carried out as things are.
    pub fn unprocessable(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::new(422, "UNPROCESSABLE_CONTENT", format!("Can't process content. {reason}."))
            .with("reason", reason)
    }

    /// A body in a format that nobody reads.
    pub fn media_type(kind: &str, place: &str) -> Self {
        Self::new(415, "UNSUPPORTED_MEDIA_TYPE", format!("Unsupported media type \"{kind}\" in {place}."))
            .with("mediaType", kind)
            .with("where", place)
    }

    /// A fault of the instance itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "INTERNAL_SERVER_ERROR", message)
    }

    /// The same for what a field of an item holds: the path to what is wrong begins there.
    pub(crate) fn below(mut self, field: &str) -> Self {
        self.also = self.also.into_iter().map(|error| error.below(field)).collect();
        let Some(Value::Array(path)) =
            self.details.get_mut("path").filter(|_| self.code == "FAILED_VALIDATION")
        else {
            return self;
        };
        path.insert(0, field.into());
        let path: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
        let path = path.join(".");
        let own = self.details.get("field").and_then(Value::as_str).unwrap_or_default();
        let start = format!("Validation failed for field \"{own}\"");
        if let Some(reason) = self.message.strip_prefix(&start).and_then(|rest| rest.split_once(". ")) {
            self.message = format!("{start} at \"{path}\". {}", reason.1);
        }
        self
    }

    /// All errors as the one that the request ends with; none if there is none.
    pub(crate) fn joined(mut errors: Vec<Self>) -> Option<Self> {
        let mut first = if errors.is_empty() { return None } else { errors.remove(0) };
        first.also.extend(errors);
        Some(first)
    }

    /// The list of errors as the API tells it.
    #[must_use]
    pub fn to_values(&self) -> Vec<Value> {
        std::iter::once(self).chain(&self.also).map(Self::to_value).collect()
    }

    /// The error as the API tells it, one of a list.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut extensions = Map::clone(&self.details);
        extensions.insert("code".into(), self.code.into());
        json!({"message": self.message, "extensions": extensions})
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) {
            return Self::new(503, "SERVICE_UNAVAILABLE", "The request takes the sandbox too long.");
        }
        Self::internal(error.to_string())
    }
}
