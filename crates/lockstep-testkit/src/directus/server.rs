//! The process of a Directus server: running its command line tool, starting it, waiting until it is ready.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::database::Database;
use super::http::Http;
use super::layout::Layout;
use super::{ADMIN_PASSWORD, ADMIN_TOKEN, Extension};
use crate::Error;
use crate::cache::Cache;
use crate::cli::BINARY;
use crate::error::tail;
use crate::npm::{self, Package};
use crate::port::is_free;
use crate::process::Lifetime;

/// Generous, because tests start many servers at once on small machines; alone it takes about three seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a command of Directus' own command line tool, such as `["bootstrap"]`, in the folder of an instance.
pub(super) fn run(cache: &Cache, layout: &Layout, arguments: &[&str]) -> Result<(), Error> {
    let command = directus(cache, layout, Lifetime::Tied, arguments)?;
    let mut child = Lifetime::Tied.spawn(command).map_err(node_failed)?;
    let status = child.wait().map_err(node_failed)?;
    let what = || format!("directus {} ({})", arguments.join(" "), layout.setup);
    status.success().then_some(()).ok_or_else(|| Error::Program { what: what(), tail: tail(&layout.log()) })
}

/// Starts the server; [`wait_ready`] tells when it can be used.
pub(super) fn start(cache: &Cache, layout: &Layout, lifetime: Lifetime) -> Result<Child, Error> {
    if !is_free(layout.port) {
        return Err(Error::PortTaken { port: layout.port });
    }
    let command = match layout.setup.is_sandbox() {
        true => sandbox(layout, lifetime)?,
        false => directus(cache, layout, lifetime, &["start"])?,
    };
    lifetime.spawn(command).map_err(node_failed)
}

/// Polls the server's health until it is good. Asks as the administrator: Directus 12 tells nobody else.
pub(super) async fn wait_ready(layout: &Layout, child: &mut Child) -> Result<(), Error> {
    let http = Http::new(&layout.url())?;
    let start = Instant::now();
    let (version, log) = (layout.setup.version.clone(), layout.log());
    while start.elapsed() < PATIENCE {
        if child.try_wait().map_err(node_failed)?.is_some() {
            let tail = tail(&log);
            let taken = tail.contains("EADDRINUSE");
            let died = Error::Died { version, log, tail };
            return Err(if taken { Error::PortTaken { port: layout.port } } else { died });
        }
        if http.request("GET", "/server/health", None).await.is_ok_and(|answer| answer.status == 200) {
            return check_extension(layout, &http).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(Error::NotReady { version, seconds: PATIENCE.as_secs(), tail: tail(&log), log })
}

async fn check_extension(layout: &Layout, http: &Http) -> Result<(), Error> {
    if layout.setup.extension == Extension::None {
        return Ok(());
    }
    let answer = http.request("GET", "/directus-extension-sync/table/roles", None).await?;
    let works = answer.status == 200 && answer.body.is_array();
    works
        .then_some(())
        .ok_or_else(|| Error::Extension { status: answer.status, body: answer.body.to_string() })
}

/// The embedded instance of the binary under test.
fn sandbox(layout: &Layout, lifetime: Lifetime) -> Result<Command, Error> {
    let binary = std::env::var_os(BINARY).ok_or(Error::NoBinary { variable: BINARY })?;
    let mut command = lifetime.command(Path::new(&binary), "KILL");
    command.arg("sandbox").arg(format!("--listen=127.0.0.1:{}", layout.port));
    if let Database::Sqlite { file } = &layout.database {
        command.arg("--data").arg(file);
    }
    command.arg(format!("--admin-token={ADMIN_TOKEN}")).arg(format!("--admin-password={ADMIN_PASSWORD}"));
    match layout.setup.extension {
        Extension::None => command.arg("--no-extension"),
        extension => command.arg(format!("--extension={extension}")),
    };
    logged(command, layout)
}

/// Node on the tool's own entry: `directus/cli.js`, which leads there, asks the npm registry for updates first.
fn directus(
    cache: &Cache,
    layout: &Layout,
    lifetime: Lifetime,
    arguments: &[&str],
) -> Result<Command, Error> {
    let package = Package::directus(&layout.setup.version).ensure(cache)?;
    let mut command = lifetime.command(&npm::program("node")?, "KILL");
    command.arg(package.join("node_modules/@directus/api/dist/cli/run.js")).args(arguments);
    logged(command, layout)
}

/// A command in the folder of an instance, whose output goes into its log.
fn logged(mut command: Command, layout: &Layout) -> Result<Command, Error> {
    command.env_clear().current_dir(&layout.dir).stdin(Stdio::null());
    let kept = ["PATH", "HOME", "LANG"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let path = layout.log();
    let log = File::options().create(true).append(true).open(&path).map_err(Error::io("open", &path))?;
    let also = log.try_clone().map_err(Error::io("open", &path))?;
    command.envs(kept).stdout(log).stderr(also);
    Ok(command)
}

fn node_failed(source: std::io::Error) -> Error {
    Error::Io { action: "run", path: Path::new("node").to_owned(), source }
}
