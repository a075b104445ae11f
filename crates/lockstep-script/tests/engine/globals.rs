//! What scripts find of Node.

use lockstep_script::Level;
use serde_json::{Value, json};

use crate::world::{World, error_of, value_of};

/// The value of an expression.
fn shown(expression: &str) -> Value {
    value_of(&format!("module.exports = {{ value: {expression} }}"))["value"].clone()
}

#[test]
fn expressions() {
    for (expression, value) in [
        // URL
        (
            "new URL('../b?x=1#h', 'https://u:p@example.com:8080/a/c').href",
            json!("https://u:p@example.com:8080/b?x=1#h"),
        ),
        (
            "(() => { const u = new URL('https://a.b/c'); u.searchParams.append('q', 'a b&c'); u.pathname = '/ü'; u.port = '81'; return String(u) })()",
            json!("https://a.b:81/%C3%BC?q=a+b%26c"),
        ),
        (
            "(() => { const u = new URL('https://a.b/?a=1&a=2'); u.search = '?b=3'; return [u.searchParams.get('b'), u.searchParams.has('a'), u.origin] })()",
            json!(["3", false, "https://a.b"]),
        ),
        ("[...new URLSearchParams({ b: '1', a: 'x y' })].join()", json!("b,1,a,x y")),
        ("URL.canParse('nothing')", json!(false)),
        (
            "(() => { try { new URL('nothing') } catch (e) { return [e.name, e.code] } })()",
            json!(["TypeError", "ERR_INVALID_URL"]),
        ),
        ("require('url').fileURLToPath('file:///a/b%20c')", json!("/a/b c")),
        ("require('node:url').pathToFileURL('/a/b c').href", json!("file:///a/b%20c")),
        // text and bytes
        ("[...new TextEncoder().encode('aü€😀')].length", json!(10)),
        ("new TextDecoder().decode(Uint8Array.of(0xe2, 0x82, 0xac))", json!("€")),
        ("btoa('hello') + atob('aGk=')", json!("aGVsbG8=hi")),
        (
            "Buffer.from('aü€').toString('base64') + Buffer.from('YcO8', 'base64') + Buffer.from('6869', 'hex') + Buffer.from('hi').toString('hex')",
            json!("YcO84oKsaühi6869"),
        ),
        (
            "Buffer.concat([Buffer.from('a'), Buffer.from('bc')]).toString() + Buffer.isBuffer(Buffer.alloc(2)) + Buffer.byteLength('ü')",
            json!("abctrue2"),
        ),
        // copies
        (
            "(() => { const a = { d: new Date(0), m: new Map([[1, new Set([2])]]) }; a.self = a; const b = structuredClone(a); return [b !== a, b.self === b, b.d.getTime(), b.m.get(1).has(2)] })()",
            json!([true, true, 0, true]),
        ),
        (
            "(() => { try { structuredClone(() => 1) } catch (e) { return e.name } })()",
            json!("DataCloneError"),
        ),
        // randomness
        (
            "/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()) && crypto.randomUUID() !== require('crypto').randomUUID()",
            json!(true),
        ),
        ("crypto.getRandomValues(new Uint8Array(4)).length", json!(4)),
        // path
        ("require('path').join('/a', '..', 'b', './c.js')", json!("/b/c.js")),
        ("require('path').resolve('x', '../y') === process.cwd() + '/y'", json!(true)),
        (
            "(({ basename, dirname, extname, relative, parse, format, normalize, isAbsolute, sep }) => [basename('/a/b.js', '.js'), dirname('/a/b.js'), dirname('x'), extname('a.b.c'), extname('.env'), relative('/a/b', '/a/c/d'), parse('/a/b.js'), format({ dir: '/x', base: 'y' }), normalize('a//b/../c/'), isAbsolute('/'), sep])(require('node:path'))",
            json!(["b", "/a", ".", ".c", "", "../c/d", {"root": "/", "dir": "/a", "base": "b.js", "ext": ".js", "name": "b"}, "/x/y", "a/c/", true, "/"]),
        ),
        // util
        (
            "require('util').format('%s is %d%% of %j', 'a', 5, { b: 1 }, 'more')",
            json!("a is 5% of {\"b\":1} more"),
        ),
        (
            "require('util').inspect({ a: [1, 'x'], 'b-c': new Map([[1, { d: null }]]), f() {}, n: undefined })",
            json!(
                "{\n  a: [ 1, 'x' ],\n  'b-c': Map(1) { 1 => { d: null } },\n  f: [Function: f],\n  n: undefined\n}"
            ),
        ),
        (
            "require('util').isDeepStrictEqual({ a: [1, new Date(0)] }, { a: [1, new Date(0)] }) && !require('util').isDeepStrictEqual({ a: 1 }, { a: '1' })",
            json!(true),
        ),
        (
            "(() => { const a = {}; a.a = a; return require('util').inspect(a) })()",
            json!("{ a: [Circular *1] }"),
        ),
        // process
        (
            "[process.env.HOME_OF, process.env.NOTHING, typeof process.version, process.argv.length]",
            json!([null, null, "string", 1]),
        ),
        ("global === globalThis && typeof performance.now()", json!("number")),
        ("require('os').EOL + require('events').name", json!("\nEventEmitter")),
        (
            "(() => { try { require('assert').deepStrictEqual({ a: 1 }, { a: 2 }) } catch (e) { return e.code } })()",
            json!("ERR_ASSERTION"),
        ),
        ("require('module').builtinModules.includes('fs/promises')", json!(true)),
    ] {
        assert_eq!(shown(expression), value, "{expression}");
    }
}

