//! Being told to stop, by Ctrl-C or by another program.

use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

/// Somebody has had enough.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// Returns when that is so. Where signals cannot be heard, they end the program by themselves.
pub(crate) async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = ctrl_c() => {}
        () = terminated => {}
    }
}
