//! What the documentation of directus-sync shows of hooks and configuration, each as a scenario on the sandbox.

use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::cli::{At, Ran};
use serde_json::Value;

use crate::place::Place;

/// An instance with the magazine of the demo, and a place with its dump.
struct Stage {
    sandbox: Sandbox,
    place: Place,
}

impl Stage {
    async fn new() -> Self {
        let place = Place::new();
        drop(place.run(&["demo", "--dump-path", "directus-config"]).await.exits(0));
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let stage = Self { sandbox, place };
        drop(stage.run(&["push", "--yes"]).await.exits(0));
        stage
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        self.place.cli.run(arguments, At::new(self.sandbox.url(), self.sandbox.token())).await
    }

    /// Hooks in a file of directus-sync, before a run.
    async fn with(&self, hooks: &str, arguments: &[&str]) -> Ran {
        let config = format!(
            "const {{ readFlow, readOperations, readPermissions }} = require('@directus/sdk');\nmodule.exports = {{ hooks: {{ {hooks} }} }};"
        );
        self.place.file("directus-sync.config.js", &config);
        self.run(arguments).await
    }

    fn records(&self, collection: &str) -> Vec<Value> {
        self.place.cli.files().records(collection)
    }

    fn names(&self, collection: &str) -> Vec<String> {
        self.records(collection).iter().map(|record| record["name"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn marks_that_are_set_by_a_pull_and_taken_off_by_a_push() {
    let stage = Stage::new().await;
    let before = stage.names("flows");
    let mark = |mark: &str| {
        format!("(flows) => flows.map((flow) => {{ flow.name = `{mark} ${{flow.name}}`; return flow; }})")
    };
    let hooks = format!(
        "flows: {{ onDump: {}, onSave: {}, onLoad: (flows) => flows.map((flow) => {{ flow.name = flow.name.replace('🔥 ', ''); return flow; }}) }}",
        mark("🧊"),
        mark("🔥")
    );
    drop(stage.with(&hooks, &["pull"]).await.exits(0));
    let expected: Vec<_> = before.iter().map(|name| format!("🔥 🧊 {name}")).collect();
    assert_eq!(stage.names("flows"), expected);
    // The one mark stays, and a push brings it to the instance.
    drop(stage.run(&["push", "--yes"]).await.exits(0));
    drop(stage.with("", &["pull"]).await.exits(0));
    let expected: Vec<_> = before.iter().map(|name| format!("🧊 {name}")).collect();
    assert_eq!(stage.names("flows"), expected);
}

#[tokio::test]
async fn elements_are_filtered_out_by_a_prefix_and_by_what_they_belong_to() {
    let stage = Stage::new().await;
    // Nothing else refers to it.
    let prefix = "Announce";
    let kept: Vec<_> = stage.names("flows").into_iter().filter(|name| !name.starts_with(prefix)).collect();
    let hooks = format!(
        "flows: {{ onQuery: (query, client) => {{ query.filter = {{ ...query.filter, name: {{ _nstarts_with: {prefix:?} }} }}; return query; }} }},
  operations: {{ onQuery: (query) => {{ query.filter = {{ ...query.filter, flow: {{ name: {{ _nstarts_with: {prefix:?} }} }} }}; return query; }} }}"
    );
    drop(stage.with(&hooks, &["pull"]).await.exits(0));
    assert_eq!(stage.names("flows"), kept);
    let flows = stage.records("flows");
    let operations = stage.records("operations");
    let of_kept = |operation: &Value| flows.iter().any(|flow| flow["_syncId"] == operation["flow"]);
    assert!(!operations.is_empty() && operations.iter().all(of_kept), "{operations:?}");
    // What was pushed before is tracked, and so would go.
    let diff = stage.run(&["diff", "--json"]).await.exits(0).json();
    assert_eq!(diff["collections"]["flows"]["delete"], 1, "{diff}");
}

#[tokio::test]
async fn a_query_may_depend_on_the_environment_and_say_a_value_for_a_condition() {
    let stage = Stage::new().await;
    let all = stage.names("flows");
    let hooks = "flows: { onQuery: (query) => process.env.NODE_ENV === 'production' ? { ...query, filter: { status: 'inactive' } } : query }";
    drop(stage.with(hooks, &["pull"]).await.exits(0));
    assert_eq!(stage.names("flows"), all);
    stage.place.file(".env", "NODE_ENV=production\n");
    drop(stage.with(hooks, &["pull", "-o", "flows"]).await.exits(0));
    assert!(stage.names("flows").len() < all.len());
}

/// What a hook adds to records stands in the dump, and a server that does not know it is not asked for it.
#[tokio::test]
async fn what_is_asked_of_the_instance_is_added_to_records() {
    let added = [
        (
            "operations",
            "flowName",
            "onDump: async (operations, client) => { for (const one of operations) { one.flowName = (await client.request(readFlow(one.flow))).name; } return operations; }",
        ),
        (
            "operations",
            "flowName",
            "onDump: async (operations, client) => Promise.all(operations.map(async (one) => {
        try { return { ...one, flowName: (await client.request(readFlow(one.flow))).name }; } catch (error) { console.error('no flow', error); return one; } }))",
        ),
        (
            "flows",
            "operationCount",
            "onDump: async (flows, client) => {
        const operations = await client.request(readOperations({ filter: { flow: { _in: flows.map((flow) => flow._syncId) } }, limit: -1 }));
        const byFlow = operations.reduce((all, one) => { (all[one.flow] = all[one.flow] || []).push(one); return all; }, {});
        return flows.map((flow) => ({ ...flow, operationCount: byFlow[flow._syncId]?.length || 0 })); }",
        ),
        (
            "policies",
            "permissionCount",
            "onDump: async (policies, client) => { for (const one of policies) {
        one.permissionCount = (await client.request(readPermissions({ filter: { policy: { name: { _eq: one.name } } } }))).length; } return policies; }",
        ),
    ];
    let stage = Stage::new().await;
    for (collection, field, hook) in added {
        drop(stage.with(&format!("{collection}: {{ {hook} }}"), &["pull"]).await.exits(0));
        let records = stage.records(collection);
        assert!(!records.is_empty() && records.iter().all(|record| record.get(field).is_some()), "{field}");
        assert!(records.iter().any(|record| record[field] != 0), "{field}");
        let ran = stage.run(&["diff", "--exit-code"]).await.exits(0);
        assert!(ran.stderr.contains(field), "{ran}");
        drop(stage.with("", &["pull"]).await.exits(0));
    }
}

