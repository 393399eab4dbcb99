//! What was measured, and the Markdown that is printed of it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::case::CASES;
use crate::growth::{self, Line};
use crate::machine;
use crate::options::{Kind, Options};
use crate::program::PROFILE;
use crate::spread::{Spread, digits};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: String,
    pub(crate) sizes: Vec<u64>,
    /// The first is compared with the others.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) runs: Vec<Run>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) starts: Vec<Start>,
}

/// One run on one server.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) size: u64,
    pub(crate) case: &'static str,
    pub(crate) connections: usize,
    pub(crate) round: usize,
    pub(crate) kind: Kind,
    pub(crate) per_second: f64,
    /// Processor time of the server per answer.
    pub(crate) cpu_us: f64,
    pub(crate) median_us: u32,
    pub(crate) p99_us: u32,
    pub(crate) errors: u64,
}

/// What a server has resident.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) size: u64,
    pub(crate) kind: Kind,
    pub(crate) idle_mib: f64,
    pub(crate) loaded_mib: f64,
}

/// How long starts took, on a database of a size or on none.
#[derive(Debug, Serialize)]
pub(crate) struct Start {
    pub(crate) size: Option<u64>,
    pub(crate) kind: Kind,
    pub(crate) seconds: Vec<f64>,
}

impl Start {
    pub(crate) fn of(size: Option<u64>, kind: Kind, seconds: f64) -> Self {
        Self {
            size,
            kind,
            seconds: vec![seconds],
        }
    }
}

impl Results {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            machine: machine::describe(),
            sizes: options.sizes.clone(),
            kinds: options.servers.clone(),
            rounds: options.rounds,
            seconds: options.seconds,
            runs: Vec::new(),
            memory: Vec::new(),
            starts: Vec::new(),
        }
    }

    pub(crate) fn started(&mut self, start: Start) {
        let mut known = self.starts.iter_mut();
        match known.find(|known| (known.size, known.kind) == (start.size, start.kind)) {
            Some(known) => known.seconds.extend(start.seconds),
            None => self.starts.push(start),
        }
    }

    /// The answers a second of every round.
    pub(crate) fn rates(&self, size: u64, case: &str, connections: usize, kind: Kind) -> Vec<f64> {
        let runs = self.of(size, case, connections, kind);
        runs.map(|run| run.per_second).collect()
    }

    fn of<'a>(
        &'a self,
        size: u64,
        case: &'a str,
        connections: usize,
        kind: Kind,
    ) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| {
            (run.size, run.case, run.connections, run.kind) == (size, case, connections, kind)
        })
    }

    fn first(&self) -> Kind {
        self.kinds.first().copied().unwrap_or(Kind::Ours)
    }

    fn others(&self) -> impl Iterator<Item = Kind> {
        self.kinds.iter().copied().skip(1)
    }

    /// The cases of a size with their numbers of connections, in the order of the list.
    fn cases(&self, size: u64) -> Vec<(&'static str, usize)> {
        let mut cases = Vec::new();
        for case in CASES.iter().map(|case| case.name) {
            for run in self
                .runs
                .iter()
                .filter(|run| run.size == size && run.case == case)
            {
                if !cases.contains(&(case, run.connections)) {
                    cases.push((case, run.connections));
                }
            }
        }
        cases
    }
}

/// The tables.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = String::new();
    // Writing into a text cannot fail.
    let _ = write_tables(&mut text, results);
    text
}

fn write_tables(text: &mut String, results: &Results) -> std::fmt::Result {
    let first = results.first();
    if PROFILE != "release" {
        writeln!(
            text,
            "**Not optimised, so these figures say nothing: `cargo run --release -p bench`.**\n"
        )?;
    }
    writeln!(text, "{}.", results.machine)?;
    writeln!(
        text,
        "Medians of {} rounds of {} s, in brackets the lowest and the highest.",
        results.rounds, results.seconds
    )?;
    for &size in &results.sizes {
        let cases = results.cases(size);
        if cases.is_empty() {
            continue;
        }
        writeln!(
            text,
            "\n### {size} drugs: {} over the others, in answers a second\n",
            first.name()
        )?;
        let ratios = results
            .others()
            .map(|kind| format!("{} / {}", first.name(), kind.name()));
        let named = [
            "case".to_owned(),
            "connections".to_owned(),
            format!("{}, 1/s", first.name()),
        ];
        header(text, named.into_iter().chain(ratios))?;
        for &(case, connections) in &cases {
            let ours = results.rates(size, case, connections, first);
            write!(text, "| {case} | {connections} | {} |", median(&ours))?;
            for kind in results.others() {
                let theirs = results.rates(size, case, connections, kind);
                let ratios =
                    Spread::of(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs));
                write!(text, " {} |", spread(ratios))?;
            }
            writeln!(text)?;
        }
        per_answer(
            text,
            results,
            size,
            "processor time of the server per answer, µs",
            false,
            |run| run.cpu_us,
        )?;
        per_answer(
            text,
            results,
            size,
            "how long a lone writer waits, µs (median, and 99 of 100)",
            true,
            |run| run.median_us.into(),
        )?;
    }
    growth(text, results)?;
    memory(text, results)?;
    starts(text, results)?;
    let errors: u64 = results.runs.iter().map(|run| run.errors).sum();
    writeln!(text, "\nAnswers with an unexpected status: {errors}.")?;
    for run in results.runs.iter().filter(|run| run.errors > 0) {
        let Run {
            size,
            case,
            connections,
            kind,
            errors,
            ..
        } = run;
        writeln!(
            text,
            "- {}: {errors} at {case}, {size} drugs, {connections} connections",
            kind.name()
        )?;
    }
    Ok(())
}

