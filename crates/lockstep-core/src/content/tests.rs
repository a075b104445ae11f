use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::collection::{Collection, Key, LabelPart, Registry};
use crate::identity::matching::{Sides, match_records};
use crate::identity::specials::{CurrentUser, Specials};
use crate::identity::{DumpRecords, InstanceRows, Mappings, PreserveIds};
use crate::plan::{Limits, Plan, Verb, plan};
use crate::reconcile::{Changes, Comparison, Mode, Problem, Rules, reconcile};
use crate::record::{Fields, LocalId, Record, Row};
use crate::schema::Snapshot;
use crate::transform::Transformed;

fn field(collection: &str, name: &str, kind: &str, meta: Value, schema: Value) -> Value {
    json!({"collection": collection, "field": name, "type": kind, "meta": meta, "schema": schema})
}

fn relation(collection: &str, name: &str, related: &str, meta: Value, on_delete: &str) -> Value {
    let related = if related.is_empty() { Value::Null } else { related.into() };
    json!({"collection": collection, "field": name, "related_collection": related, "meta": meta,
        "schema": {"on_delete": on_delete}})
}

fn model() -> Model {
    let key = json!({"is_primary_key": true});
    let any = json!({"one_collection_field": "kind", "one_allowed_collections": ["nodes", "directus_files"]});
    let snapshot = json!({
        "version": 1, "directus": "11.17.4", "vendor": "sqlite",
        "collections": [
            {"collection": "nodes", "meta": {"display_template": "{{ title }} ({{nothing}})"}, "schema": {}},
            {"collection": "leaves", "meta": {}, "schema": {}},
            {"collection": "about", "meta": {"singleton": true}, "schema": {}},
            {"collection": "folder", "meta": {}, "schema": null},
        ],
        "fields": [
            field("nodes", "nr", "integer", json!({}), key.clone()),
            field("nodes", "title", "string", json!({}), json!({})),
            field("nodes", "price", "decimal", json!({}), json!({})),
            field("nodes", "made", "timestamp", json!({"special": ["date-created"]}), json!({})),
            field("nodes", "pin", "hash", json!({"special": ["hash"]}), json!({})),
            field("nodes", "leaves", "alias", json!({"special": ["o2m"]}), Value::Null),
            field("nodes", "group", "alias", json!({"special": ["alias", "no-data"]}), Value::Null),
            field("nodes", "next", "integer", json!({}), json!({"is_nullable": true})),
            field("leaves", "id", "uuid", json!({"special": ["uuid"]}), key),
            field("leaves", "name", "string", json!({}), json!({})),
            field("leaves", "node", "integer", json!({"required": true}), json!({"is_nullable": true})),
            field("leaves", "kind", "string", json!({}), json!({})),
            field("leaves", "item", "string", json!({}), json!({})),
            field("leaves", "owner", "uuid", json!({}), json!({})),
            field("about", "id", "integer", json!({}), json!({"is_primary_key": true})),
            field("directus_users", "home", "integer", json!({}), json!({})),
        ],
        "relations": [
            relation("nodes", "next", "nodes", json!({}), "NO ACTION"),
            relation("leaves", "node", "nodes", json!({"one_field": "leaves"}), "CASCADE"),
            relation("leaves", "item", "", any, ""),
            relation("leaves", "owner", "directus_users", json!({}), "SET NULL"),
            relation("directus_users", "home", "nodes", json!({}), "SET NULL"),
        ],
    });
    Model::new(Snapshot::from_value(snapshot).unwrap())
}

fn described(name: &str) -> &'static Collection {
    model().describe(name, &Wish::default()).unwrap()
}

