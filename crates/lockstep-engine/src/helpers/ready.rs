//! Waiting for an instance that is starting.

use std::time::Duration;

use lockstep_directus::{Client, ErrorKind, server};
use serde_json::Value;

use crate::error::EngineError;

/// How to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How long between two looks.
    pub interval: Duration,
    /// How long at most.
    pub timeout: Duration,
    /// How many looks in a row have to find the instance ready; at least one.
    pub successes: u32,
}

/// An instance that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// How often it was looked at.
    pub looks: u32,
}

/// Looks at the health of an instance until it is `ok`, so often in a row. The client is not to repeat requests by itself.
///
/// # Errors
/// [`EngineError::NotReady`], with what the last look met.
pub async fn wait_ready(client: &Client, waiting: Waiting) -> Result<Ready, EngineError> {
    let mut last = None;
    let looking = async {
        let mut in_a_row = 0;
        for looks in 1.. {
            match look(client).await {
                Ok(()) => {
                    in_a_row += 1;
                    if in_a_row >= waiting.successes {
                        return Ready { looks };
                    }
                }
                Err(error) => {
                    in_a_row = 0;
                    last = Some(Box::new(error));
                }
            }
            tokio::time::sleep(waiting.interval).await;
        }
        Ready { looks: u32::MAX }
    };
    let found = tokio::time::timeout(waiting.timeout, looking).await;
    found.map_err(|_| EngineError::NotReady {
        url: client.url().to_owned(),
        seconds: waiting.timeout.as_secs_f64(),
        source: last,
    })
}

/// Succeeds if the instance is ready now. Directus 12 keeps its health to itself where nobody is logged in: there it is
/// enough that it answers.
async fn look(client: &Client) -> Result<(), EngineError> {
    match server::health(client).await {
        Ok(report) => match report.get("status").and_then(Value::as_str) {
            Some("ok") => Ok(()),
            status => Err(EngineError::Unknown(format!("its health is {}", status.unwrap_or("not told")))),
        },
        Err(error) if error.kind() == ErrorKind::Forbidden => Ok(server::ping(client).await.map(drop)?),
        Err(error) => Err(error.into()),
    }
}
