//! Formats given as the server's own configuration has them: nginx's `log_format` strings and Apache's `LogFormat` strings,
//! compiled once to fields and the text between them.

use super::{Context, Format, GET, Request, address, closing_quote, split_request, status};

/// A format of somebody's own.
#[derive(Debug)]
pub struct Template {
    /// What a line begins with.
    start: Vec<u8>,
    pieces: Vec<Piece>,
}

/// A field, and the text behind it.
#[derive(Debug)]
struct Piece {
    field: Field,
    /// The text behind the field; empty for the last one.
    until: Vec<u8>,
    /// How often that text stands in the field itself, as a space does in a time.
    within: usize,
}

/// What a field of a line can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    Other,
    Time,
    /// A time, more precise than others.
    Precise,
    Addr,
    Forwarded,
    Request,
    Target,
    Query,
    Method,
    Status,
    Agent,
}

/// What is wrong with a format string.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It names no variable at all.
    #[error("no variable in it: nginx's begin with $ ($remote_addr), Apache's with % (%h)")]
    NoFields,
    /// Nothing in it says what was asked for.
    #[error("nothing in it is the request: there must be $request or $request_uri, or %r or %U%q")]
    NoRequest,
    /// Two fields stand next to each other, so that nobody can tell where one ends.
    #[error("there is nothing between {0} and {1}: where one ends cannot be told")]
    Adjacent(String, String),
    /// A variable that does not end, or is none.
    #[error("{0:?} is no variable")]
    NoVariable(String),
}

/// What a format string is made of.
enum Token {
    Text(Vec<u8>),
    /// A field, its name as written, and how a value looks of which that matters.
    Field(Field, String, String),
}

const TIME_LOCAL: &str = "22/Nov/2026:06:39:53 +0000";
const REQUEST: &str = "GET / HTTP/1.1";

impl Template {
    /// Compiles a format string: nginx's if it has a `$` in front of a word, else Apache's.
    ///
    /// # Errors
    /// [`TemplateError`]
    pub fn new(format: &str) -> Result<Template, TemplateError> {
        let nginx =
            format.split('$').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '{'));
        let tokens = if nginx { nginx_tokens(format)? } else { apache_tokens(format)? };
        Template::of(tokens)
    }

    fn of(tokens: Vec<Token>) -> Result<Template, TemplateError> {
        let mut template = Template { start: Vec::new(), pieces: Vec::new() };
        let mut last: Option<(String, String)> = None;
        for token in tokens {
            match token {
                Token::Text(text) => match template.pieces.last_mut() {
                    None => template.start.extend(text),
                    Some(piece) => piece.until.extend(text),
                },
                Token::Field(field, name, sample) => {
                    if let Some((piece, (before, _))) = template.pieces.last_mut().zip(last.as_ref())
                        && piece.until.is_empty()
                    {
                        // Of two that touch, one may not matter: it is read as a part of the other.
                        match (piece.field, field) {
                            (_, Field::Other) => {}
                            (Field::Other, field) => {
                                piece.field = field;
                                last = Some((name, sample));
                            }
                            _ => return Err(TemplateError::Adjacent(before.clone(), name)),
                        }
                        continue;
                    }
                    if let Some((piece, (_, sample))) = template.pieces.last_mut().zip(last.as_ref()) {
                        piece.within = count(sample, &piece.until);
                    }
                    template.pieces.push(Piece { field, until: Vec::new(), within: 0 });
                    last = Some((name, sample));
                }
            }
        }
        if let Some((piece, (_, sample))) = template.pieces.last_mut().zip(last.as_ref()) {
            piece.within = count(sample, &piece.until);
        }
        if template.pieces.is_empty() {
            return Err(TemplateError::NoFields);
        }
        let asks = |piece: &Piece| matches!(piece.field, Field::Request | Field::Target | Field::Query);
        if template.pieces.iter().any(asks) { Ok(template) } else { Err(TemplateError::NoRequest) }
    }
}

/// How often a text stands in a value.
fn count(value: &str, text: &[u8]) -> usize {
    if text.is_empty() { 0 } else { memchr::memmem::find_iter(value.as_bytes(), text).count() }
}

