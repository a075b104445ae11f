//! The JavaScript world: the engine, its globals, and the ways between JavaScript and Rust.

mod files;
mod native;
mod urls;

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use rquickjs::{Context, Ctx, Function, Object, Persistent, Runtime, TypedArray, Value};
use serde::Deserialize;
use serde_json::json;

use crate::clock::Clock;
use crate::engine::{Options, Returned, SCRIPT_STACK};
use crate::error::{Frames, NOT_CONNECTED, Place, ScriptError, Subject, UNANSWERED};
use crate::modules::{Importer, Namer};
use crate::outside::Request;
use crate::worker::{Answer, Task};

/// What a script wants to happen.
#[derive(Debug)]
pub(crate) enum Wish {
    Timer { id: u32, delay: Duration },
    NoTimer { id: u32 },
    Request { id: u64, call: u64, request: Request },
    Fetch { id: u64, request: Asked },
    Finished { call: u64, returned: Returned },
    Failed { call: u64, told: String },
}

/// A request that a script fetches.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) method: String,
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    /// The call whose body it passes on.
    #[serde(default)]
    pub(crate) form_of: Option<u64>,
}

/// What the functions that scripts call know.
pub(crate) struct Shared {
    pub(crate) options: Options,
    wishes: RefCell<Vec<Wish>>,
    /// CommonJS files: their first line is shifted by the function around them.
    commonjs: RefCell<HashSet<PathBuf>>,
    host: RefCell<Option<Persistent<Object<'static>>>>,
}

impl Shared {
    /// The object of functions that `host.js` gives.
    pub(crate) fn host<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
        let host = self.host.borrow().clone();
        host.ok_or(rquickjs::Error::Unknown)?.restore(ctx)
    }

    fn wish(&self, wish: Wish) {
        self.wishes.borrow_mut().push(wish);
    }
}

/// See the module.
pub(crate) struct Realm {
    pub(crate) clock: Clock,
    shared: Rc<Shared>,
    stack: RefCell<String>,
    context: Context,
    runtime: Runtime,
}

