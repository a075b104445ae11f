//! CommonJS and ES modules, packages, JSON.

use serde_json::json;

use crate::world::{World, error_of, value_of};

#[test]
fn each_way_to_export_is_understood() {
    for (script, value) in [
        ("module.exports = { a: 1 }", json!({"a": 1})),
        ("exports.a = 1; exports.b = [undefined, null]", json!({"a": 1, "b": [null, null]})),
        ("export default { a: 1 }", json!({"a": 1})),
        (
            "/* export default */ module.exports = { a: `\nexport default {}` }",
            json!({"a": "\nexport default {}"}),
        ),
        ("const a = 1;\nexport { a as default };", json!(1)),
        ("export const a = 1, b = 2;", json!({"a": 1, "b": 2})),
        ("const a = await Promise.resolve(1);\nexport default { a };", json!({"a": 1})),
        (
            "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = { a: 1 };",
            json!({"a": 1}),
        ),
        ("module.exports = Promise.resolve({ a: 1 })", json!({"a": 1})),
        ("#!/usr/bin/env node\nmodule.exports = { a: 1 }", json!({"a": 1})),
        (
            "\u{feff}module.exports = { date: new Date(0), f() {}, n: { deep: () => 1 } }",
            json!({"date": "1970-01-01T00:00:00.000Z", "n": {}}),
        ),
    ] {
        assert_eq!(value_of(script), value, "{script}");
    }
}

#[test]
fn functions_are_told_by_their_place() {
    let script = "module.exports = { extends: ['./a'], hooks: { flows: { onDump() {}, async onSave() {} } }, \
                  directusConfig: { restConfig: { onRequest: (o) => o } }, list: [() => 1] }";
    let loaded = World::new(&[("config.js", script)]).load("config.js").unwrap();
    let places: Vec<_> = loaded.functions.keys().map(String::as_str).collect();
    assert_eq!(
        places,
        ["hooks.flows.onDump", "hooks.flows.onSave", "directusConfig.restConfig.onRequest", "list[0]"]
    );
    assert_eq!(loaded.value["list"], json!([null]));
}

