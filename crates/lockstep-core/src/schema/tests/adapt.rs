use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::native::meta;
use super::{fixture_snapshot, read, snapshot_of, vendor_snapshot};
use crate::schema::{Adapted, LeftOut, Mode, Scope, Snapshot, adapt, diff, lint};

fn told(left_out: &[LeftOut]) -> Vec<String> {
    let tell = |it: &LeftOut| {
        let field = it.field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
        let paths = it.paths.iter().map(|path| format!(" {path}")).collect::<String>();
        format!("{:?} {:?} {}{field} {:?}{paths}", it.kind, it.what, it.collection, it.reason)
    };
    left_out.iter().map(tell).collect()
}

/// Tracked collections `a` and `b` with a key each, of this version, with what is done to them.
fn schema(directus: &str, edit: impl FnOnce(&mut Value)) -> Snapshot {
    let mut value = snapshot_of(&["a", "b"]).to_value();
    value["directus"] = json!(directus);
    for field in value["fields"].as_array_mut().unwrap() {
        field["meta"] = json!({"note": null});
    }
    edit(&mut value);
    Snapshot::from_value(value).unwrap()
}

fn add(value: &mut Value, list: &str, item: Value) {
    value[list].as_array_mut().unwrap().push(item);
}

/// A table with one column, tracked or not.
fn add_table(value: &mut Value, name: &str, meta: Value) {
    add(value, "collections", json!({"collection": name, "meta": meta, "schema": {"name": name}}));
    let schema = json!({"name": "id", "data_type": "integer", "is_primary_key": true});
    add(
        value,
        "fields",
        json!({"collection": name, "field": "id", "type": "integer", "meta": meta, "schema": schema}),
    );
}

fn column(collection: &str, field: &str, meta: Value) -> Value {
    json!({"collection": collection, "field": field, "type": "string", "meta": meta,
           "schema": {"name": field, "data_type": "varchar", "max_length": 255}})
}

fn relation(collection: &str, field: &str, related: &str, meta: Value) -> Value {
    json!({"collection": collection, "field": field, "related_collection": related, "meta": meta,
           "schema": {"table": collection, "column": field}})
}

fn scope(only: &[&str], exclude: &[&str]) -> Scope {
    let owned = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    Scope::new(owned(only), owned(exclude))
}

fn everything(desired: &Snapshot, current: &Snapshot) -> Adapted {
    adapt(desired.clone(), current, &Scope::default()).unwrap()
}

/// The changes that are left, by code and name.
fn changes(adapted: &Adapted, current: &Snapshot) -> Vec<String> {
    let found = diff(current, &adapted.snapshot, Mode::Mirror).unwrap();
    let changes = found.map(|found| found.changes(Some(current))).unwrap_or_default();
    changes.iter().map(|change| format!("{} {}", change.code, change.name())).collect()
}

#[test]
fn own_tables_stay_whatever_is_desired() {
    let meta = || json!({"note": "ours"});
    let current = schema("11.17.4", |it| {
        add_table(it, "directus_sync_id_map", json!(null));
        add_table(it, "lockstep_state", meta());
        add(it, "relations", relation("a", "id", "lockstep_state", meta()));
    });
    let without = everything(&schema("11.17.4", |_| {}), &current);
    assert_eq!(changes(&without, &current), [""; 0]);
    assert_eq!(
        told(&without.left_out),
        [
            "Delete Relation a.id OwnTable",
            "Delete Collection directus_sync_id_map OwnTable",
            "Delete Field directus_sync_id_map.id OwnTable",
            "Delete Collection lockstep_state OwnTable",
            "Delete Field lockstep_state.id OwnTable",
        ]
    );

    let other = schema("11.17.4", |it| {
        add_table(it, "lockstep_state", json!({"note": "theirs"}));
        add(it, "fields", column("lockstep_state", "more", meta()));
        add_table(it, "directus_sync_id_map", json!(null));
    });
    let changed = everything(&other, &current);
    assert_eq!(changes(&changed, &current), [""; 0]);
    assert_eq!(
        told(&changed.left_out),
        [
            "Delete Relation a.id OwnTable",
            "Update Collection lockstep_state OwnTable",
            "Update Field lockstep_state.id OwnTable",
            "Create Field lockstep_state.more OwnTable",
        ]
    );
    let target = schema("11.17.4", |_| {});
    assert_eq!(changes(&everything(&current, &target), &target), [""; 0], "nor are they created");
}

