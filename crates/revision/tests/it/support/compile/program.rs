//! The program that was made of the files.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::runner::{self, Job};

/// The program, as it runs.
pub(super) struct Program {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Program {
    pub(super) fn start(path: &Path) -> Self {
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let output = child.stdout.take().expect("standard output is a pipe");
        Self {
            child,
            answers: BufReader::new(output).lines(),
        }
    }

    pub(super) fn ask(&mut self, job: &Job) -> String {
        let input = self.child.stdin.as_mut().expect("standard input is a pipe");
        input
            .write_all(line(job).as_bytes())
            .expect("the program reads");
        let answer = self.answers.next();
        let answer = answer.unwrap_or_else(|| panic!("{} ends the program", job.module));
        answer.expect("it writes text")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends with its input");
    }
}

/// A job as the program reads it.
fn line(job: &Job) -> String {
    let setup = job.setup.replace('\n', runner::LINE_BREAK);
    format!("{}\t{}\t{}\t{setup}\n", job.command, job.module, job.url)
}
