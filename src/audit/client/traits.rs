//! What a session shows of how its client writes, and what of that is not so: a bit for each trait.

use super::table::{AgentFit, KeyFit, PeerIdCheck, Row, Version};
use crate::announce::{Escapes, Form};

/// Ways in which an announce may be written otherwise than its client writes it, a bit each.
pub mod trait_of {
    /// The order of parameters.
    pub const ORDER: u32 = 1;
    /// The kind of key.
    pub const KEY: u32 = 1 << 1;
    /// Zeros in front of the key.
    pub const ZEROS: u32 = 1 << 2;
    /// Upper or lower case in escapes.
    pub const CASE: u32 = 1 << 3;
    /// Letters and digits are escaped.
    pub const NEEDLESS: u32 = 1 << 4;
    /// How many people are asked for.
    pub const NUMWANT: u32 = 1 << 5;
    /// An event without a value, an `&` too many.
    pub const QUIRK: u32 = 1 << 6;
    /// The user agent names another program.
    pub const AGENT: u32 = 1 << 7;
    /// The user agent names another version.
    pub const VERSION: u32 = 1 << 8;
    /// The checksum in the peer id.
    pub const SUM: u32 = 1 << 9;
    /// The build number in the peer id.
    pub const BUILD: u32 = 1 << 10;
    /// One peer id for many torrents.
    pub const SHARED: u32 = 1 << 11;
    /// Which bytes are escaped: one for each of [`crate::announce::SPECIALS`].
    pub const RAW: u32 = 0xffff << 16;
}
use trait_of::*;

/// Independent kinds of disagreement, in words, and whether a setting or a version of one's own may explain it.
pub const KINDS: [(u32, &str, bool); 11] = [
    (ORDER, "order of parameters", false),
    (KEY | ZEROS, "key", false),
    (CASE, "case of escapes", false),
    (RAW | NEEDLESS, "escaped bytes", false),
    (NUMWANT, "numwant", true),
    (QUIRK, "empty parameters", false),
    (AGENT, "user agent", false),
    (VERSION, "version in the user agent", true),
    (SUM, "checksum of the peer id", false),
    (BUILD, "build number in the peer id", false),
    (SHARED, "one peer id for many torrents", false),
];

/// What a form shows of how a client writes, and what of that is not so.
pub fn look_at_form(row: &Row, form: &Form<'_>, version: Version) -> (u32, u32) {
    let (mut shown, mut wrong) = (0, 0);
    let mut see = |fits: Option<bool>, bit: u32| {
        shown |= if fits.is_some() { bit } else { 0 };
        wrong |= if fits == Some(false) { bit } else { 0 };
    };
    let key = row.key_fit(form.key);
    // A short key, or one with zeros in front, tells whether it is padded; most tell nothing.
    let telling = form.key.ends_with(b"z") || !matches!(form.key, [_, b'0', b'8', ..]);
    see(row.order_fits(form.order), ORDER);
    see(key.map(|fit| fit != KeyFit::Other), KEY);
    see(
        key.filter(|fit| *fit != KeyFit::Other && telling && row.keys_are_padded().is_some())
            .map(|fit| fit == KeyFit::Fits),
        ZEROS,
    );
    see(row.numwant_fits(form.numwant), NUMWANT);
    see(Some(form.quirks.is_empty()), QUIRK);
    let agent = row.agent_fit(form.agent, version);
    see(Some(agent).filter(|fit| *fit != AgentFit::Unjudged).map(|fit| fit != AgentFit::Other), AGENT);
    see(
        Some(agent).filter(|fit| matches!(fit, AgentFit::Fits | AgentFit::Version)).map(|fit| fit == AgentFit::Fits),
        VERSION,
    );
    (shown, wrong)
}

/// What its escapes show.
pub fn look_at_escapes(row: &Row, escapes: Escapes) -> (u32, u32) {
    let Escapes { raw, escaped, seen } = escapes;
    if seen & Escapes::REWRITTEN != 0 {
        return (0, 0);
    }
    let (mut shown, mut wrong) = (0, 0);
    if let Some(upper) = row.upper {
        let (right, other) = if upper { (Escapes::UPPER, Escapes::LOWER) } else { (Escapes::LOWER, Escapes::UPPER) };
        shown |= if seen & (right | other) != 0 { CASE } else { 0 };
        wrong |= if seen & other != 0 { CASE } else { 0 };
    }
    shown |= if seen & (Escapes::PLAIN | Escapes::NEEDLESS) != 0 { NEEDLESS } else { 0 };
    wrong |= if seen & Escapes::NEEDLESS != 0 { NEEDLESS } else { 0 };
    let bits = |special: u16| u32::from(special) << 16;
    shown |= bits((raw | escaped) & (row.raw | row.escaped));
    wrong |= bits(raw & row.escaped | escaped & row.raw);
    (shown, wrong)
}

/// What its peer id shows.
pub fn look_at_peer_id<'a>(row: &Row, peer_id: &[u8], agent: impl Fn() -> Option<&'a [u8]>) -> (u32, u32) {
    let flag = |fits: bool, bit: u32| (bit, if fits { 0 } else { bit });
    let Some((_, tail)) = peer_id.split_at_checked(8).filter(|_| peer_id.len() == 20) else { return (0, 0) };
    match row.check {
        PeerIdCheck::None => (0, 0),
        PeerIdCheck::Sum36 => {
            let digit = |b: &u8| match b {
                b'0'..=b'9' => Some(u32::from(b - b'0')),
                b'a'..=b'z' => Some(u32::from(b - b'a') + 10),
                _ => None,
            };
            let sum = tail.iter().try_fold(0, |sum, b| Some(sum + digit(b)?));
            flag(sum.is_some_and(|sum| sum % 36 == 0), SUM)
        }
        PeerIdCheck::Build => {
            let build = u64::from(u16::from_le_bytes([tail[0], tail[1]]));
            let Some(agent) = agent() else { return (0, 0) };
            let numbers = agent.split(|b| !b.is_ascii_digit()).skip(1).filter(|digits| digits.len() >= 4);
            let mut numbers =
                numbers.filter_map(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok()).peekable();
            if numbers.peek().is_none() { (0, 0) } else { flag(numbers.any(|number| number & 0xffff == build), BUILD) }
        }
    }
}
