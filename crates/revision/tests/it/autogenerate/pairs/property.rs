//! What must hold for every pair: there, back and there again, nothing lost.

use revision::autogenerate::{Decisions, Known, Outcome, Proposal, Stage, compare};
use revision::operation::Operation;
use revision::schema::Schema;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use super::model::{Column, Id, Kind, Table};
use super::pair::Pair;
use super::sql::{self, quote};

/// What is executed in place of the operations of an upgrade, to see that it is noticed.
pub(super) type Damage = fn(&Pair, &Proposal) -> Upgrade;

/// What an upgrade executes.
#[derive(Debug)]
pub(super) enum Upgrade {
    Operations(Vec<Operation>),
    Statements(Vec<String>),
}

/// As it was proposed.
pub(super) fn undamaged(_: &Pair, proposal: &Proposal) -> Upgrade {
    Upgrade::Operations(proposal.up.clone())
}

/// What is wrong with the pair; otherwise the operations that it took, there and back.
pub(super) async fn holds(
    pair: &Pair,
    server: Option<&str>,
    damage: Damage,
) -> Result<Vec<Operation>, String> {
    let stages = Stages {
        current: Stage::new(server)
            .await
            .map_err(|error| error.to_string())?,
        target: Stage::new(server)
            .await
            .map_err(|error| error.to_string())?,
        used: Stage::new(server)
            .await
            .map_err(|error| error.to_string())?,
    };
    let result = stages.judge(pair, damage).await;
    stages.current.close().await;
    stages.target.close().await;
    stages.used.close().await;
    result
}

struct Stages {
    /// The first schema, on which the tool proves its proposal.
    current: Stage,
    /// The second one.
    target: Stage,
    /// The first one with rows.
    used: Stage,
}

impl Stages {
    async fn judge(&self, pair: &Pair, damage: Damage) -> Result<Vec<Operation>, String> {
        for (connection, backend) in self.current.connections().zip(pair.backends()) {
            execute(connection, &sql::create(&pair.before, *backend)).await?;
            execute(connection, &sql::foreign_keys(&pair.before, *backend)).await?;
        }
        for (connection, backend) in self.target.connections().zip(pair.backends()) {
            execute(connection, &sql::create(&pair.after, *backend)).await?;
            execute(connection, &sql::foreign_keys(&pair.after, *backend)).await?;
        }
        let (before, after) = (schemas(&self.current).await?, schemas(&self.target).await?);
        let decisions = pair.decisions();
        let known = Known::default();
        let compared = compare(&self.current, &self.target, &known, &decisions, &[]).await;
        let proposal = match compared {
            Ok(Outcome::Proposal(proposal)) => proposal,
            Ok(Outcome::Nothing) => {
                let differences = differences(&before, &after);
                if differences.is_empty() {
                    return Ok(Vec::new());
                }
                return Err(format!("finds nothing, but: {}", differences.join("; ")));
            }
            Ok(Outcome::Undecided(questions)) => return Err(format!("asks {questions:?}")),
            Err(error) => return Err(format!("refuses: {error}")),
        };
        for (connection, backend) in self.used.connections().zip(pair.backends()) {
            execute(connection, &sql::create(&pair.before, *backend)).await?;
            execute(connection, &pair.inserts(*backend)).await?;
            execute(connection, &sql::foreign_keys(&pair.before, *backend)).await?;
            if *backend == DbBackend::Sqlite {
                sound(connection).await?;
            }
        }
        let first = self.rows(pair, Side::Before, "before").await?;
        match damage(pair, &proposal) {
            Upgrade::Operations(up) => run(&self.used, "up", &up).await?,
            Upgrade::Statements(up) => {
                for connection in self.used.connections() {
                    execute(connection, &up).await?;
                }
            }
        }
        self.arrived("up", &after).await?;
        same_rows("up", &first, &self.rows(pair, Side::After, "up").await?)?;
        match compare(
            &self.used,
            &self.target,
            &Known::default(),
            &Decisions::default(),
            &[],
        )
        .await
        {
            Ok(Outcome::Nothing) => {}
            other => return Err(format!("a second time it finds {other:?}")),
        }
        run(&self.used, "down", &proposal.down).await?;
        self.arrived("down", &before).await?;
        same_rows(
            "down",
            &first,
            &self.rows(pair, Side::Before, "down").await?,
        )?;
        run(&self.used, "up again", &proposal.up).await?;
        self.arrived("up again", &after).await?;
        same_rows(
            "up again",
            &first,
            &self.rows(pair, Side::After, "up again").await?,
        )?;
        Ok(proposal.up.into_iter().chain(proposal.down).collect())
    }

    /// Whether the stage with the rows has this schema, and is sound.
    async fn arrived(&self, direction: &str, expected: &[Schema]) -> Result<(), String> {
        let differences = differences(&schemas(&self.used).await?, expected);
        if !differences.is_empty() {
            return Err(format!("{direction} with rows: {}", differences.join("; ")));
        }
        for connection in self.used.connections() {
            if connection.get_database_backend() == DbBackend::Sqlite {
                sound(connection)
                    .await
                    .map_err(|reason| format!("{direction}: {reason}"))?;
            }
        }
        Ok(())
    }

