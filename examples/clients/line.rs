//! A line of the log: how each program writes its announce, and the web server its time and addresses.

use super::chance::Chance;
use super::programs::{Client, KeyForm, LETTERS_36, Part, PeerId, Tail};

/// Bytes come in blocks of so many.
pub const BLOCK: u64 = 16 << 10;

/// Hex digits in lower case.
pub const LOWER: &[u8; 16] = b"0123456789abcdef";
/// Hex digits in upper case.
pub const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// How each byte is written: up to three letters, and how many they are.
pub struct Escape([[u8; 4]; 256]);

impl Escape {
    /// Everything but letters, digits and `plain` becomes `%` and two of `digits`.
    pub const fn new(plain: &[u8], digits: &[u8; 16]) -> Escape {
        let mut table = [[0; 4]; 256];
        let mut byte = 0;
        while byte < 256 {
            let letter = byte as u8;
            let mut is_plain = letter.is_ascii_alphanumeric();
            let mut at = 0;
            while at < plain.len() {
                is_plain |= plain[at] == letter;
                at += 1;
            }
            table[byte] = if is_plain { [letter, 0, 0, 1] } else { [b'%', digits[byte >> 4], digits[byte & 15], 3] };
            byte += 1;
        }
        Escape(table)
    }

    /// Everything becomes `%` and two of `digits`.
    pub const fn everything(digits: &[u8; 16]) -> Escape {
        let mut table = [[0; 4]; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = [b'%', digits[byte >> 4], digits[byte & 15], 3];
            byte += 1;
        }
        Escape(table)
    }

    /// Writes bytes so.
    pub fn write(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        for byte in bytes {
            // A copy of fixed length and a cut are cheaper than a copy of one or three bytes.
            let [a, b, c, len] = self.0[usize::from(*byte)];
            out.extend_from_slice(&[a, b, c]);
            out.truncate(out.len() - 3 + usize::from(len));
        }
    }
}

/// What `event` says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Event {
    None,
    Started,
    Completed,
    Stopped,
    Paused,
}

impl PeerId {
    /// A new one.
    pub fn draw(&self, chance: &mut Chance) -> [u8; 20] {
        let mut id = [0; 20];
        let (prefix, tail) = id.split_at_mut(self.prefix.len());
        prefix.copy_from_slice(self.prefix);
        match self.tail {
            Tail::Letters(alphabet) => chance.letters(tail, alphabet),
            Tail::Bytes => chance.fill(tail),
            Tail::Checked => {
                let mut sum = 0;
                let (last, letters) = tail.split_last_mut().expect("a prefix leaves room");
                for letter in letters {
                    let value = chance.below(36) as usize;
                    *letter = LETTERS_36[value];
                    sum += value;
                }
                *last = LETTERS_36[(36 - sum % 36) % 36];
            }
        }
        id
    }

    /// Writes one into a query.
    pub fn write(&self, out: &mut Vec<u8>, id: &[u8; 20], escape: &Escape) {
        let raw = if self.prefix_raw { self.prefix.len() } else { 0 };
        out.extend_from_slice(&id[..raw]);
        escape.write(out, &id[raw..]);
    }
}

/// An announce to be written, in plain values.
pub struct Announce<'a> {
    pub client: &'static Client,
    pub passkey: &'a [u8; 32],
    pub v4: [u8; 4],
    /// The address over IPv6, if the machine has one and the program uses it.
    pub v6: Option<[u16; 3]>,
    pub port: u16,
    pub info_hash: &'a [u8; 20],
    pub peer_id: &'a [u8; 20],
    pub key: u32,
    pub event: Event,
    pub uploaded: u64,
    pub downloaded: u64,
    pub left: u64,
    /// Bytes that failed their check.
    pub corrupt: u64,
}

