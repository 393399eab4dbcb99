//! The texts of what finds and writes a record: made once by the ORM, what writes for each set of columns that is
//! written.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use entity::{doctor_vacation, drug, idempotency_key};
use sea_orm::sea_query::{self, ReturningClause};
use sea_orm::{
    ActiveModelTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel, Iterable, ModelTrait,
    PrimaryKeyToColumn, PrimaryKeyTrait, QuerySelect, QueryTrait, Select, Statement,
    StatementBuilder, Value,
};

use super::query::Query;
use super::record::Record;

/// Which record, what is done with it, its columns as bits, and in which database.
type Key = (TypeId, Verb, u64, bool);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Verb {
    Insert,
    Update,
}

static TEXTS: LazyLock<Mutex<HashMap<Key, Arc<str>>>> = LazyLock::new(Mutex::default);

/// A record that can be read and has one key.
pub trait Keyed:
    EntityTrait<Model: Record, PrimaryKey: PrimaryKeyTrait<ValueType: Default + Into<Value>>>
{
    /// What finds a row by its key.
    fn found() -> &'static Query;

    /// What finds a row by its key, so that nobody else changes it until the transaction ends.
    fn locked() -> &'static Query;
}

pub(super) type KeyOf<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

macro_rules! keyed {
    ($($entity:ty),+) => {
        $(impl Keyed for $entity {
            fn found() -> &'static Query {
                static FOUND: Query = Query::new(|| by_key::<$entity>().into_query());
                &FOUND
            }

            fn locked() -> &'static Query {
                static LOCKED: Query = Query::new(|| by_key::<$entity>().lock_exclusive().into_query());
                &LOCKED
            }
        })+
    };
}
keyed!(
    doctor_vacation::Entity,
    drug::Entity,
    idempotency_key::Entity
);

fn by_key<E: Keyed>() -> Select<E> {
    E::find_by_id(KeyOf::<E>::default())
}

/// What inserts a row and answers all of it, with its values.
pub(super) fn insert<A>(row: A, backend: DbBackend) -> Result<(Arc<str>, Vec<Value>), DbErr>
where
    A: ActiveModelTrait + 'static,
{
    let (mut columns, mut values) = (0, Vec::new());
    for (bit, column) in bits(ColumnOf::<A>::iter()) {
        if let Some(value) = row.get(column).into_value() {
            columns |= bit;
            values.push(value);
        }
    }
    let key = (
        TypeId::of::<A>(),
        Verb::Insert,
        columns,
        is_postgres(backend),
    );
    let text = text(key, || {
        let mut query = A::Entity::insert(row).into_query();
        query.returning(returning::<A::Entity>());
        Ok(StatementBuilder::build(&query, &backend))
    })?;
    Ok((text, values))
}

/// What updates some columns of a row, each a bit in the order of the columns, by its key, with their values.
pub(super) fn update<E>(
    row: &E::Model,
    columns: u64,
    backend: DbBackend,
) -> Result<(Arc<str>, Vec<Value>), DbErr>
where
    E: EntityTrait<Model: IntoActiveModel<E::ActiveModel>>,
{
    let written = || bits(E::Column::iter()).filter(|(bit, _)| columns & bit != 0);
    let keys = E::Column::iter().filter(|column| is_key::<E>(*column));
    let of_row = |column| row.get(column);
    let values = written().map(|(_, column)| column).chain(keys).map(of_row);
    let key = (
        TypeId::of::<E>(),
        Verb::Update,
        columns,
        is_postgres(backend),
    );
    let text = text(key, || {
        let mut changed = row.clone().into_active_model();
        for (_, column) in written() {
            changed.set(column, row.get(column));
        }
        let query = E::update(changed).validate()?.into_query();
        Ok(StatementBuilder::build(&query, &backend))
    })?;
    Ok((text, values.collect()))
}

/// The whole row as it is stored then.
pub(super) fn returning<E: EntityTrait>() -> ReturningClause {
    sea_query::Query::returning().columns(E::Column::iter())
}

type ColumnOf<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Column;

/// Columns with a bit for each.
fn bits<C>(columns: impl Iterator<Item = C>) -> impl Iterator<Item = (u64, C)> {
    columns.enumerate().map(|(place, column)| {
        let bit = u32::try_from(place)
            .ok()
            .and_then(|place| 1_u64.checked_shl(place));
        (bit.expect("a record has few columns"), column)
    })
}

fn is_key<E: EntityTrait>(column: E::Column) -> bool {
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
    use entity::doctor_vacation::{ActiveModel, Column, Entity, Model};
    use sea_orm::ActiveValue::{NotSet, Set};

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
        let before = Model {
            id: 7,
            start_date: "2026-11-01".parse().unwrap(),
            end_date: "2026-11-08".parse().unwrap(),
            notes: Some("At the sea".into()),
            version: 2,
            created_at: "2026-10-01T08:00:00Z".parse().unwrap(),
            updated_at: "2026-10-01T08:00:00Z".parse().unwrap(),
        };
        let changes: [fn(&mut Model); 3] = [
            |row| row.version = 3,
            |row| (row.notes, row.version) = (None, 3),
            |row| row.end_date = row.start_date,
        ];
        for change in changes.iter().chain(&changes) {
            let mut after = before.clone();
            change(&mut after);
            let columns = after.differing(&before);
            let (text, values) = update::<Entity>(&after, columns, DbBackend::Sqlite).unwrap();
            let mut row = before.clone().into_active_model();
            for column in Column::iter().filter(|column| after.get(*column) != before.get(*column))
            {
                row.set(column, after.get(column));
            }
            let query = Entity::update(row).validate().unwrap().into_query();
            assert_eq!((text.to_string(), values), statement(&query));
        }
        for id in [NotSet, Set(7), NotSet] {
            let row = ActiveModel {
                id,
                notes: Set(None),
                ..before.clone().into_active_model()
            };
            let (text, values) = insert(row.clone(), DbBackend::Sqlite).unwrap();
            let mut query = Entity::insert(row).into_query();
            query.returning(returning::<Entity>());
            assert_eq!((text.to_string(), values), statement(&query));
        }
    }
}
