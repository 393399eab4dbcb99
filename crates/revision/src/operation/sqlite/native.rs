//! What SQLite's own `ALTER TABLE` can do without losing or refusing anything.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::dependents;
use super::original::Original;
use crate::ddl::{CreateTable, Rule, Token, quote, tokenize, words};
use crate::operation::{Change, spell};
use crate::schema::ForeignKey;

const SQLITE: DbBackend = DbBackend::Sqlite;

/// The statements that do for all of the changes, if there are such.
///
/// Whether there are does not depend on the rows, so that a script written without them is the same.
pub(super) async fn statements(
    connection: &impl ConnectionTrait,
    original: &Original,
    changes: &[&Change],
) -> Result<Option<Vec<String>>, DbErr> {
    // One column that is not computed must always be there.
    let is_dropped = |name: &str| {
        let mut changes = changes.iter();
        changes.any(|change| {
            matches!(change, Change::DropColumn { column } if column.eq_ignore_ascii_case(name))
        })
    };
    let mut columns = original.create.columns.iter();
    if columns.all(|column| column.is_generated() || is_dropped(&column.name())) {
        return Ok(None);
    }
    let table = quote(&original.name);
    let mut statements = Vec::new();
    let mut keys: Vec<&ForeignKey> = changes
        .iter()
        .filter_map(|change| match change {
            Change::AddForeignKey(key) if key.columns.len() == 1 => Some(key),
            _ => None,
        })
        .collect();
    for change in changes {
        match change {
            // Ids are given to the rows that are there by a rebuild only.
            Change::AddColumn { column, .. } if column.get_column_spec().auto_increment => {
                return Ok(None);
            }
            Change::AddColumn { column, fill: None } if !original.create.is_strict() => {
                let mut definition = spell::column(SQLITE, column);
                let name = column.get_column_name();
                for key in &keys {
                    if key.columns[0].eq_ignore_ascii_case(&name) {
                        let constraint = spell::constraint(key.name.as_deref());
                        definition = format!("{definition} {constraint}{}", spell::references(key));
                    }
                }
                keys.retain(|key| !key.columns[0].eq_ignore_ascii_case(&name));
                if !can_add(&definition)? {
                    return Ok(None);
                }
                statements.push(format!("ALTER TABLE {table} ADD COLUMN {definition}"));
            }
            Change::DropColumn { column } => {
                if !can_drop(connection, original, column).await? {
                    return Ok(None);
                }
                statements.push(format!("ALTER TABLE {table} DROP COLUMN {}", quote(column)));
            }
            Change::AddForeignKey(key) if key.columns.len() == 1 => {}
            _ => return Ok(None),
        }
    }
    // A key of a column that was there already needs the whole.
    Ok(keys.is_empty().then_some(statements))
}

fn can_add(definition: &str) -> Result<bool, DbErr> {
    let table = CreateTable::parse(&format!("CREATE TABLE t ({definition})"))?;
    let rules = || table.columns.iter().flat_map(crate::ddl::ColumnText::rules);
    let default = rules().find_map(|rule| match rule {
        Rule::Default { value } => Some(value),
        _ => None,
    });
    let is_constant = default.is_none_or(|value| is_constant(value));
    let has_value = default.is_some_and(|value| !value.iter().any(|token| token.is("NULL")));
    let mut refused = rules().any(|rule| match rule {
        Rule::PrimaryKey { .. } | Rule::Unique { .. } | Rule::Generated { stored: true, .. } => {
            true
        }
        Rule::NotNull { .. } => !has_value,
        Rule::ForeignKey { .. } => has_value,
        _ => false,
    });
    refused |= !is_constant;
    Ok(!refused)
}

fn is_constant(value: &[Token]) -> bool {
    let computed = ["CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"];
    !value
        .iter()
        .any(|token| token.is_symbol("(") || computed.iter().any(|word| token.is(word)))
}

/// Whether nothing but the column's own definition speaks of it.
async fn can_drop(
    connection: &impl ConnectionTrait,
    original: &Original,
    column: &str,
) -> Result<bool, DbErr> {
    let own = column.to_lowercase();
    let Some(text) = original.create.column(column) else {
        return Ok(false);
    };
    if text
        .rules()
        .any(|rule| matches!(rule, Rule::PrimaryKey { .. } | Rule::Unique { .. }))
        || text.is_generated()
    {
        return Ok(false);
    }
    let elsewhere = original
        .create
        .columns
        .iter()
        .filter(|other| !other.is(column))
        .flat_map(|other| &other.clauses);
    if elsewhere
        .chain(&original.create.clauses)
        .any(|clause| words(&clause.tokens).contains(&own))
    {
        return Ok(false);
    }
    // SQLite reads every view again, and stops at one that was broken all along.
    if !dependents::broken(connection).await?.is_empty() {
        return Ok(false);
    }
    // Wherever the word is used, be it for something else, the rebuild is the safe way.
    let query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND (type <> 'table' OR tbl_name <> ?)";
    let statement = Statement::from_sql_and_values(SQLITE, query, [original.name.as_str().into()]);
    for row in connection.query_all_raw(statement).await? {
        let sql: String = row.try_get_by_index(0)?;
        let speaks_of_table = || words_of(&sql).contains(&original.name.to_lowercase());
        if words_of(&sql).contains(&own) && speaks_of_table() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn words_of(sql: &str) -> Vec<String> {
    tokenize(sql)
        .map(|(tokens, _)| words(&tokens))
        .unwrap_or_default()
}