fn nginx_tokens(format: &str) -> Result<Vec<Token>, TemplateError> {
    // What touches and belongs together is one field.
    let format = format
        .replace("$uri$is_args$args", "$request_uri")
        .replace("$document_uri$is_args$args", "$request_uri")
        .replace("$uri?$args", "$request_uri")
        .replace("$uri?$query_string", "$request_uri");
    let mut tokens = Vec::new();
    let mut parts = format.split('$');
    tokens.push(Token::Text(parts.next().unwrap_or_default().into()));
    for part in parts {
        let (name, text) = match part.strip_prefix('{') {
            Some(part) => part.split_once('}').ok_or_else(|| TemplateError::NoVariable(format!("${part}")))?,
            None => part.split_at(part.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(part.len())),
        };
        let (field, sample) = match name {
            "" => return Err(TemplateError::NoVariable("$".into())),
            "time_local" => (Field::Time, TIME_LOCAL),
            "time_iso8601" => (Field::Time, ""),
            "msec" => (Field::Precise, ""),
            "remote_addr" | "realip_remote_addr" => (Field::Addr, ""),
            "http_x_forwarded_for" | "proxy_add_x_forwarded_for" | "http_x_real_ip" => (Field::Forwarded, ""),
            "request" => (Field::Request, REQUEST),
            "request_uri" | "uri" | "document_uri" => (Field::Target, ""),
            "args" | "query_string" => (Field::Query, ""),
            "request_method" => (Field::Method, ""),
            "status" => (Field::Status, ""),
            "http_user_agent" => (Field::Agent, ""),
            _ => (Field::Other, ""),
        };
        tokens.push(Token::Field(field, format!("${name}"), sample.into()));
        tokens.push(Token::Text(text.into()));
    }
    Ok(tokens)
}

fn apache_tokens(format: &str) -> Result<Vec<Token>, TemplateError> {
    // As it stands in a configuration, in quotes, or without them.
    let format = format.replace("\\\"", "\"").replace("\\t", "\t").replace("%U%q", "%{U%q}x");
    let mut tokens = Vec::new();
    let mut parts = format.split('%').peekable();
    tokens.push(Token::Text(parts.next().unwrap_or_default().into()));
    while let Some(part) = parts.next() {
        if part.is_empty() && parts.peek().is_some() {
            // `%%`
            tokens.push(Token::Text(b"%".to_vec()));
            tokens.push(Token::Text(parts.next().unwrap_or_default().into()));
            continue;
        }
        let part =
            part.trim_start_matches(['<', '>', '!']).trim_start_matches(|c: char| c.is_ascii_digit() || c == ',');
        // A time's own format holds `%` too.
        let (argument, rest) = match part.strip_prefix('{') {
            None => (String::new(), part.to_owned()),
            Some(open) => {
                let mut whole = open.to_owned();
                while !whole.contains('}') {
                    let more = parts.next().ok_or_else(|| TemplateError::NoVariable(format!("%{{{whole}")))?;
                    whole = format!("{whole}%{more}");
                }
                whole.split_once('}').map(|(argument, rest)| (argument.to_owned(), rest.to_owned())).unwrap_or_default()
            }
        };
        let mut letters = rest.chars();
        let letter = letters.next().ok_or_else(|| TemplateError::NoVariable("%".into()))?;
        let header = argument.to_ascii_lowercase();
        let (field, sample) = match (letter, header.as_str()) {
            ('h' | 'a', _) => (Field::Addr, ""),
            ('t', "") => (Field::Time, TIME_LOCAL),
            ('t', _) => (Field::Time, argument.as_str()),
            ('r', _) => (Field::Request, REQUEST),
            ('x', "u%q") | ('U', _) => (Field::Target, ""),
            ('q', _) => (Field::Query, ""),
            ('m', _) => (Field::Method, ""),
            ('s', _) => (Field::Status, ""),
            ('i', "user-agent") => (Field::Agent, ""),
            ('i', "x-forwarded-for" | "x-real-ip") => (Field::Forwarded, ""),
            (letter, _) if letter.is_ascii_alphabetic() => (Field::Other, ""),
            _ => return Err(TemplateError::NoVariable(format!("%{letter}"))),
        };
        let name = format!("%{letter}");
        // Only the plain time has its brackets with it.
        let bracketed = letter == 't' && argument.is_empty();
        if bracketed {
            tokens.push(Token::Text(b"[".to_vec()));
        }
        tokens.push(Token::Field(field, name, sample.to_owned()));
        if bracketed {
            tokens.push(Token::Text(b"]".to_vec()));
        }
        tokens.push(Token::Text(letters.as_str().into()));
    }
    Ok(tokens)
}

impl Format for Template {
    fn name(&self) -> &'static str {
        "log-format"
    }

    fn summary(&self) -> &'static str {
        "as `--log-format` says"
    }

    fn example(&self) -> &'static str {
        "$remote_addr [$time_iso8601] \"$request\" $status"
    }

    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        let mut rest = line.strip_prefix(&self.start[..])?;
        let mut request = Request { method: GET, ..Request::default() };
        let (mut time, mut precise) = (&b""[..], &b""[..]);
        let mut forwarded = &b""[..];
        for piece in &self.pieces {
            let (value, after) = piece.cut(rest)?;
            rest = after;
            let given = if value == b"-" { &b""[..] } else { value };
            match piece.field {
                Field::Other => {}
                Field::Time => time = value,
                Field::Precise => precise = value,
                Field::Addr => request.addr = given,
                Field::Forwarded => forwarded = given,
                Field::Request => (request.method, request.target) = split_request(value),
                Field::Target => request.target = value,
                Field::Query => request.query = given.strip_prefix(b"?").unwrap_or(given),
                Field::Method => request.method = value,
                Field::Status => request.status = status(value),
                Field::Agent => request.agent = given,
            }
        }
        if request.target.is_empty() {
            request.target = if request.query.is_empty() { return None } else { b"/announce" };
        }
        request.addr = address::client(request.addr, forwarded);
        request.time = context.clock.any(precise).or_else(|| context.clock.any(time));
        Some(request)
    }
}

