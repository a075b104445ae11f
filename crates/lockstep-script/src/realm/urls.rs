//! URLs, for the class `URL`: parsed and changed as browsers do.

use url::{Url, quirks};

/// The parts of a URL, in the order that `url.js` has: href, origin, protocol, username, password, host, hostname,
/// port, pathname, search, hash.
pub(super) fn parsed(url: &str, base: Option<&str>) -> Option<Vec<String>> {
    let base = base.map(Url::parse).transpose().ok()?;
    let url = Url::options().base_url(base.as_ref()).parse(url).ok()?;
    Some(parts(&url))
}

/// The parts of a URL after one of them was changed; none if it cannot be changed so.
pub(super) fn changed(url: &str, part: &str, value: &str) -> Option<Vec<String>> {
    let mut url = Url::parse(url).ok()?;
    let url = &mut url;
    match part {
        "href" => quirks::set_href(url, value).ok()?,
        "protocol" => quirks::set_protocol(url, value).ok()?,
        "username" => quirks::set_username(url, value).ok()?,
        "password" => quirks::set_password(url, value).ok()?,
        "host" => quirks::set_host(url, value).ok()?,
        "hostname" => quirks::set_hostname(url, value).ok()?,
        "port" => quirks::set_port(url, value).ok()?,
        "pathname" => quirks::set_pathname(url, value),
        "search" => quirks::set_search(url, value),
        "hash" => quirks::set_hash(url, value),
        _ => return None,
    }
    Some(parts(url))
}

fn parts(url: &Url) -> Vec<String> {
    let origin = quirks::origin(url);
    [
        quirks::href(url),
        &origin,
        quirks::protocol(url),
        quirks::username(url),
        quirks::password(url),
        quirks::host(url),
        quirks::hostname(url),
        quirks::port(url),
        quirks::pathname(url),
        quirks::search(url),
        quirks::hash(url),
    ]
    .map(str::to_owned)
    .to_vec()
}
