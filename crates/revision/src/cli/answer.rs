//! What a command says: as text, as JSON, and by its exit code.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::exit;
use crate::error::Error;

/// An answer that is ready to be written.
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) json: Value,
    pub(super) code: u8,
}

impl Answer {
    pub(super) fn fine(text: String, json: Value) -> Self {
        Self {
            text,
            json,
            code: exit::FINE,
        }
    }
}

/// Why there is no answer.
pub(super) enum Failure {
    /// The engine's own reason.
    Engine(Error),
    /// What was typed makes no sense.
    Usage(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// Writes an answer to standard output, or a failure to standard error.
pub(super) fn write(result: Result<Answer, Failure>, json: bool, program: &str) -> ExitCode {
    let answer = match result {
        Ok(answer) => answer,
        Err(failure) => return fail(&failure, json, program),
    };
    let text = if json {
        format!("{:#}\n", answer.json)
    } else {
        answer.text
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => answer.code.into(),
        // Whoever reads the answer, `head` for example, may have seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => answer.code.into(),
        Err(error) => {
            tell(&format!("The answer could not be written: {error}\n"));
            exit::FAILED.into()
        }
    }
}

fn fail(failure: &Failure, json: bool, program: &str) -> ExitCode {
    let (code, text, value) = match failure {
        Failure::Engine(error) => {
            let (what, state, next) = (
                error.to_string(),
                error.unchanged(),
                error.next_step_for(program),
            );
            let paint = Paint::for_errors();
            (
                exit::code(error),
                format!("{}\n{state}\n{next}\n", paint.red(&what)),
                json!({"code": error.code(), "message": what, "state": state, "next_step": next}),
            )
        }
        Failure::Usage(text) => (
            exit::USAGE,
            format!("{text}\n"),
            json!({"code": "usage", "message": text}),
        ),
    };
    if json {
        tell(&format!("{:#}\n", json!({"error": value})));
    } else {
        tell(&text);
    }
    code.into()
}

/// Writes to standard error.
pub(super) fn tell(text: &str) {
    // When even standard error is gone, the exit code is all that is left to say it with.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Colours, where a person looks on.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    pub(super) fn for_answers() -> Self {
        Self::new(io::stdout().is_terminal())
    }

    pub(super) fn for_errors() -> Self {
        Self::new(io::stderr().is_terminal())
    }

    /// <https://no-color.org>
    fn new(terminal: bool) -> Self {
        let asked_not_to = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            on: terminal && !asked_not_to,
        }
    }

    pub(super) fn green(self, text: impl fmt::Display) -> String {
        self.wrap(32, text)
    }

    pub(super) fn yellow(self, text: impl fmt::Display) -> String {
        self.wrap(33, text)
    }

    pub(super) fn red(self, text: impl fmt::Display) -> String {
        self.wrap(31, text)
    }

    fn wrap(self, colour: u8, text: impl fmt::Display) -> String {
        if self.on {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}
