//! What the app looks like: folders, translations, presets and settings.

use serde_json::{Value, json};

use super::Step;
use super::access::role;
use super::id;

/// Folders, each after its parent.
const FOLDERS: [(&str, &str, Option<&str>); 6] = [
    ("images", "Images", None),
    ("covers", "Couvertures", Some("images")),
    ("covers-2025", "2025", Some("covers")),
    ("portraits", "Porträts", Some("images")),
    ("downloads", "Downloads", None),
    ("inbox", "📥 Eingang", None),
];

/// Texts of the app: key, English, French.
const TEXTS: [(&str, &str, &str); 4] = [
    ("article_status", "Status of the article", "Statut de l’article"),
    ("waiting_for_proof", "Waiting for proofreading", "En attente de relecture"),
    ("greeting", "Good morning, {{name}}!", "Bonjour, {{name}} !"),
    ("shop_closed", "The shop is closed on Sundays ☕", "La boutique est fermée le dimanche ☕"),
];

fn folder_id(key: &str) -> Value {
    json!(id(&format!("sample/folder/{key}")))
}

pub(super) fn folders() -> Step {
    let folder = |(key, name, parent): (_, _, Option<_>)| json!({ "id": folder_id(key), "name": name, "parent": parent.map(folder_id) });
    Step::Batch("/folders", FOLDERS.map(folder).to_vec())
}

pub(super) fn steps() -> Vec<Step> {
    vec![
        Step::Batch("/translations", TEXTS.into_iter().flat_map(translations).collect()),
        Step::Batch("/presets", presets()),
        Step::Patch("/settings", settings()),
    ]
}

fn translations((key, english, french): (&str, &str, &str)) -> [Value; 2] {
    [("en-US", english), ("fr-FR", french)].map(|(language, value)| {
        let id = id(&format!("sample/translation/{key}/{language}"));
        json!({ "id": id, "key": key, "language": language, "value": value })
    })
}

/// Bookmarks of a role, one for everybody, and defaults without a name.
fn presets() -> Vec<Value> {
    let proofs = json!({
        "collection": "articles", "role": role("editors"), "bookmark": "Zum Gegenlesen", "icon": "spellcheck", "color": "#6644FF",
        "layout": "tabular", "filter": { "_and": [{ "status": { "_eq": "proof" } }] }, "refresh_interval": 300,
        "layout_query": { "tabular": { "fields": ["slug", "author", "published_on"], "sort": ["-published_on"], "page": 1 } },
        "layout_options": { "tabular": { "widths": { "slug": 240 } } },
    });
    let open = json!({
        "collection": "orders", "role": role("shop"), "bookmark": "To be packed", "icon": "inventory_2",
        "layout": "kanban", "layout_options": { "kanban": { "groupField": "status" } }, "search": "offen",
    });
    let calendar = json!({
        "collection": "articles", "bookmark": "Calendrier", "icon": "calendar_month", "layout": "calendar",
        "layout_options": { "calendar": { "startDateField": "published_on", "template": "{{slug}}" } },
    });
    let everybody = json!({ "collection": "products", "layout": "cards", "layout_query": { "cards": { "sort": ["name"] } } });
    let readers = json!({ "collection": "articles", "role": role("freelancers"), "layout": "cards" });
    vec![proofs, open, calendar, everybody, readers]
}

fn settings() -> Value {
    json!({
        "project_name": "Meridian — slow travel, fast prints", "project_descriptor": "Magazin & Boutique",
        "project_color": "#1D7A8C", "default_language": "en-US", "default_appearance": "auto",
        "storage_default_folder": folder_id("inbox"), "public_note": "Bienvenue — **Willkommen**",
        "public_registration": true, "public_registration_verify_email": true, "public_registration_role": role("readers"),
        "public_registration_email_filter": { "_and": [{ "email": { "_ends_with": "@example.com" } }] },
        "auth_password_policy": "/^.{8,}$/", "auth_login_attempts": 10,
        "custom_css": "body::after {\n\tcontent: \"🧭\";\n}",
        "storage_asset_presets": [{ "key": "thumb", "fit": "cover", "width": 200, "height": 200, "quality": 80, "withoutEnlargement": true }],
        "module_bar": [
            { "type": "module", "id": "content", "enabled": true },
            { "type": "module", "id": "files", "enabled": true },
            { "type": "module", "id": "insights", "enabled": true },
            { "type": "link", "id": "website", "name": "Website", "url": "https://www.example.com", "icon": "language", "enabled": true },
            { "type": "module", "id": "settings", "enabled": true, "locked": true },
        ],
    })
}
