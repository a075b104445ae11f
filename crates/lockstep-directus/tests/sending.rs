//! What the client does when the network and the server misbehave.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scripted;

use lockstep_directus::{
    Auth, Client, ClientOptions, Error, ErrorKind, Request, RequestEvent, RetryPolicy, items,
};
use scripted::{Reply, Server, ok, refusal, status};
use serde_json::json;
use std::error::Error as _;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const NO_WAIT: RetryPolicy = RetryPolicy { attempts: 5, base: Duration::ZERO, cap: Duration::ZERO };

fn options() -> ClientOptions {
    let timeout = Duration::from_millis(100);
    ClientOptions {
        retry: NO_WAIT,
        read_timeout: timeout,
        write_timeout: timeout,
        ..ClientOptions::default()
    }
}

fn client(server: &Server) -> Client {
    Client::new(&server.url, Auth::Token("s3cret".to_owned().into()), options()).unwrap()
}

fn login_client(server: &Server) -> Client {
    let auth = Auth::Password { email: "a@example.com".into(), password: "pa55".to_owned().into() };
    Client::new(&server.url, auth, options()).unwrap()
}

fn create() -> Request {
    Request::post("/items/a").json(json!([{"id": 1}]))
}

/// Sends a request to a server that follows the script; the result, and how often the request arrived.
async fn sent(request: Request, script: Vec<Reply>) -> (Result<u16, Error>, usize) {
    let server = Server::start(script).await;
    let result = client(&server).send(&request).await.map(|answer| answer.status);
    (result, server.arrivals().len())
}

#[tokio::test]
async fn reads_and_idempotent_writes_are_repeated() {
    let hurdles = [
        Reply::Close,
        Reply::Truncated,
        Reply::Silence,
        refusal(429, "REQUESTS_EXCEEDED"),
        status(502, "<html>"),
        status(503, ""),
        status(504, "<html>"),
    ];
    for hurdle in hurdles {
        for request in [Request::get("/a"), Request::patch("/a").json(json!({})), Request::delete("/a")] {
            let (result, arrivals) = sent(request, vec![hurdle.clone(), ok("{}")]).await;
            assert_eq!((result.unwrap(), arrivals), (200, 2));
        }
    }
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_not_repeated() {
    let losses = [
        Reply::Close,
        Reply::Truncated,
        Reply::Silence,
        status(502, "<html>"),
        status(503, ""),
        status(504, ""),
    ];
    for loss in losses {
        let (result, arrivals) = sent(create(), vec![loss, ok("{}")]).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_been_applied(), arrivals),
            (ErrorKind::Lost, true, 1),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_create_that_a_limiter_turned_away_is_repeated() {
    let pressure = r#"{"errors":[{"message":"Service \"api\" is unavailable. Under pressure.",
        "extensions":{"code":"SERVICE_UNAVAILABLE","service":"api","reason":"Under pressure"}}]}"#;
    for refused in [refusal(429, "REQUESTS_EXCEEDED"), status(503, pressure)] {
        let (result, arrivals) = sent(create(), vec![refused, ok("{}")]).await;
        assert_eq!((result.unwrap(), arrivals), (200, 2));
    }
}

#[tokio::test]
async fn failures_of_the_server_are_not_repeated() {
    for request in [Request::get("/a"), Request::patch("/a"), create()] {
        let (result, arrivals) = sent(request, vec![refusal(500, "INTERNAL_SERVER_ERROR"), ok("{}")]).await;
        assert_eq!((result.unwrap_err().kind(), arrivals), (ErrorKind::Server, 1));
    }
}

#[tokio::test]
async fn attempts_are_bounded() {
    let (result, arrivals) = sent(Request::get("/a"), vec![Reply::Close; 9]).await;
    assert_eq!((result.unwrap_err().kind(), arrivals), (ErrorKind::Lost, 5));
    let (result, arrivals) = sent(Request::get("/a"), vec![Reply::Silence; 9]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), arrivals), (ErrorKind::Timeout, 5));
    assert_eq!(error.to_string(), "GET /a: no answer within 0.1 s");
}

#[tokio::test]
async fn what_takes_minutes_is_not_asked_for_again() {
    for hurdle in [Reply::Silence, Reply::Close, status(504, "")] {
        let (result, arrivals) = sent(Request::get("/a").patient(), vec![hurdle, ok("{}")]).await;
        assert_eq!((result.is_err(), arrivals), (true, 1));
    }
}

