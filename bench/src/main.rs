//! Measures the service beside three others, with one command.
//!
//! ```sh
//! cargo run --release -p bench
//! ```
//!
//! Beside the service run `fixed` (bodies from memory: what the network and HTTP cost), `limit` (the same answers with
//! nothing else in mind) and `original` (`FastAPI` and `SQLAlchemy`). Every run on one of them is followed by the same
//! run on the others, so that whatever else the machine does falls on all of them alike; what counts are ratios.
//! `docs/performance.md` says how to read what it prints.

mod case;
mod database;
mod growth;
mod http;
mod load;
mod machine;
mod measure;
mod options;
mod process;
mod program;
mod python;
mod report;
mod rows;
mod server;
mod spread;
mod start;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use crate::database::Databases;
use crate::measure::Stage;
use crate::options::Options;
use crate::program::Programs;
use crate::report::Results;

/// What goes wrong is told to whoever typed the command, and ends it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run(&Options::parse().settled()) {
        Ok(report) => {
            // Where nobody reads there is nobody to tell.
            let _ = write!(std::io::stdout(), "{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<String> {
    let programs = Programs::build(options)?;
    let mut results = Results::new(options);
    let measured = measure_all(options, &programs, &mut results);
    if options.verify {
        return measured.map(|()| "every server gives the same answers\n".to_owned());
    }
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&results)?)?;
    }
    let report = report::markdown(&results);
    // What took so long is not thrown away for what came after it.
    measured.inspect_err(|_| say(&report))?;
    Ok(report)
}

fn measure_all(options: &Options, programs: &Programs, results: &mut Results) -> Result<()> {
    let rows = rows::Generator::new(&programs.products, programs.today)?;
    for &size in &options.sizes {
        let databases = Databases::make(programs, &rows, size)?;
        if size == options.sizes[0] {
            verify::control(programs, &databases)?;
        }
        if !options.verify {
            start::measure(options, programs, &databases, results)?;
        }
        let mut stage = Stage::open(options, programs, &databases, &rows)?;
        verify::compare(&stage)?;
        if !options.verify {
            stage.measure(options, results)?;
        }
        stage.close();
        databases.remove()?;
    }
    Ok(())
}

/// Tells how far it is, beside the report.
pub(crate) fn say(text: &str) {
    // Where nobody reads there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}
