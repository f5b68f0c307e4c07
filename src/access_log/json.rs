//! JSON lines: an object for each request. Caddy nests (`request.uri`), nginx and Traefik write flat objects; what a field
//! means is told by its name, or by whoever names it ([`Json::with_fields`]).
//!
//! The line is scanned once and no tree is built. Escapes in strings are undone in the block before
//! ([`Format::prepare`]): what they stand for is never longer, and what must stay escaped is written as
//! other servers write it (`\"`, `\\`, `\xHH`), so that the readers of announces know it already.

use super::{Context, Format, GET, Request, address, split_request, status};

/// The format, with names of one's own for some fields.
#[derive(Debug, Default)]
pub struct Json {
    given: Vec<(String, Field)>,
}

/// The format, with all fields told by their names.
pub static JSON: Json = Json { given: Vec::new() };

/// What a value of a line can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    Time,
    Addr,
    Forwarded,
    Request,
    Target,
    Query,
    Method,
    Status,
    Agent,
}

const FIELDS: [(&str, Field); 9] = [
    ("time", Field::Time),
    ("addr", Field::Addr),
    ("forwarded", Field::Forwarded),
    ("request", Field::Request),
    ("target", Field::Target),
    ("query", Field::Query),
    ("method", Field::Method),
    ("status", Field::Status),
    ("agent", Field::Agent),
];

/// What is wrong with a list of JSON fields.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFieldsError {
    /// A part of the list is not `FIELD=NAME`.
    #[error("{0:?} is not FIELD=NAME, as in time=ts,addr=request.remote_ip")]
    NoPair(String),
    /// There is no such field.
    #[error("no field {0:?}; there are time, addr, forwarded, request, target, query, method, status, agent")]
    NoField(String),
}

/// Names by meaning: lower case, without `_`, `-`, `@` and `.`; of two in one line that mean the
/// same, the one further up counts.
const NAMES: &[(&[u8], Field)] = &[
    (b"msec", Field::Time),
    (b"startutc", Field::Time),
    (b"ts", Field::Time),
    (b"timestamp", Field::Time),
    (b"timeiso8601", Field::Time),
    (b"time", Field::Time),
    (b"startlocal", Field::Time),
    (b"starttime", Field::Time),
    (b"timelocal", Field::Time),
    (b"datetime", Field::Time),
    (b"clientip", Field::Addr),
    (b"clienthost", Field::Addr),
    (b"remoteip", Field::Addr),
    (b"remoteaddr", Field::Addr),
    (b"clientaddr", Field::Addr),
    (b"remotehost", Field::Addr),
    (b"sourceip", Field::Addr),
    (b"client", Field::Addr),
    (b"remote", Field::Addr),
    (b"address", Field::Addr),
    (b"addr", Field::Addr),
    (b"ip", Field::Addr),
    (b"xforwardedfor", Field::Forwarded),
    (b"httpxforwardedfor", Field::Forwarded),
    (b"requestxforwardedfor", Field::Forwarded),
    (b"forwardedfor", Field::Forwarded),
    (b"xff", Field::Forwarded),
    (b"request", Field::Request),
    (b"requestline", Field::Request),
    (b"requesturi", Field::Target),
    (b"requestpath", Field::Target),
    (b"requesturl", Field::Target),
    (b"uri", Field::Target),
    (b"url", Field::Target),
    (b"target", Field::Target),
    (b"path", Field::Target),
    (b"args", Field::Query),
    (b"querystring", Field::Query),
    (b"query", Field::Query),
    (b"method", Field::Method),
    (b"requestmethod", Field::Method),
    (b"httpmethod", Field::Method),
    (b"verb", Field::Method),
    (b"status", Field::Status),
    (b"downstreamstatus", Field::Status),
    (b"statuscode", Field::Status),
    (b"responsestatus", Field::Status),
    (b"httpstatus", Field::Status),
    (b"responsecode", Field::Status),
    (b"code", Field::Status),
    (b"useragent", Field::Agent),
    (b"httpuseragent", Field::Agent),
    (b"requestuseragent", Field::Agent),
    (b"agent", Field::Agent),
];

/// Objects in which such names are looked for. Those of others (`resp_headers`) mean something else.
const PARENTS: [&[u8]; 10] = [
    b"request",
    b"req",
    b"http",
    b"httprequest",
    b"headers",
    b"requestheaders",
    b"client",
    b"source",
    b"access",
    b"log",
];