impl Announce<'_> {
    /// Writes the line; `over` is the IPv6 address it comes from, or `None` for IPv4.
    pub fn write(&self, out: &mut Vec<u8>, over: Option<[u16; 3]>, stamp: &[u8], status: u16, size: u64) {
        open_line(out, self.passkey, self.v4, over, stamp);
        out.extend_from_slice(b"/announce?");
        for part in self.client.query {
            self.write_part(out, part);
        }
        // The `&` behind the last one.
        out.pop();
        close_line(out, self.client, status, size);
    }

    fn write_part(&self, out: &mut Vec<u8>, part: &Part) {
        let client = self.client;
        let stopped = self.event == Event::Stopped;
        // WebTorrent forgets what it did before it says goodbye.
        let forgets = stopped && client.counts_disk;
        match part {
            Part::Text(text) => return out.extend_from_slice(text.as_bytes()),
            Part::InfoHash => {
                out.extend_from_slice(b"info_hash=");
                client.escape.write(out, self.info_hash);
            }
            Part::InfoHashAs(escape) => {
                out.extend_from_slice(b"info_hash=");
                escape.write(out, self.info_hash);
            }
            Part::PeerId => {
                out.extend_from_slice(b"peer_id=");
                client.peer_id.write(out, self.peer_id, client.escape);
            }
            Part::Port => write_named(out, b"port=", u64::from(self.port)),
            Part::Uploaded => write_named(out, b"uploaded=", if forgets { 0 } else { self.uploaded }),
            Part::Downloaded => write_named(out, b"downloaded=", if forgets { 0 } else { self.downloaded }),
            Part::Left => write_named(out, b"left=", self.left),
            Part::LeftUnlessStopped if !stopped => write_named(out, b"left=", self.left),
            Part::LeftIfStopped if stopped => write_named(out, b"left=", BLOCK),
            Part::LeftUnlessStopped | Part::LeftIfStopped => return,
            Part::Key => self.write_key(out),
            Part::Event => match self.event {
                Event::None => return,
                event => write_event(out, event),
            },
            Part::EventOrEmpty => write_event(out, self.event),
            Part::Numwant(most) => write_named(out, b"numwant=", if stopped { 0 } else { u64::from(*most) }),
            Part::NumwantAlways(most) => write_named(out, b"numwant=", u64::from(*most)),
            Part::Corrupt => write_named(out, b"corrupt=", self.corrupt),
            Part::Redundant => write_named(out, b"redundant=", self.downloaded / 500 / BLOCK * BLOCK),
            Part::Addresses => {
                out.extend_from_slice(b"ipv4=");
                write_v4(out, self.v4);
                if let Some(v6) = self.v6 {
                    out.extend_from_slice(b"&ipv6=");
                    write_v6(out, v6, b"%3a");
                }
            }
        }
        out.push(b'&');
    }

    fn write_key(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"key=");
        let key = self.key;
        let hex =
            |digits: &[u8; 16]| -> [u8; 8] { std::array::from_fn(|at| digits[(key >> (28 - 4 * at) & 15) as usize]) };
        match self.client.key.form {
            KeyForm::ShortHex => out.extend_from_slice(&hex(LOWER)[(key.leading_zeros() as usize / 4).min(7)..]),
            KeyForm::ShortUpperHex => out.extend_from_slice(&hex(UPPER)[(key.leading_zeros() as usize / 4).min(7)..]),
            KeyForm::Decimal => write_number(out, u64::from(key)),
            KeyForm::Letters(count) => {
                let mut letters = [0; 12];
                Chance(u64::from(key)).letters(&mut letters[..count], LETTERS_36);
                out.extend_from_slice(&letters[..count]);
            }
            KeyForm::LowerHex => out.extend_from_slice(&hex(LOWER)),
            KeyForm::UpperHex => out.extend_from_slice(&hex(UPPER)),
            KeyForm::Alphanumeric => {
                let mut letters = [0; 8];
                Chance(u64::from(key)).letters(&mut letters, LETTERS_36);
                out.extend_from_slice(&letters.map(|letter| letter.to_ascii_uppercase()));
            }
            KeyForm::PeerIdEnd => self.client.escape.write(out, &self.peer_id[12..]),
            KeyForm::None => {}
        }
    }
}