impl Realm {
    /// A world with nothing loaded.
    pub(crate) fn new(options: &Options) -> rquickjs::Result<Self> {
        let runtime = Runtime::new()?;
        runtime.set_memory_limit(options.memory_limit);
        runtime.set_max_stack_size(SCRIPT_STACK);
        let clock = Clock::default();
        let alarm = clock.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || alarm.rings())));
        let shared = Rc::new(Shared {
            options: options.clone(),
            wishes: RefCell::default(),
            commonjs: RefCell::default(),
            host: RefCell::default(),
        });
        runtime.set_loader(Namer(shared.clone()), Importer(shared.clone()));
        let context = Context::full(&runtime)?;
        context.with(|ctx| {
            let native = native::object(&ctx, &shared)?;
            let host = native::evaluated(&ctx, include_str!("../js/host.js"), "lockstep:host")?;
            let host: Object<'_> = host.call((native,))?;
            *shared.host.borrow_mut() = Some(Persistent::save(&ctx, host));
            rquickjs::Result::Ok(())
        })?;
        Ok(Self { clock, shared, stack: RefCell::default(), context, runtime })
    }

    /// Begins what a call is about.
    pub(crate) fn begin(&self, call: u64, task: &Task, url: Option<String>, has_form: bool) {
        let number = number(call);
        self.enter(|ctx, host| match task {
            Task::Load(path) => function(host, "load")?.call((number, path.display().to_string())),
            Task::Call(id, arguments) => {
                let arguments: Vec<Value<'_>> =
                    arguments.iter().map(|json| ctx.json_parse(json.as_str())).collect::<Result<_, _>>()?;
                function(host, "call")?.call((number, *id, arguments, url))
            }
            Task::Fetch { function: id, url, init, .. } => {
                let init = ctx.json_parse(init.as_str())?;
                function(host, "fetch")?.call((number, *id, url.as_str(), init, has_form))
            }
        });
    }

    /// Gives a script what it asked for.
    pub(crate) fn answer(&self, id: u64, answer: Answer) {
        self.enter(|ctx, host| {
            let answered = function(host, "answer")?;
            let (good, value, bytes) = match answer {
                Answer::Client(Ok(value)) => (true, value, None),
                Answer::Client(Err(error)) => {
                    let url = json!(null);
                    let told = json!({"message": error.message, "status": error.status, "errors": error.errors, "url": url});
                    (false, told, None)
                }
                Answer::Web(Ok(answer)) => {
                    let told = json!({"url": answer.url, "status": answer.status, "headers": answer.headers});
                    (true, told, Some(answer.body))
                }
                Answer::Web(Err(error)) => {
                    let code = if error.sent { UNANSWERED } else { NOT_CONNECTED };
                    (false, json!({"message": error.message, "code": code}), None)
                }
            };
            let value: Value<'_> = ctx.json_parse(value.to_string())?;
            // Text is kept as text: that is quick to read, and to pass on.
            match bytes.map(String::from_utf8) {
                Some(Ok(text)) => answered.call((number(id), good, value, text)),
                Some(Err(bytes)) => {
                    let bytes = TypedArray::<u8>::new(ctx.clone(), bytes.into_bytes())?;
                    answered.call((number(id), good, value, bytes))
                }
                None => answered.call((number(id), good, value)),
            }
        });
    }

    /// A timer is due.
    pub(crate) fn fire(&self, id: u32) {
        self.enter(|_, host| function(host, "fire")?.call((id,)));
    }

    /// Runs what was put off until JavaScript is left.
    pub(crate) fn run_jobs(&self) {
        loop {
            match self.runtime.execute_pending_job() {
                Ok(true) if !self.clock.rang() => {}
                Ok(_) => break,
                Err(failed) => {
                    let failed = failed.0;
                    failed.with(|ctx| self.remember(&ctx));
                }
            }
        }
        // Where there is no memory to reject a promise, nobody is told but whoever looks.
        self.context.with(|ctx| {
            if ctx.has_exception() {
                self.remember(&ctx);
            }
        });
    }

    /// What scripts want to happen, in the order that they said it.
    pub(crate) fn wishes(&self) -> Vec<Wish> {
        std::mem::take(&mut *self.shared.wishes.borrow_mut())
    }

    /// What was thrown, for a person.
    pub(crate) fn error(&self, subject: &Subject, told: &str) -> ScriptError {
        self.with_frames(|frames| ScriptError::thrown(subject, told, frames))
    }

    /// Where the script was that was ended.
    pub(crate) fn interrupted_at(&self) -> Vec<Place> {
        self.with_frames(|frames| frames.of(&self.stack.borrow()))
    }

    /// Did the last thing that was run end for want of memory?
    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.stack.borrow().starts_with(OUT_OF_MEMORY)
    }

    fn with_frames<T>(&self, read: impl FnOnce(&Frames<'_>) -> T) -> T {
        let shift = |file: &Path| native::shift(&self.shared.commonjs.borrow(), file);
        read(&Frames { directory: &self.shared.options.directory, shift: &shift })
    }

    fn enter(&self, run: impl for<'js> FnOnce(&Ctx<'js>, &Object<'js>) -> rquickjs::Result<()>) {
        self.context.with(|ctx| {
            let host = self.shared.host(&ctx);
            if host.and_then(|host| run(&ctx, &host)).is_err() {
                self.remember(&ctx);
            }
        });
    }

    /// Keeps what went wrong where no script could catch it.
    fn remember(&self, ctx: &Ctx<'_>) {
        let thrown = ctx.catch();
        let exception = thrown.as_exception();
        let text = match exception {
            Some(exception) => {
                let message = exception.message().unwrap_or_default();
                format!("{message}\n{}", exception.stack().unwrap_or_default())
            }
            // Not even an error could be made.
            None if thrown.is_null() => OUT_OF_MEMORY.to_owned(),
            None => String::new(),
        };
        *self.stack.borrow_mut() = text;
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        // Values must be gone before their engine is.
        self.shared.host.borrow_mut().take();
    }
}

const OUT_OF_MEMORY: &str = "out of memory";

/// Numbers of calls are counted from 1, so they are exact in JavaScript.
#[expect(clippy::cast_precision_loss, reason = "nobody calls 2^53 times")]
fn number(id: u64) -> f64 {
    id as f64
}

fn function<'js>(host: &Object<'js>, name: &str) -> rquickjs::Result<Function<'js>> {
    host.get(name)
}