#[test]
fn what_is_no_configuration_is_told() {
    for (script, told) in [
        ("module.exports = () => ({})", "the file exports a function; a configuration is an object"),
        ("export default async () => ({})", "the file exports a function; a configuration is an object"),
        ("module.exports = { a: 1n }", "a is a BigInt, which JSON does not have"),
        (
            "module.exports = { a: {} }; module.exports.a.b = module.exports;",
            "a.b refers to what it is part of",
        ),
    ] {
        let error = error_of(script).to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn files_require_and_import_each_other() {
    let files = [
        (
            "config.cjs",
            "const j = require('./data'); module.exports = { j, d: require('./dir').d, x: require('./lib.js')(1), \
                        names: [__filename.split('/').pop(), __dirname === process.cwd(), require.resolve('./lib').endsWith('/lib.js'), module.id === __filename] }",
        ),
        (
            "config.mjs",
            "import j from './data.json' with { type: 'json' };\nimport lib, { extra } from './lib.js';\n\
                        import * as all from './esm.mjs';\nconst later = await import('./dir/index.js');\n\
                        export default { j, lib: lib(1), extra, all: { ...all }, later: later.default.d, \
                        meta: [import.meta.url.startsWith('file:///'), import.meta.dirname === process.cwd(), import.meta.filename.endsWith('/config.mjs')] };",
        ),
        ("data.json", r#"{"a": [1, "ü"]}"#),
        ("lib.js", "module.exports = (x) => x + 1; module.exports.extra = 'e';"),
        ("esm.mjs", "export const one = 1; export default 'two';"),
        ("dir/index.js", "exports.d = require('../data.json').a.length"),
    ];
    let world = World::new(&files);
    assert_eq!(
        world.value("config.cjs"),
        json!({"j": {"a": [1, "ü"]}, "d": 2, "x": 2, "names": ["config.cjs", true, true, true]})
    );
    assert_eq!(
        world.value("config.mjs"),
        json!({"j": {"a": [1, "ü"]}, "lib": 2, "extra": "e", "all": {"one": 1, "default": "two"}, "later": 2, "meta": [true, true, true]})
    );
}

#[test]
fn modules_are_evaluated_once_and_may_need_each_other() {
    let world = World::new(&[
        (
            "config.js",
            "const a = require('./a'); require('./a.js'); module.exports = { a, b: require('./b'), count: globalThis.count }",
        ),
        (
            "a.js",
            "globalThis.count = (globalThis.count || 0) + 1; exports.early = 1; const b = require('./b'); exports.late = b.seen;",
        ),
        ("b.js", "exports.seen = { ...require('./a') };"),
    ]);
    assert_eq!(
        world.value("config.js"),
        json!({"a": {"early": 1, "late": {"early": 1}}, "b": {"seen": {"early": 1}}, "count": 1})
    );
}

#[test]
fn the_type_of_a_package_counts() {
    let world = World::new(&[
        ("package.json", r#"{"type": "module"}"#),
        (
            "config.js",
            "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nexport default { a: require('./old.cjs').a };",
        ),
        ("old.cjs", "exports.a = require('./sub/x').x"),
        ("sub/package.json", r#"{"type": "commonjs"}"#),
        ("sub/x.js", "exports.x = 'x'"),
    ]);
    assert_eq!(world.value("config.js"), json!({"a": "x"}));
}

/// A package as they are published: both kinds, subpaths, patterns, conditions.
const PACKAGE: [(&str, &str); 8] = [
    (
        "node_modules/@tiny/pack/package.json",
        r##"{"name": "@tiny/pack", "version": "1.0.0", "type": "module", "imports": {"#inner": "./lib/inner.js"},
            "exports": {".": {"types": "./x.d.ts", "import": "./esm.js", "require": {"node": "./cjs.cjs", "default": "./no.js"}},
                        "./sub": ["./sub.js"], "./f/*.js": "./lib/*.js", "./f/secret*": null, "./package.json": "./package.json"}}"##,
    ),
    (
        "node_modules/@tiny/pack/esm.js",
        "import inner from '#inner';\nimport { helper } from 'helper';\nexport const kind = 'esm';\nexport default { inner, helper };",
    ),
    ("node_modules/@tiny/pack/cjs.cjs", "exports.kind = 'cjs'; exports.helper = require('helper').helper;"),
    (
        "node_modules/@tiny/pack/sub.js",
        "import { kind } from '@tiny/pack';\nexport const sub = `sub of ${kind}`;",
    ),
    ("node_modules/@tiny/pack/lib/inner.js", "export default 'inner';"),
    ("node_modules/helper/package.json", r#"{"name": "helper", "main": "dist/main"}"#),
    (
        "node_modules/helper/dist/main.js",
        "Object.defineProperty(exports, 'helper', { enumerable: true, get: () => require('./deep').value });",
    ),
    ("node_modules/helper/dist/deep/index.js", "exports.value = 'deep'"),
];

#[test]
fn packages_are_found() {
    let mut files = PACKAGE.to_vec();
    files.extend([
        ("sub/config.cjs", "const p = require('@tiny/pack'); module.exports = { ...p, version: require('@tiny/pack/package.json').version, file: require('helper/dist/deep').value }"),
        ("sub/config.mjs", "import p, { kind } from '@tiny/pack';\nimport { sub } from '@tiny/pack/sub';\nimport inner from '@tiny/pack/f/inner.js';\nexport default { ...p, kind, sub, inner };"),
    ]);
    let world = World::new(&files);
    assert_eq!(
        world.value("sub/config.cjs"),
        json!({"kind": "cjs", "helper": "deep", "version": "1.0.0", "file": "deep"})
    );
    assert_eq!(
        world.value("sub/config.mjs"),
        json!({"inner": "inner", "helper": "deep", "kind": "esm", "sub": "sub of esm"})
    );
}

#[test]
fn es_modules_can_be_required_unless_they_wait() {
    let world = World::new(&[
        (
            "config.cjs",
            "const a = require('./a.mjs'); module.exports = { one: a.one, d: a.default, same: a.one === require('./a.mjs').one }",
        ),
        ("a.mjs", "export const one = { n: 1 }; export default 2;"),
        ("waits.cjs", "require('./w.mjs')"),
        ("w.mjs", "await new Promise((r) => setTimeout(r, 5));\nexport default 1;"),
        ("after.cjs", "module.exports = import('./w.mjs').then((m) => ({ w: m.default }))"),
    ]);
    assert_eq!(world.value("config.cjs"), json!({"one": {"n": 1}, "d": 2, "same": true}));
    let error = world.load("waits.cjs").unwrap_err().to_string();
    assert!(
        error.contains("awaits something at its top level") && error.contains("./waits.cjs:1:"),
        "{error}"
    );
    assert_eq!(world.value("after.cjs"), json!({"w": 1}));
}

#[test]
fn modules_that_are_not_there_are_named_with_who_asks() {
    let mut files = PACKAGE.to_vec();
    files.extend([
        ("a.cjs", "\nrequire('./nothing')"),
        ("b.cjs", "\n\nconst x = require('nothing');"),
        ("c.mjs", "import a from 'os';\nimport { x } from './nothing.js';"),
        ("d.mjs", "export * from 'nothing';"),
        ("e.cjs", "require('@tiny/pack/hidden')"),
        ("f.cjs", "require('./x')"),
        ("x.ts", ""),
        ("g.cjs", "require('./x.ts')"),
        ("h.cjs", "\nrequire('node:http')"),
        ("i.mjs", "import fs from 'fs';\nimport { spawn } from 'child_process';"),
        ("j.cjs", "require()"),
        ("k.cjs", "require('./bad.json')"),
        ("bad.json", "{"),
        ("l.mjs", "import { nope } from 'helper';"),
    ]);
    let world = World::new(&files);
    for (file, told) in [
        ("a.cjs", vec!["./a.cjs: Error: cannot find the module \"./nothing\" at ./a.cjs:2:"]),
        ("b.cjs", vec!["cannot find the package \"nothing\": is it installed? at ./b.cjs:3:"]),
        ("c.mjs", vec!["cannot find the module \"./nothing.js\" (asked for at ./c.mjs:2)"]),
        ("d.mjs", vec!["cannot find the package \"nothing\"", "asked for at ./d.mjs:1"]),
        ("e.cjs", vec!["does not export \"./hidden\"", "at ./e.cjs:1:"]),
        ("f.cjs", vec!["cannot find the module \"./x\""]),
        ("g.cjs", vec!["is TypeScript, which is not read"]),
        (
            "h.cjs",
            vec![
                "the module \"node:http\" of Node is not available here; there are assert, buffer",
                "at ./h.cjs:2:",
            ],
        ),
        (
            "i.mjs",
            vec!["the module \"child_process\" of Node is not available here", "asked for at ./i.mjs:2"],
        ),
        ("j.cjs", vec!["require takes the name of a module, not undefined"]),
        ("k.cjs", vec!["bad.json is not JSON"]),
        ("l.mjs", vec!["nope"]),
        ("none.js", vec!["there is no file"]),
    ] {
        let error = world.load(file).unwrap_err().to_string();
        for told in told {
            assert!(error.contains(told), "{file}: {error}");
        }
    }
    let caught = "try { require('nothing') } catch (e) { module.exports = { code: e.code } }";
    assert_eq!(value_of(caught), json!({"code": "MODULE_NOT_FOUND"}));
}
