//! The drugs of a household that is a thousand times too large: real names, every schedule, and always 100 due.

use std::path::Path;

use chrono::{Days, NaiveDate};
use domain::text::search_key;
use domain::{Absences, Doses, Projection, Quantity, Schedule, Stock, Therapy};

use crate::Result;

/// How many drugs are due, and how many have the rare name, whatever there is beside.
pub(crate) const RARE: u64 = 100;
/// So many drugs at least, so that no drug is both.
pub(crate) const FEWEST: u64 = 2 * RARE;
const LEAD_DAYS: u32 = 21;
const RARE_NAME: (&str, &str) = ("L-Thyroxin Henning", "75 µg");

/// Makes the nth drug of so many.
#[derive(Debug)]
pub(crate) struct Generator {
    products: Vec<Product>,
    rare: Product,
    today: NaiveDate,
}

/// A product of the directory.
#[derive(Clone, Debug)]
struct Product {
    name: String,
    strength: Option<String>,
    unit: String,
    package_size: i64,
    search_text: String,
}

/// A row of `drugs`; amounts in thousandths.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) dosage_strength: Option<&'a str>,
    pub(crate) unit: &'a str,
    pub(crate) search_text: &'a str,
    pub(crate) package_size: i64,
    pub(crate) schedule_type: &'static str,
    pub(crate) doses: [i64; 7],
    pub(crate) even_and_odd_week_pills: Option<(i64, i64)>,
    pub(crate) start_date: Option<NaiveDate>,
    pub(crate) end_date: Option<NaiveDate>,
    pub(crate) current_amount: i64,
    pub(crate) counted_on: NaiveDate,
    pub(crate) reorder_lead_days: u32,
    pub(crate) archived: bool,
    pub(crate) instructions: Option<&'static str>,
    pub(crate) projection: Projection,
}

impl Generator {
    pub(crate) fn new(products: &Path, today: NaiveDate) -> Result<Self> {
        let text = std::fs::read_to_string(products)?;
        let products = text.lines().skip(1).filter_map(Product::read).collect();
        let (name, strength) = RARE_NAME;
        Ok(Self {
            products,
            rare: Product::new(name, strength, "tablet", 98),
            today,
        })
    }

    /// The nth drug of `size`, from 1 on; the same today whoever asks.
    pub(crate) fn row(&self, n: u64, size: u64) -> Result<Row<'_>> {
        let mut dice = Dice(n);
        let (is_due, is_rare) = (is_due(n, size), is_due(n + size / FEWEST, size));
        let product = &self.products[dice.below(self.products.len() as u64)];
        let product = if is_rare { &self.rare } else { product };
        let counted_days = dice.number(0..60);
        let archived = !is_due && !is_rare && dice.number(0..50) == 0;
        let dose = [250, 500, 1000, 1000, 1500, 2000][dice.below(6)];
        let mut doses = [0; 7];
        doses[dice.below(7)] = dose;
        doses[5] += dose * i64::from(dice.number(0..2) == 0);
        let a_day: i64 = doses.iter().sum();
        // What is due lasts for less than its lead time, everything else for longer.
        let days = if is_due {
            dice.number(0..20)
        } else {
            dice.number(60..600)
        };
        let (schedule_type, pills, amount) = match dice.number(0..10) {
            0 if !is_due => ("as_needed", None, 20_000),
            1 | 2 if !is_due => {
                let even = 1000 * dice.number(1..8);
                let odd = even + 500;
                (
                    "weekly_alternating",
                    Some((even, odd)),
                    odd * (counted_days + days) / 7,
                )
            }
            _ => ("daily", None, a_day * (counted_days + days)),
        };
        let counted_on = before(self.today, counted_days);
        let start_date = (dice.number(0..4) == 0).then(|| before(counted_on, 30));
        let end_date =
            (!is_due && dice.number(0..20) == 0).then(|| self.today + Days::new(dice.next() % 900));
        let mut row = Row {
            name: &product.name,
            dosage_strength: product.strength.as_deref(),
            unit: &product.unit,
            search_text: &product.search_text,
            package_size: product.package_size,
            schedule_type,
            doses,
            even_and_odd_week_pills: pills,
            start_date,
            end_date,
            current_amount: amount,
            counted_on,
            reorder_lead_days: LEAD_DAYS,
            archived,
            instructions: (dice.number(0..3) == 0)
                .then_some("With a glass of water, half an hour before breakfast."),
            projection: Projection {
                run_out_date: Projection::NEVER,
                reorder_date: Projection::NEVER,
            },
        };
        let (stock, therapy) = row.rules()?;
        row.projection = Projection::of(&stock, &therapy, LEAD_DAYS);
        let needs_reorder = row
            .projection
            .is_due(&therapy, &Absences::default(), self.today);
        if needs_reorder == is_due {
            Ok(row)
        } else {
            Err(format!("drug {n} of {size} is due, or is not, against the plan: {row:?}").into())
        }
    }

    /// The ids of drugs that are neither due nor archived, spread over all of them.
    pub(crate) fn ordinary(&self, count: u64, size: u64) -> Result<Vec<u64>> {
        let mut ids = Vec::new();
        for step in 0..count {
            let from = 1 + step * size / count;
            for id in from..=size {
                let row = self.row(id, size)?;
                if !is_due(id, size) && !row.archived {
                    ids.push(id);
                    break;
                }
            }
        }
        Ok(ids)
    }
}

