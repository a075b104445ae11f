//! What people read when a script fails.

use serde_json::json;

use crate::world::{World, error_of};

#[test]
fn errors_of_loading_name_the_place() {
    for (script, told) in [
        ("const a = ;", "./config.js: SyntaxError: unexpected token in expression: ';' at ./config.js:1:11"),
        (
            "\n\n  undefined.x",
            "./config.js: TypeError: cannot read property 'x' of undefined at ./config.js:3:3",
        ),
        ("missing()", "./config.js: ReferenceError: missing is not defined at ./config.js:1:1"),
        (
            "export default {\n  a: missing,\n};",
            "./config.js: ReferenceError: missing is not defined at ./config.js:2:6",
        ),
        ("export default {,};", "./config.js: SyntaxError: invalid property name at ./config.js:1:17"),
        ("throw 'a text'", "./config.js: a text"),
        ("throw { code: 7 }", "./config.js: { code: 7 } was thrown"),
        (
            "throw null",
            "./config.js: it needs more than the 256 MB of memory that it may have, or throws null",
        ),
        (
            "class Mine extends Error { name = 'Mine' }\nthrow new Mine('m')",
            "./config.js: Mine: m at ./config.js:2:11",
        ),
        (
            "module.exports = Promise.reject(new RangeError('r'))",
            "./config.js: RangeError: r at ./config.js:1:37",
        ),
    ] {
        assert_eq!(error_of(script).to_string(), told, "{script}");
    }
}

#[test]
fn errors_of_hooks_name_hook_file_and_line() {
    let world = World::new(&[
        (
            "sub/config.js",
            "const helper = require('../lib/helper');\nmodule.exports = { hooks: { flows: {\n  onDump: (items) => helper(items),\n  onSave: async () => {\n    await null;\n    throw new Error('late');\n  } } } };",
        ),
        (
            "lib/helper.js",
            "module.exports = function map(items) {\n  return items.map((item) => item.a.b);\n};",
        ),
    ]);
    let error = world.call("sub/config.js", "hooks.flows.onDump", &json!([{}])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "hooks.flows.onDump in ./sub/config.js: TypeError: cannot read property 'b' of undefined at ./lib/helper.js:2:30"
    );
    let frames: Vec<_> = error.frames().iter().map(ToString::to_string).collect();
    assert_eq!(frames[1..], ["./lib/helper.js:2:16", "./sub/config.js:3:29"]);
    let error = world.call("sub/config.js", "hooks.flows.onSave", &json!([])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "hooks.flows.onSave in ./sub/config.js: Error: late at ./sub/config.js:6:15"
    );
    assert_eq!((error.function(), error.file()), (Some("hooks.flows.onSave"), "./sub/config.js"));
}

#[test]
fn what_json_cannot_hold_is_told() {
    let script = "exports.a = () => { const a = {}; a.a = a; return a };\nexports.b = () => 1n;";
    let world = World::new(&[("config.js", script)]);
    for (function, told) in [("a", "circular reference"), ("b", "BigInt")] {
        let error = world.call("config.js", function, &json!(1)).unwrap_err().to_string();
        assert!(
            error.contains(told) && error.starts_with(&format!("{function} in ./config.js: TypeError")),
            "{error}"
        );
    }
}
