//! Whether operations lead to where they should.

use sea_orm::DbBackend;

use super::reading::Reading;
use super::stage::Stage;
use crate::error::{Error, reason};
use crate::operation::Operation;

/// Executes them on every database of the stage.
pub(super) async fn execute(stage: &Stage, operations: &[Operation]) -> Result<(), Error> {
    let executed = stage.run(operations).await;
    executed.map_err(|error| Error::Unproven {
        what: vec![reason(&error)],
    })
}

/// Whether what was reached is what was wanted.
pub(super) fn equal(direction: &str, reached: &Reading, wanted: &Reading) -> Result<(), Error> {
    let differences = reached.differences(wanted);
    if differences.is_empty() {
        return Ok(());
    }
    let name = |backend| match backend {
        DbBackend::Postgres => "PostgreSQL",
        _ => "SQLite",
    };
    let each = differences.iter().map(|(backend, difference)| {
        format!("after {direction} on {}: {difference}", name(*backend))
    });
    Err(Error::Unproven {
        what: each.collect(),
    })
}
