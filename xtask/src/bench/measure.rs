//! One run of a program: how long, how many requests, how much memory.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::server::Server;

/// The kernel keeps the peak, so the last look before the end is nearly right.
const LOOK: Duration = Duration::from_millis(5);

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    pub(super) seconds: f64,
    pub(super) requests: usize,
    pub(super) megabytes: f64,
}

/// A program with its arguments, as often as it is to be run.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) folder: PathBuf,
}

#[derive(Debug, thiserror::Error)]
#[error("`{command}` ended with {status}; the end of its output:\n{tail}")]
struct Failed {
    command: String,
    status: std::process::ExitStatus,
    tail: String,
}

/// Runs it once against a server.
///
/// # Errors
/// When it cannot be started, or ends with anything but 0.
pub(super) async fn once(program: &Program, server: &Server) -> Result<Run, Box<dyn Error>> {
    let before = server.requests();
    let program = program.clone();
    let (seconds, megabytes) =
        tokio::task::spawn_blocking(move || program.time().map_err(|error| error.to_string()))
            .await?
            .map_err(Box::<dyn Error>::from)?;
    Ok(Run { seconds, requests: server.requests_settled().await - before, megabytes })
}

/// Runs it several times: the run that took the median time.
///
/// # Errors
/// As [`once`].
pub(super) async fn median(program: &Program, server: &Server, times: usize) -> Result<Run, Box<dyn Error>> {
    let mut runs = Vec::new();
    for _ in 0..times {
        runs.push(once(program, server).await?);
    }
    middle(&runs).ok_or_else(|| "nothing was run".into())
}

/// Runs it several times by itself, without a server: the run that took the median time.
///
/// # Errors
/// When it cannot be started, or ends with anything but 0.
pub(super) fn median_alone(program: &Program, times: usize) -> Result<Run, Box<dyn Error>> {
    let mut runs = Vec::new();
    for _ in 0..times {
        let (seconds, megabytes) = program.time()?;
        runs.push(Run { seconds, requests: 0, megabytes });
    }
    middle(&runs).ok_or_else(|| "nothing was run".into())
}

/// The run that took the median time.
pub(super) fn middle<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Option<Run> {
    let mut runs: Vec<Run> = runs.into_iter().copied().collect();
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    runs.get(runs.len() / 2).copied()
}

impl Program {
    /// Seconds and megabytes.
    pub(super) fn time(&self) -> Result<(f64, f64), Box<dyn Error>> {
        let log = self.folder.join("output.log");
        let out = File::create(&log)?;
        let err = out.try_clone()?;
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).current_dir(&self.folder);
        command
            .env_clear()
            .envs(["PATH", "HOME", "LANG"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let start = Instant::now();
        let mut child = command.spawn()?;
        let watch = Watch::over(child.id());
        let status = child.wait()?;
        let seconds = start.elapsed().as_secs_f64();
        let megabytes = watch.peak();
        if status.success() { Ok((seconds, megabytes)) } else { Err(self.failed(status, &log).into()) }
    }

    fn failed(&self, status: std::process::ExitStatus, log: &Path) -> Failed {
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n");
        let name = self.path.file_name().unwrap_or_default().display();
        Failed { command: format!("{name} {}", self.arguments.join(" ")), status, tail }
    }
}

/// Looks at the peak of a process's memory until it is told to stop.
struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Watch {
    fn over(pid: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut peak = 0;
            while !told.load(Ordering::Relaxed) {
                peak = peak.max(peak_kib(pid).unwrap_or_default());
                thread::sleep(LOOK);
            }
            peak
        });
        Self { over, thread }
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn peak(self) -> f64 {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().map_or(0.0, |kib| kib as f64 * 1024.0 / 1e6)
    }
}

/// The peak of a process so far, in KiB.
pub(super) fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path) -> Program {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        Program { path: "/bin/sh".into(), arguments, variables: Vec::new(), folder: folder.to_owned() }
    }

    #[test]
    fn a_run_takes_its_time_and_some_memory() {
        let folder = tempfile::tempdir().unwrap();
        let (seconds, megabytes) = shell("sleep 0.1", folder.path()).time().unwrap();
        assert!((0.1..5.0).contains(&seconds), "{seconds} s");
        assert!((0.1..100.0).contains(&megabytes), "{megabytes} MB");
    }

    #[test]
    fn a_failure_shows_what_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let error = shell("echo no luck; exit 3", folder.path()).time().unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.ends_with("no luck"), "{error}");
    }
}
