//! Collections, fields and relations.
//!
//! Many-to-one, one-to-many, many-to-many through a junction, a reference to itself, translations, many-to-any, files, a
//! singleton, folders of collections, and most types and interfaces.

use serde_json::{Value, json};

use super::Step;
use super::field::{
    alias, field, hidden, image, merged, name_key, reference, stamp, table, text, unique, uuid_key,
};
use super::serial_key;

/// Collections with their fields, then the relations between them.
pub(super) fn steps() -> Vec<Step> {
    let folders = [
        folder("magazine", "menu_book", "#2E5FA3", 1, "Everything that is printed"),
        folder("shop", "storefront", "#A36B2E", 2, "Back issues, maps and tote bags"),
    ];
    let collections = folders.into_iter().chain(magazine()).chain(blocks()).chain(shop());
    vec![Step::Batch("/collections", collections.collect()), Step::Each("/relations", relations())]
}

fn folder(name: &str, icon: &str, color: &str, sort: u32, note: &str) -> Value {
    let meta = json!({ "icon": icon, "color": color, "sort": sort, "note": note, "collapse": "open" });
    json!({ "collection": name, "meta": meta, "schema": null })
}

fn status() -> Value {
    let choices = json!([
        { "text": "Draft", "value": "draft", "color": "var(--theme--warning)" },
        { "text": "Proof — à relire", "value": "proof", "color": "#6644FF" },
        { "text": "Published", "value": "published", "color": "var(--theme--primary)" },
        { "text": "Archived", "value": "archived", "color": "#A2B5CD" },
    ]);
    let meta = json!({ "options": { "choices": choices }, "width": "half", "required": true });
    field(
        "status",
        "string",
        "select-dropdown",
        meta,
        json!({ "default_value": "draft", "is_nullable": false }),
    )
}

fn magazine() -> Vec<Value> {
    let articles = json!({
        "icon": "article", "sort": 1, "display_template": "{{translations.title}} · {{author.name}}",
        "archive_field": "status", "archive_value": "archived", "unarchive_value": "draft", "sort_field": "sort",
        "translations": [{ "language": "fr-FR", "translation": "Articles", "singular": "article", "plural": "articles" }],
    });
    vec![
        table("articles", "magazine", articles, articles_fields()),
        table("articles_translations", "articles", json!({ "hidden": true }), article_texts()),
        table(
            "articles_tags",
            "articles",
            json!({ "hidden": true }),
            junction(&[("articles_id", "uuid"), ("tags_id", "integer")]),
        ),
        table(
            "sections",
            "magazine",
            json!({ "icon": "account_tree", "sort": 2, "sort_field": "sort" }),
            sections(),
        ),
        table(
            "authors",
            "magazine",
            json!({ "icon": "edit_note", "sort": 3, "display_template": "{{name}}" }),
            authors(),
        ),
        table(
            "tags",
            "magazine",
            json!({ "icon": "sell", "sort": 4 }),
            vec![serial_key(), unique("name"), text("colour")],
        ),
        table("languages", "magazine", json!({ "icon": "translate", "sort": 5 }), languages()),
        table("imprint", "magazine", json!({ "icon": "gavel", "sort": 6, "singleton": true }), imprint()),
    ]
}

fn articles_fields() -> Vec<Value> {
    let slug = json!({ "options": { "slug": true, "trim": true }, "note": "Part of the address: /read/…", "width": "half" });
    let teaser = json!({
        "width": "half",
        "conditions": [{ "name": "Only when published", "rule": { "_and": [{ "status": { "_neq": "published" } }] }, "readonly": true }],
    });
    vec![
        uuid_key(),
        status(),
        field("sort", "integer", "input", json!({ "hidden": true }), json!({})),
        field("slug", "string", "input", slug, json!({ "is_unique": true, "max_length": 120 })),
        field(
            "teaser",
            "boolean",
            "boolean",
            merged(teaser, json!({ "special": ["cast-boolean"] })),
            json!({ "default_value": false }),
        ),
        field("published_on", "timestamp", "datetime", json!({ "width": "half" }), json!({})),
        field(
            "reading_minutes",
            "decimal",
            "input",
            json!({ "width": "half" }),
            json!({ "numeric_precision": 5, "numeric_scale": 1 }),
        ),
        field("keywords", "csv", "tags", json!({ "special": ["cast-csv"] }), json!({})),
        image("cover"),
        reference("author", "uuid"),
        reference("section", "integer"),
        alias("translations", "translations"),
        alias("tags", "m2m"),
        alias("blocks", "m2a"),
        stamp("user_created", "uuid", "user-created"),
        stamp("date_created", "timestamp", "date-created"),
        stamp("date_updated", "timestamp", "date-updated"),
    ]
}

