//! Definitions of columns: `string_len(Drugs::Name, 200).default("x")`.

use sea_orm::DbBackend;
use sea_orm::sea_query::{
    Check, ColumnDef, ColumnSpec, ColumnType, PostgresQueryBuilder, SqliteQueryBuilder, Table,
};

use super::call::{Chain, call};
use super::{Scope, column_type, literal};
use crate::ddl::{Token, quote, tokenize};

impl Scope {
    pub(super) fn column(&mut self, table: &str, column: &ColumnDef) -> String {
        let name = self.names.column(table, &column.get_column_name());
        // Comments are MySQL's, and `using` belongs to a change of type.
        let ColumnSpec {
            nullable,
            default,
            auto_increment,
            unique,
            primary_key,
            check,
            generated,
            extra,
            comment: _,
            using: _,
        } = column.get_column_spec();
        let mut said = Said {
            unique: *unique,
            primary_key: *primary_key,
            auto_increment: *auto_increment,
            nullable: *nullable,
        };
        let mut chain = self.beginning(&name, column.get_column_type(), &mut said);
        match said.nullable {
            Some(false) => chain = chain.call("not_null", &[]),
            Some(true) => chain = chain.call("null", &[]),
            None => {}
        }
        if let Some(default) = default {
            chain = chain.call("default", &[self.expression(default)]);
        }
        if let Some(generated) = generated {
            let arguments = [
                self.expression(&generated.expr),
                generated.stored.to_string(),
            ];
            chain = chain.call("generated", &arguments);
        }
        if said.auto_increment {
            chain = chain.call("auto_increment", &[]);
        }
        if said.primary_key {
            chain = chain.call("primary_key", &[]);
        }
        if said.unique {
            chain = chain.call("unique_key", &[]);
        }
        if let Some(check) = check {
            chain = chain.call("check", &[self.check_of(check)]);
        }
        if let Some(extra) = extra {
            chain = chain.call("extra", &[literal::text(extra)]);
        }
        chain.text()
    }

    /// The helper that says the most; what it says is taken out of `said`.
    fn beginning(&mut self, name: &str, type_: Option<&ColumnType>, said: &mut Said) -> Chain {
        let new = |arguments: &[String]| call("ColumnDef::new", arguments);
        let Some(type_) = type_ else {
            return Chain::new(new(&[name.to_owned()]));
        };
        if let Some(key) = said.key(type_) {
            self.imports.insert("sea_orm_migration::schema::*");
            return Chain::new(call(key, &[name.to_owned()]));
        }
        let Some((method, arguments)) = column_type::method(type_) else {
            let arguments = [name.to_owned(), column_type::value(type_)];
            return Chain::new(call("ColumnDef::new_with_type", &arguments));
        };
        if said.nullable.is_none() || !column_type::has_helper(method) {
            return Chain::new(new(&[name.to_owned()])).call(method, &arguments);
        }
        self.imports.insert("sea_orm_migration::schema::*");
        let suffix = said.suffix(method);
        let mut all = vec![name.to_owned()];
        all.extend(arguments);
        Chain::new(call(&format!("{method}{suffix}"), &all))
    }

    fn check_of(&mut self, check: &Check) -> String {
        let name = parts(DbBackend::Sqlite, check).0;
        let expression = self.sql(|backend| parts(backend, check).1);
        named_check(name.as_deref(), format!("Expr::cust({expression})"))
    }
}

/// What a method `check` takes.
pub(super) fn named_check(name: Option<&str>, expression: String) -> String {
    match name {
        Some(name) => call("Check::named", &[literal::text(name), expression]),
        None => expression,
    }
}

/// What is to be said of a column beside its type.
struct Said {
    unique: bool,
    primary_key: bool,
    auto_increment: bool,
    nullable: Option<bool>,
}

impl Said {
    /// The helper of a whole primary key.
    fn key(&mut self, column_type: &ColumnType) -> Option<&'static str> {
        let helper = match (column_type, self.auto_increment) {
            (ColumnType::Integer, true) => "pk_auto",
            (ColumnType::BigInteger, true) => "big_pk_auto",
            (ColumnType::Uuid, false) => "pk_uuid",
            _ => return None,
        };
        if !self.primary_key || self.nullable != Some(false) {
            return None;
        }
        (self.primary_key, self.auto_increment, self.nullable) = (false, false, None);
        Some(helper)
    }

    fn suffix(&mut self, method: &str) -> &'static str {
        match (self.nullable.take(), self.unique) {
            (Some(true), _) => "_null",
            (_, true) if method != "custom" => {
                self.unique = false;
                "_uniq"
            }
            _ => "",
        }
    }
}

/// The name and the expression of a check, which sea-query only tells as SQL.
fn parts(backend: DbBackend, check: &Check) -> (Option<String>, String) {
    let table = Table::create().table("t").check(check.clone()).to_owned();
    let sql = match backend {
        DbBackend::Postgres => table.to_string(PostgresQueryBuilder),
        _ => table.to_string(SqliteQueryBuilder),
    };
    let sql = sql.trim_start_matches("CREATE TABLE \"t\" ( ");
    let sql = sql.strip_suffix(" )").unwrap_or(sql);
    let (name, sql) = match sql.strip_prefix("CONSTRAINT ") {
        Some(rest) => {
            let tokens = tokenize(rest).map(|(tokens, _)| tokens).unwrap_or_default();
            let name = tokens.first().and_then(Token::name);
            let length = name.as_deref().map_or(0, |name| quote(name).len());
            (name, rest[length..].trim_start())
        }
        None => (None, sql),
    };
    let expression = sql
        .strip_prefix("CHECK (")
        .and_then(|sql| sql.strip_suffix(')'));
    (name, expression.unwrap_or(sql).to_owned())
}
