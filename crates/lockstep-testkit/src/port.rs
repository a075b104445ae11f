//! Ports that no other Lockstep process on this machine takes at the same time.

use std::net::TcpListener;

use crate::Error;
use crate::cache::{Cache, Lock};

/// A port of the loopback interface, ours until dropped.
///
/// Binding port 0 and closing the socket again leaves the port free until the server binds it, seconds later; the
/// lock keeps other tests, in this process or another, from being given it meanwhile.
#[derive(Debug)]
pub(crate) struct PortLease {
    number: u16,
    _lock: Lock,
}

impl PortLease {
    /// A port that is free now.
    pub(crate) fn any(cache: &Cache) -> Result<Self, Error> {
        loop {
            let number = unused()?;
            if let Some(lock) = cache.try_lock(&format!("port-{number}"))? {
                return Ok(Self { number, _lock: lock });
            }
        }
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

/// A port that is free now, with no promise about later.
pub(crate) fn unused() -> Result<u16, Error> {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(bound.map_err(Error::io("bind a port of", "127.0.0.1".as_ref()))?.port())
}

/// Whether a server could bind this port now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leased_ports_are_free_and_distinct() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path());
        let leases: Vec<_> = (0..20).map(|_| PortLease::any(&cache).unwrap()).collect();
        let mut numbers: Vec<_> = leases.iter().map(PortLease::number).collect();
        assert!(numbers.iter().all(|port| is_free(*port)));
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), leases.len());
    }

    #[test]
    fn a_bound_port_is_not_free() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
