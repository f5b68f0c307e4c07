//! The form of an announce: how its client writes it, whatever it says. Two programs that tell the same still order their
//! parameters differently, write their keys differently and escape other bytes.

use super::escape;
use super::query::is_passkey_name;
use crate::access_log::Request;

/// Bytes beyond letters and digits that some programs escape and others leave.
pub const SPECIALS: &[u8; 16] = b"-._~!*'()/@+$,:;";

/// How an info hash and a peer id are escaped.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Escapes {
    /// Which of [`SPECIALS`] stand there as they are, a bit each.
    pub raw: u16,
    /// Which of them are escaped.
    pub escaped: u16,
    /// What else there is to see: [`Escapes::UPPER`] and so on.
    pub seen: u8,
}

impl Escapes {
    /// An escape has letters in upper case.
    pub const UPPER: u8 = 1;
    /// An escape has letters in lower case.
    pub const LOWER: u8 = 2;
    /// A letter or digit stands as it is.
    pub const PLAIN: u8 = 4;
    /// A letter or digit is escaped, which nothing asks for.
    pub const NEEDLESS: u8 = 8;
    /// The server wrote bytes in its own way: what the client wrote cannot be told.
    pub const REWRITTEN: u8 = 16;

    /// Looks at a value.
    fn note(&mut self, text: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            if byte != b'%' {
                let (special, seen) = AS_IT_IS[usize::from(byte)];
                (self.raw, self.seen) = (self.raw | special, self.seen | seen);
                at += 1;
                continue;
            }
            let Some((digits, value)) = text.get(at + 1..at + 3).zip(escape::hex_at(text, at + 1)) else { return };
            self.seen |= digits.iter().fold(0, |seen, digit| seen | CASE[usize::from(*digit)]);
            let (special, seen) = AS_IT_IS[usize::from(value)];
            self.escaped |= special;
            self.seen |= u8::from(seen == Self::PLAIN) * Self::NEEDLESS;
            at += 3;
        }
    }
}

/// For each byte, which of [`SPECIALS`] it is, and what is seen where it stands as it is.
const AS_IT_IS: [(u16, u8); 256] = {
    let mut bytes = [(0, 0); 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_alphanumeric() {
            bytes[byte].1 = Escapes::PLAIN;
        }
        byte += 1;
    }
    bytes[b'\\' as usize].1 = Escapes::REWRITTEN;
    let mut at = 0;
    while at < SPECIALS.len() {
        bytes[SPECIALS[at] as usize].0 = 1 << at;
        at += 1;
    }
    bytes
};

/// What is seen of each digit of an escape.
const CASE: [u8; 256] = {
    let mut digits = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_alphabetic() {
            digits[byte] = if (byte as u8).is_ascii_uppercase() { Escapes::UPPER } else { Escapes::LOWER };
        }
        byte += 1;
    }
    digits
};

/// A form, taken apart. See [`write_form`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Form<'a> {
    /// The names of the parameters in their order, a space between them; of switches, the value too (`compact=1`).
    pub order: &'a [u8],
    /// How the key is written: `none`, `tail` (the end of the peer id), or a letter for the kind of characters, their
    /// number, and `z` if the first is a zero.
    pub key: &'a [u8],
    /// The value of `numwant`, and `s` if the client was leaving; empty without it.
    pub numwant: &'a [u8],
    /// `e` for an event without a value, `&` for an `&` too many.
    pub quirks: &'a [u8],
    /// The user agent; empty if the line has none.
    pub agent: &'a [u8],
}

