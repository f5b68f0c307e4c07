//! Regular expressions that leave no choice: from the line's beginning on, texts and classes of bytes of which none can go on
//! where the next begins. Such a one is matched in one pass, several times as fast as any.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// A regular expression without choices, of which `N` groups matter.
#[derive(Debug)]
pub struct Straight<const N: usize> {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Text(Box<[u8]>),
    Run(Run),
    /// A field begins.
    Open(usize),
    /// It ends.
    Close(usize),
    /// The line ends.
    End,
}

/// As many bytes of a class as there are.
#[derive(Debug)]
struct Run {
    class: Box<[bool; 256]>,
    /// The byte that alone is not in it, but for the end of the line.
    all_but: Option<u8>,
    least: usize,
    most: usize,
}

impl<const N: usize> Straight<N> {
    /// Takes a regular expression apart, which works on bytes; `groups` are the numbers of the groups that matter. `None` if it
    /// leaves a choice.
    pub fn new(pattern: &str, groups: &[Option<usize>; N]) -> Option<Straight<N>> {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()?;
        let HirKind::Concat(parts) = hir.kind() else { return None };
        let (start, parts) = parts.split_first()?;
        if !matches!(start.kind(), HirKind::Look(Look::Start)) {
            return None;
        }
        let mut straight = Straight { steps: Vec::new() };
        parts.iter().try_for_each(|part| straight.add(part, groups))?;
        straight.has_no_choice().then_some(straight)
    }

    fn add(&mut self, hir: &Hir, groups: &[Option<usize>; N]) -> Option<()> {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(text) => self.steps.push(Step::Text(text.0.clone())),
            HirKind::Class(_) => self.steps.push(Step::Run(Run::new(hir, 1, Some(1))?)),
            HirKind::Repetition(run) if run.greedy => {
                self.steps.push(Step::Run(Run::new(&run.sub, run.min, run.max)?));
            }
            HirKind::Look(Look::End) => self.steps.push(Step::End),
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.add(part, groups))?,
            HirKind::Capture(capture) => {
                let field = groups.iter().position(|group| *group == Some(capture.index as usize));
                self.steps.extend(field.map(Step::Open));
                self.add(&capture.sub, groups)?;
                self.steps.extend(field.map(Step::Close));
            }
            _ => return None,
        }
        Some(())
    }

    /// No run may go on with what can come after it.
    fn has_no_choice(&self) -> bool {
        let mut after = [false; 256];
        for step in self.steps.iter().rev() {
            match step {
                Step::Open(_) | Step::Close(_) => {}
                Step::End => after = [false; 256],
                Step::Text(text) => after = std::array::from_fn(|byte| text.first() == Some(&(byte as u8))),
                Step::Run(run) => {
                    if run.least < run.most && (0..256).any(|byte| run.class[byte] && after[byte]) {
                        return false;
                    }
                    let rest = if run.least == 0 { after } else { [false; 256] };
                    after = std::array::from_fn(|byte| run.class[byte] || rest[byte]);
                }
            }
        }
        true
    }

    /// The groups that matter in a line (which has no line feed in it); empty are those that are not there.
    #[inline]
    pub fn fields<'a>(&self, line: &'a [u8]) -> Option<[&'a [u8]; N]> {
        let (mut fields, mut from, mut at) = ([&b""[..]; N], [0; N], 0);
        for step in &self.steps {
            match step {
                Step::Text(text) => {
                    if !line[at..].starts_with(text) {
                        return None;
                    }
                    at += text.len();
                }
                Step::Run(run) => at += run.len(&line[at..])?,
                Step::Open(field) => from[*field] = at,
                Step::Close(field) => fields[*field] = &line[from[*field]..at],
                Step::End => {
                    if at < line.len() {
                        return None;
                    }
                }
            }
        }
        Some(fields)
    }
}

impl Run {
    fn new(hir: &Hir, least: u32, most: Option<u32>) -> Option<Run> {
        let mut class = Box::new([false; 256]);
        match hir.kind() {
            HirKind::Class(Class::Bytes(bytes)) => {
                for range in bytes.ranges() {
                    class[usize::from(range.start())..=usize::from(range.end())].fill(true);
                }
            }
            HirKind::Literal(text) if text.0.len() == 1 => class[usize::from(text.0[0])] = true,
            _ => return None,
        }
        let mut others = (0..=255).filter(|byte| *byte != b'\n' && !class[usize::from(*byte)]);
        let all_but = others.next().filter(|_| others.next().is_none());
        Some(Run { class, all_but, least: least as usize, most: most.map_or(usize::MAX, |most| most as usize) })
    }

    /// How long it is at the beginning of a text.
    #[inline]
    fn len(&self, text: &[u8]) -> Option<usize> {
        let len = match self.all_but {
            Some(byte) => memchr::memchr(byte, text),
            None => text.iter().position(|byte| !self.class[usize::from(*byte)]),
        };
        let len = len.unwrap_or(text.len()).min(self.most);
        (len >= self.least).then_some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::bytes::RegexBuilder;

    /// The first two groups of a pattern, if it leaves no choice; and what the `regex` crate finds.
    fn both<'a>(pattern: &str, line: &'a [u8]) -> Option<[Option<[&'a [u8]; 2]>; 2]> {
        let straight = Straight::new(pattern, &[Some(1), Some(2)])?;
        let regex = RegexBuilder::new(pattern).unicode(false).build().expect("a pattern");
        let found = regex.captures(line).map(|found| [1, 2].map(|n| found.get(n).map_or(&b""[..], |m| m.as_bytes())));
        Some([straight.fields(line), found])
    }

    #[test]
    fn only_what_leaves_no_choice_is_taken() {
        for (pattern, taken) in [
            (r#"^(?P<addr>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "([^"]*)" (\d+) \S+ "[^"]*""#, true),
            (r"^(\d{4}-\d\d-\d\d) +(\S*)$", true),
            (r"^([a-z]*)(\d*)$", true),
            (r"(\S+) (\S+)", false),
            (r"^(.*) (\S+)", false),
            (r"^(a|bc)(d)", false),
            (r"^(\S+?) (\S+)", false),
            (r"^(?:ab)+(c)(d)", false),
        ] {
            assert_eq!(Straight::new(pattern, &[Some(1), Some(2)]).is_some(), taken, "{pattern}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn finds_what_the_regex_crate_finds(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "a", "b", " ", "\"", "ab", "[^b]*", "[^\"]+", r"\S+", r"\d*", "a{1,2}", "[ab]?", ".*", ".", "(a+)", r"([^ ]*)",
                    r"(\d+)", "$", r#""([^"]*)""#,
                ]),
                1..7,
            ),
            line in r#"[ab1" é]{0,12}"#,
        ) {
            let pattern = format!("^{}", parts.concat());
            if let Some([straight, regex]) = both(&pattern, line.as_bytes()) {
                prop_assert_eq!(straight, regex, "{} on {:?}", pattern, line);
            }
        }
    }
}