#[test]
fn a_schema_says_what_the_registry_would() {
    let nodes = described("nodes");
    assert_eq!(
        (nodes.name, nodes.full_name, nodes.key, nodes.key_field),
        ("items::nodes", "nodes", Key::Integer, "nr")
    );
    assert!(
        nodes.ignores("nr") && nodes.ignores("made") && nodes.ignores("group") && !nodes.ignores("title")
    );
    assert!(nodes.is_secret("pin") && nodes.once.contains(&"pin") && nodes.once.contains(&"leaves"));
    assert_eq!(nodes.kind("price"), Some(Kind::Number));
    assert!(matches!(nodes.label, [LabelPart::Field("title")]));
    assert!(nodes.refers_to_itself() && nodes.references[0].blocks && nodes.references[0].nullable);

    let leaves = described("leaves");
    assert_eq!(leaves.key, Key::Uuid);
    let by_path = |path: &str| leaves.references.iter().find(|reference| reference.path == path).unwrap();
    let (node, item) = (by_path("node"), by_path("item"));
    assert!(!node.nullable && !node.blocks && node.target == "items::nodes");
    let fields = |kind: &str| json!({"kind": kind}).as_object().unwrap().clone();
    assert_eq!(item.target_in(&fields("nodes")), Some("items::nodes"));
    assert_eq!(item.target_in(&fields("directus_files")), Some("files"));
    assert_eq!(item.target_in(&fields("leaves")), None);
    assert_eq!(leaves.kind("item"), Some(Kind::Text));
    assert_eq!(by_path("owner").target, "users");

    let users = described(USERS);
    assert!(users.references.iter().any(|reference| reference.target == "items::nodes"));
    assert_eq!((users.natural_key, users.kind("email")), (&["email"][..], Some(Kind::Caseless)));
    let lists = Lists { collection: "leaves".into(), field: "node".into() };
    assert_eq!(model().lists("nodes", "leaves"), Some(lists));
}

#[test]
fn a_schema_says_what_there_is_for_content_and_who_holds_references() {
    let model = model();
    assert_eq!((model.names(), model.singletons()), (vec!["leaves", "nodes"], vec!["about"]));
    let held = Lists { collection: "leaves".into(), field: "node".into() };
    assert_eq!((model.holders("nodes"), model.holders("leaves")), (vec![held], vec![]));
}

#[test]
fn the_same_description_is_made_once() {
    assert!(std::ptr::eq(described("nodes"), described("nodes")));
    let kept = model().describe("nodes", &Wish { preserve_ids: true, ..Wish::default() }).unwrap();
    assert!(kept.always_preserved && !described("nodes").always_preserved);
}

#[test]
fn what_cannot_be_seeded_is_told() {
    for (name, text) in [
        ("node", "the instance has no collection node"),
        (
            "directus_roles",
            "directus_roles is no content: of the system collections only directus_users and directus_files can be seeded",
        ),
        ("about", "the collection about is a singleton, which has no records of its own to seed"),
        ("folder", "the collection folder has no table with a primary key"),
    ] {
        assert_eq!(model().describe(name, &Wish::default()).unwrap_err().to_string(), text);
    }
}

fn record(sync_id: &str, fields: Value) -> Record {
    Record { sync_id: sync_id.into(), fields: fields.as_object().unwrap().clone().into() }
}

fn registry() -> Registry {
    Registry::new(vec![described("leaves"), described("nodes")])
}

fn compared(
    records: &DumpRecords,
    rows: &InstanceRows,
    mappings: &Mappings,
    rules: Rules,
) -> Result<Changes, Vec<Problem>> {
    compared_in(&registry(), records, rows, mappings, rules)
}

fn compared_in(
    registry: &Registry,
    records: &DumpRecords,
    rows: &InstanceRows,
    mappings: &Mappings,
    rules: Rules,
) -> Result<Changes, Vec<Problem>> {
    let user = CurrentUser { id: "me".into(), role: None };
    let specials = Specials::find(rows, &user, mappings);
    let sides = Sides { dump: records, rows, mappings, specials: &specials, target: "http://t", registry };
    let mode = Mode {
        scope: records.keys().copied().collect(),
        preserve: PreserveIds::None,
        attach_roles: false,
        prune: false,
        permissions_hidden: false,
        target: "http://t".to_owned(),
        registry: registry.clone(),
        rules,
    };
    let matching = match_records(sides);
    let transformed = &Transformed::default();
    let (specials, mode) = (&specials, &mode);
    reconcile(Comparison { dump: records, rows, matching, specials, mappings, mode, transformed })
}

