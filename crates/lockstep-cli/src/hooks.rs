//! The functions of configuration files in JavaScript, as the engine and the client want them.

mod between;
mod web;

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use lockstep_core::collection;
use lockstep_core::nearest::nearest;
use lockstep_directus::{Client, Decorator, Error, Method, Request};
use lockstep_engine::hooks::{HookError, HookSet, Hooked, Hooks, Moment, SNAPSHOT};
use lockstep_script::{ClientError, Engine, Function, Future, ScriptError, ScriptErrorKind};
use serde_json::{Map, Value, json};

use crate::config::ConfigError;
use between::Between;

pub(crate) use web::Web;

const MOMENTS: [Moment; 4] = [Moment::Query, Moment::Dump, Moment::Save, Moment::Load];

/// The hooks of a configuration.
pub(crate) struct ScriptHooks {
    engine: Arc<Engine>,
    hooks: HashMap<(String, Moment), Function>,
    between: Between,
}

impl ScriptHooks {
    /// Takes the functions by their place in the configuration.
    ///
    /// # Errors
    /// A hook of something that is not synchronized, or at a moment that there is not.
    pub(crate) fn new(
        engine: Arc<Engine>,
        functions: IndexMap<String, Function>,
    ) -> Result<Self, ConfigError> {
        let between = Between::new(&functions);
        let mut hooks = HashMap::new();
        for (place, function) in functions {
            let Some(place) = place.strip_prefix("hooks.") else { continue };
            // Also how the documentation of directus-sync has some; the plain place wins.
            match place.strip_prefix("collections.") {
                Some(place) => drop(hooks.entry(hook(place, &function)?).or_insert(function)),
                None => drop(hooks.insert(hook(place, &function)?, function)),
            }
        }
        Ok(Self { engine, hooks, between })
    }

    /// For the flows.
    pub(crate) fn set(&self) -> HookSet {
        if self.hooks.is_empty() {
            return HookSet::default();
        }
        let hooks: Arc<dyn Hooks> =
            Arc::new(Called { engine: self.engine.clone(), hooks: self.hooks.clone() });
        hooks.into()
    }

    /// For the client; none if the configuration has nothing to do with requests.
    pub(crate) fn decorator(&self) -> Option<Arc<dyn Decorator>> {
        self.between.decorator(&self.engine)
    }
}

/// Which hook a place below `hooks.` is.
fn hook(place: &str, function: &Function) -> Result<(String, Moment), ConfigError> {
    let (subject, name) = place.split_once('.').unwrap_or((place, ""));
    let no_hook = |hint: String| ConfigError::NoSuchHook {
        path: function.file.clone(),
        key: function.path.clone(),
        hint,
    };
    let meant = |name: &str, names: &[&'static str]| match nearest(name, names) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("there are {}", names.join(", ")),
    };
    let subjects: Vec<&'static str> = collection::names().into_iter().chain([SNAPSHOT]).collect();
    if !subjects.contains(&subject) {
        return Err(no_hook(meant(subject, &subjects)));
    }
    let moments = if subject == SNAPSHOT { &MOMENTS[2..] } else { &MOMENTS };
    let names: Vec<&'static str> = moments.iter().map(|moment| moment.name()).collect();
    let moment = moments.iter().find(|moment| moment.name() == name);
    Ok((subject.to_owned(), *moment.ok_or_else(|| no_hook(meant(name, &names)))?))
}

/// What to do about a script that failed.
pub(crate) fn remedy(error: &ScriptError) -> Option<String> {
    match error.kind() {
        ScriptErrorKind::Timeout => {
            Some("it may loop without end; LOCKSTEP_HOOK_TIMEOUT gives more seconds".into())
        }
        ScriptErrorKind::Memory => Some("LOCKSTEP_HOOK_MEMORY gives more megabytes".into()),
        ScriptErrorKind::NeverSettles => Some("resolve or reject each promise that is awaited".into()),
        ScriptErrorKind::Thrown
        | ScriptErrorKind::NotConnected
        | ScriptErrorKind::Unanswered
        | ScriptErrorKind::Stopped => None,
    }
}

