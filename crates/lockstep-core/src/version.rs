//! Directus versions, as far as they change what a record looks like.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A released version of Directus, such as `11.17.4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 10, 11 or 12: what decides the shape of roles and permissions.
    pub major: u32,
    /// The feature release.
    pub minor: u32,
    /// The fix release.
    pub patch: u32,
}

impl Version {
    /// The oldest version that Lockstep works with.
    pub const OLDEST: Self = Self { major: 10, minor: 13, patch: 0 };

    /// True from the first version whose snapshots leave out tables that Directus does not track (11.10).
    #[must_use]
    pub fn hides_untracked_tables(self) -> bool {
        (self.major, self.minor) >= (11, 10)
    }

    /// True from the first version that keeps permissions in policies (11.0).
    #[must_use]
    pub fn has_policies(self) -> bool {
        self.major >= 11
    }
}

/// A text that is not `MAJOR.MINOR.PATCH`.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not a Directus version (such as 11.17.4)")]
pub struct NotAVersion(String);

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let release = text.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let mut numbers = release.split('.').map(str::parse);
        match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Ok(Self { major, minor, patch }),
            _ => Err(NotAVersion(text.to_owned())),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_releases_and_prereleases_and_refuses_the_rest() {
        let version = |text: &str| text.parse::<Version>().map(|v| v.to_string()).ok();
        assert_eq!(version("11.17.4").as_deref(), Some("11.17.4"));
        assert_eq!(version("v12.0.0-rc.1").as_deref(), Some("12.0.0"));
        for wrong in ["", "11", "11.17", "11.17.4.1", "eleven.1.2"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn orders_by_number_and_not_by_text() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("10.13.1") > version("10.9.3"));
        assert!(version("10.12.9") < Version::OLDEST);
        assert!(!version("10.13.1").has_policies() && version("11.0.0").has_policies());
    }
}