impl<'a> Form<'a> {
    /// Takes what [`write_form`] wrote apart; `None` for the form of a line that could not be read.
    pub fn of(text: &'a [u8]) -> Option<Form<'a>> {
        let mut parts = text.splitn(5, |b| *b == b'\t');
        let mut next = || parts.next();
        Some(Form { order: next()?, key: next()?, numwant: next()?, quirks: next()?, agent: next()? })
    }
}

/// Nobody sends more parameters, longer names or longer user agents; whoever does shall not fill the memory.
const MOST_NAMES: usize = 32;
const LONGEST_NAME: usize = 16;
const LONGEST_AGENT: usize = 96;

/// Writes the form of the announce in a line to `out`, which is emptied first; it stays empty if there is none to be seen.
/// `value` is where in the line the info hash begins; `peer_id` is the peer id, decoded; `agent` is the user agent, or empty
/// if it is to be looked for where the combined format has it.
///
/// Values that differ from one announce of a client to the next are no part of it, so that all its announces share a few
/// forms. How info hash and peer id are escaped depends on their bytes, and is told apart from it.
pub fn write_form(line: &[u8], value: usize, peer_id: &[u8], agent: &[u8], out: &mut Vec<u8>) -> Escapes {
    out.clear();
    let mut escapes = Escapes::default();
    let Some(before) = line.get(..value) else { return escapes };
    let from = memchr::memrchr2(b' ', b'"', before).map_or(0, |at| at + 1);
    let target = &line[from..];
    let (target, behind) = target.split_at(memchr::memchr2(b' ', b'"', target).unwrap_or(target.len()));
    // Some formats keep the query apart. A line that is nothing else, no client wrote.
    let query = match memchr::memchr(b'?', target) {
        Some(path) => &target[path + 1..],
        None if from > 0 => target,
        None => return escapes,
    };

    let mut said = Said::default();
    let mut at = 0;
    for end in memchr::memchr_iter(b'&', query).chain([query.len()]) {
        let part = &query[at..end];
        // The announce URL's own parameter may end in a second `?`.
        let url = at == 0 && !part.starts_with(b"info_hash=");
        let part = if url { memchr::memrchr(b'?', part).map_or(part, |mark| &part[mark + 1..]) } else { part };
        at = end + 1;
        // Names are short.
        let (name, value) = match part.iter().position(|b| *b == b'=') {
            Some(equals) => (&part[..equals], &part[equals + 1..]),
            None => (part, &part[part.len()..]),
        };
        said.note(name, value, &mut escapes, out);
    }
    if !said.begun {
        out.clear();
        return escapes;
    }
    out.push(b'\t');
    write_key(said.key, peer_id, out);
    out.push(b'\t');
    let short = said.numwant.len() <= 4 && said.numwant.iter().all(u8::is_ascii_digit);
    out.extend_from_slice(if short { said.numwant } else { b"?" });
    out.extend_from_slice(if said.stopped { b"s" } else { b"" });
    out.push(b'\t');
    out.extend_from_slice(if said.empty_event { b"e" } else { b"" });
    out.extend_from_slice(if said.spare { b"&" } else { b"" });
    out.push(b'\t');
    let agent = if agent.is_empty() { combined_agent(behind) } else { agent };
    out.extend_from_slice(&agent[..agent.len().min(LONGEST_AGENT)]);
    escapes
}

/// What the parameters of a query say about its form.
#[derive(Default)]
struct Said<'a> {
    /// The client's own parameters have begun.
    begun: bool,
    names: usize,
    last: &'a [u8],
    key: Option<&'a [u8]>,
    numwant: &'a [u8],
    stopped: bool,
    empty_event: bool,
    spare: bool,
}

