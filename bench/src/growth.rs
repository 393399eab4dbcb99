//! What more drugs cost: a case at the largest size over the same at the smallest, and the last page over the first.

use crate::report::Results;
use crate::spread::Spread;

/// The cases that must not grow with the table.
const CASES: [&str; 6] = ["drug", "page", "reorder", "last-page", "searched", "count"];
/// Over how many connections.
const CONNECTIONS: usize = 8;

/// The times of one answer over those of another, for every server.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) grown: Vec<Option<Spread>>,
}

/// One line for every case and one for every size.
pub(crate) fn lines(results: &Results) -> Vec<Line> {
    let (smallest, largest) = (results.sizes.iter().min(), results.sizes.iter().max());
    let mut lines = Vec::new();
    if let (Some(&smallest), Some(&largest)) = (smallest, largest)
        && smallest < largest
    {
        lines.extend(CASES.map(|case| Line {
            what: format!("{case}, {largest} drugs over {smallest}"),
            grown: slower(results, (largest, case), (smallest, case)),
        }));
    }
    lines.extend(results.sizes.iter().map(|&size| Line {
        what: format!("the last page over the first, {size} drugs"),
        grown: slower(results, (size, "last-page"), (size, "first-page")),
    }));
    lines.retain(|line| line.grown.iter().any(Option::is_some));
    lines
}

/// How many times as long one answer takes as another.
fn slower(results: &Results, one: (u64, &str), other: (u64, &str)) -> Vec<Option<Spread>> {
    let kinds = results.kinds.iter();
    let grown = kinds.map(|kind| {
        let one = results.rates(one.0, one.1, CONNECTIONS, *kind);
        let other = results.rates(other.0, other.1, CONNECTIONS, *kind);
        Spread::of(one.iter().zip(&other).map(|(one, other)| other / one))
    });
    grown.collect()
}
