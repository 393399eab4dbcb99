//! Reading a SQLite schema from the texts in `sqlite_schema`.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::model::{
    Action, Check, Column, Deferral, ForeignKey, Generated, Index, KeyPart, Object, PrimaryKey,
    Schema, Table, Unique,
};
use crate::ddl::{self, CreateIndex, CreateTable, Names, Rule, default_value, normal, tokenize};

/// A row of `sqlite_schema`.
struct Entry {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

pub(super) async fn read(connection: &impl ConnectionTrait) -> Result<Schema, DbErr> {
    let entries = entries(connection).await?;
    let columns = columns(connection).await?;
    let mut names = Names::default();
    for (table, columns) in &columns {
        names.insert(table);
        for column in columns {
            names.insert(column);
        }
    }
    for entry in &entries {
        names.insert(&entry.name);
    }
    let mut schema = Schema {
        backend: DbBackend::Sqlite,
        tables: BTreeMap::new(),
        enums: BTreeMap::new(),
        objects: Vec::new(),
    };
    for entry in entries.iter().filter(|entry| entry.kind == "table") {
        if is_virtual(&entry.sql) {
            schema.objects.push(object("virtual table", entry, &names)?);
            continue;
        }
        let create = CreateTable::parse(&entry.sql).map_err(|error| unreadable(entry, &error))?;
        let empty = Vec::new();
        insist_on(entry, &create, columns.get(&entry.name).unwrap_or(&empty))?;
        schema
            .tables
            .insert(entry.name.clone(), table(&entry.name, &create, &names));
    }
    for entry in entries.iter().filter(|entry| entry.kind != "table") {
        let owner = schema
            .tables
            .values_mut()
            .find(|table| table.name.eq_ignore_ascii_case(&entry.table));
        match (&*entry.kind, owner) {
            ("index", Some(table)) => {
                let create =
                    CreateIndex::parse(&entry.sql).map_err(|error| unreadable(entry, &error))?;
                table.indexes.push(index(&entry.name, &create, &names));
            }
            ("trigger", Some(table)) => {
                table
                    .triggers
                    .insert(entry.name.clone(), text(entry, &names)?);
            }
            ("trigger", None) => schema.objects.push(object("trigger", entry, &names)?),
            ("view", _) => schema.objects.push(object("view", entry, &names)?),
            _ => {}
        }
    }
    name_parent_columns(&mut schema);
    Ok(schema)
}

async fn entries(connection: &impl ConnectionTrait) -> Result<Vec<Entry>, DbErr> {
    // The tables that a virtual table keeps for itself come and go with it.
    let query = "SELECT type, name, tbl_name, sql FROM sqlite_schema \
                 WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 AND tbl_name NOT IN (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow') \
                 ORDER BY type, name";
    let rows = connection
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, query))
        .await?;
    rows.iter()
        .map(|row| {
            let (kind, name, table, sql) = row.try_get_many_by_index()?;
            Ok(Entry {
                kind,
                name,
                table,
                sql,
            })
        })
        .collect()
}

/// The columns of every table as SQLite itself sees them.
async fn columns(
    connection: &impl ConnectionTrait,
) -> Result<BTreeMap<String, Vec<String>>, DbErr> {
    let query = "SELECT m.name, x.name FROM sqlite_schema m, pragma_table_xinfo(m.name) x \
                 WHERE m.type = 'table' ORDER BY m.name, x.cid";
    let rows = connection
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, query))
        .await?;
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let (table, column): (String, String) = row.try_get_many_by_index()?;
        columns.entry(table).or_default().push(column);
    }
    Ok(columns)
}

/// Refuses to go on when the parse and SQLite do not see the same columns.
fn insist_on(entry: &Entry, create: &CreateTable, columns: &[String]) -> Result<(), DbErr> {
    let parsed: Vec<String> = create.columns.iter().map(ddl::ColumnText::name).collect();
    if parsed == columns {
        return Ok(());
    }
    let error = ddl::Malformed(format!(
        "SQLite sees the columns {columns:?}, the text {parsed:?}"
    ));
    Err(unreadable(entry, &error))
}

fn unreadable(entry: &Entry, error: &ddl::Malformed) -> DbErr {
    DbErr::Custom(format!(
        "The {} {} cannot be understood: {}",
        entry.kind, entry.name, error.0
    ))
}

fn is_virtual(sql: &str) -> bool {
    tokenize(sql).is_ok_and(|(tokens, _)| tokens.get(1).is_some_and(|token| token.is("VIRTUAL")))
}

fn object(kind: &'static str, entry: &Entry, names: &Names) -> Result<Object, DbErr> {
    Ok(Object {
        kind,
        name: entry.name.clone(),
        definition: text(entry, names)?,
    })
}

fn text(entry: &Entry, names: &Names) -> Result<String, DbErr> {
    let (tokens, _) = tokenize(&entry.sql).map_err(|error| unreadable(entry, &error))?;
    Ok(normal(&tokens, names))
}

