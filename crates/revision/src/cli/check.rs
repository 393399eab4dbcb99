//! `check`: every way in which a database, its history and the program can be apart.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::answer::{Answer, Failure, Paint};
use super::{Program, exit};
use crate::check::Check;
use crate::error::Error;
use crate::report::Status;
use crate::resolve::State;

impl Program {
    pub(super) async fn check(&self) -> Result<Answer, Failure> {
        let check = self.engine.check(&self.url).await?;
        let findings = self.findings(&check);
        let paint = Paint::for_answers();
        let mut text = String::new();
        for finding in &findings {
            writeln!(text, "{}", paint.yellow(&finding.what)).expect("writing to a String");
            for line in &finding.lines {
                writeln!(text, "  {line}").expect("writing to a String");
            }
            writeln!(text, "{}", finding.next).expect("writing to a String");
        }
        if findings.is_empty() {
            let current = check.status.current().unwrap_or("base");
            writeln!(
                text,
                "{current} (head): the database is as the migrations left it."
            )
            .expect("writing to a String");
        }
        if !check.unremembered.is_empty() {
            writeln!(
                text,
                "Nothing is remembered of: {}.",
                check.unremembered.join(", ")
            )
            .expect("writing to a String");
        }
        let code = findings.first().map_or(exit::FINE, |finding| finding.exit);
        let list: Vec<Value> = findings
            .iter()
            .map(|finding| {
                json!({
                    "code": finding.code,
                    "message": finding.what,
                    "details": finding.lines,
                    "next_step": finding.next,
                })
            })
            .collect();
        let json = json!({
            "is_fine": check.is_fine(),
            "current": check.status.current(),
            "findings": list,
            "unremembered": check.unremembered,
        });
        Ok(Answer { text, json, code })
    }

    /// The gravest first: its exit code is the command's.
    fn findings(&self, check: &Check) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(error) = self.unknown(&check.status) {
            findings.push(Finding {
                code: error.code(),
                exit: exit::code(&error),
                what: error.to_string(),
                lines: Vec::new(),
                next: error.next_step_for(&self.name),
            });
        }
        if !check.edited.is_empty() {
            findings.push(Finding {
                code: "edited",
                exit: exit::EDITED,
                what: "A migration was edited after it was applied.".to_owned(),
                lines: check.edited.clone(),
                next: format!(
                    "Undo the edit, and put the change into a new one: {0} revision -m \"…\"; \
                     if the database has the change already: {0} stamp current",
                    self.name
                ),
            });
        }
        if check.drifted == Some(true) {
            let mut lines: Vec<String> =
                check.differences.iter().map(ToString::to_string).collect();
            if lines.is_empty() {
                lines.push("What exactly cannot be told here.".to_owned());
            }
            findings.push(Finding {
                code: "drift",
                exit: exit::DRIFT,
                what: "The schema was changed by something else than a migration.".to_owned(),
                lines,
                next: format!(
                    "Take the change back by hand, or put it into a migration; to keep it as it is: {} stamp current",
                    self.name
                ),
            });
        }
        if !check.ahead.is_empty() {
            findings.push(Finding {
                code: "entities-ahead",
                exit: exit::ENTITIES_AHEAD,
                what: "The entities are ahead of the migrations.".to_owned(),
                lines: check.ahead.clone(),
                next: format!(
                    "Write the migration that is missing: {} revision --autogenerate -m \"…\"",
                    self.name
                ),
            });
        }
        if !check.status.pending.is_empty() {
            findings.push(Finding {
                code: "pending",
                exit: exit::PENDING,
                what: "Target database is not up to date.".to_owned(),
                lines: (check.status.pending.iter())
                    .map(|name| format!("pending: {name}"))
                    .collect(),
                next: format!("Run: {} upgrade head", self.name),
            });
        }
        findings
    }

    /// What is wrong with a database that has revisions which the program does not know.
    pub(super) fn unknown(&self, status: &Status) -> Option<Error> {
        let recorded = status.unknown.iter().cloned().collect();
        let state = State::new(self.engine.names(), &recorded);
        state.refuse_unknown().err()
    }
}

struct Finding {
    code: &'static str,
    exit: u8,
    what: String,
    lines: Vec<String>,
    next: String,
}
