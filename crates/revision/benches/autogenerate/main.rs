//! How long `revision --autogenerate` takes: 50 tables, 200 migrations, one type that has changed.
//!
//! `cargo bench -p revision --bench autogenerate`; `ROUNDS` changes how often. It is measured beside Alembic's on the
//! same tables and as many revisions, each started as its users start it, in turns, so that both meet the same moods of
//! the machine. Alembic is installed by pip for it, unless `ALEMBIC_PYTHON` names an interpreter that has it. The
//! program fails when the median ratio is above 1.

mod alembic;
mod entities;
mod ours;
mod program;

use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;

use alembic::Alembic;
use ours::Ours;

const LIMIT: f64 = 1.0;

fn main() -> io::Result<ExitCode> {
    if ours::is_program() {
        return Ok(ours::main());
    }
    let rounds = env::var("ROUNDS").ok().and_then(|text| text.parse().ok());
    let directory = tempfile::tempdir()?;
    let (ours, alembic) = (
        Ours::new(directory.path())?,
        Alembic::new(directory.path())?,
    );
    // Nobody is measured with cold files.
    ours.autogenerate()?;
    alembic.autogenerate()?;
    let mut out = io::stdout().lock();
    let (mut own_times, mut peer_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds.unwrap_or(11) {
        // Whoever goes first in one round goes second in the next.
        let (own, peer) = if round % 2 == 0 {
            let peer = alembic.autogenerate()?;
            (ours.autogenerate()?, peer)
        } else {
            (ours.autogenerate()?, alembic.autogenerate()?)
        };
        let ratio = own.as_secs_f64() / peer.as_secs_f64();
        writeln!(
            out,
            "round {round}: here {own:.2?}, Alembic {peer:.2?}, ratio {ratio:.3}"
        )?;
        own_times.push(own.as_secs_f64());
        peer_times.push(peer.as_secs_f64());
        ratios.push(ratio);
    }
    for (name, times) in [("here", own_times), ("Alembic", peer_times)] {
        let (median, low, high) = spread(times);
        writeln!(out, "{name}: {median:.3} s (median; {low:.3} to {high:.3})")?;
    }
    let (median, low, high) = spread(ratios);
    writeln!(
        out,
        "ratio {median:.3} (median; {low:.3} to {high:.3}), limit {LIMIT}"
    )?;
    Ok(if median <= LIMIT {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The median, the least and the greatest.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (
        values[values.len() / 2],
        values[0],
        values[values.len() - 1],
    )
}
