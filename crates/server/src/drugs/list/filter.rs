//! Which drugs a list has, in statements that read little beside what they answer.
//!
//! A drug is in one of six groups: archived or not, with one of three schedules. Every index begins with the group, so
//! that a list in any order is a range in each of its groups, and what is in the others is not read. What has to be
//! ordered is a range as well. What a search finds is found by an index: on PostgreSQL one of trigrams that serves LIKE
//! itself, on SQLite a table of its own, in which every second letter of a text begins a piece of seven letters. A word
//! that stands in a text begins a piece there, or its second letter does: so each word is asked for in two ways, and
//! little is read beside what is found, for few drugs share a piece.
//!
//! SQLite keeps no statistics, so it is told by a `+` which indexes are not to be used. It counts each group by
//! triggers; PostgreSQL counts in an index, because there all writers would wait for the same few counters.

use entity::drug::{Column, Entity, ScheduleType};
use sea_orm::sea_query::extension::sqlite::SqliteExpr;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, Query, SelectStatement, SimpleExpr};
use sea_orm::{ActiveEnum, ColumnTrait, Condition, DbBackend, Iterable};

use crate::page::{Rows, unindexed};

/// How many letters a piece of the index has.
const PIECE: usize = 7;
/// A shorter word is in so many drugs that all of them are looked at.
const SHORTEST: usize = 3;

/// What is asked of the drugs of a list.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) archived: Option<bool>,
    pub(super) schedule_type: Option<ScheduleType>,
    pub(super) needs_reorder: Option<bool>,
    /// What is said of a drug that needs a reorder.
    pub(super) due: Condition,
    /// Folded words that stand in its name or strength.
    pub(super) words: Vec<String>,
}

impl Filter {
    /// The drugs, to be read by a key.
    pub(super) fn rows(&self, backend: DbBackend, key: Column) -> Rows {
        let rows = |groups: Condition| groups.add(self.others());
        let is_sqlite = backend == DbBackend::Sqlite;
        let is_due = is_sqlite && self.needs_reorder == Some(true);
        if is_sqlite && let Some(found) = self.found() {
            // What is found comes in the order of the ids.
            let is_in_order = matches!(key, Column::Id);
            return Rows {
                ranges: vec![rows(self.groups(unindexed)).add(found)],
                sorts: !is_in_order,
                counts: is_in_order,
            };
        }
        if is_due && !matches!(key, Column::ReorderDate) {
            return Rows {
                ranges: vec![rows(self.groups(Expr::col))],
                sorts: true,
                counts: false,
            };
        }
        Rows {
            ranges: self.each_group().map(rows).collect(),
            sorts: false,
            counts: is_due,
        }
    }

    /// How many they are.
    pub(super) fn total(&self, backend: DbBackend) -> SelectStatement {
        match (backend, self.found()) {
            (DbBackend::Sqlite, Some(found)) => self.count(self.groups(unindexed).add(found)),
            (DbBackend::Sqlite, None) if self.words.is_empty() => match self.needs_reorder {
                None => self.counted(),
                Some(true) => self.count(self.groups(Expr::col)),
                Some(false) => {
                    let due = Self {
                        needs_reorder: Some(true),
                        due: self.due.clone(),
                        words: Vec::new(),
                        ..*self
                    };
                    let (all, due) = (self.counted(), due.total(backend));
                    let rest = Expr::expr(SimpleExpr::from(all)).sub(SimpleExpr::from(due));
                    Query::select().expr_as(rest, "number").to_owned()
                }
            },
            _ => self.count(self.groups(Expr::col)),
        }
    }

    fn count(&self, groups: Condition) -> SelectStatement {
        Query::select()
            .expr_as(Expr::cust("*").count(), "number")
            .from(Entity)
            .cond_where(groups.add(self.others()))
            .to_owned()
    }

    /// The sum of what SQLite has counted.
    fn counted(&self) -> SelectStatement {
        Query::select()
            .expr_as(Expr::cust("coalesce(sum(n), 0)"), "number")
            .from("drug_counts")
            .cond_where(self.groups(Expr::col))
            .to_owned()
    }

    /// The groups, all at once.
    fn groups(&self, spelled: fn(Column) -> Expr) -> Condition {
        let kinds = self.schedule_types().map(|kind| kind.to_value());
        Condition::all()
            .add(spelled(Column::Archived).is_in(self.archived()))
            .add(spelled(Column::ScheduleType).is_in(kinds))
    }

    /// The groups, one by one.
    fn each_group(&self) -> impl Iterator<Item = Condition> {
        self.archived().into_iter().flat_map(|archived| {
            self.schedule_types().map(move |kind| {
                Condition::all()
                    .add(Column::Archived.eq(archived))
                    .add(Column::ScheduleType.eq(kind))
            })
        })
    }

    fn archived(&self) -> Vec<bool> {
        self.archived.map_or(vec![false, true], |one| vec![one])
    }

    fn schedule_types(&self) -> impl Iterator<Item = ScheduleType> {
        let wanted = self.schedule_type;
        ScheduleType::iter().filter(move |kind| wanted.is_none_or(|wanted| wanted == *kind))
    }

    /// What is asked beside the groups.
    fn others(&self) -> Condition {
        let mut others = Condition::all();
        if let Some(needs_reorder) = self.needs_reorder {
            let due = self.due.clone();
            others = others.add(if needs_reorder { due } else { due.not() });
        }
        for word in &self.words {
            let pattern = LikeExpr::new(format!("%{}%", escaped(word))).escape('\\');
            others = others.add(Column::SearchText.like(pattern));
        }
        others
    }

    /// Where SQLite looks for the words; LIKE decides. Nothing where no word is long enough.
    fn found(&self) -> Option<Expr> {
        let asked: Vec<String> = self.words.iter().filter_map(|word| asked(word)).collect();
        let search = Query::select()
            .column("rowid")
            .from("drugs_search")
            .and_where(Expr::col("drugs_search").matches(asked.join(" AND ")))
            .to_owned();
        (!asked.is_empty()).then(|| Column::Id.in_subquery(search))
    }
}

/// What the index of pieces is asked for a word: as much of its beginning as fits into the two pieces of which it has
/// one, and where that is not the whole word, as much of its end.
fn asked(word: &str) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    let longest = PIECE + 1;
    match letters.len() {
        ..SHORTEST => None,
        length if length <= longest => Some(either(&letters)),
        length => {
            let (begin, end) = (&letters[..longest], &letters[length - longest..]);
            Some(format!("{} AND {}", either(begin), either(end)))
        }
    }
}

/// A piece begins with the first of these letters, or with the second.
fn either(letters: &[char]) -> String {
    format!("({} OR {})", piece(letters), piece(&letters[1..]))
}

/// The piece that begins with these letters, or all of them that do.
fn piece(letters: &[char]) -> String {
    let piece: String = letters.iter().take(PIECE).collect();
    let more = if letters.len() < PIECE { "*" } else { "" };
    format!("\"{}\"{more}", piece.replace('"', "\"\""))
}

/// The text with the wildcards of LIKE taken literally.
fn escaped(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for char in word.chars() {
        if matches!(char, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}
