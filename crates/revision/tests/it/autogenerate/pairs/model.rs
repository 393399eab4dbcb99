//! A schema as a small model. Its parts know each other by number, so that a new name changes nothing else.

/// What a table or a column keeps for life, whatever it is called.
pub(super) type Id = u32;

#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub(super) tables: Vec<Table>,
    pub(super) enums: Vec<Enum>,
}

#[derive(Clone, Debug)]
pub(super) struct Enum {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) values: Vec<(Id, String)>,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) primary: Option<Primary>,
    pub(super) uniques: Vec<Unique>,
    pub(super) checks: Vec<Check>,
    pub(super) indexes: Vec<Index>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) strict: bool,
    pub(super) without_rowid: bool,
    pub(super) comment: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    /// Which of those that its kind has.
    pub(super) default: Option<usize>,
    pub(super) collated: bool,
    pub(super) generated: Option<Generated>,
    pub(super) comment: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generated {
    pub(super) from: Id,
    /// Which of the expressions that its source's family has.
    pub(super) form: usize,
    pub(super) stored: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Primary {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<Id>,
    /// Whether the database gives the ids, and SQLite none a second time.
    pub(super) counting: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Unique {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<Id>,
}

#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) name: Option<String>,
    /// Two where it compares.
    pub(super) columns: Vec<Id>,
    /// Which of those that the family of its columns has.
    pub(super) form: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) parts: Vec<Part>,
    /// The column that its WHERE is about.
    pub(super) predicate: Option<Id>,
}

#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) column: Id,
    pub(super) is_expression: bool,
    pub(super) descending: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ForeignKey {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<Id>,
    pub(super) parent: Id,
    pub(super) parent_columns: Vec<Id>,
    /// Which of [`ACTIONS`].
    pub(super) on_delete: usize,
    pub(super) on_update: usize,
    /// Which of [`DEFERRALS`].
    pub(super) deferral: usize,
}

pub(super) const ACTIONS: &[&str] = &[
    "NO ACTION",
    "CASCADE",
    "SET NULL",
    "RESTRICT",
    "SET DEFAULT",
];
pub(super) const DEFERRALS: &[&str] = &["", " DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE"];

/// What is in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    BigInteger,
    SmallInteger,
    Varchar(u32),
    Text,
    Decimal(u32, u32),
    Boolean,
    Date,
    DateTime,
    Instant,
    Uuid,
    Blob,
    Enum(Id),
}

/// Kinds between which a value can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Number,
    Text,
    Boolean,
    Date,
    DateTime,
    Instant,
    Uuid,
    Blob,
    Enum,
}

impl Kind {
    pub(super) fn family(self) -> Family {
        match self {
            Self::Integer | Self::BigInteger | Self::SmallInteger | Self::Decimal(..) => {
                Family::Number
            }
            Self::Varchar(_) | Self::Text => Family::Text,
            Self::Boolean => Family::Boolean,
            Self::Date => Family::Date,
            Self::DateTime => Family::DateTime,
            Self::Instant => Family::Instant,
            Self::Uuid => Family::Uuid,
            Self::Blob => Family::Blob,
            Self::Enum(_) => Family::Enum,
        }
    }

    /// Whether it has enough values for every row to have one of its own.
    pub(super) fn can_be_key(self) -> bool {
        !matches!(self.family(), Family::Boolean | Family::Blob | Family::Enum)
    }

    /// Whether a STRICT table of both databases says exactly which type it is.
    pub(super) fn is_strict_on_both(self) -> bool {
        matches!(self, Self::Integer | Self::BigInteger | Self::Text)
    }
}

impl Schema {
    pub(super) fn table(&self, id: Id) -> Option<&Table> {
        self.tables.iter().find(|table| table.id == id)
    }

    pub(super) fn find_enum(&self, id: Id) -> Option<&Enum> {
        self.enums.iter().find(|one| one.id == id)
    }
}

impl Table {
    pub(super) fn column(&self, id: Id) -> Option<&Column> {
        self.columns.iter().find(|column| column.id == id)
    }

    pub(super) fn has_in_key(&self, column: Id) -> bool {
        let mut keys = self.primary.iter();
        keys.any(|key| key.columns.contains(&column))
    }

    /// The lists of columns that a foreign key can point at.
    pub(super) fn keys(&self) -> Vec<&Vec<Id>> {
        let primary = self.primary.iter().map(|key| &key.columns);
        let uniques = self.uniques.iter().map(|unique| &unique.columns);
        primary.chain(uniques).collect()
    }

    /// Whether the database gives the column its values.
    pub(super) fn counts(&self, column: Id) -> bool {
        let mut keys = self.primary.iter();
        keys.any(|key| key.counting && key.columns == [column])
    }
}
