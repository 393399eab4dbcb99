//! Three migrations of a notebook: tables with a cascading child, a column, and a change of data.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm_migration::prelude::*;

pub(crate) struct Full;
/// An older version of the program: it knows the first two.
pub(crate) struct Short;
/// As [`Full`], but the last statement of the last migration fails.
pub(crate) struct Broken;

/// As [`Full`], but the second migration is not what it was.
pub(crate) struct Edited;
/// As [`Full`], but the last migration waits for the file `NOTEBOOK_GATE` in the middle.
pub(crate) struct Gated;

/// As [`Full`], but one in the middle cannot run in a transaction, and bears to be run again.
pub(crate) struct Alone;

impl MigratorTrait for Alone {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(CREATE),
            Box::new(ALONE_TITLE),
            Box::new(TITLE),
            Box::new(TAGS),
        ]
    }
}

impl MigratorTrait for Edited {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CREATE), Box::new(EDITED_TITLE), Box::new(TAGS)]
    }
}

impl MigratorTrait for Gated {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CREATE), Box::new(TITLE), Box::new(GATED_TAGS)]
    }
}

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

const EDITED_TITLE: Script = Script {
    up: &[
        "ALTER TABLE note ADD COLUMN title text",
        "UPDATE note SET title = 'no title', reads = reads + 1",
    ],
    ..TITLE
};

const ALONE_TITLE: Script = Script {
    name: "m20260101_120000_index_notes",
    up: &[
        "CREATE INDEX IF NOT EXISTS note_folder ON note (folder_id)",
        "VACUUM",
        "CREATE INDEX IF NOT EXISTS note_reads ON note (reads)",
    ],
    down: &["DROP INDEX note_folder", "DROP INDEX note_reads"],
    transaction: Some(false),
};

const GATED_TAGS: Script = Script {
    up: &[
        "CREATE TABLE tag (id integer PRIMARY KEY, note_id integer)",
        "UPDATE note SET reads = reads * 2",
        GATE,
        "CREATE INDEX tag_note ON tag (note_id)",
    ],
    ..TAGS
};

/// Not a statement, but a pause.
const GATE: &str = "-- gate";

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
    for statement in statements {
        tick();
        match *statement {
            GATE => gate(manager).await,
            statement => {
                let connection = manager.get_connection();
                connection.execute_unprepared(statement).await?;
            }
        }
    }
    Ok(())
}

/// Says on standard error that it has come to the gate, and waits until it is open.
///
/// A scratch database passes: only in the real one there is something to wait for.
async fn gate(manager: &SchemaManager<'_>) {
    let (Ok(gate), SchemaManagerConnection::Transaction(_)) =
        (env::var("NOTEBOOK_GATE"), manager.get_connection())
    else {
        return;
    };
    let _ = std::io::Write::write_all(&mut std::io::stderr(), b"at the gate\n");
    while !std::path::Path::new(&gate).exists() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Counts a statement, and ends the process before the one that `NOTEBOOK_DIE_AT` names.
pub(crate) fn tick() {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let die_at = env::var("NOTEBOOK_DIE_AT").ok();
    let die_at = die_at.and_then(|text| text.parse().ok());
    if die_at == Some(COUNT.fetch_add(1, Ordering::Relaxed) + 1) {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