struct Called {
    engine: Arc<Engine>,
    hooks: HashMap<(String, Moment), Function>,
}

impl Hooks for Called {
    fn has(&self, subject: &str, moment: Moment) -> bool {
        self.hooks.contains_key(&(subject.to_owned(), moment))
    }

    fn call<'a>(&'a self, subject: &'a str, moment: Moment, value: Value, client: &'a Client) -> Hooked<'a> {
        Box::pin(async move {
            let Some(function) = self.hooks.get(&(subject.to_owned(), moment)) else { return Ok(value) };
            let arguments = vec![value.to_string()];
            drop(value);
            let client = Arc::new(Sender(client.clone()));
            let returned = self.engine.call(function, arguments, Some(client)).await.map_err(hook_error)?;
            let (expected, what) = match moment {
                Moment::Query => ("object", "the query, an object"),
                Moment::Save | Moment::Load if subject == SNAPSHOT => ("object", "the snapshot, an object"),
                _ => ("array", "the records, an array"),
            };
            if returned.what != expected {
                let found = match returned.what.as_str() {
                    "undefined" => "nothing".to_owned(),
                    "null" => "null".to_owned(),
                    "array" | "object" => format!("an {}", returned.what),
                    other => format!("a {other}"),
                };
                let file = function.file.file_name().unwrap_or_default().to_string_lossy();
                let message =
                    format!("{} in {file} returned {found}; it has to return {what}", function.path);
                return Err(
                    HookError::new(message).hint("end the function with return, and the changed value")
                );
            }
            returned.parse().map_err(|error| HookError::new(format!("{}: {error}", function.path)))
        })
    }
}

fn hook_error(error: ScriptError) -> HookError {
    let hint = remedy(&error);
    let mut failed = HookError::new(error.to_string());
    if let Some(hint) = hint {
        failed = failed.hint(hint);
    }
    match std::error::Error::source(&error) {
        Some(cause) => failed.caused_by(std::io::Error::other(cause.to_string())),
        None => failed,
    }
}

/// Sends what hooks ask of the instance by the client of the run.
struct Sender(Client);

impl lockstep_script::Client for Sender {
    fn url(&self) -> String {
        self.0.url().to_owned()
    }

    fn send(&self, asked: lockstep_script::Request) -> Future<Result<Value, ClientError>> {
        let client = self.0.clone();
        Box::pin(async move {
            let answer = client.send(&request(asked)?).await.map_err(|error| client_error(&error))?;
            if answer.body.is_empty() {
                return Ok(Value::Null);
            }
            answer.json().or_else(|_| answer.text().map(Value::from)).map_err(|error| client_error(&error))
        })
    }
}

fn request(asked: lockstep_script::Request) -> Result<Request, ClientError> {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let mut request = match asked.method.as_str() {
        "GET" => Request::get(path),
        "POST" => Request::post(path),
        "PATCH" => Request::patch(path),
        "DELETE" => Request::delete(path),
        "SEARCH" => Request::search(path),
        other => {
            let message = format!("the method {other} is none of GET, SEARCH, POST, PATCH, DELETE");
            return Err(ClientError { message, ..ClientError::default() });
        }
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request = request.query(name, value);
    }
    for (name, value) in asked.params {
        request = request.query(name, value);
    }
    for (name, value) in asked.headers {
        request = request.header(name, value);
    }
    Ok(match asked.body {
        Some(body) if request.method != Method::Get => request.raw_json(body.into_bytes()),
        _ => request,
    })
}

fn client_error(error: &Error) -> ClientError {
    let told = |(index, message): (usize, &String)| {
        let mut extensions = Map::new();
        if index == 0 {
            if let Some(Value::Object(given)) = error.extensions() {
                extensions.extend(given.clone());
            }
            extensions.insert("code".into(), json!(error.code()));
        }
        json!({"message": message, "extensions": extensions})
    };
    ClientError {
        message: error.to_string(),
        status: error.status(),
        errors: error.messages().iter().enumerate().map(told).collect(),
    }
}
