//! Three migrations of a notebook: tables with a cascading child, a column, and a change of data.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm_migration::prelude::*;

pub(crate) struct Full;
/// An older version of the program: it knows the first two.
pub(crate) struct Short;
/// As [`Full`], but the last statement of the last migration fails.
pub(crate) struct Broken;

impl MigratorTrait for Full {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CREATE), Box::new(TITLE), Box::new(TAGS)]
    }
}

impl MigratorTrait for Short {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CREATE), Box::new(TITLE)]
    }
}

impl MigratorTrait for Broken {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CREATE), Box::new(TITLE), Box::new(BROKEN_TAGS)]
    }
}

/// A migration as two lists of statements that both databases understand.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) up: &'static [&'static str],
    pub(crate) down: &'static [&'static str],
    pub(crate) transaction: Option<bool>,
}

const CREATE: Script = Script {
    name: "m20260101_000000_create_notes",
    up: &[
        "CREATE TABLE folder (id integer PRIMARY KEY, name text NOT NULL)",
        "CREATE TABLE note (id integer PRIMARY KEY, folder_id integer REFERENCES folder (id) ON DELETE CASCADE, reads integer NOT NULL)",
        "INSERT INTO folder VALUES (1, 'home')",
        "INSERT INTO note VALUES (1, 1, 100)",
    ],
    down: &["DROP TABLE note", "DROP TABLE folder"],
    transaction: None,
};

const TITLE: Script = Script {
    name: "m20260102_000000_add_title",
    up: &[
        "ALTER TABLE note ADD COLUMN title text",
        "UPDATE note SET title = 'untitled', reads = reads + 1",
    ],
    down: &["ALTER TABLE note DROP COLUMN title"],
    transaction: None,
};

const TAGS: Script = Script {
    name: "m20260103_000000_add_tags",
    up: &[
        "CREATE TABLE tag (id integer PRIMARY KEY, note_id integer)",
        "UPDATE note SET reads = reads * 2",
        "CREATE INDEX tag_note ON tag (note_id)",
    ],
    down: &["DROP TABLE tag"],
    transaction: None,
};

const BROKEN_TAGS: Script = Script {
    up: &[
        "CREATE TABLE tag (id integer PRIMARY KEY, note_id integer)",
        "UPDATE note SET reads = reads * 2",
        "INSERT INTO nowhere VALUES (1)",
    ],
    ..TAGS
};

impl MigrationName for Script {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Script {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.down).await
    }

    fn use_transaction(&self) -> Option<bool> {
        self.transaction
    }
}

async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let die_at: Option<u32> = env::var("NOTEBOOK_DIE_AT")
        .ok()
        .and_then(|text| text.parse().ok());
    for statement in statements {
        if die_at == Some(COUNT.fetch_add(1, Ordering::Relaxed) + 1) {
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
        }
        manager
            .get_connection()
            .execute_unprepared(statement)
            .await?;
    }
    Ok(())
}