fn article_texts() -> Vec<Value> {
    let toolbar = json!({ "options": { "toolbar": ["bold", "italic", "link", "blockquote"] } });
    vec![
        serial_key(),
        hidden("articles_id", "uuid"),
        hidden("languages_code", "string"),
        field("title", "string", "input", json!({ "required": true }), json!({})),
        field("summary", "text", "input-multiline", json!({ "note": "Two sentences at most" }), json!({})),
        field("body", "text", "input-rich-text-html", toolbar, json!({})),
    ]
}

fn junction(references: &[(&str, &str)]) -> Vec<Value> {
    let references = references.iter().map(|(name, kind)| hidden(name, kind));
    std::iter::once(serial_key()).chain(references).chain([hidden("sort", "integer")]).collect()
}

fn sections() -> Vec<Value> {
    let color =
        json!({ "width": "half", "options": { "presets": [{ "name": "Océan", "color": "#1D7A8C" }] } });
    vec![
        serial_key(),
        text("name"),
        field("color", "string", "select-color", color, json!({ "default_value": "#1D7A8C" })),
        field("sort", "integer", "input", json!({ "hidden": true }), json!({})),
        reference("parent", "integer"),
        alias("children", "o2m"),
    ]
}

fn authors() -> Vec<Value> {
    let links = json!({
        "special": ["cast-json"],
        "options": { "template": "{{label}}", "fields": [{ "field": "label", "name": "Label", "type": "string", "meta": { "interface": "input" } }] },
    });
    vec![
        uuid_key(),
        text("name"),
        field(
            "email",
            "string",
            "input",
            json!({ "validation": { "_and": [{ "email": { "_contains": "@" } }] } }),
            json!({}),
        ),
        field("bio", "text", "input-rich-text-md", json!({}), json!({})),
        field("links", "json", "list", links, json!({})),
        field("born", "date", "datetime", json!({ "width": "half" }), json!({})),
        image("portrait"),
        alias("articles", "o2m"),
    ]
}

fn languages() -> Vec<Value> {
    let direction = json!({ "options": { "choices": [{ "text": "→", "value": "ltr" }, { "text": "←", "value": "rtl" }] } });
    vec![
        name_key("code"),
        text("name"),
        field("direction", "string", "select-radio", direction, json!({ "default_value": "ltr" })),
    ]
}

fn imprint() -> Vec<Value> {
    vec![
        serial_key(),
        text("publisher"),
        field("address", "text", "input-multiline", json!({}), json!({})),
        reference("editor_in_chief", "uuid"),
    ]
}

/// What an article is made of: any of three kinds, in any order.
fn blocks() -> Vec<Value> {
    let any = vec![
        serial_key(),
        hidden("articles_id", "uuid"),
        hidden("collection", "string"),
        hidden("item", "string"),
        hidden("sort", "integer"),
    ];
    let size = json!({ "options": { "choices": [{ "text": "Wide", "value": "wide" }, { "text": "Column", "value": "column" }] } });
    vec![
        table("articles_blocks", "articles", json!({ "hidden": true }), any),
        table(
            "block_text",
            "articles",
            json!({ "icon": "notes" }),
            vec![serial_key(), field("text", "text", "input-rich-text-html", json!({}), json!({}))],
        ),
        table(
            "block_quote",
            "articles",
            json!({ "icon": "format_quote" }),
            vec![
                serial_key(),
                field("quote", "text", "input-multiline", json!({}), json!({})),
                text("source"),
            ],
        ),
        table(
            "block_picture",
            "articles",
            json!({ "icon": "image" }),
            vec![serial_key(), image("picture"), field("size", "string", "select-radio", size, json!({}))],
        ),
    ]
}

