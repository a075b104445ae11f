//! One file of cases against one server: each step is sent, and its answer compared with what is written, or written
//! down.

use std::collections::HashMap;

use lockstep_testkit::directus::{ADMIN_EMAIL, ADMIN_PASSWORD};
use reqwest::Client;
use serde_json::{Value, json};
use similar::TextDiff;

use crate::case::{Body, Case, Expected, Step};
use crate::mask::{Mask, sort_key};
use crate::send;
use crate::shape::{at, shaped, sort_lists};
use crate::socket::Socket;
use crate::target::Target;

/// What is done with the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They must be as the file says.
    Compare,
    /// The file is to say them.
    Bless,
}

/// What has come of a file.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) steps: usize,
    /// One text per step whose answer was another, with the difference.
    pub(crate) failures: Vec<String>,
}

struct Run<'a> {
    target: &'a Target,
    client: Client,
    mask: Mask,
    values: HashMap<String, Value>,
    sockets: HashMap<String, Socket>,
}

/// Runs all steps, also after one that fails: what depends on it fails visibly too.
pub(crate) async fn run(case: &mut Case, target: &Target, mode: Mode) -> Outcome {
    let fixed = [
        ("url", target.url()),
        ("token", target.token()),
        ("email", ADMIN_EMAIL),
        ("password", ADMIN_PASSWORD),
    ];
    let mut run = Run {
        target,
        client: send::client(),
        mask: Mask::new(target.url(), &requests(case)),
        values: fixed.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect(),
        sockets: HashMap::new(),
    };
    let mut failures = Vec::new();
    for step in &mut case.steps {
        if let Err(problem) = run.step(step, mode).await {
            failures.push(format!("line {}: {}\n{problem}", step.line, step.title));
        }
    }
    Outcome { steps: case.steps.len(), failures }
}

/// What the file itself says: all but the answers.
fn requests(case: &Case) -> String {
    let texts = case.steps.iter().flat_map(|step| [step.path.as_str(), step.body.as_str()]);
    texts.collect::<Vec<_>>().join("\n")
}

