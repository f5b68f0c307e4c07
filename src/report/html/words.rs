//! Words and small marks that several parts of the page use.

use crate::audit::{Check, Severity};
use crate::report::text;
use crate::time::Time;
use maud::{Markup, html};

/// What a verdict says. A user sees it beside the verdict's name.
pub fn says(verdict: &str) -> &'static str {
    match verdict {
        "likely-faked" => {
            "Two kinds of evidence speak against this user: upload that nobody can have received, counters that grow as only a \
             generator makes them, or a client that is not what it says it is."
        }
        "unexplained" => {
            "Upload was claimed that nobody in this log can have received, or in counters that no count can have had. Who or \
             what made it, the log does not tell."
        }
        "client-mismatch" => "The client is not what it says it is. That is no proof of wrong counters.",
        "clear" => "Nothing was found that speaks against this user.",
        _ => "The log does not tell.",
    }
}

/// A verdict: a sign, its name, and a colour that is never alone in saying it.
pub fn badge(verdict: &str) -> Markup {
    let sign = match verdict {
        "likely-faked" => "✖",
        "unexplained" => "▲",
        "client-mismatch" => "◆",
        "clear" => "✓",
        _ => "?",
    };
    html! { span.badge.(verdict) { span aria-hidden="true" { (sign) } " " (verdict) } }
}

/// A severity.
pub fn severity(severity: Severity) -> Markup {
    html! { span.badge.(severity.name()) { (severity.name()) } }
}

/// A number with what it is of.
pub fn tile(label: &str, value: &str) -> Markup {
    html! { div.tile { dt { (label) } dd { (value) } } }
}

/// Bytes; what they are exactly is told to who points at them.
pub fn bytes(n: u128) -> Markup {
    html! { span title=(format!("{n} bytes")) { (text::bytes(n)) } }
}

/// A time as people read it, in UTC.
pub fn time(time: Option<Time>) -> String {
    time.map_or("-".into(), |time| time.rfc3339(false).to_string().trim_end_matches('Z').replace('T', " "))
}

/// What a check means.
pub fn explained(check: &Check) -> Markup {
    html! {
        dl.check {
            dt { "What it finds" } dd { (check.summary) }
            dt { "Formula" } dd { (check.formula) }
            dt { "Counts from" } dd { (check.threshold) }
            dt { "Harmless things that look the same" } dd { (check.look_alikes) }
            dt { "Source" } dd { (check.source) }
        }
    }
}
