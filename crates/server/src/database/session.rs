//! One transaction, or one look at the data, with the ORM's statements for verbs.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, FromQueryResult, IntoActiveModel, QueryTrait, Select, Statement, StatementBuilder,
    Value,
};

use super::failure::Error;
use super::query::Query;
use super::record::{Number, Record};
use super::sqlite::Connection;
use super::text::{self, KeyOf, Keyed};
use crate::doctor_vacations::Days;

/// A connection for one request. On SQLite it answers before it is awaited.
#[derive(Debug)]
pub struct Session(Kind);

#[derive(Debug)]
enum Kind {
    Sqlite(Connection),
    Pool(DatabaseConnection),
    Transaction(DatabaseTransaction),
}

type ModelOf<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Model;

impl Session {
    pub(super) fn of_sqlite(connection: Connection) -> Self {
        Self(Kind::Sqlite(connection))
    }

    pub(super) fn of_pool(pool: DatabaseConnection) -> Self {
        Self(Kind::Pool(pool))
    }

    pub(super) fn of_transaction(transaction: DatabaseTransaction) -> Self {
        Self(Kind::Transaction(transaction))
    }

    /// The connection to SQLite, for who knows that it is one.
    pub(crate) fn sqlite(&mut self) -> Option<&mut Connection> {
        match &mut self.0 {
            Kind::Sqlite(connection) => Some(connection),
            Kind::Pool(_) | Kind::Transaction(_) => None,
        }
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self.0 {
            Kind::Transaction(transaction) => Ok(transaction.commit().await?),
            Kind::Sqlite(_) | Kind::Pool(_) => Ok(()),
        }
    }

    /// The database that the statements are for.
    pub fn backend(&self) -> DbBackend {
        match self.0 {
            Kind::Sqlite(_) => DbBackend::Sqlite,
            Kind::Pool(_) | Kind::Transaction(_) => DbBackend::Postgres,
        }
    }

    /// The first row of a query.
    pub async fn one<E>(&mut self, select: Select<E>) -> Result<Option<E::Model>, Error>
    where
        E: EntityTrait<Model: Record>,
    {
        Ok(self.rows(select.as_query()).await?.into_iter().next())
    }

    /// The row with this key.
    pub async fn find<E: Keyed>(&mut self, key: KeyOf<E>) -> Result<Option<E::Model>, Error> {
        Ok(self.ready(E::found(), vec![key.into()]).await?.pop())
    }

    /// The row with this key, and what the query for the absences answers; on SQLite both at one moment.
    pub async fn find_and_days<E: Keyed>(
        &mut self,
        key: KeyOf<E>,
        absences: &Query,
    ) -> Result<Option<(E::Model, Vec<Days>)>, Error> {
        if let Kind::Sqlite(connection) = &mut self.0 {
            let [found, absences] = [E::found(), absences].map(|it| it.text(DbBackend::Sqlite));
            return Ok(connection.row_and_days(found, &[key.into()], absences)?);
        }
        let Some(row) = self.find::<E>(key).await? else {
            return Ok(None);
        };
        Ok(Some((row, self.ready(absences, Vec::new()).await?)))
    }

    /// The row with this key, which nobody else changes until the transaction ends.
    pub async fn lock<E: Keyed>(&mut self, key: KeyOf<E>) -> Result<Option<E::Model>, Error> {
        Ok(self.ready(E::locked(), vec![key.into()]).await?.pop())
    }

