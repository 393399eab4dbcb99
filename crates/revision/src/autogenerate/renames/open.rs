//! What was decided, and what must still be asked.

use std::collections::BTreeSet;

use crate::autogenerate::intent::{Decisions, Question};
use crate::error::Error;

/// What was decided and not used yet, and what must still be asked.
pub(super) struct Open<'a> {
    decisions: &'a Decisions,
    /// As they are typed.
    used: BTreeSet<String>,
    pub(super) questions: Vec<Question>,
}

impl<'a> Open<'a> {
    pub(super) fn new(decisions: &'a Decisions) -> Self {
        Self {
            decisions,
            used: BTreeSet::new(),
            questions: Vec::new(),
        }
    }

    /// Pairs the names of one kind in one place; the place may have had another name so far.
    ///
    /// `likeness` tells how likely one name is the other's successor, and nothing where it cannot be.
    pub(super) fn pair(
        &mut self,
        place: &str,
        former_place: &str,
        before: &[String],
        after: &[String],
        likeness: impl Fn(&str, &str) -> Option<f64>,
    ) -> Vec<(String, String)> {
        let places = [place, former_place];
        let pairs = self.renamed(places, before, after);
        let is_renamed = |name: &&String| pairs.iter().any(|(from, _)| from == *name);
        let is_taken = |name: &&String| pairs.iter().any(|(_, to)| to == *name);
        let lost = before
            .iter()
            .filter(|name| !after.contains(name) && !is_renamed(name));
        let found = after
            .iter()
            .filter(|name| (!before.contains(name) || is_renamed(name)) && !is_taken(name));
        let found: Vec<&String> = found.collect();
        for name in lost {
            if self.is_dropped(places, name) {
                continue;
            }
            let alike = found
                .iter()
                .filter_map(|other| Some((likeness(name, other)?, *other)));
            let mut alike: Vec<(f64, &String)> = alike.collect();
            alike.sort_by(|(one, _), (other, _)| other.total_cmp(one));
            if !alike.is_empty() {
                self.questions.push(Question::Renamed {
                    place: spell(place, name),
                    candidates: alike.into_iter().map(|(_, name)| name.clone()).collect(),
                });
            }
        }
        pairs
    }

    /// What was decided to be renamed, where both names are there and each is said once.
    fn renamed(
        &mut self,
        places: [&str; 2],
        before: &[String],
        after: &[String],
    ) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut typed = Vec::new();
        for (from, to) in &self.decisions.renames {
            let is = |name: &&String, said: &String| {
                places.iter().any(|place| spell(place, name) == *said)
            };
            let old = before.iter().find(|name| is(name, from));
            // The new name may be given with its place or without.
            let new = after.iter().find(|name| *name == to || is(name, to));
            let (Some(old), Some(new)) = (old, new) else {
                continue;
            };
            if old != new && !pairs.iter().any(|(from, to)| from == old || to == new) {
                pairs.push((old.clone(), new.clone()));
                typed.push(spell_rename(from, to));
            }
        }
        // A name that is in use must be given up by whoever has it.
        while let Some(stuck) = pairs
            .iter()
            .position(|(_, to)| before.contains(to) && !pairs.iter().any(|(from, _)| from == to))
        {
            pairs.remove(stuck);
            typed.remove(stuck);
        }
        self.used.extend(typed);
        pairs
    }

    fn is_dropped(&mut self, places: [&str; 2], name: &str) -> bool {
        let spelled = places.map(|place| spell(place, name));
        let drops = self.decisions.drops.iter();
        let typed: Vec<String> = drops
            .filter(|drop| spelled.contains(drop))
            .map(|drop| spell_drop(drop))
            .collect();
        let is_dropped = !typed.is_empty();
        self.used.extend(typed);
        is_dropped
    }

    /// A decision about something that is not there is a mistake of whoever typed it.
    pub(super) fn refuse_the_rest(&self) -> Result<(), Error> {
        let renames = self.decisions.renames.iter().map(|(from, to)| {
            let why = format!(
                "{from} must be something that is gone and {to} something new, and each be said once"
            );
            (spell_rename(from, to), why)
        });
        let drops = self.decisions.drops.iter();
        let drops = drops.map(|place| (spell_drop(place), format!("{place} is not gone")));
        for (typed, why) in renames.chain(drops) {
            if !self.used.contains(&typed) {
                return Err(Error::Refused {
                    reason: format!("{typed} does not fit: {why}."),
                    advice: "Check the names: the old one as it is in the migrations, the new one as it is in the entities."
                        .to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn spell(place: &str, name: &str) -> String {
    match place {
        "" => name.to_owned(),
        place => format!("{place}.{name}"),
    }
}

fn spell_rename(from: &str, to: &str) -> String {
    format!("--rename {from}:{to}")
}

fn spell_drop(place: &str) -> String {
    format!("--drop {place}")
}
