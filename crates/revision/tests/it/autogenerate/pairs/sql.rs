//! The statements that make a schema, in the words of either database.

use sea_orm::DbBackend;

use super::model::{
    ACTIONS, Check, Column, DEFERRALS, Family, ForeignKey, Generated, Id, Index, Kind, Schema,
    Table,
};

pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What makes the schema on an empty database, but for what [`foreign_keys`] says.
pub(super) fn create(schema: &Schema, backend: DbBackend) -> Vec<String> {
    let is_postgres = backend == DbBackend::Postgres;
    let mut statements = Vec::new();
    if is_postgres {
        for one in &schema.enums {
            let values: Vec<String> = one.values.iter().map(|(_, text)| literal(text)).collect();
            let name = quote(&one.name);
            statements.push(format!(
                "CREATE TYPE {name} AS ENUM ({})",
                values.join(", ")
            ));
        }
    }
    for table in &schema.tables {
        statements.push(create_table(schema, table, backend));
    }
    for table in &schema.tables {
        let name = quote(&table.name);
        for index in &table.indexes {
            statements.push(create_index(table, index));
        }
        if is_postgres {
            let comment =
                |what: String, text: &String| format!("COMMENT ON {what} IS {}", literal(text));
            let text = table.comment.iter();
            statements.extend(text.map(|text| comment(format!("TABLE {name}"), text)));
            for column in &table.columns {
                let what = format!("COLUMN {name}.{}", quote(&column.name));
                let text = column.comment.iter();
                statements.extend(text.map(|text| comment(what.clone(), text)));
            }
        }
    }
    statements
}

/// The foreign keys that are no part of their tables: rows whose keys go in a circle can be put in before these alone.
pub(super) fn foreign_keys(schema: &Schema, backend: DbBackend) -> Vec<String> {
    let tables = schema.tables.iter();
    let tables = tables.filter(|_| backend == DbBackend::Postgres);
    let keys = tables.flat_map(|table| table.foreign_keys.iter().map(move |key| (table, key)));
    keys.map(|(table, key)| {
        let name = quote(&table.name);
        format!("ALTER TABLE {name} ADD {}", foreign_key(schema, table, key))
    })
    .collect()
}

fn create_table(schema: &Schema, table: &Table, backend: DbBackend) -> String {
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .map(|column| column_definition(schema, table, column, backend))
        .collect();
    if let Some(key) = &table.primary
        && !(key.counting && backend == DbBackend::Sqlite)
    {
        let columns = list(table, &key.columns);
        parts.push(format!(
            "{}PRIMARY KEY ({columns})",
            constraint(key.name.as_ref())
        ));
    }
    for unique in &table.uniques {
        if unique.name.is_some() || unique.columns.len() > 1 {
            let columns = list(table, &unique.columns);
            parts.push(format!(
                "{}UNIQUE ({columns})",
                constraint(unique.name.as_ref())
            ));
        }
    }
    for check in &table.checks {
        let expression = check_expression(table, check);
        parts.push(format!(
            "{}CHECK ({expression})",
            constraint(check.name.as_ref())
        ));
    }
    if backend == DbBackend::Sqlite {
        let keys = table.foreign_keys.iter();
        parts.extend(keys.map(|key| foreign_key(schema, table, key)));
    }
    let mut options = Vec::new();
    if backend == DbBackend::Sqlite {
        options.extend(table.strict.then_some(" STRICT"));
        options.extend(table.without_rowid.then_some(" WITHOUT ROWID"));
    }
    let name = quote(&table.name);
    format!(
        "CREATE TABLE {name} ({}){}",
        parts.join(", "),
        options.join(",")
    )
}