    /// The rows with these numbers for keys, in their order.
    pub async fn find_each<E: Keyed>(&mut self, ids: &[i64]) -> Result<Vec<E::Model>, Error> {
        let text = E::found().text(self.backend());
        if let Kind::Sqlite(connection) = &mut self.0 {
            return Ok(connection.rows_of_each(text, ids)?);
        }
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.extend(self.run(text, vec![(*id).into()]).await?);
        }
        Ok(rows)
    }

    /// The whole number that a query has called `number`.
    pub async fn number(&mut self, query: &impl StatementBuilder) -> Result<i64, Error> {
        let rows: Vec<Number> = self.rows(query).await?;
        Ok(rows.first().map_or(0, |row| row.number))
    }

    /// Inserts a row and answers it as it is stored.
    pub async fn insert<A>(&mut self, row: A) -> Result<ModelOf<A>, Error>
    where
        A: ActiveModelTrait + 'static,
        ModelOf<A>: Record,
    {
        let (text, values) = text::insert(row, self.backend())?;
        let stored = self.run(&text, values).await?.pop();
        Ok(stored.ok_or(DbErr::RecordNotInserted)?)
    }

    /// Updates what is to differ in a row, and nothing else: whoever writes a column writes its indexes.
    pub async fn change<E>(&mut self, before: &E::Model, after: &E::Model) -> Result<(), Error>
    where
        E: Keyed<Model: IntoActiveModel<E::ActiveModel>>,
    {
        let columns = after.differing(before);
        if columns == 0 {
            return Ok(());
        }
        let (text, values) = text::update::<E>(after, columns, self.backend())?;
        match self.alter(&text, values).await? {
            0 => Err(DbErr::RecordNotUpdated.into()),
            _ => Ok(()),
        }
    }

    /// Runs a statement and answers how many rows it has changed.
    pub async fn execute(&mut self, query: &impl StatementBuilder) -> Result<u64, Error> {
        let statement = query.build(&self.backend());
        let values = statement.values.map_or(Vec::new(), |values| values.0);
        self.alter(&statement.sql, values).await
    }

    async fn alter(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, Error> {
        let statement = |values| Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        Ok(match &mut self.0 {
            Kind::Sqlite(connection) => connection.execute(sql, &values)?,
            Kind::Pool(pool) => pool.execute_raw(statement(values)).await?.rows_affected(),
            Kind::Transaction(transaction) => {
                let done = transaction.execute_raw(statement(values)).await?;
                done.rows_affected()
            }
        })
    }

    /// Every row of a query; its columns come in the order of the record's.
    pub async fn rows<R>(&mut self, query: &impl StatementBuilder) -> Result<Vec<R>, Error>
    where
        R: Record + FromQueryResult,
    {
        let statement = query.build(&self.backend());
        self.asked(&statement).await
    }

    /// Every row of a statement that is made already.
    pub async fn asked<R>(&mut self, statement: &Statement) -> Result<Vec<R>, Error>
    where
        R: Record + FromQueryResult,
    {
        if let Kind::Sqlite(connection) = &mut self.0 {
            let values = statement
                .values
                .as_ref()
                .map_or(&[][..], |values| &values.0);
            return Ok(connection.rows(&statement.sql, values)?);
        }
        self.fetched(statement.clone()).await
    }

    /// Every row of a query whose text is made already.
    pub async fn ready<R>(&mut self, query: &Query, values: Vec<Value>) -> Result<Vec<R>, Error>
    where
        R: Record + FromQueryResult,
    {
        self.run(query.text(self.backend()), values).await
    }

    async fn run<R>(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<R>, Error>
    where
        R: Record + FromQueryResult,
    {
        if let Kind::Sqlite(connection) = &mut self.0 {
            return Ok(connection.rows(sql, &values)?);
        }
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        self.fetched(statement).await
    }

    /// Every row that PostgreSQL has for a statement.
    async fn fetched<R: FromQueryResult>(&mut self, statement: Statement) -> Result<Vec<R>, Error> {
        let rows = match &self.0 {
            Kind::Sqlite(_) => Vec::new(),
            Kind::Pool(pool) => pool.query_all_raw(statement).await?,
            Kind::Transaction(transaction) => transaction.query_all_raw(statement).await?,
        };
        let records = rows.iter().map(|row| R::from_query_result(row, ""));
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// Fails unless the database answers.
    pub async fn ping(&mut self) -> Result<(), Error> {
        let statement = Statement::from_string(self.backend(), "SELECT 1");
        match &mut self.0 {
            Kind::Sqlite(connection) => connection.rows::<Number>(&statement.sql, &[]).map(drop)?,
            Kind::Pool(pool) => pool.query_one_raw(statement).await.map(drop)?,
            Kind::Transaction(transaction) => {
                transaction.query_one_raw(statement).await.map(drop)?;
            }
        }
        Ok(())
    }
}