/// No name is longer.
const LONGEST: usize = 24;

/// Nesting deeper than this is no log line.
const DEEPEST: usize = 16;

/// For each slot the first of its names, counted from 1, and for each name the next one in its slot.
const SLOTS: ([u8; 256], [u8; NAMES.len()]) = {
    let (mut heads, mut next) = ([0u8; 256], [0u8; NAMES.len()]);
    let mut at = NAMES.len();
    while at > 0 {
        at -= 1;
        let slot = slot(NAMES[at].0);
        next[at] = heads[slot];
        heads[slot] = at as u8 + 1;
    }
    (heads, next)
};

const fn slot(name: &[u8]) -> usize {
    match name {
        [first, .., last] => (name.len() * 37 + *first as usize * 5 + *last as usize) & 255,
        _ => 0,
    }
}

/// A name in lower case and without what separates its words, if it is not too long.
#[inline]
fn plain(name: &[u8]) -> ([u8; LONGEST], usize) {
    let (mut plain, mut len) = ([0; LONGEST], 0);
    if name.len() <= LONGEST {
        for byte in name {
            plain[len] = byte.to_ascii_lowercase();
            len += usize::from(!matches!(byte, b'_' | b'-' | b'@' | b'.'));
        }
    }
    (plain, len)
}

/// What a name means, and how sure that is: less is surer.
#[inline]
fn meaning(name: &[u8]) -> Option<(Field, u8)> {
    let (plain, len) = plain(name);
    let name = &plain[..len];
    let mut at = SLOTS.0[slot(name)];
    while at > 0 {
        let (known, field) = NAMES[usize::from(at) - 1];
        if known == name {
            return Some((field, at));
        }
        at = SLOTS.1[usize::from(at) - 1];
    }
    None
}

impl Json {
    /// The format with fields told by name: `time=ts,addr=request.remote_ip`. A dot goes into an object; fields that
    /// are not named are told by their meaning.
    ///
    /// # Errors
    /// [`JsonFieldsError`]
    pub fn with_fields(list: &str) -> Result<Json, JsonFieldsError> {
        let mut given = Vec::new();
        for part in list.split(',') {
            let (field, name) = part.split_once('=').ok_or_else(|| JsonFieldsError::NoPair(part.into()))?;
            let known = FIELDS.iter().find(|(known, _)| *known == field.trim());
            let (_, field) = known.ok_or_else(|| JsonFieldsError::NoField(field.into()))?;
            if name.is_empty() {
                return Err(JsonFieldsError::NoPair(part.into()));
            }
            given.push((name.trim().to_owned(), *field));
        }
        Ok(Json { given })
    }

    /// What the value at a path is. Names of one's own may stand anywhere, and hold dots themselves.
    fn field(&self, path: &[&[u8]], known_parents: bool) -> Option<(Field, u8)> {
        let name = path.last()?;
        if self.given.is_empty() {
            return if known_parents { meaning(name) } else { None };
        }
        let is = |given: &str| {
            let mut rest = given.as_bytes();
            for (depth, key) in path.iter().enumerate() {
                if depth > 0 {
                    let Some(after) = rest.strip_prefix(b".") else { return false };
                    rest = after;
                }
                let Some(after) = rest.strip_prefix(*key) else { return false };
                rest = after;
            }
            rest.is_empty()
        };
        if let Some((_, field)) = self.given.iter().find(|(given, _)| is(given)) {
            return Some((*field, 0));
        }
        let told = |field: Field| self.given.iter().any(|(_, given)| *given == field);
        meaning(name).filter(|(field, _)| known_parents && !told(*field))
    }
}

/// The values of one line: how sure each is, and its text.
struct Found<'a>([(u8, &'a [u8]); FIELDS.len()]);

impl<'a> Found<'a> {
    fn get(&self, field: Field) -> &'a [u8] {
        self.0[field as usize].1
    }

    fn note(&mut self, (field, rank): (Field, u8), value: &'a [u8]) {
        let best = &mut self.0[field as usize];
        if rank < best.0 && !value.is_empty() {
            *best = (rank, value);
        }
    }
}

