//! What a change would do to the rows of this database, with their number.

use std::fmt;

/// Rows that a change would harm, or that stand in its way.
///
/// Its [`Display`](fmt::Display) is a line for a person:
/// `drugs: 12 rows have a value in column note, which is dropped`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table of the rows.
    pub table: String,
    /// What would become of them.
    pub harm: Harm,
    /// How many there are.
    pub rows: u64,
}

/// What a change would do to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Harm {
    /// It is gone with its table.
    DroppedTable,
    /// Its value is gone with the column.
    DroppedColumn {
        /// Which.
        column: String,
    },
    /// Its text would be cut.
    TooLong {
        /// Where.
        column: String,
        /// Characters that would be left.
        length: u32,
    },
    /// It has NULL where none may be.
    Null {
        /// Where.
        column: String,
    },
    /// There is no value for it in a new column.
    NoValue {
        /// Which.
        column: String,
    },
    /// It has the same key as another.
    Duplicate {
        /// The columns of the key.
        columns: Vec<String>,
    },
    /// Its value cannot be read as the new type.
    Unconvertible {
        /// Where.
        column: String,
        /// The new type.
        column_type: String,
    },
    /// It breaks a new CHECK.
    Check {
        /// Its name, or its text.
        check: String,
    },
    /// It would point at a parent that is not there.
    Orphan {
        /// The table of the parent.
        parent: String,
    },
}

impl Harm {
    /// Whether it is a loss, which may be permitted; otherwise it cannot be done at all.
    pub fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::DroppedTable | Self::DroppedColumn { .. } | Self::TooLong { .. }
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, harm, rows } = self;
        let one = *rows == 1;
        write!(f, "{table}: {rows} {}", if one { "row" } else { "rows" })?;
        let has = if one { "has" } else { "have" };
        match harm {
            Harm::DroppedTable => write!(f, " in the table, which is dropped"),
            Harm::DroppedColumn { column } => {
                write!(f, " {has} a value in column {column}, which is dropped")
            }
            Harm::TooLong { column, length } => {
                write!(f, " {has} more than {length} characters in column {column}")
            }
            Harm::Null { column } => {
                write!(f, " {has} NULL in column {column}, which becomes NOT NULL")
            }
            Harm::NoValue { column } => write!(
                f,
                " {has} no value for the new column {column}, which is NOT NULL"
            ),
            Harm::Duplicate { columns } => write!(
                f,
                " {has} the same {} as another, which becomes unique",
                columns.join(", ")
            ),
            Harm::Unconvertible {
                column,
                column_type,
            } => write!(
                f,
                " {has} a value in column {column} that is no {column_type}"
            ),
            Harm::Check { check } => write!(f, " would break the check {check}"),
            Harm::Orphan { parent } => {
                write!(f, " would point at a row of {parent} that is not there")
            }
        }
    }
}

/// Everything that was found, as one sentence.
pub(crate) fn list(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

/// What to do about findings, as sentences with the command to type.
pub(crate) fn next_step(findings: &[Finding]) -> String {
    if findings.iter().all(|finding| finding.harm.is_loss()) {
        "If these values may go: type the command again with --allow-data-loss. \
         Otherwise let the migration move them to where they belong first."
            .to_owned()
    } else {
        "Correct these rows, or let the migration correct them first (a value for NULL, a USING expression, an UPDATE), \
         and run the command again."
            .to_owned()
    }
}
