//! A migration's checksum: that of the statements which it issues on an empty database.

use std::fmt::Write as _;

use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::{MigrationTrait, SchemaManager};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::tape::{self, Scratch};

/// One checksum for each migration of the program; nothing for those whose statements could not be recorded.
#[derive(Debug, Default)]
pub(crate) struct Checksums(Vec<Option<String>>);

impl Checksums {
    /// Plays the first `len` migrations to a scratch database of this kind.
    pub(crate) async fn of(
        migrations: &[Box<dyn MigrationTrait>],
        len: usize,
        backend: DbBackend,
    ) -> Result<Self, Error> {
        let scratch = match backend {
            DbBackend::Sqlite => Some(Scratch::new().await?),
            _ => None,
        };
        let (connection, recording) = tape::scratch(backend, scratch.as_ref());
        let mut checksums = Vec::with_capacity(len);
        for migration in &migrations[..len] {
            let result = migration.up(&SchemaManager::new(&connection)).await;
            let statements = tape::take(&recording);
            match result {
                Ok(()) => checksums.push(Some(checksum(&statements))),
                Err(error) => {
                    tracing::debug!(migration = migration.name(), %error, "no checksum");
                    checksums.push(None);
                    if scratch.is_some() {
                        // What follows would be played to a half of what it builds on.
                        break;
                    }
                }
            }
        }
        Ok(Self(checksums))
    }

    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        self.0.get(index)?.as_deref()
    }
}

/// Runs migrations on a real connection, one after another, and keeps no record.
pub(crate) async fn replay(
    migrations: &[&dyn MigrationTrait],
    manager: &SchemaManager<'_>,
) -> Result<(), DbErr> {
    for migration in migrations {
        migration.up(manager).await?;
    }
    Ok(())
}

fn checksum(statements: &[String]) -> String {
    let mut hash = Sha256::new();
    for statement in statements {
        hash.update(statement.as_bytes());
        hash.update([0]);
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn where_one_statement_ends_counts() {
        let one = |statements: &[&str]| {
            let statements: Vec<String> = statements.iter().map(|one| (*one).to_owned()).collect();
            checksum(&statements)
        };
        assert_ne!(one(&["ab", "c"]), one(&["a", "bc"]));
        assert_eq!(one(&["ab", "c"]), one(&["ab", "c"]));
        assert_eq!(one(&[]).len(), 64);
    }
}
