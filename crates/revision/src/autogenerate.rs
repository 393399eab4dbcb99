//! What a migration has to do so that the entities and the migrations belong together again.
//!
//! Two throw-away databases are made of each kind: one by the migrations, one by what the entities declare. Both are
//! read by the same reader and compared in the database's own spelling. What is renamed is renamed first, by the
//! database itself, and read again: so nothing that speaks of it is a difference. The rest is planned, the same way in
//! both directions, and proved where it was found: up must lead to exactly what is declared, down back to exactly
//! what was there, and up again. Nothing of the user's is needed or touched.

mod fills;
mod intent;
mod names;
mod plan;
mod prove;
mod reading;
mod renames;
mod spelling;
mod stage;
mod types;
mod words;

use sea_orm::DbBackend;
use sea_orm_migration::{MigrationTrait, SchemaManager};

pub use intent::{Decisions, Known, Question};
pub use stage::Stage;

use crate::engine::Engine;
use crate::error::Error;
use crate::memory::{self, replay};
use crate::operation::Operation;
use plan::{Fill, Side, plan};
use reading::Reading;
use renames::Renames;
use words::Listener;

/// What came out.
#[derive(Debug)]
pub enum Outcome {
    /// The entities and the migrations belong together.
    Nothing,
    /// The operations of a migration, proved.
    Proposal(Box<Proposal>),
    /// It cannot be known without an answer.
    Undecided(Vec<Question>),
}

/// The operations of a migration.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// What is done by an upgrade.
    pub up: Vec<Operation>,
    /// What is done by a downgrade.
    pub down: Vec<Operation>,
    /// On which databases both were executed, and led to where they should.
    pub proved_on: Vec<DbBackend>,
    /// What was guessed because nothing tells it.
    pub guesses: Vec<String>,
}

impl Proposal {
    /// What cannot be known here, in whole sentences for whoever reads the file.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.guesses.clone();
        if self.is_proved_by_sqlite_alone() {
            notes.push("It was not tried on PostgreSQL.".to_owned());
        }
        notes
    }

    pub(crate) fn is_proved_by_sqlite_alone(&self) -> bool {
        self.proved_on == [DbBackend::Sqlite]
    }
}

impl Engine {
    /// Finds out what the migrations lack of what the entities declare.
    ///
    /// With the URL of a PostgreSQL server the same is done in throw-away databases there.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when nothing is declared, or a decision does not fit; [`Error::Unproven`] when the difference
    /// cannot be expressed by operations that are sure to work; those of [`Stage::new`].
    pub async fn propose(
        &self,
        postgres: Option<&str>,
        decisions: &Decisions,
    ) -> Result<Outcome, Error> {
        if self.declared.is_empty() {
            return Err(Error::Refused {
                reason: "This program declares no entities, so there is nothing to compare the migrations with."
                    .to_owned(),
                advice: "Give them to the command line: revision::cli::main_declaring(…, Declared::new().entity(…))".to_owned(),
            });
        }
        let known = self.known().await?;
        let current = Stage::new(postgres).await?;
        let target = match Stage::new(postgres).await {
            Ok(target) => target,
            Err(error) => {
                current.close().await;
                return Err(error);
            }
        };
        let result = match self.make(&current, &target).await {
            Ok(()) => compare(&current, &target, &known, decisions, &self.left_out()).await,
            Err(error) => Err(error),
        };
        current.close().await;
        target.close().await;
        result
    }

    /// What operations after all the migrations would say to a database of this kind; none is needed.
    #[cfg(feature = "cli")]
    pub(crate) async fn sql_of(
        &self,
        backend: DbBackend,
        operations: &[Operation],
    ) -> Result<Vec<String>, Error> {
        use crate::tape;

        let scratch = match backend {
            DbBackend::Sqlite => Some(tape::Scratch::new().await?),
            _ => None,
        };
        let (connection, recording) = tape::scratch(backend, scratch.as_ref());
        let manager = SchemaManager::new(&connection);
        replay(&self.migrations(), &manager)
            .await
            .map_err(Error::database("Replaying the migrations"))?;
        tape::take(&recording);
        for operation in operations {
            let done = operation.run(&manager).await;
            done.map_err(Error::database("Writing the SQL"))?;
        }
        Ok(tape::take(&recording))
    }

    fn migrations(&self) -> Vec<&dyn MigrationTrait> {
        self.migrations.iter().map(|one| &**one).collect()
    }

    /// What the migrations lack of what the entities declare, a line for each thing; nothing when nothing is declared.
    ///
    /// Nothing is asked here: what may be renamed is told as dropped and added.
    pub(crate) async fn ahead(&self) -> Result<Vec<String>, Error> {
        if self.declared.is_empty() {
            return Ok(Vec::new());
        }
        let (current, target) = (Stage::new(None).await?, Stage::new(None).await?);
        self.make(&current, &target).await?;
        let left_out = self.left_out();
        let (old, new) = (
            read(&current, &left_out).await?,
            read(&target, &left_out).await?,
        );
        let known = self.known().await?;
        let unknown = known.before(&[]);
        let before = Side {
            reading: &old,
            known: &unknown,
            values: renames::enums(&old, &known.words_before),
        };
        let after = Side {
            reading: &new,
            known: &known,
            values: renames::enums(&new, &known.words),
        };
        let operations = plan(before, after, Fill::Empty).operations;
        if operations.is_empty() {
            let differences = old.differences(&new);
            return Ok(differences.iter().map(|(_, one)| one.to_string()).collect());
        }
        Ok(operations.iter().flat_map(Operation::lines).collect())
    }

