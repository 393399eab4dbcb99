//! Makes a schema out of random numbers.

mod change;

use std::collections::BTreeSet;

use super::dice::Dice;
use super::model::{
    ACTIONS, Check, Column, DEFERRALS, Enum, Family, ForeignKey, Generated, Id, Index, Kind, Part,
    Primary, Schema, Table, Unique,
};
use super::repair::{is_possible, repair};
use super::sql;

const TABLES: &[&str] = &[
    "drug",
    "batch",
    "company",
    "order",
    "Group",
    "intake plan",
    "größe",
    "user",
    "select",
];
const COLUMNS: &[&str] = &[
    "id",
    "name",
    "dose",
    "stock",
    "unit",
    "note",
    "order",
    "Dose",
    "taken at",
    "stück",
    "group",
    "check",
    "1st",
    "it's",
    "createdAt",
    "end",
    "text",
    "date",
    "length",
    "lower",
    "value",
];

/// The schema so far, and the names that were used: none is used for something else again, because nothing but a
/// decision could tell the two apart.
pub(super) struct Builder {
    pub(super) schema: Schema,
    on_both: bool,
    last: Id,
    used: BTreeSet<(Id, String)>,
}

impl Builder {
    pub(super) fn new(on_both: bool) -> Self {
        Self {
            schema: Schema::default(),
            on_both,
            last: 0,
            used: BTreeSet::new(),
        }
    }

    fn id(&mut self) -> Id {
        self.last += 1;
        self.last
    }

    /// A name that nothing in this place has had yet; the place of tables is 0.
    fn name(&mut self, place: Id, names: &[&str], dice: &mut Dice<'_>) -> String {
        let name = dice.one_of(names).expect("there are names");
        let free = (1..).map(|count| match count {
            1 => (*name).to_owned(),
            _ => format!("{name}_{count}"),
        });
        let mut free = free.filter(|name| self.used.insert((place, name.to_lowercase())));
        free.next().expect("there is no end of names")
    }

    /// A name of a constraint or an index; PostgreSQL has one place for all of them.
    fn part_name(&mut self, kind: &str, dice: &mut Dice<'_>) -> String {
        let id = self.id();
        match dice.below(4) {
            0..=2 => format!("{kind}_{id}"),
            _ => format!("{kind} of Order {id}"),
        }
    }

    fn optional_name(&mut self, kind: &str, dice: &mut Dice<'_>) -> Option<String> {
        dice.chance(50).then(|| self.part_name(kind, dice))
    }

    pub(super) fn add_table(&mut self, own: &[u8], columns: &[Vec<u8>]) {
        let mut dice = Dice::new(own);
        let id = self.id();
        let mut table = Table {
            id,
            name: self.name(0, TABLES, &mut dice),
            columns: Vec::new(),
            primary: None,
            uniques: Vec::new(),
            checks: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            strict: dice.chance(15),
            without_rowid: dice.chance(15),
            comment: self.comment(&mut dice),
        };
        for column in columns {
            let column = self.column(&table, &mut Dice::new(column));
            table.columns.push(column);
        }
        if !dice.chance(10) {
            self.primary(&mut table, &mut dice);
        }
        self.schema.tables.push(table);
        repair(&mut self.schema, self.on_both);
    }

    fn comment(&mut self, dice: &mut Dice<'_>) -> Option<String> {
        let is_said = self.on_both && dice.chance(15);
        let texts = ["what is taken", "it's \"so\"; -- really", ""];
        is_said.then(|| texts[dice.below(2)].to_owned())
    }

    fn kind(&mut self, dice: &mut Dice<'_>) -> Kind {
        match dice.below(18) {
            0..=3 => Kind::Integer,
            4..=5 => Kind::BigInteger,
            6 => Kind::SmallInteger,
            7..=8 => Kind::Varchar([12, 20, 40, 200][dice.below(4)]),
            9..=10 => Kind::Text,
            11 => Kind::Decimal(10 + u32::from(dice.chance(50)), 2),
            12 => Kind::Boolean,
            13 => Kind::Date,
            14 => [Kind::DateTime, Kind::Instant][dice.below(2)],
            15 => Kind::Uuid,
            16 => Kind::Blob,
            _ => {
                if self.schema.enums.is_empty() {
                    let id = self.id();
                    let values = ["oral", "it's \"i.v.\"", "Nasal"];
                    let values = values.map(|value| (self.id(), value.to_owned())).to_vec();
                    let name = ["route", "intake_way"][dice.below(2)].to_owned();
                    self.schema.enums.push(Enum { id, name, values });
                }
                Kind::Enum(self.schema.enums[0].id)
            }
        }
    }

    fn column(&mut self, table: &Table, dice: &mut Dice<'_>) -> Column {
        let kind = self.kind(dice);
        let mut column = Column {
            id: self.id(),
            name: self.name(table.id, COLUMNS, dice),
            kind,
            nullable: !dice.chance(50),
            default: dice.chance(25).then(|| dice.below(8)),
            collated: dice.chance(15),
            generated: None,
            comment: self.comment(dice),
        };
        if dice.chance(12) {
            generate(table, &mut column, dice);
        }
        column
    }

