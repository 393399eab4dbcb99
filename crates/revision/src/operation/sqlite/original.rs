//! A table as it is before it is changed, with the texts of what belongs to it.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::ddl::{ColumnText, CreateIndex, CreateTable, Rule};
use crate::operation::refuse;

/// A table, its text, and the texts that go with it when it is dropped.
#[derive(Debug)]
pub(super) struct Original {
    /// As it was given when the table was created.
    pub(super) name: String,
    pub(super) create: CreateTable,
    pub(super) indexes: Vec<(String, String, CreateIndex)>,
    /// In the order of their creation, in which SQLite takes them into account.
    pub(super) triggers: Vec<String>,
}

impl Original {
    pub(super) async fn read(
        connection: &impl ConnectionTrait,
        table: &str,
    ) -> Result<Self, DbErr> {
        let query = "SELECT name, sql FROM sqlite_schema WHERE type = ? AND tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL ORDER BY rowid";
        let texts = async |kind: &str| -> Result<Vec<(String, String)>, DbErr> {
            let values = [kind.into(), table.into()];
            let statement = Statement::from_sql_and_values(DbBackend::Sqlite, query, values);
            let rows = connection.query_all_raw(statement).await?;
            rows.iter()
                .map(sea_orm::QueryResult::try_get_many_by_index)
                .collect()
        };
        let Some((name, sql)) = texts("table").await?.pop() else {
            return refuse(format!("There is no table {table}."));
        };
        let unreadable = |error: crate::ddl::Malformed| {
            DbErr::Custom(format!(
                "The table {name} cannot be rebuilt, because its text cannot be understood: {}",
                error.0
            ))
        };
        let create = CreateTable::parse(&sql).map_err(unreadable)?;
        let seen = columns(connection, &name).await?;
        if seen
            != create
                .columns
                .iter()
                .map(ColumnText::name)
                .collect::<Vec<_>>()
        {
            return refuse(format!(
                "The table {name} cannot be rebuilt, because its text and SQLite do not agree on its columns."
            ));
        }
        let mut indexes = Vec::new();
        for (index, sql) in texts("index").await? {
            let create = CreateIndex::parse(&sql)?;
            indexes.push((index, sql, create));
        }
        let triggers = texts("trigger")
            .await?
            .into_iter()
            .map(|(_, sql)| sql)
            .collect();
        Ok(Self {
            name,
            create,
            indexes,
            triggers,
        })
    }
}

/// The columns of a table or view as SQLite sees them, computed ones too.
pub(super) async fn columns(
    connection: &impl ConnectionTrait,
    table: &str,
) -> Result<Vec<String>, DbErr> {
    let query = "SELECT name FROM pragma_table_xinfo(?) ORDER BY cid";
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, query, [table.into()]);
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// The column that is the rowid under another name, so that SQLite keeps one number for both.
pub(super) fn rowid_alias(create: &CreateTable) -> Option<String> {
    if create.is_without_rowid() {
        return None;
    }
    let key = create.all_clauses().find_map(|clause| match &clause.rule {
        Rule::PrimaryKey { keys, .. } => Some((&keys[..], clause)),
        _ => None,
    })?;
    let ([part], clause) = key else { return None };
    let column = create.column(&part.column()?)?;
    // DESC behind a column, but not in a list, makes an ordinary column of it: an old mistake that SQLite keeps.
    let at_column = column.clauses.iter().any(|own| std::ptr::eq(own, clause));
    (column.type_text() == "integer" && !(part.descending && at_column)).then(|| column.name())
}

/// Whether ids are never given a second time.
pub(super) fn is_autoincrement(create: &CreateTable) -> bool {
    create.all_clauses().any(|clause| {
        matches!(
            clause.rule,
            Rule::PrimaryKey {
                autoincrement: true,
                ..
            }
        )
    })
}
