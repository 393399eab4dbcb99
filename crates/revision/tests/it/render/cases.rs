//! Migrations as operations, each with a database before it: every operation and change, every type, hard names.

mod changes;
mod names;
mod tables;
mod types;

use revision::operation::{AlterTable, Change, Operation};
use revision::render::Migration;

use crate::support::compile::Case;

/// What most of the cases begin with.
const DRUGS: &str = "CREATE TABLE drugs (id integer PRIMARY KEY, name varchar(20), note text, stock integer NOT NULL DEFAULT 0); \
                     INSERT INTO drugs VALUES (1, 'one', '1', 10), (2, 'two', NULL, 20)";

/// A name, what is there before, `up`, and `down`.
type Row = (&'static str, Setup, Vec<Operation>, Vec<Operation>);

/// The SQL before a migration.
#[derive(Clone, Copy)]
enum Setup {
    /// The same on both databases.
    Both(&'static str),
    Each {
        sqlite: &'static str,
        postgres: &'static str,
    },
    OnlyPostgres(&'static str),
    OnlySqlite(&'static str),
}

/// All of them, by what they are about.
pub(super) fn groups() -> [(&'static str, Vec<Case>); 4] {
    let groups = [
        ("tables", tables::rows()),
        ("changes", changes::rows()),
        ("types", types::rows()),
        ("names", names::rows()),
    ];
    groups.map(|(name, rows)| (name, rows.into_iter().map(case).collect()))
}

fn case((name, setup, up, down): Row) -> Case {
    let (sqlite, postgres) = match setup {
        Setup::Both(sql) => (Some(sql), Some(sql)),
        Setup::Each { sqlite, postgres } => (Some(sqlite), Some(postgres)),
        Setup::OnlyPostgres(sql) => (None, Some(sql)),
        Setup::OnlySqlite(sql) => (Some(sql), None),
    };
    let migration = Migration {
        message: &name.replace('_', " "),
        revises: Some("m0_setup"),
        up: &up,
        down: &down,
        notes: &[],
    };
    Case {
        sqlite: sqlite.map(str::to_owned),
        postgres: postgres.map(str::to_owned),
        ..Case::new(name.to_owned(), &migration)
    }
}

fn alter(table: &str, changes: Vec<Change>) -> Operation {
    Operation::AlterTable(AlterTable {
        table: table.to_owned(),
        changes,
    })
}

fn drop_table(table: &str) -> Operation {
    let table = table.to_owned();
    Operation::DropTable { table }
}

fn drop_column(column: &str) -> Change {
    let column = column.to_owned();
    Change::DropColumn { column }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
