//! What a command will do, step by step. No input or output.

use crate::error::Error;
use crate::options::Transactions;
use crate::report::Direction;
use crate::resolve::State;
use crate::target::Target;

/// What a command was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal<'a> {
    Upgrade(&'a Target),
    Downgrade(&'a Target),
    /// Everything down, and up again.
    Refresh,
    /// Everything dropped, whatever it is, and up again.
    Fresh,
    /// The version rows alone; with `purge` also those that the program does not know.
    Stamp {
        target: &'a Target,
        purge: bool,
    },
}

/// One migration, one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) index: usize,
    pub(crate) direction: Direction,
    pub(crate) kind: Kind,
}

/// How much of a move is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All of it.
    Run,
    /// Only its version row is written or removed, with what is remembered.
    Stamp,
    /// Only what is remembered is written: its version row is there.
    Accept,
}

/// What is left to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Whether everything in the database is dropped first.
    pub(crate) wipe: bool,
    /// Version rows that are removed first.
    pub(crate) purge: Vec<String>,
    pub(crate) moves: Vec<Move>,
    /// How many moves are done already.
    pub(crate) done: usize,
}

/// The beginning of a plan that is run as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// How many moves.
    pub(crate) len: usize,
    /// Whether it is one migration that declares that it cannot run in a transaction.
    pub(crate) alone: bool,
}

impl Plan {
    /// Finds out what the goal means for a database in this state.
    pub(crate) fn new(goal: Goal<'_>, state: &State, out_of_order: bool) -> Result<Self, Error> {
        let moves = |direction, indices: Vec<usize>| {
            let each = indices.into_iter().map(move |index| Move {
                index,
                direction,
                kind: Kind::Run,
            });
            each.collect::<Vec<_>>()
        };
        let mut plan = Self::default();
        match goal {
            Goal::Upgrade(target) => {
                let indices = state.plan(Direction::Up, target, out_of_order)?;
                plan.moves = moves(Direction::Up, indices);
            }
            Goal::Downgrade(target) => {
                let indices = state.plan(Direction::Down, target, out_of_order)?;
                plan.moves = moves(Direction::Down, indices);
            }
            Goal::Refresh => {
                let down = state.plan(Direction::Down, &Target::Base, out_of_order)?;
                plan.moves = moves(Direction::Down, down);
                plan.moves.extend(moves(Direction::Up, state.all()));
            }
            Goal::Fresh => {
                plan.wipe = true;
                plan.moves = moves(Direction::Up, state.all());
            }
            Goal::Stamp { target, purge } => {
                if purge {
                    plan.purge = state.status().unknown;
                } else {
                    state.refuse_unknown()?;
                }
                let last = state.position(target)?;
                for index in state.all() {
                    let wanted = last.is_some_and(|last| index <= last);
                    let applied = state.is_applied(index);
                    if wanted || applied {
                        plan.moves.push(Move {
                            index,
                            direction: if wanted {
                                Direction::Up
                            } else {
                                Direction::Down
                            },
                            kind: if wanted && applied {
                                Kind::Accept
                            } else {
                                Kind::Stamp
                            },
                        });
                    }
                }
            }
        }
        Ok(plan)
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.wipe && self.purge.is_empty() && self.moves.is_empty()
    }

    /// Whether the version rows that are there stay as they are, also those that the program does not know.
    pub(crate) fn keeps_what_is_there(&self) -> bool {
        !self.wipe && self.purge.is_empty()
    }

    pub(crate) fn total(&self) -> usize {
        self.done + self.moves.len()
    }

    /// Leaves out what somebody else has done while the lock was given up.
    pub(crate) fn catch_up(&mut self, state: &State) {
        if self.wipe {
            return;
        }
        let mut applied: Vec<bool> = (state.all().iter())
            .map(|index| state.is_applied(*index))
            .collect();
        self.moves.retain(|step| {
            let up = step.direction == Direction::Up;
            if step.kind == Kind::Accept {
                return applied[step.index];
            }
            std::mem::replace(&mut applied[step.index], up) != up
        });
    }

    /// What is run next, as one.
    pub(crate) fn batch(&self, transactions: Transactions, alone: impl Fn(&Move) -> bool) -> Batch {
        let in_transaction = self.moves.iter().take_while(|step| !alone(step)).count();
        let prepares = !self.keeps_what_is_there();
        match (in_transaction, transactions) {
            (0, _) => Batch {
                len: usize::from(!prepares && !self.moves.is_empty()),
                alone: !prepares && !self.moves.is_empty(),
            },
            (_, Transactions::PerMigration) => Batch {
                len: 1,
                alone: false,
            },
            (len, Transactions::One) => Batch { len, alone: false },
        }
    }

