//! What was decided to go into columns of the rows that are there.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::Expr;

use super::reading::Reading;
use super::stage::Stage;
use crate::ddl::quote;
use crate::error::{Error, reason};

/// By table and column.
pub(super) type Fills = BTreeMap<(String, String), Expr>;

/// The expressions that were decided.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such column, it is spoken of twice, or must not have what it is given.
pub(super) fn decided(new: &Reading, decided: &[(String, String)]) -> Result<Fills, Error> {
    let mut fills = BTreeMap::new();
    for (place, expression) in decided {
        let refuse = |why: &str, advice: &str| refused(place, expression, why, advice);
        let mut columns = new.tables().flat_map(|table| {
            let columns = table.columns();
            columns.map(move |(column, _)| (table.name(), column))
        });
        let found = columns.find(|(table, column)| *place == format!("{table}.{}", column.name));
        let Some((table, column)) = found else {
            return Err(refuse(
                &format!("the entities have no column {place}"),
                "Name the table and the column as they are in the entities: --default table.column=expression",
            ));
        };
        if !column.nullable && expression.eq_ignore_ascii_case("NULL") {
            let advice = "Name a value, or let the entity permit NULL.";
            return Err(refuse(&format!("{place} must not be NULL"), advice));
        }
        let place = (table.to_owned(), column.name.clone());
        if fills
            .insert(place, Expr::cust(expression.clone()))
            .is_some()
        {
            return Err(refuse("the column is filled twice", "Say it once."));
        }
    }
    Ok(fills)
}

/// Tries each expression on its table as it is before the change.
///
/// # Errors
///
/// [`Error::Refused`] when the database does not take it.
pub(super) async fn try_out(
    stage: &Stage,
    start: &Reading,
    decided: &[(String, String)],
) -> Result<(), Error> {
    for (place, expression) in decided {
        let table = place.split('.').next().unwrap_or(place).to_owned();
        if start.table(&table).is_none() {
            continue;
        }
        let query = format!("SELECT {expression} FROM {} WHERE FALSE", quote(&table));
        for connection in stage.connections() {
            if let Err(error) = connection.execute_unprepared(&query).await {
                let advice = "It is SQL over the columns of the row, and a text stands in quotes: --default \"drug.unit='tablet'\"";
                return Err(refused(place, expression, &reason(&error), advice));
            }
        }
    }
    Ok(())
}

fn refused(place: &str, expression: &str, why: &str, advice: &str) -> Error {
    Error::Refused {
        reason: format!("--default {place}={expression} does not fit: {why}."),
        advice: advice.to_owned(),
    }
}
