//! Which address is answered by what.

use axum::http::header;
use serde_json::json;

use super::call::Call;
use super::items::{self, Endpoint};
use super::reply::Reply;
use super::{assets, files, info, login, mail, mappings, me, model, permissions, schema, utils};
use crate::error::{Answer, ApiError};
use crate::server::Mappings;

/// Endpoints of Directus' own collections that are nothing but that.
const PLAIN: [&str; 15] = [
    "access",
    "comments",
    "dashboards",
    "flows",
    "folders",
    "notifications",
    "operations",
    "panels",
    "policies",
    "presets",
    "roles",
    "shares",
    "translations",
    "users",
    "versions",
];

/// What stands where the real one has its application, for who follows the address in a browser.
const NO_APPLICATION: &str = "<!doctype html><title>Lockstep sandbox</title>\
    <body style=\"font: 16px/1.6 system-ui; margin: 4em auto; max-width: 40em\">\
    <h1>This is a Lockstep sandbox</h1>\
    <p>It answers the API of Directus for trying and testing. It has no application to look at.</p>\
    <p>See it at work: <a href=\"/server/ping\">/server/ping</a>, and with its token <code>/items/...</code>, \
    <code>/schema/snapshot</code>, <code>/server/info</code>.</p>";

/// Answers a request.
pub(crate) fn answer(call: &Call<'_>) -> Answer<Reply> {
    let segments: Vec<&str> = call.request.segments.iter().map(String::as_str).collect();
    let method = call.request.method.as_str();
    match (method, segments.as_slice()) {
        ("GET", []) => {
            let text = "Found. Redirecting to ./admin";
            let reply = Reply::bytes("text/plain; charset=utf-8", text).with(header::LOCATION, "./admin");
            Ok(Reply { status: 302, ..reply })
        }
        ("GET", ["admin", ..]) => Ok(Reply::bytes("text/html; charset=utf-8", NO_APPLICATION)),
        ("GET", ["robots.txt"]) => {
            Ok(Reply::bytes("text/plain; charset=utf-8", "User-agent: *\nDisallow: /"))
        }
        ("OPTIONS", ["items", _, rest @ ..]) => options(call, rest),
        ("OPTIONS", [name, rest @ ..]) if PLAIN.contains(name) => options(call, rest),
        (_, ["items", collection, ..]) => items::content(call, collection, &call.request.segments[2..]),
        (_, ["collections", rest @ ..]) => model::collections(call, rest),
        (_, ["fields", rest @ ..]) => model::fields(call, rest),
        (_, ["relations", rest @ ..]) => model::relations(call, rest),
        (_, ["schema", rest @ ..]) => schema::answer(call, rest),
        (_, ["files", rest @ ..]) => files::answer(call, rest),
        (_, ["assets", rest @ ..]) => assets::answer(call, rest),
        (_, ["auth", rest @ ..]) => login::answer(call, rest),
        (_, ["server", rest @ ..]) => info::answer(call, rest),
        (_, ["utils", rest @ ..]) => utils::answer(call, rest),
        (_, ["directus-extension-sync", rest @ ..]) if call.instance.options.mappings != Mappings::Off => {
            mappings::answer(call, rest)
        }
        ("GET" | "PATCH", ["users", "me"]) => me::user(call),
        ("POST", ["users", "me", "tfa", "generate"]) => mail::second_factor(call),
        ("POST", ["users", "invite"]) => mail::invite(call),
        // No flow ever waits for a trigger here.
        ("GET" | "POST", ["flows", "trigger", _]) => Err(ApiError::forbidden(None)),
        ("PATCH", ["users", "me", "track", "page"]) => me::page(call),
        ("GET", ["roles", "me"]) => me::roles(call),
        ("GET", ["policies", "me", "globals"]) => me::globals(call),
        ("GET", ["permissions", "me"]) => me::permissions(call),
        ("GET", ["permissions", "me", collection]) => me::permissions_of_item(call, collection, None),
        ("GET", ["permissions", "me", collection, key]) => {
            me::permissions_of_item(call, collection, Some(key))
        }
        (_, ["permissions", ..]) => permissions::answer(call, &call.request.segments[1..]),
        ("GET", ["extensions"]) if call.who.admin => Ok(Reply::data(json!([]))),
        ("GET", ["extensions"]) => Err(ApiError::no_collection("directus_extensions")),
        (_, [name, ..]) => own(call, name),
        _ => call.no_route(),
    }
}

/// What can be done at an address.
fn options(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    let methods = match rest {
        [] => "POST,SEARCH,GET,HEAD,PATCH,DELETE",
        [_] => "GET,HEAD,PATCH,DELETE",
        _ => return call.no_route(),
    };
    Ok(Reply::bytes("text/html; charset=utf-8", methods).with(header::ALLOW, methods))
}

fn own(call: &Call<'_>, name: &str) -> Answer<Reply> {
    let fixed = matches!(name, "activity" | "revisions");
    if !PLAIN.contains(&name) && !fixed && name != "settings" {
        return call.no_route();
    }
    let collection = format!("directus_{name}");
    let rest = &call.request.segments[1..];
    let settings = name == "settings";
    if settings && !(rest.is_empty() && matches!(call.request.method.as_str(), "GET" | "PATCH")) {
        return call.no_route();
    }
    // Keys of shares are part of the route.
    if name == "shares" && rest.first().is_some_and(|key| uuid::Uuid::try_parse(key).is_err()) {
        return call.no_route();
    }
    let endpoint = Endpoint { collection: &collection, singleton: settings, fixed };
    endpoint.answer(call, rest)
}
