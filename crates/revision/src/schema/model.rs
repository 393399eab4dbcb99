//! The parts of a schema. Every text is in the reader's spelling: equal texts are equal definitions.

use std::collections::BTreeMap;

use sea_orm::DbBackend;

/// Everything in a database that is not a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Which database it was read from; schemas of two kinds cannot be compared.
    pub backend: DbBackend,
    /// By name, as it was given when the table was created.
    pub tables: BTreeMap<String, Table>,
    /// The values of each enum, in order; PostgreSQL only.
    pub enums: BTreeMap<String, Vec<String>>,
    /// Views and what else has a definition of its own.
    pub objects: Vec<Object>,
}

impl Schema {
    /// The table of this name; SQLite does not mind the case.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name).or_else(|| {
            let mut tables = self.tables.values();
            tables.find(|table| {
                self.backend == DbBackend::Sqlite && table.name.eq_ignore_ascii_case(name)
            })
        })
    }
}

/// A table with everything that belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// As it was given.
    pub name: String,
    /// In the order of creation.
    pub columns: Vec<Column>,
    /// Its primary key, if it has one.
    pub primary_key: Option<PrimaryKey>,
    /// UNIQUE constraints; a unique index that was created as an index is in [`indexes`](Self::indexes).
    pub uniques: Vec<Unique>,
    /// Foreign keys, those written at a column too.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints, those written at a column too.
    pub checks: Vec<Check>,
    /// Indexes that were created as such.
    pub indexes: Vec<Index>,
    /// Triggers by name, with their text.
    pub triggers: BTreeMap<String, String>,
    /// What else is said of the whole: `strict`, `without rowid`; `unlogged`, `partition by …`, exclusion constraints.
    pub options: Vec<String>,
    /// PostgreSQL only.
    pub comment: Option<String>,
}

impl Table {
    /// The column of this name; the case does not matter.
    pub fn column(&self, name: &str) -> Option<&Column> {
        let mut columns = self.columns.iter();
        columns.find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As it was given.
    pub name: String,
    /// `varchar(10)`, `integer`; empty where SQLite was given none.
    pub type_: String,
    /// Whether NULL may stand in it.
    pub nullable: bool,
    /// The text of its DEFAULT.
    pub default: Option<String>,
    /// Its collation, where it is not the type's own.
    pub collation: Option<String>,
    /// How it is computed, where it is.
    pub generated: Option<Generated>,
    /// `always` or `by default`, with the options of its sequence; PostgreSQL only.
    pub identity: Option<String>,
    /// PostgreSQL only.
    pub comment: Option<String>,
    /// What is unusual about it: the `on conflict …` of its NOT NULL; SQLite only.
    pub extra: Option<String>,
}

/// How a column is computed from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The expression.
    pub expression: String,
    /// Whether its values are kept in the table; otherwise they are computed when they are read.
    pub stored: bool,
}

/// A column or expression of a key or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPart {
    /// A column's name, or an expression.
    pub text: String,
    /// Whether it is an expression.
    pub is_expression: bool,
    /// Where it differs from the column's.
    pub collation: Option<String>,
    /// Whether it runs from the greatest to the smallest.
    pub descending: bool,
    /// What is unusual about it: `text_pattern_ops`, `nulls last`; PostgreSQL only.
    pub extra: Option<String>,
}

/// A primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryKey {
    /// SQLite does not need one.
    pub name: Option<String>,
    /// In order.
    pub keys: Vec<KeyPart>,
    /// Whether SQLite never gives an id a second time.
    pub autoincrement: bool,
    /// What is unusual about it: `on conflict …`, `deferrable`, `include …`.
    pub extra: Option<String>,
}

/// A UNIQUE constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    /// SQLite does not need one.
    pub name: Option<String>,
    /// In order.
    pub keys: Vec<KeyPart>,
    /// What is unusual about it: `on conflict …`, `nulls not distinct`, `deferrable`, `include …`.
    pub extra: Option<String>,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// SQLite does not need one.
    pub name: Option<String>,
    /// Without the brackets around it.
    pub expression: String,
    /// What is unusual about it: `not valid`, `no inherit`.
    pub extra: Option<String>,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// Not compared on SQLite, where nothing can be done with it and sea-query leaves it out.
    pub name: Option<String>,
    /// The columns that point.
    pub columns: Vec<String>,
    /// The table that they point at.
    pub parent: String,
    /// Its columns; when only the table was named, its primary key.
    pub parent_columns: Vec<String>,
    /// What happens to the row when its parent is deleted.
    pub on_delete: Action,
    /// What happens to the row when its parent's key changes.
    pub on_update: Action,
    /// When it is checked.
    pub deferral: Deferral,
    /// What is unusual about it: `match full`, `not valid`, the columns of `ON DELETE SET NULL (…)`.
    pub extra: Option<String>,
}

/// What a foreign key does when its parent goes or changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Refuses at the end of the statement, or of the transaction where deferred.
    #[default]
    NoAction,
    /// Refuses at once.
    Restrict,
    /// Does the same to the row.
    Cascade,
    /// Puts NULL in its place.
    SetNull,
    /// Puts the default in its place.
    SetDefault,
}

impl Action {
    /// In SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
        }
    }
}

/// When a constraint is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deferral {
    /// At each statement.
    #[default]
    NotDeferrable,
    /// At each statement, unless the transaction asks otherwise; PostgreSQL only.
    InitiallyImmediate,
    /// At the end of the transaction.
    InitiallyDeferred,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Whether two rows may have the same key.
    pub unique: bool,
    /// In order; with the operator class where it is not the type's own.
    pub keys: Vec<KeyPart>,
    /// Behind WHERE.
    pub predicate: Option<String>,
    /// What is unusual about it: its method where it is not `btree`, `include …`, `nulls not distinct`.
    pub extra: Option<String>,
}

/// Something with a name and a definition that is no table: a view, a function, a domain, a sequence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// `view`, `materialized view`, `function`, `domain`, `sequence`, `virtual table`, `trigger` (of a view).
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its text.
    pub definition: String,
}
