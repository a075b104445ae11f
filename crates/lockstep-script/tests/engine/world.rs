//! A folder with scripts, and an engine in it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockstep_script::{
    Client, ClientError, Console, Engine, Fetch, FetchError, Future, Level, Loaded, Options, Request,
    Returned, ScriptError, WebAnswer, WebRequest,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Lines that scripts printed.
#[derive(Clone, Default)]
pub(crate) struct Printed(Arc<Mutex<Vec<(Level, String)>>>);

impl Console for Printed {
    fn print(&self, level: Level, text: &str) {
        self.0.lock().unwrap().push((level, text.to_owned()));
    }
}

impl Printed {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(_, line)| line.clone()).collect()
    }

    pub(crate) fn levels(&self) -> Vec<Level> {
        self.0.lock().unwrap().iter().map(|(level, _)| *level).collect()
    }
}

/// Answers each request with what was asked; a path that begins with `/fail` fails.
#[derive(Default)]
pub(crate) struct Echo;

impl Client for Echo {
    fn url(&self) -> String {
        "https://cms.example.com/base".to_owned()
    }

    fn send(&self, request: Request) -> Future<Result<Value, ClientError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if request.path.starts_with("/fail") {
                let errors = vec![json!({"message": "no such item", "extensions": {"code": "FORBIDDEN"}})];
                return Err(ClientError { message: "403".to_owned(), status: Some(403), errors });
            }
            let data = json!({
                "path": request.path,
                "method": request.method,
                "params": request.params,
                "body": request.body,
                "headers": request.headers,
            });
            Ok(json!({"data": data}))
        })
    }
}

/// Answers each request with what was asked.
pub(crate) struct Web;

impl Fetch for Web {
    fn fetch(&self, request: WebRequest) -> Future<Result<WebAnswer, FetchError>> {
        Box::pin(async move {
            if request.url.contains("lost") {
                return Err(FetchError { message: "connection reset".to_owned(), sent: true });
            }
            if request.url.contains("unreachable") {
                return Err(FetchError { message: "connection refused".to_owned(), sent: false });
            }
            let text = request.body.map(|body| String::from_utf8_lossy(&body).into_owned());
            let body = json!({"method": request.method, "headers": request.headers, "body": text});
            Ok(WebAnswer {
                url: request.url,
                status: 200,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: body.to_string().into_bytes(),
            })
        })
    }
}

/// See the module.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) printed: Printed,
    pub(crate) engine: Engine,
    runtime: tokio::runtime::Runtime,
}

impl World {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self::with(files, |_| {})
    }

    pub(crate) fn with(files: &[(&str, &str)], change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let printed = Printed::default();
        let mut options = Options::new(folder.path().canonicalize().unwrap(), Arc::new(printed.clone()));
        options.timeout = Duration::from_secs(20);
        options.fetch = Some(Arc::new(Web));
        change(&mut options);
        let engine = Engine::start(options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { folder, printed, engine, runtime }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn load(&self, name: &str) -> Result<Loaded, ScriptError> {
        self.load_path(&self.path(name))
    }

    pub(crate) fn load_path(&self, path: &Path) -> Result<Loaded, ScriptError> {
        self.runtime.block_on(self.engine.load(path))
    }

    /// What the file exports.
    pub(crate) fn value(&self, name: &str) -> Value {
        self.load(name).unwrap_or_else(|error| panic!("{error}")).value
    }

    /// Calls a function of a file, with a client.
    pub(crate) fn call(&self, name: &str, function: &str, argument: &Value) -> Result<Returned, ScriptError> {
        let loaded = self.load(name)?;
        let function = loaded.functions.get(function).unwrap_or_else(|| panic!("no {function}"));
        let arguments = vec![argument.to_string()];
        self.runtime.block_on(self.engine.call(function, arguments, Some(Arc::new(Echo))))
    }

    pub(crate) fn block_on<T>(&self, future: impl std::future::Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

/// What a script exports that is the only file.
pub(crate) fn value_of(script: &str) -> Value {
    World::new(&[("config.js", script)]).value("config.js")
}

/// What goes wrong with a script that is the only file.
pub(crate) fn error_of(script: &str) -> ScriptError {
    World::new(&[("config.js", script)]).load("config.js").unwrap_err()
}

/// The causes of an error below it.
pub(crate) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string).collect()
}
