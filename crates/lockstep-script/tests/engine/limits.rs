//! Scripts that would not end, or take all there is.

use std::time::{Duration, Instant};

use lockstep_script::{Options, ScriptErrorKind};
use serde_json::json;

use crate::world::World;

fn short(options: &mut Options) {
    options.timeout = Duration::from_millis(300);
    options.memory_limit = 32 << 20;
}

#[test]
fn loops_end() {
    for (script, place) in [
        ("module.exports.hook = () => {\n  for (;;)\n    Math.abs(1);\n}", Some(3)),
        ("module.exports.hook = async () => {\n  await null;\n  while (true) ;\n}", None),
        (
            "module.exports.hook = () => { try {\n  for (;;) {} } catch { return 1 } finally { for (;;) {} } }",
            None,
        ),
        (
            "module.exports.hook = () => new Promise(function again() { Promise.resolve().then(again); })",
            None,
        ),
        ("module.exports.hook = () => new Promise((resolve) => setInterval(() => 1, 1))", None),
        ("module.exports.hook = () => new Promise((resolve) => setTimeout(resolve, 100000))", None),
        ("module.exports.hook = () => /(a+)+$/.test('a'.repeat(40) + 'b')", None),
    ] {
        let world = World::with(&[("config.js", script)], short);
        let began = Instant::now();
        let error = world.call("config.js", "hook", &json!([])).unwrap_err();
        assert_eq!(error.kind(), ScriptErrorKind::Timeout, "{script}: {error}");
        assert!(error.to_string().starts_with("hook in ./config.js: it did not end within 0.3 s"), "{error}");
        if let Some(line) = place {
            assert_eq!(error.place().map(|place| place.line), Some(line), "{script}: {error}");
        }
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn loops_end_while_a_file_is_loaded() {
    for file in ["config.js", "config.mjs"] {
        let world = World::with(&[(file, "\nfor (;;) {}")], short);
        let error = world.load(file).unwrap_err();
        assert_eq!(error.kind(), ScriptErrorKind::Timeout, "{error}");
        // Nothing can be expected of the engine any more.
        assert_eq!(world.load(file).unwrap_err().kind(), ScriptErrorKind::Stopped);
    }
}

#[test]
fn memory_is_limited() {
    for script in [
        "exports.hook = () => {\n  const all = [];\n  for (;;) all.push(new Array(1000).fill(0));\n}",
        "exports.hook = () => { let s = 'x'; for (;;) s += s + s; }",
        "exports.hook = async () => {\n  await null;\n  const all = [];\n  for (;;) all.push({ a: all.length });\n}",
        "exports.hook = () => new Uint8Array(1 << 30)",
    ] {
        let world = World::with(&[("config.js", script)], |options| options.memory_limit = 32 << 20);
        let error = world.call("config.js", "hook", &json!([])).unwrap_err();
        let told = error.to_string();
        let large = told.contains("RangeError") || told.contains("string too long");
        assert!(error.kind() == ScriptErrorKind::Memory || large, "{script}: {told}");
        if !large {
            assert!(told.starts_with("hook in ./config.js: ") && told.contains("32 MB"), "{told}");
        }
    }
}

#[test]
fn recursion_without_end_is_an_error_of_the_script() {
    let world = World::new(&[("config.js", "exports.hook = function f(n) {\n  return f(n + 1);\n}")]);
    let error = world.call("config.js", "hook", &json!(0)).unwrap_err();
    assert!(
        error.to_string().starts_with("hook in ./config.js: RangeError: Maximum call stack size exceeded"),
        "{error}"
    );
    assert_eq!(error.place().map(|place| place.line), Some(2));
}

#[test]
fn a_promise_that_nothing_can_settle_is_told_at_once() {
    for script in [
        "exports.hook = () => new Promise(() => {})",
        "exports.hook = async (_, client) => { await client.request(() => ({ path: '/', method: 'GET' })); await new Promise(() => {}); }",
        "exports.hook = async () => { await new Promise((r) => setTimeout(r, 5)); await new Promise(() => {}); }",
    ] {
        let world = World::new(&[("config.js", script)]);
        let began = Instant::now();
        let error = world.call("config.js", "hook", &json!([])).unwrap_err();
        assert_eq!(error.kind(), ScriptErrorKind::NeverSettles, "{error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{script}");
    }
}

#[test]
fn waiting_for_requests_takes_no_time_of_the_script() {
    struct Slow;
    impl lockstep_script::Client for Slow {
        fn url(&self) -> String {
            "https://a.b".to_owned()
        }

        fn send(
            &self,
            _: lockstep_script::Request,
        ) -> lockstep_script::Future<Result<serde_json::Value, lockstep_script::ClientError>> {
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(600)).await;
                Ok(json!({"data": 1}))
            })
        }
    }
    let script = "exports.hook = (_, client) => client.request(() => ({ path: '/', method: 'GET' }))";
    let world = World::with(&[("config.js", script)], short);
    let loaded = world.load("config.js").unwrap();
    let client = std::sync::Arc::new(Slow);
    let returned =
        world.block_on(world.engine.call(&loaded.functions["hook"], vec!["1".to_owned()], Some(client)));
    assert_eq!(returned.unwrap().json.as_deref(), Some("1"));
}

#[test]
fn a_call_that_nobody_waits_for_ends() {
    let script = "exports.slow = () => new Promise((r) => setTimeout(r, 100000));\nexports.quick = () => 1;";
    let world = World::new(&[("config.js", script)]);
    let loaded = world.load("config.js").unwrap();
    world.block_on(async {
        let slow = world.engine.call(&loaded.functions["slow"], Vec::new(), None);
        let quick = world.engine.call(&loaded.functions["quick"], Vec::new(), None);
        futures::pin_mut!(slow);
        // Once the second is answered the first has begun, and is dropped.
        futures::future::select(slow, Box::pin(quick)).await;
    });
    let again = world.block_on(world.engine.call(&loaded.functions["quick"], Vec::new(), None));
    assert_eq!(again.unwrap().json.as_deref(), Some("1"));
}
