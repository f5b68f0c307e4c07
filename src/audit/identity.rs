//! Who is who.

use super::{Check, Conclude, Finding, Severity};
use crate::session::LineRef;
use crate::time::Time;
use std::collections::HashMap;
use std::net::IpAddr;

/// So many households within a day are nothing.
const USUAL: usize = 4;
const DAY: i64 = 86_400_000;

/// An address as a household: IPv6 by its /64, since one machine has many.
fn household(address: &[u8]) -> Vec<u8> {
    let parsed = std::str::from_utf8(address).ok().and_then(|text| text.parse::<IpAddr>().ok());
    match parsed {
        Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => v6.octets()[..8].to_vec(),
        Some(IpAddr::V6(v6)) => v6.octets()[12..].to_vec(),
        Some(IpAddr::V4(v4)) => v4.octets().to_vec(),
        None => address.to_vec(),
    }
}

pub static MANY_ADDRESSES: Check = Check {
    name: "many-addresses",
    severity: Severity::Low,
    summary: "one user from many addresses within a day",
    formula: "distinct addresses (IPv6 by /64) first seen in the user's sessions within 24 hours",
    threshold: "more than 4; never without passkeys, when the address is the user",
    look_alikes: "mobile networks, VPNs that hop, a seedbox beside the home line, dual stack",
    source: "trackers that flag more than 3 addresses a day, with more room",
    group: None,
    conclude: Conclude::User(|case| {
        if !case.user().is_passkey {
            return None;
        }
        let all = || case.sessions.iter().flat_map(|s| s.addresses());
        // Most users have a few, and nothing needs to be looked into.
        let mut numbers: Vec<u32> = all().map(|seen| seen.address).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() <= USUAL {
            return None;
        }
        let mut seen: Vec<(Time, LineRef, Vec<u8>)> = all()
            .filter_map(|seen| Some((seen.at?, seen.line, household(case.story.names.name(seen.address)))))
            .collect();
        if seen.len() <= USUAL {
            return None;
        }
        seen.sort();
        // A window of a day slides over the sightings; how often each household is in it.
        let mut inside: HashMap<&[u8], usize> = HashMap::new();
        let (mut most, mut best, mut from) = (USUAL, None, 0);
        for (to, (at, _, home)) in seen.iter().enumerate() {
            *inside.entry(home).or_default() += 1;
            while at.since(seen[from].0) > DAY {
                if let Some(count) = inside.get_mut(seen[from].2.as_slice()) {
                    *count -= 1;
                    if *count == 0 {
                        inside.remove(seen[from].2.as_slice());
                    }
                }
                from += 1;
            }
            if inside.len() > most {
                (most, best) = (inside.len(), Some((from, to)));
            }
        }
        let (from, to) = best?;
        let to_time = seen[to].0;
        let mut window: Vec<_> = seen[from..=to].iter().collect();
        window.sort_by(|a, b| (&a.2, a.0, a.1).cmp(&(&b.2, b.0, b.1)));
        window.dedup_by(|a, b| a.2 == b.2);
        window.sort();
        Some(Finding {
            check: 0,
            severity: Severity::Low,
            user: case.user,
            session: None,
            from: window.first().map(|first| first.0),
            to: Some(to_time),
            bytes: None,
            count: window.len() as u64,
            amount: 0,
            evidence: window.iter().take(12).map(|seen| seen.1).collect(),
        })
    }),
    message: |f| format!("came from {} addresses within a day", f.count),
};