    /// Takes a batch off the front, when it is committed.
    pub(crate) fn advance(&mut self, batch: Batch) {
        self.wipe = false;
        self.purge.clear();
        self.moves.drain(..batch.len);
        self.done += batch.len;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Batch, Goal, Kind, Plan};
    use crate::options::Transactions;
    use crate::report::Direction;
    use crate::resolve::State;
    use crate::target::Target;

    fn names() -> Vec<String> {
        ["m1", "m2", "m3"].map(str::to_owned).to_vec()
    }

    fn plan(goal: Goal<'_>, recorded: &[&str]) -> String {
        let names = names();
        let recorded: BTreeSet<String> = recorded.iter().map(|name| (*name).to_owned()).collect();
        match Plan::new(goal, &State::new(&names, &recorded), false) {
            Ok(plan) => text(&plan),
            Err(error) => error.code().to_owned(),
        }
    }

    fn text(plan: &Plan) -> String {
        let mut words: Vec<String> = Vec::new();
        words.extend(plan.wipe.then(|| "wipe".to_owned()));
        words.extend(plan.purge.iter().map(|name| format!("purge {name}")));
        words.extend(plan.moves.iter().map(|step| {
            let sign = match step.direction {
                Direction::Up => '+',
                Direction::Down => '-',
            };
            let brackets = match step.kind {
                Kind::Run => "",
                Kind::Stamp => "()",
                Kind::Accept => "=",
            };
            format!("{sign}{}{brackets}", step.index + 1)
        }));
        words.join(" ")
    }

    #[test]
    fn refresh_goes_down_and_up_and_fresh_only_up() {
        assert_eq!(plan(Goal::Refresh, &["m1", "m2"]), "-2 -1 +1 +2 +3");
        assert_eq!(plan(Goal::Refresh, &["m1", "other"]), "newer");
        assert_eq!(plan(Goal::Fresh, &["m1", "other"]), "wipe +1 +2 +3");
    }

    #[test]
    fn a_stamp_writes_and_removes_version_rows_only() {
        let stamp = |target: &Target, purge, recorded: &[&str]| {
            plan(Goal::Stamp { target, purge }, recorded)
        };
        assert_eq!(stamp(&Target::Head, false, &["m1"]), "+1= +2() +3()");
        assert_eq!(stamp(&Target::Base, false, &["m1", "m2"]), "-1() -2()");
        let second = Target::Revision("m2".into());
        assert_eq!(stamp(&second, false, &["m3"]), "+1() +2() -3()");
        assert_eq!(stamp(&second, false, &["m1", "m9"]), "newer");
        assert_eq!(stamp(&second, true, &["m1", "m9"]), "purge m9 +1= +2()");
    }

    #[test]
    fn what_somebody_else_has_done_is_left_out() {
        let names = names();
        let state = |recorded: &[&str]| {
            let recorded: BTreeSet<String> =
                recorded.iter().map(|name| (*name).to_owned()).collect();
            State::new(&names, &recorded)
        };
        let mut plan = Plan::new(Goal::Upgrade(&Target::Head), &state(&[]), false)
            .expect("nothing is unknown");
        plan.catch_up(&state(&["m1", "m2"]));
        assert_eq!(text(&plan), "+3");
        let mut plan =
            Plan::new(Goal::Refresh, &state(&["m1", "m2"]), false).expect("nothing is unknown");
        plan.catch_up(&state(&["m1"]));
        assert_eq!(text(&plan), "-1 +1 +2 +3");
    }

    #[test]
    fn a_migration_without_a_transaction_is_a_batch_of_its_own() {
        let names = names();
        let state = State::empty(&names);
        let mut plan =
            Plan::new(Goal::Upgrade(&Target::Head), &state, false).expect("nothing is unknown");
        let mut batches = Vec::new();
        while !plan.is_empty() {
            let batch = plan.batch(Transactions::One, |step| step.index == 1);
            batches.push((batch.len, batch.alone));
            plan.advance(batch);
        }
        assert_eq!(batches, [(1, false), (1, true), (1, false)]);
        let plan = Plan::new(Goal::Fresh, &state, false).expect("nothing is unknown");
        assert_eq!(
            plan.batch(Transactions::One, |step| step.index == 0),
            Batch {
                len: 0,
                alone: false
            }
        );
    }
}
