//! Roles, policies and permissions: who may do what.

use serde_json::{Value, json};

use super::Step;
use super::field::merged;
use super::{Edition, id};

/// Roles by name, each after its parent.
const ROLES: [(&str, &str, Option<&str>, &str); 5] = [
    ("chief", "Chefredaktion", None, "Décide de ce qui paraît"),
    ("editors", "Redaktion", Some("chief"), "Writes, cuts and proofreads"),
    ("freelancers", "Freie Autor:innen", Some("editors"), "See their own articles only"),
    ("shop", "Shop & Versand", None, "Packs the parcels"),
    ("readers", "Lesende 読者", None, "Registered on the website"),
];

/// Policies by name, with their icon and the roles that they are attached to.
const POLICIES: [(&str, &str, &str, &[&str]); 6] = [
    ("newsroom", "Newsroom basics", "newspaper", &["editors", "freelancers"]),
    ("publishing", "May publish", "publish", &["chief"]),
    ("shopkeeping", "Shop management", "storefront", &["shop", "chief"]),
    ("members", "Members' area", "card_membership", &["readers"]),
    ("website", "Website — öffentlich", "public", &[]),
    ("audit", "Audit (attached by hand when needed)", "fact_check", &[]),
];

/// A permission, its policy by name.
struct Grant {
    policy: &'static str,
    collection: &'static str,
    action: &'static str,
    fields: &'static [&'static str],
    rule: Value,
    validation: Value,
    presets: Value,
}

/// The id of a role of the sample.
pub(super) fn role(name: &str) -> Value {
    json!(id(&format!("sample/role/{name}")))
}

fn policy(name: &str) -> Value {
    json!(id(&format!("sample/policy/{name}")))
}

/// Roles, then what they may do: by policies, or on Directus 10 themselves.
pub(super) fn steps(edition: Edition) -> Vec<Step> {
    match edition {
        Edition::Ten => {
            vec![Step::Batch("/roles", roles_with_flags()), Step::Batch("/permissions", grants_of_roles())]
        }
        Edition::Eleven | Edition::Twelve => vec![
            Step::Batch("/roles", roles()),
            Step::Batch("/policies", policies()),
            Step::Batch(
                "/access",
                vec![json!({ "policy": policy("website"), "role": null, "user": null, "sort": 2 })],
            ),
            Step::Batch("/permissions", grants_of_policies(edition)),
        ],
    }
}

fn roles() -> Vec<Value> {
    ROLES
        .iter()
        .map(|&(key, name, parent, description)| {
            json!({ "id": role(key), "name": name, "icon": "group", "description": description, "parent": parent.map(role) })
        })
        .collect()
}

fn roles_with_flags() -> Vec<Value> {
    ROLES
        .iter()
        .map(|&(key, name, _, description)| {
            json!({
                "id": role(key), "name": name, "icon": "group", "description": description, "admin_access": false,
                "app_access": key != "readers", "enforce_tfa": key == "chief",
                "ip_access": (key == "shop").then_some(["192.0.2.0/24", "198.51.100.7"]),
            })
        })
        .collect()
}

fn policies() -> Vec<Value> {
    POLICIES
        .iter()
        .map(|&(key, name, icon, roles)| {
            let attachments: Vec<_> = roles
                .iter()
                .enumerate()
                .map(|(n, name)| json!({ "role": role(name), "sort": n + 1 }))
                .collect();
            json!({
                "id": policy(key), "name": name, "icon": icon, "description": null, "admin_access": false,
                "app_access": matches!(key, "newsroom" | "publishing" | "shopkeeping"),
                "enforce_tfa": key == "publishing",
                "ip_access": (key == "shopkeeping").then_some(["192.0.2.0/24", "198.51.100.7"]),
                "roles": { "create": attachments, "update": [], "delete": [] },
            })
        })
        .collect()
}

/// Without a licence Directus 12 takes no rules of one's own.
fn grants_of_policies(edition: Edition) -> Vec<Value> {
    let plain = edition == Edition::Twelve;
    grants()
        .iter()
        .map(|grant| merged(json!({ "policy": policy(grant.policy) }), grant.record(plain)))
        .collect()
}

