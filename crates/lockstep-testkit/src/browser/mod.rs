//! A page in a headless Chromium, driven by the DevTools protocol. The browser reaches nothing but this machine, and ends
//! when the page is dropped.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lockstep_testkit::browser::Page;
//!
//! let mut page = Page::open("http://127.0.0.1:9188/").await?;
//! page.until("document.querySelector('h1') !== null").await?;
//! assert_eq!(page.evaluate("document.title").await?, "Lockstep live");
//! assert_eq!(page.complaints(), [""; 0]);
//! # Ok(())
//! # }
//! ```

mod devtools;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Error;
use crate::debian::Package;
use crate::process::{Lifetime, end, find_program};
use devtools::DevTools;

/// What Debian packages without a window; the whole browser takes the same arguments.
const CHROMIUM: Package = Package { name: "Chromium", package: "chromium-headless-shell" };
/// So long the browser may take to start, and a condition to come true. Tests start many things at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open page, in a browser of its own.
#[derive(Debug)]
pub struct Page {
    tools: DevTools,
    // Ended before its folder goes.
    _browser: Browser,
}

/// The process of a browser.
#[derive(Debug)]
struct Browser {
    process: Child,
    profile: TempDir,
}

impl Page {
    /// Starts a browser, which is installed first if there is none and we may, and opens a page.
    ///
    /// # Errors
    /// [`Error::ProgramMissing`], [`Error::Program`] when the browser ends at once, [`Error::Browser`], [`Error::Io`].
    pub async fn open(url: &str) -> Result<Self, Error> {
        let mut browser = Browser::start()?;
        let mut tools = DevTools::connect(&browser.address().await?).await?;
        for domain in ["Page", "Network", "Runtime", "Log"] {
            tools.call(&format!("{domain}.enable"), json!({})).await?;
        }
        tools.call("Page.navigate", json!({"url": url})).await?;
        Ok(Self { tools, _browser: browser })
    }

    /// The value of an expression in the page, or of the promise that it is.
    ///
    /// # Errors
    /// [`Error::Browser`] with what was thrown.
    pub async fn evaluate(&mut self, expression: &str) -> Result<Value, Error> {
        let wish = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.tools.call("Runtime.evaluate", wish).await?;
        match answer.pointer("/exceptionDetails/exception/description") {
            Some(thrown) => Err(Error::Browser { command: expression.to_owned(), why: thrown.to_string() }),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Waits until an expression in the page is true.
    ///
    /// # Errors
    /// [`Error::Browser`] with what the page shows, when it does not come true; that of the expression.
    pub async fn until(&mut self, condition: &str) -> Result<(), Error> {
        let start = Instant::now();
        while self.evaluate(condition).await? != true {
            if start.elapsed() > PATIENCE {
                let shown = self.evaluate("document.body.innerText").await?;
                let why = format!("not in time; the page shows:\n{}", shown.as_str().unwrap_or_default());
                return Err(Error::Browser { command: condition.to_owned(), why });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Shows the page in a window of this size from now on, in dark colours or light ones.
    ///
    /// # Errors
    /// [`Error::Browser`].
    pub async fn resize(&mut self, width: u32, height: u32, dark: bool) -> Result<(), Error> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tools.call("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.tools.call("Emulation.setEmulatedMedia", media).await.map(drop)
    }

    /// What the window shows, written to a file as PNG.
    ///
    /// # Errors
    /// [`Error::Browser`], [`Error::Io`].
    pub async fn screenshot(&mut self, file: &Path) -> Result<(), Error> {
        let shot = self.tools.call("Page.captureScreenshot", json!({"format": "png"})).await?;
        let bytes = BASE64_STANDARD.decode(shot["data"].as_str().unwrap_or_default());
        let bytes = bytes.map_err(|error| Error::Browser {
            command: "Page.captureScreenshot".into(),
            why: error.to_string(),
        })?;
        fs::write(file, bytes).map_err(Error::io("write", file))
    }

    /// What was asked for so far, as URLs.
    pub fn requests(&self) -> Vec<String> {
        self.events("Network.requestWillBeSent").map(|event| text(&event["request"]["url"])).collect()
    }

    /// What was wrong so far: errors and warnings of scripts, of the console, and of the browser itself.
    pub fn complaints(&self) -> Vec<String> {
        let is_bad = |level: &Value| level == "error" || level == "warning";
        let thrown =
            self.events("Runtime.exceptionThrown").map(|event| event["exceptionDetails"].to_string());
        let said = self.events("Runtime.consoleAPICalled").filter(|event| is_bad(&event["type"]));
        let logged = self.events("Log.entryAdded").filter(|event| is_bad(&event["entry"]["level"]));
        thrown
            .chain(said.map(|event| event["args"].to_string()))
            .chain(logged.map(|event| format!("{} {}", text(&event["entry"]["text"]), event["entry"]["url"])))
            .collect()
    }

    fn events(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.tools.events.iter().filter(move |event| event["method"] == name).map(|event| &event["params"])
    }
}

impl Browser {
    fn start() -> Result<Self, Error> {
        let program = CHROMIUM.program(CHROMIUM.package, find)?;
        let profile =
            TempDir::with_prefix("lockstep-browser-").map_err(Error::io("create", &std::env::temp_dir()))?;
        let dir = profile.path();
        let mut command = Lifetime::Tied.command(&program, "KILL");
        command.args([
            "--headless",
            // It is only shown pages of the test, and may be run by root.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            "--no-proxy-server",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--remote-debugging-port=0",
        ]);
        command.arg(format!("--user-data-dir={}", dir.display())).arg("about:blank");
        let log = log(dir);
        let output = File::create(&log).map_err(Error::io("create", &log))?;
        command.env("HOME", dir).current_dir(dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let process = Lifetime::Tied.spawn(command).map_err(Error::io("run", &program))?;
        Ok(Self { process, profile })
    }

    /// The address that the browser can be told what to do at: it writes it to a file.
    async fn address(&mut self) -> Result<String, Error> {
        let file = self.profile.path().join("DevToolsActivePort");
        let start = Instant::now();
        loop {
            let written = fs::read_to_string(&file).unwrap_or_default();
            if let Some((port, path)) = written.trim_end().split_once('\n') {
                return Ok(format!("ws://127.0.0.1:{port}{path}"));
            }
            let ended = self.process.try_wait().map_err(Error::io("wait for", &file))?.is_some();
            if ended || start.elapsed() > PATIENCE {
                let tail = crate::error::tail(&log(self.profile.path()));
                return Err(Error::Program { what: "starting Chromium".to_owned(), tail });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        end(self.process.id(), self.profile.path(), Signal::TERM, Duration::from_secs(10));
        // What is ended has been waited for, or ended by itself.
        let _ = self.process.wait();
    }
}

/// The program itself: what Debian has in PATH is a script that stays between us and the browser.
fn find(name: &str) -> Option<PathBuf> {
    let itself = Path::new("/usr/lib/chromium").join(name);
    Some(itself)
        .filter(|file| file.is_file())
        .or_else(|| find_program(name))
        .or_else(|| find_program("chromium"))
}

fn log(dir: &Path) -> PathBuf {
    dir.join("browser.log")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
