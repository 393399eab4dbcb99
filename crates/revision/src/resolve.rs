//! What a target means for one database: which migrations to run, in which order. No input or output.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::report::{Direction, Status};
use crate::target::Target;

/// The history that the program knows, and how much of it a database has.
pub(crate) struct State<'a> {
    /// Every migration, oldest first.
    names: &'a [String],
    /// For each of them, whether it is applied.
    applied: Vec<bool>,
    unknown: Vec<String>,
}

impl<'a> State<'a> {
    pub(crate) fn new(names: &'a [String], recorded: &BTreeSet<String>) -> Self {
        let applied = names.iter().map(|name| recorded.contains(name)).collect();
        let unknown = recorded
            .iter()
            .filter(|name| !names.contains(name))
            .cloned()
            .collect();
        Self {
            names,
            applied,
            unknown,
        }
    }

    /// A database that is not there yet.
    pub(crate) fn empty(names: &'a [String]) -> Self {
        Self::new(names, &BTreeSet::new())
    }

    pub(crate) fn is_applied(&self, index: usize) -> bool {
        self.applied[index]
    }

    /// Every index, oldest first.
    pub(crate) fn all(&self) -> Vec<usize> {
        (0..self.names.len()).collect()
    }

    /// The newest applied migration.
    pub(crate) fn current(&self) -> Option<usize> {
        self.applied.iter().rposition(|applied| *applied)
    }

    pub(crate) fn current_name(&self) -> Option<String> {
        self.current().map(|index| self.names[index].clone())
    }

    pub(crate) fn status(&self) -> Status {
        let pick = |wanted: bool| {
            let each = self.names.iter().zip(&self.applied);
            each.filter(|(_, applied)| **applied == wanted)
                .map(|(name, _)| name.clone())
                .collect()
        };
        Status {
            applied: pick(true),
            pending: pick(false),
            unknown: self.unknown.clone(),
            out_of_order: self.late(self.names.len()),
        }
    }

    /// The indices to run, in the order in which to run them.
    ///
    /// # Errors
    ///
    /// Refuses a database that has revisions which the program does not know, whatever the target.
    pub(crate) fn plan(
        &self,
        direction: Direction,
        target: &Target,
        out_of_order: bool,
    ) -> Result<Vec<usize>, Error> {
        self.refuse_unknown()?;
        match direction {
            Direction::Up => self.plan_up(target, out_of_order),
            Direction::Down => self.plan_down(target),
        }
    }

    /// Refuses a database that has revisions which the program does not know.
    pub(crate) fn refuse_unknown(&self) -> Result<(), Error> {
        if self.unknown.is_empty() {
            return Ok(());
        }
        let revisions = self.unknown.clone();
        let known_head = self.names.last().cloned();
        if revisions
            .iter()
            .all(|name| Some(name) > self.names.iter().max())
        {
            return Err(Error::Newer {
                revisions,
                known_head,
            });
        }
        Err(Error::UnknownRevision {
            revisions,
            known_head,
        })
    }

    fn plan_up(&self, target: &Target, out_of_order: bool) -> Result<Vec<usize>, Error> {
        let pending: Vec<usize> = (0..self.names.len())
            .filter(|index| !self.applied[*index])
            .collect();
        let plan = match target {
            Target::Steps(steps) => {
                let wrong_way = || Error::WrongWay {
                    target: target.to_string(),
                    command: Direction::Up,
                };
                let steps = usize::try_from(*steps).map_err(|_| wrong_way())?;
                let available = pending.len();
                let too_far = || Error::TooFar {
                    asked: target.to_string(),
                    available,
                };
                pending.get(..steps).ok_or_else(too_far)?.to_vec()
            }
            Target::Base => {
                return Err(Error::WrongWay {
                    target: target.to_string(),
                    command: Direction::Up,
                });
            }
            _ => match self.position(target)? {
                Some(last) => pending.into_iter().filter(|index| *index <= last).collect(),
                None => Vec::new(),
            },
        };
        let end = plan.last().map_or(0, |last| last + 1);
        let late = self.late(end);
        match self.current_name() {
            Some(applied) if !late.is_empty() && !out_of_order => Err(Error::OutOfOrder {
                pending: late,
                applied,
            }),
            _ => Ok(plan),
        }
    }