#[tokio::test]
async fn an_idempotent_write_that_may_have_been_applied_says_so() {
    let (result, _) = sent(Request::delete("/a"), vec![Reply::Close, refusal(403, "FORBIDDEN")]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Forbidden, true));
}

#[tokio::test]
async fn a_create_meets_no_stale_connection() {
    // The server closes the idle connection: hyper notices, and sends the request on another one.
    let server = Server::start([Reply::AnswerThenClose { body: "{}" }, ok("{}")]).await;
    let first = client(&server);
    first.send(&Request::get("/a")).await.unwrap();
    first.send(&create()).await.unwrap();
    assert_eq!(server.lines(), ["GET /a", "POST /items/a"]);

    // The server takes the request on a kept connection and closes without an answer: nobody sends it again.
    let server = Server::start([ok("{}"), Reply::Close, ok("{}")]).await;
    let client = client(&server);
    client.send(&Request::get("/a")).await.unwrap();
    assert_eq!(client.send(&create()).await.unwrap_err().kind(), ErrorKind::Lost);
    assert_eq!((server.lines().len(), client.requests_sent()), (2, 2));
}

#[tokio::test]
async fn retry_after_is_honoured_up_to_the_cap() {
    let limited = Reply::Answer { status: 429, headers: "retry-after: 20\r\n", body: String::new() };
    let server = Server::start([limited, ok("{}")]).await;
    let cap = Duration::from_millis(80);
    let options = ClientOptions { retry: RetryPolicy { cap, ..NO_WAIT }, ..options() };
    let client = Client::new(&server.url, Auth::Token("t".to_owned().into()), options).unwrap();
    let start = Instant::now();
    client.send(&create()).await.unwrap();
    assert!((cap..Duration::from_secs(5)).contains(&start.elapsed()));
}

#[tokio::test]
async fn a_refused_connection_is_named() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{unused}");
    let client = Client::new(&url, Auth::Token("s3cret".to_owned().into()), options()).unwrap();
    let error = client.send(&create()).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Connect, false));
    assert_eq!(client.requests_sent(), 5);
    assert_eq!(error.to_string(), format!("cannot connect to {url}"));
    let cause = error.source().unwrap();
    assert!(cause.to_string().starts_with("Connection refused"), "{cause}");
    assert!(cause.source().is_none());
}

#[tokio::test]
async fn a_server_without_tls_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let client = Client::new(&url, Auth::Token("t".to_owned().into()), options()).unwrap();
    let error = client.send(&create()).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Tls, false), "{error}");
    assert_eq!(error.to_string(), format!("cannot make a secure connection to {url}"));
}

#[tokio::test]
async fn html_where_json_must_be() {
    let server = Server::start([ok("<!doctype html>"), status(404, "<html>"), status(413, "<html>")]).await;
    let client = client(&server);
    for kind in [ErrorKind::NotDirectus, ErrorKind::NotDirectus, ErrorKind::TooLarge] {
        let query = items::Query::new();
        let error = items::list(&client, &items::Endpoint::of("a"), &query).await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let moved =
        Reply::Answer { status: 301, headers: "location: https://a.example/\r\n", body: String::new() };
    let (result, arrivals) = sent(create(), vec![moved, ok("{}")]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), arrivals), (ErrorKind::Redirected, 1));
    assert_eq!(error.to_string(), "POST /items/a: the server redirects to https://a.example/ (301)");
}

fn grants(token: &str) -> Reply {
    ok(&json!({"data": {"access_token": token, "expires": 900_000, "refresh_token": "r"}}).to_string())
}

#[tokio::test]
async fn a_login_is_made_once_when_it_is_needed() {
    let server = Server::start([grants("t1"), ok("{}"), ok("{}"), ok("{}")]).await;
    let client = login_client(&server);
    assert_eq!(client.requests_sent(), 0);
    let request = Request::get("/a");
    let (a, b, c) = tokio::join!(client.send(&request), client.send(&request), client.send(&request));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let arrivals = server.arrivals();
    assert_eq!(server.lines(), ["POST /auth/login", "GET /a", "GET /a", "GET /a"]);
    assert!(arrivals[0].body.contains("pa55") && !arrivals[0].head.contains("authorization"));
    assert!(arrivals[1].head.contains("authorization: Bearer t1\r\n"));
}

