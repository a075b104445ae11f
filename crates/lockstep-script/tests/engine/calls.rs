//! Functions that are called, and the client that they get.

use lockstep_script::{ScriptErrorKind, WebRequest};
use serde_json::{Value, json};

use crate::world::{World, causes};

fn called(script: &str, argument: &Value) -> Value {
    let world = World::new(&[("config.js", script)]);
    world.call("config.js", "hook", argument).unwrap_or_else(|error| panic!("{error}")).parse().unwrap()
}

#[test]
fn values_go_in_and_out() {
    let items = json!([{"name": "ü\"\u{2028}", "n": 1.5, "deep": {"a": [null, true]}, "order": 1, "a": 2}]);
    assert_eq!(called("exports.hook = (items) => items", &items).to_string(), items.to_string());
    assert_eq!(
        called("exports.hook = async (items) => items.map((i) => ({ ...i, n: 2 }))", &items)[0]["n"],
        2
    );
    assert_eq!(called("exports.hook = function (x) { return this === exports }", &items), json!(true));
}

#[test]
fn what_is_returned_is_told() {
    for (script, what) in [
        ("() => {}", "undefined"),
        ("async () => {}", "undefined"),
        ("() => null", "null"),
        ("() => ({})", "object"),
        ("() => []", "array"),
        ("() => 'x'", "string"),
        ("() => () => 1", "function"),
        ("() => Symbol('x')", "symbol"),
    ] {
        let world = World::new(&[("config.js", &format!("exports.hook = {script}"))]);
        let returned = world.call("config.js", "hook", &json!(1)).unwrap();
        assert_eq!(returned.what, what, "{script}");
        assert_eq!(returned.json.is_none(), ["undefined", "function", "symbol"].contains(&what), "{script}");
    }
}

#[test]
fn the_client_sends_commands() {
    let script = "
const { readItems, updateFlow, withToken, withOptions, readMe, customEndpoint } = require('@directus/sdk');
exports.hook = async (id, client) => [
  await client.request(readItems('posts', { filter: { a: { _eq: id } }, fields: ['x', { y: ['z'] }], sort: ['-x'], limit: -1 })),
  await client.request(updateFlow(id, { name: 'n' })),
  await client.request(withToken('other', readMe())),
  await client.request(withOptions(readMe(), (o) => ({ ...o, headers: { ...o.headers, 'X-A': '1' } }))),
  await client.request(() => ({ path: '/x?y', method: 'SEARCH', body: '{}' })),
  await client.request(customEndpoint({ path: '/custom', method: 'get' })),
  client.url.host,
];";
    let filter = json!({"a": {"_eq": 7}}).to_string();
    assert_eq!(
        called(script, &json!(7)),
        json!([
            {"path": "/items/posts", "method": "GET", "params": [["fields", "x,y.z"], ["filter", filter], ["sort", "-x"], ["limit", "-1"]], "body": null, "headers": []},
            {"path": "/flows/7", "method": "PATCH", "params": [], "body": "{\"name\":\"n\"}", "headers": []},
            {"path": "/users/me", "method": "GET", "params": [], "body": null, "headers": [["Authorization", "Bearer other"]]},
            {"path": "/users/me", "method": "GET", "params": [], "body": null, "headers": [["X-A", "1"]]},
            {"path": "/x?y", "method": "SEARCH", "params": [], "body": "{}", "headers": []},
            {"path": "/custom", "method": "GET", "params": [], "body": null, "headers": []},
            "cms.example.com",
        ])
    );
}

#[test]
fn a_request_that_fails_is_an_error_like_the_sdks() {
    let script = "
exports.hook = async (_, client) => {
  try { await client.request(() => ({ path: '/fail', method: 'GET' })); } catch (e) {
    return [e.errors, e.response.status, e.message, e instanceof Error];
  }
};";
    let errors = json!([{"message": "no such item", "extensions": {"code": "FORBIDDEN"}}]);
    assert_eq!(called(script, &json!(0)), json!([errors, 403, "no such item", true]));
    let world = World::new(&[(
        "config.js",
        "exports.hook = async (_, client) => {\n  await client.request(() => ({ path: '/fail' })); }",
    )]);
    let error = world.call("config.js", "hook", &json!(1)).unwrap_err();
    assert_eq!(error.to_string(), "hook in ./config.js: no such item at ./config.js:2:16");
}

