//! The functions of `directusConfig`: what the JavaScript SDK does with them, the client does.

use std::sync::Arc;

use indexmap::IndexMap;
use lockstep_directus::{Bytes, Decorated, Decorator, Exchanged, NotExchanged, Outgoing};
use lockstep_script::{Engine, Function, Returned, ScriptError, ScriptErrorKind, WebRequest};
use serde_json::{Map, Value, json};

const ON_REQUEST: &str = "directusConfig.restConfig.onRequest";
const ON_RESPONSE: &str = "directusConfig.restConfig.onResponse";
const FETCH: &str = "directusConfig.clientOptions.globals.fetch";

/// The functions that stand between the client and the server.
#[derive(Clone)]
pub(super) struct Between {
    on_request: Option<Function>,
    on_response: Option<Function>,
    fetch: Option<Function>,
}

impl Between {
    /// Those of a configuration.
    pub(super) fn new(functions: &IndexMap<String, Function>) -> Self {
        let named = |name: &str| functions.get(name).cloned();
        Self { on_request: named(ON_REQUEST), on_response: named(ON_RESPONSE), fetch: named(FETCH) }
    }

    /// For the client, if there is one of them.
    pub(super) fn decorator(&self, engine: &Arc<Engine>) -> Option<Arc<dyn Decorator>> {
        let all = [&self.on_request, &self.on_response, &self.fetch];
        let called = Called { engine: engine.clone(), functions: self.clone() };
        all.into_iter().any(Option::is_some).then(|| Arc::new(called) as Arc<dyn Decorator>)
    }
}

struct Called {
    engine: Arc<Engine>,
    functions: Between,
}

impl Decorator for Called {
    fn request(&self, outgoing: Outgoing) -> Decorated<Result<Outgoing, String>> {
        let Some(function) = self.functions.on_request.clone() else {
            return Box::pin(async move { Ok(outgoing) });
        };
        let engine = self.engine.clone();
        Box::pin(async move {
            let returned = engine.call(&function, vec![init(&outgoing).to_string()], None).await;
            changed(&function, outgoing, returned)
        })
    }

    fn exchanges(&self) -> bool {
        self.functions.fetch.is_some()
    }

    fn exchange(&self, outgoing: Outgoing) -> Decorated<Result<Exchanged, NotExchanged>> {
        let (engine, function) = (self.engine.clone(), self.functions.fetch.clone());
        Box::pin(async move {
            let function = function.ok_or_else(|| NotExchanged::Failed(format!("there is no {FETCH}")))?;
            let request = WebRequest {
                url: outgoing.url,
                method: outgoing.method.to_string(),
                headers: outgoing.headers,
                body: outgoing.body.map(|body| body.to_vec()),
            };
            let answer = engine.fetch_by(&function, request).await.map_err(|error| not_exchanged(&error))?;
            Ok(Exchanged { status: answer.status, headers: answer.headers, body: answer.body.into() })
        })
    }

    fn answer(&self, request: Outgoing, body: Bytes) -> Decorated<Result<Bytes, String>> {
        let Some(function) = self.functions.on_response.clone() else {
            return Box::pin(async move { Ok(body) });
        };
        let engine = self.engine.clone();
        Box::pin(async move {
            let Some((said, document)) = said(&body) else { return Ok(body) };
            let arguments = vec![said.to_string(), init(&request).to_string()];
            let returned =
                engine.call(&function, arguments, None).await.map_err(|error| error.to_string())?;
            read(&function, document, &returned, body)
        })
    }
}

/// A request as `fetch` and `onRequest` know it.
fn init(outgoing: &Outgoing) -> Value {
    let text = |(name, value): &(String, String)| (name.clone(), Value::from(value.as_str()));
    let headers: Map<String, Value> = outgoing.headers.iter().map(text).collect();
    let mut init = json!({"method": outgoing.method.as_str(), "headers": headers});
    if let Some(body) = outgoing.body.as_ref().and_then(|body| std::str::from_utf8(body).ok()) {
        init["body"] = Value::from(body);
    }
    init
}

/// A request with the headers and the body that a function gave it.
fn changed(
    function: &Function,
    mut outgoing: Outgoing,
    returned: Result<Returned, ScriptError>,
) -> Result<Outgoing, String> {
    let returned = returned.map_err(|error| error.to_string())?;
    let Ok(Value::Object(mut request)) = returned.parse() else {
        return Err(format!("{} has to return the request, an object with headers", function.path));
    };
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    outgoing.headers = match request.shift_remove("headers") {
        Some(Value::Object(headers)) => {
            headers.into_iter().map(|(name, value)| (name, text(value))).collect()
        }
        None => Vec::new(),
        Some(_) => return Err(format!("{} returned headers that are no plain object", function.path)),
    };
    if let (Some(_), Some(Value::String(body))) = (&outgoing.body, request.shift_remove("body")) {
        outgoing.body = Some(body.into());
    }
    Ok(outgoing)
}

/// What the SDK gives to `onResponse`: what is under `data`, else the whole document, or a text; and the document around
/// `data`. None for what is neither.
fn said(body: &Bytes) -> Option<(Value, Option<Map<String, Value>>)> {
    if body.is_empty() {
        return Some((Value::Null, None));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut document)) if document.contains_key("data") => {
            let data = document.insert("data".to_owned(), Value::Null)?;
            Some((data, Some(document)))
        }
        Ok(document) => Some((document, None)),
        Err(_) => Some((Value::from(std::str::from_utf8(body).ok()?), None)),
    }
}

/// The body that says what `onResponse` returned.
fn read(
    function: &Function,
    document: Option<Map<String, Value>>,
    returned: &Returned,
    body: Bytes,
) -> Result<Bytes, String> {
    let nothing = matches!(returned.what.as_str(), "undefined" | "null");
    match (&returned.json, document) {
        (_, None) if body.is_empty() && nothing => Ok(body),
        (None, _) => {
            Err(format!("{} returned {}; it has to return the answer", function.path, shown(&returned.what)))
        }
        (Some(json), None)
            if returned.what == "string" && serde_json::from_slice::<Value>(&body).is_err() =>
        {
            serde_json::from_str::<String>(json).map(Into::into).map_err(|error| error.to_string())
        }
        (Some(json), None) => Ok(json.clone().into()),
        (Some(_), Some(mut document)) => {
            let said = returned.parse().map_err(|error| format!("{}: {error}", function.path))?;
            document.insert("data".to_owned(), said);
            serde_json::to_vec(&document).map(Into::into).map_err(|error| error.to_string())
        }
    }
}

fn shown(what: &str) -> String {
    if what == "undefined" { "nothing".to_owned() } else { format!("a {what}") }
}

fn not_exchanged(error: &ScriptError) -> NotExchanged {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let told = causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"));
    match error.kind() {
        ScriptErrorKind::NotConnected => NotExchanged::NotConnected(told),
        ScriptErrorKind::Unanswered => NotExchanged::Lost(told),
        _ => NotExchanged::Failed(told),
    }
}
