//! The thread of an engine: one thing after the other, and what is waited for in between.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use tokio::runtime::Handle;

use crate::engine::{Options, Returned};
use crate::error::{ScriptError, Subject};
use crate::outside::{Client, ClientError, Fetch, FetchError, WebAnswer, WebRequest};
use crate::realm::{Asked, Realm, Wish};

/// What happens to an engine.
pub(crate) enum Event {
    /// A script is to be run.
    Begin(Call, Task),
    /// What a script asked for has come.
    Answer(u64, Answer),
    /// Nobody waits for a call any more.
    Abandoned(u64),
    /// The end.
    Stop,
}

/// What is to be run.
pub(crate) enum Task {
    /// A file.
    Load(PathBuf),
    /// A function, by its number, with arguments in JSON.
    Call(usize, Vec<String>),
    /// A function that stands in for `fetch`, by its number, with a URL and the options in JSON.
    Fetch {
        function: usize,
        url: String,
        init: String,
        /// A body that is no text.
        form: Option<Vec<u8>>,
    },
}

/// Who waits for it.
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) subject: Subject,
    pub(crate) client: Option<Arc<dyn Client>>,
    pub(crate) runtime: Option<Handle>,
    /// A body that its script can only pass on.
    pub(crate) form: Option<Vec<u8>>,
    pub(crate) reply: oneshot::Sender<Result<Returned, ScriptError>>,
}

/// What came back from the world.
pub(crate) enum Answer {
    /// Of the instance: JSON.
    Client(Result<serde_json::Value, ClientError>),
    /// Of the web.
    Web(Result<WebAnswer, FetchError>),
}

struct Running {
    call: Call,
    left: Duration,
}

/// See the module.
pub(crate) struct Worker {
    options: Options,
    events: Sender<Event>,
    realm: Realm,
    running: BTreeMap<u64, Running>,
    timers: BTreeMap<(Instant, u32), ()>,
    asked: usize,
    broken: bool,
}

impl Worker {
    /// Works until the engine is dropped.
    pub(crate) fn run(options: Options, incoming: &Receiver<Event>, events: Sender<Event>) {
        let Ok(realm) = Realm::new(&options) else { return };
        let mut worker = Self {
            options,
            events,
            realm,
            running: BTreeMap::new(),
            timers: BTreeMap::new(),
            asked: 0,
            broken: false,
        };
        while worker.next(incoming) {}
    }

