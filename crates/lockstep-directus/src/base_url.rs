//! The URL of an instance, in the one form that the rest relies on.

use crate::error::{Error, ErrorKind};
use url::Url;

/// Brings an instance's URL into the form `scheme://host[:port][/prefix]`, without a slash at the end.
///
/// # Errors
/// [`ErrorKind::InvalidUrl`]; the message never shows what stands before an `@`, nor a query.
pub(crate) fn normalize(text: &str) -> Result<Url, Error> {
    let mut url = Url::parse(text.trim()).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            invalid("the URL of an instance must begin with http:// or https://")
        }
        error => invalid(&format!("the URL of an instance cannot be read: {error}")),
    })?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(invalid("the URL of an instance must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("the URL of an instance must not contain a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("the URL of an instance must not have a query (?) or a fragment (#)"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn invalid(reason: &str) -> Error {
    Error::new(ErrorKind::InvalidUrl, reason.to_owned())
}

/// The normalized URL as text; `Url` shows a slash where there is no path.
pub(crate) fn as_text(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_normalized() {
        for (given, normal) in [
            ("http://localhost:8055", "http://localhost:8055"),
            (" HTTPS://Example.com:443/cms// ", "https://example.com/cms"),
            ("http://localhost/", "http://localhost"),
            ("http://[::1]:8055/", "http://[::1]:8055"),
        ] {
            assert_eq!(as_text(&normalize(given).unwrap()), normal);
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for given in [
            "",
            "localhost:8055",
            "example.com",
            "ftp://a",
            "http://u:p@a",
            "http://a?x=1",
            "http://a/#/x",
            "http://",
        ] {
            let error = normalize(given).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{given}");
            assert!(!error.to_string().contains("u:p"));
        }
    }
}
