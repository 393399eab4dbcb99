//! What was counted, what is left of it, and the day it runs out.
//!
//! A stock goes down by itself: nothing is written day by day, so no day is booked twice and none
//! is missed after downtime. Only a correction, a refill or an edited schedule makes a new
//! baseline.

use chrono::{Days, NaiveDate, TimeDelta};

use crate::quantity::{Quantity, QuantityError};
use crate::schedule::{SEVENTHS, Therapy};

/// What was counted, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stock {
    /// Units at the start of `counted_on`.
    pub counted_amount: Quantity,
    /// The local day of the count; its own doses are not yet taken.
    pub counted_on: NaiveDate,
}

impl Stock {
    /// What is left at the start of `day`, before its doses.
    ///
    /// A day that is not fully covered takes what there is, and nothing is left after it. A rest
    /// that is no whole number of thousandths (a week's pills are spread over 7 days) is rounded
    /// up, so that settling never loses a day. Before `counted_on` it is the counted amount.
    pub fn amount_on(&self, therapy: &Therapy, day: NaiveDate) -> Quantity {
        rounded_up(self.counted_sevenths() - therapy.consumed_sevenths(self.counted_on, day))
    }

    /// The first local day, from `counted_on` on, whose doses are not fully covered.
    ///
    /// `None` when nothing is ever consumed, when the stock lasts beyond the end of the therapy,
    /// and when the day would be later than 9998-12-31. It depends on the stock and the therapy
    /// alone, so it may be stored.
    ///
    /// The costs do not depend on how much there is or how far the day: what any span of days
    /// consumes is known in closed form, over years of 53 weeks as well, so the day is found by
    /// bisection, near the count first: most stocks last for some months.
    pub fn run_out_date(&self, therapy: &Therapy) -> Option<NaiveDate> {
        if self.covers_through(LAST_RUN_OUT, therapy) {
            return None;
        }
        // The day sought is never before `earliest` and never after `latest`.
        let (mut earliest, mut latest) = (self.counted_on, LAST_RUN_OUT);
        let mut stride = FIRST_STRIDE;
        while (latest - earliest).num_days() > stride {
            let probe = earliest + TimeDelta::days(stride);
            if !self.covers_through(probe, therapy) {
                latest = probe;
                break;
            }
            earliest = probe + Days::new(1);
            stride *= 2;
        }
        while earliest < latest {
            let middle = earliest + (latest - earliest) / 2;
            if self.covers_through(middle, therapy) {
                earliest = middle + Days::new(1);
            } else {
                latest = middle;
            }
        }
        Some(earliest)
    }

    /// The same stock with `today` as its baseline, for what must begin today: an edited schedule,
    /// a correction.
    ///
    /// It never runs out earlier than before. It may hold up to 6/7 of a thousandth more (see
    /// [`Stock::amount_on`]), so settle when there is a reason, not every day. A `today` before the
    /// count leaves the stock as it is: those days are not in it.
    #[must_use]
    pub fn settle(&self, therapy: &Therapy, today: NaiveDate) -> Self {
        Self {
            counted_amount: self.amount_on(therapy, today),
            counted_on: self.counted_on.max(today),
        }
    }

    /// The stock after `amount` units came in on `today`.
    ///
    /// A stock that was used up before today begins anew. Any other keeps the day of its count,
    /// which is exact: no rounding, and the days since are still counted once.
    ///
    /// # Errors
    /// [`QuantityError::OutOfRange`] when more than 1,000,000 units would be there today.
    pub fn add(
        &self,
        therapy: &Therapy,
        amount: Quantity,
        today: NaiveDate,
    ) -> Result<Self, QuantityError> {
        let is_used_up = today
            .pred_opt()
            .is_some_and(|yesterday| !self.covers_through(yesterday, therapy));
        if is_used_up {
            return Ok(Self {
                counted_amount: amount,
                counted_on: today,
            });
        }
        let raise = |stock: Self| {
            Quantity::from_thousandths(stock.counted_amount.thousandths() + amount.thousandths())
                .map(|counted_amount| Self {
                    counted_amount,
                    ..stock
                })
        };
        // Years of refills on one old count may pass the bound although little is there, so what
        // counts is today.
        raise(*self).or_else(|_| raise(self.settle(therapy, today)))
    }

    /// Whether the doses of all days from the count up to and including `day` are covered.
    fn covers_through(&self, day: NaiveDate, therapy: &Therapy) -> bool {
        let next = day + Days::new(1);
        therapy.consumed_sevenths(self.counted_on, next) <= self.counted_sevenths()
    }

    fn counted_sevenths(&self) -> i128 {
        i128::from(self.counted_amount.thousandths()) * SEVENTHS
    }
}

/// A rest as an amount: nothing below zero, and the next thousandth for a part of one.
fn rounded_up(sevenths: i128) -> Quantity {
    let thousandths = (sevenths.max(0) + SEVENTHS - 1) / SEVENTHS;
    i64::try_from(thousandths)
        .ok()
        .and_then(|thousandths| Quantity::from_thousandths(thousandths).ok())
        .expect("a rest is never more than the amount that was counted")
}

/// The days after a count that are looked at first.
const FIRST_STRIDE: i64 = 32;

/// The last day that is told as a run-out date; it leaves
/// [`Projection::NEVER`](crate::Projection::NEVER) unmistakable.
const LAST_RUN_OUT: NaiveDate =
    NaiveDate::from_ymd_opt(9998, 12, 31).expect("a day of the calendar");
