//! Whose request it was, where proxies stand in between.
//!
//! A proxy writes the address that it was asked from behind what `X-Forwarded-For` already says; what stands before that, the
//! client may have invented. So the header counts only if the peer itself is inside (private, loopback, link-local), and of
//! its addresses the last one that is not.

use std::net::{IpAddr, Ipv6Addr};

/// The address of the client: the peer's, or if that is a proxy's, the one that `X-Forwarded-For` gives. Ports are cut off.
pub fn client<'a>(peer: &'a [u8], forwarded: &'a [u8]) -> &'a [u8] {
    let peer = host(peer);
    if forwarded.is_empty() || !is_inside(peer) {
        return peer;
    }
    let listed = || forwarded.split(|b| *b == b',').rev().map(host).filter(|addr| parse(addr).is_some());
    listed().find(|addr| !is_inside(addr)).or_else(|| listed().next().filter(|_| peer.is_empty())).unwrap_or(peer)
}

/// An address without brackets, port and the prefix of IPv4 in IPv6; empty for `-`.
pub fn host(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let text = match text {
        [b'-'] => b"",
        [b'[', rest @ ..] => rest.split(|b| *b == b']').next().unwrap_or_default(),
        _ => match memchr::memchr(b':', text) {
            // One colon is a port's; several are an address.
            Some(at) if memchr::memchr(b':', &text[at + 1..]).is_none() && !text.starts_with(b"unix:") => &text[..at],
            _ => text,
        },
    };
    match text {
        [b':', b':', b'f' | b'F', b'f' | b'F', b'f' | b'F', b'f' | b'F', b':', v4 @ ..] if v4.contains(&b'.') => v4,
        _ => text,
    }
}

/// An address and a port behind it with a colon, as HAProxy writes them: in IPv6 the last colon is the port's.
pub fn without_port(text: &[u8]) -> &[u8] {
    memchr::memrchr(b':', text).map_or(text, |at| host(&text[..at]))
}

/// Whether a text is a list of addresses, as `X-Forwarded-For` has it.
pub fn is_list(text: &[u8]) -> bool {
    !text.is_empty() && text.split(|b| *b == b',').all(|addr| parse(host(addr)).is_some())
}

/// Whether a character can stand in such a list.
#[inline(always)]
pub fn may_be_listed(byte: u8) -> bool {
    static MAY_BE: [bool; 256] = {
        let (mut may_be, mut byte) = ([false; 256], 0u8);
        while byte < 128 {
            may_be[byte as usize] = byte.is_ascii_hexdigit() || matches!(byte, b'.' | b',' | b' ' | b':' | b'[' | b']');
            byte += 1;
        }
        may_be
    };
    MAY_BE[usize::from(byte)]
}

/// Whether an address can be a proxy's, and not that of a client on the net. Also what is no address: a socket of Unix.
pub fn is_inside(addr: &[u8]) -> bool {
    const UNIQUE_LOCAL: u16 = 0xfc00;
    let local = |ip: Ipv6Addr| {
        ip.is_loopback() || ip.segments()[0] & 0xfe00 == UNIQUE_LOCAL || ip.segments()[0] & 0xffc0 == 0xfe80
    };
    match parse(addr) {
        Some(IpAddr::V4(ip)) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared
        }
        Some(IpAddr::V6(ip)) => local(ip),
        None => true,
    }
}

/// Whether an address may be one inside: quick, and wrong at times.
#[inline(always)]
pub fn may_be_inside(addr: &[u8]) -> bool {
    match addr {
        [b'1', b'0', ..] | [b'1', b'2', b'7', ..] | [b'1', b'7' | b'9' | b'6', ..] => true,
        [b'2'..=b'9' | b'1', ..] => false,
        _ => true,
    }
}

fn parse(addr: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(addr).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_seen_through_and_clients_are_not_believed() {
        for (peer, forwarded, expected) in [
            ("203.0.113.9", "", "203.0.113.9"),
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"), // said by the client itself
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1:4711", "198.51.100.1, 203.0.113.9, 192.168.0.2", "203.0.113.9"), // the first is invented
            ("127.0.0.1", "192.168.0.7", "127.0.0.1"),
            ("127.0.0.1", "-", "127.0.0.1"),
            ("127.0.0.1", "unknown, \u{202e}", "127.0.0.1"),
            ("unix:", "203.0.113.9", "203.0.113.9"),
            ("::1", "2001:db8::9", "2001:db8::9"),
            ("fd00::1", "[2001:db8::9]:443", "2001:db8::9"),
            ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
            ("-", "192.168.0.7", "192.168.0.7"),
            ("[2001:db8::9]:51413", "", "2001:db8::9"),
        ] {
            let found = client(peer.as_bytes(), forwarded.as_bytes());
            assert_eq!(String::from_utf8_lossy(found), expected, "{peer} for {forwarded}");
            assert!(!is_inside(host(peer.as_bytes())) || may_be_inside(host(peer.as_bytes())), "{peer}");
        }
        assert_eq!(without_port(b"2001:db8::9:43775"), b"2001:db8::9");
        assert_eq!(without_port(b"::ffff:203.0.113.9:43775"), b"203.0.113.9");
    }
}
