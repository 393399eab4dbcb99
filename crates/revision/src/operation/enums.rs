//! PostgreSQL's enums; SQLite keeps their values as texts, and nothing is to be done there.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sea_orm_migration::SchemaManager;

use super::postgres::aside::Aside;
use super::{Operation, refuse};
use crate::ddl::quote;

pub(super) async fn run(manager: &SchemaManager<'_>, operation: &Operation) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let connection = manager.get_connection();
    let sql = match operation {
        Operation::CreateEnum { name, values } => create(name, values),
        Operation::AddEnumValue {
            name,
            value,
            before,
        } => {
            let before = before
                .as_ref()
                .map(|before| format!(" BEFORE {}", text(before)));
            format!(
                "ALTER TYPE {} ADD VALUE {}{}",
                quote(name),
                text(value),
                before.unwrap_or_default()
            )
        }
        Operation::RenameEnumValue { name, from, to } => format!(
            "ALTER TYPE {} RENAME VALUE {} TO {}",
            quote(name),
            text(from),
            text(to)
        ),
        Operation::ReplaceEnum { name, values } => return replace(connection, name, values).await,
        Operation::DropEnum { name } => format!("DROP TYPE {}", quote(name)),
        _ => return Ok(()),
    };
    connection.execute_unprepared(&sql).await?;
    Ok(())
}

fn create(name: &str, values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| text(value)).collect();
    format!(
        "CREATE TYPE {} AS ENUM ({})",
        quote(name),
        values.join(", ")
    )
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A column of the enum, or of an array of it.
struct Column {
    table: String,
    name: String,
    default: Option<String>,
    /// `[]`, or nothing.
    array: String,
}

/// Creates it anew under its name, converts what has it, and drops the old one.
///
/// A default is taken away before, because it is of the old type, and put back if its value is still there; so is what
/// else speaks of its columns.
async fn replace(
    connection: &impl ConnectionTrait,
    name: &str,
    values: &[String],
) -> Result<(), DbErr> {
    let columns = columns(connection, name).await?;
    let mut aside = Aside::default();
    for column in &columns {
        aside.about(connection, &column.table, &column.name).await?;
    }
    let old = format!("{name}_before");
    let is_kept = |default: &String| values.iter().any(|value| text(value) == *default);
    let mut statements = vec![
        format!("ALTER TYPE {} RENAME TO {}", quote(name), quote(&old)),
        create(name, values),
    ];
    for column in &columns {
        let alter = format!(
            "ALTER TABLE {} ALTER COLUMN {}",
            quote(&column.table),
            quote(&column.name)
        );
        if column.default.is_some() {
            statements.push(format!("{alter} DROP DEFAULT"));
        }
        statements.push(format!(
            "{alter} TYPE {new}{array} USING {column}::text{array}::{new}{array}",
            new = quote(name),
            array = column.array,
            column = quote(&column.name)
        ));
        if let Some(default) = column.default.as_ref().filter(|default| is_kept(default)) {
            statements.push(format!("{alter} SET DEFAULT {default}"));
        }
    }
    statements.push(format!("DROP TYPE {}", quote(&old)));
    for statement in statements {
        connection.execute_unprepared(&statement).await?;
    }
    aside.put_back(connection).await
}

async fn columns(connection: &impl ConnectionTrait, name: &str) -> Result<Vec<Column>, DbErr> {
    let query = "SELECT c.relname::text, a.attname::text, pg_get_expr(d.adbin, d.adrelid, true), \
                   CASE WHEN a.atttypid = e.typarray THEN '[]' ELSE '' END \
                 FROM pg_type e \
                   JOIN pg_attribute a ON a.atttypid IN (e.oid, e.typarray) \
                   JOIN pg_class c ON c.oid = a.attrelid \
                   LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
                 WHERE e.typname = $1 AND e.typtype = 'e' AND c.relkind IN ('r', 'p') AND NOT a.attisdropped \
                   AND e.typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
                 ORDER BY c.relname, a.attnum";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, query, [name.into()]);
    let mut columns = Vec::new();
    for row in connection.query_all_raw(statement).await? {
        let (table, column, default, array): (String, String, Option<String>, String) =
            row.try_get_many_by_index()?;
        // `'oral'::route` was printed for the type as it is; the value is what counts.
        let value = default.as_deref().map(|text| match text.rsplit_once("::") {
            Some((value, _)) if value.starts_with('\'') => Ok(value.to_owned()),
            _ => refuse(format!(
                "{table}.{column} has the default {text}, which cannot be given to another enum: drop it first."
            )),
        });
        columns.push(Column {
            default: value.transpose()?,
            table,
            name: column,
            array,
        });
    }
    Ok(columns)
}