    /// Waits for what comes next and does it; false at the end.
    fn next(&mut self, incoming: &Receiver<Event>) -> bool {
        if self.running.is_empty() {
            return incoming.recv().is_ok_and(|event| self.take(event));
        }
        let began = Instant::now();
        let timer = self.timers.first_key_value().map(|((at, _), ())| at.saturating_duration_since(began));
        if self.asked == 0 && timer.is_none() {
            // What comes from outside may be waiting already.
            let Ok(event) = incoming.try_recv() else {
                self.fail_all(ScriptError::never_settles);
                return true;
            };
            return self.take(event);
        }
        let patience = (self.asked == 0).then(|| self.least_left()).flatten();
        let wait = timer.into_iter().chain(patience).min();
        let event = match wait {
            Some(wait) => incoming.recv_timeout(wait),
            None => incoming.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        if self.asked == 0 {
            self.charge(began.elapsed());
        }
        match event {
            Ok(event) => self.take(event),
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => {
                self.ring();
                true
            }
        }
    }

    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Stop => return false,
            Event::Abandoned(id) => {
                self.running.remove(&id);
            }
            Event::Begin(call, _) if self.broken => {
                let error = ScriptError::stopped(&call.subject);
                let _ = call.reply.send(Err(error));
            }
            Event::Begin(call, task) => {
                let (id, url) = (call.id, call.client.as_ref().map(|client| client.url()));
                let has_form = call.form.is_some();
                self.running.insert(id, Running { call, left: self.options.timeout });
                self.turn(|realm| realm.begin(id, &task, url, has_form));
            }
            Event::Answer(id, answer) => {
                self.asked = self.asked.saturating_sub(1);
                self.turn(|realm| realm.answer(id, answer));
            }
        }
        true
    }

    /// A timer is due, or somebody's time is over.
    fn ring(&mut self) {
        let now = Instant::now();
        let over: Vec<u64> =
            self.running.iter().filter(|(_, running)| running.left.is_zero()).map(|(id, _)| *id).collect();
        for id in over {
            let limit = self.options.timeout;
            self.fail(id, |subject| ScriptError::timeout(subject, limit));
        }
        let due = self.timers.first_key_value().map(|(key, ())| *key).filter(|(at, _)| *at <= now);
        if let Some((at, id)) = due.filter(|_| !self.running.is_empty()) {
            self.timers.remove(&(at, id));
            self.turn(|realm| realm.fire(id));
        }
    }

    /// Runs JavaScript until it waits, and does what it wishes.
    fn turn(&mut self, run: impl FnOnce(&Realm)) {
        let began = Instant::now();
        self.realm.clock.set(began + self.least_left().unwrap_or(self.options.timeout));
        run(&self.realm);
        self.realm.run_jobs();
        self.realm.clock.clear();
        self.charge(began.elapsed());
        for wish in self.realm.wishes() {
            self.fulfil(wish);
        }
        if self.realm.clock.rang() {
            let (limit, frames) = (self.options.timeout, self.realm.interrupted_at());
            self.broken = true;
            self.fail_all(|subject| ScriptError::timeout(subject, limit).at(frames.clone()));
        } else if self.realm.is_out_of_memory() {
            self.out_of_memory();
        }
    }

    fn fulfil(&mut self, wish: Wish) {
        match wish {
            Wish::Timer { id, delay } => {
                self.timers.insert((Instant::now() + delay, id), ());
            }
            Wish::NoTimer { id } => self.timers.retain(|(_, timer), ()| *timer != id),
            Wish::Request { id, call, request } => {
                let client = self
                    .running
                    .get(&call)
                    .and_then(|running| Some((running.call.client.clone()?, running.call.runtime.clone()?)));
                let events = self.events.clone();
                self.asked += 1;
                match client {
                    Some((client, runtime)) => {
                        let sent = client.send(request);
                        runtime.spawn(async move {
                            let _ = events.send(Event::Answer(id, Answer::Client(sent.await)));
                        });
                    }
                    None => {
                        let message = "the client is used after its hook has ended".to_owned();
                        let error = ClientError { message, ..ClientError::default() };
                        let _ = events.send(Event::Answer(id, Answer::Client(Err(error))));
                    }
                }
            }
            Wish::Fetch { id, request } => {
                let fetch: Option<(Arc<dyn Fetch>, Handle)> = self
                    .options
                    .fetch
                    .clone()
                    .zip(self.running.values().find_map(|r| r.call.runtime.clone()));
                let events = self.events.clone();
                self.asked += 1;
                match fetch {
                    Some((fetch, runtime)) => {
                        let sent = fetch.fetch(self.web_request(request));
                        runtime.spawn(async move {
                            let _ = events.send(Event::Answer(id, Answer::Web(sent.await)));
                        });
                    }
                    None => {
                        let message = "nothing can be fetched here".to_owned();
                        let error = FetchError { message, sent: false };
                        let _ = events.send(Event::Answer(id, Answer::Web(Err(error))));
                    }
                }
            }
            Wish::Finished { call, returned } => {
                if let Some(running) = self.running.remove(&call) {
                    let _ = running.call.reply.send(Ok(returned));
                }
            }
            Wish::Failed { call, told } => {
                let Some(running) = self.running.get(&call) else { return };
                let error =
                    self.realm.error(&running.call.subject, &told).or_memory(self.options.memory_limit);
                if error.is_out_of_memory() {
                    self.out_of_memory();
                } else if let Some(running) = self.running.remove(&call) {
                    let _ = running.call.reply.send(Err(error));
                }
            }
        }
    }

    /// A request with its body, be it that of the call which it passes on.
    fn web_request(&self, asked: Asked) -> WebRequest {
        let form = asked.form_of.and_then(|call| self.running.get(&call)?.call.form.clone());
        let body = form.or(asked.body.map(String::into_bytes));
        WebRequest { url: asked.url, method: asked.method, headers: asked.headers, body }
    }

    fn out_of_memory(&mut self) {
        let limit = self.options.memory_limit;
        self.broken = true;
        self.fail_all(|subject| ScriptError::memory(subject, limit));
    }

    fn least_left(&self) -> Option<Duration> {
        self.running.values().map(|running| running.left).min()
    }

    fn charge(&mut self, spent: Duration) {
        for running in self.running.values_mut() {
            running.left = running.left.saturating_sub(spent);
        }
    }

    fn fail(&mut self, id: u64, error: impl Fn(&Subject) -> ScriptError) {
        if let Some(running) = self.running.remove(&id) {
            let error = error(&running.call.subject);
            let _ = running.call.reply.send(Err(error));
        }
    }

    fn fail_all(&mut self, error: impl Fn(&Subject) -> ScriptError) {
        for id in self.running.keys().copied().collect::<Vec<_>>() {
            self.fail(id, &error);
        }
    }
}
