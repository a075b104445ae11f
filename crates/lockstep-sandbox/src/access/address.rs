//! Addresses that a policy is good for.

use std::net::IpAddr;

/// True if a policy's list of addresses allows this one; no list allows every one.
pub(super) fn fits(allowed: Option<&str>, ip: Option<&str>) -> bool {
    let Some(allowed) = allowed.filter(|allowed| !allowed.trim().is_empty()) else { return true };
    let Some(ip) = ip.and_then(|ip| ip.parse::<IpAddr>().ok()) else { return false };
    allowed.split(',').any(|entry| matches(entry.trim(), ip.to_canonical()))
}

fn matches(entry: &str, ip: IpAddr) -> bool {
    if let Some((net, bits)) = entry.split_once('/') {
        let (Ok(net), Ok(bits)) = (net.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
        return in_net(net, bits, ip);
    }
    if let Some((from, to)) = entry.split_once('-') {
        let (Ok(from), Ok(to)) = (from.trim().parse::<IpAddr>(), to.trim().parse::<IpAddr>()) else {
            return false;
        };
        return from.is_ipv4() == ip.is_ipv4() && to.is_ipv4() == ip.is_ipv4() && (from..=to).contains(&ip);
    }
    entry.parse::<IpAddr>() == Ok(ip)
}

fn in_net(net: IpAddr, bits: u32, ip: IpAddr) -> bool {
    match (net, ip) {
        (IpAddr::V4(net), IpAddr::V4(ip)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            net.to_bits() & mask == ip.to_bits() & mask
        }
        (IpAddr::V6(net), IpAddr::V6(ip)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            net.to_bits() & mask == ip.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_addresses() {
        let here = Some("127.0.0.1");
        for open in [None, Some(""), Some(" ")] {
            assert!(fits(open, here));
            assert!(fits(open, None));
        }
        for list in [
            "127.0.0.1",
            "10.0.0.1,127.0.0.1",
            "127.0.0.0/8",
            "0.0.0.0/0",
            "127.0.0.0-127.0.0.9",
            "127.0.0.1/32",
        ] {
            assert!(fits(Some(list), here), "{list}");
            assert!(!fits(Some(list), None), "{list}");
        }
        for list in [
            "127.0.0.2",
            "10.0.0.0/8",
            "::/0",
            "nonsense",
            "127.0.0.0/99",
            "127.0.0.2-127.0.0.9",
            "a-b",
            "a/b",
        ] {
            assert!(!fits(Some(list), here), "{list}");
        }
        assert!(fits(Some("::1"), Some("::1")));
        assert!(fits(Some("::/0"), Some("::1")));
    }
}
