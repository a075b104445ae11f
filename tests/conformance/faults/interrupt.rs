//! A push that the user interrupts.

use std::time::Duration;

use lockstep_testkit::cli::{BINARY, Cli, Ran};
use lockstep_testkit::proxy::{Fault, Proxy, Rule};

use super::Target;

/// Waits until a request has reached the proxy.
pub(super) async fn until_seen(proxy: &Proxy, method: &str, path: &str) {
    let seen = || proxy.requests().iter().any(|seen| seen.method == method && seen.path.starts_with(path));
    for _ in 0..2000 {
        if seen() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {method} {path} within 20 s: {:#?}", proxy.requests());
}

/// Pushes, and sends SIGINT once a request has been seen. The shell writes its process id and becomes Lockstep.
async fn interrupted_at(target: &Target, method: &str, path: &str) -> Ran {
    let binary = std::env::var(BINARY).unwrap();
    let shell = Cli::of("/bin/sh");
    let script = format!("echo $$ > pid; exec '{binary}' \"$@\"");
    let dump = target.cli.files().root().display().to_string();
    let (url, pid) = (target.proxy.url(), shell.dir().join("pid"));
    let arguments = [
        "-c",
        &script,
        "lockstep",
        "push",
        "--json",
        "--dump-path",
        &dump,
        "-u",
        &url,
        "-t",
        target.directus.token(),
    ];
    let signal = async {
        until_seen(&target.proxy, method, path).await;
        let pid = std::fs::read_to_string(&pid).unwrap();
        Cli::of("/bin/sh").run_bare(&["-c", &format!("kill -INT {}", pid.trim())]).await.exits(0);
    };
    tokio::join!(shell.run_bare(&arguments), signal).0
}

#[tokio::test]
async fn while_records_are_written() {
    let target = Target::in_step("11.17.4").await;
    for (method, path) in [("POST", "/folders"), ("POST", "/policies")] {
        target.lose_everything().await;
        let wait = Fault::Delay(Duration::from_secs(3));
        target.proxy.fault(Rule::new(wait).method(method).path(path));
        let ran = interrupted_at(&target, method, path).await;
        let writes: Vec<_> = target.writes().into_iter().map(|seen| seen.method + " " + &seen.path).collect();
        assert!(ran.code == 130, "interrupted at {method} {path}\n{ran}\n{writes:#?}");
        let applied = &ran.json()["error"]["applied"];
        assert_eq!(applied["schema"], true, "{ran}");
        target.recovers(ran, &format!("interrupted at {method} {path}"), &[]).await;
    }
}

#[tokio::test]
async fn before_anything_is_written() {
    let target = Target::in_step("11.17.4").await;
    target.lose("folders").await;
    target.proxy.fault(Rule::new(Fault::Delay(Duration::from_secs(3))).method("GET").path("/roles"));
    let ran = interrupted_at(&target, "GET", "/roles").await.exits(130);
    assert!(target.writes().is_empty(), "{ran}\n{:#?}", target.writes());
    assert!(ran.json()["error"]["message"].is_string());
}
