//! Exact amounts of a drug.
//!
//! A binary float loses days (`0.3 / (0.1 + 0.2)` is less than 1), so an amount is an integer
//! number of thousandths and is read from its decimal text, never through a float.

use std::fmt;
use std::str::FromStr;

/// An amount in counting units (tablets, mL, drops), exact to a thousandth, from 0 to 1,000,000
/// units.
///
/// ```
/// # use domain::Quantity;
/// let dose: Quantity = "0.125".parse()?;
/// assert_eq!(dose.thousandths(), 125);
/// assert_eq!(dose.to_string(), "0.125");
/// # Ok::<(), domain::QuantityError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    thousandths: i64,
}

/// Why a text or a number is not a [`Quantity`]; the message names what is allowed and what came
/// instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text is not a plain decimal number; holds the text, shortened.
    #[error("must be a decimal number without a plus sign or an exponent, e.g. 62.5; got {0:?}")]
    NotDecimal(String),
    /// More decimals than a thousandth can hold, even if they are zeros; holds the text, shortened.
    #[error("must have at most 3 decimals, e.g. 0.125; got {0}")]
    TooManyDecimals(String),
    /// Below 0 or above 1,000,000 units; holds the decimal text, shortened.
    #[error("must be between 0 and 1000000; got {0}")]
    OutOfRange(String),
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { thousandths: 0 };
    /// 1,000,000 units, the most that is ever stored.
    pub const MAX: Self = Self {
        thousandths: 1_000_000 * SCALE,
    };

    /// From thousandths of a unit, as the database stores them: 62,500 is 62.5 units.
    ///
    /// # Errors
    /// [`QuantityError::OutOfRange`] below 0 and above 1,000,000,000 thousandths.
    pub fn from_thousandths(thousandths: i64) -> Result<Self, QuantityError> {
        if (Self::ZERO.thousandths..=Self::MAX.thousandths).contains(&thousandths) {
            Ok(Self { thousandths })
        } else {
            Err(QuantityError::OutOfRange(Decimal(thousandths).to_string()))
        }
    }

    /// Thousandths of a unit, as the database stores them.
    pub const fn thousandths(self) -> i64 {
        self.thousandths
    }

    /// Whether this is nothing at all.
    pub const fn is_zero(self) -> bool {
        self.thousandths == 0
    }

    /// The sum, or `None` above [`Quantity::MAX`].
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::from_thousandths(self.thousandths + other.thousandths).ok()
    }

    /// The difference, or `None` below zero.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::from_thousandths(self.thousandths - other.thousandths).ok()
    }
}

/// Reads the number grammar of JSON (RFC 8259, section 6) without an exponent: `3`, `62.5`, `1.50`.
///
/// Refused are therefore `01`, `.5`, `1.`, `+1`, `1e3`, blanks and `NaN`, and beyond JSON a fourth
/// decimal, a negative number and `-0`.
impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (negative, digits) = text
            .strip_prefix('-')
            .map_or((false, text), |digits| (true, digits));
        let (whole, decimals) =
            split_decimal(digits).ok_or_else(|| QuantityError::NotDecimal(shorten(text)))?;
        if decimals.len() > MAX_DECIMALS {
            return Err(QuantityError::TooManyDecimals(shorten(text)));
        }
        // Digits alone fail to parse only when they are more than fit, which is out of range as
        // well.
        let thousandths = format!("{whole}{decimals:0<MAX_DECIMALS$}").parse().ok();
        thousandths
            .filter(|_| !negative)
            .and_then(|thousandths| Self::from_thousandths(thousandths).ok())
            .ok_or_else(|| QuantityError::OutOfRange(shorten(text)))
    }
}

/// The shortest exact decimal: `62.5`, `3`, `0.125`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal(self.thousandths).fmt(f)
    }
}

const SCALE: i64 = 1_000;
const MAX_DECIMALS: usize = 3;

/// Any number of thousandths as a decimal, also one that is no quantity, for messages.
struct Decimal(i64);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let (units, rest) = (
            magnitude / SCALE.unsigned_abs(),
            magnitude % SCALE.unsigned_abs(),
        );
        let text = format!("{units}.{rest:03}");
        // `pad_integral` knows width and sign, so that a quantity lines up in a table like any
        // number.
        f.pad_integral(
            self.0 >= 0,
            "",
            text.trim_end_matches('0').trim_end_matches('.'),
        )
    }
}

/// The digits before and after the point, or `None` where the text breaks the grammar.
fn split_decimal(text: &str) -> Option<(&str, &str)> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) if is_digits(decimals) => (whole, decimals),
        Some(_) => return None,
        None => (text, ""),
    };
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    (is_digits(whole) && !has_leading_zero).then_some((whole, decimals))
}

