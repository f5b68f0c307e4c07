//! The path of a request: is it a tracker's, and where is the passkey?

/// A request to a tracker.
#[derive(Clone, Copy, Debug)]
pub struct TrackerPath<'a> {
    /// A scrape, not an announce.
    pub scrape: bool,
    /// The passkey, if the path holds it.
    pub passkey: Option<&'a [u8]>,
    /// What comes after the first `?`.
    pub query: &'a [u8],
}

/// Takes a target apart. `None` if it is no tracker's.
///
/// `/KEY/announce` (Gazelle, Ocelot, XBT), `/announce/KEY` (UNIT3D, Torrust), `/tracker.php/KEY/announce`,
/// `announce.php` with the key in the query (TBDev, NexusPHP, ...).
#[inline(always)]
pub fn tracker_path(target: &[u8]) -> Option<TrackerPath<'_>> {
    // By far the commonest: 32 characters, then the word.
    if let Some((passkey, query)) = target.split_at_checked(43).and_then(|(path, query)| {
        let passkey = path.strip_prefix(b"/")?.strip_suffix(b"/announce?")?;
        is_key(passkey).then_some((passkey, query))
    }) {
        return Some(TrackerPath { scrape: false, passkey: Some(passkey), query });
    }
    let (path, query) = match memchr::memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &target[target.len()..]),
    };
    let path = match path {
        [b'/', path @ ..] => path,
        // A proxy's request names the server too.
        _ => memchr::memmem::find(path, b"://").map_or(path, |at| &path[at + 3..]),
    };
    let mut scrape = false;
    let mut found = false;
    let mut passkey = None;
    let mut before: Option<&[u8]> = None;
    for segment in path.split(|&b| b == b'/') {
        if found && passkey.is_none() {
            passkey = Some(segment).filter(|s| is_key(s));
        } else if !found {
            match segment {
                b"announce" | b"announce.php" => found = true,
                b"scrape" | b"scrape.php" => (found, scrape) = (true, true),
                _ => {
                    before = Some(segment).filter(|s| is_key(s));
                    continue;
                }
            }
            passkey = before;
        }
    }
    found.then_some(TrackerPath { scrape, passkey, query })
}

/// Words that stand in a tracker's path without being anybody's key.
const NO_KEYS: [&[u8]; 4] = [b"torrents", b"trackers", b"bittorrent", b"bt-tracker"];

/// Passkeys in paths are long words of letters and digits: 32 hexadecimal digits mostly, others of 8 and more.
fn is_key(segment: &[u8]) -> bool {
    // No early way out of the loop: so it is done many bytes at a time.
    let plain =
        |segment: &[u8]| segment.iter().fold(true, |ok, b| ok & (b.is_ascii_alphanumeric() | matches!(b, b'-' | b'_')));
    (8..=128).contains(&segment.len()) && plain(segment) && !(segment.len() <= 10 && NO_KEYS.contains(&segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_trackers_put_them() {
        let key = "572ebd23e3a7486c3fcf402d08fa2434";
        for (path, passkey, scrape) in [
            (format!("/{key}/announce?x=1"), Some(key), false),
            (format!("/announce/{key}?x=1"), Some(key), false),
            (format!("/announce/{key}/?x=1"), Some(key), false),
            (format!("/tracker.php/{key}/announce?x=1"), Some(key), false),
            (format!("http://t.example:80/{key}/announce?x=1"), Some(key), false),
            (format!("/{key}/scrape?x=1"), Some(key), true),
            ("/announce?x=1".into(), None, false),
            ("/bt/announce.php?x=1".into(), None, false),
            ("/bittorrent/announce?x=1".into(), None, false),
        ] {
            let found = tracker_path(path.as_bytes()).unwrap_or_else(|| panic!("{path}"));
            assert_eq!((found.passkey, found.scrape), (passkey.map(str::as_bytes), scrape), "{path}");
            assert_eq!(found.query, b"x=1", "{path}");
        }
        for path in ["/", "", "/favicon.ico", "/announcements", "/?q=announce", "/%2e%2e/etc/passwd"] {
            assert!(tracker_path(path.as_bytes()).is_none(), "{path}");
        }
    }
}
