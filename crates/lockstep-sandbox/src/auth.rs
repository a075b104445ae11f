//! Secrets: passwords, static tokens and the tokens of a login.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use crate::access::Who;
use crate::error::{Answer, ApiError};

/// How long the access token of a login is good for, in seconds; as the real one's default.
pub(crate) const ACCESS_SECONDS: i64 = 15 * 60;
/// How long its refresh token is good for, in seconds.
pub(crate) const REFRESH_SECONDS: i64 = 7 * 24 * 60 * 60;
/// How long the token of a session is good for, in seconds.
pub(crate) const SESSION_SECONDS: i64 = 24 * 60 * 60;
/// How long an expired token is still known as such.
const REMEMBERED_SECONDS: i64 = 24 * 60 * 60;
/// More access tokens than this are not kept; the oldest go.
const MOST_TOKENS: usize = 10_000;

/// The hash of a password, argon2id. It costs little (4 MiB, one pass): an instance is made for trying and testing.
pub(crate) fn hash(text: &str) -> Answer<String> {
    let salt =
        SaltString::encode_b64(&random::<16>()?).map_err(|error| ApiError::internal(error.to_string()))?;
    let hash = hasher()?.hash_password(text.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| ApiError::internal(error.to_string()))
}

/// True if this is the text that was hashed.
pub(crate) fn verify(text: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    // Anybody can ask, so what it may cost is not theirs to say.
    let dear = |name: &str, most: u32| hash.params.get_decimal(name).is_some_and(|asked| asked > most);
    if dear("m", 256 * 1024) || dear("t", 16) || dear("p", 16) {
        return false;
    }
    // The parameters are those of the hash.
    Argon2::default().verify_password(text.as_bytes(), &hash).is_ok()
}

fn hasher() -> Answer<Argon2<'static>> {
    let parameters = Params::new(4096, 1, 1, None).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Answer<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(bytes)
}

/// A random text of letters, digits, `-` and `_`.
pub(crate) fn random_text(length: usize) -> Answer<String> {
    let mut bytes = vec![0; length.div_ceil(4) * 3];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::internal(error.to_string()))?;
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(length);
    Ok(text)
}

/// True if both are the same; how long it takes tells their length only.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The access tokens that logins gave out. They are in memory only: a new start of the instance ends them.
///
/// They are looked up by a hash whose key is random, and compared in constant time.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    known: Mutex<HashMap<String, Granted>>,
}

#[derive(Debug, Clone)]
struct Granted {
    user: String,
    /// The refresh token that it came with.
    session: String,
    until: Timestamp,
}

/// What an access token is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Worth {
    /// It is this user's.
    User(String),
    /// It was somebody's.
    Expired,
    /// It looks like one, but nobody was given it.
    Forged,
    /// It is none of a login's.
    Foreign,
}

impl Tokens {
    /// A new token for a user. Its form is that of the real one's, with its claims to be read; the last part is random.
    pub(crate) fn grant(&self, user: &str, who: &Who, session: &str, seconds: i64) -> Answer<String> {
        let now = Timestamp::now();
        let until = now + jiff::SignedDuration::from_secs(seconds);
        let claims = json!({
            "id": user, "role": who.role, "app_access": who.app, "admin_access": who.admin,
            "iat": now.as_second(), "exp": until.as_second(), "iss": "directus",
        });
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let head = encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let token = format!("{head}.{}.{}", encode(&claims.to_string()), random_text(43)?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_TOKENS / 2 {
            known.retain(|_, it| now.as_second() - it.until.as_second() < REMEMBERED_SECONDS);
        }
        while known.len() >= MOST_TOKENS {
            let Some(oldest) = known.iter().min_by_key(|(_, it)| it.until).map(|(token, _)| token.clone())
            else {
                break;
            };
            known.remove(&oldest);
        }
        known.insert(token.clone(), Granted { user: user.into(), session: session.into(), until });
        Ok(token)
    }

    /// The refresh token that a token came with, also when the token itself is good no more.
    pub(crate) fn session(&self, token: &str) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, granted) = known.get_key_value(token).filter(|(known, _)| same(known, token))?;
        Some(granted.session.clone())
    }

    /// Ends the tokens of a session, named by its refresh token or by one of them.
    pub(crate) fn end(&self, session: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let of_session = |token: &str, granted: &Granted| granted.session == session || token == session;
        for (_, granted) in known.iter_mut().filter(|(token, granted)| of_session(token.as_str(), granted)) {
            granted.until = Timestamp::UNIX_EPOCH;
        }
    }

    /// What a token is worth.
    pub(crate) fn worth(&self, token: &str) -> Worth {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_key_value(token).filter(|(known, _)| same(known, token)) {
            Some((_, granted)) if granted.until > Timestamp::now() => Worth::User(granted.user.clone()),
            Some(_) => Worth::Expired,
            None if looks_granted(token) => Worth::Forged,
            None => Worth::Foreign,
        }
    }
}

/// True for what has the form of an access token of Directus.
fn looks_granted(token: &str) -> bool {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let Ok(claims) = URL_SAFE_NO_PAD.decode(claims) else { return false };
    serde_json::from_slice::<serde_json::Value>(&claims).is_ok_and(|claims| claims["iss"] == "directus")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_text_only() {
        let hash = hash("secret").expect("a hash");
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("secret", &hash));
        assert!(!verify("Secret", &hash));
        assert!(!verify("secret", "nonsense"));
        assert_ne!(hash, super::hash("secret").expect("a hash"));
    }

    #[test]
    fn random_texts_have_their_length_and_differ() {
        for length in [0, 1, 3, 4, 32, 500] {
            assert_eq!(random_text(length).expect("a text").len(), length);
        }
        assert_ne!(random_text(32).expect("a text"), random_text(32).expect("a text"));
    }

    #[test]
    fn tokens_are_told_apart() {
        let tokens = Tokens::default();
        let token = tokens.grant("me", &Who::default(), "session", 60).expect("a token");
        assert_eq!(tokens.worth(&token), Worth::User("me".into()));
        assert_eq!(tokens.session(&token).as_deref(), Some("session"));
        assert_eq!(tokens.session("other"), None);
        assert_eq!(tokens.worth(&format!("{token}x")), Worth::Forged);
        assert_eq!(tokens.worth("static"), Worth::Foreign);
        assert_eq!(tokens.worth("a.b.c"), Worth::Foreign);
        assert_eq!(tokens.worth(""), Worth::Foreign);
        let mut known = tokens.known.lock().expect("no panic");
        known.get_mut(&token).expect("known").until = Timestamp::now() - jiff::SignedDuration::from_secs(1);
        drop(known);
        assert_eq!(tokens.worth(&token), Worth::Expired);
    }
}
