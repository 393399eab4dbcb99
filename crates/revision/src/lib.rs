//! Safe schema migrations for [SeaORM](sea_orm), with a command line in Alembic's words.
//!
//! A project keeps its plain `sea-orm-migration` [`MigratorTrait`]; this crate runs it:
//!
//! - one **lock**, taken before the state is read, so that several processes may start at once;
//! - all pending migrations and their version rows in **one transaction**, so that a failure or a `kill -9`
//!   leaves the old schema or the new one, never something between;
//! - a database that knows **revisions which this program does not know** is refused, and left as it is;
//! - a **memory** of each applied migration, so that an edited one, and a schema changed by hand, are told;
//! - a verified **snapshot** before an existing SQLite database is touched, where one is asked for;
//! - the same as a **script** (`--sql`), or as a **rehearsal** (`--dry-run`) that is rolled back;
//! - `seaql_migrations` stays exactly as SeaORM creates it, so the way back to its own tool is open.
//!
//! ```no_run
//! # use revision::{Engine, Options, Target};
//! # async fn boot<M: sea_orm_migration::MigratorTrait>() -> Result<(), revision::Error> {
//! let report = Engine::new::<M>()
//!     .upgrade("sqlite://notes.db", &Target::Head, &Options::default())
//!     .await?;
//! println!("{} migrations applied", report.steps.len());
//! # Ok(())
//! # }
//! ```
//!
//! [`MigratorTrait`]: sea_orm_migration::MigratorTrait

pub mod autogenerate;
mod check;
#[cfg(feature = "cli")]
pub mod cli;
mod ddl;
mod declared;
mod engine;
mod enums;
mod error;
mod event;
mod guard;
mod inventory;
mod location;
mod memory;
pub mod operation;
mod options;
mod patience;
mod plan;
mod postgres;
mod reader;
mod rebuild;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod render;
mod report;
mod resolve;
mod run;
pub mod schema;
mod script;
pub mod snapshot;
mod space;
mod sqlite;
mod tape;
mod target;
mod versions;
mod wipe;

pub use check::Check;
pub use declared::{Declared, Details};
pub use engine::Engine;
pub use enums::{Enums, enums};
pub use error::{Error, Orphans};
pub use event::{Event, Observer};
pub use guard::{Finding, Harm, derived};
pub use options::{Options, Transactions};
pub use rebuild::{RebuildTable, rebuild_table};
pub use report::{Direction, Report, Status, Step};
pub use snapshot::{Snapshot, Snapshots};
pub use target::Target;
