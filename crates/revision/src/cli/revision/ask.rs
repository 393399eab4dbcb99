//! Asking whoever sits at the terminal what no schema tells.

use std::io::{self, BufRead as _, IsTerminal as _};

use crate::autogenerate::{Decisions, Outcome, Proposal, Question};
use crate::cli::answer::tell;
use crate::engine::Engine;
use crate::error::Error;

/// Proposes, and asks until nothing is open any more.
///
/// # Errors
///
/// [`Error::Undecided`] when there is nobody to be asked, or no answer; otherwise those of [`Engine::propose`].
pub(super) async fn until_decided(
    engine: &Engine,
    server: Option<&str>,
    mut decisions: Decisions,
    may_ask: bool,
) -> Result<Option<Proposal>, Error> {
    loop {
        let questions = match engine.propose(server, &decisions).await? {
            Outcome::Nothing => return Ok(None),
            Outcome::Proposal(proposal) => return Ok(Some(*proposal)),
            Outcome::Undecided(questions) => questions,
        };
        let somebody_is_there = may_ask && io::stdin().is_terminal();
        for question in &questions {
            let answered = somebody_is_there && ask(question, &mut decisions);
            if !answered {
                return Err(Error::Undecided { questions });
            }
        }
    }
}

/// Puts the answer among the decisions; an empty one is none.
fn ask(question: &Question, decisions: &mut Decisions) -> bool {
    match question {
        Question::Renamed { place, candidates } => {
            tell(&format!("{question}\n"));
            for (index, candidate) in candidates.iter().enumerate() {
                tell(&format!("  {}  renamed to {candidate}\n", index + 1));
            }
            let drop = candidates.len() + 1;
            tell(&format!("  {drop}  dropped\nWhich? "));
            let chosen = line().and_then(|line| line.parse::<usize>().ok());
            match chosen.and_then(|number| number.checked_sub(1)) {
                Some(index) if index < candidates.len() => {
                    let rename = (place.clone(), candidates[index].clone());
                    // Two cannot become the same one.
                    let is_taken = decisions
                        .renames
                        .iter()
                        .any(|other| other.1 == rename.1 && parent(&other.0) == parent(&rename.0));
                    if !is_taken {
                        decisions.renames.push(rename);
                    }
                    !is_taken
                }
                Some(index) if index == candidates.len() => {
                    decisions.drops.push(place.clone());
                    true
                }
                _ => false,
            }
        }
        Question::Fill { place, .. } => {
            tell(&format!("{question}\nAn SQL expression, such as '' or 0: "));
            let expression = line();
            let answered = expression.is_some();
            decisions
                .fills
                .extend(expression.map(|expression| (place.clone(), expression)));
            answered
        }
    }
}

/// The table that a column is in.
fn parent(place: &str) -> Option<&str> {
    place.rsplit_once('.').map(|(parent, _)| parent)
}

fn line() -> Option<String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let line = line.trim();
    (read.is_ok() && !line.is_empty()).then(|| line.to_owned())
}
