//! Runs one migration behind another one that only executes SQL; the same in a test and in the crate that it compiles.

use std::cell::RefCell;

use revision::{Direction, Engine, Options, Target};
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

/// What stands for a line break in a line: the unit separator.
pub(crate) const LINE_BREAK: &str = "\u{1f}";

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// `script-up`, `script-down`, `upgrade` or `downgrade`.
    pub(crate) command: String,
    /// The name of the migration, and of its module.
    pub(crate) module: String,
    pub(crate) url: String,
    /// The SQL before it.
    pub(crate) setup: String,
}

/// The setup, and the migration behind it.
type Pair = (String, Box<dyn MigrationTrait>);

thread_local! {
    static NEXT: RefCell<Option<Pair>> = const { RefCell::new(None) };
}

struct Both;

impl MigratorTrait for Both {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let (setup, migration) = NEXT.take().expect("answer() has put it there");
        vec![Box::new(Setup(setup)), migration]
    }
}

struct Setup(String);

impl MigrationName for Setup {
    fn name(&self) -> &'static str {
        "m0_setup"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Setup {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(&self.0).await.map(drop)
    }
}

/// What becomes of a job, in one line.
pub(crate) async fn answer(job: &Job, migration: Box<dyn MigrationTrait>) -> String {
    NEXT.set(Some((job.setup.clone(), migration)));
    let engine = Engine::new::<Both>();
    let options = Options {
        allow_data_loss: true,
        ..Options::default()
    };
    let setup = Target::Revision("m0_setup".to_owned());
    let script = async |direction, from, to| {
        let script = engine.script(&job.url, direction, from, to, &options);
        script.await.map_err(|error| error.to_string())
    };
    let done = |done: Result<revision::Report, revision::Error>| {
        done.map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let result = match job.command.as_str() {
        "script-up" => script(Direction::Up, &setup, &Target::Head).await,
        "script-down" => script(Direction::Down, &Target::Head, &setup).await,
        "upgrade" => done(engine.upgrade(&job.url, &Target::Head, &options).await),
        _ => done(engine.downgrade(&job.url, &setup, &options).await),
    };
    format!("{result:?}")
}
