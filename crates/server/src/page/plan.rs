//! A page as a database is asked for it. The statements differ from one asking to the next in nothing, so they can be
//! kept: to make them takes a tenth of what a page takes.

use sea_orm::{ColumnTrait, DbBackend, EntityTrait, FromQueryResult, ModelTrait, Statement, Value};

use super::{Page, PageRequest, Rows, encode};
use crate::database::record::{Number, Record};
use crate::database::{Error, Keyed, Session};

/// The statements that bring a page, in the order of its rows.
#[derive(Debug)]
pub struct Plan<C> {
    request: PageRequest<C>,
    statements: Vec<Statement>,
    /// Whether the page goes on to the last row to count them all.
    counts: bool,
}

impl<C: ColumnTrait> Plan<C> {
    /// Makes the statements for the rows of a list.
    pub fn new<E>(request: PageRequest<C>, rows: &Rows, backend: DbBackend) -> Self
    where
        E: EntityTrait<Column = C>,
    {
        let statements = request.statements::<E>(rows, backend);
        let statements = statements.iter().map(|made| backend.build(made));
        Self {
            statements: statements.collect(),
            counts: request.counts(rows),
            request,
        }
    }

    /// Whether no page comes before.
    pub fn is_first(&self) -> bool {
        self.request.after.is_none()
    }

    /// Reads the page.
    ///
    /// SQLite is asked for the keys, which an index has, and then for the row of each: what it merges or sorts it moves
    /// about column by column. To PostgreSQL each question is a way there and back.
    pub async fn read<E>(&self, session: &mut Session) -> Result<Page<E::Model>, Error>
    where
        E: Keyed + EntityTrait<Column = C>,
    {
        let wanted = usize::try_from(self.request.limit).expect("a limit is at most 200");
        let (mut found, total) = if session.backend() == DbBackend::Sqlite {
            let mut keys: Vec<Number> = self.gather(session).await?;
            let total = self.counts.then_some(keys.len() as u64);
            keys.truncate(wanted + 1);
            let keys: Vec<i64> = keys.iter().map(|key| key.number).collect();
            (session.find_each::<E>(&keys).await?, total)
        } else {
            (self.gather(session).await?, None)
        };
        let more = found.len() > wanted;
        found.truncate(wanted);
        let sort = &self.request.sort;
        let next = found.last().filter(|_| more).map(|row| {
            let values: Vec<_> = sort
                .keys
                .iter()
                .map(|(column, _)| row.get(*column))
                .collect();
            encode(&sort.text, &values)
        });
        Ok(Page {
            rows: found,
            next,
            total,
        })
    }

    async fn gather<R>(&self, session: &mut Session) -> Result<Vec<R>, Error>
    where
        R: Record + FromQueryResult,
    {
        let one_more = self.request.one_more();
        let mut found = Vec::new();
        for statement in &self.statements {
            let left = one_more.saturating_sub(found.len() as u64);
            if found.is_empty() {
                found = session.asked(statement).await?;
            } else if left > 0 {
                found.extend(session.asked(&limited(statement, left)).await?);
            }
        }
        Ok(found)
    }
}

/// The statement with another limit, which is the last of its values.
fn limited(statement: &Statement, limit: u64) -> Statement {
    let mut statement = statement.clone();
    let values = statement.values.as_mut();
    let last = values.and_then(|values| values.0.last_mut());
    *last.expect("a page that is merged has a limit") = Value::from(limit);
    statement
}
