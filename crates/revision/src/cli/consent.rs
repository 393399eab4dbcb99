//! Asking before every row is lost.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::answer::tell;
use super::args::Consent;
use crate::engine::Engine;
use crate::error::Error;

/// Says which rows a command will lose, and goes on only when that is wanted: `--yes`, or a `yes` typed on a terminal.
///
/// Where there are no rows, there is nothing to ask.
pub(super) async fn ask(
    engine: &Engine,
    url: &str,
    command: &str,
    consent: Consent,
) -> Result<(), Error> {
    if consent.yes {
        return Ok(());
    }
    let rows = engine.rows(url).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let tables: Vec<String> = rows
        .iter()
        .map(|(table, count)| format!("{table} ({count})"))
        .collect();
    let lost = format!("{command} loses every row of: {}.", tables.join(", "));
    if !io::stdin().is_terminal() {
        return Err(Error::Refused {
            reason: lost,
            advice: "If that is meant, take a copy first and add --yes.".to_owned(),
        });
    }
    tell(&format!("{lost}\nType yes to go on: "));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(Error::Refused {
        reason: "It was not wanted.".to_owned(),
        advice: "To go on, type yes or add --yes.".to_owned(),
    })
}