impl<'a> Said<'a> {
    fn note(&mut self, name: &'a [u8], value: &'a [u8], escapes: &mut Escapes, out: &mut Vec<u8>) {
        // What comes before the first parameter that is the client's own belongs to the announce URL.
        let (own, switch) = match name {
            b"info_hash" | b"peer_id" => {
                escapes.note(value);
                (true, false)
            }
            b"port" | b"uploaded" | b"downloaded" | b"left" => (true, false),
            b"key" => {
                self.key = Some(value);
                (true, false)
            }
            b"numwant" => {
                self.numwant = value;
                (true, false)
            }
            b"event" => {
                self.stopped = value == b"stopped";
                self.empty_event = value.is_empty();
                (true, false)
            }
            b"compact" | b"no_peer_id" | b"supportcrypto" => (true, true),
            _ if !self.begun => return,
            b"" => {
                self.spare = true;
                return;
            }
            // Passkeys are the announce URL's, wherever they stand.
            _ if is_passkey_name(name) => return,
            name => (is_plain(name), name == b"requirecrypto"),
        };
        // A client may send one `ipv6` for each address.
        if name == self.last || self.names == MOST_NAMES {
            return;
        }
        if self.begun {
            out.push(b' ');
        }
        self.names += 1;
        (self.begun, self.last) = (true, name);
        out.extend_from_slice(if own { name } else { b"?" });
        if switch {
            out.push(b'=');
            out.extend_from_slice(if matches!(value, b"0" | b"1") { value } else { b"?" });
        }
    }
}