fn shop() -> Vec<Value> {
    let price =
        json!({ "numeric_precision": 10, "numeric_scale": 2, "is_nullable": false, "default_value": 0 });
    let divider = json!({ "field": "delivery", "type": "alias", "schema": null, "meta": {
        "interface": "presentation-divider", "special": ["alias", "no-data"], "options": { "title": "Livraison 📦" } } });
    let products = vec![
        name_key("sku"),
        text("name"),
        field("price", "decimal", "input", json!({ "width": "half" }), price.clone()),
        field("stock", "integer", "input", json!({ "width": "half" }), json!({ "default_value": 0 })),
        field("weight", "float", "input", json!({ "width": "half" }), json!({})),
        reference("featured_in", "uuid"),
        image("picture"),
    ];
    let orders = vec![
        uuid_key(),
        field("number", "bigInteger", "input", json!({ "readonly": true }), json!({ "is_unique": true })),
        field("total", "decimal", "input", json!({}), price.clone()),
        divider,
        field("address", "json", "input-code", json!({ "special": ["cast-json"] }), json!({})),
        field("deliver_at", "time", "datetime", json!({}), json!({})),
        alias("lines", "o2m"),
        stamp("date_created", "timestamp", "date-created"),
    ];
    let lines = vec![
        serial_key(),
        hidden("order", "uuid"),
        reference("product", "string"),
        field("quantity", "integer", "input", json!({}), json!({ "default_value": 1 })),
        field("price", "decimal", "input", json!({}), price),
    ];
    vec![
        table(
            "products",
            "shop",
            json!({ "icon": "shopping_bag", "display_template": "{{name}} ({{sku}})" }),
            products,
        ),
        table("orders", "shop", json!({ "icon": "receipt_long", "accountability": "activity" }), orders),
        table("order_lines", "orders", json!({ "hidden": true }), lines),
    ]
}

/// `field` of `collection` leads to `related`; `meta` says what is on the other side.
fn relation(collection: &str, field: &str, related: &str, on_delete: &str, meta: Value) -> Value {
    let schema = json!({ "on_delete": on_delete });
    json!({ "collection": collection, "field": field, "related_collection": related, "meta": meta, "schema": schema })
}

fn relations() -> Vec<Value> {
    let in_junction = |one: Value, other: &str, sort: Value| json!({ "one_field": one, "junction_field": other, "sort_field": sort });
    let set_null = |collection, field, related, one: Value| {
        relation(collection, field, related, "SET NULL", json!({ "one_field": one }))
    };
    let any = json!({
        "collection": "articles_blocks", "field": "item", "related_collection": null, "schema": null,
        "meta": { "one_collection_field": "collection", "one_allowed_collections": ["block_text", "block_quote", "block_picture"], "junction_field": "articles_id" },
    });
    vec![
        set_null("articles", "author", "authors", json!("articles")),
        set_null("articles", "section", "sections", Value::Null),
        set_null("articles", "cover", "directus_files", Value::Null),
        set_null("articles", "user_created", "directus_users", Value::Null),
        relation(
            "articles_translations",
            "articles_id",
            "articles",
            "CASCADE",
            in_junction(json!("translations"), "languages_code", Value::Null),
        ),
        relation(
            "articles_translations",
            "languages_code",
            "languages",
            "SET NULL",
            in_junction(Value::Null, "articles_id", Value::Null),
        ),
        relation(
            "articles_tags",
            "articles_id",
            "articles",
            "CASCADE",
            in_junction(json!("tags"), "tags_id", json!("sort")),
        ),
        relation(
            "articles_tags",
            "tags_id",
            "tags",
            "CASCADE",
            in_junction(Value::Null, "articles_id", Value::Null),
        ),
        relation(
            "sections",
            "parent",
            "sections",
            "NO ACTION",
            json!({ "one_field": "children", "sort_field": "sort" }),
        ),
        set_null("authors", "portrait", "directus_files", Value::Null),
        set_null("imprint", "editor_in_chief", "authors", Value::Null),
        any,
        relation(
            "articles_blocks",
            "articles_id",
            "articles",
            "CASCADE",
            in_junction(json!("blocks"), "item", json!("sort")),
        ),
        set_null("block_picture", "picture", "directus_files", Value::Null),
        set_null("products", "featured_in", "articles", Value::Null),
        set_null("products", "picture", "directus_files", Value::Null),
        relation(
            "order_lines",
            "order",
            "orders",
            "CASCADE",
            json!({ "one_field": "lines", "one_deselect_action": "delete" }),
        ),
        relation("order_lines", "product", "products", "NO ACTION", json!({})),
    ]
}
