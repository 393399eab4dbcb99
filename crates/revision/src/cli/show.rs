//! Answers as text.

use std::fmt::Write as _;

use crate::error::Error;
use crate::report::{Direction, Report, Status};

/// What happened, what became of the database, and what to type now.
pub(super) fn error(error: &Error) -> String {
    format!("{error}\n{}\n{}\n", error.unchanged(), error.next_step())
}

pub(super) fn report(report: &Report) -> String {
    let mut text = String::new();
    let place = |name: &Option<String>| name.clone().unwrap_or_else(|| "base".to_owned());
    if let Some(path) = &report.snapshot {
        line(&mut text, format_args!("Snapshot: {}", path.display()));
    }
    for step in &report.steps {
        let sign = match report.direction {
            Direction::Up => '+',
            Direction::Down => '-',
        };
        line(
            &mut text,
            format_args!("{sign} {} ({:.1?})", step.name, step.elapsed),
        );
    }
    match report.steps.len() {
        0 => line(
            &mut text,
            format_args!("Nothing to do: the database is at {}.", place(&report.to)),
        ),
        _ => line(
            &mut text,
            format_args!("{} -> {}", place(&report.from), place(&report.to)),
        ),
    }
    text
}

pub(super) fn current(status: &Status, check_heads: bool) -> String {
    let mut text = String::new();
    let current = status.current().unwrap_or("base");
    let mark = if status.is_up_to_date() {
        " (head)"
    } else {
        ""
    };
    line(&mut text, format_args!("{current}{mark}"));
    for name in &status.unknown {
        line(&mut text, format_args!("{name} (unknown to this program)"));
    }
    if check_heads && !status.pending.is_empty() {
        line(
            &mut text,
            format_args!("Target database is not up to date."),
        );
        for name in &status.pending {
            line(&mut text, format_args!("  pending: {name}"));
        }
        line(&mut text, format_args!("Run: migration upgrade head"));
    }
    text
}

/// Newest first, each with the revision before it, as Alembic lists them.
pub(super) fn history(names: &[String], status: &Status) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate().rev() {
        let before = index.checked_sub(1).map_or("base", |before| &names[before]);
        let head = if index + 1 == names.len() {
            " (head)"
        } else {
            ""
        };
        let current = if status.current() == Some(name) {
            " (current)"
        } else {
            ""
        };
        let pending = if status.pending.contains(name) {
            " (pending)"
        } else {
            ""
        };
        line(
            &mut text,
            format_args!("{before} -> {name}{head}{current}{pending}"),
        );
    }
    text
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(text, "{words}").expect("writing to a String does not fail");
}
