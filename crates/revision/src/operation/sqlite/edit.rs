//! What a table shall be after its changes: its new text, and where each of its values comes from.

mod columns;

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::affinity::{Affinity, strict_type};
use super::dependents;
use super::original::Original;
use crate::ddl::{Clause, CreateTable, Names, Rule, normal, quote, tokenize};
use crate::operation::count::Doubt;
use crate::operation::{Change, refuse, spell};
use crate::schema::ForeignKey;

const SQLITE: DbBackend = DbBackend::Sqlite;

/// The table to be, and how its rows are made from those of the table that is.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) create: CreateTable,
    /// For each column that is filled, in lower case, an expression over the old row.
    sources: BTreeMap<String, String>,
    /// Indexes that go with their only column.
    pub(super) dropped_indexes: Vec<String>,
    /// Columns whose values must be of their new type after the copy.
    pub(super) converted: Vec<String>,
    /// Columns that are added, and get their values from SQLite as soon as they are the key.
    counted: Vec<String>,
    doubts: Vec<Doubt>,
    unique: Vec<Vec<String>>,
    foreign_keys: Vec<ForeignKey>,
    changes: usize,
}

impl Plan {
    pub(super) fn new(original: &Original, changes: &[&Change]) -> Result<Self, DbErr> {
        let columns = original.create.columns.iter();
        let kept = columns.filter(|column| !column.is_generated());
        let sources = kept.map(|column| (column.name().to_lowercase(), quote(&column.name())));
        let mut plan = Self {
            create: original.create.clone(),
            sources: sources.collect(),
            dropped_indexes: Vec::new(),
            converted: Vec::new(),
            counted: Vec::new(),
            doubts: Vec::new(),
            unique: Vec::new(),
            foreign_keys: Vec::new(),
            changes: 0,
        };
        for change in changes {
            plan.change(original, change)?;
        }
        Ok(plan)
    }

    /// Whether none of the changes concerns SQLite.
    pub(super) fn is_nothing(&self) -> bool {
        self.changes == 0
    }

    /// The columns to be filled, and the expressions that fill them.
    pub(super) fn copied(&self) -> impl Iterator<Item = (String, &String)> {
        self.create.columns.iter().filter_map(|column| {
            let name = column.name();
            let source = self.sources.get(&name.to_lowercase())?;
            Some((name, source))
        })
    }

    /// The rows as they will be, as something to select from; columns that are dropped are in it too.
    pub(super) fn rows(&self, original: &Original) -> String {
        let mut parts: Vec<String> = self
            .copied()
            .map(|(name, source)| format!("{} AS {}", self.converted(&name, source), quote(&name)))
            .collect();
        let is_filled = |name: &str| self.sources.contains_key(&name.to_lowercase());
        for column in &original.create.columns {
            if !is_filled(&column.name()) {
                parts.push(quote(&column.name()));
            }
        }
        for column in &self.create.columns {
            let name = column.name();
            if !is_filled(&name) && original.create.column(&name).is_none() {
                parts.push(format!("{} AS {}", column.default_text(), quote(&name)));
            }
        }
        format!(
            "(SELECT {} FROM {})",
            parts.join(", "),
            quote(&original.name)
        )
    }

    /// A value as a column of another type will keep it: a text that is compared with a number is no number yet.
    fn converted(&self, name: &str, source: &str) -> String {
        let is_converted = self
            .converted
            .iter()
            .any(|other| other.eq_ignore_ascii_case(name));
        let column = self.create.column(name).filter(|_| is_converted);
        match column.map(|column| Affinity::of(&column.type_text())) {
            Some(Affinity::Text) => format!("CAST({source} AS TEXT)"),
            Some(Affinity::Integer | Affinity::Real | Affinity::Numeric) => {
                format!("CAST({source} AS NUMERIC)")
            }
            _ => source.to_owned(),
        }
    }

    /// What must be counted before.
    pub(super) async fn doubts(
        &self,
        connection: &impl ConnectionTrait,
        original: &Original,
    ) -> Result<Vec<Doubt>, DbErr> {
        let rows = self.rows(original);
        let mut doubts = self.doubts.clone();
        doubts.extend(
            self.unique
                .iter()
                .map(|columns| Doubt::duplicate(columns, &rows)),
        );
        for key in &self.foreign_keys {
            let parent = dependents::parent_columns(connection, key).await?;
            // A table that points at itself may get its parents by the same changes.
            let parents = if key.parent.eq_ignore_ascii_case(&original.name) {
                rows.clone()
            } else {
                quote(&key.parent)
            };
            doubts.push(Doubt::orphan(key, &parents, &parent));
        }
        Ok(doubts)
    }

