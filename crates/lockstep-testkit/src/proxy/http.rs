//! As much HTTP/1.1 as a proxy needs: heads as raw lines, bodies as raw bytes, and where they end.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest head.
const HEAD: usize = 64 * 1024;
/// The longest body.
const BODY: usize = 256 * 1024 * 1024;

/// Start line and header lines, without their line ends.
#[derive(Debug)]
struct Head {
    start: String,
    headers: Vec<Vec<u8>>,
}

/// A request as it came.
#[derive(Debug)]
pub(super) struct Request {
    head: Head,
    body: Vec<u8>,
}

/// An answer as it came, or as the proxy made it.
#[derive(Debug)]
pub(super) struct Response {
    head: Head,
    body: Vec<u8>,
    ends_by_close: bool,
}

/// Where a body ends.
enum Framing {
    Length(usize),
    Chunked,
    Close,
}

impl Head {
    fn value(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|line| is_named(line, name)).map(|line| {
            let value = &line[name.len() + 1..];
            String::from_utf8_lossy(value).trim().to_owned()
        })
    }

    fn remove(&mut self, name: &str) {
        self.headers.retain(|line| !is_named(line, name));
    }

    fn word(&self, index: usize) -> &str {
        self.start.split(' ').nth(index).unwrap_or_default()
    }

    /// The framing that the headers say, if they say one.
    fn framing(&self) -> io::Result<Option<Framing>> {
        let encoding = self.value("transfer-encoding").unwrap_or_default();
        if encoding.to_ascii_lowercase().contains("chunked") {
            return Ok(Some(Framing::Chunked));
        }
        let Some(length) = self.value("content-length") else { return Ok(None) };
        let length = length.parse().ok().filter(|length| *length <= BODY);
        length.map(|length| Some(Framing::Length(length))).ok_or_else(|| nonsense("content length"))
    }

    /// The bytes with another `Connection` header.
    fn bytes(&self, connection: &str) -> Vec<u8> {
        let mut bytes = self.start.clone().into_bytes();
        bytes.extend_from_slice(b"\r\n");
        let kept = |line: &&Vec<u8>| !is_named(line, "connection") && !is_named(line, "keep-alive");
        for line in self.headers.iter().filter(kept) {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("Connection: {connection}\r\n\r\n").as_bytes());
        bytes
    }
}

impl Request {
    pub(super) fn method(&self) -> &str {
        self.head.word(0)
    }

    pub(super) fn path(&self) -> &str {
        self.head.word(1)
    }

    pub(super) fn body_bytes(&self) -> usize {
        self.body.len()
    }

    /// What goes to the server.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [self.head.bytes("close"), self.body.clone()].concat()
    }

    pub(super) fn wants_close(&self) -> bool {
        self.head.value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl Response {
    /// An answer of the proxy's own.
    pub(super) fn made(status: u16, headers: &[(String, String)], body: &str) -> Self {
        let mut lines: Vec<Vec<u8>> =
            headers.iter().map(|(name, value)| format!("{name}: {value}").into_bytes()).collect();
        lines.push(format!("Content-Length: {}", body.len()).into_bytes());
        let head = Head { start: format!("HTTP/1.1 {status} Scripted"), headers: lines };
        Self { head, body: body.as_bytes().to_vec(), ends_by_close: false }
    }

    pub(super) fn status(&self) -> u16 {
        self.head.word(1).parse().unwrap_or_default()
    }

    /// Does only the end of the connection end the body?
    pub(super) fn ends_by_close(&self) -> bool {
        self.ends_by_close
    }

    /// What goes to the client.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.truncated(self.body.len())
    }

    /// The same with a shorter body; the head still promises all of it.
    pub(super) fn truncated(&self, length: usize) -> Vec<u8> {
        let connection = if self.ends_by_close { "close" } else { "keep-alive" };
        let body = &self.body[..length.min(self.body.len())];
        [self.head.bytes(connection).as_slice(), body].concat()
    }
}

/// The next request of a connection; `None` when the client is done. Answers `Expect: 100-continue` itself.
pub(super) async fn read_request<R, W>(reader: &mut R, writer: &mut W) -> io::Result<Option<Request>>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Some(mut head) = read_head(reader).await? else { return Ok(None) };
    if head.value("expect").is_some() {
        head.remove("expect");
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let body = match head.framing()? {
        Some(framing) => read_body(reader, framing).await?,
        None => Vec::new(),
    };
    Ok(Some(Request { head, body }))
}

/// The answer to a request with `method`, informational ones skipped.
pub(super) async fn read_response<R>(reader: &mut R, method: &str) -> io::Result<Response>
where
    R: AsyncBufRead + Unpin,
{
    loop {
        let head = read_head(reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let response = Response { head, body: Vec::new(), ends_by_close: false };
        match response.status() {
            100..=199 => continue,
            204 | 304 => return Ok(response),
            _ if method.eq_ignore_ascii_case("HEAD") => return Ok(response),
            _ => {}
        }
        let framing = response.head.framing()?.unwrap_or(Framing::Close);
        let ends_by_close = matches!(framing, Framing::Close);
        return Ok(Response { body: read_body(reader, framing).await?, ends_by_close, ..response });
    }
}

async fn read_head<R: AsyncBufRead + Unpin>(reader: &mut R) -> io::Result<Option<Head>> {
    let mut left = HEAD;
    let Some(start) = read_line(reader, &mut left).await? else { return Ok(None) };
    let start = String::from_utf8(start).map_err(|_| nonsense("start line"))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader, &mut left).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok(Some(Head { start, headers }));
        }
        headers.push(line);
    }
}

/// A line without its end, `None` at the end of the stream; `left` is what the head may still take.
async fn read_line<R: AsyncBufRead + Unpin>(reader: &mut R, left: &mut usize) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let length = reader.take(*left as u64).read_until(b'\n', &mut line).await?;
    *left -= length;
    if length == 0 && *left > 0 {
        return Ok(None);
    }
    if *left == 0 {
        return Err(nonsense("head: too long"));
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        line.pop();
    }
    Ok(Some(line))
}

async fn read_body<R: AsyncBufRead + Unpin>(reader: &mut R, framing: Framing) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    match framing {
        Framing::Length(length) => {
            body.resize(length, 0);
            reader.read_exact(&mut body).await?;
        }
        Framing::Chunked => read_chunks(reader, &mut body).await?,
        Framing::Close => {
            reader.take(BODY as u64).read_to_end(&mut body).await?;
        }
    }
    Ok(body)
}

/// Chunks as they are, sizes and trailers included.
async fn read_chunks<R: AsyncBufRead + Unpin>(reader: &mut R, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let line = read_chunk_line(reader, body).await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| nonsense("chunk size"))?;
        if size == 0 {
            while !read_chunk_line(reader, body).await?.is_empty() {}
            return Ok(());
        }
        let from = body.len();
        let until =
            from.checked_add(size).filter(|end| *end <= BODY).ok_or_else(|| nonsense("body: too long"))?;
        body.resize(until + 2, 0);
        reader.read_exact(&mut body[from..]).await?;
    }
}

async fn read_chunk_line<R: AsyncBufRead + Unpin>(reader: &mut R, body: &mut Vec<u8>) -> io::Result<String> {
    let mut left = HEAD;
    let line = read_line(reader, &mut left).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    body.extend_from_slice(&line);
    body.extend_from_slice(b"\r\n");
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn is_named(line: &[u8], name: &str) -> bool {
    line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name.as_bytes())
}

fn nonsense(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed {what}"))
}
