//! Where workers share a journal: `nats://[user:password@|token@]host[:port]/name[?creds=FILE&replicas=N]`.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// The default of `name`.
const NAME: &str = "lockstep";

/// A NATS server, and the name under which workers find each other there.
#[derive(Clone)]
pub struct NatsAddress {
    /// Host and port, with the scheme (`nats` or `tls`).
    pub server: String,
    /// What all that belongs together begins with; letters, digits, `-` and `_`.
    pub name: String,
    /// A user with a password.
    pub user: Option<(String, SecretString)>,
    /// A token.
    pub token: Option<SecretString>,
    /// A file with credentials.
    pub credentials: Option<PathBuf>,
    /// On how many servers of a cluster each message lies.
    pub replicas: usize,
}

impl fmt::Debug for NatsAddress {
    /// Without what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsAddress")
            .field("server", &self.server)
            .field("name", &self.name)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for NatsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.server, self.name)
    }
}

impl NatsAddress {
    /// Reads an address; none if it is of another kind.
    ///
    /// # Errors
    /// What is wrong with it; secrets are not repeated.
    pub fn read(text: &str) -> Result<Option<Self>, String> {
        let Some((scheme, rest)) =
            text.split_once("://").filter(|(scheme, _)| ["nats", "tls"].contains(scheme))
        else {
            return Ok(None);
        };
        // First of all what may be secret: it can hold any letter, and is never repeated.
        let (who, rest) = match rest.rsplit_once('@') {
            Some((who, rest)) => (Some(who), rest),
            None => (None, rest),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, name) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() {
            return Err("the address has no host; it looks like nats://localhost:4222/production".to_owned());
        }
        let name = if name.is_empty() { NAME } else { name };
        if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter)) {
            return Err(format!("\"{name}\" is no name; it has letters, digits, - and _"));
        }
        let mut address = Self {
            server: format!("{scheme}://{host}"),
            name: name.to_owned(),
            user: None,
            token: None,
            credentials: None,
            replicas: 1,
        };
        match who.map(|who| who.split_once(':').ok_or(who)) {
            Some(Ok((user, password))) => {
                address.user = Some((user.to_owned(), SecretString::from(password)));
            }
            Some(Err(token)) => address.token = Some(SecretString::from(token)),
            None => {}
        }
        for (key, value) in query.split('&').filter_map(|part| part.split_once('=')) {
            match key {
                "creds" => address.credentials = Some(PathBuf::from(value)),
                "replicas" => {
                    address.replicas = value
                        .parse()
                        .ok()
                        .filter(|count| (1..=5).contains(count))
                        .ok_or_else(|| format!("replicas={value}: from 1 to 5 are possible"))?;
                }
                other => return Err(format!("\"{other}\" is unknown there; creds and replicas are known")),
            }
        }
        Ok(Some(address))
    }

    pub(super) async fn options(&self) -> Result<async_nats::ConnectOptions, std::io::Error> {
        let mut options = async_nats::ConnectOptions::new().name("lockstep");
        if let Some((user, password)) = &self.user {
            options = options.user_and_password(user.clone(), password.expose_secret().to_owned());
        }
        if let Some(token) = &self.token {
            options = options.token(token.expose_secret().to_owned());
        }
        match &self.credentials {
            Some(file) => options.credentials_file(file).await,
            None => Ok(options),
        }
    }
}

/// A name as one part of a subject, a key or an object: what else than letters, digits and `-` is in it is said in hexadecimal.
pub(super) fn part(name: &str) -> String {
    let mut part = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            part.push(char::from(byte));
        } else {
            part += &format!("_{byte:02x}");
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_secrets_are_not_shown() {
        let read = |text: &str| NatsAddress::read(text);
        assert!(read("./live.db").unwrap().is_none());
        let plain = read("nats://localhost:4222").unwrap().unwrap();
        assert_eq!((plain.to_string().as_str(), plain.replicas), ("nats://localhost:4222/lockstep", 1));
        let user = read("tls://ann:s3cret@nats.example:4222/production?replicas=3").unwrap().unwrap();
        assert_eq!((user.name.as_str(), user.replicas), ("production", 3));
        assert!(user.user.is_some() && !format!("{user:?} {user}").contains("s3cret"));
        assert!(read("nats://s3cret@host/x").unwrap().unwrap().token.is_some());
        // Made of any letters.
        for secret in ["ann:s3c/ret", "ann:s3c?r=et", "s3c@ret/x"] {
            let address = read(&format!("nats://{secret}@host:1/x")).unwrap().unwrap();
            assert_eq!(address.to_string(), "nats://host:1/x");
            let wrong = read(&format!("nats://{secret}@host:1/x?replicas=0")).unwrap_err();
            assert!(!format!("{address:?} {wrong}").contains("s3c"));
        }
        for (wrong, part) in [
            ("nats:///x", "no host"),
            ("nats://h/a b", "no name"),
            ("nats://h/x?replicas=9", "1 to 5"),
            ("nats://h/x?y=1", "\"y\""),
        ] {
            assert!(read(wrong).unwrap_err().contains(part), "{wrong}");
        }
    }

    #[test]
    fn names_become_parts_that_differ() {
        let parts = ["a>b", "a.b", "a b", "a_b", "a-b", "ä"].map(part);
        assert_eq!(parts[0], "a_3eb");
        assert!(parts.iter().all(|part| !part.contains(['.', '>', '*', ' '])));
        assert_eq!(parts.iter().collect::<std::collections::BTreeSet<_>>().len(), parts.len());
    }
}