fn column_definition(
    schema: &Schema,
    table: &Table,
    column: &Column,
    backend: DbBackend,
) -> String {
    let is_sqlite = backend == DbBackend::Sqlite;
    let mut text = format!(
        "{} {}",
        quote(&column.name),
        type_of(schema, table, column.kind, backend)
    );
    if column.collated {
        text.push_str(if is_sqlite {
            " COLLATE NOCASE"
        } else {
            " COLLATE \"C\""
        });
    }
    if !column.nullable {
        text.push_str(" NOT NULL");
    }
    if let Some(default) = default(schema, column) {
        text.push_str(" DEFAULT ");
        text.push_str(&default);
    }
    if let Some(generated) = &column.generated {
        let expression = generated_expression(table, generated);
        let stored = if generated.stored || !is_sqlite {
            "STORED"
        } else {
            "VIRTUAL"
        };
        text.extend([" GENERATED ALWAYS AS (", &expression, ") ", stored]);
    }
    if table.counts(column.id) {
        if is_sqlite {
            let name = table.primary.as_ref().and_then(|key| key.name.as_ref());
            text.extend([" ", &constraint(name), "PRIMARY KEY AUTOINCREMENT"]);
        } else {
            text.push_str(" GENERATED BY DEFAULT AS IDENTITY");
        }
    }
    let mut uniques = table.uniques.iter();
    if uniques.any(|unique| unique.name.is_none() && unique.columns == [column.id]) {
        text.push_str(" UNIQUE");
    }
    text
}

/// As sea-query spells it.
fn type_of(schema: &Schema, table: &Table, kind: Kind, backend: DbBackend) -> String {
    let (sqlite, postgres) = match kind {
        Kind::Integer => ("integer", "integer"),
        Kind::BigInteger => ("integer", "bigint"),
        Kind::SmallInteger => ("smallint", "smallint"),
        Kind::Text => ("text", "text"),
        Kind::Boolean => ("boolean", "bool"),
        Kind::Date => ("date_text", "date"),
        Kind::DateTime => ("datetime_text", "timestamp without time zone"),
        Kind::Instant => ("timestamp_with_timezone_text", "timestamp with time zone"),
        Kind::Uuid => ("uuid_text", "uuid"),
        Kind::Blob => ("blob", "bytea"),
        Kind::Varchar(length) => {
            let text = format!("varchar({length})");
            return if table.strict && backend == DbBackend::Sqlite {
                "TEXT".to_owned()
            } else {
                text
            };
        }
        Kind::Decimal(precision, scale) => {
            return match backend {
                DbBackend::Sqlite if table.strict => "REAL".to_owned(),
                DbBackend::Sqlite => format!("real({precision}, {scale})"),
                _ => format!("decimal({precision}, {scale})"),
            };
        }
        Kind::Enum(id) => {
            let name = schema.find_enum(id).map(|one| quote(&one.name));
            return match backend {
                DbBackend::Sqlite if table.strict => "TEXT".to_owned(),
                DbBackend::Sqlite => "enum_text".to_owned(),
                _ => name.expect("a column's enum is there"),
            };
        }
    };
    if backend == DbBackend::Postgres {
        return postgres.to_owned();
    }
    match kind.family() {
        _ if !table.strict => sqlite,
        Family::Number | Family::Boolean => "INTEGER",
        Family::Blob => "BLOB",
        _ => "TEXT",
    }
    .to_owned()
}

/// The text of its DEFAULT; none is what a row has of its own.
pub(super) fn default(schema: &Schema, column: &Column) -> Option<String> {
    let choices: &[&str] = match column.kind {
        Kind::Decimal(..) => &["0", "0.5", "-1.25"],
        Kind::Varchar(_) | Kind::Text => &["''", "'it''s'", "'a \"b\"; --'", "'NULL'", "'0'"],
        Kind::Boolean => &["FALSE", "TRUE"],
        Kind::Date => &["'2020-01-01'"],
        Kind::DateTime | Kind::Instant => &["CURRENT_TIMESTAMP", "'2020-01-01 10:00:00'"],
        Kind::Uuid => &["'00000000-0000-0000-0000-0000000000ff'"],
        Kind::Blob => return None,
        Kind::Enum(id) => {
            column.default?;
            let (_, text) = schema.find_enum(id)?.values.first()?;
            return Some(literal(text));
        }
        _ => &["0", "-1", "42", "(1 + 1 * 40)"],
    };
    let chosen = column.default?;
    Some(choices[chosen % choices.len()].to_owned())
}