fn write_event(out: &mut Vec<u8>, event: Event) {
    out.extend_from_slice(b"event=");
    out.extend_from_slice(match event {
        Event::None => b"".as_slice(),
        Event::Started => b"started",
        Event::Completed => b"completed",
        Event::Stopped => b"stopped",
        Event::Paused => b"paused",
    });
}

/// A line up to the passkey.
pub fn open_line(out: &mut Vec<u8>, passkey: &[u8; 32], v4: [u8; 4], over: Option<[u16; 3]>, stamp: &[u8]) {
    match over {
        Some(v6) => write_v6(out, v6, b":"),
        None => write_v4(out, v4),
    }
    out.extend_from_slice(b" - - [");
    out.extend_from_slice(stamp);
    out.extend_from_slice(b"] \"GET /");
    out.extend_from_slice(passkey);
}

/// The rest of a line, behind the request target.
pub fn close_line(out: &mut Vec<u8>, client: &Client, status: u16, size: u64) {
    out.push(b' ');
    out.extend_from_slice(client.http.as_bytes());
    out.extend_from_slice(b"\" ");
    write_number(out, u64::from(status));
    out.push(b' ');
    write_number(out, size);
    out.extend_from_slice(b" \"-\" \"");
    out.extend_from_slice(client.agent.as_bytes());
    out.extend_from_slice(b"\"\n");
}

/// `name` with its `=`, and a number.
pub fn write_named(out: &mut Vec<u8>, name: &[u8], value: u64) {
    out.extend_from_slice(name);
    write_number(out, value);
}

/// A number in decimal.
pub fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

/// An address with dots.
pub fn write_v4(out: &mut Vec<u8>, [a, b, c, d]: [u8; 4]) {
    write_number(out, u64::from(a));
    for part in [b, c, d] {
        out.push(b'.');
        write_number(out, u64::from(part));
    }
}

/// An address in 2001:db8::/32, the range for examples; `colon` as it is written where it stands.
pub fn write_v6(out: &mut Vec<u8>, [a, b, c]: [u16; 3], colon: &[u8]) {
    for text in [b"2001".as_slice(), colon, b"db8", colon] {
        out.extend_from_slice(text);
    }
    for group in [a, b] {
        write_group(out, group);
        out.extend_from_slice(colon);
    }
    out.extend_from_slice(colon);
    write_group(out, c);
}

fn write_group(out: &mut Vec<u8>, group: u16) {
    let digits: [u8; 4] = std::array::from_fn(|at| LOWER[usize::from(group >> (12 - 4 * at) & 15)]);
    out.extend_from_slice(&digits[(group.leading_zeros() as usize / 4).min(3)..]);
}

/// Times as the log writes them, of the last few seconds: nginx logs a request when it has been answered, so lines are up
/// to two seconds out of order.
#[derive(Default)]
pub struct Stamps([(u32, Vec<u8>); 4]);

impl Stamps {
    /// 2026-11-20 00:00:00 UTC.
    const BEGIN: u64 = 1_795_132_800;

    /// About `now`, as text.
    pub fn some(&mut self, now: u32, chance: &mut Chance) -> &[u8] {
        let late = match chance.below(200) {
            0 => 2,
            1..=6 => 1,
            _ => 0,
        };
        let second = now.saturating_sub(late);
        let (of, text) = &mut self.0[second as usize % 4];
        if *of != second || text.is_empty() {
            (*of, *text) = (second, clf(Self::BEGIN + u64::from(second)));
        }
        text
    }
}

/// A time as the common log format has it: `22/Nov/2026:06:45:07 +0000`.
pub fn clf(unix: u64) -> Vec<u8> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // Years begin in March here, so that the leap day is the last.
    let days = unix / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year + u64::from(month >= 10);
    let month = MONTHS[((month + 2) % 12) as usize];
    let (hour, minute, second) = (unix / 3600 % 24, unix / 60 % 60, unix % 60);
    format!("{day:02}/{month}/{year}:{hour:02}:{minute:02}:{second:02} +0000").into_bytes()
}