/// A table with one column per server; for lone writers with the slowest of a hundred beside.
fn per_answer(
    text: &mut String,
    results: &Results,
    size: u64,
    title: &str,
    lone: bool,
    figure: impl Fn(&Run) -> f64,
) -> std::fmt::Result {
    let cases = results
        .cases(size)
        .into_iter()
        .filter(|(_, connections)| !lone || *connections == 1);
    let cases: Vec<_> = cases.collect();
    if cases.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n### {size} drugs: {title}\n")?;
    let kinds = results.kinds.iter().map(|kind| kind.name().to_owned());
    header(
        text,
        ["case".to_owned(), "connections".to_owned()]
            .into_iter()
            .chain(kinds),
    )?;
    for (case, connections) in cases {
        write!(text, "| {case} | {connections} |")?;
        for &kind in &results.kinds {
            let runs = || results.of(size, case, connections, kind);
            let figures: Vec<_> = runs().map(&figure).collect();
            write!(text, " {}", median(&figures))?;
            if lone {
                let slow: Vec<_> = runs().map(|run| f64::from(run.p99_us)).collect();
                write!(text, ", {}", median(&slow))?;
            }
            write!(text, " |")?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn growth(text: &mut String, results: &Results) -> std::fmt::Result {
    let lines = growth::lines(results);
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n### How many times as long one answer takes as another\n"
    )?;
    let kinds = results.kinds.iter().map(|kind| kind.name().to_owned());
    header(text, std::iter::once("answers".to_owned()).chain(kinds))?;
    for Line { what, grown } in lines {
        write!(text, "| {what} |")?;
        for grown in grown {
            write!(text, " {} |", spread(grown))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn memory(text: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(text, "\n### Resident memory, MiB\n")?;
    header(
        text,
        ["drugs", "server", "idle", "under load"]
            .map(str::to_owned)
            .into_iter(),
    )?;
    for Memory {
        size,
        kind,
        idle_mib,
        loaded_mib,
    } in &results.memory
    {
        let (idle, loaded) = (digits(*idle_mib), digits(*loaded_mib));
        writeln!(text, "| {size} | {} | {idle} | {loaded} |", kind.name())?;
    }
    Ok(())
}

fn starts(text: &mut String, results: &Results) -> std::fmt::Result {
    if results.starts.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n### From the start of the process to the first answer, ms\n"
    )?;
    header(
        text,
        ["database", "server", "ms"].map(str::to_owned).into_iter(),
    )?;
    for start in &results.starts {
        let database = start
            .size
            .map_or("none".to_owned(), |size| format!("{size} drugs"));
        let ms = Spread::of(start.seconds.iter().map(|seconds| seconds * 1000.0));
        writeln!(
            text,
            "| {database} | {} | {} |",
            start.kind.name(),
            spread(ms)
        )?;
    }
    Ok(())
}

fn header(text: &mut String, names: impl Iterator<Item = String>) -> std::fmt::Result {
    let names: Vec<_> = names.collect();
    writeln!(text, "| {} |", names.join(" | "))?;
    writeln!(text, "|{}", " --- |".repeat(names.len()))
}

fn median(figures: &[f64]) -> String {
    Spread::of(figures.iter().copied()).map_or("–".to_owned(), |spread| digits(spread.median))
}

fn spread(spread: Option<Spread>) -> String {
    spread.map_or(
        "–".to_owned(),
        |Spread {
             median,
             lowest,
             highest,
         }| {
            format!(
                "{} ({}–{})",
                digits(median),
                digits(lowest),
                digits(highest)
            )
        },
    )
}
