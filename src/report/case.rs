//! A user's dossier: Markdown, to be read as it is or pasted into a ticket; or JSON.

use super::rows::CaseRow;
use super::text::{bytes, holds_if, ratio, unexplained};
use super::{Output, json};
use std::io::{self, Write};

/// Swarms and sessions shown; JSON has all.
const SHOWN: usize = 40;

/// Prints a dossier.
///
/// # Errors
/// Whatever the writer says.
pub fn case(out: &mut dyn Write, output: Output, case: &CaseRow<'_>) -> io::Result<()> {
    match output {
        Output::Json => json::document(out, case),
        Output::Ndjson => json::line(out, "case", case),
        // It has no rows of one kind.
        Output::Table | Output::Csv => markdown(out, case),
    }
}

fn markdown(out: &mut dyn Write, case: &CaseRow<'_>) -> io::Result<()> {
    let user = &case.user;
    writeln!(out, "# User {}: {}\n\n{}.\n", user.user(), user.judgement().verdict(), case.why)?;
    let (uploaded, downloaded, of) = user.totals();
    writeln!(out, "Uploaded {}, downloaded {}, ratio {}.", bytes(uploaded), bytes(downloaded), ratio(of))?;
    let [low, high] = user.judgement().estimate();
    if let Some(basis) = user.judgement().basis() {
        writeln!(out, "\n{}", unexplained(basis, user.judgement().unexplained(), user.judgement().range()))?;
        writeln!(
            out,
            "At least {} and at most {} is faked: what does find a receiver may have been sent by others.",
            bytes(low.into()),
            bytes(high.into())
        )?;
        writeln!(out, "{}", holds_if(basis))?;
    }
    writeln!(out, "\n## Findings")?;
    if case.findings.is_empty() {
        writeln!(out, "\nNone.")?;
    }
    for finding in &case.findings {
        let anomaly = &finding.anomaly;
        writeln!(out, "\n### {} ({})\n\n{}.\n", anomaly.check(), anomaly.severity(), anomaly.message())?;
        writeln!(out, "- formula: {}", finding.formula)?;
        writeln!(out, "- counts from: {}", finding.threshold)?;
        writeln!(out, "- what else looks like this: {}", finding.look_alikes)?;
        for line in &finding.lines {
            match &line.text {
                // Four spaces: nothing in a log line is markup.
                Some(text) => writeln!(out, "\n- {}\n\n      {text}", line.place)?,
                None => writeln!(out, "- {}", line.place)?,
            }
        }
    }
    writeln!(
        out,
        "\n## Swarms\n\n| info hash | uploaded | downloaded | uploaded by all | downloaded by all | received by nobody |"
    )?;
    writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
    for swarm in case.swarms.iter().take(SHOWN) {
        let sums = [swarm.uploaded, swarm.downloaded, swarm.uploaded_by_all, swarm.downloaded_by_all];
        let cells: Vec<String> = sums.into_iter().chain([swarm.unexplained_upload.into()]).map(bytes).collect();
        writeln!(out, "| {} | {} |", swarm.info_hash, cells.join(" | "))?;
    }
    more(out, case.swarms.len())?;
    writeln!(out, "\n## Sessions\n\n| session | client | from | to | end | uploaded | downloaded |")?;
    writeln!(out, "| ---: | --- | --- | --- | --- | ---: | ---: |")?;
    for session in case.sessions.iter().take(SHOWN) {
        writeln!(out, "| {} |", session.brief().join(" | "))?;
    }
    more(out, case.sessions.len())
}

fn more(out: &mut dyn Write, all: usize) -> io::Result<()> {
    if all > SHOWN {
        writeln!(out, "\n{SHOWN} of {all}; `--output json` has all.")?;
    }
    Ok(())
}