/// Whether a name is one that can stand in a form as it is.
fn is_plain(name: &[u8]) -> bool {
    name.len() <= LONGEST_NAME && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// How a key is written.
fn write_key(key: Option<&[u8]>, peer_id: &[u8], out: &mut Vec<u8>) {
    let Some(key) = key else { return out.extend_from_slice(b"none") };
    let tail = peer_id.get(12..).filter(|tail| !tail.is_empty());
    let is_tail = match memchr::memchr2(b'%', b'\\', key) {
        None => tail == Some(key),
        Some(_) => tail.is_some_and(|tail| escape::decode(key).is_some_and(|key| key.bytes() == tail)),
    };
    if is_tail {
        return out.extend_from_slice(b"tail");
    }
    let any = |test: fn(&u8) -> bool| key.iter().any(test);
    let lower = any(u8::is_ascii_lowercase);
    let upper = any(u8::is_ascii_uppercase);
    let kind = match (lower, upper) {
        _ if !key.iter().all(u8::is_ascii_alphanumeric) => b'?',
        (false, false) => b'd',
        (true, true) => b'm',
        (true, false) if key.iter().all(u8::is_ascii_hexdigit) => b'x',
        (false, true) if key.iter().all(u8::is_ascii_hexdigit) => b'X',
        (true, false) => b'a',
        (false, true) => b'A',
    };
    let len = key.len().min(99) as u8;
    out.push(kind);
    out.extend_from_slice(&[b'0' + len / 10, b'0' + len % 10]);
    if key.len() > 1 && key[0] == b'0' {
        out.push(b'z');
    }
}

/// The user agent of a request, which stands in `line`; empty if the line has none.
pub fn user_agent<'a>(line: &'a [u8], request: &Request<'a>) -> &'a [u8] {
    if !request.agent.is_empty() {
        return request.agent;
    }
    let end =
        (request.target.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize).wrapping_add(request.target.len());
    line.get(end..).map_or(b"", combined_agent)
}

/// The user agent behind a request: the second of the quoted fields that the combined format has there.
fn combined_agent(behind: &[u8]) -> &[u8] {
    let quoted = |text: &'_ [u8], from: usize| -> Option<(usize, usize)> {
        let open = from + memchr::memchr(b'"', text.get(from..)?)?;
        let mut close = open + 1;
        loop {
            close += memchr::memchr(b'"', text.get(close..)?)?;
            let slashes = text[open + 1..close].iter().rev().take_while(|b| **b == b'\\').count();
            if slashes % 2 == 0 {
                return Some((open + 1, close));
            }
            close += 1;
        }
    };
    let found = || {
        let request = memchr::memchr(b'"', behind)? + 1;
        let referrer = quoted(behind, request)?;
        let (from, to) = quoted(behind, referrer.1 + 1)?;
        // Nothing else stands between them.
        let status = &behind[request..referrer.0 - 1];
        let plain = status.iter().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.'));
        (plain && from == referrer.1 + 3).then(|| &behind[from..to])
    };
    found().filter(|agent| *agent != b"-").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_of(query: &str, peer_id: &[u8], rest: &str) -> (String, Escapes) {
        let line = format!(
            "192.0.2.1 - - [22/Nov/2026:06:39:53 +0000] \"GET /{}/announce?{query} HTTP/1.1\" 200 81{rest}",
            "0".repeat(32)
        );
        let value = line.find("info_hash=").map_or(0, |at| at + 10);
        let mut out = b"left over".to_vec();
        let escapes = write_form(line.as_bytes(), value, peer_id, b"", &mut out);
        (String::from_utf8(out).expect("a form of text is text"), escapes)
    }

    const HASH: &str = "info_hash=%b8aaaaaaaaaaaaaaaaaaa";

    #[test]
    fn forms_of_real_clients() {
        let transmission = format!(
            "{HASH}&peer_id=-TR3000-e245f4ic4rta&port=1&uploaded=0&downloaded=0&left=0&numwant=80&key=16d44c4\
             &compact=1&supportcrypto=1&event=started"
        );
        let (form, escapes) = form_of(&transmission, b"-TR3000-e245f4ic4rta", " \"-\" \"Transmission/3.00\" \"x\"");
        assert_eq!(
            form,
            "info_hash peer_id port uploaded downloaded left numwant key compact=1 supportcrypto=1 event\tx07\t80\t\t\
             Transmission/3.00"
        );
        assert_eq!(escapes, Escapes { raw: 1, escaped: 0, seen: Escapes::LOWER | Escapes::PLAIN });
        let aria =
            format!("passkey=9&{HASH}&peer_id=A2-1-36-0-%00BCDEFGHIJ&key=CDEFGHIJ&numwant=0&event=stopped&x%2f=1");
        let (form, _) = form_of(&aria, b"A2-1-36-0-\x00BCDEFGHIJ", "");
        assert_eq!(form, "info_hash peer_id key numwant event ?\ttail\t0s\t\t");
    }

    #[test]
    fn quirks_are_seen() {
        let (form, escapes) = form_of("info_hash=%2D%41a~&event=&key=0123&ipv6=a&ipv6=b&", b"", " \"-\" \"-\"");
        assert_eq!(form, "info_hash event key ipv6\td04z\t\te&\t");
        assert_eq!(escapes, Escapes { raw: 8, escaped: 1, seen: Escapes::UPPER | Escapes::PLAIN | Escapes::NEEDLESS });
        let (form, _) = form_of("info_hash=a&key=12AB&numwant=123456", b"", " \"a\\\"b\" \"Mac \\x22 \\\" x\"");
        assert_eq!(form, "info_hash key numwant\tX04\t?\t\tMac \\x22 \\\" x");
        assert_eq!(form_of("info_hash=\\xB8&key=aB", b"", "").1.seen & Escapes::REWRITTEN, Escapes::REWRITTEN);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_bytes_have_a_form_or_none(line: Vec<u8>, value: usize, peer_id: Vec<u8>) {
            let mut out = Vec::new();
            write_form(&line, value % (line.len() + 1), &peer_id, b"", &mut out);
            // Something nearer to a line.
            let line = [b"GET /?info_hash=", &line[..], b"&key=", &peer_id, b" HTTP/1.1\" 200 1 \"-\" \"", &line].concat();
            write_form(&line, 16, &peer_id, b"", &mut out);
            proptest::prop_assert!(Form::of(&out).is_some());
        }
    }

    #[test]
    fn nothing_is_beyond_reading() {
        let mut out = Vec::new();
        for line in ["", "\"", "GET /announce", "GET /announce?", "%", "GET /announce?info_hash=%&peer_id=%zz \"\" \""]
        {
            for value in 0..line.len() + 2 {
                write_form(line.as_bytes(), value, b"", b"", &mut out);
            }
        }
        let many = format!("info_hash=a{}", "&a=1&b=2".repeat(100));
        assert!(form_of(&many, b"", "").0.len() < 200);
    }
}
