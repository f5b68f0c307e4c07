//! Formats given as a regular expression with named groups.

use super::straight::Straight;
use super::{Context, Format, GET, Request, address, split_request, status};
use regex::bytes::{CaptureLocations, Regex, RegexBuilder};
use std::cell::RefCell;

/// A format of somebody's own.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    /// Which group each field is, in the order of [`GROUPS`].
    groups: [Option<usize>; GROUPS.len()],
    /// The same, if it leaves no choice.
    straight: Option<Straight<{ GROUPS.len() }>>,
}

/// The groups that mean something.
const GROUPS: [&str; 9] = ["time", "addr", "request", "target", "query", "method", "status", "agent", "forwarded"];

/// What is wrong with a pattern.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It is no regular expression.
    #[error("{0}")]
    Regex(#[from] regex::Error),
    /// A group is called what nothing is.
    #[error("no group may be called {0:?}; there are {names}", names = GROUPS.join(", "))]
    NoGroup(String),
    /// Nothing in it says what was asked for.
    #[error("no group is the request: name one (?P<request>...) or (?P<target>...)")]
    NoRequest,
}

impl Pattern {
    /// A format by a regular expression (of the `regex` crate) with the named groups `request` or `target`, and any of `time`,
    /// `addr`, `query`, `method`, `status`, `agent` and `forwarded`. It works on bytes.
    ///
    /// # Errors
    /// [`PatternError`]
    pub fn new(pattern: &str) -> Result<Pattern, PatternError> {
        // A class must be able to match what is no UTF-8.
        let regex = RegexBuilder::new(pattern).unicode(false).build()?;
        let mut groups = [None; GROUPS.len()];
        for (number, name) in regex.capture_names().enumerate() {
            let Some(name) = name else { continue };
            let group = GROUPS.iter().position(|known| *known == name);
            groups[group.ok_or_else(|| PatternError::NoGroup(name.into()))?] = Some(number);
        }
        if groups[2].or(groups[3]).is_none() {
            return Err(PatternError::NoRequest);
        }
        let straight = Straight::new(pattern, &groups);
        Ok(Pattern { regex, groups, straight })
    }
}

impl Format for Pattern {
    fn name(&self) -> &'static str {
        "pattern"
    }

    fn summary(&self) -> &'static str {
        "as `--pattern` says"
    }

    fn example(&self) -> &'static str {
        r#"^(?P<addr>\S+) (?P<time>\S+) "(?P<request>[^"]*)" (?P<status>\d+)"#
    }

    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        let fields = match &self.straight {
            Some(straight) => straight.fields(line)?,
            None => self.captures(line)?,
        };
        let [time, addr, request, target, query, method, code, agent, forwarded] = fields;
        let (mut asked, mut whole) = (method, target);
        if whole.is_empty() {
            (asked, whole) = split_request(request);
        }
        (!whole.is_empty()).then(|| Request {
            time: context.clock.any(time),
            addr: address::client(addr, forwarded),
            method: if asked.is_empty() { GET } else { asked },
            target: whole,
            query,
            status: status(code),
            agent,
        })
    }
}

impl Pattern {
    fn captures<'a>(&self, line: &'a [u8]) -> Option<[&'a [u8]; GROUPS.len()]> {
        thread_local! {
            // Where the groups were, kept so that no line needs memory of its own.
            static PLACES: RefCell<Option<CaptureLocations>> = const { RefCell::new(None) };
        }
        PLACES.with_borrow_mut(|places| {
            let groups = self.regex.captures_len();
            if places.as_ref().is_none_or(|places| places.len() != groups) {
                *places = Some(self.regex.capture_locations());
            }
            let places = places.as_mut()?;
            self.regex.captures_read(places, line)?;
            let group = |number: usize| places.get(number).map(|(from, to)| &line[from..to]);
            Some(self.groups.map(|number| number.and_then(group).unwrap_or_default()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_fields() {
        let line = b"203.0.113.9 2026-11-22T06:39:53Z <GET /k/announce?a=\xff1 HTTP/1.1> 200 (Agent/1)";
        for pattern in [
            r"^(?P<addr>\S+) (?P<time>\S+) <(?P<request>[^>]*)> (?P<status>\d+) \((?P<agent>[^)]*)\)$",
            r"^(?P<addr>\S+) (?P<time>\S+) <(?P<method>\w+) (?P<target>\S+) [^>]*> (?<status>\d+) \((?<agent>.*)\)",
        ] {
            let pattern = Pattern::new(pattern).expect("a pattern");
            let request = pattern.parse(line, &mut Context::default()).expect("it fits");
            assert_eq!((request.addr, request.method), (&b"203.0.113.9"[..], &b"GET"[..]));
            assert_eq!((request.target, request.agent), (&b"/k/announce?a=\xff1"[..], &b"Agent/1"[..]));
            assert_eq!((request.time.map(|time| time.millis()), request.status), (Some(1_795_329_593_000), Some(200)));
            assert_eq!(pattern.parse(b"203.0.113.9", &mut Context::default()), None);
        }
        for (pattern, says) in [
            ("(?P<request>", "unclosed group"),
            (r"(?P<addr>\S+)", "no group is the request"),
            (r"(?P<request>.*) (?P<when>\S+)", "no group may be called \"when\""),
            ("(?P<request>a{1000}){1000}", "size limit"),
        ] {
            let error = Pattern::new(pattern).expect_err(pattern).to_string();
            assert!(error.contains(says), "{pattern}: {error}");
        }
    }
}
