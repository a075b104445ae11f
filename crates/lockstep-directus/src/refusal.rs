//! Reading the answers that are not good: the server's errors as [`Error`].

use crate::answer::kind_of_text;
use crate::error::{Error, ErrorKind, Facts};
use crate::{Request, Safety};
use serde_json::Value;

/// The first error of an answer, and the messages of all.
#[derive(Debug, Default, PartialEq)]
struct Said {
    is_json: bool,
    messages: Vec<String>,
    code: Option<String>,
    extensions: Option<Value>,
}

/// Makes the error of an answer whose status is not 2xx.
pub(crate) fn refused(request: &Request, status: u16, location: Option<&str>, body: &[u8]) -> Error {
    let said = read(body);
    let kind = match kind_of(status, &said) {
        // A gateway gave up: whether the server went on is not known.
        ErrorKind::Unavailable if request.safety == Safety::Create && !is_limiter(status, &said) => {
            ErrorKind::Lost
        }
        kind => kind,
    };
    let reason = match location {
        Some(location) if kind == ErrorKind::Redirected => {
            format!("the server redirects to {}", location.split('?').next().unwrap_or_default())
        }
        _ => words(kind, &said, body),
    };
    let code = said.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
    let sentence = format!("{} {}: {reason} ({status}{code})", request.method, request.path);
    let may_have_been_applied = request.safety != Safety::Read && status >= 500 && !is_limiter(status, &said)
        || kind == ErrorKind::Lost;
    let Said { messages, code, extensions, .. } = said;
    Error::answered(
        sentence,
        Facts { kind, status: Some(status), code, extensions, messages, may_have_been_applied },
    )
}

/// Whether the answer comes from a limiter, which turns requests away before anything is done.
pub(crate) fn from_limiter(status: u16, body: &[u8]) -> bool {
    matches!(status, 429 | 503) && is_limiter(status, &read(body))
}

fn is_limiter(status: u16, said: &Said) -> bool {
    let reason =
        said.extensions.as_ref().and_then(|extensions| extensions["reason"].as_str()).unwrap_or_default();
    status == 429
        || status == 503
            && (reason.eq_ignore_ascii_case("under pressure")
                || said.code.as_deref() == Some("UNDER_PRESSURE")
                || said.messages.iter().any(|message| message.to_lowercase().contains("under pressure")))
}

fn kind_of(status: u16, said: &Said) -> ErrorKind {
    let too_large = |message: &String| message.to_lowercase().contains("request entity too large");
    if status == 413 || said.messages.iter().any(too_large) {
        return ErrorKind::TooLarge;
    }
    match (said.code.as_deref().unwrap_or_default(), status) {
        ("TOKEN_EXPIRED", _) => ErrorKind::TokenExpired,
        ("INVALID_CREDENTIALS" | "INVALID_TOKEN" | "INVALID_OTP" | "USER_SUSPENDED", _) => {
            ErrorKind::InvalidCredentials
        }
        ("LIMIT_EXCEEDED", _) => ErrorKind::LimitExceeded,
        ("RESOURCE_RESTRICTED", _) => ErrorKind::ResourceRestricted,
        (_, 300..=399) => ErrorKind::Redirected,
        (_, 401) => ErrorKind::InvalidCredentials,
        (_, 403) => ErrorKind::Forbidden,
        (_, 404 | 405) if !said.is_json => ErrorKind::NotDirectus,
        (_, 404) => ErrorKind::NotFound,
        (_, 429) => ErrorKind::RateLimited,
        (_, 502..=504) => ErrorKind::Unavailable,
        (_, 500..) => ErrorKind::Server,
        _ => ErrorKind::Invalid,
    }
}

fn words(kind: ErrorKind, said: &Said, body: &[u8]) -> String {
    const SHOWN: usize = 3;
    if said.messages.is_empty() {
        return match kind {
            ErrorKind::Redirected => "the server redirects elsewhere".to_owned(),
            _ if said.is_json => "the server gave no reason".to_owned(),
            _ => format!("refused, and the answer is {}, not an error of Directus", kind_of_text(body)),
        };
    }
    let mut words = said
        .messages
        .iter()
        .take(SHOWN)
        .map(|message| message.trim_end_matches('.'))
        .collect::<Vec<_>>()
        .join("; ");
    if let Some(more) = said.messages.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        words.push_str(&format!("; and {more} more"));
    }
    words
}

fn read(body: &[u8]) -> Said {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Said::default();
    };
    let errors = value["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut messages: Vec<String> = errors.iter().filter_map(|error| message(&error["message"])).collect();
    if errors.is_empty() {
        messages.extend(message(&value["message"]).or_else(|| message(&value["error"])));
    }
    let extensions = errors.first().and_then(|error| error.get("extensions")).cloned();
    let code = extensions.as_ref().and_then(|extensions| extensions["code"].as_str()).map(str::to_owned);
    Said { is_json: true, messages, code, extensions }
}

