//! Medians with their spread.

use serde::Serialize;

/// The median, the lowest and the highest of some figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Spread {
    /// None of no figures, and of one that is no number.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        if sorted.is_empty() || sorted.iter().any(|figure| !figure.is_finite()) {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self {
            median,
            lowest: sorted[0],
            highest: sorted[sorted.len() - 1],
        })
    }
}

/// Three digits that mean something.
pub(crate) fn digits(figure: f64) -> String {
    match figure.abs() {
        0.0..0.1 => format!("{figure:.3}"),
        0.1..10.0 => format!("{figure:.2}"),
        10.0..100.0 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_between_the_lowest_and_the_highest() {
        let odd = Spread::of([3.0, 1.0, 2.0])
            .map(|spread| (spread.median, spread.lowest, spread.highest));
        assert_eq!(odd, Some((2.0, 1.0, 3.0)));
        let even = Spread::of([4.0, 1.0, 2.0, 3.0]).map(|spread| spread.median);
        assert_eq!(even, Some(2.5));
    }

    #[test]
    fn what_was_not_measured_has_no_spread() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([1.0, f64::NAN]), None);
    }
}