    fn change(&mut self, original: &Original, change: &Change) -> Result<(), DbErr> {
        self.changes += 1;
        match change {
            Change::AddColumn { column, fill } => self.add_column(column, fill.as_ref())?,
            Change::DropColumn { column } => self.drop_column(original, column)?,
            Change::RenameColumn { .. } => {}
            // For PostgreSQL only.
            Change::RenameConstraint { .. }
            | Change::SetComment { .. }
            | Change::SetCollation { sqlite: None, .. } => self.changes -= 1,
            Change::SetType {
                column,
                column_type,
                using,
            } => {
                self.set_type(column, column_type)?;
                if let Some(using) = using {
                    self.fill(column, spell::expression(SQLITE, using));
                }
            }
            Change::SetNotNull { column, fill } => {
                let text = self.column(column)?;
                text.drop_rules(|rule| matches!(rule, Rule::Null));
                if !text.is_not_null() {
                    text.add_clause("NOT NULL")?;
                }
                if let Some(fill) = fill {
                    let source = self.source(column);
                    self.fill(
                        column,
                        format!("coalesce({source}, {})", spell::expression(SQLITE, fill)),
                    );
                }
                self.doubts.push(Doubt::null(column));
            }
            Change::DropNotNull { column } => self
                .column(column)?
                .drop_rules(|rule| matches!(rule, Rule::NotNull { .. })),
            Change::SetDefault { column, value } => {
                let text = self.column(column)?;
                text.drop_rules(|rule| matches!(rule, Rule::Default { .. }));
                text.add_clause(&format!("DEFAULT {}", spell::default(SQLITE, value)))?;
            }
            Change::DropDefault { column } => self
                .column(column)?
                .drop_rules(|rule| matches!(rule, Rule::Default { .. })),
            Change::SetCollation {
                column,
                sqlite: Some(collation),
                ..
            } => {
                let text = self.column(column)?;
                text.drop_rules(|rule| matches!(rule, Rule::Collate { .. }));
                if !collation.eq_ignore_ascii_case("binary") {
                    text.add_clause(&format!("COLLATE {}", quote(collation)))?;
                }
            }
            Change::SetGenerated {
                column,
                expression,
                stored,
            } => {
                let expression = spell::expression(SQLITE, expression);
                if !self.column(column)?.is_generated() {
                    self.doubts.push(Doubt::lost(column));
                }
                let text = self.column(column)?;
                text.drop_rules(|rule| {
                    matches!(rule, Rule::Default { .. } | Rule::Generated { .. })
                });
                let stored = if *stored { "STORED" } else { "VIRTUAL" };
                text.add_clause(&format!("GENERATED ALWAYS AS ({expression}) {stored}"))?;
                self.sources.remove(&column.to_lowercase());
            }
            Change::DropGenerated { column } => {
                self.column(column)?
                    .drop_rules(|rule| matches!(rule, Rule::Generated { .. }));
                self.fill(column, quote(column));
            }
            _ => self.change_table(change)?,
        }
        Ok(())
    }