    /// What the entities say, and what a PostgreSQL server would have heard of both.
    async fn known(&self) -> Result<Known, Error> {
        let mut known = Known::of(&self.declared)?;
        let (before, after) = (Listener::new(), Listener::new());
        for migration in &self.migrations {
            // What cannot be played without a server is not known; SQLite knows the rest.
            let played = migration.up(&SchemaManager::new(&before.connection)).await;
            if let Err(error) = played {
                tracing::debug!(migration = migration.name(), %error, "not heard");
                return Ok(known);
            }
        }
        if let Err(error) = self.declared.create_on(&after.connection).await {
            tracing::debug!(%error, "not heard");
            return Ok(known);
        }
        known.words_before = before.words();
        known.words = after.words();
        Ok(known)
    }

    /// Runs the migrations on the first stage, and creates what is declared on the second.
    async fn make(&self, current: &Stage, target: &Stage) -> Result<(), Error> {
        let migrations = self.migrations();
        for connection in current.connections() {
            replay(&migrations, &SchemaManager::new(connection))
                .await
                .map_err(Error::database("Replaying the migrations"))?;
        }
        target.declare(&self.declared).await
    }

    /// The tables that are somebody else's, those of the migration tool among them.
    fn left_out(&self) -> Vec<String> {
        let mut left_out = self.declared.left_out().to_vec();
        left_out.extend([self.table.to_string(), memory::TABLE.to_owned()]);
        left_out
    }
}

/// Compares what was made on the first stage with what was made on the second, and proves on the first what it finds.
///
/// `left_out` are patterns of tables that do not take part.
///
/// # Errors
///
/// As [`Engine::propose`].
pub async fn compare(
    current: &Stage,
    target: &Stage,
    known: &Known,
    decisions: &Decisions,
    left_out: &[String],
) -> Result<Outcome, Error> {
    let left_out = [left_out, &decisions.left_out].concat();
    let read = async |stage: &Stage| read(stage, &left_out).await;
    let (old, new) = (read(current).await?, read(target).await?);
    let (renames, questions) = Renames::decide(&old, &new, known, decisions)?;
    if !questions.is_empty() {
        return Ok(Outcome::Undecided(questions));
    }
    let mut up = renames.operations();
    // The database itself brings along whatever speaks of what is renamed.
    let start = if up.is_empty() {
        old.clone()
    } else {
        prove::execute(current, &up).await?;
        read(current).await?
    };

    let fills = fills::decided(&new, &decisions.fills)?;
    fills::try_out(current, &start, &decisions.fills).await?;
    let unknown = known.before(&up);
    let before = Side {
        reading: &start,
        known: &unknown,
        values: renames::enums(&old, &known.words_before),
    };
    let after = Side {
        reading: &new,
        known,
        values: renames::enums(&new, &known.words),
    };
    let forth = plan(before, after, Fill::Decided(&fills));
    if !forth.questions.is_empty() {
        return Ok(Outcome::Undecided(forth.questions));
    }
    let back = plan(after, before, Fill::Empty);
    let mut down = renames::undone(&up, back.operations);

    let mut reached = start.clone();
    if !forth.operations.is_empty() {
        prove::execute(current, &forth.operations).await?;
        reached = read(current).await?;
    }
    up.extend(forth.operations);
    let names = names::settle(&reached, &new);
    if !names.is_empty() {
        prove::execute(current, &names).await?;
        reached = read(current).await?;
    }
    up.extend(names);
    prove::equal("up", &reached, &new)?;
    if up.is_empty() {
        return Ok(Outcome::Nothing);
    }
    prove::execute(current, &down).await?;
    let names = names::settle(&read(current).await?, &old);
    prove::execute(current, &names).await?;
    down.extend(names);
    prove::equal("down", &read(current).await?, &old)?;
    prove::execute(current, &up).await?;
    prove::equal("up", &read(current).await?, &new)?;
    let mut guesses = forth.guesses;
    guesses.extend(back.guesses);
    Ok(Outcome::Proposal(Box::new(Proposal {
        up,
        down,
        proved_on: current.backends(),
        guesses,
    })))
}

async fn read(stage: &Stage, left_out: &[String]) -> Result<Reading, Error> {
    let is_left_out = |table: &str| left_out.iter().any(|pattern| matches(pattern, table));
    let reading = stage.read(is_left_out).await;
    reading.map_err(Error::database("Reading a throw-away database"))
}

/// Whether a name fits a pattern, in which `*` stands for any letters.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len())
                .filter(|at| name.is_char_boundary(*at))
                .any(|at| matches(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, name, expected) in [
            ("drug", "drug", true),
            ("drug", "drugs", false),
            ("spatial_*", "spatial_ref_sys", true),
            ("spatial_*", "spatial", false),
            ("*_old", "drug_old", true),
            ("a*b*c", "a-b-b-c", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