    fn primary(&mut self, table: &mut Table, dice: &mut Dice<'_>) {
        let keys: Vec<Id> = keyable(table);
        let most = if dice.chance(25) { 3 } else { 1 };
        let columns = dice.some_of(&keys, most);
        let is_said = dice.chance(85);
        for column in &mut table.columns {
            if is_said && columns.contains(&column.id) {
                column.nullable = false;
            }
        }
        table.primary = Some(Primary {
            name: dice.chance(20).then(|| self.part_name("pk", dice)),
            columns,
            counting: dice.chance(40),
        });
    }

    /// Adds a constraint or an index to a table.
    pub(super) fn add_part(&mut self, bytes: &[u8]) {
        let mut dice = Dice::new(bytes);
        let Some(at) = self.any_table(&mut dice) else {
            return;
        };
        match dice.below(8) {
            0..=1 => self.add_index(at, &mut dice),
            2..=3 => self.add_foreign_key(at, &mut dice),
            4..=5 => self.add_unique(at, &mut dice),
            _ => self.add_check(at, &mut dice),
        }
        repair(&mut self.schema, self.on_both);
    }

    fn any_table(&mut self, dice: &mut Dice<'_>) -> Option<usize> {
        let count = self.schema.tables.len();
        (count > 0).then(|| dice.below(count))
    }

    fn add_unique(&mut self, at: usize, dice: &mut Dice<'_>) {
        let columns = dice.some_of(&keyable(&self.schema.tables[at]), 2);
        let name = self.optional_name("uq", dice);
        let unique = Unique { name, columns };
        self.schema.tables[at].uniques.push(unique);
    }

    fn add_check(&mut self, at: usize, dice: &mut Dice<'_>) {
        let columns: Vec<Id> = self.schema.tables[at]
            .columns
            .iter()
            .filter(|column| sql::can_be_checked(column.kind.family()))
            .map(|column| column.id)
            .collect();
        let columns = dice.some_of(&columns, 2);
        if columns.is_empty() {
            return;
        }
        let form = dice.below(8);
        let name = self.optional_name("ck", dice);
        let check = Check {
            name,
            columns,
            form,
        };
        self.schema.tables[at].checks.push(check);
    }

    fn add_index(&mut self, at: usize, dice: &mut Dice<'_>) {
        let ids: Vec<Id> = self.schema.tables[at]
            .columns
            .iter()
            .map(|column| column.id)
            .collect();
        let unique = dice.chance(30);
        let parts = dice.some_of(&ids, 3).into_iter().map(|column| Part {
            column,
            is_expression: dice.chance(20),
            descending: dice.chance(30),
        });
        let parts = parts.collect();
        let predicate = if dice.chance(25) {
            dice.one_of(&ids).copied()
        } else {
            None
        };
        let name = self.part_name("ix", dice);
        self.schema.tables[at].indexes.push(Index {
            name,
            unique,
            parts,
            predicate,
        });
    }

    fn add_foreign_key(&mut self, at: usize, dice: &mut Dice<'_>) {
        let table = self.schema.tables[at].clone();
        let mut possible = Vec::new();
        for parent in &self.schema.tables {
            for parent_columns in parent.keys() {
                let mut columns: Vec<Vec<Id>> = vec![Vec::new()];
                for wanted in parent_columns {
                    let wanted = parent.column(*wanted).expect("a key's column is there");
                    let fitting = table.columns.iter().filter(|column| {
                        column.kind.family() == wanted.kind.family()
                            && (parent.id != table.id || column.id != wanted.id)
                    });
                    let fitting: Vec<Id> = fitting.map(|column| column.id).collect();
                    let longer = columns.iter().flat_map(|before| {
                        let free = fitting.iter().filter(|id| !before.contains(id));
                        free.map(|id| [&before[..], &[*id]].concat())
                    });
                    columns = longer.take(8).collect();
                }
                let keys = columns.into_iter().map(|columns| ForeignKey {
                    name: None,
                    columns,
                    parent: parent.id,
                    parent_columns: parent_columns.clone(),
                    on_delete: 0,
                    on_update: 0,
                    deferral: 0,
                });
                possible.extend(keys.filter(|key| is_possible(&self.schema, &table, key)));
            }
        }
        let Some(mut key) = dice.one_of(&possible).cloned() else {
            return;
        };
        key.on_delete = dice.below(ACTIONS.len());
        key.on_update = dice.below(ACTIONS.len());
        key.deferral = if dice.chance(30) {
            1 + dice.below(DEFERRALS.len() - 1)
        } else {
            0
        };
        key.name = self.optional_name("fk", dice);
        self.schema.tables[at].foreign_keys.push(key);
    }
}

fn keyable(table: &Table) -> Vec<Id> {
    let columns = table.columns.iter();
    columns
        .filter(|column| column.kind.can_be_key() && column.generated.is_none())
        .map(|column| column.id)
        .collect()
}

fn generate(table: &Table, column: &mut Column, dice: &mut Dice<'_>) {
    let sources = table.columns.iter().filter(|source| {
        source.id != column.id
            && source.generated.is_none()
            && matches!(source.kind.family(), Family::Number | Family::Text)
    });
    let sources: Vec<&Column> = sources.collect();
    if let Some(source) = dice.one_of(&sources) {
        column.kind = source.kind;
        column.generated = Some(Generated {
            from: source.id,
            form: dice.below(2),
            stored: !dice.chance(50),
        });
    }
}