#[tokio::test]
async fn records_are_changed_as_they_are_saved_and_loaded() {
    let stage = Stage::new().await;
    let hooks = "settings: { onSave: (all) => all.filter((one) => one.project_name.includes('secret')) },
  translations: { onLoad: (all) => all.map((one) => ({ ...one, value: one.value.trim() })) }";
    drop(stage.with(hooks, &["pull"]).await.exits(0));
    // Settings are never deleted, also where none are dumped.
    assert!(stage.records("settings").is_empty());
    let mut translations = stage.records("translations");
    for translation in &mut translations {
        translation["value"] = format!("  {} ", translation["value"].as_str().unwrap()).into();
    }
    stage.place.records("translations", &serde_json::to_string(&translations).unwrap());
    drop(stage.run(&["diff", "--exit-code"]).await.exits(0));
    drop(stage.with("", &["diff", "--exit-code"]).await.exits(2));
    // The documentation looks at a field that settings do not have.
    let ran = stage
        .with("settings: { onSave: (all) => all.filter((one) => !one.key.includes('secret')) }", &["pull"])
        .await;
    assert!(ran.exits(1).stderr.contains("hooks.settings.onSave in ./directus-sync.config.js: TypeError"));
}

#[tokio::test]
async fn records_are_sorted_by_hooks() {
    let stage = Stage::new().await;
    let sort = "onSave: (all) => all.sort((a, b) => (a.name < b.name ? 1 : a.name > b.name ? -1 : 0))";
    // The second is how the documentation has it: directus-sync takes no notice of it.
    for hooks in [format!("operations: {{ {sort} }}"), format!("collections: {{ operations: {{ {sort} }} }}")]
    {
        drop(stage.with("", &["pull"]).await.exits(0));
        let mut expected = stage.names("operations");
        let before = expected.clone();
        expected.sort_by(|one, other| other.cmp(one));
        assert_ne!(before, expected);
        drop(stage.with(&hooks, &["pull"]).await.exits(0));
        assert_eq!(stage.names("operations"), expected, "{hooks}");
        drop(stage.run(&["diff", "--exit-code"]).await.exits(0));
    }
    let both = format!("operations: {{ {sort} }}, collections: {{ operations: {{ onSave: () => null }} }}");
    drop(stage.with(&both, &["pull"]).await.exits(0));
    let query = "operations: { onQuery: (query) => ({ ...query, sort: ['key'] }) }";
    drop(stage.with(query, &["pull"]).await.exits(0));
}