    fn change_table(&mut self, change: &Change) -> Result<(), DbErr> {
        match change {
            Change::AddPrimaryKey { name, columns } => {
                if self.create.all_clauses().any(is_primary_key) {
                    return refuse(format!(
                        "{} has a primary key already: drop it first.",
                        self.create.name()
                    ));
                }
                self.add_clause(
                    name.as_deref(),
                    &format!("PRIMARY KEY ({})", spell::list(columns)),
                )?;
                // Where SQLite itself gives the values there is nothing to doubt.
                if *columns != self.counted {
                    self.unique.push(columns.clone());
                    self.doubts
                        .extend(columns.iter().map(|column| Doubt::null(column)));
                }
            }
            Change::DropPrimaryKey => self.drop_clauses("primary key", is_primary_key)?,
            Change::SetAutoincrement { column, on } => {
                let named = self
                    .create
                    .all_clauses()
                    .find(|clause| is_primary_key(clause))
                    .and_then(|clause| clause.name.clone());
                self.drop_clauses("primary key", is_primary_key)?;
                let keyword = if *on {
                    "PRIMARY KEY AUTOINCREMENT"
                } else {
                    "PRIMARY KEY"
                };
                let clause = format!("{}{keyword}", spell::constraint(named.as_deref()));
                self.column(column)?.add_clause(&clause)?;
            }
            Change::AddUnique { name, columns } => {
                self.add_clause(
                    name.as_deref(),
                    &format!("UNIQUE ({})", spell::list(columns)),
                )?;
                self.unique.push(columns.clone());
            }
            Change::DropUnique { name, columns } => {
                self.drop_one("unique constraint", name.as_deref(), |clause| {
                    matches!(clause.rule, Rule::Unique { .. }) && clause.columns() == lower(columns)
                })?;
            }
            Change::AddCheck { name, expression } => {
                let expression = spell::expression(SQLITE, expression);
                self.add_clause(name.as_deref(), &format!("CHECK ({expression})"))?;
                self.doubts.push(Doubt::check(name.as_deref(), &expression));
            }
            Change::DropCheck { name, expression } => {
                let mut names = Names::default();
                self.create
                    .columns
                    .iter()
                    .for_each(|column| names.insert(&column.name()));
                let wanted = match expression {
                    Some(expression) => Some(normal(
                        &tokenize(&spell::expression(SQLITE, expression))?.0,
                        &names,
                    )),
                    None => None,
                };
                self.drop_one("check", name.as_deref(), |clause| match &clause.rule {
                    Rule::Check { expression, .. } => Some(normal(expression, &names)) == wanted,
                    _ => false,
                })?;
            }
            Change::AddForeignKey(key) => {
                self.create.add_clause(&spell::foreign_key(key))?;
                self.foreign_keys.push(key.clone());
            }
            Change::DropForeignKey { name, columns } => {
                self.drop_one("foreign key", name.as_deref(), |clause| {
                    matches!(clause.rule, Rule::ForeignKey { .. })
                        && clause.columns() == lower(columns)
                })?;
            }
            Change::SetStrict(strict) => {
                self.create
                    .set_options(*strict, self.create.is_without_rowid())?;
                for column in self.create.columns.iter_mut().filter(|_| *strict) {
                    let type_text = strict_type(&column.type_text());
                    column.set_type(type_text)?;
                    self.converted.push(column.name());
                }
            }
            Change::SetWithoutRowid(without) => {
                self.create.set_options(self.create.is_strict(), *without)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn column(&mut self, name: &str) -> Result<&mut crate::ddl::ColumnText, DbErr> {
        let table = self.create.name();
        match self.create.column_mut(name) {
            Some(column) => Ok(column),
            None => refuse(format!("{table} has no column {name}.")),
        }
    }

    fn source(&self, column: &str) -> String {
        let source = self.sources.get(&column.to_lowercase()).cloned();
        source.unwrap_or_else(|| quote(column))
    }

    fn fill(&mut self, column: &str, source: String) {
        self.sources.insert(column.to_lowercase(), source);
    }

    fn add_clause(&mut self, name: Option<&str>, text: &str) -> Result<(), DbErr> {
        self.create
            .add_clause(&format!("{}{text}", spell::constraint(name)))?;
        Ok(())
    }

    fn drop_clauses(
        &mut self,
        what: &str,
        which: impl FnMut(&Clause) -> bool,
    ) -> Result<(), DbErr> {
        if self.create.drop_clauses(which) == 0 {
            return refuse(format!("{} has no {what} to drop.", self.create.name()));
        }
        Ok(())
    }

    /// Drops the constraint of this name, or else the one that `fits`.
    fn drop_one(
        &mut self,
        what: &str,
        name: Option<&str>,
        fits: impl Fn(&Clause) -> bool,
    ) -> Result<(), DbErr> {
        let by_name = name.is_some_and(|name| {
            self.create
                .all_clauses()
                .any(|clause| clause.is_named(name))
        });
        if by_name {
            return self.drop_clauses(what, |clause| {
                name.is_some_and(|name| clause.is_named(name))
            });
        }
        let what = name.map_or_else(|| what.to_owned(), |name| format!("{what} {name}"));
        // The same may be said twice, once with a name and once without.
        let is_nameless = |clause: &Clause| clause.name.is_none() && fits(clause);
        let has_nameless = name.is_none() && self.create.all_clauses().any(is_nameless);
        let mut is_found = false;
        self.drop_clauses(&what, |clause| {
            let is_it = if has_nameless {
                is_nameless(clause)
            } else {
                fits(clause)
            };
            !is_found && is_it && {
                is_found = true;
                true
            }
        })
    }
}

fn is_primary_key(clause: &Clause) -> bool {
    matches!(clause.rule, Rule::PrimaryKey { .. })
}

fn lower(columns: &[String]) -> Vec<String> {
    columns.iter().map(|column| column.to_lowercase()).collect()
}