fn empty() -> InstanceRows {
    InstanceRows::from([("items::nodes", vec![]), ("items::leaves", vec![])])
}

/// Carries a plan out as a server would: references have to exist, and counted keys are made.
fn carried_out(plan: &Plan) -> BTreeMap<&'static str, BTreeMap<String, Fields>> {
    let mut rows: BTreeMap<&'static str, BTreeMap<String, Fields>> = BTreeMap::new();
    let mut made: HashMap<(&str, String), LocalId> = HashMap::new();
    for stage in &plan.stages {
        for batch in stage.lanes.iter().flatten() {
            let before = made.clone();
            for item in &batch.items {
                let collection = batch.collection;
                let mut fields: Fields = serde_json::from_str(&item.body).unwrap();
                for late in &item.late {
                    let id = before.get(&(late.collection, late.sync_id.to_string()));
                    let id = id.expect("what is referred to was created by an earlier batch");
                    fields.insert(late.field.clone(), id.to_value(Key::Integer));
                }
                let of_collection = rows.get(collection.name).map_or(0, BTreeMap::len);
                let key = fields.shift_remove(collection.key_field).and_then(|key| LocalId::from_value(&key));
                for reference in collection.references {
                    let (Some(id), Some(target)) = (
                        fields.get(reference.path).and_then(LocalId::from_value),
                        reference.target_in(&fields),
                    ) else {
                        continue;
                    };
                    let there = rows.get(target).is_some_and(|rows| rows.contains_key(id.as_str()));
                    assert!(there, "{}.{} refers to what is not there", collection.name, reference.path);
                }
                let key = key.unwrap_or_else(|| LocalId::from((of_collection + 1).to_string()));
                if let Some(sync_id) = item.sync_id.as_ref().filter(|_| batch.verb == Verb::Create) {
                    made.insert((collection.name, sync_id.to_string()), key.clone());
                }
                rows.entry(collection.name).or_default().entry(key.to_string()).or_default().extend(fields);
            }
        }
    }
    rows
}

/// A file names who uploaded it, and a user may have a file as avatar: the database keeps the user as long as the file is there.
#[test]
fn files_go_before_the_users_that_they_name() {
    let registry = Registry::new(vec![described(USERS), described(FILES)]);
    let row = |id: &str, fields: Value| Row { id: id.into(), fields: fields.as_object().unwrap().clone() };
    let rows = InstanceRows::from([
        ("users", vec![row("jane", json!({"email": "jane@example.com", "avatar": "logo"}))]),
        ("files", vec![row("logo", json!({"title": "Logo", "uploaded_by": "jane"}))]),
    ]);
    let mut mappings = Mappings::default();
    mappings.record("users", "jane".into(), "jane".into());
    mappings.record("files", "logo".into(), "logo".into());
    let records = DumpRecords::from([("users", vec![]), ("files", vec![])]);
    let changes = compared_in(&registry, &records, &rows, &mappings, Rules::default()).unwrap();
    let plan = plan(&changes, &rows, Limits::default());
    let stages: Vec<Vec<_>> = plan
        .stages
        .iter()
        .map(|stage| stage.lanes.iter().flatten().map(|batch| (batch.verb, batch.collection.name)).collect())
        .collect();
    assert_eq!(stages, [[(Verb::Delete, "files")], [(Verb::Delete, "users")]]);
}

