//! Cases whose schemas are declared by entities.

mod drugs;
mod routes;

use revision::operation::Change;
use revision::{Declared, Details};
use sea_orm::sea_query::{ConditionalStatement as _, Expr, ExprTrait as _, ForeignKey, Index};

use super::case::Case;
use super::compared::{Schema, Sides, run};
use super::server;
use drugs::{batch, bound_batch, further, greater, hinted, medicine, plain, rich};
use routes::{by_route, by_three, by_word};

/// The text of a case, and what is declared before and after.
type Row = (&'static str, Declared, Declared);

/// A test for each function that has rows, and all of them.
macro_rules! rows {
    ($($name:ident),* $(,)?) => {
        pub(super) fn all() -> Vec<(Case, Sides)> {
            let rows = [$($name()),*].into_iter().flatten();
            rows.map(case).collect()
        }

        mod every {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::agree(super::$name()).await;
                }
            )*
        }
    };
}

rows![
    the_same_entities_are_the_same,
    the_first_entity_is_a_table_with_its_indexes,
    what_attributes_say_is_found,
    a_former_name_is_applied_once,
    without_a_hint_it_is_asked,
    greater_numbers_are_found_on_postgres_alone,
    a_relation_is_a_foreign_key,
    an_enum_grows,
    a_text_becomes_an_enum,
    what_only_details_can_say_is_found,
    a_column_is_computed_by_details,
    a_table_has_a_former_name,
    a_foreign_key_is_added_by_details,
];

fn case((text, before, after): Row) -> (Case, Sides) {
    let sides = Sides {
        before: Schema::Entities(before),
        after: Schema::Entities(after),
        left_out: Vec::new(),
    };
    (Case::all(text).remove(0), sides)
}

async fn agree(rows: Vec<Row>) {
    for (case, sides) in rows.into_iter().map(case) {
        let said = run(&case, &sides, Some(&server().await)).await;
        assert!(said.is_ok(), "{}: {said:?}", case.name);
    }
}

fn only<E: sea_orm::EntityTrait>(entity: E) -> Declared {
    Declared::new().entity(entity)
}

fn the_same_entities_are_the_same() -> Vec<Row> {
    vec![("# nothing", only(rich::Entity), only(rich::Entity))]
}

fn the_first_entity_is_a_table_with_its_indexes() -> Vec<Row> {
    let text = "\
# a table
> create table drug
> drug: set comment of unit
> drug: create index idx-drug-made (made)
> drug: create unique index idx-drug-place (shelf, box)
< drop table drug
";
    vec![(text, Declared::new(), only(rich::Entity))]
}

fn what_attributes_say_is_found() -> Vec<Row> {
    let text = "\
# attributes
@ no nulls
> drug: rename column title to name
> drug: set type of name to varchar(40)
> drug: add column unit varchar NOT NULL DEFAULT 'tablet'
> drug: set comment of unit
> drug: add column active bool NOT NULL DEFAULT TRUE
> drug: add column made timestamp without time zone NOT NULL DEFAULT CURRENT_TIMESTAMP
> drug: add column shelf integer NOT NULL DEFAULT 0
> drug: add column box integer
> drug: add unique (name)
> drug: add check (shelf >= 0)
> drug: create index idx-drug-made (made)
> drug: create unique index idx-drug-place (shelf, box)
= drug.unit = tablet
";
    vec![(text, only(plain::Entity), only(rich::Entity))]
}

fn a_former_name_is_applied_once() -> Vec<Row> {
    let text = "\
# a hint
> drug: rename column title to name
< drug: rename column name to title
";
    vec![
        (text, only(plain::Entity), only(hinted::Entity)),
        ("# a stale hint", only(hinted::Entity), only(hinted::Entity)),
    ]
}

fn without_a_hint_it_is_asked() -> Vec<Row> {
    let text = "\
# a question
? drug.title is gone: was it renamed to name, or is it dropped with what is in it? --rename drug.title:name --drop drug.title
";
    vec![(text, only(plain::Entity), only(further::Entity))]
}

fn greater_numbers_are_found_on_postgres_alone() -> Vec<Row> {
    let text = "\
# i32 to i64
> drug: set type of stock to bigint
< drug: set type of stock to integer
";
    vec![(text, only(further::Entity), only(greater::Entity))]
}

fn a_relation_is_a_foreign_key() -> Vec<Row> {
    let text = "\
# a relation
> batch: add foreign key (drug_id) to drug (id) on delete cascade
< batch: drop foreign key (drug_id)
";
    let both = |declared: Declared| declared.entity(plain::Entity);
    vec![(
        text,
        both(only(batch::Entity)),
        both(only(bound_batch::Entity)),
    )]
}

fn an_enum_grows() -> Vec<Row> {
    let text = "\
# a value more
> enum route: add value nasal before other
< enum route: replace its values by (oral, other)
";
    vec![(text, only(by_route::Entity), only(by_three::Entity))]
}

fn a_text_becomes_an_enum() -> Vec<Row> {
    let text = "\
# from words
@ no rows
> create enum route (oral, other)
> intake: set type of route to route
< intake: set type of route to varchar(9)
< drop enum route
";
    vec![(text, only(by_word::Entity), only(by_route::Entity))]
}

fn what_only_details_can_say_is_found() -> Vec<Row> {
    let details = Details::of(further::Entity)
        .check("ck-drug-stock", Expr::col("stock").gte(0))
        .unique("uq-drug-name", ["name", "stock"])
        .collation("name", Some("NOCASE"), Some("C"))
        .index(
            Index::create()
                .name("idx-drug-many")
                .table(further::Entity)
                .col("name")
                .and_where(Expr::col("stock").gt(9)),
        );
    let text = "\
# details
> drug: set collation of name to NOCASE
> drug: add unique uq-drug-name (name, stock)
> drug: add check ck-drug-stock (stock >= 0)
> drug: create index idx-drug-many (name) where stock > 9
";
    let after = only(further::Entity).details(details);
    vec![(text, only(further::Entity), after)]
}

fn a_column_is_computed_by_details() -> Vec<Row> {
    let details = Details::of(further::Entity).generated("stock", Expr::col("id").mul(2));
    let text = "\
# details of a computed column
> drug: compute stock as id * 2 stored
< drug: no longer compute stock
";
    let after = only(further::Entity).details(details);
    vec![(text, only(further::Entity), after)]
}

fn a_table_has_a_former_name() -> Vec<Row> {
    let details = Details::of(medicine::Entity).renamed_from("drug");
    let text = "\
# a former name of a table
> rename table drug to medicine
> medicine: rename constraint drug_pkey to medicine_pkey
";
    let after = || only(medicine::Entity).details(details.clone());
    vec![
        (text, only(further::Entity), after()),
        ("# a stale hint", after(), after()),
    ]
}

fn a_foreign_key_is_added_by_details() -> Vec<Row> {
    let mut key = ForeignKey::create();
    key.name("fk-batch-drug")
        .from_tbl("batch")
        .from_col("drug_id");
    key.to_tbl("drug").to_col("id");
    let details = Details::of(batch::Entity)
        .foreign_key(&key)
        .change(Change::SetComment {
            column: None,
            comment: Some("it's what was bought".to_owned()),
        });
    let text = "\
# details of a foreign key
> batch: add foreign key (drug_id) to drug (id)
> batch: set comment
";
    let both = || only(plain::Entity).entity(batch::Entity);
    vec![(text, both(), both().details(details))]
}