/// Whether the nth of `size` is one of the hundred, which lie evenly between the others.
fn is_due(n: u64, size: u64) -> bool {
    n * RARE / size != (n - 1) * RARE / size
}

fn before(day: NaiveDate, days: i64) -> NaiveDate {
    day - Days::new(days.unsigned_abs())
}

impl Row<'_> {
    /// The stock and the therapy.
    fn rules(&self) -> Result<(Stock, Therapy)> {
        let dose = |place: usize| Quantity::from_thousandths(self.doses[place]);
        let doses = Doses {
            morning_pre_food: dose(0)?,
            morning_post_food: dose(1)?,
            noon_pre_food: dose(2)?,
            noon_post_food: dose(3)?,
            evening_pre_food: dose(4)?,
            evening_post_food: dose(5)?,
            night: dose(6)?,
        };
        let schedule = match (self.schedule_type, self.even_and_odd_week_pills) {
            (_, Some((even, odd))) => Schedule::WeeklyAlternating {
                doses,
                even_week_pills: Quantity::from_thousandths(even)?,
                odd_week_pills: Quantity::from_thousandths(odd)?,
            },
            ("daily", None) => Schedule::Daily(doses),
            _ => Schedule::AsNeeded(doses),
        };
        let stock = Stock {
            counted_amount: Quantity::from_thousandths(self.current_amount)?,
            counted_on: self.counted_on,
        };
        let therapy = Therapy {
            schedule,
            start_date: self.start_date,
            end_date: self.end_date,
            archived: self.archived,
        };
        Ok((stock, therapy))
    }
}

impl Product {
    fn new(name: &str, strength: &str, unit: &str, package_size: i64) -> Self {
        Self {
            name: name.to_owned(),
            strength: Some(strength.to_owned()).filter(|strength| !strength.is_empty()),
            unit: unit.to_owned(),
            package_size: package_size * 1000,
            search_text: format!("{}\n{}", search_key(name), search_key(strength)),
        }
    }

    /// Reads a line of the directory; none where it has a shape of its own.
    fn read(line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split(',').collect();
        let [_, name, strength, unit, package_size, ..] = fields[..] else {
            return None;
        };
        let is_plain = !name.is_empty() && !line.contains('"');
        let package_size = package_size.parse().ok().filter(|size| *size > 0)?;
        is_plain.then(|| Self::new(name.trim(), strength.trim(), unit, package_size))
    }
}

/// Numbers that look like chance and are the same every time (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> usize {
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    fn number(&mut self, range: std::ops::Range<i64>) -> i64 {
        let width = (range.end - range.start).unsigned_abs();
        range.start + i64::try_from(self.next() % width).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_are_due_of_any_number_and_a_hundred_have_the_rare_name() {
        let products =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/openfda_products.csv");
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day of the calendar");
        let generator = Generator::new(&products, today).expect("the directory is there");
        for size in [FEWEST, 1000, 1234] {
            let rows = (1..=size).map(|n| generator.row(n, size).expect("as planned"));
            let (mut due, mut rare) = (0, 0);
            for row in rows {
                due += u64::from(row.projection.reorder_date < today);
                rare += u64::from(row.name == RARE_NAME.0 && !row.archived);
            }
            assert_eq!((due, rare), (RARE, RARE), "of {size}");
        }
    }
}