/// Scans one object; `None` if the line is anything but one whole object.
fn scan<'a>(json: &Json, line: &'a [u8]) -> Option<Found<'a>> {
    let mut found = Found([(u8::MAX, b""); FIELDS.len()]);
    // The names that lead to a value, one for each object that it is in.
    let mut path: [&[u8]; DEEPEST] = [b""; DEEPEST];
    let mut names = 1;
    // The depth, and a bit for each: whether it is an array, and whether names in it are known.
    let (mut depth, mut arrays, mut known) = (0, 0u32, 1u32);
    let mut at = spaces(line, 0);
    if line.get(at) != Some(&b'{') {
        return None;
    }
    at = spaces(line, at + 1);
    loop {
        if arrays >> depth & 1 == 0 {
            let name = string(line, at)?;
            path[names - 1] = name;
            at = spaces(line, at + name.len() + 2);
            if line.get(at) != Some(&b':') {
                return None;
            }
            at = spaces(line, at + 1);
        }
        let is_known = known >> depth & 1 == 1;
        let mut note = |value: &'a [u8]| {
            if let Some(field) = json.field(&path[..names], is_known) {
                found.note(field, value);
            }
        };
        match *line.get(at)? {
            b'"' => {
                let value = string(line, at)?;
                at += value.len() + 2;
                note(value);
            }
            open @ (b'{' | b'[') => {
                at = spaces(line, at + 1);
                if line.get(at) == Some(&(open + 2)) {
                    at += 1;
                } else {
                    let array = open == b'[';
                    // Texts in an array go by the array's name.
                    let look = is_known && (array || is_parent(path[names - 1]));
                    depth += 1;
                    names += usize::from(!array);
                    if depth == DEEPEST {
                        return None;
                    }
                    arrays = arrays & !(1 << depth) | u32::from(array) << depth;
                    known = known & !(1 << depth) | u32::from(look) << depth;
                    continue;
                }
            }
            _ => {
                let end = line[at..].iter().position(|b| !b.is_ascii_alphanumeric() && !b"+-.".contains(b))?;
                let value = &line[at..at + end];
                at += end;
                match value {
                    b"" => return None,
                    b"null" => {}
                    _ => note(value),
                }
            }
        }
        loop {
            at = spaces(line, at);
            match *line.get(at)? {
                b',' => {
                    at = spaces(line, at + 1);
                    break;
                }
                close @ (b'}' | b']') => {
                    let array = close == b']';
                    if array != (arrays >> depth & 1 == 1) {
                        return None;
                    }
                    at += 1;
                    if depth == 0 {
                        return (spaces(line, at) == line.len()).then_some(found);
                    }
                    depth -= 1;
                    names -= usize::from(!array);
                }
                _ => return None,
            }
        }
    }
}

fn is_parent(name: &[u8]) -> bool {
    let (plain, len) = plain(name);
    PARENTS.contains(&&plain[..len])
}

/// What is in the string that begins at `at`, escapes and all.
#[inline]
fn string(line: &[u8], at: usize) -> Option<&[u8]> {
    let text = line.get(at..)?.strip_prefix(b"\"")?;
    let mut end = 0;
    loop {
        end += memchr::memchr2(b'"', b'\\', text.get(end..)?)?;
        if text[end] == b'"' {
            return Some(&text[..end]);
        }
        end += 2;
    }
}

/// Where the next character that is no space is.
#[inline]
fn spaces(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r')) {
        at += 1;
    }
    at
}

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn summary(&self) -> &'static str {
        "a JSON object a line (Caddy, Traefik, nginx and others), fields told by their names or by `--json-fields`"
    }

    fn example(&self) -> &'static str {
        r#"{"ts":1795329593.245,"request":{"remote_ip":"203.0.113.9","method":"GET","uri":"/KEY/announce?info_hash=..."},"status":200}"#
    }

    fn prepare(&self, text: &mut Vec<u8>, _: &mut Context) -> u64 {
        unescape(text);
        0
    }

    #[inline]
    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        // Most lines that are none are found out here.
        if !matches!(line.first(), Some(b'{' | b' ')) {
            return None;
        }
        let found = scan(self, line)?;
        let (mut method, mut target) = (found.get(Field::Method), found.get(Field::Target));
        let request = found.get(Field::Request);
        if target.is_empty() {
            (method, target) = split_request(request);
        }
        if target.is_empty() {
            return None;
        }
        Some(Request {
            time: context.clock.any(found.get(Field::Time)),
            addr: address::client(found.get(Field::Addr), found.get(Field::Forwarded)),
            method: if method.is_empty() { GET } else { method },
            target,
            query: if memchr::memchr(b'?', target).is_some() { b"" } else { found.get(Field::Query) },
            status: status(found.get(Field::Status)),
            agent: found.get(Field::Agent),
        })
    }
}

