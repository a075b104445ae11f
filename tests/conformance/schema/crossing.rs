//! A schema crosses versions and databases without being forced, and a second push finds nothing.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::{Db, Directus, Template};
use serde_json::{Value, json};

use super::snapshot;
use crate::stage::project::{self, field};
use crate::stage::{major, pull, push, push_is_empty};
use crate::versions::crosses as whole_project_crosses;

/// What every database says differently, in one schema: keys, types, defaults, relations, a folder, a singleton.
async fn fill(directus: &Directus) {
    let key = |kind: &str, more: Value| {
        let mut schema = json!({"is_primary_key": true});
        schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"field": "id", "type": kind, "meta": {"hidden": true}, "schema": schema})
    };
    let auto = || key("integer", json!({"has_auto_increment": true}));
    let uuid = || {
        let mut key = key("uuid", json!({"length": 36}));
        key["meta"]["special"] = json!(["uuid"]);
        key
    };
    let collection = async |name: &str, meta: Value, fields: Vec<Value>| {
        directus
            .post("/collections", &json!({"collection": name, "schema": {}, "meta": meta, "fields": fields}))
            .await
            .unwrap();
    };
    directus
        .post("/collections", &json!({"collection": "shop", "schema": null, "meta": {"icon": "folder"}}))
        .await
        .unwrap();
    let mut fields = vec![auto()];
    for kind in [
        "string",
        "text",
        "integer",
        "bigInteger",
        "float",
        "decimal",
        "boolean",
        "json",
        "csv",
        "date",
        "time",
        "dateTime",
        "timestamp",
    ] {
        let name = kind.to_lowercase();
        fields.push(field(&name, kind, json!({})));
        let default = match kind {
            "string" => json!("it's"),
            "integer" | "bigInteger" => json!(7),
            "float" | "decimal" => json!(1.5),
            "boolean" => json!(true),
            "json" => json!({"a": 1}),
            "dateTime" | "timestamp" => json!("2024-01-02T03:04:05"),
            _ => continue,
        };
        fields.push(field(
            &format!("{name}_default"),
            kind,
            json!({"default_value": default, "is_nullable": false}),
        ));
    }
    fields.push(field("short", "string", json!({"max_length": 40, "is_unique": true})));
    let mut code = field("code", "uuid", json!({}));
    code["meta"]["special"] = json!(["uuid"]);
    fields.push(code);
    fields.push(field("loose_code", "uuid", json!({})));
    fields.push(field("listed", "string", json!({"is_indexed": true})));
    fields.push(field("price", "decimal", json!({"numeric_precision": 12, "numeric_scale": 4})));
    fields.push(field("parent", "integer", json!({})));
    fields.push(field("brand", "uuid", json!({})));
    fields.push(json!({"field": "note", "type": "alias", "meta": {"interface": "presentation-notice", "special": ["alias", "no-data"]}}));
    collection(
        "brands",
        json!({"group": "shop"}),
        vec![uuid(), field("name", "string", json!({"is_nullable": false}))],
    )
    .await;
    collection("products", json!({"group": "shop", "sort_field": "integer"}), fields).await;
    collection("about", json!({"singleton": true}), vec![auto(), field("title", "string", json!({}))]).await;
    let relation = async |field: &str, related: &str, on_delete: &str| {
        let body = json!({"collection": "products", "field": field, "related_collection": related,
            "meta": {"one_field": null}, "schema": {"on_delete": on_delete}});
        directus.post("/relations", &body).await.unwrap();
    };
    relation("parent", "products", "SET NULL").await;
    relation("brand", "brands", "CASCADE").await;
    let own = field("nickname", "string", json!({}));
    directus.post("/fields/directus_users", &own).await.unwrap();
}

/// The dump of one instance goes to another, and is there.
async fn crosses(cli: &Cli, from: &Directus, to: &Directus) {
    pull(cli, from).await;
    // Access rules of 10 have another shape, and settings name the project.
    let rest = ["-x", "roles,policies,permissions,presets,settings"];
    push(cli, to, &rest).await;
    push_is_empty(cli, to, &rest).await;
    assert_eq!(shape(&snapshot(from).await), shape(&snapshot(to).await));
    for table in ["products", "brands", "about"] {
        assert!(to.get(&format!("/items/{table}")).await.is_ok(), "{table}");
    }
}

