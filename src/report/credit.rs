//! What policies credit, for users and for sessions.

use super::rows::{OWN, PolicyRow, SessionCreditRow, UserCreditRow};
use super::{Output, Style, View, csv, json, table};
use crate::credit::Credits;
use std::io::{self, Write};

/// The version of the document.
const SCHEMA: &str = "swarmtrail.credit/1";

/// Prints what each policy credits.
///
/// # Errors
/// Whatever the writer says.
pub fn credit(
    out: &mut dyn Write,
    output: Output,
    style: &Style,
    view: &View<'_>,
    credits: &Credits,
) -> io::Result<()> {
    // People are not shown the same numbers twice.
    let together = output == Output::Table;
    let users = UserCreditRow::all(view, credits, together).into_iter();
    let sessions = SessionCreditRow::all(view, credits, together);
    let policies = credits.policies().iter().map(|policy| PolicyRow::new(policy));
    match output {
        Output::Table => {
            table::titled(out, style, "USERS", users)?;
            if credits.policies().is_empty() {
                return Ok(());
            }
            writeln!(out)?;
            table::titled(out, style, "SESSIONS THAT ARE NOT CREDITED ALIKE", sessions)
        }
        Output::Json => {
            write!(out, "{{\"schema\":\"{SCHEMA}\",\n\"beside\":\"{OWN}\",\n\"policies\":")?;
            json::Rows::Array.write(out, policies)?;
            out.write_all(b",\n\"users\":")?;
            json::Rows::Array.write(out, users)?;
            out.write_all(b",\n\"sessions\":")?;
            json::Rows::Array.write(out, sessions)?;
            out.write_all(b"}\n")
        }
        Output::Ndjson => {
            json::Rows::Lines.write(out, policies)?;
            json::Rows::Lines.write(out, users)?;
            json::Rows::Lines.write(out, sessions)
        }
        Output::Csv => {
            csv::table(out, style, users)?;
            csv::table(out, style, sessions)
        }
    }
}