/// On Directus 10 the roles that a policy would be attached to have its permissions; the public has those of no role.
fn grants_of_roles() -> Vec<Value> {
    let subjects = |policy: &str| match policy {
        "website" => vec![Value::Null],
        _ => {
            let attached = POLICIES.iter().filter(|known| known.0 == policy).flat_map(|known| known.3);
            attached.map(|name| role(name)).collect()
        }
    };
    let of_grant = |grant: &Grant| {
        let record = grant.record(false);
        subjects(grant.policy).into_iter().map(move |role| merged(json!({ "role": role }), record.clone()))
    };
    grants().iter().flat_map(of_grant).collect()
}

impl Grant {
    fn plain(policy: &'static str, collection: &'static str, action: &'static str) -> Self {
        let (rule, validation, presets) = (Value::Null, Value::Null, Value::Null);
        Self { policy, collection, action, fields: &["*"], rule, validation, presets }
    }

    fn record(&self, plain: bool) -> Value {
        let fields = if plain { &["*"] } else { self.fields };
        let custom = |value: &Value| if plain { Value::Null } else { value.clone() };
        json!({
            "collection": self.collection, "action": self.action, "fields": fields,
            "permissions": custom(&self.rule), "validation": custom(&self.validation), "presets": custom(&self.presets),
        })
    }
}

fn grants() -> Vec<Grant> {
    let mut grants = ruled_grants();
    for collection in
        ["articles_translations", "articles_tags", "articles_blocks", "block_text", "block_quote"]
    {
        let actions = ["create", "read", "update", "delete"];
        grants.extend(actions.map(|action| Grant::plain("newsroom", collection, action)));
    }
    for collection in ["authors", "sections", "tags", "languages", "imprint", "products"] {
        grants.push(Grant::plain("website", collection, "read"));
    }
    for action in ["create", "read", "update", "delete"] {
        grants.push(Grant::plain("shopkeeping", "products", action));
    }
    grants.push(Grant::plain("audit", "orders", "read"));
    grants
}

/// Those with rules, validations, presets or some fields only.
fn ruled_grants() -> Vec<Grant> {
    let published =
        || json!({ "_and": [{ "status": { "_eq": "published" } }, { "published_on": { "_lte": "$NOW" } }] });
    let own = || json!({ "user_created": { "_eq": "$CURRENT_USER" } });
    vec![
        Grant { rule: published(), ..Grant::plain("website", "articles", "read") },
        Grant {
            fields: &["id", "title", "type", "width", "height"],
            ..Grant::plain("website", "directus_files", "read")
        },
        Grant { rule: published(), ..Grant::plain("members", "articles", "read") },
        Grant { presets: json!({ "status": "draft" }), ..Grant::plain("newsroom", "articles", "create") },
        Grant::plain("newsroom", "articles", "read"),
        Grant {
            rule: json!({ "_or": [own(), { "section": { "name": { "_in": ["Zürich", "Genève"] } } }] }),
            validation: json!({ "_and": [{ "status": { "_neq": "published" } }] }),
            fields: &[
                "slug",
                "teaser",
                "cover",
                "author",
                "section",
                "translations",
                "tags",
                "blocks",
                "status",
            ],
            ..Grant::plain("newsroom", "articles", "update")
        },
        Grant { rule: own(), ..Grant::plain("newsroom", "articles", "delete") },
        Grant {
            rule: json!({ "role": { "_eq": role("freelancers") } }),
            fields: &["id", "first_name", "last_name", "avatar"],
            ..Grant::plain("publishing", "directus_users", "read")
        },
        Grant::plain("publishing", "articles", "update"),
        Grant { fields: &["quantity", "price"], ..Grant::plain("shopkeeping", "order_lines", "update") },
        Grant { rule: json!({ "total": { "_gt": 0 } }), ..Grant::plain("shopkeeping", "orders", "read") },
    ]
}