/// What has to be the same in every version and database: the names, what is a key, what is required, what refers to what.
fn shape(snapshot: &Value) -> Vec<String> {
    let items = |list: &str| snapshot[list].as_array().unwrap().clone();
    let mut shape: Vec<String> = items("collections")
        .iter()
        .map(|item| {
            format!("{} in {} {}", item["collection"], item["meta"]["group"], item["meta"]["singleton"])
        })
        .collect();
    shape.extend(items("fields").iter().map(|item| {
        let schema = &item["schema"];
        format!(
            "{}.{} key {} required {} note {} of {}",
            item["collection"],
            item["field"],
            schema["is_primary_key"],
            schema["is_nullable"] == false,
            item["meta"]["note"],
            schema["foreign_key_table"],
        )
    }));
    shape.extend(items("relations").iter().map(|item| {
        format!(
            "{}.{} -> {} {}",
            item["collection"], item["field"], item["related_collection"], item["schema"]["on_delete"]
        )
    }));
    shape.sort();
    shape
}

#[tokio::test]
async fn from_10_to_11_to_12_and_back() {
    let start = |version| Directus::builder(version).template(Template::B).start();
    let (ten, eleven, twelve) =
        tokio::try_join!(start("10.13.1"), start("11.17.4"), start("12.4.0")).unwrap();
    fill(&ten).await;
    crosses(&Cli::new(), &ten, &eleven).await;
    crosses(&Cli::new(), &eleven, &twelve).await;
    let back = Directus::builder("11.17.4").start().await.unwrap();
    crosses(&Cli::new(), &twelve, &back).await;
}

async fn from_sqlite_to_another_and_back(version: &str, db: Db) {
    let sqlite = Directus::builder(version).start();
    let other = Directus::builder(version).db(db).template(Template::B).start();
    let (sqlite, other) = tokio::try_join!(sqlite, other).unwrap();
    fill(&sqlite).await;
    crosses(&Cli::new(), &sqlite, &other).await;
    let back = Directus::builder(version).template(Template::B).start().await.unwrap();
    crosses(&Cli::new(), &other, &back).await;
    // What only the database makes of it was left as it is: precision is not lost on the way back and forth.
    let decimal = |snapshot: &Value| {
        let fields = snapshot["fields"].as_array().unwrap().clone();
        let price = fields.into_iter().find(|item| item["field"] == "price").unwrap();
        (price["schema"]["numeric_precision"].clone(), price["schema"]["numeric_scale"].clone())
    };
    directly_made(&other).await;
    crosses_again(&sqlite, &other).await;
    assert_eq!(decimal(&snapshot(&other).await), (json!(12), json!(4)));
    assert!(major(version) >= 11);
    if db == Db::Mysql {
        named_and_not_sent(&sqlite, &other).await;
    }
}

/// A column that SQLite cannot describe.
async fn directly_made(other: &Directus) {
    other.delete("/fields/products/price", None).await.unwrap();
    let price = field("price", "decimal", json!({"numeric_precision": 12, "numeric_scale": 4}));
    other.post("/fields/products", &price).await.unwrap();
}

/// What SQLite has and MySQL cannot have is told with its place, and nothing of it is written.
async fn named_and_not_sent(sqlite: &Directus, mysql: &Directus) {
    let required = field("owner", "uuid", json!({"is_nullable": false}));
    sqlite.post("/fields/about", &required).await.unwrap();
    let relation = json!({"collection": "about", "field": "owner", "related_collection": "brands",
        "meta": {"one_field": null}, "schema": {"on_delete": "SET NULL"}});
    sqlite.post("/relations", &relation).await.unwrap();
    sqlite.post("/fields/about", &field("story", "string", json!({"max_length": 20_000}))).await.unwrap();
    let cli = Cli::new();
    pull(&cli, sqlite).await;
    let before = snapshot(mysql).await;
    for command in ["diff", "push"] {
        let ran = cli.run(&[command, "-x", "settings"], mysql).await;
        // A comparison shows what would be refused, a push refuses it.
        let ran = if command == "push" { ran.exits(3) } else { ran };
        drop(ran.says("about.owner").says("required-set-null").says("about.story").says("string-too-long"));
    }
    assert_eq!(snapshot(mysql).await, before, "nothing was written");
}

