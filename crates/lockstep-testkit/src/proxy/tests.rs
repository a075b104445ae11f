//! The proxy in front of a tiny server whose answers have every framing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server that counts what it was asked, and answers what the path says.
struct Server {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&count)));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn answer(stream: TcpStream, count: Arc<AtomicUsize>) {
    let (read, mut write) = stream.into_split();
    let request = http::read_request(&mut BufReader::new(read), &mut write).await.unwrap().unwrap();
    count.fetch_add(1, Ordering::SeqCst);
    let reply = match (request.method(), request.path()) {
        ("HEAD", _) => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_owned(),
        (_, "/chunked") => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlock\r\n4;x=y\r\nstep\r\n0\r\nTrailer: 1\r\n\r\n".into()
        }
        (_, "/close") => "HTTP/1.1 200 OK\r\n\r\nuntil the end".into(),
        (_, "/empty") => "HTTP/1.1 204 No Content\r\n\r\n".into(),
        (_, "/early") => "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into(),
        (_, "/torn") => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".into(),
        _ => {
            let body = format!("{} bytes", request.body_bytes());
            format!("HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
    };
    write.write_all(reply.as_bytes()).await.unwrap();
}

async fn pair() -> (Server, Proxy) {
    let server = Server::start().await;
    let proxy = Proxy::start(&server.url).await.unwrap();
    (server, proxy)
}

async fn connect(proxy: &Proxy) -> std::io::Result<TcpStream> {
    TcpStream::connect(proxy.url().trim_start_matches("http://")).await
}

/// Sends one request on a connection of its own, and returns all that comes until the end.
async fn send(proxy: &Proxy, method: &str, path: &str, body: &str) -> String {
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}", body.len());
    raw(proxy, &format!("{head}\r\n\r\n{body}")).await
}

async fn raw(proxy: &Proxy, request: &str) -> String {
    let Ok(mut stream) = connect(proxy).await else { return "refused".into() };
    let mut answer = Vec::new();
    if stream.write_all(request.as_bytes()).await.is_err() || stream.read_to_end(&mut answer).await.is_err() {
        return "cut".into();
    }
    String::from_utf8(answer).unwrap()
}

fn status_and_body(answer: &str) -> (&str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    (head.split(' ').nth(1).unwrap_or_default(), body)
}

#[tokio::test]
async fn every_framing_passes() {
    let (_server, proxy) = pair().await;
    let cases = [
        ("POST", "/items", "abc", ("201", "3 bytes")),
        ("SEARCH", "/items?x=1", "", ("201", "0 bytes")),
        ("GET", "/chunked", "", ("200", "4\r\nlock\r\n4;x=y\r\nstep\r\n0\r\nTrailer: 1\r\n\r\n")),
        ("GET", "/close", "", ("200", "until the end")),
        ("DELETE", "/empty", "", ("204", "")),
        ("HEAD", "/items", "", ("200", "")),
        ("GET", "/early", "", ("200", "ok")),
        ("GET", "/torn", "", ("502", "the server gave no answer: early eof")),
    ];
    for (method, path, body, expected) in cases {
        assert_eq!(status_and_body(&send(&proxy, method, path, body).await), expected, "{method} {path}");
    }
    let seen = proxy.requests();
    assert_eq!(seen.iter().map(|s| s.path.as_str()).collect::<Vec<_>>(), cases.map(|case| case.1));
    assert_eq!(
        seen[0],
        Seen { method: "POST".into(), path: "/items".into(), body_bytes: 3, status: Some(201), fault: None }
    );
}

#[tokio::test]
async fn chunked_requests_and_expectations_pass() {
    let (_server, proxy) = pair().await;
    let request = "POST /files HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n0\r\n\r\n";
    let answer = raw(&proxy, request).await;
    let (proceed, answer) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(proceed, "HTTP/1.1 100 Continue");
    assert_eq!(status_and_body(answer), ("201", "13 bytes"));
}