impl Piece {
    /// The field's value, and what stands behind the text after it.
    #[inline]
    fn cut<'a>(&self, text: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let until = &self.until[..];
        let mut from = 0;
        for _ in 0..self.within {
            from += find(&text[from..], until)? + until.len();
        }
        let end = match until {
            // More may stand behind the last field than the format says.
            [] => text.len(),
            [b'"', ..] => from + closing_quote(&text[from..])?,
            _ => match find(&text[from..], until) {
                Some(at) => from + at,
                None => return None,
            },
        };
        Some((&text[..end], text[end..].strip_prefix(until)?))
    }
}

/// The texts between fields are short, and most are one byte.
#[inline]
fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    let (first, rest) = what.split_first()?;
    if rest.is_empty() {
        return memchr::memchr(*first, text);
    }
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(*first, text.get(from..)?)?;
        if text[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_own_strings_are_understood() {
        let (addr, target, agent) = ("203.0.113.9", "/k/announce?a=1", "Agent \\\"x\\\" (1)");
        for (format, line) in [
            // nginx: the documentation's, and what is common.
            (
                r#"$remote_addr - $remote_user [$time_local] "$request" $status $bytes_sent "$http_referer" "$http_user_agent" "$gzip_ratio""#,
                r#"203.0.113.9 - jo hn [22/Nov/2026:06:39:53 +0000] "GET /k/announce?a=1 HTTP/1.1" 200 81 "-" "AGENT" "-""#,
            ),
            (
                r#"$remote_addr [$time_iso8601] "$request" $status $request_time "$http_user_agent" $msec"#,
                r#"203.0.113.9 [2026-11-22T06:39:55+00:00] "GET /k/announce?a=1 HTTP/1.1" 200 0.001 "AGENT" 1795329593.000"#,
            ),
            (
                "$msec|$http_x_forwarded_for|$remote_addr|$request_method|${host}$uri?$args|$status|\"$http_user_agent\"",
                "1795329593.000|1.1.1.1, 203.0.113.9|10.0.0.1|GET|/k/announce?a=1|200|\"AGENT\"",
            ),
            (
                "$time_local $request $status $remote_addr \"$http_user_agent\"",
                "22/Nov/2026:06:39:53 +0000 GET /k/announce?a=1 HTTP/1.1 200 203.0.113.9 \"AGENT\"",
            ),
            // Apache: `combined`, `combinedio`, and parts of a request.
            (
                r#"%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""#,
                r#"203.0.113.9 - - [22/Nov/2026:06:39:53 +0000] "GET /k/announce?a=1 HTTP/1.1" 200 81 "-" "AGENT""#,
            ),
            (
                r#"%{X-Forwarded-For}i %a %{%Y-%m-%d %H:%M:%S}t %m %U%q %>s "%{User-agent}i" 100%% %D"#,
                r#"203.0.113.9 127.0.0.1 2026-11-22 06:39:53 GET /k/announce?a=1 200 "AGENT" 100% 12"#,
            ),
            (
                r#"%v:%p %{c}a [%{sec}t] "%m %U" "%q" %s "%{User-Agent}i""#,
                r#"t:80 203.0.113.9 [1795329593] "GET /k/announce" "?a=1" 200 "AGENT""#,
            ),
        ] {
            let template = Template::new(format).unwrap_or_else(|e| panic!("{format}: {e}"));
            let line = line.replace("AGENT", agent);
            let request = template.parse(line.as_bytes(), &mut Context::default()).unwrap_or_else(|| panic!("{line}"));
            let show = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
            let whole = if request.query.is_empty() {
                show(request.target)
            } else {
                [show(request.target), show(request.query)].join("?")
            };
            assert_eq!((show(request.addr).as_str(), whole.as_str()), (addr, target), "{line}");
            assert_eq!((show(request.agent).as_str(), request.status), (agent, Some(200)), "{line}");
            assert_eq!(request.time.map(|time| time.millis()), Some(1_795_329_593_000), "{line}");
            for end in 0..line.len() {
                template.parse(&line.as_bytes()[..end], &mut Context::default());
            }
        }
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for (format, says) in [
            ("", "no variable in it"),
            ("plain words", "no variable in it"),
            ("$remote_addr $status", "nothing in it is the request"),
            ("%h %s", "nothing in it is the request"),
            ("$remote_addr$request", "nothing between $remote_addr and $request"),
            ("$remote_addr ${request", "is no variable"),
            ("%h %{User-Agent", "is no variable"),
            ("%h %r %", "is no variable"),
            ("%h %r %é", "is no variable"),
            ("$remote_addr $ $request", "is no variable"),
        ] {
            let error = Template::new(format).expect_err(format).to_string();
            assert!(error.contains(says), "{format}: {error}");
        }
    }
}
