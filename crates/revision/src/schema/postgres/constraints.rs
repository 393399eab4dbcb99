//! Constraints and indexes.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::query::{rows, sql};
use crate::ddl::{self, CreateIndex, Names, normal};
use crate::schema::model::{
    Action, Check, Deferral, ForeignKey, Index, KeyPart, PrimaryKey, Table, Unique,
};

pub(super) async fn read(
    connection: &impl ConnectionTrait,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), DbErr> {
    for row in rows(connection, sql(CONSTRAINTS)).await? {
        if let Some(table) = tables.get_mut(&row.try_get_by_index::<String>(0)?) {
            constraint(table, &row)?;
        }
    }
    for row in rows(connection, sql(INDEXES)).await? {
        let (table, name, text, valid): (String, String, String, bool) =
            row.try_get_many_by_index()?;
        if let Some(table) = tables.get_mut(&table) {
            let create = CreateIndex::parse(&text)?;
            table.indexes.push(index(name, &create, valid));
        }
    }
    Ok(())
}

const CONSTRAINTS: &str = "SELECT c.relname::text, o.conname::text, o.contype::text, pg_get_constraintdef(o.oid, true), \
   pg_get_expr(o.conbin, o.conrelid, true), \
   (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(o.conkey) WITH ORDINALITY k (att, n) \
      JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.att), \
   (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(o.confkey) WITH ORDINALITY k (att, n) \
      JOIN pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.att), \
   CASE WHEN p.relnamespace = c.relnamespace THEN p.relname::text ELSE o.confrelid::regclass::text END, \
   o.confdeltype::text, o.confupdtype::text, o.condeferrable, o.condeferred, o.convalidated, o.connoinherit, o.confmatchtype::text \
 FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid LEFT JOIN pg_class p ON p.oid = o.confrelid \
 WHERE c.relnamespace = {here} AND o.contype IN ('p', 'u', 'f', 'c', 'x') AND {own c.oid} ORDER BY c.relname, o.conname";

const INDEXES: &str = "SELECT c.relname::text, i.relname::text, pg_get_indexdef(x.indexrelid, 0, true), x.indisvalid \
 FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
 WHERE c.relnamespace = {here} AND c.relkind IN ('r', 'p') AND {own c.oid} \
   AND NOT EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = x.indexrelid AND o.contype IN ('p', 'u', 'x')) \
 ORDER BY c.relname, i.relname";

fn constraint(table: &mut Table, row: &QueryResult) -> Result<(), DbErr> {
    let name: Option<String> = row.try_get_by_index(1)?;
    let definition: String = row.try_get_by_index(3)?;
    let columns: Vec<String> = row.try_get_by_index::<Option<_>>(5)?.unwrap_or_default();
    let kind: String = row.try_get_by_index(2)?;
    match &*kind {
        "p" => {
            table.primary_key = Some(PrimaryKey {
                name,
                keys: columns.into_iter().map(key_part).collect(),
                autoincrement: false,
                extra: behind_columns(&definition)?,
            });
        }
        "u" => table.uniques.push(Unique {
            name,
            keys: columns.into_iter().map(key_part).collect(),
            extra: behind_columns(&definition)?,
        }),
        "c" => table.checks.push(Check {
            name,
            expression: row.try_get_by_index::<Option<_>>(4)?.unwrap_or_default(),
            extra: flags(&[
                (!row.try_get_by_index::<bool>(12)?, "not valid"),
                (row.try_get_by_index(13)?, "no inherit"),
            ]),
        }),
        "f" => table
            .foreign_keys
            .push(foreign_key(name, columns, &definition, row)?),
        _ => {
            let name = name.unwrap_or_default();
            table
                .options
                .push(format!("constraint {name} {definition}"));
        }
    }
    Ok(())
}

fn key_part(column: String) -> KeyPart {
    KeyPart {
        text: column,
        is_expression: false,
        collation: None,
        descending: false,
        extra: None,
    }
}

/// What a PRIMARY KEY or UNIQUE says beside its columns: `NULLS NOT DISTINCT`, `INCLUDE (…)`, `DEFERRABLE`.
fn behind_columns(definition: &str) -> Result<Option<String>, DbErr> {
    let (tokens, _) = ddl::tokenize(definition)?;
    let is_open = |token: &ddl::Token| token.is_symbol("(");
    let is_close = |token: &ddl::Token| token.is_symbol(")");
    let (Some(open), Some(close)) = (
        tokens.iter().position(is_open),
        tokens.iter().position(is_close),
    ) else {
        return Ok(None);
    };
    let mut rest: Vec<ddl::Token> = tokens[..open]
        .iter()
        .filter(|token| {
            !["PRIMARY", "KEY", "UNIQUE"]
                .iter()
                .any(|word| token.is(word))
        })
        .cloned()
        .collect();
    rest.extend_from_slice(&tokens[close + 1..]);
    Ok(not_empty(normal(&rest, &Names::default())))
}

