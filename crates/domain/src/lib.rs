//! The rules of medicine stock-keeping: how much is left, when it runs out, and by when to order.
//!
//! Everything here is a pure function of its arguments: no I/O, no global clock, no floating-point
//! number. Dates are local civil dates; who asks decides which one is today, with [`today`] and a
//! [`Clock`].
//!
//! ```
//! use chrono::NaiveDate;
//! use domain::{Absences, Doses, Quantity, Schedule, Stock, Therapy};
//!
//! let day = |text: &str| text.parse::<NaiveDate>();
//! let therapy = Therapy {
//!     schedule: Schedule::Daily(Doses { morning_post_food: "3".parse()?, ..Doses::default() }),
//!     start_date: None,
//!     end_date: None,
//!     archived: false,
//! };
//! let stock = Stock { counted_amount: "62.5".parse()?, counted_on: day("2026-01-01")? };
//!
//! let outlook = stock.outlook(&therapy, 21, &Absences::default(), day("2026-01-01")?);
//! assert_eq!(outlook.days_remaining, Some(20));
//! assert_eq!(outlook.run_out_date, Some(day("2026-01-21")?));
//! assert!(outlook.needs_reorder);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod clock;
pub mod outlook;
pub mod quantity;
pub mod reorder;
pub mod schedule;
pub mod stock;
pub mod text;
pub mod week;

pub use clock::{Clock, FixedClock, SystemClock, TimeZoneError, parse_time_zone, today};
pub use outlook::{Outlook, Projection, horizon};
pub use quantity::{Quantity, QuantityError};
pub use reorder::{Absence, Absences, DoctorAway};
pub use schedule::{Doses, Schedule, Therapy};
pub use stock::Stock;
pub use text::TextError;
pub use week::WeekParity;