/// Undoes the escapes in strings, in place: the rest of a line moves up, and spaces fill its end. What a string cannot hold
/// as it is becomes `\xHH`; a quote and a backslash keep theirs.
pub(super) fn unescape(text: &mut [u8]) {
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'\\', &text[from..]) {
        let first = from + found;
        let end = memchr::memchr(b'\n', &text[first..]).map_or(text.len(), |len| first + len);
        let (mut read, mut write) = (first, first);
        while read < end {
            if text[read] != b'\\' {
                // Up to the next escape at once.
                let len = memchr::memchr(b'\\', &text[read..end]).unwrap_or(end - read);
                text.copy_within(read..read + len, write);
                (read, write) = (read + len, write + len);
                continue;
            }
            let (bytes, len, took) = one(&text[read..end]);
            text[write..write + len].copy_from_slice(&bytes[..len]);
            (read, write) = (read + took, write + len);
        }
        text[write..end].fill(b' ');
        from = end;
    }
}

/// What an escape becomes, how long that is, and how much text it took: never less.
fn one(text: &[u8]) -> ([u8; 4], usize, usize) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let unit = |at: usize| -> Option<u32> {
        let digits = text.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
        digits.iter().try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
    };
    let (mut code, mut took) = (unit(0), 6);
    if let (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) = (code, unit(6)) {
        (code, took) = (Some(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 12);
    }
    let mut bytes = [0; 4];
    match (code, code.and_then(char::from_u32), text) {
        (Some(code @ (0..0x20 | 0x22 | 0x5c | 0x7f)), _, _) => {
            (([b'\\', b'x', HEX[code as usize >> 4], HEX[code as usize & 15]]), 4, took)
        }
        (_, Some(char), _) => {
            let len = char.encode_utf8(&mut bytes).len();
            (bytes, len, took)
        }
        (_, _, [b'\\', b'/', ..]) => ([b'/', 0, 0, 0], 1, 2),
        // Others are two characters, and half a pair stays as it is.
        (_, _, [a, b, ..]) => ([*a, *b, 0, 0], 2, 2),
        (_, _, [a]) => ([*a, 0, 0, 0], 1, 1),
        (_, _, []) => (bytes, 0, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &Json, line: &str) -> Option<(String, String, String, Option<u16>, String)> {
        let mut text = line.as_bytes().to_vec();
        let len = text.len();
        let mut context = Context::default();
        json.prepare(&mut text, &mut context);
        assert_eq!(text.len(), len);
        let request = json.parse(&text, &mut context)?;
        let show = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        let target = [request.target, request.query].join(&b"|"[..]);
        let time = request.time.map(|time| time.rfc3339(true).to_string()).unwrap_or_default();
        Some((time, show(request.addr), show(&target), request.status, show(request.agent)))
    }

    fn told(time: &str, addr: &str, target: &str, agent: &str) -> (String, String, String, Option<u16>, String) {
        (time.into(), addr.into(), target.into(), Some(200), agent.into())
    }

    #[test]
    fn fields_are_known_by_their_names() {
        let expected = told("2026-11-22T06:39:53.245Z", "203.0.113.9", "/k/announce?a=1&b=2|", "qBittorrent/4.5.2");
        for line in [
            // Caddy's, with the headers that it has.
            r#"{"level":"info","ts":1795329593.2451682,"request":{"remote_ip":"203.0.113.9","remote_port":"1","method":"GET","host":"tracker.test","uri":"/k/announce?a=1&b=2","headers":{"User-Agent":["qBittorrent/4.5.2"],"Accept":["*/*"]}},"status":200,"resp_headers":{"Status":["404"],"Date":["x"]}}"#,
            // nginx's `escape=json`, by any names.
            r#"{ "time_iso8601": "2026-11-22T07:39:53.245+01:00", "remote_addr": "203.0.113.9", "request": "GET /k/announce?a=1&b=2 HTTP/1.1", "status": "200", "request_time": 0.001, "http_user_agent": "qBittorrent/4.5.2" }"#,
            r#"{"msec":"1795329593.245","remoteAddr":"203.0.113.9","request_method":"GET","request_uri":"/k/announce?a=1&b=2","uri":"/k/announce","status":200,"user_agent":"qBittorrent/4.5.2"}"#,
            // Traefik's, which escapes `&` for HTML, and has the time of the answer too.
            r#"{"ClientAddr":"203.0.113.9:51413","DownstreamStatus":200,"RequestMethod":"GET","RequestPath":"/k/announce?a=1\u0026b=2","StartUTC":"2026-11-22T06:39:53.245926158Z","request_User-Agent":"qBittorrent/4.5.2","time":"2026-11-22T06:40:00Z"}"#,
            // Behind a proxy.
            r#"{"@timestamp":"2026-11-22T06:39:53.245Z","client":{"ip":"10.0.0.7"},"headers":{"X-Forwarded-For":["1.1.1.1, 203.0.113.9"]},"http":{"request":{"method":"GET"}},"url":"/k/announce?a=1\u0026b=2","status":200,"agent":"qBittorrent\/4.5.2"}"#,
        ] {
            assert_eq!(read(&JSON, line).as_ref(), Some(&expected), "{line}");
        }
        let line = r#"{"time":"22/Nov/2026:06:39:53 +0000","ip":"203.0.113.9","uri":"/k/announce","args":"a=1&b=2","status":200}"#;
        let apart = told("2026-11-22T06:39:53.000Z", "203.0.113.9", "/k/announce|a=1&b=2", "");
        assert_eq!(read(&JSON, line), Some(apart));
    }

    #[test]
    fn fields_can_be_named() {
        let json = Json::with_fields("time=when.at,addr=who,target=a.b").expect("a list");
        let line =
            r#"{"when":{"at":1795329593245},"who":"203.0.113.9","a":[{"b":"/k"}],"uri":"/other","status":200,"ts":5}"#;
        assert_eq!(read(&json, line), Some(told("2026-11-22T06:39:53.245Z", "203.0.113.9", "/k|", "")));
        assert_eq!(Json::with_fields("time").unwrap_err(), JsonFieldsError::NoPair("time".into()));
        assert_eq!(Json::with_fields("when=ts").unwrap_err(), JsonFieldsError::NoField("when".into()));
    }

    #[test]
    fn escapes_become_what_others_write() {
        for (json, expected) in [
            (r"\u0026\u003d\/", "&=/"),
            (r"\\u0026", r"\\u0026"),
            (r"\u0022\u005C\u0000\u001b", r"\x22\x5C\x00\x1B"),
            (r#"\"\\\n\b"#, r#"\"\\\n\b"#),
            (r"\u00e9\u20ac\ud83c\udf0d", "é€🌍"),
            (r"\ud83c\u0041", r"\ud83cA"),
            (r"\u12", r"\u12"),
            ("\\", "\\"),
        ] {
            let mut text = format!("x{json}y\n{{}}\n").into_bytes();
            unescape(&mut text);
            let text = String::from_utf8(text).expect("text");
            let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches(' ')).collect();
            assert_eq!(lines, [format!("x{expected}y").as_str(), "{}"], "{json}");
        }
    }

    #[test]
    fn broken_lines_are_none() {
        let whole = r#"{"ts":1,"request":{"uri":"/a","headers":{"A":["b",{"c":[]}]}},"status":200}"#;
        assert!(read(&JSON, whole).is_some());
        for end in 0..whole.len() {
            assert_eq!(read(&JSON, &whole[..end]), None, "cut at {end}");
        }
        let deep = format!(r#"{{"uri":"/a","x":{}1{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
        for line in [
            &deep,
            r#"{"uri":"/5{"uri":"/a"}"#,
            r#"{"uri":"/a"}}"#,
            r#"{"uri":"/a"]"#,
            r#"{"uri" "/a"}"#,
            "{}",
            r#"{"uri":}"#,
        ] {
            assert_eq!(read(&JSON, line), None, "{}", &line[..line.len().min(50)]);
        }
        for (name, _) in NAMES {
            assert!(name.len() <= LONGEST && meaning(name).is_some());
        }
    }
}