#[tokio::test]
async fn an_expired_login_is_renewed_once() {
    let expired = || refusal(401, "TOKEN_EXPIRED");
    let server =
        Server::start([grants("t1"), expired(), grants("t2"), ok("{}"), expired(), grants("t3"), expired()])
            .await;
    let client = login_client(&server);
    client.send(&create()).await.unwrap();
    assert!(server.arrivals()[3].head.contains("authorization: Bearer t2\r\n"));
    assert_eq!(client.send(&create()).await.unwrap_err().kind(), ErrorKind::TokenExpired);
    assert_eq!(server.lines().len(), 7);
}

#[tokio::test]
async fn a_refused_login_is_an_error_of_the_login() {
    let server = Server::start([refusal(401, "INVALID_CREDENTIALS")]).await;
    let error = login_client(&server).send(&create()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    assert_eq!(error.to_string(), "POST /auth/login: No (401 INVALID_CREDENTIALS)");
}

#[tokio::test]
async fn an_expired_static_token_is_reported() {
    let (result, arrivals) = sent(Request::get("/a"), vec![refusal(401, "TOKEN_EXPIRED"), ok("{}")]).await;
    assert_eq!((result.unwrap_err().kind(), arrivals), (ErrorKind::TokenExpired, 1));
}

#[tokio::test]
async fn observers_see_every_request_and_no_secret() {
    let server = Server::start([Reply::Close, ok("{}")]).await;
    let events = Arc::new(Mutex::new(Vec::<RequestEvent>::new()));
    let seen = Arc::clone(&events);
    let observer = Arc::new(move |event: &RequestEvent| seen.lock().unwrap().push(event.clone()));
    let headers = vec![("x-tenant".to_owned(), "blue".to_owned())];
    let options = ClientOptions { observer: Some(observer), headers, ..options() };
    let client =
        Client::new(&format!("{}/cms/", server.url), Auth::Token("s3cret".to_owned().into()), options)
            .unwrap();
    client.send(&Request::patch("/a").query("access_token", "s3cret").json(json!({"b": 1}))).await.unwrap();

    let events = events.lock().unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.attempt, event.status, event.bytes_sent)).collect();
    assert_eq!(told, [(1, None, 7), (2, Some(200), 7)]);
    assert_eq!((events[1].bytes_received, events[0].error.is_some()), (2, true));
    assert!(!format!("{events:?}{client:?}").contains("s3cret"));
    let arrival = &server.arrivals()[1];
    assert_eq!(arrival.line, "PATCH /cms/a?access_token=s3cret");
    assert!(arrival.head.contains("x-tenant: blue") && arrival.head.contains("user-agent: lockstep/"));
}

#[tokio::test]
async fn a_file_travels_as_a_form() {
    let server = Server::start([status(204, "")]).await;
    let diff =
        lockstep_directus::schema::diff(&client(&server), &json!({"version": 1}), false).await.unwrap();
    assert_eq!(diff, None);
    let arrival = &server.arrivals()[0];
    assert_eq!(arrival.line, "POST /schema/diff");
    assert!(arrival.head.contains("content-type: multipart/form-data; boundary="));
    assert!(
        arrival.body.contains("Content-Type: application/json\r\n\r\n{\"version\":1}\r\n"),
        "{}",
        arrival.body
    );
}

#[test]
fn what_cannot_be_sent_is_refused_before_sending() {
    let new = |url: &str, headers: Vec<(String, String)>| {
        let options = ClientOptions { headers, ..ClientOptions::default() };
        Client::new(url, Auth::Token("t".to_owned().into()), options).map(|client| client.url().to_owned())
    };
    assert_eq!(new("http://localhost:8055/", vec![]).unwrap(), "http://localhost:8055");
    assert_eq!(new("localhost", vec![]).unwrap_err().kind(), ErrorKind::InvalidUrl);
    let header = vec![("x-a".to_owned(), "s3cret\n".to_owned())];
    let error = new("http://localhost", header).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidOptions);
    assert!(!error.to_string().contains("s3cret"));
}
