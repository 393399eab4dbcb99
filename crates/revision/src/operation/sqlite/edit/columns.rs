//! What becomes of the columns: added, dropped, of another type.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, ColumnType, Expr, StringLen};

use super::{Plan, SQLITE};
use crate::ddl::Rule;
use crate::operation::count::Doubt;
use crate::operation::sqlite::affinity::strict_type;
use crate::operation::sqlite::dependents;
use crate::operation::sqlite::original::Original;
use crate::operation::{refuse, spell};

impl Plan {
    pub(super) fn add_column(
        &mut self,
        column: &ColumnDef,
        fill: Option<&Expr>,
    ) -> Result<(), DbErr> {
        let name = column.get_column_name();
        if self.create.column(&name).is_some() {
            return refuse(format!(
                "{} has a column {name} already.",
                self.create.name()
            ));
        }
        let spec = column.get_column_spec();
        let counts = spec.auto_increment && !spec.primary_key;
        if counts {
            // SQLite has a word for it only behind PRIMARY KEY, which comes later.
            let column_type = column.get_column_type().cloned();
            let column_type = column_type.unwrap_or(ColumnType::Integer);
            let mut plain = ColumnDef::new_with_type(Alias::new(&name), column_type);
            self.create
                .add_column(&spell::column(SQLITE, plain.not_null()))?;
            self.counted.push(name.clone());
        } else {
            self.create.add_column(&spell::column(SQLITE, column))?;
        }
        let strict = self.create.is_strict();
        let text = self.column(&name)?;
        if strict {
            let type_text = strict_type(&text.type_text());
            text.set_type(type_text)?;
        }
        let has_value = text.rules().any(|rule| {
            matches!(
                rule,
                Rule::Default { .. } | Rule::Generated { .. } | Rule::PrimaryKey { .. }
            )
        });
        if text.is_not_null() && !has_value && !counts && fill.is_none() {
            self.doubts.push(Doubt::nothing_to_put(&name));
        }
        if let Some(fill) = fill {
            self.fill(&name, spell::expression(SQLITE, fill));
        }
        Ok(())
    }

    pub(super) fn drop_column(&mut self, original: &Original, column: &str) -> Result<(), DbErr> {
        let text = self.column(column)?;
        if !text.is_generated() {
            self.doubts.push(Doubt::lost(column));
        }
        dependents::refuse_if_needed(&self.create, original, column)?;
        self.dropped_indexes
            .extend(dependents::own_indexes(original, column));
        self.create.drop_column(column);
        self.sources.remove(&column.to_lowercase());
        self.converted
            .retain(|converted| !converted.eq_ignore_ascii_case(column));
        Ok(())
    }

    pub(super) fn set_type(&mut self, column: &str, column_type: &ColumnType) -> Result<(), DbErr> {
        let strict = self.create.is_strict();
        let text = self.column(column)?;
        let type_text = spell::column_type(SQLITE, column_type);
        text.set_type(if strict {
            strict_type(&type_text)
        } else {
            &type_text
        })?;
        let name = text.name();
        let is_generated = text.is_generated();
        let length = match column_type {
            ColumnType::String(StringLen::N(length)) | ColumnType::Char(Some(length)) => {
                Some(*length)
            }
            _ => None,
        };
        if let Some(length) = length {
            self.doubts.push(Doubt::too_long(&name, length));
            if !is_generated && crate::guard::allows_data_loss() {
                // The same that PostgreSQL does; without permission there is no such row.
                let source = self.source(&name);
                self.fill(&name, format!("CASE WHEN length({source}) > {length} THEN substr({source}, 1, {length}) ELSE {source} END"));
            }
        }
        self.converted.push(name);
        Ok(())
    }
}