#[test]
fn a_long_chain_of_counted_keys_takes_few_stages() {
    let chain = |n: usize| {
        record(&format!("n{n}"), json!({"title": "x", "next": (n < 99).then(|| format!("n{}", n + 1))}))
    };
    let records = DumpRecords::from([("items::nodes", (0..100).map(chain).collect())]);
    let changes = compared(&records, &empty(), &Mappings::default(), Rules::default()).unwrap();
    let plan = plan(&changes, &empty(), Limits::default());
    assert!(plan.batches().count() <= 2, "{}", plan.batches().count());
    let rows = carried_out(&plan);
    assert_eq!(
        rows["items::nodes"].values().filter(|row| row.get("next").is_some_and(|n| !n.is_null())).count(),
        99
    );
}

#[test]
fn a_reference_to_nothing_names_what_is_near() {
    let records = DumpRecords::from([("items::nodes", vec![record("first", json!({"next": "frst"}))])]);
    let problems = compared(&records, &empty(), &Mappings::default(), Rules::default()).unwrap_err();
    assert_eq!(problems[0].hint(), "did you mean first?");
    assert!(problems[0].is_of_seed());
}

#[test]
fn an_untracked_row_is_neither_deleted_nor_told() {
    let records = DumpRecords::from([("items::nodes", vec![])]);
    let row = |id: &str| Row { id: id.into(), fields: Fields::new() };
    let rows = InstanceRows::from([("items::nodes", vec![row("1"), row("2")]), ("items::leaves", vec![])]);
    let mut mappings = Mappings::default();
    mappings.record("items::nodes", "one".into(), "1".into());
    let changes = compared(&records, &rows, &mappings, Rules::default()).unwrap();
    let (_, of_nodes) = &changes.collections[0];
    assert_eq!((of_nodes.items.len(), of_nodes.untracked.len()), (1, 0));
    let protected = BTreeSet::from([("items::nodes", LocalId::from("1"))]);
    let rules = Rules { protected, ..Rules::default() };
    let changes = compared(&records, &rows, &mappings, rules).unwrap();
    assert_eq!((changes.collections[0].1.items.len(), changes.collections[0].1.untracked.len()), (0, 1));
}

proptest! {
    #[test]
    fn whatever_refers_to_whatever_is_created_in_an_order_that_holds(
        next in prop::collection::vec(prop::option::of(0..12_usize), 12),
        nodes in prop::collection::vec(0..12_usize, 12),
        items in prop::collection::vec(prop::option::of(0..12_usize), 12),
        count in 1..9_usize,
    ) {
        let node = |n: usize| record(&format!("n{n}"), json!({"title": n.to_string(), "next": next[n].map(|n| format!("n{n}"))}));
        let leaf = |n: usize| record(&format!("l{n}"), json!({"name": n.to_string(), "node": format!("n{}", nodes[n]),
            "kind": "nodes", "item": items[n].map(|n| format!("n{n}"))}));
        let records = DumpRecords::from([
            ("items::leaves", (0..12).map(leaf).collect()),
            ("items::nodes", (0..12).map(node).collect()),
        ]);
        let changes = compared(&records, &empty(), &Mappings::default(), Rules::default()).unwrap();
        let rows = carried_out(&plan(&changes, &empty(), Limits { count, ..Limits::default() }));
        let by_title: BTreeMap<&str, &String> =
            rows["items::nodes"].iter().map(|(id, row)| (row["title"].as_str().unwrap(), id)).collect();
        for row in rows["items::nodes"].values() {
            let n: usize = row["title"].as_str().unwrap().parse().unwrap();
            let wanted = next[n].map(|next| by_title[next.to_string().as_str()].clone());
            prop_assert_eq!(row.get("next").and_then(LocalId::from_value).map(|id| id.to_string()), wanted);
        }
        for row in rows["items::leaves"].values() {
            let n: usize = row["name"].as_str().unwrap().parse().unwrap();
            let node = LocalId::from_value(&row["node"]).unwrap();
            prop_assert_eq!(node.as_str(), by_title[nodes[n].to_string().as_str()]);
        }
    }
}
