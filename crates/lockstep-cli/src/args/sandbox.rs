//! The command line of the sandbox, and of what is done in one.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::SecretString;

use super::DumpArgs;

pub(crate) const EXAMPLES: &str = "\
Examples:
  lockstep sandbox                                 an empty instance in memory, on a free port
  lockstep sandbox --from ./directus-config        with what a dump says
  lockstep sandbox --listen 127.0.0.1:8055 --data ./sandbox.db --admin-token secret
                                                   one that stays, at a known address";

pub(crate) const VERIFY_EXAMPLES: &str = "\
Examples:
  lockstep verify                        is ./directus-config whole?
  lockstep verify --dump-path ./dump     is this one?
  lockstep verify --json                 the same for programs";

/// `lockstep sandbox`.
#[derive(Debug, Clone, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct SandboxArgs {
    /// Where it listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// The file of its database, or `memory`
    #[arg(long, value_name = "FILE", default_value = "memory")]
    pub(crate) data: PathBuf,
    /// The static token of its administrator [default: a random one]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) admin_token: Option<SecretString>,
    /// The password of its administrator, admin@example.com [default: no login by password]
    #[arg(long, value_name = "PASSWORD")]
    pub(crate) admin_password: Option<SecretString>,
    /// The version of Directus that it is
    #[arg(long, value_name = "VERSION", default_value = lockstep_sandbox::VERSION)]
    pub(crate) version: String,
    /// Whose extension's mapping endpoints it has; Lockstep's are those of directus-sync and more
    #[arg(long, value_name = "WHOSE", value_enum, default_value_t = MappingRoutes::Lockstep)]
    pub(crate) extension: MappingRoutes,
    /// Leave out the mapping endpoints
    #[arg(long, conflicts_with = "extension")]
    pub(crate) no_extension: bool,
    /// A dump that it begins with
    #[arg(long, value_name = "DUMP")]
    pub(crate) from: Option<PathBuf>,
}

/// Whose mapping endpoints a sandbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MappingRoutes {
    /// Those of directus-sync's extension.
    DirectusSync,
    /// The same, and those of Lockstep's own.
    Lockstep,
}

/// `lockstep demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// Where the dump is left to be looked at
    #[arg(long, value_name = "PATH", default_value = "lockstep-demo")]
    pub(crate) dump_path: PathBuf,
}

/// `lockstep verify`.
#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyArgs {
    /// The dump.
    #[command(flatten)]
    pub(crate) dump: DumpArgs,
}

/// An address as people write it: `127.0.0.1:8055`, `localhost:8055`, or a port or a host alone.
fn address(text: &str) -> Result<SocketAddr, String> {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let host = |text: &str| match text {
        "localhost" => Some(loopback),
        text => text.trim_matches(['[', ']']).parse().ok(),
    };
    let port = |text: &str| text.parse::<u16>().ok();
    let parts = || {
        let (before, after) = text.rsplit_once(':')?;
        Some(SocketAddr::new(if before.is_empty() { loopback } else { host(before)? }, port(after)?))
    };
    let alone = || port(text).map(|port| SocketAddr::new(loopback, port));
    let any_port = || host(text).map(|host| SocketAddr::new(host, 0));
    let found = text.parse().ok().or_else(alone).or_else(any_port).or_else(parts);
    found.ok_or_else(|| "an address is like 127.0.0.1:8055, localhost:8055 or 8055".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, expected) in [
            ("127.0.0.1:8055", Some("127.0.0.1:8055")),
            ("localhost:8055", Some("127.0.0.1:8055")),
            ("localhost", Some("127.0.0.1:0")),
            ("8055", Some("127.0.0.1:8055")),
            (":8055", Some("127.0.0.1:8055")),
            ("0.0.0.0", Some("0.0.0.0:0")),
            ("[::1]:8055", Some("[::1]:8055")),
            ("::1", Some("[::1]:0")),
            ("elsewhere:8055", None),
            ("localhost:99999", None),
            ("", None),
        ] {
            assert_eq!(address(text).ok().map(|found| found.to_string()).as_deref(), expected, "{text}");
        }
    }
}
