//! Answers each line of standard input with a line: the program of the crate that the tests compile.

use std::io::{self, Write as _};

use sea_orm_migration::MigrationTrait;

use crate::runner::{Job, LINE_BREAK, answer};

/// The name of a migration, and what makes it.
pub(crate) type Entry = (&'static str, fn() -> Box<dyn MigrationTrait>);

pub(crate) fn serve(migrations: &[Entry]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for line in io::stdin().lines() {
        let line = line.expect("the test writes text");
        let mut parts = line.split('\t').map(str::to_owned);
        let mut part = || parts.next().expect("a job has four parts");
        let job = Job {
            command: part(),
            module: part(),
            url: part(),
            setup: part().replace(LINE_BREAK, "\n"),
        };
        let mut named = migrations.iter().filter(|(name, _)| *name == job.module);
        let (_, make) = named.next().expect("the test knows their names");
        let answer = runtime.block_on(answer(&job, make()));
        writeln!(io::stdout(), "{answer}").expect("the test reads");
    }
}
