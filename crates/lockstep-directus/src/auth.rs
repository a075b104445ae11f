//! Who the client is: a static token, or a login that is made when it is needed and renewed when it expires.

use crate::answer::Answer;
use crate::error::{Error, ErrorKind};
use crate::{Request, Safety};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, Instant};

/// How the client proves who it is.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Nobody: for the little that an instance tells everybody.
    None,
    /// A static token of a user.
    Token(SecretString),
    /// A login by email and password; the token that it gives is kept in memory only.
    Password {
        /// The user's email address.
        email: String,
        /// The user's password.
        password: SecretString,
    },
}

/// The bearer header to send, and which login it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) header: HeaderValue,
    renew_at: Option<Instant>,
}

impl Bearer {
    /// The header for a token.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOptions`] if it has characters that no header may have.
    pub(crate) fn of(token: &SecretString) -> Result<Self, Error> {
        let mut header =
            HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| {
                let reason = "the access token has characters that cannot be sent, such as line breaks";
                Error::new(ErrorKind::InvalidOptions, reason.to_owned())
            })?;
        header.set_sensitive(true);
        Ok(Self { header, renew_at: None })
    }

    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        self.renew_at.is_none_or(|renew_at| now < renew_at)
    }
}

/// The login request. Sending it twice does no harm: it makes another session.
pub(crate) fn request_login(email: &str, password: &SecretString) -> Request {
    let body = json!({"email": email, "password": password.expose_secret(), "mode": "json"});
    Request::post("/auth/login").json(body).safety(Safety::Read)
}

#[derive(Deserialize)]
struct Login {
    data: Granted,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Milliseconds until the token expires.
    expires: Option<u64>,
}

/// What the answer to a login grants. The token counts as stale shortly before it expires.
pub(crate) fn granted(answer: &Answer, now: Instant) -> Result<Bearer, Error> {
    let Login { data } = answer.parse()?;
    let bearer = Bearer::of(&data.access_token.into())?;
    let lifetime = data.expires.map(Duration::from_millis);
    Ok(Bearer { renew_at: lifetime.map(|lifetime| now + lifetime.mul_f64(0.9)), ..bearer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_renewed_before_it_expires() {
        let body = r#"{"data":{"access_token":"abc","expires":900000,"refresh_token":"r"}}"#;
        let now = Instant::now();
        let bearer = granted(&Answer::new(&Request::post("/auth/login"), 200, body.into()), now).unwrap();
        assert_eq!(bearer.header, "Bearer abc");
        assert!(bearer.is_fresh(now + Duration::from_secs(800)));
        assert!(!bearer.is_fresh(now + Duration::from_secs(820)));
        assert!(!format!("{bearer:?}").contains("abc"));
    }

    #[test]
    fn a_token_with_a_line_break_is_refused() {
        let error = Bearer::of(&SecretString::from("abc\n")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOptions);
        assert!(!error.to_string().contains("abc"));
    }
}