/// What can stand in a CHECK about one column, in place of `{}`; every value of a row satisfies it.
fn check_forms(family: Family) -> &'static [&'static str] {
    match family {
        Family::Number => &[
            "{} > 0",
            "{} > 0 AND {} < 100000",
            "{} BETWEEN 1 AND 1000",
            "{} <> 13 OR {} IS NULL",
            "{} NOT IN (100, 101)",
        ],
        Family::Text => &["length({}) > 0", "{} <> 'it''s'", "{} NOT LIKE 'x%'"],
        _ => &[],
    }
}

pub(super) fn can_be_checked(family: Family) -> bool {
    !check_forms(family).is_empty()
}

fn check_expression(table: &Table, check: &Check) -> String {
    let each = check.columns.iter().map(|id| {
        let column = table.column(*id).expect("a check's column is there");
        let forms = check_forms(column.kind.family());
        forms[check.form % forms.len()].replace("{}", &quote(&column.name))
    });
    let each: Vec<String> = each.collect();
    match &each[..] {
        [one] => one.clone(),
        several => several
            .iter()
            .map(|one| format!("({one})"))
            .collect::<Vec<_>>()
            .join(" OR "),
    }
}

fn generated_expression(table: &Table, generated: &Generated) -> String {
    let source = table.column(generated.from).expect("its source is there");
    let forms: &[&str] = match source.kind.family() {
        Family::Number => &["{} * 2", "{} + 1"],
        _ => &["lower({})", "{} || '!'"],
    };
    forms[generated.form % forms.len()].replace("{}", &quote(&source.name))
}

fn create_index(table: &Table, index: &Index) -> String {
    let parts = index.parts.iter().map(|part| {
        let column = table
            .column(part.column)
            .expect("an index's column is there");
        let name = quote(&column.name);
        let mut text = match column.kind.family() {
            Family::Number if part.is_expression => format!("({name} + 1)"),
            Family::Text if part.is_expression => format!("lower({name})"),
            _ => name,
        };
        if part.descending {
            text.push_str(" DESC");
        }
        text
    });
    let parts: Vec<String> = parts.collect();
    let predicate = index
        .predicate
        .and_then(|id| table.column(id))
        .map(|column| {
            let name = quote(&column.name);
            match column.kind.family() {
                Family::Number => format!(" WHERE {name} > 0"),
                Family::Text => format!(" WHERE {name} <> 'x'"),
                _ => format!(" WHERE {name} IS NOT NULL"),
            }
        });
    format!(
        "CREATE {}INDEX {} ON {} ({}){}",
        if index.unique { "UNIQUE " } else { "" },
        quote(&index.name),
        quote(&table.name),
        parts.join(", "),
        predicate.unwrap_or_default()
    )
}

fn foreign_key(schema: &Schema, table: &Table, key: &ForeignKey) -> String {
    let parent = schema.table(key.parent).expect("its parent is there");
    let mut text = format!(
        "{}FOREIGN KEY ({}) REFERENCES {} ({})",
        constraint(key.name.as_ref()),
        list(table, &key.columns),
        quote(&parent.name),
        list(parent, &key.parent_columns)
    );
    for (on, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        if action != 0 {
            text.extend([" ON ", on, " ", ACTIONS[action]]);
        }
    }
    text.push_str(DEFERRALS[key.deferral]);
    text
}

fn constraint(name: Option<&String>) -> String {
    name.map_or_else(String::new, |name| format!("CONSTRAINT {} ", quote(name)))
}

fn list(table: &Table, columns: &[Id]) -> String {
    let names = columns.iter().map(|id| {
        let column = table.column(*id).expect("a key's column is there");
        quote(&column.name)
    });
    names.collect::<Vec<_>>().join(", ")
}
