//! A WebSocket client of the least kind: whole text messages, which is all that Directus speaks.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// How long is waited for a message that must come.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long nothing more may come after the last one.
const SILENCE: Duration = Duration::from_millis(150);
/// How long one waits for the first message when nobody knows how many will come.
const CURIOSITY: Duration = Duration::from_millis(800);

/// An open connection.
#[derive(Debug)]
pub(crate) struct Socket {
    writer: OwnedWriteHalf,
    messages: UnboundedReceiver<Value>,
    reader: JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Socket {
    /// Connects; the error is the status that the server answered instead.
    pub(crate) async fn open(url: &str, path: &str) -> Result<Self, String> {
        let host = url.trim_start_matches("http://");
        let stream = TcpStream::connect(host).await.map_err(|error| error.to_string())?;
        let (mut reader, mut writer) = stream.into_split();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bG9ja3N0ZXAtbG9ja3N0ZQ==\r\n\r\n"
        );
        writer.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match timeout(PATIENCE, reader.read_u8()).await {
                Ok(Ok(byte)) => head.push(byte),
                // What is no path of WebSockets is answered by silence.
                Ok(Err(_)) => return Err("closed".into()),
                Err(_) => return Err("silence".into()),
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = head.split(' ').nth(1).unwrap_or_default();
        if status != "101" {
            return Err(status.to_owned());
        }
        let (sender, messages) = unbounded_channel();
        let reader = tokio::spawn(async move {
            while let Ok((kind, payload)) = frame(&mut reader).await {
                let message = match kind {
                    TEXT => serde_json::from_slice(&payload)
                        .unwrap_or_else(|_| json!(String::from_utf8_lossy(&payload))),
                    CLOSE => json!({ "closed": payload.first_chunk().map(|code| u16::from_be_bytes(*code)) }),
                    // The server's own pings come when it likes.
                    PING | PONG => continue,
                    kind => json!({ "frame": kind }),
                };
                if sender.send(message).is_err() || kind == CLOSE {
                    return;
                }
            }
        });
        Ok(Self { writer, messages, reader })
    }

    /// Sends a text. Clients must mask what they send; the mask of zeros leaves it as it is.
    pub(crate) async fn send(&mut self, text: &str) -> Result<(), String> {
        let mut frame = vec![0x80 | TEXT];
        match text.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long @ 126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend((long as u16).to_be_bytes());
            }
            longer => {
                frame.push(0x80 | 127);
                frame.extend((longer as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.writer.write_all(&frame).await.map_err(|error| error.to_string())
    }

    /// The messages that come: as many as are expected, and any beyond that arrive right after.
    pub(crate) async fn receive(&mut self, expected: Option<usize>) -> Vec<Value> {
        let mut received = Vec::new();
        loop {
            let patience = match expected {
                Some(count) if received.len() < count => PATIENCE,
                None if received.is_empty() => CURIOSITY,
                _ => SILENCE,
            };
            match timeout(patience, self.messages.recv()).await {
                Ok(Some(message)) => received.push(message),
                Ok(None) | Err(_) => return received,
            }
        }
    }
}

async fn frame(reader: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<(u8, Vec<u8>)> {
    let (first, second) = (reader.read_u8().await?, reader.read_u8().await?);
    let length = match second & 0x7f {
        126 => u64::from(reader.read_u16().await?),
        127 => reader.read_u64().await?,
        short => u64::from(short),
    };
    let mut payload = vec![0; usize::try_from(length).unwrap_or(0)];
    reader.read_exact(&mut payload).await?;
    Ok((first & 0x0f, payload))
}
