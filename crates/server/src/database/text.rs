//! The texts of what finds and writes a record: made once by the ORM, what writes for each set of columns that is written.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sea_orm::sea_query::{Query, ReturningClause};
use sea_orm::{
    ActiveModelTrait, DbBackend, DbErr, EntityTrait, Iterable, PrimaryKeyToColumn, QuerySelect,
    QueryTrait, Statement, StatementBuilder, Value,
};

use super::session::{KeyOf, Keyed};

/// Which record, what is done with it, its columns as bits, and in which database.
type Key = (TypeId, Verb, u64, bool);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Verb {
    Find,
    Lock,
    Insert,
    Update,
}

static TEXTS: LazyLock<Mutex<HashMap<Key, Arc<str>>>> = LazyLock::new(Mutex::default);

/// What finds a row by its key; `locked`, so that nobody else changes it until the transaction ends.
pub(super) fn find<E: Keyed>(locked: bool, backend: DbBackend) -> Result<Arc<str>, DbErr> {
    let verb = if locked { Verb::Lock } else { Verb::Find };
    text((TypeId::of::<E>(), verb, 0, is_postgres(backend)), || {
        let find = E::find_by_id(KeyOf::<E>::default());
        let find = if locked { find.lock_exclusive() } else { find };
        Ok(StatementBuilder::build(&find.into_query(), &backend))
    })
}

/// What inserts a row and answers all of it, with its values.
pub(super) fn insert<A>(row: A, backend: DbBackend) -> Result<(Arc<str>, Vec<Value>), DbErr>
where
    A: ActiveModelTrait + 'static,
{
    let (columns, values) = written(&row, |_| true);
    let text = text(
        (
            TypeId::of::<A>(),
            Verb::Insert,
            columns,
            is_postgres(backend),
        ),
        || {
            let mut query = A::Entity::insert(row).into_query();
            query.returning(returning::<A::Entity>());
            Ok(StatementBuilder::build(&query, &backend))
        },
    )?;
    Ok((text, values))
}

/// What updates a row by its key, with its values.
pub(super) fn update<A>(row: A, backend: DbBackend) -> Result<(Arc<str>, Vec<Value>), DbErr>
where
    A: ActiveModelTrait + 'static,
{
    let (columns, mut values) = written(&row, |column| !is_key::<A::Entity>(column));
    let (_, keys) = written(&row, is_key::<A::Entity>);
    values.extend(keys);
    let text = text(
        (
            TypeId::of::<A>(),
            Verb::Update,
            columns,
            is_postgres(backend),
        ),
        || {
            let query = A::Entity::update(row).validate()?.into_query();
            Ok(StatementBuilder::build(&query, &backend))
        },
    )?;
    Ok((text, values))
}

/// The whole row as it is stored then.
pub(super) fn returning<E: EntityTrait>() -> ReturningClause {
    Query::returning().columns(E::Column::iter())
}

type ColumnOf<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Column;

/// The columns that a row has values for, as bits, and the values in the order in which the ORM writes them.
fn written<A: ActiveModelTrait>(row: &A, of: impl Fn(ColumnOf<A>) -> bool) -> (u64, Vec<Value>) {
    let (mut columns, mut values) = (0, Vec::new());
    for (place, column) in ColumnOf::<A>::iter()
        .enumerate()
        .filter(|(_, column)| of(*column))
    {
        if let Some(value) = row.get(column).into_value() {
            columns |= 1_u64
                .checked_shl(u32::try_from(place).unwrap_or(u32::MAX))
                .expect("a record has few columns");
            values.push(value);
        }
    }
    (columns, values)
}

pub(super) fn is_key<E: EntityTrait>(column: E::Column) -> bool {
    E::PrimaryKey::from_column(column).is_some()
}

fn is_postgres(backend: DbBackend) -> bool {
    backend == DbBackend::Postgres
}

fn text(key: Key, make: impl FnOnce() -> Result<Statement, DbErr>) -> Result<Arc<str>, DbErr> {
    let texts = || TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = texts().get(&key) {
        return Ok(Arc::clone(text));
    }
    let text: Arc<str> = make()?.sql.into();
    texts().insert(key, Arc::clone(&text));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use entity::doctor_vacation::{ActiveModel, Entity};
    use sea_orm::ActiveValue::Set;

    use super::*;

    fn statement(query: &impl StatementBuilder) -> (String, Vec<Value>) {
        let statement = query.build(&DbBackend::Sqlite);
        (
            statement.sql,
            statement.values.map_or(Vec::new(), |values| values.0),
        )
    }

    #[test]
    fn text_and_values_are_those_of_the_orm_whatever_is_written() {
        let rows = [
            ActiveModel {
                id: Set(7),
                version: Set(2),
                ..Default::default()
            },
            ActiveModel {
                id: Set(8),
                notes: Set(None),
                version: Set(3),
                ..Default::default()
            },
        ];
        for row in rows.iter().chain(&rows) {
            let (text, values) = update(row.clone(), DbBackend::Sqlite).unwrap();
            let query = Entity::update(row.clone()).validate().unwrap().into_query();
            assert_eq!((text.to_string(), values), statement(&query));

            let (text, values) = insert(row.clone(), DbBackend::Sqlite).unwrap();
            let mut query = Entity::insert(row.clone()).into_query();
            query.returning(returning::<Entity>());
            assert_eq!((text.to_string(), values), statement(&query));
        }
    }
}
