//! What one entity declares, as data.

use std::panic::{self, AssertUnwindSafe};

use sea_orm::sea_query::extension::postgres::TypeCreateStatement;
use sea_orm::sea_query::{ColumnDef, IndexCreateStatement, TableCreateStatement};
use sea_orm::{DbBackend, EntityTrait, Schema};

use crate::error::Error;
use crate::operation::{Change, CreateTable, Key};
use crate::schema::ForeignKey;

/// An entity whose type is forgotten.
pub(super) trait Declares: Send + Sync {
    fn parts(&self, backend: DbBackend) -> Result<Parts, Error>;
}

/// What an entity declares.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) create: CreateTable,
    pub(super) indexes: Vec<IndexCreateStatement>,
    pub(super) enums: Vec<TypeCreateStatement>,
    /// Of the table and its columns.
    pub(super) comments: Vec<Change>,
    /// Columns, with the name that each had before.
    pub(crate) renamed: Vec<(String, String)>,
}

impl<E: EntityTrait> Declares for E {
    fn parts(&self, backend: DbBackend) -> Result<Parts, Error> {
        let declared = || {
            let schema = Schema::new(backend);
            let parts = Parts {
                indexes: schema.create_index_from_entity(*self),
                enums: schema.create_enum_from_entity(*self),
                ..Parts::from(&schema.create_table_from_entity(*self))
            };
            // A type that the database lacks is found out only when it is spelled.
            backend.build(&parts.create.statement(backend));
            parts
        };
        quietly(declared).map_err(|reason| Error::Refused {
            reason: format!(
                "The entity of table {} cannot be created on {backend:?}: {reason}.",
                self.table_name()
            ),
            advice:
                "Give the column a column_type that both databases have, or work without --url."
                    .to_owned(),
        })
    }
}

impl From<&TableCreateStatement> for Parts {
    fn from(statement: &TableCreateStatement) -> Self {
        let table = statement.get_table_name();
        let table = table.map(|table| table.sea_orm_table().to_string());
        let mut parts = Self {
            create: CreateTable {
                table: table.unwrap_or_default(),
                columns: Vec::new(),
                primary_key: None,
                uniques: Vec::new(),
                checks: Vec::new(),
                foreign_keys: Vec::new(),
            },
            indexes: Vec::new(),
            enums: Vec::new(),
            comments: Vec::new(),
            renamed: Vec::new(),
        };
        parts.comment(None, statement.get_comment().cloned());
        for column in statement.get_columns() {
            parts.column(column);
        }
        for index in statement.get_indexes() {
            let key = Key {
                name: index.get_index_spec().get_name().map(str::to_owned),
                columns: index.get_index_spec().get_column_names(),
            };
            if index.is_primary_key() {
                parts.create.primary_key = Some(key);
            } else {
                parts.create.uniques.push(key);
            }
        }
        let keys = statement.get_foreign_key_create_stmts().iter();
        parts.create.foreign_keys = keys.map(ForeignKey::from).collect();
        parts
    }
}

impl Parts {
    fn column(&mut self, column: &ColumnDef) {
        let name = column.get_column_name();
        let mut comment = column.get_column_spec().comment.clone();
        // SeaORM keeps the former name in the comment, behind what else stands there.
        if let Some(text) = &comment
            && let Some((before, former)) = text.rsplit_once("renamed_from \"")
            && let Some(former) = former.strip_suffix('"')
        {
            self.renamed.push((name.clone(), former.to_owned()));
            let before = before.strip_suffix("; ").unwrap_or(before);
            comment = Some(before.to_owned()).filter(|text| !text.is_empty());
        }
        self.comment(Some(name), comment);
        self.create.columns.push(column.clone());
    }

    fn comment(&mut self, column: Option<String>, comment: Option<String>) {
        if comment.is_some() {
            self.comments.push(Change::SetComment { column, comment });
        }
    }
}

/// What sea-query cannot spell makes it panic; here it is a reason.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        text.or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "it has a type that is not there".to_owned())
            .trim_start_matches("not implemented: ")
            .trim_end_matches('.')
            .to_owned()
    })
}