fn foreign_key(
    name: Option<String>,
    columns: Vec<String>,
    definition: &str,
    row: &QueryResult,
) -> Result<ForeignKey, DbErr> {
    let action = |index| -> Result<Action, DbErr> {
        let code: String = row.try_get_by_index(index)?;
        Ok(match &*code {
            "r" => Action::Restrict,
            "c" => Action::Cascade,
            "n" => Action::SetNull,
            "d" => Action::SetDefault,
            _ => Action::NoAction,
        })
    };
    let deferral = match (row.try_get_by_index(10)?, row.try_get_by_index(11)?) {
        (false, _) => Deferral::NotDeferrable,
        (true, false) => Deferral::InitiallyImmediate,
        (true, true) => Deferral::InitiallyDeferred,
    };
    let matching: String = row.try_get_by_index(14)?;
    let mut extra = flags(&[
        (matching == "f", "match full"),
        (!row.try_get_by_index::<bool>(12)?, "not valid"),
    ]);
    // ON DELETE SET NULL (a, b): only these columns lose their value.
    for set in ["ON DELETE SET NULL (", "ON DELETE SET DEFAULT ("] {
        if let Some((_, rest)) = definition.split_once(set) {
            let columns = rest.split(')').next().unwrap_or_default();
            extra = Some(format!("{} of {columns}", extra.unwrap_or_default()));
        }
    }
    Ok(ForeignKey {
        name,
        columns,
        parent: row.try_get_by_index::<Option<_>>(7)?.unwrap_or_default(),
        parent_columns: row.try_get_by_index::<Option<_>>(6)?.unwrap_or_default(),
        on_delete: action(8)?,
        on_update: action(9)?,
        deferral,
        extra,
    })
}

fn index(name: String, create: &CreateIndex, valid: bool) -> Index {
    let names = Names::default();
    let keys = create.keys.iter().map(|key| {
        let (class, key) = without_class(key);
        let extra = [class, key.nulls.clone()];
        let extra: Vec<String> = extra.into_iter().flatten().collect();
        KeyPart {
            text: key.column().unwrap_or_else(|| normal(&key.tokens, &names)),
            is_expression: key.column().is_none(),
            collation: key.collation,
            descending: key.descending,
            extra: not_empty(extra.join(" ")),
        }
    });
    let mut extra = normal(&create.extra, &names);
    if let Some(method) = create.method.as_deref().filter(|method| *method != "btree") {
        extra = ["using", method, &extra].join(" ");
    }
    if !valid {
        extra.insert_str(0, "invalid ");
    }
    let extra = extra.trim_end().to_owned();
    Index {
        name,
        unique: create.unique,
        keys: keys.collect(),
        predicate: not_empty(normal(&create.predicate, &names)),
        extra: not_empty(extra),
    }
}

/// The operator class behind a column or an expression, and the rest of the key.
fn without_class(key: &ddl::KeyPart) -> (Option<String>, ddl::KeyPart) {
    let mut rest = key.clone();
    // It is qualified where its schema is not in the search path, which is no difference.
    if let [.., before, schema, point, _] = &rest.tokens[..]
        && (before.is_symbol(")") || before.name().is_some())
        && schema.name().is_some()
        && point.is_symbol(".")
    {
        let schema = rest.tokens.len() - 3;
        rest.tokens.drain(schema..=schema + 1);
    }
    let is_class = match &rest.tokens[..] {
        [.., before, last] => {
            let ends = before.is_symbol(")") || before.name().is_some();
            ends && last.name().is_some() && !before.is("COLLATE")
        }
        _ => false,
    };
    let class = rest.tokens.pop_if(|_| is_class).map(|token| token.text);
    if let [.., collate, name] = &rest.tokens[..]
        && collate.is("COLLATE")
    {
        rest.collation = name.name();
        rest.tokens.truncate(rest.tokens.len() - 2);
    }
    (class, rest)
}

fn flags(flags: &[(bool, &str)]) -> Option<String> {
    let words: Vec<&str> = flags
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, word)| *word)
        .collect();
    not_empty(words.join(" "))
}

fn not_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