#[tokio::test]
async fn snapshots_are_changed_as_they_are_saved_and_loaded() {
    let stage = Stage::new().await;
    // Fields that are left out, with their relations.
    let without = "snapshot: { onLoad: async (snapshot, client) => {
    const excluded = { articles: ['author', 'slug'] };
    const keep = (node) => !(Object.keys(excluded).includes(node.collection) && excluded[node.collection].includes(node.field));
    snapshot.fields = snapshot.fields.filter(keep);
    snapshot.relations = snapshot.relations.filter(keep);
    return snapshot;
  } }";
    let diff = stage.with(without, &["diff", "--json"]).await.exits(0).json();
    let changes = diff["schema"]["changes"].as_array().unwrap();
    let dropped: Vec<_> =
        changes.iter().map(|change| (&change["what"], &change["kind"], &change["field"])).collect();
    assert!(
        dropped.iter().any(|(what, kind, field)| *what == "field" && *kind == "delete" && *field == "slug")
            && dropped.iter().any(|(what, _, field)| *what == "relation" && *field == "author"),
        "{diff:#}"
    );
    // A field that is only for the eye.
    let field = "snapshot: { onLoad: (snapshot) => {
    snapshot.fields.push({ collection: 'articles', field: 'full_name', type: 'alias', meta: { special: ['alias', 'no-data'], interface: 'presentation' } });
    return snapshot;
  } }";
    drop(stage.with(field, &["push", "--yes"]).await.exits(0).says("full_name"));
    drop(stage.run(&["diff", "--exit-code"]).await.exits(0));
    drop(stage.with("", &["push", "--yes", "--allow-destructive"]).await.exits(0));
    // Words that no snapshot has.
    let options = "snapshot: { onLoad: (snapshot) => { snapshot.fields = snapshot.fields.map((one) => ({ ...one, options: { ...one.options, defaultValue: null } })); return snapshot; } }";
    drop(stage.with(options, &["diff", "--exit-code"]).await.exits(0));
    let stamped = "snapshot: { onSave: (snapshot) => ({ ...snapshot, meta: { timestamp: new Date(0).toISOString() } }) }";
    drop(stage.with(stamped, &["pull"]).await.exits(0));
    let files = stage.place.cli.files().files();
    let info = files.iter().find(|(name, _)| name.ends_with("snapshot/info.json")).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(info.1).unwrap()["meta"]["timestamp"],
        "1970-01-01T00:00:00.000Z"
    );
    drop(stage.run(&["diff", "--exit-code"]).await.exits(0));
}

#[tokio::test]
async fn hooks_may_be_in_files_of_their_own() {
    let stage = Stage::new().await;
    let write = |name: &str, text: &str| stage.place.file(name, text);
    write(
        "hooks/index.js",
        "module.exports = { roles: require('./roles'), flows: require('./flows'), snapshot: require('./snapshot') };",
    );
    write(
        "hooks/roles.js",
        "module.exports = { onQuery: require('./roles/query'), onSave: require('./roles/save') };",
    );
    write("hooks/roles/query.js", "module.exports = (query) => query;");
    write(
        "hooks/roles/save.js",
        "module.exports = (roles) => roles.map((role) => ({ ...role, description: 'saved' }));",
    );
    write("hooks/flows.js", "exports.onSave = async (flows) => flows;");
    write("hooks/snapshot.js", "module.exports = { onSave: (snapshot) => snapshot };");
    write("directus-sync.config.js", "module.exports = { hooks: require('./hooks') };");
    drop(stage.run(&["pull"]).await.exits(0));
    let roles = stage.records("roles");
    assert!(!roles.is_empty() && roles.iter().all(|role| role["description"] == "saved"), "{roles:?}");
}

/// Every key of the documentation at once, and what an empty `directusConfig` and hooks that change nothing leave.
#[tokio::test]
async fn every_documented_key_is_taken() {
    let stage = Stage::new().await;
    drop(stage.run(&["pull"]).await.exits(0));
    let before = stage.place.cli.files().files();
    let identity = "{ onQuery: (query, client) => query, onDump: async (all, client) => all, onSave: (all, client) => all, onLoad: (all, client) => all }";
    let config = format!(
        "module.exports = {{
  extends: ['./directus-sync.config.base.js'],
  directusConfig: {{ clientOptions: {{}}, restConfig: {{}} }},
  hooks: {{ flows: {identity}, snapshot: {{ onLoad: async (s, client) => s, onSave: async (s, client) => s }} }},
}};"
    );
    stage.place.file("directus-sync.config.js", &config);
    let base = "module.exports = {
  directusUrl: 'https://directus.example.com', directusToken: 'a-token', directusEmail: 'admin@example.com', directusPassword: 'p',
  dumpPath: './directus-config', seedPath: './directus-config/seed', collectionsPath: 'collections', snapshotPath: 'snapshot',
  specsPath: 'specs', debug: false, snapshot: true, split: true, specs: true, sortJson: false, collections: true,
  syncPolicyRoles: true, maxPushRetries: 20,
};";
    stage.place.file("directus-sync.config.base.js", base);
    let ran = stage.run(&["pull"]).await.exits(0);
    assert!(!ran.stderr.contains("warning"), "{ran}");
    assert_eq!(stage.place.cli.files().files(), before);
    let lists = "module.exports = { onlyCollections: ['roles', 'permissions', 'settings'], excludeCollections: ['settings'], preserveIds: ['roles', 'panels'] };";
    stage.place.file("directus-sync.config.base.js", lists);
    let diff = stage.run(&["diff", "--json"]).await.exits(0).json();
    let names: Vec<_> = diff["collections"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["permissions", "roles"], "{diff}");
}
