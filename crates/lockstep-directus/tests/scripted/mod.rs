//! A server that follows a script: one reply for each request, in order of arrival, and a record of what arrived.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does once a request has arrived completely.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Answers, and keeps the connection.
    Answer { status: u16, headers: &'static str, body: String },
    /// Answers, and closes the connection some moments later, while it is idle.
    AnswerThenClose { body: &'static str },
    /// Promises more bytes than it sends.
    Truncated,
    /// Closes the connection.
    Close,
    /// Never answers.
    Silence,
}

pub(crate) fn ok(body: &str) -> Reply {
    status(200, body)
}

pub(crate) fn status(status: u16, body: &str) -> Reply {
    Reply::Answer { status, headers: "", body: body.to_owned() }
}

pub(crate) fn refusal(code_status: u16, code: &str) -> Reply {
    status(code_status, &format!(r#"{{"errors":[{{"message":"No.","extensions":{{"code":"{code}"}}}}]}}"#))
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// Method and target.
    pub(crate) line: String,
    /// All headers, lower-case names.
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) struct Server {
    pub(crate) url: String,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

impl Server {
    pub(crate) async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(script.into_iter().collect::<Vec<_>>().into_iter()));
        let seen = Arc::clone(&arrivals);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                tokio::spawn(async move {
                    let next = move |arrival| {
                        seen.lock().unwrap().push(arrival);
                        script.lock().unwrap().next().unwrap_or(Reply::Close)
                    };
                    serve(stream, next).await
                });
            }
        });
        Self { url, arrivals }
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.arrivals().into_iter().map(|arrival| arrival.line).collect()
    }
}

async fn serve(mut stream: TcpStream, next: impl Fn(Arrival) -> Reply) -> Option<()> {
    loop {
        match next(read(&mut stream).await?) {
            Reply::Answer { status, headers, body } => {
                let length = body.len();
                let text = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
                stream.write_all(text.as_bytes()).await.ok()?;
            }
            Reply::AnswerThenClose { body } => {
                let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(text.as_bytes()).await.ok()?;
                return None;
            }
            Reply::Truncated => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":").await.ok()?;
                return None;
            }
            Reply::Close => return None,
            Reply::Silence => std::future::pending().await,
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Arrival> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    let line = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
    Some(Arrival { line, head, body: String::from_utf8_lossy(&body).into_owned() })
}
