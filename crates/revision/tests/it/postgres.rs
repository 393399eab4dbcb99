//! What only PostgreSQL can do, and what it says.

use revision::{Engine, Target};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::migrations::Script;
use crate::support::{impatient, postgres, select};

struct Colours;

impl MigratorTrait for Colours {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let script = |name, up| {
            Box::new(Script {
                name,
                up,
                down: &[],
                transaction: None,
            })
        };
        vec![
            script(
                "m1_create",
                &[
                    "CREATE TYPE colour AS ENUM ('red')",
                    "CREATE TABLE pen (colour colour)",
                ],
            ),
            script("m2_add_blue", &["ALTER TYPE colour ADD VALUE 'blue'"]),
            script("m3_use_blue", &["INSERT INTO pen VALUES ('blue')"]),
            Box::new(Script {
                name: "m4_index",
                up: &["CREATE INDEX CONCURRENTLY pen_colour ON pen (colour)"],
                down: &[],
                transaction: Some(false),
            }),
            script("m5_more", &["INSERT INTO pen VALUES ('red')"]),
        ]
    }
}

#[tokio::test]
async fn a_value_is_added_to_an_enum_and_used_in_one_command() {
    let url = postgres().await;
    let colours = Engine::new::<Colours>();
    // Committed by itself, the enum is older than the value: only then does the server refuse to use it.
    colours
        .upgrade(&url, &Target::Steps(1), &impatient())
        .await
        .unwrap();
    let report = colours
        .upgrade(&url, &Target::Head, &impatient())
        .await
        .unwrap();
    let names: Vec<&str> = report.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["m2_add_blue", "m3_use_blue", "m4_index", "m5_more"]);
    assert_eq!(
        select(&url, "SELECT colour::text FROM pen ORDER BY 1").await,
        ["blue", "red"]
    );
    assert_eq!(
        select(
            &url,
            "SELECT relname::text FROM pg_class WHERE relname = 'pen_colour'"
        )
        .await,
        ["pen_colour"]
    );
}

struct Narrow;

impl MigratorTrait for Narrow {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let up = &[
            "CREATE TABLE secret (word text)",
            "INSERT INTO secret VALUES ('swordfish')",
            "ALTER TABLE secret ALTER word TYPE integer USING word::integer",
        ];
        vec![Box::new(Script {
            name: "m1",
            up,
            down: &[],
            transaction: None,
        })]
    }
}

#[tokio::test]
async fn a_value_from_a_row_is_never_repeated() {
    let url = postgres().await;
    let error = Engine::new::<Narrow>()
        .upgrade(&url, &Target::Head, &impatient())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Migration m1 failed: a value cannot be read as the new type (SQLSTATE 22P02)"
    );
    let source = std::error::Error::source(&error).expect("the driver's error stays for the log");
    assert!(source.to_string().contains("swordfish"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let url = "postgres://me:secret@127.0.0.1:1/notes";
    let error = Engine::new::<Narrow>().status(url).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Can't open the database notes at 127.0.0.1:1: "),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("secret"));
}
