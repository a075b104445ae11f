//! Accepting connections and carrying requests over, or not.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::http::{self, Request, Response};
use super::rule::Fault;
use super::script::{Script, Ticket};

/// More connections wait.
const CONNECTIONS: usize = 256;
/// No answer of a test server takes longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// What becomes of a connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    KeepAlive,
    Close,
}

/// Serves the listener's connections until the server dies.
pub(super) fn spawn(listener: TcpListener, script: Arc<Script>) {
    let run = script.run();
    tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        tokio::select! {
            () = accept(&listener, &script, &places) => {}
            () = script.dying(run) => {}
        }
        drop(listener);
        script.port_closed();
    });
}

async fn accept(listener: &TcpListener, script: &Arc<Script>, places: &Arc<Semaphore>) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (script, run) = (Arc::clone(script), script.run());
        tokio::spawn(async move {
            tokio::select! {
                // a client that goes away, or speaks nonsense, only loses its connection
                _ = connection(stream, &script) => {}
                () = script.dead(run) => {}
            }
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, script: &Script) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut reader = BufReader::new(read);
    while let Some(request) = http::read_request(&mut reader, &mut write).await? {
        let next = exchange(&request, &mut write, script).await?;
        if next == Next::Close || request.wants_close() {
            break;
        }
    }
    write.shutdown().await
}

async fn exchange(request: &Request, client: &mut OwnedWriteHalf, script: &Script) -> io::Result<Next> {
    let (ticket, fault) = script.note(request.method(), request.path(), request.body_bytes());
    match fault {
        None => relay(request, client, script, ticket).await,
        Some(Fault::Delay(duration)) => {
            sleep(duration).await;
            relay(request, client, script, ticket).await
        }
        Some(Fault::Wait(gate)) => {
            gate.opened().await;
            relay(request, client, script, ticket).await
        }
        Some(Fault::DropBefore) => Ok(Next::Close),
        Some(Fault::DropAfter) => {
            forward(request, script, ticket).await;
            Ok(Next::Close)
        }
        Some(Fault::Late(gate)) => {
            client.shutdown().await?;
            gate.opened().await;
            forward(request, script, ticket).await;
            Ok(Next::Close)
        }
        Some(Fault::TruncateBody(bytes)) => {
            let response = forward(request, script, ticket).await;
            client.write_all(&response.truncated(bytes)).await?;
            Ok(Next::Close)
        }
        Some(Fault::Respond { status, headers, body }) => {
            script.answered(ticket, status);
            client.write_all(&Response::made(status, &headers, &body).bytes()).await?;
            Ok(Next::KeepAlive)
        }
        Some(Fault::Kill) => die(script).await,
        Some(Fault::ApplyAndKill) => {
            forward(request, script, ticket).await;
            die(script).await
        }
    }
}

async fn die(script: &Script) -> io::Result<Next> {
    script.kill().await;
    Ok(Next::Close)
}

async fn relay(
    request: &Request,
    client: &mut OwnedWriteHalf,
    script: &Script,
    ticket: Ticket,
) -> io::Result<Next> {
    let response = forward(request, script, ticket).await;
    client.write_all(&response.bytes()).await?;
    Ok(if response.ends_by_close() { Next::Close } else { Next::KeepAlive })
}

/// The server's whole answer; 502 when there is none.
async fn forward(request: &Request, script: &Script, ticket: Ticket) -> Response {
    let response = match timeout(PATIENCE, ask(request, &script.upstream)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => Response::made(502, &[], &format!("the server gave no answer: {error}")),
        Err(_) => Response::made(502, &[], "the server gave no answer in time"),
    };
    script.answered(ticket, response.status());
    response
}

async fn ask(request: &Request, upstream: &str) -> io::Result<Response> {
    let stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut reader = BufReader::new(read);
    let answer = http::read_response(&mut reader, request.method());
    // a server may refuse (413) before it has read everything: its answer counts, not that writing failed
    let bytes = request.bytes();
    let (sent, answer) = tokio::join!(write.write_all(&bytes), answer);
    answer.or_else(|error| sent.and(Err(error)))
}
