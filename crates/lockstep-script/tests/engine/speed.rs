//! That values are passed efficiently, in numbers wide enough for any machine; the figures are in the guide.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::World;

#[test]
fn ten_thousand_records_pass() {
    let record = |index: usize| json!({"name": format!("record {index}"), "status": "active", "options": {"a": [1, 2, 3], "text": "x".repeat(200)}, "_syncId": index.to_string()});
    let records: Vec<Value> = (0..10_000).map(record).collect();
    let script = "exports.hook = (items) => items.map((item) => ({ ...item, name: `🔥 ${item.name}` }))";
    let world = World::new(&[("config.js", script)]);
    let loaded = world.load("config.js").unwrap();
    let began = Instant::now();
    let argument = Value::Array(records).to_string();
    let returned =
        world.block_on(world.engine.call(&loaded.functions["hook"], vec![argument], None)).unwrap();
    let returned: Vec<Value> = returned.parse().unwrap();
    assert_eq!(returned[9_999]["name"], "🔥 record 9999");
    println!("10,000 records: {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_engine_starts_quickly() {
    let began = Instant::now();
    let world = World::new(&[(
        "config.js",
        "module.exports = { a: process.env.A, hooks: { flows: { onDump: (x) => x } } }",
    )]);
    world.load("config.js").unwrap();
    println!("start and load: {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(5));
}