impl Run<'_> {
    async fn step(&mut self, step: &mut Step, mode: Mode) -> Result<(), String> {
        let path = self.filled(&step.path)?;
        let raw = match step.method.as_str() {
            "CONNECT" | "SEND" | "RECEIVE" | "CLOSE" => self.talk(step, &path).await?,
            _ => self.request(step, &path).await?,
        };
        if let Body::Json(body) = &raw.body {
            for (name, path) in &step.lets {
                let value = at(body, path).ok_or_else(|| format!("the answer has no {path}: {body}"))?;
                self.values.insert(name.clone(), value.clone());
            }
        } else if let Body::Text(text) = &raw.body {
            self.values.extend(step.lets.iter().map(|(name, _)| (name.clone(), json!(text))));
        }
        let actual = self.comparable(step, raw, &path, mode);
        if mode == Mode::Bless {
            step.expected = Some(actual);
            return Ok(());
        }
        let expected = step.expected.as_ref().ok_or("no answer is written: LOCKSTEP_BLESS=1 fills it in")?;
        match self.target.is_sandbox() && step.option("differs").is_some() {
            true if *expected == actual => Err("it is answered as written: the line `differs` can go".into()),
            true => Ok(()),
            false if *expected == actual => Ok(()),
            false => Err(difference(expected, actual)),
        }
    }

    async fn request(&self, step: &Step, path: &str) -> Result<Expected, String> {
        let token = match step.option("as") {
            None => Some(self.target.token().to_owned()),
            Some("none") => None,
            Some(token) => Some(self.filled(token)?),
        };
        let body = match step.option("multipart") {
            // Values of several lines stay within the content that they are part of.
            Some(_) => {
                let lines = step.body.lines().map(|line| Ok(self.filled(line)?.replace('\n', "\n| ")));
                lines.collect::<Result<Vec<_>, String>>()?.join("\n")
            }
            None => self.filled(&step.body)?,
        };
        let headers = step.headers().map(|(name, value)| Ok((name.clone(), self.filled(value)?)));
        let headers: Vec<_> = headers.collect::<Result<_, String>>()?;
        let request = send::Request { step, path, token, headers, body };
        request.send(&self.client, self.target.url()).await
    }

    /// The steps of a WebSocket: `CONNECT path`, `SEND`, `RECEIVE` and `CLOSE`; `socket` names one of several.
    async fn talk(&mut self, step: &Step, path: &str) -> Result<Expected, String> {
        let answer = |status: String, body| Ok(Expected { status, headers: Vec::new(), body });
        let name = step.option("socket").unwrap_or_default().to_owned();
        let text = self.filled(&step.body)?;
        if step.method == "CONNECT" {
            return match Socket::open(self.target.url(), &send::encoded(path)).await {
                Ok(socket) => {
                    self.sockets.insert(name, socket);
                    answer("open".into(), Body::Empty)
                }
                Err(status) => answer(status, Body::Empty),
            };
        }
        if step.method == "CLOSE" {
            drop(self.sockets.remove(&name));
            return answer("closed".into(), Body::Empty);
        }
        let socket = self.sockets.get_mut(&name).ok_or("no such socket is open")?;
        if step.method == "SEND" {
            socket.send(&text).await?;
        }
        let expected = step.expected.as_ref().and_then(|expected| expected.status.split(' ').next());
        let messages = socket.receive(expected.and_then(|count| count.parse().ok())).await;
        answer(format!("{} messages", messages.len()), Body::Json(json!(messages)))
    }

    /// The answer as it is compared: in part, sorted, masked.
    fn comparable(&mut self, step: &mut Step, raw: Expected, path: &str, mode: Mode) -> Expected {
        let unordered: Vec<String> = step.list("unordered").map(str::to_owned).collect();
        let unordered: Vec<&str> = unordered.iter().map(String::as_str).collect();
        let body = match raw.body {
            Body::Json(body) => {
                let mut body = shaped(step, body);
                // By what is not made up, and so with placeholders in place of that.
                let fresh = self.mask.fresh();
                sort_lists(&mut body, &unordered, &|row| sort_key(&fresh.clone().apply(row, path)));
                if let (Some(expected), Mode::Compare) = (&mut step.expected, mode)
                    && let Body::Json(expected) = &mut expected.body
                {
                    sort_lists(expected, &unordered, &sort_key);
                    self.mask.learn(expected, &body);
                }
                Body::Json(self.mask.apply(&body, path))
            }
            Body::Text(text) => {
                if let (Some(Expected { body: Body::Text(expected), .. }), Mode::Compare) =
                    (&step.expected, mode)
                {
                    self.mask.learn(&json!(expected), &json!(text));
                }
                Body::Text(self.mask.text(&text))
            }
            Body::Empty => Body::Empty,
        };
        let headers = raw.headers.into_iter().map(|(name, value)| (name, self.mask.text(&value))).collect();
        Expected { status: raw.status, headers, body }
    }

    /// The text with `{{name}}` replaced by what an answer said, as it is if that was a text, else as JSON.
    fn filled(&self, text: &str) -> Result<String, String> {
        let mut parts = text.split("{{");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            // JSON may well have two braces side by side.
            let value = part.split_once("}}").filter(|(name, _)| is_name(name));
            let Some((name, rest)) = value else {
                filled.extend(["{{", part]);
                continue;
            };
            match self.values.get(name).ok_or_else(|| format!("{name} is not known"))? {
                Value::String(value) => filled.push_str(value),
                value => filled.push_str(&value.to_string()),
            }
            filled.push_str(rest);
        }
        Ok(filled)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What is to be seen of the difference, line by line.
fn difference(expected: &Expected, mut actual: Expected) -> String {
    if let (Body::Json(expected), Body::Json(actual)) = (&expected.body, &mut actual.body) {
        align(expected, actual);
    }
    let (expected, actual) = (expected.text(), actual.text());
    let diff = TextDiff::from_lines(&expected, &actual);
    diff.unified_diff().context_radius(2).header("written", "answered").to_string()
}

/// Orders the keys as they are expected: their order is no difference.
fn align(expected: &Value, actual: &mut Value) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let mut aligned = serde_json::Map::new();
            for (key, wanted) in expected {
                if let Some(mut value) = actual.shift_remove(key) {
                    align(wanted, &mut value);
                    aligned.insert(key.clone(), value);
                }
            }
            aligned.append(actual);
            *actual = aligned;
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.iter().zip(actual).for_each(|(expected, actual)| align(expected, actual));
        }
        _ => {}
    }
}
