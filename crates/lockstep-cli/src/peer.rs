//! Instances that a command names itself, where it is about more than one: a profile of the configuration, or a URL.

use secrecy::SecretString;

use crate::commands::Failure;
use crate::config::{Environment, Values};

/// An instance, as it was typed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer<'a> {
    /// A profile, or a URL.
    pub(crate) name: &'a str,
    /// The token that was typed for it.
    pub(crate) token: Option<&'a SecretString>,
    /// The option that names it, without dashes: `from`. Its token may come from `LOCKSTEP_FROM_TOKEN`.
    pub(crate) side: &'static str,
}

impl Peer<'_> {
    /// The profile, if it is none by its URL.
    pub(crate) fn profile(&self) -> Option<&str> {
        (!self.is_url()).then_some(self.name)
    }

    /// Puts in what connects to it, and takes out what was typed of another. A token that is not said to be for a URL is
    /// never sent there.
    ///
    /// # Errors
    /// A URL without a token.
    pub(crate) fn fill(&self, values: &mut Values, environment: &Environment) -> Result<(), Failure> {
        let variable = self.variable();
        let of_environment = || environment.variable(&variable).filter(|token| !token.trim().is_empty());
        let token = self.token.cloned().or_else(|| of_environment().map(|token| token.to_owned().into()));
        if self.is_url() && token.is_none() {
            return Err(Failure::NoPeerToken { side: self.side, variable });
        }
        values.directus_url = self.is_url().then(|| self.name.to_owned());
        values.directus_token = token;
        values.directus_email = None;
        values.directus_password = None;
        Ok(())
    }

    fn is_url(&self) -> bool {
        self.name.contains("://")
    }

    fn variable(&self) -> String {
        format!("LOCKSTEP_{}_TOKEN", self.side.to_ascii_uppercase())
    }
}