#[test]
fn untracked_tables_are_never_dropped() {
    for (origin, target) in [("10.13.1", "10.13.1"), ("11.17.4", "10.13.1"), ("10.13.1", "11.17.4")] {
        let current = schema(target, |it| add_table(it, "legacy", json!(null)));
        let adapted = everything(&schema(origin, |_| {}), &current);
        assert_eq!(changes(&adapted, &current), [""; 0], "{origin} -> {target}");
        assert_eq!(
            told(&adapted.left_out),
            ["Delete Collection legacy Untracked", "Delete Field legacy.id Untracked"],
            "{origin} -> {target}"
        );
    }
}

/// A snapshot of 11.10 or later cannot know such columns; an older one lists them, and says so if they are to go.
#[test]
fn untracked_columns_are_not_dropped_by_who_cannot_know_them() {
    let current = schema("10.13.1", |it| {
        add(it, "fields", column("a", "legacy", json!(null)));
        add(it, "relations", relation("a", "legacy", "b", json!(null)));
    });
    let by_newer = everything(&schema("11.17.4", |_| {}), &current);
    assert_eq!(changes(&by_newer, &current), [""; 0]);
    assert_eq!(
        told(&by_newer.left_out),
        ["Delete Field a.legacy Untracked", "Delete Relation a.legacy Untracked"]
    );
    let by_equal = everything(&schema("10.13.1", |_| {}), &current);
    assert_eq!(changes(&by_equal, &current), ["field-dropped a.legacy", "relation-dropped a.legacy"]);

    // Nor is anything dropped where the server would not know of it.
    let hiding = schema("11.17.4", |it| add(it, "fields", column("a", "legacy", json!(null))));
    let by_older = everything(&schema("10.13.1", |_| {}), &hiding);
    assert_eq!(changes(&by_older, &hiding), [""; 0]);
    assert_eq!(told(&by_older.left_out), ["Delete Field a.legacy Untracked"]);
}

#[test]
fn nothing_untracked_outlives_what_it_belongs_to() {
    let current = schema("10.13.1", |it| {
        add(it, "fields", column("b", "legacy", json!(null)));
        add(it, "fields", column("a", "author", json!({})));
        add(it, "relations", relation("a", "author", "directus_users", json!(null)));
    });
    let desired = schema("11.17.4", |it| {
        it["collections"].as_array_mut().unwrap().pop();
        it["fields"].as_array_mut().unwrap().pop();
    });
    let adapted = everything(&desired, &current);
    assert_eq!(
        changes(&adapted, &current),
        ["field-dropped a.author", "relation-dropped a.author", "collection-dropped b"]
    );
    assert_eq!(told(&adapted.left_out), [""; 0]);
    assert_eq!(lint(&adapted.snapshot), []);
}