/// Keys that count in eight bytes, referred to and not: MySQL has only the second.
async fn fill_wide(directus: &Directus) {
    let id = json!({"field": "id", "type": "bigInteger", "meta": {"hidden": true},
        "schema": {"is_primary_key": true, "has_auto_increment": true}});
    let referred = field("ledger", "bigInteger", json!({"is_nullable": false}));
    for (name, fields) in
        [("ledgers", json!([id])), ("entries", json!([id, referred, field("lone", "bigInteger", json!({}))]))]
    {
        let body = json!({"collection": name, "schema": {}, "meta": {}, "fields": fields});
        directus.post("/collections", &body).await.unwrap();
    }
    let relation = json!({"collection": "entries", "field": "ledger", "related_collection": "ledgers",
        "meta": {"one_field": null}, "schema": {"on_delete": "CASCADE"}});
    directus.post("/relations", &relation).await.unwrap();
}

/// The type of a column, as the database calls it.
async fn data_type(directus: &Directus, collection: &str, field: &str) -> Value {
    directus.get(&format!("/fields/{collection}/{field}")).await.unwrap()["schema"]["data_type"].take()
}

#[tokio::test]
async fn schema_and_records_from_postgres_to_mysql_and_back() {
    let of = |db, template| Directus::builder("11.17.4").db(db).template(template).start();
    let (postgres, mysql) =
        tokio::try_join!(of(Db::Postgres, Template::A), of(Db::Mysql, Template::B)).unwrap();
    project::fill(&postgres).await;
    fill(&postgres).await;
    fill_wide(&postgres).await;
    whole_project_crosses(&Cli::new(), &postgres, &mysql).await;
    assert_eq!(shape(&snapshot(&postgres).await), shape(&snapshot(&mysql).await));
    for (collection, field, expected) in [
        ("ledgers", "id", "int unsigned"),
        ("entries", "ledger", "int unsigned"),
        ("entries", "lone", "bigint"),
        ("entries", "id", "bigint unsigned"),
    ] {
        assert_eq!(data_type(&mysql, collection, field).await, expected, "{collection}.{field}");
    }
    let back = of(Db::Postgres, Template::B).await.unwrap();
    whole_project_crosses(&Cli::new(), &mysql, &back).await;
    assert_eq!(shape(&snapshot(&postgres).await), shape(&snapshot(&back).await));
    assert_eq!(data_type(&back, "entries", "id").await, "bigint", "it counts as far as on MySQL");
}

async fn crosses_again(from: &Directus, to: &Directus) {
    let cli = Cli::new();
    pull(&cli, from).await;
    push(&cli, to, &["-x", "settings"]).await;
    push_is_empty(&cli, to, &["-x", "settings"]).await;
}

mod from_sqlite_to_another_and_back_again {
    use lockstep_testkit::directus::Db;

    use super::from_sqlite_to_another_and_back;

    #[tokio::test]
    async fn postgres_on_11() {
        Box::pin(from_sqlite_to_another_and_back("11.17.4", Db::Postgres)).await;
    }

    #[tokio::test]
    async fn postgres_on_12() {
        Box::pin(from_sqlite_to_another_and_back("12.4.0", Db::Postgres)).await;
    }

    #[tokio::test]
    async fn mysql_on_11() {
        Box::pin(from_sqlite_to_another_and_back("11.17.4", Db::Mysql)).await;
    }

    #[tokio::test]
    async fn mysql_on_12() {
        Box::pin(from_sqlite_to_another_and_back("12.4.0", Db::Mysql)).await;
    }
}
