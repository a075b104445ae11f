//! Our `@directus/sdk` gives what the package of npm gave when its answers were recorded (19.1.0, the one of
//! directus-sync 3.4.1). That it still does is checked where the package is, in the conformance suite.

use serde_json::{Value, json};

use crate::world::{World, value_of};

/// `{"command", "arguments", "gives"}` a line; `gives` may be `{"error"}`.
const RECORDED: &str = include_str!("sdk.jsonl");

const EVALUATE: &str = "
const sdk = require('@directus/sdk');
const sorted = (v) => Array.isArray(v) ? v.map(sorted)
  : v && typeof v === 'object' ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])])) : v;
const evaluate = ({ command, arguments: given }) => {
  try {
    const made = sdk[command](...given);
    return sorted(typeof made === 'function' ? made() : made);
  } catch (error) {
    return { error: error.message };
  }
};
module.exports = { names: Object.keys(sdk).sort(), all: (cases) => cases.map(evaluate) };";

#[test]
fn commands_give_what_was_recorded() {
    let recorded: Vec<Value> = RECORDED.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(recorded.len() > 350, "{}", recorded.len());
    let world = World::new(&[("config.js", EVALUATE)]);
    let given: Vec<Value> = world.call("config.js", "all", &json!(recorded)).unwrap().parse().unwrap();
    for (case, given) in recorded.iter().zip(&given) {
        assert_eq!(given, &case["gives"], "{} {}", case["command"], case["arguments"]);
    }
}

#[test]
fn every_name_of_the_sdk_is_there() {
    let names = value_of(EVALUATE)["names"].as_array().unwrap().len();
    assert_eq!(names, 255);
}

#[test]
fn commands_are_wrapped() {
    let script = "
const { readItems, readMe, readFields, withToken, withOptions, withSearch, customEndpoint, isDirectusError } = require('@directus/sdk');
module.exports = {
  token: withToken('t', readMe())(),
  search: withSearch(readItems('posts', { fields: ['a', { b: ['c'] }], limit: 3 }))(),
  noSearch: withSearch(readFields())(),
  options: withOptions(readMe(), { cache: 'no-store' })().onRequest({ method: 'GET' }),
  custom: customEndpoint({ path: '/x', method: 'GET' })(),
  errors: [isDirectusError({ errors: [{ message: '', extensions: { code: 'A' } }] }), isDirectusError(new Error('x'))],
};";
    assert_eq!(
        value_of(script),
        json!({
            "token": {"path": "/users/me", "method": "GET", "params": {}, "headers": {"Authorization": "Bearer t"}},
            "search": {"path": "/items/posts", "method": "SEARCH", "body": r#"{"query":{"fields":["a","b.c"],"limit":3}}"#},
            "noSearch": {"path": "/fields", "method": "GET"},
            "options": {"method": "GET", "cache": "no-store"},
            "custom": {"path": "/x", "method": "GET"},
            "errors": [true, false],
        })
    );
}

#[test]
fn a_client_of_ones_own_fetches() {
    let script = "
import { createDirectus, rest, staticToken, readItems } from '@directus/sdk';
const client = createDirectus('https://cms.example.com/base').with(staticToken('t')).with(rest({ onRequest: (o) => ({ ...o, headers: { ...o.headers, 'x-a': '1' } }) }));
export default await client.request(readItems('posts', { limit: 1 }));";
    let given = value_of(script);
    assert_eq!(given["method"], "GET");
    let headers = given["headers"].to_string();
    assert!(
        headers.contains(r#"["authorization","Bearer t"]"#) && headers.contains(r#"["x-a","1"]"#),
        "{headers}"
    );
}

#[test]
fn the_projects_own_sdk_wins() {
    let world = World::new(&[
        ("config.js", "module.exports = { ...require('@directus/sdk') }"),
        ("node_modules/@directus/sdk/package.json", r#"{"name": "@directus/sdk", "main": "i.js"}"#),
        ("node_modules/@directus/sdk/i.js", "exports.mine = true"),
    ]);
    assert_eq!(world.value("config.js"), json!({"mine": true}));
}