    fn plan_down(&self, target: &Target) -> Result<Vec<usize>, Error> {
        let wrong_way = || Error::WrongWay {
            target: target.to_string(),
            command: Direction::Down,
        };
        let applied = (0..self.names.len())
            .rev()
            .filter(|index| self.applied[*index]);
        match target {
            Target::Steps(steps) if *steps > 0 => Err(wrong_way()),
            Target::Steps(steps) => {
                let applied: Vec<usize> = applied.collect();
                let available = applied.len();
                let steps = usize::try_from(steps.unsigned_abs()).unwrap_or(usize::MAX);
                let too_far = || Error::TooFar {
                    asked: target.to_string(),
                    available,
                };
                Ok(applied.get(..steps).ok_or_else(too_far)?.to_vec())
            }
            _ => match self.position(target)? {
                Some(last) if !self.applied[last] => Err(wrong_way()),
                Some(last) => Ok(applied.take_while(|index| *index > last).collect()),
                None => Ok(applied.collect()),
            },
        }
    }

    /// Pending migrations below `end` that sort before an applied one.
    fn late(&self, end: usize) -> Vec<String> {
        let current = self.current().unwrap_or(0);
        let late = (0..current.min(end)).filter(|index| !self.applied[*index]);
        late.map(|index| self.names[index].clone()).collect()
    }

    /// A target's place in the history; nothing is the place before the first migration.
    pub(crate) fn position(&self, target: &Target) -> Result<Option<usize>, Error> {
        match target {
            Target::Head => Ok(self.names.len().checked_sub(1)),
            Target::Base => Ok(None),
            Target::Current => Ok(self.current()),
            Target::Revision(part) => find(self.names, part).map(Some),
            Target::Steps(steps) => self.moved(self.current(), *steps, target),
            Target::Offset(part, steps) => {
                // A name may itself end in what looks like an offset.
                if let Some(index) = self
                    .names
                    .iter()
                    .position(|name| *name == target.to_string())
                {
                    return Ok(Some(index));
                }
                let Ok(from) = part.parse::<Target>();
                let from = self.position(&from)?;
                self.moved(from, *steps, target)
            }
        }
    }

    fn moved(
        &self,
        from: Option<usize>,
        steps: i64,
        target: &Target,
    ) -> Result<Option<usize>, Error> {
        // Places are counted from 0, before the first migration, so that they are never negative.
        let place = from.map_or(0, |index| index + 1);
        let available = if steps < 0 {
            place
        } else {
            self.names.len() - place
        };
        let distance = usize::try_from(steps.unsigned_abs()).unwrap_or(usize::MAX);
        if distance > available {
            return Err(Error::TooFar {
                asked: target.to_string(),
                available,
            });
        }
        let place = if steps < 0 {
            place - distance
        } else {
            place + distance
        };
        Ok(place.checked_sub(1))
    }
}

/// The migration that a part of a name means: all of it, then its beginning (with or without the `m` before
/// the date), then anything in it; blanks stand for underscores.
pub(crate) fn find(names: &[String], part: &str) -> Result<usize, Error> {
    let wanted = part.trim().to_lowercase().replace([' ', '-'], "_");
    let folded: Vec<String> = names
        .iter()
        .map(|name| name.to_lowercase().replace('-', "_"))
        .collect();
    if let Some(index) = names.iter().position(|name| name == part) {
        return Ok(index);
    }
    let no_such_revision = || Error::NoSuchRevision {
        asked: part.to_owned(),
    };
    if wanted.is_empty() {
        return Err(no_such_revision());
    }
    let rules: [fn(&str, &str) -> bool; 3] = [
        |name, wanted| name == wanted,
        |name, wanted| {
            name.starts_with(wanted)
                || name
                    .strip_prefix('m')
                    .is_some_and(|date| date.starts_with(wanted))
        },
        |name, wanted| name.contains(wanted),
    ];
    for rule in rules {
        let hits: Vec<usize> = (0..names.len())
            .filter(|index| rule(&folded[*index], &wanted))
            .collect();
        match hits[..] {
            [] => {}
            [index] => return Ok(index),
            _ => {
                let candidates = hits.iter().map(|index| names[*index].clone()).collect();
                return Err(Error::Ambiguous {
                    asked: part.to_owned(),
                    candidates,
                });
            }
        }
    }
    Err(no_such_revision())
}

#[cfg(test)]
mod tests;
