//! Answers each line of standard input with a line: the program of the crate that the tests compile.

use std::io::{self, Write as _};

use sea_orm_migration::MigrationTrait;

use crate::runner::{Job, LINE_BREAK, answer};

pub(crate) fn serve(migration: fn(&str) -> Box<dyn MigrationTrait>) {
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
        let answer = runtime.block_on(answer(&job, migration(&job.module)));
        writeln!(io::stdout(), "{answer}").expect("the test reads");
    }
}