#[tokio::test]
async fn a_connection_is_kept_alive() {
    let (server, proxy) = pair().await;
    let mut stream = connect(&proxy).await.unwrap();
    let mut reader = None;
    for _ in 0..3 {
        stream.write_all(b"GET /chunked HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut buffered = BufReader::new(&mut stream);
        let response = http::read_response(&mut buffered, "GET").await.unwrap();
        reader = Some(response.status());
    }
    assert_eq!((reader, server.asked()), (Some(200), 3));
}

#[tokio::test]
async fn a_large_body_passes() {
    let (_server, proxy) = pair().await;
    let body = "x".repeat(3_000_000);
    assert_eq!(status_and_body(&send(&proxy, "POST", "/schema/diff", &body).await).1, "3000000 bytes");
}

#[tokio::test]
async fn dropped_before_and_after() {
    let (server, proxy) = pair().await;
    proxy.fault(Rule::new(Fault::DropBefore).method("PATCH"));
    proxy.fault(Rule::new(Fault::DropAfter).method("post").path("/roles").nth(2));
    assert_eq!((send(&proxy, "PATCH", "/roles", "").await.as_str(), server.asked()), ("", 0));
    assert_eq!(status_and_body(&send(&proxy, "POST", "/roles", "").await).0, "201");
    assert_eq!((send(&proxy, "POST", "/roles/2", "").await.as_str(), server.asked()), ("", 2));
    assert_eq!(status_and_body(&send(&proxy, "POST", "/roles", "").await).0, "201");
    assert_eq!(status_and_body(&send(&proxy, "POST", "/users", "").await).0, "201");
    let seen: Vec<_> = proxy.requests().into_iter().map(|s| (s.status, s.fault)).collect();
    let fine = (Some(201), None);
    let expected = [
        (None, Some(Fault::DropBefore)),
        fine.clone(),
        (Some(201), Some(Fault::DropAfter)),
        fine.clone(),
        fine,
    ];
    assert_eq!(seen, expected);
    proxy.clear();
    assert_eq!(proxy.requests(), []);
    assert_eq!(status_and_body(&send(&proxy, "PATCH", "/roles", "").await).0, "201");
    assert_eq!(proxy.requests()[0].status, Some(201));
}

#[tokio::test]
async fn delayed_truncated_and_made_up() {
    let (server, proxy) = pair().await;
    proxy.fault(Rule::new(Fault::Delay(Duration::from_millis(80))).path("/slow"));
    proxy.fault(Rule::new(Fault::TruncateBody(3)).path("/cut").first(1));
    let busy = Fault::respond(429, r#"{"errors":[]}"#).header("Retry-After", "0");
    proxy.fault(Rule::new(busy).path("/busy").from_nth(2));

    let start = Instant::now();
    assert_eq!(status_and_body(&send(&proxy, "GET", "/slow", "").await).0, "201");
    assert!(start.elapsed() >= Duration::from_millis(80));

    let cut = send(&proxy, "GET", "/cut", "").await;
    assert!(cut.contains("Content-Length: 7"));
    assert_eq!(status_and_body(&cut), ("201", "0 b"));
    assert_eq!(status_and_body(&send(&proxy, "GET", "/cut", "").await).1, "0 bytes");

    assert_eq!(status_and_body(&send(&proxy, "GET", "/busy", "").await).0, "201");
    let asked = server.asked();
    for _ in 0..2 {
        let busy = send(&proxy, "GET", "/busy", "").await;
        assert_eq!(status_and_body(&busy), ("429", r#"{"errors":[]}"#));
        assert!(busy.contains("Retry-After: 0\r\n") && busy.contains("Content-Type: application/json\r\n"));
    }
    assert_eq!(server.asked(), asked);
}

#[tokio::test]
async fn a_dead_server_refuses_until_it_is_revived() {
    let (server, proxy) = pair().await;
    proxy.fault(Rule::kill_after(2));
    let mut idle = connect(&proxy).await.unwrap();
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(send(&proxy, "POST", "/roles", "").await);
    }
    let answers: Vec<_> = answers.iter().map(|answer| status_and_body(answer).0).collect();
    assert_eq!((answers, server.asked()), (vec!["201", "201", "", ""], 2));
    assert!(!proxy.is_alive());
    assert!(connect(&proxy).await.is_err());
    assert_eq!(idle.read(&mut [0]).await.unwrap_or_default(), 0);

    proxy.clear();
    proxy.revive().await.unwrap();
    assert!(proxy.is_alive());
    assert_eq!(status_and_body(&send(&proxy, "POST", "/roles", "").await).0, "201");

    proxy.fault(Rule::new(Fault::ApplyAndKill));
    let asked = server.asked();
    let answer = send(&proxy, "POST", "/roles", "").await;
    assert!(answer.is_empty() || answer == "cut", "{answer}");
    assert_eq!(server.asked(), asked + 1);
    assert_eq!(send(&proxy, "POST", "/roles", "").await, "refused");
}

#[tokio::test]
async fn dropping_the_proxy_closes_its_port() {
    let (_server, proxy) = pair().await;
    let address = proxy.address;
    drop(proxy);
    for _ in 0..100 {
        if TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still open");
}

#[tokio::test]
async fn only_loopback() {
    for url in ["http://example.com:80", "https://127.0.0.1:1", "http://127.0.0.1", "http://localhost:x"] {
        assert!(matches!(Proxy::start(url).await, Err(ProxyError::NotLoopback(_))), "{url}");
    }
    assert!(Proxy::start("http://localhost:1/").await.is_ok());
}