#[test]
fn what_cannot_be_sent_is_told() {
    for (command, told) in [
        ("'/items'", "client.request takes a command of @directus/sdk"),
        ("() => 1", "client.request takes a command of @directus/sdk"),
        ("require('@directus/sdk').readAssetBlob('a')", "files cannot be read by a configuration"),
        ("require('@directus/sdk').uploadFiles({})", "only JSON can be sent by a configuration"),
    ] {
        let script = format!("exports.hook = async (_, client) => client.request({command})");
        let error = World::new(&[("config.js", &script)])
            .call("config.js", "hook", &json!(1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn many_requests_run_at_once() {
    let script = "exports.hook = async (n, client) => (await Promise.all(Array.from({ length: n }, (_, i) => \
                  client.request(() => ({ path: '/' + i, method: 'GET' }))))).map((answer) => answer.path)";
    let paths = called(script, &json!(100));
    assert_eq!((paths[0].as_str(), paths[99].as_str()), (Some("/0"), Some("/99")));
}

#[test]
fn calls_may_overlap() {
    let script = "exports.slow = async (_, client) => { await client.request(() => ({ path: '/', method: 'GET' })); return 'slow' };\n\
                  exports.fast = () => 'fast';";
    let world = World::new(&[("config.js", script)]);
    let loaded = world.load("config.js").unwrap();
    let [slow, fast] = ["slow", "fast"].map(|name| loaded.functions[name].clone());
    let client = std::sync::Arc::new(crate::world::Echo);
    let (slow, fast) = world.block_on(async {
        let slow = world.engine.call(&slow, vec!["1".to_owned()], Some(client));
        let fast = world.engine.call(&fast, Vec::new(), None);
        futures::join!(slow, fast)
    });
    assert_eq!(
        (slow.unwrap().json.unwrap(), fast.unwrap().json.unwrap()),
        ("\"slow\"".to_owned(), "\"fast\"".to_owned())
    );
}

#[test]
fn a_stand_in_for_fetch_answers_requests() {
    let script = "
const add = (request) => ({ ...request, headers: { ...request.headers, 'Special-Header': 'secret' } });
module.exports = {
  good: (input, init) => fetch(input, add(init)),
  slow: async (input, init) => { await new Promise((r) => setTimeout(r, 2)); return fetch(new Request(input, add(init))); },
  elsewhere: (input, init) => fetch(`https://z.y${new URL(input).pathname}`, init),
  own: async (input, init) => Response.json({ data: init.body.length }, { status: 418, headers: { 'Retry-After': '3' } }),
  plain: async () => ({ status: 204, headers: { a: 'b' } }),
  read: async (input, init) => { const answer = await fetch(input, init); console.log(await answer.clone().text()); return answer; },
  none: async () => {},
  twice: async (input, init) => { const answer = await fetch(input, init); await answer.json(); return answer; },
  lost: () => fetch('https://lost.b', {}),
  unreachable: async () => { try { return await fetch('https://unreachable.b') } catch (error) { throw error } },
  throws: async () => { throw new Error('no') },
};";
    let world = World::new(&[("config.js", script)]);
    let loaded = world.load("config.js").unwrap();
    let send = |name: &str, body: &[u8]| {
        let request = WebRequest {
            url: "https://a.b/c?d".to_owned(),
            method: "POST".to_owned(),
            headers: vec![("Authorization".to_owned(), "Bearer t".to_owned())],
            body: Some(body.to_vec()),
        };
        world.block_on(world.engine.fetch_by(&loaded.functions[name], request))
    };
    let sent = json!({"method": "POST", "body": "{\"a\":\"ü\"}",
        "headers": [["authorization", "Bearer t"], ["content-type", "text/plain;charset=UTF-8"], ["special-header", "secret"]]});
    for name in ["good", "slow"] {
        let answer = send(name, "{\"a\":\"ü\"}".as_bytes()).unwrap();
        assert_eq!(
            (answer.status, serde_json::from_slice::<Value>(&answer.body).unwrap()),
            (200, sent.clone())
        );
        assert_eq!(answer.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    }
    let own = send("own", b"12345").unwrap();
    assert_eq!((own.status, own.body.as_slice()), (418, b"{\"data\":5}".as_slice()));
    assert!(own.headers.contains(&("retry-after".to_owned(), "3".to_owned())), "{:?}", own.headers);
    assert_eq!((send("plain", b"").unwrap().status, send("elsewhere", b"x").unwrap().status), (204, 200));
    // A body that is no text can be passed on, whole.
    let passed: Value = serde_json::from_slice(&send("good", b"\xff\xfe\x00").unwrap().body).unwrap();
    assert_eq!(passed["body"], "\u{fffd}\u{fffd}\u{0}");
    assert_eq!(send("own", b"\xff").unwrap().body, b"{}");
    send("read", b"x").unwrap();
    assert!(world.printed.lines().concat().contains("Bearer t"));
    for (name, kind, told) in [
        ("none", ScriptErrorKind::Thrown, "has to return a Response"),
        ("twice", ScriptErrorKind::Thrown, "Body has already been read"),
        ("throws", ScriptErrorKind::Thrown, "Error: no at ./config.js:"),
        ("lost", ScriptErrorKind::Unanswered, "fetch failed"),
        ("unreachable", ScriptErrorKind::NotConnected, "fetch failed"),
    ] {
        let error = send(name, b"x").unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(told), "{name}: {error}");
    }
}

#[test]
fn causes_are_kept() {
    let script = "exports.hook = () => { throw new Error('outer', { cause: new TypeError('inner', { cause: 'innermost' }) }) }";
    let error = World::new(&[("config.js", script)]).call("config.js", "hook", &json!(1)).unwrap_err();
    assert_eq!(causes(&error), ["TypeError: inner", "innermost"]);
}