/// A message is a string; 10.x puts JSON objects there when it fails.
fn message(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        other => message(&other["message"]).or_else(|| Some(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(request: &Request, status: u16, body: &str) -> Error {
        refused(request, status, None, body.as_bytes())
    }

    fn directus(message: &str, code: &str) -> String {
        json!({"errors": [{"message": message, "extensions": {"code": code}}]}).to_string()
    }

    #[test]
    fn kinds_by_code_and_status() {
        for (status, body, kind) in [
            (401, directus("Token expired.", "TOKEN_EXPIRED"), ErrorKind::TokenExpired),
            (
                401,
                directus("Invalid user credentials.", "INVALID_CREDENTIALS"),
                ErrorKind::InvalidCredentials,
            ),
            (403, directus("Invalid token.", "INVALID_TOKEN"), ErrorKind::InvalidCredentials),
            (403, directus("No.", "FORBIDDEN"), ErrorKind::Forbidden),
            (403, directus("Limit exceeded.", "LIMIT_EXCEEDED"), ErrorKind::LimitExceeded),
            (403, directus("Restricted.", "RESOURCE_RESTRICTED"), ErrorKind::ResourceRestricted),
            (404, directus("Route /x doesn't exist.", "ROUTE_NOT_FOUND"), ErrorKind::NotFound),
            (404, json!({"message": "No id map found"}).to_string(), ErrorKind::NotFound),
            (404, "<html>".into(), ErrorKind::NotDirectus),
            (400, directus("Invalid payload.", "INVALID_PAYLOAD"), ErrorKind::Invalid),
            (500, directus("request entity too large", "INTERNAL_SERVER_ERROR"), ErrorKind::TooLarge),
            (413, "<html>".into(), ErrorKind::TooLarge),
            (429, directus("Too many requests.", "REQUESTS_EXCEEDED"), ErrorKind::RateLimited),
            (500, directus("An unexpected error occurred.", "INTERNAL_SERVER_ERROR"), ErrorKind::Server),
            (502, "<html>".into(), ErrorKind::Unavailable),
            (307, String::new(), ErrorKind::Redirected),
        ] {
            assert_eq!(error(&Request::get("/x"), status, &body).kind(), kind, "{status} {body}");
        }
    }

    #[test]
    fn a_gateway_failure_on_a_create_is_a_lost_answer() {
        let create = Request::post("/roles");
        for (status, body, kind) in [
            (502, "<html>", ErrorKind::Lost),
            (504, "", ErrorKind::Lost),
            (503, "<html>", ErrorKind::Lost),
            (
                503,
                r#"{"errors":[{"message":"Service \"api\" is unavailable. Under pressure."}]}"#,
                ErrorKind::Unavailable,
            ),
            (429, "", ErrorKind::RateLimited),
        ] {
            let error = error(&create, status, body);
            assert_eq!(
                (error.kind(), error.may_have_been_applied()),
                (kind, kind == ErrorKind::Lost),
                "{status}"
            );
        }
        assert!(error(&create, 500, "{}").may_have_been_applied());
        assert!(!error(&create, 400, "{}").may_have_been_applied());
    }

    #[test]
    fn sentences() {
        let get = Request::get("/x").query("access_token", "s3cret");
        let many: Vec<_> = (1..=5).map(|n| json!({"message": format!("m{n}.")})).collect();
        for (status, body, sentence) in [
            (403, directus("Not allowed.", "FORBIDDEN"), "GET /x: Not allowed (403 FORBIDDEN)"),
            (400, json!({"errors": many}).to_string(), "GET /x: m1; m2; m3; and 2 more (400)"),
            (500, json!({"errors": [{"message": {"message": "boom"}}]}).to_string(), "GET /x: boom (500)"),
            (500, json!({"errors": [{"message": {"a": 1}}]}).to_string(), r#"GET /x: {"a":1} (500)"#),
            (
                502,
                "<html>".into(),
                "GET /x: refused, and the answer is an HTML page, not an error of Directus (502)",
            ),
        ] {
            assert_eq!(error(&get, status, &body).to_string(), sentence);
        }
        let redirect = refused(&get, 301, Some("https://cms.example/x?access_token=s3cret"), b"");
        assert_eq!(redirect.to_string(), "GET /x: the server redirects to https://cms.example/x (301)");
    }

    #[test]
    fn the_servers_words_are_kept() {
        let body = json!({"errors": [
            {"message": "a", "extensions": {"code": "RECORD_NOT_UNIQUE", "field": "email"}}, {"message": "b"},
        ]});
        let error = error(&Request::post("/users"), 400, &body.to_string());
        assert_eq!((error.code(), error.status()), (Some("RECORD_NOT_UNIQUE"), Some(400)));
        assert_eq!(error.messages(), ["a", "b"]);
        assert_eq!(error.extensions().unwrap()["field"], "email");
    }
}
