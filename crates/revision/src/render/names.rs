//! The names that a migration speaks of: an enum for each table, with a variant for each column.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use super::literal;

/// What a file has in its scope under these names already.
const IN_SCOPE: [&str; 41] = [
    "Alias",
    "Box",
    "Check",
    "ColumnDef",
    "ColumnType",
    "ConditionalStatement",
    "ConnectionTrait",
    "Cow",
    "DbBackend",
    "DbErr",
    "Debug",
    "DeriveIden",
    "DeriveMigrationName",
    "Err",
    "Expr",
    "ForeignKey",
    "ForeignKeyAction",
    "Iden",
    "Index",
    "IndexOrder",
    "IntoIden",
    "Migration",
    "MigrationName",
    "MigrationTrait",
    "None",
    "Ok",
    "Option",
    "PgInterval",
    "Pin",
    "RcOrArc",
    "Result",
    "SchemaManager",
    "Self",
    "Send",
    "Some",
    "String",
    "StringLen",
    "Sync",
    "Table",
    "Value",
    "Vec",
];

/// The tables in the order of their first appearance.
#[derive(Debug, Default)]
pub(super) struct Names {
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    name: String,
    ident: String,
    /// Their names and variants.
    columns: Vec<(String, String)>,
}

impl Names {
    /// `Drugs::Table`.
    pub(super) fn table(&mut self, name: &str) -> String {
        format!("{}::Table", self.entry(name).ident)
    }

    /// `Drugs::Name`.
    pub(super) fn column(&mut self, table: &str, name: &str) -> String {
        let table = self.entry(table);
        let known = table.columns.iter().find(|(column, _)| column == name);
        if let Some((_, variant)) = known {
            return format!("{}::{variant}", table.ident);
        }
        let is_taken = |variant: &str| table.columns.iter().any(|(_, taken)| taken == variant);
        let variant = ident(name, "Column", &["Self", "Table"], is_taken);
        table.columns.push((name.to_owned(), variant.clone()));
        format!("{}::{variant}", table.ident)
    }

    /// `[Drugs::Name, Drugs::Unit]`, without the brackets.
    pub(super) fn columns(&mut self, table: &str, names: &[String]) -> Vec<String> {
        names.iter().map(|name| self.column(table, name)).collect()
    }

    fn entry(&mut self, name: &str) -> &mut Table {
        if let Some(index) = self.tables.iter().position(|table| table.name == name) {
            return &mut self.tables[index];
        }
        let is_taken = |ident: &str| self.tables.iter().any(|table| table.ident == ident);
        let ident = ident(name, "Table", &IN_SCOPE, is_taken);
        self.tables.push(Table {
            name: name.to_owned(),
            ident,
            columns: Vec::new(),
        });
        self.tables.last_mut().expect("it was just pushed")
    }

    /// The enums.
    pub(super) fn declarations(&self) -> String {
        self.tables.iter().map(Table::declaration).collect()
    }
}

impl Table {
    fn declaration(&self) -> String {
        let mut text = "\n#[derive(DeriveIden)]\n".to_owned();
        if self.repeats_itself() {
            text.push_str(
                "#[expect(clippy::enum_variant_names, reason = \"columns are called after their table\")]\n",
            );
        }
        text.extend(["enum ", &self.ident, " {\n"]);
        text.push_str(&variant(&self.name, "Table", &self.ident));
        for (name, ident) in &self.columns {
            text.push_str(&variant(name, ident, ident));
        }
        text.push_str("}\n");
        text
    }

    /// Whether clippy minds a variant: one of three or more that begins or ends with the name of its enum.
    fn repeats_itself(&self) -> bool {
        let repeats = |variant: &str| {
            let begins = variant.strip_prefix(&self.ident).is_some_and(|rest| {
                let mut rest = rest.chars();
                rest.next().is_some_and(|char| !char.is_lowercase())
                    && rest.next().is_some_and(|char| !char.is_numeric())
            });
            begins || variant.ends_with(&self.ident)
        };
        self.columns.len() >= 2 && self.columns.iter().any(|(_, variant)| repeats(variant))
    }
}

/// A variant, with its name where `DeriveIden` would make another one of `source`.
fn variant(name: &str, variant: &str, source: &str) -> String {
    if source.to_snake_case() == name {
        return format!("    {variant},\n");
    }
    let name = literal::text(name);
    format!("    #[sea_orm(iden = {name})]\n    {variant},\n")
}

/// An identifier that is like the name and not taken; `kind` tells it from what has the name already.
fn ident(name: &str, kind: &str, reserved: &[&str], is_taken: impl Fn(&str) -> bool) -> String {
    let ascii = name.replace(|char: char| !char.is_ascii_alphanumeric(), "_");
    let mut ident = ascii.to_upper_camel_case();
    if ident.len() > 2 && ident.chars().all(|char| char.is_ascii_uppercase()) {
        // It would look like an acronym.
        ident = ident.to_lowercase().to_upper_camel_case();
    }
    if !ident.starts_with(|char: char| char.is_ascii_alphabetic()) {
        ident.insert_str(0, kind);
    }
    if reserved.contains(&ident.as_str()) {
        ident.push_str(kind);
    }
    numbered(&ident, is_taken)
}

/// The name of a function that is a part of another one: `up_drugs`.
pub(super) fn function(whole: &str, about: &str, taken: &[String]) -> String {
    let ascii = about.replace(|char: char| !char.is_ascii_alphanumeric(), "_");
    let name = format!("{whole} {ascii}").to_snake_case();
    numbered(&name, |name| taken.iter().any(|taken| taken == name))
}

fn numbered(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut numbers = 2..;
    let mut candidate = name.to_owned();
    while is_taken(&candidate) {
        candidate = format!(
            "{name}{}",
            numbers.next().expect("there is always a next number")
        );
    }
    candidate
}