#[test]
fn promises_of_time_and_order() {
    let script = "
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'util';
const order = [];
setTimeout(() => order.push('timeout'), 3);
setImmediate(() => order.push('immediate'));
queueMicrotask(() => order.push('microtask'));
process.nextTick(() => order.push('tick'));
let ticks = 0;
const interval = setInterval(() => { ticks += 1; if (ticks === 3) clearInterval(interval); }, 1);
clearTimeout(setTimeout(() => order.push('never'), 1));
await wait(20);
const given = await promisify((a, callback) => setTimeout(callback, 1, null, a + 1))(1);
const controller = new AbortController();
setTimeout(() => controller.abort(), 2);
const aborted = await new Promise((resolve) => controller.signal.addEventListener('abort', () => resolve(controller.signal.reason.name)));
export default { order, ticks, given, aborted };";
    assert_eq!(
        value_of(script),
        json!({"order": ["microtask", "tick", "immediate", "timeout"], "ticks": 3, "given": 2, "aborted": "AbortError"})
    );
}

#[test]
fn the_environment_is_what_the_caller_gives() {
    let world = World::with(
        &[("config.js", "process.env.ADDED = 'x'; module.exports = { ...process.env }")],
        |options| {
            options.environment = [("ONE".to_owned(), "1".to_owned())].into();
        },
    );
    assert_eq!(world.value("config.js"), json!({"ONE": "1", "ADDED": "x"}));
}

#[test]
fn the_console_prints_lines() {
    let script = "console.log('a %s', 'b', { c: [1] }); console.warn(new Error('x').message); console.error([1, 2]); \
                  console.debug('d'); console.group('g'); console.info('in\\nner'); console.groupEnd(); console.log(); \
                  console.assert(false, 'why'); process.stdout.write('out\\n')";
    let world = World::new(&[("config.js", script)]);
    world.load("config.js").unwrap();
    assert_eq!(
        world.printed.lines(),
        ["a b { c: [ 1 ] }", "x", "[ 1, 2 ]", "d", "g", "  in\n  ner", "", "Assertion failed: why", "out"]
    );
    assert_eq!(world.printed.levels()[..4], [Level::Log, Level::Warn, Level::Error, Level::Debug]);
}

#[test]
fn files_can_be_read_and_not_written() {
    let script = "
const fs = require('fs');
const { readFile, readdir, stat } = require('node:fs/promises');
const errors = [];
for (const read of [() => fs.readFileSync('./nothing'), () => fs.readFileSync('dir'), () => fs.writeFileSync('x', ''), () => fs.readdirSync('a.txt')]) {
  try { read(); } catch (e) { errors.push(e.code || e.message); }
}
module.exports = (async () => ({
  text: fs.readFileSync('a.txt', 'utf8'), bytes: [...fs.readFileSync('a.txt')].length, base64: fs.readFileSync('a.txt', { encoding: 'base64' }),
  there: [fs.existsSync('a.txt'), fs.existsSync('b.txt')], list: fs.readdirSync('.'), deep: fs.readdirSync('.', { recursive: true }),
  kinds: fs.readdirSync('.', { withFileTypes: true }).map((entry) => entry.isDirectory()),
  stat: [fs.statSync('dir').isDirectory(), (await stat('a.txt')).size, fs.statSync('x', { throwIfNoEntry: false }) === undefined],
  later: await readFile(new URL('file://' + process.cwd() + '/a.txt'), 'utf8'), names: await readdir('dir'), errors,
}))();";
    let world = World::new(&[("config.js", script), ("a.txt", "ü!"), ("dir/b.json", "{}")]);
    assert_eq!(
        world.value("config.js"),
        json!({
            "text": "ü!", "bytes": 3, "base64": "w7wh", "there": [true, false], "list": ["a.txt", "config.js", "dir"],
            "deep": ["a.txt", "config.js", "dir", "dir/b.json"], "kinds": [false, false, true], "stat": [true, 3, true],
            "later": "ü!", "names": ["b.json"],
            "errors": ["ENOENT", "EISDIR", "fs.writeFile is not available: a configuration can only read files", "ENOTDIR"],
        })
    );
}

#[test]
fn things_are_fetched_by_the_caller() {
    let script = "
const answer = await fetch('https://example.com/a', { method: 'post', headers: { 'X-Key': 'k' }, body: JSON.stringify({ a: 1 }) });
const failed = await fetch('https://unreachable.example.com').catch((e) => [e.message, e.cause.message]);
const made = Response.json({ x: 1 }, { status: 201 });
export default { ok: answer.ok, status: answer.status, type: answer.headers.get('Content-Type'), body: await answer.json(), failed, made: [made.status, await made.json()] };";
    assert_eq!(
        value_of(script),
        json!({
            "ok": true, "status": 200, "type": "application/json",
            "body": {"method": "POST", "headers": [["content-type", "text/plain;charset=UTF-8"], ["x-key", "k"]], "body": "{\"a\":1}"},
            "failed": ["fetch failed", "connection refused"], "made": [201, {"x": 1}],
        })
    );
    let world =
        World::with(&[("config.mjs", "await fetch('https://example.com')")], |options| options.fetch = None);
    assert!(world.load("config.mjs").unwrap_err().to_string().contains("fetch failed"));
}

#[test]
fn what_would_end_or_change_the_program_is_refused() {
    for (script, told) in [
        ("process.exit(1)", "process.exit is not available"),
        ("require('crypto').createHash('md5')", "crypto.createHash is not available"),
        ("new FormData()", "FormData is not available"),
        ("process.chdir('/')", "process.chdir is not available"),
    ] {
        let error = error_of(script).to_string();
        assert!(error.contains(told) && error.contains("./config.js:1:"), "{error}");
    }
}