#[test]
fn untracked_tables_of_an_old_snapshot_are_made_on_old_versions_only() {
    let old = schema("10.13.1", |it| {
        add_table(it, "legacy", json!(null));
        add(it, "fields", column("a", "extra", json!(null)));
        add(it, "fields", column("directus_users", "extra", json!(null)));
        add(it, "fields", column("directus_users", "known", json!({})));
    });
    let made = |target: &str| {
        let current = schema(target, |_| {});
        let adapted = everything(&old, &current);
        (changes(&adapted, &current), told(&adapted.left_out))
    };
    assert_eq!(
        made("11.10.0"),
        (
            vec!["field-created directus_users.known".to_owned()],
            [
                "Create Field a.extra Untracked",
                "Create Field directus_users.extra Untracked",
                "Create Collection legacy Untracked",
                "Create Field legacy.id Untracked",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
    let (changes, left_out) = made("11.9.3");
    assert_eq!(
        changes,
        [
            "field-created a.extra",
            "field-created directus_users.extra",
            "field-created directus_users.known",
            "collection-created legacy",
            "field-created legacy.id"
        ]
    );
    assert_eq!(left_out, [""; 0]);
}

/// Of a new collection every column is needed, tracked or not.
#[test]
fn untracked_columns_of_a_new_collection_come_with_it() {
    let old = schema("10.13.1", |it| {
        add_table(it, "new", json!({}));
        add(it, "fields", column("new", "extra", json!(null)));
    });
    let current = schema("11.17.4", |_| {});
    assert_eq!(
        changes(&everything(&old, &current), &current),
        ["collection-created new", "field-created new.extra", "field-created new.id"]
    );
}

#[test]
fn what_an_older_snapshot_does_not_say_stays() {
    let current = schema("11.17.4", |it| {
        it["fields"][0]["meta"] = json!({"note": "n", "searchable": false, "options": {"min": 1}});
        it["fields"][0]["schema"]["is_indexed"] = json!(true);
    });
    let desired = schema("10.13.1", |it| it["fields"][0]["meta"] = json!({"note": "n", "options": {}}));
    let adapted = everything(&desired, &current);
    assert_eq!(told(&adapted.left_out), ["Update Field a.id Unsaid meta.searchable schema.is_indexed"]);
    let field = adapted.snapshot.field("a", "id").unwrap();
    let (meta, schema) = (field.get("meta").unwrap(), field.get("schema").unwrap());
    assert_eq!(serde_json::to_value(meta).unwrap(), json!({"note": "n", "options": {}, "searchable": false}));
    assert_eq!(schema.get("is_indexed").and_then(crate::json::Json::as_bool), Some(true));
    assert_eq!(changes(&adapted, &current), ["field-changed a.id"], "what is inside a value is said");
}

#[test]
fn metadata_cannot_be_taken_away() {
    let current = schema("11.17.4", |_| {});
    let desired = schema("11.17.4", |it| it["fields"][0]["meta"] = json!(null));
    let adapted = everything(&desired, &current);
    assert_eq!(adapted.snapshot.fields(), current.fields());
    assert_eq!(told(&adapted.left_out), ["Update Field a.id Unsaid meta"]);
}

#[test]
fn what_an_older_version_does_not_know_is_left_out() {
    let newer = |it: &mut Value| {
        add_table(it, "c", json!({"note": "n"}));
        for collection in it["collections"].as_array_mut().unwrap() {
            collection["meta"]["status"] = json!("active");
            collection["meta"]["autosave_revision_interval"] = json!(null);
        }
        for field in it["fields"].as_array_mut().unwrap() {
            field["meta"]["searchable"] = json!(true);
            field["schema"]["is_indexed"] = json!(true);
        }
    };
    let desired = schema("12.4.0", newer);
    let target = |directus| schema(directus, |it| it["fields"][1]["meta"] = json!(null));
    let left_out = |directus| told(&everything(&desired, &target(directus)).left_out);
    let status = ["meta.status", "meta.autosave_revision_interval"];
    let adapted = everything(&desired, &target("10.13.1")).snapshot.to_value();
    for list in ["collections", "fields"] {
        for item in adapted[list].as_array().unwrap() {
            let keys: Vec<&String> = item["meta"].as_object().unwrap().keys().collect();
            let unknown = |key: &str| ["status", "autosave_revision_interval", "searchable"].contains(&key);
            assert!(!keys.iter().any(|key| unknown(key)), "{item}");
            assert_eq!(item["schema"].get("is_indexed"), None, "{item}");
        }
    }
    let (status, autosave) = (status[0], status[1]);
    assert_eq!(
        left_out("10.13.1"),
        [
            format!("Update Collection a Unknown {status} {autosave}"),
            "Update Field a.id Unknown meta.searchable schema.is_indexed".to_owned(),
            format!("Update Collection b Unknown {status} {autosave}"),
            "Update Field b.id Unknown meta.searchable schema.is_indexed".to_owned(),
            format!("Update Collection c Unknown {status} {autosave}"),
            "Update Field c.id Unknown meta.searchable schema.is_indexed".to_owned(),
        ]
    );
    let new_items: Vec<String> = left_out("11.17.4").into_iter().filter(|line| line.contains(" c")).collect();
    assert_eq!(
        new_items,
        [format!("Update Collection c Unknown {status} {autosave}")],
        "11.13 knows searchable"
    );
    let new = everything(&desired, &target("12.4.0"));
    assert_eq!(
        new.snapshot.collection("c"),
        desired.collection("c"),
        "a new item keeps what the version knows"
    );
}

fn with_indexes(directus: &str, fields: Option<&[(&str, &str)]>) -> Snapshot {
    schema(directus, |it| {
        if let Some(fields) = fields {
            let item = |(collection, field): &(&str, &str)| json!({"collection": collection, "field": field, "schema": {"is_indexed": true}});
            it["systemFields"] = fields.iter().map(item).collect();
        }
    })
}

const ACTIVITY: (&str, &str) = ("directus_activity", "timestamp");
const USERS: (&str, &str) = ("directus_users", "email");
const FILES: (&str, &str) = ("directus_files", "title");

#[test]
fn indexes_of_system_collections_are_compared_between_two_of_a_kind_only() {
    let current = with_indexes("11.17.4", Some(&[ACTIVITY, USERS]));
    let left = |desired: &Snapshot| {
        let adapted = everything(desired, &current);
        (changes(&adapted, &current), told(&adapted.left_out))
    };
    let nothing = || (Vec::new(), Vec::new());
    assert_eq!(left(&with_indexes("11.17.4", None)), nothing(), "nothing is said");
    assert_eq!(left(&with_indexes("10.13.1", None)), nothing(), "nothing can be said");

    let other = Some(&[ACTIVITY, FILES][..]);
    let files = "index-changed directus_files.title".to_owned();
    let users = "index-changed directus_users.email".to_owned();
    assert_eq!(left(&with_indexes("11.17.4", other)), (vec![files, users], Vec::new()));

    let system = [
        "Update SystemField directus_files.title SystemIndex schema.is_indexed".to_owned(),
        "Update SystemField directus_users.email SystemIndex schema.is_indexed".to_owned(),
    ];
    assert_eq!(left(&with_indexes("12.4.0", other)), (Vec::new(), system.to_vec()), "of another version");
    let mut foreign = with_indexes("11.17.4", other).to_value();
    foreign["vendor"] = json!("postgres");
    let foreign = Snapshot::from_value(foreign).unwrap();
    assert_eq!(left(&foreign), (Vec::new(), system.to_vec()), "of another database");
}

#[test]
fn the_header_is_that_of_the_instance() {
    let mut newer = with_indexes("12.4.0", Some(&[USERS])).to_value();
    newer["vendor"] = json!("postgres");
    newer["something"] = json!("new");
    let newer = Snapshot::from_value(newer).unwrap();
    for current in [with_indexes("11.12.0", None), with_indexes("11.17.4", Some(&[ACTIVITY]))] {
        let adapted = everything(&newer, &current).snapshot;
        assert_eq!(adapted.header(), current.header());
    }
    let bare = everything(&newer, &with_indexes("11.12.0", None)).snapshot;
    assert_eq!(
        (bare.directus_version(), bare.vendor(), bare.system_fields()),
        ("11.12.0", Some("sqlite"), None)
    );
}

#[test]
fn what_is_out_of_scope_stays_in_both_directions() {
    let current = schema("11.17.4", |it| {
        it["collections"][1]["meta"]["note"] = json!("as it was");
        add(it, "fields", column("b", "old", json!({})));
        add_table(it, "gone", json!({}));
    });
    let desired = schema("11.17.4", |it| {
        it["collections"][1]["meta"]["note"] = json!("changed");
        add(it, "fields", column("a", "new", json!({})));
        add(it, "fields", column("b", "new", json!({})));
        add_table(it, "come", json!({}));
    });
    let left = |scope: &Scope| {
        let adapted = adapt(desired.clone(), &current, scope).unwrap();
        (changes(&adapted, &current), told(&adapted.left_out))
    };
    // What is out of scope is not listed: nobody asked about it.
    let expected = (vec!["field-created a.new".to_owned()], Vec::<String>::new());
    assert_eq!(left(&scope(&["a"], &[])), expected);
    assert_eq!(left(&scope(&[], &["b", "come", "g*"])), expected);
    assert_eq!(
        left(&scope(&["gone", "come"], &[])).0,
        ["collection-created come", "field-created come.id", "collection-dropped gone"]
    );
    assert_eq!(
        left(&Scope::default()).0,
        [
            "field-created a.new",
            "collection-changed b",
            "field-created b.new",
            "likely-rename b.old",
            "collection-created come",
            "field-created come.id",
            "collection-dropped gone",
        ]
    );
}

#[test]
fn indexes_of_system_collections_out_of_scope_stay() {
    let current = with_indexes("11.17.4", Some(&[ACTIVITY, USERS]));
    let desired = with_indexes("11.17.4", Some(&[FILES]));
    let left = |scope: &Scope| changes(&adapt(desired.clone(), &current, scope).unwrap(), &current);
    assert_eq!(left(&scope(&["a", "b"], &[])), [""; 0]);
    assert_eq!(
        left(&scope(&[], &["directus_users"])),
        ["index-changed directus_activity.timestamp", "index-changed directus_files.title"]
    );
}

#[test]
fn one_type_under_two_names_is_no_change() {
    let of_type = |kind: &str, length: u32, note: &str| {
        schema("11.17.4", |it| {
            let mut field = column("a", "title", json!({"note": note}));
            field["schema"]["data_type"] = json!(kind);
            field["schema"]["max_length"] = json!(length);
            add(it, "fields", field);
        })
    };
    let current = of_type("varchar", 36, "n");
    let left = |desired: &Snapshot| {
        let adapted = everything(desired, &current);
        (changes(&adapted, &current), told(&adapted.left_out))
    };
    let equivalent = vec!["Update Field a.title EquivalentType schema.data_type".to_owned()];
    assert_eq!(left(&of_type("char", 36, "n")), (Vec::new(), equivalent.clone()));
    let changed = vec!["field-changed a.title".to_owned()];
    assert_eq!(left(&of_type("char", 36, "m")), (changed, equivalent), "what else changes does");
    assert_eq!(left(&of_type("integer", 36, "n")), (vec!["type-narrowed a.title".to_owned()], Vec::new()));
}

/// A random change of a schema: which item of which list, and what becomes of it.
#[derive(Debug, Clone)]
enum Mutation {
    Meta(usize, &'static str, Value),
    Untrack(usize),
    Column(usize, &'static str, Value),
    Retype(usize, &'static str),
    DropField(usize),
    AddField(usize, String),
    DropCollection(usize),
    AddCollection(String, bool),
    Collection(usize, &'static str, Value),
    Relation(usize, &'static str, Value),
    DropRelation(usize),
    Header(&'static str, &'static str),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    use Mutation::*;
    let any = || any::<usize>();
    let key = prop::sample::select(vec!["note", "options", "sort", "special", "searchable", "later"]);
    let property = prop::sample::select(vec![
        "max_length",
        "default_value",
        "data_type",
        "numeric_scale",
        "is_unique",
        "is_indexed",
        "is_primary_key",
        "has_auto_increment",
        "later",
    ]);
    let value = prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!(9),
        json!("text"),
        json!("it''s"),
        json!("char"),
        json!("now()"),
    ]);
    let kind = prop::sample::select(vec!["string", "text", "json", "alias", "timestamp", "geometry"]);
    let header = prop::sample::select(vec![
        ("10.13.1", "sqlite"),
        ("11.9.0", "postgres"),
        ("11.17.4", "sqlite"),
        ("11.17.4", "mysql"),
        ("12.4.0", "sqlite"),
        ("12.4.0", "postgres"),
    ]);
    prop_oneof![
        (any(), key, meta()).prop_map(|(at, key, value)| Meta(at, key, value)),
        any().prop_map(Untrack),
        (any(), property, value.clone()).prop_map(|(at, key, value)| Column(at, key, value)),
        (any(), kind).prop_map(|(at, kind)| Retype(at, kind)),
        any().prop_map(DropField),
        (any(), "[a-c]").prop_map(|(at, name)| AddField(at, format!("new_{name}"))),
        any().prop_map(DropCollection),
        ("[a-c]", proptest::bool::ANY)
            .prop_map(|(name, tracked)| AddCollection(format!("new_{name}"), tracked)),
        (any(), prop::sample::select(vec!["note", "status", "hidden"]), value.clone())
            .prop_map(|(at, key, value)| Collection(at, key, value)),
        (any(), prop::sample::select(vec!["on_delete", "on_update", "constraint_name"]), value)
            .prop_map(|(at, key, value)| Relation(at, key, value)),
        any().prop_map(DropRelation),
        header.prop_map(|(directus, vendor)| Header(directus, vendor)),
    ]
}

fn mutate(value: &mut Value, mutation: &Mutation) {
    use Mutation::*;
    fn at<'a>(value: &'a mut Value, list: &str, index: usize) -> Option<&'a mut Value> {
        let items = value[list].as_array_mut().unwrap();
        let length = items.len().max(1);
        items.get_mut(index % length)
    }
    fn put(item: Option<&mut Value>, part: &str, key: &str, new: &Value) {
        if let Some(object) = item.and_then(|item| item.get_mut(part)).and_then(Value::as_object_mut) {
            object.insert(key.to_owned(), new.clone());
        }
    }
    fn retain(value: &mut Value, list: &str, keeps: impl Fn(&Value) -> bool) {
        value[list].as_array_mut().unwrap().retain(keeps);
    }
    match mutation {
        Meta(index, key, new) => put(at(value, "fields", *index), "meta", key, new),
        Column(index, key, new) => put(at(value, "fields", *index), "schema", key, new),
        Collection(index, key, new) => put(at(value, "collections", *index), "meta", key, new),
        Relation(index, key, new) => put(at(value, "relations", *index), "schema", key, new),
        Untrack(index) => {
            if let Some(field) = at(value, "fields", *index) {
                field["meta"] = Value::Null;
            }
        }
        Retype(index, kind) => {
            if let Some(field) = at(value, "fields", *index) {
                field["type"] = json!(kind);
                if *kind == "alias" {
                    field.as_object_mut().unwrap().remove("schema");
                }
            }
        }
        DropField(index) => {
            if let Some(field) = at(value, "fields", *index).cloned() {
                let same =
                    |it: &Value| it["collection"] == field["collection"] && it["field"] == field["field"];
                retain(value, "fields", |it| !same(it));
                retain(value, "relations", |it| !same(it));
            }
        }
        AddField(index, name) => {
            if let Some(mut field) = at(value, "fields", *index).cloned() {
                field["field"] = json!(name);
                let twice = |it: &Value| it["collection"] == field["collection"] && it["field"] == *name;
                if !value["fields"].as_array().unwrap().iter().any(twice) {
                    add(value, "fields", field);
                }
            }
        }
        DropCollection(index) => {
            if let Some(name) = at(value, "collections", *index).map(|it| it["collection"].clone()) {
                for list in ["collections", "fields", "relations"] {
                    retain(value, list, |it| it["collection"] != name && it["related_collection"] != name);
                }
            }
        }
        AddCollection(name, tracked) => {
            if !value["collections"].as_array().unwrap().iter().any(|it| it["collection"] == *name) {
                add_table(value, name, if *tracked { json!({"note": null}) } else { Value::Null });
            }
        }
        DropRelation(index) => {
            if let Some(gone) = at(value, "relations", *index).cloned() {
                retain(value, "relations", |it| *it != gone);
            }
        }
        Header(directus, vendor) => {
            value["directus"] = json!(directus);
            value["vendor"] = json!(vendor);
        }
    }
}

fn mutated(base: &Snapshot, mutations: &[Mutation]) -> Snapshot {
    let mut value = base.to_value();
    mutations.iter().for_each(|mutation| mutate(&mut value, mutation));
    Snapshot::from_value(value).unwrap()
}

/// What real servers answered; of large ones a part.
static BASES: LazyLock<[Snapshot; 5]> = LazyLock::new(|| {
    let old = Snapshot::from_value(read("schema-hash/sb-10.13.1")).unwrap();
    let part =
        |name| vendor_snapshot(name).filtered(|name| ["types", "rels", "pk_int"].contains(&name), |_| true);
    let [new, newest] = ["v11-current", "v12-current"].map(fixture_snapshot);
    [old, new, newest, part("postgres-11.17.4"), part("mysql-11.17.4")]
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The current and the desired schema, each changed at random: one diff leads there, and what was made to fit fits.
    #[test]
    fn what_was_made_to_fit_is_reached_at_once(
        base in 0..5_usize,
        theirs in prop::collection::vec(mutation(), 0..6),
        ours in prop::collection::vec(mutation(), 0..12),
        scope in prop::sample::select(vec![scope(&[], &[]), scope(&["bench_00*", "alpha", "types"], &[]), scope(&[], &["bench_001", "rels", "new_*"])]),
    ) {
        let base = &BASES[base];
        let theirs: Vec<Mutation> = theirs.into_iter().filter(|it| !matches!(it, Mutation::Header(..))).collect();
        let current = mutated(base, &theirs);
        let adapted = adapt(mutated(base, &ours), &current, &scope).unwrap().snapshot;
        // A schema with faults of its own is refused before anything is compared.
        let known = lint(&current);
        if lint(&adapted).iter().any(|finding| !known.contains(finding)) {
            return Ok(());
        }
        let again = adapt(adapted.clone(), &current, &scope).unwrap();
        prop_assert_eq!(&again.snapshot, &adapted);
        prop_assert_eq!(told(&again.left_out), Vec::<String>::new());
        if let Some(found) = diff(&current, &adapted, Mode::Mirror).unwrap() {
            for change in found.changes(Some(&current)) {
                prop_assert!(scope.has(&change.collection), "{}", change.name());
            }
            let reached = found.applied_to(&current).unwrap();
            let rest = diff(&reached, &adapted, Mode::Mirror).unwrap();
            prop_assert!(rest.is_none(), "{}", rest.unwrap().to_value());
        }
    }
}