/// Keeps a message readable whatever a client sent.
fn shorten(text: &str) -> String {
    const MAX_CHARS: usize = 32;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimal_text_is_read_exactly() {
        for (text, thousandths) in [
            ("0", 0),
            ("0.0", 0),
            ("3", 3_000),
            ("62.5", 62_500),
            ("0.25", 250),
            ("0.125", 125),
            ("0.001", 1),
            ("1.0", 1_000),
            ("1.50", 1_500),
            ("0.100", 100),
            ("10", 10_000),
            ("1000000", 1_000_000_000),
            ("1000000.000", 1_000_000_000),
            ("999999.999", 999_999_999),
        ] {
            assert_eq!(
                text.parse::<Quantity>().unwrap().thousandths(),
                thousandths,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused() {
        for text in [
            "",
            " ",
            " 1",
            "1 ",
            "1\n",
            "+1",
            "++1",
            "--1",
            "-",
            ".",
            "-.5",
            ".5",
            "1.",
            "01",
            "00",
            "-01",
            "00.5",
            "1e3",
            "1E3",
            "1e-3",
            "1.5e0",
            "NaN",
            "nan",
            "inf",
            "Infinity",
            "-Infinity",
            "0x10",
            "1,5",
            "1_000",
            "1.2.3",
            "1.-5",
            "1.+5",
            "٣",
            "１",
            "½",
            "null",
            "\"1\"",
            "1\0",
        ] {
            assert_eq!(
                text.parse::<Quantity>(),
                Err(QuantityError::NotDecimal(text.to_owned())),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_fourth_decimal_is_refused_even_if_it_is_zero() {
        for text in ["1.2345", "1.5000", "0.0000", "1000001.0000", "-1.2345"] {
            assert_eq!(
                text.parse::<Quantity>(),
                Err(QuantityError::TooManyDecimals(text.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_negative_or_too_much_is_out_of_range() {
        for text in [
            "-1",
            "-0",
            "-0.0",
            "-0.001",
            "1000000.001",
            "1000001",
            "9223372036854775808",
            "99999999999999999999",
        ] {
            assert_eq!(
                text.parse::<Quantity>(),
                Err(QuantityError::OutOfRange(text.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn messages_say_what_is_allowed_and_what_came() {
        let message = |text: &str| text.parse::<Quantity>().unwrap_err().to_string();
        assert_eq!(
            message("1.2345"),
            "must have at most 3 decimals, e.g. 0.125; got 1.2345"
        );
        assert_eq!(message("-1"), "must be between 0 and 1000000; got -1");
        assert_eq!(
            message("1e3"),
            "must be a decimal number without a plus sign or an exponent, e.g. 62.5; got \"1e3\""
        );
        assert_eq!(
            Quantity::from_thousandths(-1).unwrap_err().to_string(),
            "must be between 0 and 1000000; got -0.001"
        );
    }

    #[test]
    fn a_message_stays_short_whatever_came() {
        let long = "ä".repeat(10_000);
        assert_eq!(
            long.parse::<Quantity>(),
            Err(QuantityError::NotDecimal(format!("{}…", "ä".repeat(32))))
        );
        let long = "9".repeat(10_000);
        assert_eq!(
            long.parse::<Quantity>(),
            Err(QuantityError::OutOfRange(format!("{}…", "9".repeat(32))))
        );
    }

    #[test]
    fn thousandths_outside_the_bounds_are_refused() {
        assert_eq!(Quantity::from_thousandths(0), Ok(Quantity::ZERO));
        assert_eq!(Quantity::from_thousandths(1_000_000_000), Ok(Quantity::MAX));
        for thousandths in [-1, 1_000_000_001, i64::MIN, i64::MAX] {
            assert!(
                Quantity::from_thousandths(thousandths).is_err(),
                "{thousandths}"
            );
        }
    }

    #[test]
    fn sums_and_differences_stay_within_the_bounds() {
        let one = Quantity::from_thousandths(1_000).unwrap();
        assert_eq!(one.checked_add(one).unwrap().thousandths(), 2_000);
        assert_eq!(one.checked_sub(one), Some(Quantity::ZERO));
        assert_eq!(
            Quantity::MAX.checked_add(Quantity::ZERO),
            Some(Quantity::MAX)
        );
        assert_eq!(
            Quantity::MAX.checked_add(Quantity::from_thousandths(1).unwrap()),
            None
        );
        assert_eq!(
            Quantity::ZERO.checked_sub(Quantity::from_thousandths(1).unwrap()),
            None
        );
    }

    #[test]
    fn the_shortest_exact_decimal_is_shown() {
        for (thousandths, text) in [
            (0, "0"),
            (3_000, "3"),
            (62_500, "62.5"),
            (125, "0.125"),
            (1, "0.001"),
            (10, "0.01"),
            (100_000, "100"),
        ] {
            assert_eq!(
                Quantity::from_thousandths(thousandths).unwrap().to_string(),
                text
            );
        }
        assert_eq!(Quantity::MAX.to_string(), "1000000");
        assert_eq!(
            format!("{:>6}|", Quantity::from_thousandths(500).unwrap()),
            "   0.5|"
        );
    }

    proptest! {
        #[test]
        fn every_quantity_survives_its_own_text(thousandths in 0_i64..=1_000_000_000) {
            let quantity = Quantity::from_thousandths(thousandths).unwrap();
            prop_assert_eq!(quantity.to_string().parse(), Ok(quantity));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = text.parse::<Quantity>();
        }
    }
}
