//! The engine as its callers see it: a handle to a thread.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use futures::channel::oneshot;
use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::error::{ScriptError, Subject, shown};
use crate::outside::{Client, Console, Fetch, WebAnswer, WebRequest};
use crate::worker::{Call, Event, Task, Worker};

/// The stack of the thread; JavaScript may use [`SCRIPT_STACK`] of it.
const THREAD_STACK: usize = 16 << 20;
pub(crate) const SCRIPT_STACK: usize = 4 << 20;

/// What scripts may do, and what they see.
#[derive(Clone)]
pub struct Options {
    /// Memory of all scripts together, in bytes.
    pub memory_limit: usize,
    /// How long a file may load, and a function run. Waiting for requests does not count: they have limits of their own.
    pub timeout: Duration,
    /// `process.env`: all that scripts see of the environment.
    pub environment: BTreeMap<String, String>,
    /// The working directory, absolute.
    pub directory: PathBuf,
    /// Where `console` goes.
    pub console: Arc<dyn Console>,
    /// What sends what is fetched; without it `fetch` fails.
    pub fetch: Option<Arc<dyn Fetch>>,
}

impl Options {
    /// 256 MB, 30 seconds, no environment, nothing to fetch with.
    pub fn new(directory: impl Into<PathBuf>, console: Arc<dyn Console>) -> Self {
        Self {
            memory_limit: 256 << 20,
            timeout: Duration::from_secs(30),
            environment: BTreeMap::new(),
            directory: directory.into(),
            console,
            fetch: None,
        }
    }
}

/// One JavaScript world. Calls may overlap: while one waits for a request, another one runs. It ends when the handle is
/// dropped.
#[derive(Debug)]
pub struct Engine {
    events: Sender<Event>,
    directory: PathBuf,
    next: AtomicU64,
}

/// A function of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    id: usize,
    /// Its place in what the file exports, as `hooks.flows.onDump`.
    pub path: String,
    /// The file.
    pub file: PathBuf,
}

/// What a file exports.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// As JSON has it, without the functions; null for nothing.
    pub value: Value,
    /// The functions by their place, as `hooks.flows.onDump`.
    pub functions: IndexMap<String, Function>,
}

/// What a function returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// `array`, or what `typeof` says: `undefined` for nothing, `null`, `object`, `string`, …
    pub what: String,
    /// As JSON; none for what JSON does not have.
    pub json: Option<String>,
    /// The body of an answer.
    pub(crate) body: Vec<u8>,
}

impl Returned {
    /// The value, if it is of this type.
    ///
    /// # Errors
    /// When it is of another.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.json.as_deref().unwrap_or("null"))
    }
}

#[derive(Deserialize)]
struct Harvest {
    #[serde(default)]
    value: Value,
    functions: Vec<(String, usize)>,
}

#[derive(Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Engine {
    /// Starts an engine; nothing is loaded yet.
    ///
    /// # Errors
    /// When there is no thread or no memory for it.
    pub fn start(options: Options) -> std::io::Result<Self> {
        let (events, incoming) = channel();
        let directory = options.directory.clone();
        let back = events.clone();
        std::thread::Builder::new()
            .name("lockstep-script".to_owned())
            .stack_size(THREAD_STACK)
            .spawn(move || Worker::run(options, &incoming, back))?;
        Ok(Self { events, directory, next: AtomicU64::new(1) })
    }

    /// Evaluates a file and gives what it exports: `module.exports`, or the default export.
    ///
    /// # Errors
    /// When it cannot be read, throws, or exports what cannot be a configuration.
    pub async fn load(&self, path: &Path) -> Result<Loaded, ScriptError> {
        let subject = Subject { function: None, file: shown(path, &self.directory) };
        let returned = self.run(subject.clone(), None, Task::Load(path.to_owned())).await?;
        let harvest: Harvest = returned
            .parse()
            .map_err(|error| ScriptError::new(crate::ScriptErrorKind::Thrown, &subject, error.to_string()))?;
        let function = |(place, id): (String, usize)| {
            (place.clone(), Function { id, path: place, file: path.to_owned() })
        };
        Ok(Loaded { value: harvest.value, functions: harvest.functions.into_iter().map(function).collect() })
    }

    /// Calls a function with arguments in JSON, and awaits what it returns. With a client, that is the last argument.
    ///
    /// # Errors
    /// When it throws, takes too long or too much memory, or waits for what cannot come.
    pub async fn call(
        &self,
        function: &Function,
        arguments: Vec<String>,
        client: Option<Arc<dyn Client>>,
    ) -> Result<Returned, ScriptError> {
        self.run(self.subject(function), client, Task::Call(function.id, arguments)).await
    }

    /// Calls a function that stands in for `fetch` with a request, and gives the answer that it returns. A body that is
    /// text is a string there, as in JavaScript; another one can only be passed on.
    ///
    /// # Errors
    /// As [`Engine::call`], and when it returns no answer.
    pub async fn fetch_by(&self, function: &Function, request: WebRequest) -> Result<WebAnswer, ScriptError> {
        let WebRequest { url, method, headers, body } = request;
        let headers: serde_json::Map<String, Value> =
            headers.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
        let (text, form) = match body.map(String::from_utf8) {
            Some(Ok(text)) => (Some(text), None),
            Some(Err(bytes)) => (None, Some(bytes.into_bytes())),
            None => (None, None),
        };
        let init = json!({"method": method, "headers": headers, "body": text}).to_string();
        let subject = self.subject(function);
        let task = Task::Fetch { function: function.id, url: url.clone(), init, form };
        let returned = self.run(subject.clone(), None, task).await?;
        let head: Head = returned
            .parse()
            .map_err(|error| ScriptError::new(crate::ScriptErrorKind::Thrown, &subject, error.to_string()))?;
        Ok(WebAnswer { url, status: head.status, headers: head.headers, body: returned.body })
    }

    fn subject(&self, function: &Function) -> Subject {
        Subject { function: Some(function.path.clone()), file: shown(&function.file, &self.directory) }
    }

    async fn run(
        &self,
        subject: Subject,
        client: Option<Arc<dyn Client>>,
        task: Task,
    ) -> Result<Returned, ScriptError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let stopped = || ScriptError::stopped(&subject);
        let runtime = Handle::try_current().ok();
        let mut task = task;
        let form = if let Task::Fetch { form, .. } = &mut task { form.take() } else { None };
        let call = Call { id, subject: subject.clone(), client, runtime, form, reply };
        self.events.send(Event::Begin(call, task)).map_err(|_| stopped())?;
        let _abandoned = Abandoned { id, events: &self.events };
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Stop);
    }
}

/// Tells the engine that nobody waits for a call any more.
struct Abandoned<'a> {
    id: u64,
    events: &'a Sender<Event>,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Abandoned(self.id));
    }
}