/// Where only the parent table is named, its primary key is meant.
fn name_parent_columns(schema: &mut Schema) {
    let keys: BTreeMap<String, Vec<String>> = schema
        .tables
        .values()
        .filter_map(|table| {
            let key = table.primary_key.as_ref()?;
            let columns = key.keys.iter().map(|part| part.text.clone()).collect();
            Some((table.name.to_lowercase(), columns))
        })
        .collect();
    let foreign_keys = schema
        .tables
        .values_mut()
        .flat_map(|table| &mut table.foreign_keys);
    for key in foreign_keys.filter(|key| key.parent_columns.is_empty()) {
        if let Some(columns) = keys.get(&key.parent.to_lowercase()) {
            key.parent_columns.clone_from(columns);
        }
    }
}

/// A table's own text as the model has it; indexes and triggers are texts of their own.
pub(crate) fn table(name: &str, create: &CreateTable, names: &Names) -> Table {
    let mut table = Table {
        name: name.to_owned(),
        columns: create
            .columns
            .iter()
            .map(|text| column(text, name, names))
            .collect(),
        ..Table::default()
    };
    if create.is_strict() {
        table.options.push("strict".to_owned());
    }
    if create.is_without_rowid() {
        table.options.push("without rowid".to_owned());
    }
    let own = |tokens: &[ddl::Token]| unqualified(tokens, &create.name(), names);
    for clause in create.all_clauses() {
        let name = clause.name.clone();
        let on_conflict = |conflict: &Option<String>| {
            conflict
                .as_ref()
                .map(|conflict| format!("on conflict {conflict}"))
        };
        match &clause.rule {
            Rule::PrimaryKey {
                keys,
                conflict,
                autoincrement,
            } => {
                table.primary_key = Some(PrimaryKey {
                    name,
                    keys: key_parts(keys, names),
                    autoincrement: *autoincrement,
                    extra: on_conflict(conflict),
                });
            }
            Rule::Unique { keys, conflict } => table.uniques.push(Unique {
                name,
                keys: key_parts(keys, names),
                extra: on_conflict(conflict),
            }),
            Rule::Check {
                expression,
                conflict,
            } => table.checks.push(Check {
                name,
                expression: own(expression),
                extra: on_conflict(conflict),
            }),
            rule @ Rule::ForeignKey { .. } => table.foreign_keys.extend(foreign_key(name, rule)),
            _ => {}
        }
    }
    table
}

fn column(text: &ddl::ColumnText, table: &str, names: &Names) -> Column {
    let own = |tokens: &[ddl::Token]| unqualified(tokens, table, names);
    let mut column = Column {
        name: text.name(),
        type_: text.type_text(),
        nullable: true,
        default: None,
        collation: None,
        generated: None,
        identity: None,
        comment: None,
        extra: None,
    };
    for rule in text.rules() {
        match rule {
            Rule::NotNull { conflict } => {
                column.nullable = false;
                column.extra = conflict
                    .as_ref()
                    .map(|conflict| format!("on conflict {conflict}"));
            }
            Rule::Default { value } => column.default = Some(default_value(value, names)),
            Rule::Collate { collation } => column.collation = Some(collation.clone()),
            Rule::Generated { expression, stored } => {
                column.generated = Some(Generated {
                    expression: own(expression),
                    stored: *stored,
                });
            }
            _ => {}
        }
    }
    // The collation that a column has when none is named.
    column.collation = column.collation.filter(|collation| collation != "binary");
    column.default = column.default.filter(|default| default != "null");
    column
}

/// An expression that may say its own table's name in front of a column.
fn unqualified(tokens: &[ddl::Token], table: &str, names: &Names) -> String {
    let mut tokens = tokens.to_vec();
    ddl::unqualify(&mut tokens, table);
    normal(&tokens, names)
}

fn key_parts(keys: &[ddl::KeyPart], names: &Names) -> Vec<KeyPart> {
    let parts = keys.iter().map(|key| KeyPart {
        text: key
            .column()
            .map_or_else(|| normal(&key.tokens, names), |name| name.to_lowercase()),
        is_expression: key.column().is_none(),
        collation: key.collation.as_ref().map(|name| name.to_lowercase()),
        descending: key.descending,
        extra: None,
    });
    parts.collect()
}

fn foreign_key(name: Option<String>, rule: &Rule) -> Option<ForeignKey> {
    let Rule::ForeignKey {
        columns,
        parent,
        parent_columns,
        on_delete,
        on_update,
        deferred,
    } = rule
    else {
        return None;
    };
    Some(ForeignKey {
        name,
        columns: columns.clone(),
        parent: parent.clone(),
        parent_columns: parent_columns.clone(),
        on_delete: action(on_delete.as_deref()),
        on_update: action(on_update.as_deref()),
        deferral: if *deferred {
            Deferral::InitiallyDeferred
        } else {
            Deferral::NotDeferrable
        },
        extra: None,
    })
}

fn action(text: Option<&str>) -> Action {
    match text {
        Some("restrict") => Action::Restrict,
        Some("cascade") => Action::Cascade,
        Some("set null") => Action::SetNull,
        Some("set default") => Action::SetDefault,
        _ => Action::NoAction,
    }
}

fn index(name: &str, create: &CreateIndex, names: &Names) -> Index {
    let predicate = Some(normal(&create.predicate, names));
    Index {
        name: name.to_owned(),
        unique: create.unique,
        keys: key_parts(&create.keys, names),
        predicate: predicate.filter(|text| !text.is_empty()),
        extra: None,
    }
}