    /// The rows of each table that is there before and after, in the columns that are.
    async fn rows(&self, pair: &Pair, side: Side, step: &str) -> Result<Vec<Rows>, String> {
        let mut all = Vec::new();
        for (connection, backend) in self.used.connections().zip(pair.backends()) {
            for old in &pair.before.tables {
                let Some(new) = pair.after.table(old.id) else {
                    continue;
                };
                let table = match side {
                    Side::Before => old,
                    Side::After => new,
                };
                let mut columns = Vec::new();
                for (column, later) in kept(old, new) {
                    let name = match side {
                        Side::Before => &column.name,
                        Side::After => &later.name,
                    };
                    let text = expression(name, column, later, old, new, *backend);
                    columns.push(match (side, column.kind, backend) {
                        (Side::After, Kind::Enum(id), DbBackend::Postgres) => {
                            called_as_before(pair, id, &text)
                        }
                        _ => text,
                    });
                }
                columns.push("''".to_owned());
                let columns = columns.join(" || ', ' || ");
                // A statement that is prepared already does not know of other types.
                let query = format!(
                    "SELECT {columns} FROM {} ORDER BY 1 -- {step}",
                    quote(&table.name)
                );
                let lines = select(connection, &query).await?;
                let name = format!("{backend:?} {}", old.name);
                all.push(Rows { name, lines });
            }
        }
        Ok(all)
    }
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

/// What is in the kept columns of a table.
struct Rows {
    name: String,
    lines: Vec<String>,
}

fn same_rows(direction: &str, expected: &[Rows], found: &[Rows]) -> Result<(), String> {
    for (expected, found) in expected.iter().zip(found) {
        if expected.lines != found.lines {
            return Err(format!(
                "{direction}: the rows of {} were {:?}, are {:?}",
                expected.name, expected.lines, found.lines
            ));
        }
    }
    Ok(())
}

/// The columns that are there before and after, and are not computed.
fn kept<'a>(old: &'a Table, new: &'a Table) -> impl Iterator<Item = (&'a Column, &'a Column)> {
    old.columns.iter().filter_map(|column| {
        let later = new.column(column.id)?;
        let is_computed = column.generated.is_some() || later.generated.is_some();
        (!is_computed).then_some((column, later))
    })
}

/// A column's value as text: to the letter where its type stays, and otherwise what it says.
fn expression(
    name: &str,
    column: &Column,
    later: &Column,
    old: &Table,
    new: &Table,
    backend: DbBackend,
) -> String {
    let name = quote(name);
    let is_same = column.kind == later.kind && old.strict == new.strict;
    let number = "1.0 * ";
    let text = match backend {
        DbBackend::Sqlite if is_same => format!("quote({name})"),
        DbBackend::Sqlite if is_numeric(column) => format!("quote({number}{name})"),
        DbBackend::Sqlite => format!("quote(CAST({name} AS TEXT))"),
        _ if is_numeric(column) && !is_same => {
            format!("coalesce(trim_scale({name}::text::numeric)::text, 'NULL')")
        }
        _ => format!("coalesce(quote_literal({name}::text), 'NULL')"),
    };
    // A NULL that must not stay becomes what was decided, and does not come back.
    let is_filled = column.nullable && !later.nullable;
    if is_filled { "'…'".to_owned() } else { text }
}

/// The values of an enum by the names that they had.
fn called_as_before(pair: &Pair, id: Id, text: &str) -> String {
    let values = |schema: &super::model::Schema| {
        let found = schema.find_enum(id);
        found.map(|one| one.values.clone()).unwrap_or_default()
    };
    let (before, after) = (values(&pair.before), values(&pair.after));
    let cases = before.iter().filter_map(|(value, old)| {
        let (_, new) = after.iter().find(|(other, _)| other == value)?;
        let name = |text: &str| format!("quote_literal({})", sql::literal(text));
        Some(format!("WHEN {} THEN {} ", name(new), name(old)))
    });
    let cases: String = cases.collect();
    format!("CASE {text} {cases}ELSE {text} END")
}

fn is_numeric(column: &Column) -> bool {
    column.kind.family() == super::model::Family::Number
}

async fn run(stage: &Stage, direction: &str, operations: &[Operation]) -> Result<(), String> {
    let done = stage.run(operations).await;
    done.map_err(|error| format!("{direction} with rows fails: {error}"))
}

async fn schemas(stage: &Stage) -> Result<Vec<Schema>, String> {
    let mut schemas = Vec::new();
    for connection in stage.connections() {
        let schema = revision::schema::read(connection, &[]).await;
        schemas.push(schema.map_err(|error| format!("reading: {error}"))?);
    }
    Ok(schemas)
}

fn differences(found: &[Schema], expected: &[Schema]) -> Vec<String> {
    let pairs = found.iter().zip(expected);
    let each = pairs.flat_map(|(found, expected)| {
        let differences = found.differences(expected);
        differences
            .into_iter()
            .map(move |one| format!("{:?}: {one}", found.backend))
    });
    each.collect()
}

async fn execute(connection: &DatabaseConnection, statements: &[String]) -> Result<(), String> {
    for statement in statements {
        let done = connection.execute_unprepared(statement).await;
        done.map_err(|error| format!("made up wrongly: {statement}: {error}"))?;
    }
    Ok(())
}

/// Whether SQLite finds its file whole, and every child its parent.
async fn sound(connection: &DatabaseConnection) -> Result<(), String> {
    let whole = select(connection, "PRAGMA integrity_check").await?;
    if whole != ["ok"] {
        return Err(format!("integrity_check says {whole:?}"));
    }
    let orphans = "SELECT \"table\" || ' ' || parent FROM pragma_foreign_key_check";
    let orphans = select(connection, orphans).await?;
    if !orphans.is_empty() {
        return Err(format!("foreign_key_check says {orphans:?}"));
    }
    Ok(())
}

/// The first column of every row.
async fn select(connection: &DatabaseConnection, query: &str) -> Result<Vec<String>, String> {
    let statement = Statement::from_string(connection.get_database_backend(), query);
    let rows = connection.query_all_raw(statement).await;
    let rows = rows.map_err(|error| format!("{query}: {error}"))?;
    rows.iter()
        .map(|row| {
            row.try_get_by_index(0)
                .map_err(|error| format!("{query}: {error}"))
        })
        .collect()
}
