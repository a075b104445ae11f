//! Processes that end with us, and processes that must be recognised before they are ended.
//!
//! 1. A *tied* process dies when this process does, however it ends: the kernel sends it a signal
//!    (`setpriv --pdeathsig`). That signal is sent when the *thread* that started it ends, so all tied processes are
//!    started by one thread that lives as long as the process.
//! 2. A process is only ever signalled by its id, and, where the id was read from a file, only while it is seen to run
//!    in the folder that it was started in: ids are reused.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{LazyLock, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;
use crate::error::last_lines;

type Order = (Command, Sender<io::Result<Child>>);

/// What becomes of a process when this one ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// It ends too.
    Tied,
    /// It stays.
    Detached,
}

impl Lifetime {
    /// A command for such a process, to be started with [`Lifetime::spawn`]. A tied one gets `signal` (as in `KILL`)
    /// at the end; without `setpriv` in PATH it is an ordinary one, which only `Drop` ends.
    pub(crate) fn command(self, program: &Path, signal: &str) -> Command {
        static SETPRIV: LazyLock<Option<PathBuf>> = LazyLock::new(|| find_program("setpriv"));
        let (Self::Tied, Some(setpriv)) = (self, &*SETPRIV) else { return Command::new(program) };
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", signal, "--"]).arg(program);
        command
    }

    /// Starts the process. A detached one does not get the terminal's Ctrl-C.
    pub(crate) fn spawn(self, mut command: Command) -> io::Result<Child> {
        match self {
            Self::Tied => spawn_tied(command),
            Self::Detached => command.process_group(0).spawn(),
        }
    }
}

/// Starts the process from the thread that never ends.
fn spawn_tied(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in inbox {
                // A caller that has gone away wants no answer.
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = mpsc::channel();
    let gone = || io::Error::other("the thread that starts processes has ended");
    spawner.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

/// The first executable of this name in PATH.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Whether the process lives and has `dir` as its working directory. False for a zombie.
pub(crate) fn runs_in(pid: u32, dir: &Path) -> bool {
    let here = std::fs::read_link(format!("/proc/{pid}/cwd"));
    matches!((here, dir.canonicalize()), (Ok(here), Ok(dir)) if here == dir)
}

/// Ends a process that runs in `dir`: asks with `signal`, insists with KILL when `patience` is over. Returns when it is
/// gone, at once when there is none.
pub(crate) fn end(pid: u32, dir: &Path, signal: Signal, patience: Duration) {
    for (signal, patience) in [(signal, patience), (Signal::KILL, Duration::from_secs(10))] {
        if !runs_in(pid, dir) {
            return;
        }
        send(pid, signal);
        wait_until(patience, || !runs_in(pid, dir));
    }
}

/// Polls until `done` or until the time is over; says whether it was done.
pub(crate) fn wait_until(time: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() > time {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a command to its end; it must succeed.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    let what = format!("{} {}", command.get_program().display(), arguments.join(" "));
    let output =
        command.stdin(Stdio::null()).output().map_err(Error::io("run", command.get_program().as_ref()))?;
    let text = String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or_else(|| Error::Program { what, tail: last_lines(&text, 20) })
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // The process may have ended in the meantime, which is what is wanted.
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(dir: &Path) -> Child {
        let mut command = Lifetime::Tied.command(&find_program("sleep").unwrap(), "KILL");
        command.arg("600").current_dir(dir);
        Lifetime::Tied.spawn(command).unwrap()
    }

    #[test]
    fn a_process_is_known_by_its_working_directory() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut child = sleeper(here.path());
        assert!(runs_in(child.id(), here.path()));
        assert!(!runs_in(child.id(), elsewhere.path()));
        end(child.id(), elsewhere.path(), Signal::KILL, Duration::from_secs(5));
        assert!(child.try_wait().unwrap().is_none(), "a process elsewhere is not ours to end");
        end(child.id(), here.path(), Signal::TERM, Duration::from_secs(5));
        assert!(!runs_in(child.id(), here.path()));
        child.wait().unwrap();
    }

    #[test]
    fn a_tied_process_outlives_the_thread_that_asked_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let mut child = thread::spawn(move || sleeper(&path)).join().unwrap();
        thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
